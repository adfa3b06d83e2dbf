//! Wiring. The page of the own account: password, declaration, second factors, sessions. Whoever has to do one of these before anything else
//! is led here, and sees that one.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use shared::time::Zone;

use super::door;
use crate::{
    access::{
        browsers::SessionRow,
        declaration::Declaration,
        factors::{FactorRow, NewFactor},
        principal::First,
        signin,
        totp::Secret,
    },
    api::COOKIE,
    ops::{own, staff},
    reason::Accounts,
    web::{
        context::{App, Outcome, Refusal, SignedIn, no_such_act, set_cookie},
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    name: String,
    /// What has to be done before anything else, in a sentence.
    first: &'static str,
    password: bool,
    declaration: Option<Declaration>,
    since: String,
    factors: Option<FactorsView>,
    sessions: Option<Vec<SessionView>>,
}

struct FactorsView {
    own: Vec<FactorView>,
    new: NewFactor,
}

struct FactorView {
    n: u64,
    label: String,
    kind: &'static str,
    made: String,
    used: String,
}

struct SessionView {
    begun: String,
    seen: String,
    ends: String,
}

fn factor(f: &FactorRow, zone: &Zone) -> FactorView {
    FactorView {
        n: f.factor,
        label: f.label.clone(),
        kind: match f.kind.as_str() {
            "passkey" => "passkey",
            _ => "codes of an app",
        },
        made: f.made.for_people(zone),
        used: f
            .used
            .map_or_else(|| "not yet".into(), |t| t.for_people(zone)),
    }
}

fn session(s: &SessionRow, zone: &Zone) -> SessionView {
    SessionView {
        begun: s.begun.for_people(zone),
        seen: s.seen.for_people(zone),
        ends: s.ends.for_people(zone),
    }
}

/// `secret`: what an app was told already, so that the page does not show another.
async fn answer(
    app: &App,
    who: &SignedIn,
    secret: Option<&str>,
    outcome: Outcome,
) -> Result<Response, Refusal> {
    let (first, zone) = (who.person().limits.first, app.zone());
    let sees = |section: First| first.is_none_or(|f| f == section);
    let declaration = match sees(First::Declaration) {
        // A hub that asks for none has none.
        true => app.perform(who, own::ShowDeclaration {}).await.ok(),
        false => None,
    };
    let factors = match sees(First::Factor) {
        true => {
            let mut new = app.perform(who, own::FreshFactor {}).await?;
            if let Some(told) = secret.and_then(|text| Secret::parse(text).ok()) {
                let (scheme, name) = (app.scheme(), &who.person().name);
                new.secret = told.text().as_str().into();
                new.uri = told.uri(scheme, name).as_str().into();
                if let Ok(drawing) = told.drawing(scheme, name) {
                    new.drawing = drawing.as_str().into();
                }
            }
            let own = app.perform(who, own::Factors::default()).await?;
            let own = own.rows.iter().map(|f| factor(f, zone)).collect();
            Some(FactorsView { own, new })
        }
        false => None,
    };
    let sessions = match first {
        None => {
            let mine = own::Sessions {
                own: true,
                ..own::Sessions::default()
            };
            let own = app.perform(who, mine).await?.rows;
            Some(own.iter().map(|s| session(s, zone)).collect())
        }
        Some(_) => None,
    };
    let shown = AccountPage {
        frame: who
            .frame(app, "/account")
            .after(&outcome.done, &outcome.problem),
        name: who.person().name.clone(),
        first: match first {
            None => "",
            Some(First::Password) => {
                "Your password is one that the hub made. Set one of your own; until then there is nothing else here for you."
            }
            Some(First::Declaration) => {
                "Read the declaration and accept it; until then there is nothing else here for you."
            }
            Some(First::Factor) => {
                "A role of yours takes a second factor. Set one up; until then there is nothing else here for you."
            }
        },
        password: sees(First::Password),
        since: declaration
            .as_ref()
            .map(|d| d.since.for_people(zone))
            .unwrap_or_default(),
        declaration,
        factors,
        sessions,
    };
    outcome.on(&shown)
}

pub async fn show(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refusal> {
    answer(&app, &who, None, Outcome::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    form: String,
    act: String,
    old: String,
    new: String,
    again: String,
    sha256: String,
    label: String,
    secret: String,
    code: String,
    credential: String,
    password: String,
    factor: u64,
}

pub async fn act(
    State(app): State<Arc<App>>,
    who: SignedIn,
    headers: HeaderMap,
    Form(form): Form<AccountForm>,
) -> Result<Response, Refusal> {
    who.check_form(&form.form)?;
    let secret = Some(form.secret.clone()).filter(|s| !s.is_empty());
    let (label, password) = (form.label, form.password);
    let done = match form.act.as_str() {
        "password" if form.new != form.again => Err(Accounts::PasswordTypedTwoWays.into()),
        "password" => {
            let set = staff::Password {
                old: form.old,
                new: form.new,
            };
            match app.perform(&who, set).await {
                Ok(_) => return again(&app, &who, &headers).await,
                Err(e) => Err(e),
            }
        }
        "accept" => {
            let accept = own::Accept {
                sha256: form.sha256,
            };
            match app.perform(&who, accept).await {
                Ok(_) => return Ok(Redirect::to("/").into_response()),
                Err(e) => Err(e),
            }
        }
        "code" => {
            let add = own::AddCode {
                label,
                secret: form.secret,
                code: form.code,
                password,
            };
            app.perform(&who, add).await.map(|_| added())
        }
        "passkey" => {
            let add = own::AddPasskey {
                label,
                credential: form.credential,
                password,
            };
            app.perform(&who, add).await.map(|_| added())
        }
        "remove" => {
            let remove = own::RemoveFactor {
                factor: form.factor,
                password,
            };
            let removed = app.perform(&who, remove).await;
            removed.map(|_| "The second factor is worth nothing any more.".into())
        }
        "everywhere" => {
            let name = who.person().name.clone();
            match app.perform(&who, own::EndSessions { name }).await {
                Ok(_) => {
                    let gone = set_cookie(COOKIE, "", "; Max-Age=0");
                    let gone = [(header::SET_COOKIE, gone)];
                    return Ok((gone, Redirect::to("/sign-in")).into_response());
                }
                Err(e) => Err(e),
            }
        }
        _ => return Err(no_such_act().into()),
    };
    let who = match &done {
        // What had to be done first may be done now.
        Ok(_) => who.anew(&app).await?,
        Err(_) => who,
    };
    let secret = secret.filter(|_| done.is_err());
    answer(&app, &who, secret.as_deref(), Outcome::of(done)?).await
}

fn added() -> String {
    "From now on you are asked for this second factor when you sign in.".into()
}

/// With another password all sessions are over; this browser goes on with a new one.
async fn again(app: &App, who: &SignedIn, headers: &HeaderMap) -> Result<Response, Refusal> {
    let op = who.person().op;
    let Some(person) = app.work(move |hub| signin::person(hub, op)).await? else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let value = door::begin(app, headers, &person).await?;
    let cookie = [(header::SET_COOKIE, set_cookie(COOKIE, &value, ""))];
    Ok((cookie, Redirect::to("/account")).into_response())
}
