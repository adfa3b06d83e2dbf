//! The API as its document says it is: a hub that runs, asked by a program that has read `openapi.json` and nothing else.
use std::{collections::BTreeMap, process::Command, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    access::principal::{Limits, Principal},
    model::{grant::Grant, role::Role},
    ops::{operation, tokens},
};

/// Number of an account that has every role.
const EVERYBODY: u32 = 70;
/// Accounts that may come to harm: names that are asked for are these.
const SPARE: [&str; 3] = ["spare", "brenda", "siân"];

/// What takes another person, a phone or key, or a text that a document does not know.
const OF_SOMEBODY_ELSE: [&str; 10] = [
    "declaration.accept",
    "evidence.approve",
    "evidence.certificate",
    "factor.code",
    "factor.passkey",
    "factor.remove",
    "request.authorise",
    "request.notice",
    "staff.break-glass",
    "staff.password",
];

/// What names this account in the head of a request, by operation that it may: a token of it, or its session where no token may.
async fn named(site: &Site, number: u32) -> BTreeMap<&'static str, [String; 2]> {
    let person = crate::access::signin::person(site.hub(), number).expect("read");
    let person = person.expect("an account");
    let roles = person.roles(site.hub().now());
    let cookie = site.cookie_for(&person.name).await;
    let may = |row: &&&Row| row.own || row.roles.iter().any(|r| roles.contains(r));
    let (by_token, by_session): (Vec<&Row>, Vec<&Row>) = table::ALL
        .iter()
        .filter(may)
        .partition(|row| Limits::token_may(row));
    let who = Principal::Person(person);
    let mut all = BTreeMap::new();
    for row in by_session {
        all.insert(row.name, ["Cookie".to_owned(), cookie.clone()]);
    }
    for rows in by_token.chunks(40) {
        let wanted = tokens::Add {
            label: "schemathesis".into(),
            scopes: rows.iter().map(|row| row.name.to_owned()).collect(),
            days: 30,
        };
        let made = operation::perform(&site.rig.hub, &who, wanted).await;
        let value = format!("Bearer {}", made.expect("a token").secret);
        let named = ["Authorization".to_owned(), value];
        all.extend(rows.iter().map(|row| (row.name, named.clone())));
    }
    all
}

