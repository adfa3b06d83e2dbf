//! Wiring. The page of tokens: for programs, and for the commands of somebody whose second factor is a passkey, which only a browser can ask for.

use askama::Template;
use serde::Deserialize;
use shared::time::Zone;

use crate::{
    access::{principal::Limits, table, tokens::TokenRow},
    error::HubError,
    model::operation::Row,
    ops::tokens,
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
        parts::Frame,
    },
};

struct TokenView {
    n: u64,
    account: String,
    label: String,
    scopes: String,
    made: String,
    until: String,
    good: bool,
}

/// An operation that a token of whoever looks may be for.
struct ScopeView {
    name: &'static str,
    what: &'static str,
}

#[derive(Template)]
#[template(path = "tokens.html")]
pub struct TokensPage {
    frame: Frame,
    tokens: Vec<TokenView>,
    leaf: Leaf,
    scopes: Vec<ScopeView>,
    typed: TokenForm,
}

fn view(t: TokenRow, zone: &Zone) -> TokenView {
    TokenView {
        n: t.token,
        account: t.account,
        label: t.label,
        scopes: t.scopes.join(" "),
        made: t.made.for_people(zone),
        until: t.until.for_people(zone),
        good: t.good,
    }
}

fn scopes(may: impl Fn(&'static Row) -> bool) -> Vec<ScopeView> {
    let rows = table::ALL.iter().copied();
    let rows = rows.filter(|row| Limits::token_may(row) && may(row));
    rows.map(|row| ScopeView {
        name: row.name,
        what: row.what,
    })
    .collect()
}

/// Tokens on one page.
const TOKENS: u32 = 50;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    form: String,
    act: String,
    token: u64,
    label: String,
    /// Names of operations, with anything but letters between.
    scopes: String,
    days: String,
}

page_form!(TokenForm);

impl TokenForm {
    fn scopes(&self) -> Vec<String> {
        let names = self.scopes.split(|c: char| c.is_whitespace() || c == ',');
        names.filter(|n| !n.is_empty()).map(str::to_owned).collect()
    }
}

impl FormPage for TokensPage {
    const PATH: &'static str = "/tokens";
    type Form = TokenForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<TokenForm>,
    ) -> Result<Self, HubError> {
        let part = shown.turn.part(TOKENS);
        let tokens = app.perform(who, tokens::List { part }).await?;
        let (now, zone) = (app.now(), app.zone());
        Ok(Self {
            leaf: shown.turn.leaf(Self::PATH, tokens.next.as_ref()),
            tokens: tokens.rows.into_iter().map(|t| view(t, zone)).collect(),
            scopes: scopes(|row| who.may(row, now)),
            typed: shown.typed,
            frame: shown.frame,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: TokenForm) -> Result<String, HubError> {
        match form.act.as_str() {
            "add" => {
                let add = tokens::Add {
                    scopes: form.scopes(),
                    label: form.label,
                    // What is no number is no number of days that a token may have.
                    days: form.days.trim().parse().unwrap_or(0),
                };
                let made = app.perform(who, add).await?;
                Ok(format!(
                    "Token {}, until {}: {} – it is shown this once.",
                    made.token,
                    made.until.for_people(app.zone()),
                    made.secret
                ))
            }
            "revoke" => {
                let token = form.token;
                app.perform(who, tokens::Revoke { token }).await?;
                Ok(format!("Token {token} is worth nothing any more."))
            }
            _ => Err(no_such_act()),
        }
    }
}
