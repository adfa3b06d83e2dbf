//! What each role gets of footage and exhibits.
use super::*;
use crate::access::role::Role;

const MAY: [&str; 4] = ["operator", "supervisor", "coordinator", "approver"];

/// ROL-2, V3: a contractor, an inspector, police and an administrator are refused at every address of an exhibit and of footage, before a
/// purpose is asked for; who asked for it, what for and under which reference is told to none of them. The others get all of it.
#[tokio::test]
async fn only_some_roles_get_an_exhibit() {
    let mut site = Site::new().await;
    for (n, role) in Role::ALL.map(Role::word).into_iter().enumerate() {
        // So many sign-ins of one address at once have to wait.
        if n % 4 == 3 {
            site = Site::new().await;
        }
        let may = MAY.contains(&role);
        let cookie = site.cookie_of(role).await;
        let home = site.get("/", &cookie, "").await;
        assert_eq!(home.status, 200, "{role}");
        let (form, home) = (home.form(), home.text());
        assert!(home.contains("ashby"), "{role} sees boxes");
        for part in [
            "EXH-",
            "/footage/",
            "Pulled clips",
            "Evidence to be looked at",
            "aria-label=\"2026",
        ] {
            assert_eq!(home.contains(part), may, "{role}: {part}");
        }
        let before = site.did().len();
        let clip = "/clip/EXH-2026-000001";
        if may {
            let body = format!("form={form}&purpose=theft&reference=r");
            assert_eq!(
                site.post(clip, &cookie, &body, "").await.status,
                303,
                "{role}"
            );
        } else {
            let asked = site.get(clip, &cookie, "").await;
            assert_eq!(asked.status, 403, "{role}");
            assert!(
                asked.text().contains(role) && asked.text().contains("may not"),
                "{}",
                asked.text()
            );
            for body in ["", "x=y", "purpose=theft&reference=r"] {
                let body = format!("form={form}&{body}");
                let refused = site.post(clip, &cookie, &body, "").await;
                assert_eq!(refused.status, 403, "{role}: {body}");
            }
            // What is not there is refused like what is.
            let none = site.get("/clip/EXH-2026-000009", &cookie, "").await;
            assert_eq!(none.text(), asked.text(), "{role}");
        }
        for path in ["play/0", "save/0", "certificate"] {
            let path = format!("{clip}/{path}");
            for more in ["", "Range: bytes=0-9\r\n"] {
                let answer = site.get(&path, &cookie, more).await;
                match may {
                    true => assert!(matches!(answer.status, 200 | 206), "{role}: {path}"),
                    false => assert_eq!(answer.status, 403, "{role}: {path}"),
                }
                if !may {
                    for part in ["theft", "CR/1", "High Street"] {
                        assert!(!answer.text().contains(part), "{role}: {path}: {part}");
                    }
                }
            }
        }
        let footage = site.get("/footage/ashby/c01", &cookie, "").await;
        assert_eq!(footage.status, if may { 200 } else { 403 }, "{role}");
        assert_eq!(
            site.did().len() - before,
            usize::from(may),
            "{role} is on record"
        );
    }
}
