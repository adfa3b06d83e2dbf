//! Wiring. The page of staff: accounts with their roles, what waits for a second administrator, who accepted the declaration.

use askama::Template;
use serde::Deserialize;

use crate::{
    access::{
        accounts::{AccountRow, PasswordRenewal},
        grants::{Bounds, GrantOutcome},
        table,
    },
    error::HubError,
    list::Part,
    model::role::Role,
    ops::{own, roles, staff},
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "staff.html")]
pub struct StaffPage {
    frame: Frame,
    /// Whoever looks may change something.
    keeps: bool,
    words: [&'static str; 9],
    accounts: Vec<AccountView>,
    waiting: Vec<WaitingView>,
    accepted: Vec<AcceptedView>,
    leaf: Leaf,
}

/// Accounts on one page.
const ACCOUNTS: u32 = 50;
/// Acceptances, the newest, and requests that wait.
const OTHERS: u32 = 100;

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

#[derive(Clone, Default, Deserialize)]
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

page_form!(StaffForm);

fn once(name: &str, password: &str) -> String {
    format!(
        "One-time password of {name}: {password} – it is shown this once, and has to be changed before anything else."
    )
}

fn asked(n: u64) -> String {
    format!("Asked for as request {n}: another administrator has to approve it.")
}

impl FormPage for StaffPage {
    const PATH: &'static str = "/staff";
    type Form = StaffForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<StaffForm>,
    ) -> Result<Self, HubError> {
        let (me, zone) = (&who.person().name, app.zone());
        let open = staff::List {
            closed: false,
            part: shown.turn.part(ACCOUNTS),
        };
        let accounts = app.perform(who, open).await?;
        let part = Part::of(OTHERS);
        let waiting = roles::Waiting { part: part.clone() };
        let waiting = app.perform(who, waiting).await?.rows;
        let accepted = app.perform(who, own::Acceptances { part }).await?.rows;
        let leaf = shown.turn.leaf(Self::PATH, accounts.next.as_ref());
        let accounts = accounts.rows;
        Ok(Self {
            frame: shown.frame,
            leaf,
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
        })
    }

    async fn act(app: &App, who: &SignedIn, form: StaffForm) -> Result<String, HubError> {
        let (name, n) = (form.name, form.request);
        let shown = name.clone();
        Ok(match form.act.as_str() {
            "add" => {
                let role = form.role;
                let made = app.perform(who, staff::Add { name, role }).await?;
                let role = made.ask.map(asked).unwrap_or_default();
                format!("{} {role}", once(&shown, &made.password))
            }
            "name" => {
                let to = form.shown;
                app.perform(who, staff::Name { name, shown: to }).await?;
                format!("The name of {shown} is written down.")
            }
            "reset" => match app.perform(who, staff::Reset { name }).await? {
                PasswordRenewal::Password(password) => once(&shown, &password),
                PasswordRenewal::Ask(n) => asked(n),
            },
            "recover" => asked(app.perform(who, staff::Recover { name }).await?.ask),
            "sign-out" => {
                app.perform(who, own::EndSessions { name }).await?;
                format!("{shown} is signed out everywhere.")
            }
            "close" => {
                app.perform(who, staff::Close { name }).await?;
                format!("The account {shown} is closed.")
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
                match app.perform(who, give).await? {
                    GrantOutcome::Grant(n) => format!("{shown} has the role (number {n})."),
                    GrantOutcome::Ask(n) => asked(n),
                }
            }
            "revoke" => {
                app.perform(who, roles::Take { grant: form.grant }).await?;
                "The role is taken away.".into()
            }
            "approve" => {
                let approved = app.perform(who, roles::Approve { request: n }).await?;
                match approved.password {
                    Some(password) => once("the account", &password),
                    None => format!("Request {n} is approved, and done."),
                }
            }
            "withdraw" => {
                app.perform(who, roles::Withdraw { request: n }).await?;
                format!("Request {n} is withdrawn.")
            }
            _ => return Err(no_such_act()),
        })
    }
}
