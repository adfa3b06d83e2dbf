//! What takes two administrators, and who two people are; what comes before everything else; root's way in.
use super::*;
use crate::{
    access::{
        accounts::NewAccount,
        breaks, declaration,
        factors::{self, Proof},
        principal::First,
        totp::Secret,
        two,
    },
    ops::own,
};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const DAY_MS: u64 = 86_400_000;

fn all() -> Bounds {
    Bounds {
        all: true,
        ..Bounds::default()
    }
}

impl House {
    async fn add(&self, by: u32, name: &str, role: &str) -> NewAccount {
        let add = staff::Add {
            name: name.into(),
            role: role.into(),
        };
        self.by(by, add).await.expect("made")
    }

    /// Its owner sets a password of their own.
    async fn takes_over(&self, made: &NewAccount) {
        let set = staff::Password {
            old: made.password.clone(),
            new: "a long enough one".into(),
        };
        self.by(made.op, set).await.expect("set");
    }

    fn text(&self, text: &str) {
        let path = declaration::path(&self.hub().state);
        std::fs::write(path, text).expect("written");
        declaration::look(self.hub()).expect("looked at");
    }

    fn lines(&self, kind: &str) -> Vec<String> {
        let folder = self.hub().log.folder();
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("log")
            .map(|e| e.expect("entry").path())
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        files.sort();
        let text: String = files
            .iter()
            .map(|p| std::fs::read_to_string(p).expect("log"))
            .collect();
        let kind = format!("\"type\":\"{kind}\"");
        text.lines()
            .filter(|l| l.contains(&kind))
            .map(str::to_owned)
            .collect()
    }

    fn code(&self) -> String {
        Secret::parse(SECRET)
            .expect("a secret")
            .code_at(self.hub().now())
    }

    async fn enrols(&self, op: u32, password: &str) -> Result<own::FactorNumber, HubError> {
        let add = own::AddCode {
            label: "phone".into(),
            secret: SECRET.into(),
            code: self.code(),
            password: password.into(),
        };
        self.by(op, add).await
    }
}

/// ROL-5: one administrator gives nobody a role that decides, whether with a new account or later; the second says so when the account is
/// its owner's.
#[tokio::test]
async fn a_role_that_decides_takes_two_administrators() {
    let house = House::new();
    let made = house.add(1, "lee", "supervisor").await;
    let request = made.ask.expect("it is only asked for");
    assert!(house.person(made.op).grants.is_empty());
    let approve = || roles::Approve { request };
    assert_eq!(class(house.by(1, approve()).await), Class::Refused);
    let early = house.by(2, approve()).await.err().expect("early");
    assert!(
        early.to_string().contains("has not signed in yet"),
        "{early}"
    );
    house.takes_over(&made).await;
    house.by(2, approve()).await.expect("approved");
    assert_eq!(house.person(made.op).grants.len(), 1);
    for role in ["supervisor", "coordinator", "approver", "administrator"] {
        let given = house.ask(1, "kim", role, all()).await;
        assert!(matches!(given, GrantOutcome::Ask(_)), "{role}");
    }
    let given = house.ask(1, "kim", "operator", all()).await;
    assert!(matches!(given, GrantOutcome::Grant(_)));
    // Whoever made an account vouches for it no more than for themselves.
    let made = house.add(2, "pat", "approver").await;
    house.takes_over(&made).await;
    let withdraw = roles::Withdraw {
        request: made.ask.expect("asked"),
    };
    house.by(2, withdraw).await.expect("withdrawn");
    let GrantOutcome::Ask(request) = house.ask(1, "pat", "approver", all()).await else {
        panic!("asked");
    };
    let own = house.by(2, roles::Approve { request }).await.err();
    let own = own.expect("refused").to_string();
    assert!(own.contains("bob made the account pat"), "{own}");
}

