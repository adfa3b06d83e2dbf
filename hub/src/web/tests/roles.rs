//! What each role gets of footage and exhibits.
use super::*;
use crate::model::role::Role;

const MAY: [&str; 4] = ["operator", "supervisor", "coordinator", "approver"];

/// ROL-2, V3: a contractor, an inspector, police and an administrator are refused at every address of an exhibit and of footage, before a
/// purpose is asked for; who asked for it, what for and under which reference is told to none of them. The others get all of it.
#[tokio::test]
async fn only_some_roles_get_an_exhibit() {
    let site = Site::new().await;
    for role in Role::ALL.map(Role::word) {
        let may = MAY.contains(&role);
        let cookie = site.cookie_of(role).await;
        let home = site.get("/cameras", &cookie, "").await;
        assert_eq!(home.status, 200, "{role}");
        let (form, home) = (home.form(), home.text());
        assert!(home.contains("ashby"), "{role} sees boxes");
        for part in ["EXH-", "/footage/", "Pulled clips", "aria-label=\"2026"] {
            assert_eq!(home.contains(part), may, "{role}: {part}");
        }
        let before = site.size();
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
        // One viewing and two saves; or that a clip and footage were refused, each once a minute.
        let lines = if may { 3 } else { 2 };
        assert_eq!(site.size() - before, lines, "{role} is on record");
    }
}

/// UI-1, ROL-1: pages lead to what somebody may do, and to nothing else.
#[tokio::test]
async fn navigation_is_by_role() {
    let site = Site::new().await;
    let leads = async |role: &str| {
        let home = site.get("/", &site.cookie_of(role).await, "").await.text();
        let nav = home.split("<nav").nth(1).expect("navigation");
        let nav = nav.split("</nav>").next().unwrap_or_default().to_owned();
        ["/holds", "/evidence", "/masks", "/lifts", "/retention"]
            .into_iter()
            .filter(|page| nav.contains(&format!("href=\"{page}\"")))
            .collect::<Vec<_>>()
    };
    assert_eq!(leads("contractor").await, ["/masks", "/retention"]);
    assert_eq!(
        leads("auditor").await,
        ["/evidence", "/masks", "/retention"]
    );
    assert_eq!(
        leads("operator").await,
        ["/holds", "/evidence", "/masks", "/retention"]
    );
    assert_eq!(
        leads("supervisor").await,
        ["/holds", "/evidence", "/masks", "/lifts", "/retention"]
    );
    // Whoever may not see clips is not led to one from elsewhere.
    let cookie = site.cookie_of("auditor").await;
    let page = site.get("/evidence", &cookie, "").await.text();
    assert!(
        page.contains("EXH-2026-000001") && !page.contains("/clip/"),
        "{page}"
    );
}

/// ROL-1: what somebody may is looked up for each request: another role, or no account any more, counts at once.
#[tokio::test]
async fn an_account_counts_as_it_is_now() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let status = async |path: &str| site.get(path, &cookie, "").await.status;
    assert_eq!(status("/clip/EXH-2026-000001").await, 200);
    let records = rusqlite::Connection::open(site.rig.dir.path().join("hub.sqlite"));
    let records = records.expect("records");
    records
        .execute("UPDATE grants SET role='contractor' WHERE op=(SELECT op FROM accounts WHERE name='kim')", [])
        .expect("changed");
    assert_eq!(status("/clip/EXH-2026-000001").await, 403);
    assert_eq!(status("/api/v1/clips").await, 403);
    assert_eq!(status("/").await, 200);
    records
        .execute("DELETE FROM entrances", [])
        .and_then(|_| records.execute("DELETE FROM accounts WHERE name='kim'", []))
        .expect("closed");
    assert_eq!(status("/").await, 303);
    assert_eq!(status("/api/v1/boxes").await, 401);
}
