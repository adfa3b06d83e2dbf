//! The first page, by role.
use super::*;
use crate::model::role::Role;

/// Headings of its parts, and the roles that have them.
const PARTS: [(&str, &[&str]); 8] = [
    (
        "Waits for you",
        &["supervisor", "coordinator", "approver", "administrator"],
    ),
    (
        "My requests",
        &["operator", "supervisor", "coordinator", "approver"],
    ),
    (
        "Masks to be reviewed",
        &["supervisor", "coordinator", "approver"],
    ),
    (
        "Declarations to be accepted",
        &["coordinator", "auditor", "inspector", "administrator"],
    ),
    (
        "The hub itself",
        &[
            "supervisor",
            "coordinator",
            "approver",
            "auditor",
            "inspector",
            "administrator",
        ],
    ),
    (
        "Faults, oldest first",
        &[
            "auditor",
            "inspector",
            "police",
            "contractor",
            "administrator",
        ],
    ),
    (
        "Ask for a clip",
        &["operator", "supervisor", "coordinator", "approver"],
    ),
    (
        "Boxes that need somebody",
        &["operator", "supervisor", "coordinator", "approver"],
    ),
];

/// ROL-1, ROL-2, UI-1: the first page has what is somebody's to do and to look at, and nothing else: no exhibit, no footage, nobody's name for who may
/// see none; what they may is what the table of operations says.
#[tokio::test]
async fn the_first_page_is_by_role() {
    let site = Site::new().await;
    for role in Role::ALL.map(Role::word) {
        let cookie = site.cookie_of(role).await;
        let before = site.size();
        let home = site.get("/", &cookie, "").await;
        assert_eq!(home.status, 200, "{role}");
        let text = home.text();
        for (part, roles) in PARTS {
            assert_eq!(text.contains(part), roles.contains(&role), "{role}: {part}");
        }
        assert!(text.contains("of 3 cameras recording"), "{role}: {text}");
        for part in ["PC 17", "CR/1", "theft", "/footage/", "<video", "<img"] {
            assert!(!text.contains(part), "{role}: {part}");
        }
        // Nobody was asked for what is not theirs.
        assert_eq!(site.size(), before, "{role}");
    }
}

/// ROL-4: whoever looks after the cameras of one owner has those on their first page, and nothing of the hub as a whole.
#[tokio::test]
async fn a_part_of_the_cameras_is_all_there_is() {
    let site = Site::new().await;
    let records = rusqlite::Connection::open(site.rig.dir.path().join("hub.sqlite"));
    let records = records.expect("records");
    let mine = site.hub().db.grants(scene::number("supervisor"));
    for grant in mine.expect("grants") {
        let n = grant.n as i64;
        records
            .execute("UPDATE grants SET scope='cameras' WHERE n=?1", [n])
            .and_then(|_| {
                records.execute("INSERT INTO grant_cameras VALUES (?1, 'ashby', 'c01')", [n])
            })
            .expect("changed");
    }
    let cookie = site.cookie_of("supervisor").await;
    let before = site.size();
    let text = site.get("/", &cookie, "").await.text();
    assert!(text.contains("of 1 camera recording"), "{text}");
    for part in ["The hub itself", "href=\"/hub\"", "href=\"/log\""] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    assert_eq!(site.size(), before);
}