/// ROL-5: two accounts that are in one person's hands are not two people: made by one, or with a password that one was told; until another
/// administrator vouched, or a month passed.
#[tokio::test]
async fn two_accounts_of_one_person_are_not_two_people() {
    let house = House::new();
    let hub = house.hub();
    let (a, b) = (
        house.add(1, "a", "operator").await.op,
        house.add(1, "b", "operator").await.op,
    );
    let c = house.add(2, "c", "operator").await.op;
    for (one, other) in [(a, b), (1, a), (a, 1), (a, a)] {
        assert_eq!(class(two::people(hub, one, other)), Class::Refused);
    }
    for (one, other) in [(a, c), (1, 2), (2, a), (3, a)] {
        two::people(hub, one, other).unwrap_or_else(|e| panic!("{one} {other}: {e}"));
    }
    // What is in the hands of an account is in those of whoever has that one.
    house
        .by(2, staff::Reset { name: "a".into() })
        .await
        .expect("reset");
    hub.db.add_hand(2, 1, hub.now()).expect("recorded");
    assert_eq!(class(two::people(hub, c, b)), Class::Refused);
    hub.db.end_hands(2, hub.now()).expect("recorded");
    two::people(hub, c, b).expect("two");
    house.0.hands.later(31 * DAY_MS);
    two::people(hub, a, b).expect("two, after a month");
    // Names as the log has them; the console is nobody.
    assert!(two::named(hub, "op:0001", "op:0001").is_err());
    assert!(two::named(hub, "op:0001", "op:0000").is_err());
    two::named(hub, "op:0001", "op:0002").expect("two");
}

/// ROL-5: a password of an account that decides is given anew by two, and is then in the hands of whoever was told it.
#[tokio::test]
async fn a_reset_of_who_decides_takes_two_administrators() {
    let house = House::new();
    house.give(1, "kim", "supervisor", all()).await;
    let reset = || staff::Reset { name: "kim".into() };
    let Ok(PasswordRenewal::Ask(request)) = house.by(1, reset()).await else {
        panic!("it is only asked for");
    };
    house.signs_in("kim", PASSWORD, None).expect("still");
    assert_eq!(
        class(house.by(1, roles::Approve { request }).await),
        Class::Refused
    );
    let approved = house.by(2, roles::Approve { request }).await;
    let password = approved.expect("approved").password.expect("a password");
    assert!(house.signs_in("kim", PASSWORD, None).is_err());
    let kim = house.signs_in("kim", &password, None).expect("signed in");
    assert_eq!(kim.limits.first, Some(First::Password));
    assert!(two::people(house.hub(), 3, 2).is_err(), "bob was told it");
    two::people(house.hub(), 3, 1).expect("ann was not");
    let line = house.lines("op.password").pop().expect("a line");
    assert!(line.contains("\"by\":[\"op:0001\",\"op:0002\"]"), "{line}");
}