/// ROL-1, AUD-1: whatever is asked, with the token of whatever role, no answer is one that the document does not know, none is a fault of
/// the hub, and what is refused is not said to be done. Twenty examples of each operation; BEADLE_EXAMPLES=500 in `make fuzz`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "`make test` runs it by itself: it takes scripts/schemathesis.sh"]
async fn the_api_is_as_its_document_says() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let program = format!("{root}/target/schemathesis/bin/schemathesis");
    assert!(
        std::fs::exists(&program).unwrap_or(false),
        "schemathesis is not here; scripts/schemathesis.sh puts it into target/schemathesis"
    );
    let site = Site::new().await;
    let hub = site.hub();
    hub.account(EVERYBODY, "everybody", "operator");
    for role in Role::ALL {
        hub.db
            .add_grant(EVERYBODY, &Grant::everywhere(role), "sys:hub", now())
            .expect("recorded");
    }
    for (n, name) in SPARE.iter().enumerate().skip(1) {
        hub.account(71 + n as u32, name, "operator");
    }
    everybody::furnish(hub);
    let mut all = BTreeMap::new();
    all.insert("everybody", named(&site, EVERYBODY).await);
    for role in Role::ALL.map(Role::word) {
        all.insert(role, named(&site, scene::number(role)).await);
    }
    // What may be taken away: a role of somebody's, and a token that nobody uses here.
    let grants = hub.db.all_grants().expect("read");
    let grants: Vec<u64> = grants[&60].iter().map(|grant| grant.n).collect();
    let token = tokens::Add {
        label: "lost".into(),
        scopes: vec!["box.list".into()],
        days: 30,
    };
    let kim = crate::access::signin::person(hub, scene::KIM)
        .expect("read")
        .expect("kim");
    let token = operation::perform(&site.rig.hub, &Principal::Person(kim), token).await;
    let token = token.expect("a token").token;
    let hold = ["H-000012", "H-000013", "H-000014", "H-000099"];
    // One that can be followed to its end.
    let exhibits = [1, 4, 21, 22, 99].map(|n| format!("EXH-2026-{n:06}"));
    let folder = tempfile::tempdir().expect("folder");
    let answers = folder.path().join("answers.json");
    let api = json!({
        "answers": answers,
        "named": all,
        "known": {
            "box": ["ashby", "ashby", "brook", "nowhere"], "cam": ["c01", "c01", "c02", "c99"],
            "exhibit": exhibits, "hold": hold, "request": [1, 2, 40, 41, 99],
            "request.request": (31..=36).map(|n| format!("R-{n:06}")).collect::<Vec<_>>(), "request.why": ["no-right", "mistake", "not-collected"],
            "cameras": [["ashby/c01"]], "purpose": ["theft"], "reference": ["CR/1"], "requester": ["PC 17"], "grant": grants, "token": [token, 9001],
            "name": SPARE, "owner": ["brook", "tenby"], "log": ["hub", "ashby", "nowhere"], "role": ["operator", "auditor", "nonsense"],
            "scopes": [["box.list"], ["box.list", "mask.list"], ["nonsense"]],
            "t0": ["2026-11-03T11:59:10.000Z"], "t1": ["2026-11-03T11:59:20.000Z"], "from": ["2026-11-03T11:59:10.000Z"],
            "to": ["2026-11-03T11:59:20.000Z"], "until": ["2026-11-10T00:00:00.000Z"],
            "given": [{"class": "surveillance"}, {"class": "general"}], "password": ["a long one to have"], "reason": ["as ruled"],
        },
        "fenced": ["name", "grant", "token", "exhibit"],
    });
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let document = write(
        "openapi.json",
        crate::api::openapi::document().to_string().as_bytes(),
    );
    let examples = std::env::var("BEADLE_EXAMPLES").unwrap_or_else(|_| "20".into());
    let mut command = Command::new(program);
    command
        .env("BEADLE_API", write("api.json", api.to_string().as_bytes()))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", format!("{root}/tests/schemathesis"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path())
        .arg("run")
        .arg(document)
        .args(["--url", &format!("https://localhost:{}{}", site.addr.port(), crate::api::BASE)])
        .arg("--tls-verify")
        .arg(write("ca.pem", site.pem.as_bytes()))
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", &examples, "--workers", "1"])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,refused_is_not_done"])
        .args(["--request-timeout", "20", "--suppress-health-check", "all", "--warnings", "off", "--no-color", "--generation-database", "none", "--continue-on-failure"]);
    if examples == "20" {
        command.args(["--seed", "15"]);
    }
    // Time goes on for the hub, or all that is asked would be asked in one moment.
    let hands = site.rig.hands.clone();
    let clock = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            hands.later(100);
        }
    });
    let done = tokio::task::spawn_blocking(move || command.output());
    let done = done.await.expect("ran").expect("schemathesis starts");
    clock.abort();
    let said = String::from_utf8_lossy(&done.stdout);
    println!("{said}\n{}", String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "the API is not as its document says");
    let answers = std::fs::read(answers).expect("answers");
    let answers: BTreeMap<String, BTreeMap<String, u32>> =
        serde_json::from_slice(&answers).expect("answers");
    println!("{answers:#?}");
    // What was asked was not nonsense alone: most operations were done, and everything was asked and refused too.
    let often = answers.values().filter(|all| all.contains_key("200"));
    let (done, all) = (often.count(), table::ALL.len());
    let could = table::ALL
        .iter()
        .filter(|row| !everybody::needs_a_box(row.name) && !OF_SOMEBODY_ELSE.contains(&row.name));
    let could = could.count();
    assert!(
        done * 4 > could * 3,
        "only {done} of {could} operations were ever done"
    );
    assert_eq!(answers.len(), all);
}
