//! Wiring. The page of staff: accounts with their roles, what waits for a second administrator, who accepted the declaration.

use std::sync::Arc;

use askama::Template;
use axum::{Form, extract::State, response::Response};
use serde::Deserialize;

use crate::{
    access::{
        accounts::{AccountRow, Renewed},
        grants::{Bounds, GrantOutcome},
        role::Role,
        table,
    },
    error::HubError,
    list::{MOST, Part},
    ops::{own, roles, staff},
    web::{
        context::{App, Outcome, Refused, SignedIn, no_such_act},
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage {
    frame: Frame,
    /// Whoever looks may change something.
    keeps: bool,
    words: [&'static str; 9],
    accounts: Vec<AccountView>,
    waiting: Vec<WaitingView>,
    accepted: Vec<AcceptedView>,
    done: String,
    problem: String,
}

struct AccountView {
    name: String,
    shown: String,
    op: String,
    roles: Vec<RoleView>,
    state: String,
    factors: String,
    entered: String,
    own: bool,
}

struct RoleView {
    n: u64,
    text: String,
}

struct WaitingView {
    n: u64,
    what: String,
    by: String,
    made: String,
    expires: String,
    own: bool,
}

struct AcceptedView {
    name: String,
    at: String,
    sha256: String,
    newest: bool,
}

fn account(app: &App, a: AccountRow, me: &str) -> AccountView {
    let zone = app.zone();
    AccountView {
        own: a.name == me,
        roles: a
            .roles
            .iter()
            .map(|r| RoleView {
                n: r.grant,
                text: format!("{} for {}", r.role, r.bounds.in_words(zone)),
            })
            .collect(),
        state: match a.once {
            true => "has to set a password".into(),
            false => String::new(),
        },
        factors: match a.factors.is_empty() {
            true => "none".into(),
            false => a.factors.join(", "),
        },
        entered: a
            .entered
            .map_or_else(|| "never".into(), |t| t.for_people(zone)),
        shown: a.shown.unwrap_or_default(),
        op: a.op,
        name: a.name,
    }
}

async fn answer(app: &App, who: &SignedIn, outcome: Outcome) -> Result<Response, Refused> {
    let me = &who.person().name;
    let accounts = app
        .perform(
            who,
            staff::List {
                closed: false,
                part: Part::of(MOST),
            },
        )
        .await?
        .rows;
    let waiting = app
        .perform(
            who,
            roles::Waiting {
                part: Part::of(MOST),
            },
        )
        .await?
        .rows;
    let accepted = app.perform(who, own::Acceptances::default()).await?.rows;
    let zone = app.zone();
    let shown = StaffPage {
        frame: who.frame(app, "/staff"),
        keeps: who.may(&table::STAFF_ADD, app.now()),
        words: Role::ALL.map(Role::word),
        accounts: accounts.into_iter().map(|a| account(app, a, me)).collect(),
        waiting: waiting
            .into_iter()
            .map(|w| WaitingView {
                n: w.request,
                what: w.in_words(zone),
                own: w.asked_by == *me,
                by: w.asked_by,
                made: w.made.for_people(zone),
                expires: w.expires.for_people(zone),
            })
            .collect(),
        accepted: accepted
            .into_iter()
            .map(|a| AcceptedView {
                name: a.account,
                at: a.accepted.for_people(zone),
                sha256: a.sha256,
                newest: a.newest,
            })
            .collect(),
        done: outcome.done.clone(),
        problem: outcome.problem.clone(),
    };
    outcome.on(&shown)
}

pub async fn show(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refused> {
    answer(&app, &who, Outcome::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct StaffForm {
    form: String,
    act: String,
    name: String,
    role: String,
    shown: String,
    owner: String,
    grant: u64,
    request: u64,
}

fn once(name: &str, password: &str) -> String {
    format!(
        "One-time password of {name}: {password} – it is shown this once, and has to be changed before anything else."
    )
}

fn asked(n: u64) -> String {
    format!("Asked for as request {n}: another administrator has to approve it.")
}

async fn done(app: &App, who: &SignedIn, form: StaffForm) -> Option<Result<String, HubError>> {
    let (name, n) = (form.name, form.request);
    let shown = name.clone();
    Some(match form.act.as_str() {
        "add" => {
            let role = form.role;
            let made = app.perform(who, staff::Add { name, role }).await;
            made.map(|made| {
                let role = made.ask.map(asked).unwrap_or_default();
                format!("{} {role}", once(&shown, &made.password))
            })
        }
        "name" => {
            let to = form.shown;
            let named = app.perform(who, staff::Name { name, shown: to }).await;
            named.map(|_| format!("The name of {shown} is written down."))
        }
        "reset" => match app.perform(who, staff::Reset { name }).await {
            Ok(Renewed::Password(password)) => Ok(once(&shown, &password)),
            Ok(Renewed::Ask(n)) => Ok(asked(n)),
            Err(e) => Err(e),
        },
        "recover" => {
            let recover = app.perform(who, staff::Recover { name }).await;
            recover.map(|made| asked(made.ask))
        }
        "sign-out" => {
            let ended = app.perform(who, own::EndSessions { name }).await;
            ended.map(|_| format!("{shown} is signed out everywhere."))
        }
        "close" => {
            let closed = app.perform(who, staff::Close { name }).await;
            closed.map(|_| format!("The account {shown} is closed."))
        }
        "grant" => {
            let owner = Some(form.owner).filter(|o| !o.is_empty());
            let give = roles::Give {
                name,
                role: form.role,
                bounds: Bounds {
                    all: owner.is_none(),
                    owner,
                    ..Bounds::default()
                },
            };
            match app.perform(who, give).await {
                Ok(GrantOutcome::Grant(n)) => Ok(format!("{shown} has the role (number {n}).")),
                Ok(GrantOutcome::Ask(n)) => Ok(asked(n)),
                Err(e) => Err(e),
            }
        }
        "revoke" => {
            let taken = app.perform(who, roles::Take { grant: form.grant }).await;
            taken.map(|_| "The role is taken away.".into())
        }
        "approve" => {
            let approved = app.perform(who, roles::Approve { request: n }).await;
            approved.map(|a| match a.password {
                Some(password) => once("the account", &password),
                None => format!("Request {n} is approved, and done."),
            })
        }
        "withdraw" => {
            let withdrawn = app.perform(who, roles::Withdraw { request: n }).await;
            withdrawn.map(|_| format!("Request {n} is withdrawn."))
        }
        _ => return None,
    })
}

pub async fn act(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<StaffForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let done = done(&app, &who, form).await.ok_or_else(no_such_act)?;
    answer(&app, &who, Outcome::of(done)?).await
}