/// ROL-3: nobody does anything before the declaration is accepted, and again when its text changes; who accepted which text is listed.
#[tokio::test]
async fn the_declaration_comes_first() {
    let house = House::new();
    // A hub without a file asks for the text it was made with.
    declaration::look(house.hub()).expect("looked at");
    let first = house.by(1, own::ShowDeclaration {}).await.expect("shown");
    assert_eq!(first.text, declaration::FIRST.trim());
    house.text("We look at nobody.\n\u{1b}[2J");
    assert_eq!(
        class(house.by(1, boxes::List::default()).await),
        Class::Refused
    );
    assert_eq!(
        class(house.by(1, own::Factors::default()).await),
        Class::Refused
    );
    let shown = house.by(1, own::ShowDeclaration {}).await.expect("shown");
    assert!(
        !shown.text.contains('\u{1b}') && !shown.accepted,
        "{shown:?}"
    );
    let accept = |sha256: &str| own::Accept {
        sha256: sha256.into(),
    };
    let old = house.by(1, accept(&first.sha256)).await;
    assert_eq!(class(old), Class::Refused, "another text than was read");
    house.by(1, accept(&shown.sha256)).await.expect("accepted");
    house.by(1, boxes::List::default()).await.expect("list");
    let twice = house.by(1, accept(&shown.sha256)).await;
    assert_eq!(class(twice), Class::Refused);
    // The same text again is nothing new; another is, and so is the first one once more.
    house.text("We look at nobody.\n\u{1b}[2J");
    house.by(1, boxes::List::default()).await.expect("list");
    house.text("We look at nobody, ever.");
    assert_eq!(
        class(house.by(1, boxes::List::default()).await),
        Class::Refused
    );
    house.text("We look at nobody.\n\u{1b}[2J");
    assert_eq!(
        class(house.by(1, boxes::List::default()).await),
        Class::Refused
    );
    house.by(1, accept(&shown.sha256)).await.expect("accepted");
    // A file that cannot be read changes nothing.
    house.text(" \n");
    house.by(1, boxes::List::default()).await.expect("list");
    assert_eq!(house.lines("decl.set").len(), 4);
    let listed = house
        .by(1, own::Acceptances::default())
        .await
        .expect("list")
        .rows;
    let newest: Vec<bool> = listed.iter().map(|a| a.newest).collect();
    assert_eq!(newest, [true, false], "{listed:?}");
    assert!(
        listed
            .iter()
            .all(|a| a.account == "ann" && a.sha256 == shown.sha256)
    );
    assert_eq!(house.lines("op.accept").len(), 2);
}

/// ROL-2, ROL-3, SEC-1: no door leads past what comes first: neither a token from before, nor a second person's word.
#[tokio::test]
async fn no_door_leads_past_what_comes_first() {
    let house = House::new();
    house.give(1, "kim", "operator", all()).await;
    let add = ops::tokens::Add {
        label: "panel".into(),
        scopes: vec!["box.list".into()],
        days: 2,
    };
    let token = house.by(3, add).await.expect("made");
    house.text("We look at nobody.");
    let with = tokens::bearer(house.hub(), &token.secret).expect("good");
    let with = Principal::Person(with);
    let no = ops::operation::perform(house.hub(), &with, boxes::List::default()).await;
    assert_eq!(class(no), Class::Refused);
    // What comes first is not a program's to do.
    let no = ops::operation::perform(house.hub(), &with, own::ShowDeclaration {}).await;
    assert_eq!(class(no), Class::NotAllowed);
    let made = house.hub().hire("lee", "operator", PASSWORD);
    house
        .hub()
        .db
        .set_password(made, "x", true)
        .expect("stored");
    for refused in [
        class(house.by(made, boxes::List::default()).await),
        class(house.by(made, own::ShowDeclaration {}).await),
        class(house.by(made, own::Factors::default()).await),
        class(
            house
                .by(
                    made,
                    ops::tokens::List {
                        part: Part::default(),
                    },
                )
                .await,
        ),
        class(house.by(made, own::Sessions::default()).await),
    ] {
        assert_eq!(refused, Class::Refused);
    }
}

/// ROL-2: a role that takes a second factor is nobody's without one; a code signs in once; guesses are slowed.
#[tokio::test]
async fn second_factors() {
    let mut house = House::new();
    let hub = Arc::get_mut(&mut house.0.hub).expect("nobody else has it");
    hub.takes_second_factors(&[Role::Administrator]);
    let ann = || house.signs_in("ann", PASSWORD, None);
    assert_eq!(ann().expect("in").limits.first, Some(First::Factor));
    assert_eq!(
        class(house.by(1, boxes::List::default()).await),
        Class::Refused
    );
    let new = house.by(1, own::FreshFactor {}).await.expect("made");
    assert!(new.drawing.starts_with("<svg") && new.passkey.is_some());
    let wrong = house.enrols(1, "wrong").await;
    assert_eq!(class(wrong), Class::Refused);
    house.enrols(1, PASSWORD).await.expect("enrolled");
    house.by(1, boxes::List::default()).await.expect("list");
    ann().expect("a code was given just now");
    house.0.hands.later(11 * 60_000);
    let in_ = |code: &str| house.signs_in("ann", PASSWORD, Some(code));
    assert!(ann().expect_err("a code").to_string().contains("--code"));
    in_(&house.code()).expect("signed in");
    ann().expect("not again within minutes");
    house.0.hands.later(11 * 60_000);
    ann().expect_err("a code");
    let mut looked_at = 0;
    for n in 0..20 {
        let no = in_(&format!("{n:06}")).expect_err("wrong");
        looked_at += usize::from(no.class() == Class::Refused);
    }
    assert_eq!(looked_at, 5, "the rest were not looked at");
    assert_eq!(class(in_(&house.code())), Class::TooFast);
    house.0.hands.later(30_000);
    in_(&house.code()).expect("signed in");
    let line = house.lines("acc.fail").pop().expect("a line");
    assert!(line.contains("\"how\":\"code\"") && line.contains("\"op\":\"op:0001\""));
    let line = house.lines("acc.login").pop().expect("a line");
    assert!(line.contains("password+code"), "{line}");
    // The last one stays while a role takes it; another's is not theirs to take.
    let factor = house
        .by(1, own::Factors::default())
        .await
        .expect("list")
        .rows[0]
        .factor;
    let remove = |password: &str| own::RemoveFactor {
        factor,
        password: password.into(),
    };
    assert_eq!(class(house.by(1, remove(PASSWORD)).await), Class::Refused);
    house.give(1, "kim", "operator", all()).await;
    assert_eq!(class(house.by(3, remove(PASSWORD)).await), Class::Missing);
    // What the records hold is of no use without the key, nor for another account.
    let held = house.hub().db.factors(1).expect("reads");
    assert!(!held[0].secret.contains(SECRET));
    house
        .hub()
        .db
        .add_factor(
            3,
            factors::CODE,
            "stolen",
            &held[0].secret,
            None,
            house.hub().now(),
        )
        .expect("recorded");
    house.0.hands.later(60_000);
    let stolen = factors::check(house.hub(), 3, &Proof::Code(house.code()));
    assert_eq!(class(stolen), Class::Broken);
}

/// ROL-5: whoever lost their second factor begins anew by two administrators' word, on the record.
#[tokio::test]
async fn recovery_takes_two_administrators() {
    let house = House::new();
    house.give(1, "kim", "operator", all()).await;
    house.enrols(3, PASSWORD).await.expect("enrolled");
    let Ok(PasswordRenewal::Password(password)) =
        house.by(1, staff::Reset { name: "kim".into() }).await
    else {
        panic!("one is enough for the password of who decides nothing");
    };
    house.0.hands.later(11 * 60_000);
    assert!(
        house.signs_in("kim", &password, None).is_err(),
        "and leaves the second factor"
    );
    let recover = || staff::Recover { name: "kim".into() };
    let request = house.by(2, recover()).await.expect("asked").ask;
    assert_eq!(
        class(house.by(2, roles::Approve { request }).await),
        Class::Refused
    );
    let by_reset = house.by(1, roles::Approve { request }).await;
    assert_eq!(class(by_reset), Class::Refused, "ann was told the password");
    let withdraw = roles::Withdraw { request };
    house.by(2, withdraw).await.expect("withdrawn");
    let request = house.by(1, recover()).await.expect("asked").ask;
    let approved = house.by(2, roles::Approve { request }).await;
    let password = approved.expect("approved").password.expect("a password");
    let kim = house.signs_in("kim", &password, None).expect("signed in");
    assert_eq!(kim.limits.first, Some(First::Password));
    assert_eq!(house.lines("op.unfactor").len(), 1);
    let own = staff::Recover { name: "ann".into() };
    assert_eq!(class(house.by(1, own).await), Class::Refused);
}

/// ROL-1: sessions end with the password, the account, and a role that is taken away; by their owner; by who administers.
#[tokio::test]
async fn sessions_are_ended() {
    let house = House::new();
    let hub = house.hub().clone();
    house.give(1, "kim", "operator", all()).await;
    let begin = |token: u8| {
        let begun = hub.sessions.begin(&hub.db, 3, 1, [token; 32], hub.now());
        begun.expect("begun")
    };
    let lives = |cookie: &str| hub.sessions.lives(cookie, hub.now());
    let end = |name: &str| own::EndSessions { name: name.into() };
    let one = begin(1);
    assert_eq!(
        house
            .by(3, own::Sessions::default())
            .await
            .expect("list")
            .rows
            .len(),
        1
    );
    assert_eq!(
        house
            .by(1, own::Sessions::default())
            .await
            .expect("list")
            .rows
            .len(),
        1
    );
    assert_eq!(class(house.by(3, end("ann")).await), Class::NotAllowed);
    assert_eq!(class(house.by(3, end("nobody")).await), Class::NotAllowed);
    house.by(3, end("kim")).await.expect("ended");
    assert!(!lives(&one));
    let two = begin(2);
    house.by(1, end("kim")).await.expect("ended");
    assert!(!lives(&two));
    let three = begin(3);
    let grant = hub.db.grants(3).expect("grants")[0].n;
    house.by(1, roles::Take { grant }).await.expect("taken");
    assert!(!lives(&three));
    house.give(1, "kim", "operator", all()).await;
    let four = begin(4);
    house
        .by(1, staff::Reset { name: "kim".into() })
        .await
        .expect("reset");
    assert!(!lives(&four));
    let five = begin(5);
    house
        .by(1, staff::Close { name: "kim".into() })
        .await
        .expect("closed");
    assert!(!lives(&five));
    assert!(hub.db.sessions().expect("rows").is_empty());
    assert_eq!(house.lines("op.signout").len(), 2);
}

/// ROL-5: root makes an administrator only while no two can sign in: named, with a reason, on the record, on every page for a week, and for
/// four hours.
#[tokio::test]
async fn break_glass() {
    let house = House::new();
    let glass = |name: &str| staff::BreakGlass {
        name: name.into(),
        person: "Siân Ó Briain".into(),
        reason: "both administrators are ill".into(),
    };
    let root = |glass| {
        let hub = house.hub().clone();
        async move { ops::operation::perform(&hub, &Principal::Console, glass).await }
    };
    assert_eq!(class(house.by(1, glass("x")).await), Class::NotAllowed);
    house.signs_in("ann", PASSWORD, None).expect("in");
    let one = root(glass("glass1"))
        .await
        .expect("one is not enough to do what takes two");
    let person = house.person(one.op);
    assert_eq!(person.limits.first, Some(First::Password));
    house.takes_over(&one).await;
    house
        .by(
            one.op,
            staff::List {
                closed: false,
                part: Part::default(),
            },
        )
        .await
        .expect("list");
    let line = house.lines("op.break").pop().expect("a line");
    assert!(line.contains("op:0000") && !line.contains("Siân"), "{line}");
    let said = breaks::notices(house.hub()).expect("notices");
    let said = crate::words::notice(&said[0]);
    assert!(
        said.contains("Siân Ó Briain") && said.contains("are ill"),
        "{said:?}"
    );
    house.signs_in("bob", PASSWORD, None).expect("in");
    let refused = root(glass("glass2"))
        .await
        .err()
        .expect("refused")
        .to_string();
    assert!(refused.contains("ann, bob"), "{refused}");
    house.0.hands.later(4 * 3_600_000);
    let over = house
        .by(
            one.op,
            staff::List {
                closed: false,
                part: Part::default(),
            },
        )
        .await;
    assert_eq!(class(over), Class::NotAllowed);
    house.0.hands.later(8 * DAY_MS);
    assert!(breaks::notices(house.hub()).expect("notices").is_empty());
    // A fortnight after the last of them was seen.
    house.0.hands.later(14 * DAY_MS);
    root(glass("glass3")).await.expect("made");
    assert_eq!(
        class(root(glass("glass3")).await),
        Class::Refused,
        "the name is taken"
    );
}
