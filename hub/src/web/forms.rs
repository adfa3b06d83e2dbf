//! Wiring. Pages that show something and take forms about it: shown, and shown again with what became of a form. A page says what it reads and
//! what its forms do; the rest is here.

use std::{future::Future, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::Response,
};
use serde::de::DeserializeOwned;

use super::{
    context::{App, Outcome, Refusal, SignedIn},
    leaf::Turn,
    parts::Frame,
};
use crate::error::HubError;

/// What a form of a page holds. An empty one holds nothing.
pub trait PageForm: Clone + Default + DeserializeOwned + Send {
    /// The token by which it is known for one of this session's.
    fn token(&self) -> &str;
}

/// A form of only so many fields, with its token in `form`.
macro_rules! page_form {
    ($form:ty) => {
        impl $crate::web::forms::PageForm for $form {
            fn token(&self) -> &str {
                &self.form
            }
        }
    };
}
pub(super) use page_form;

/// What a page is made of beside what it reads.
pub struct PageState<F> {
    /// The head, with what became of the form.
    pub frame: Frame,
    /// Which part of its list.
    pub turn: Turn,
    /// What of its address names what it is about; empty for a page that is about all of something.
    pub about: String,
    /// What was typed, where it was not taken.
    pub typed: F,
}

/// A page with forms of its own. Adding one is this, its template, and its line in the table of pages.
pub trait FormPage: Template + Sized + Send {
    const PATH: &'static str;
    type Form: PageForm;

    /// The page as things are.
    fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<Self::Form>,
    ) -> impl Future<Output = Result<Self, HubError>> + Send;

    /// Does what a form asks for, and says in a sentence that it was done.
    fn act(
        app: &App,
        who: &SignedIn,
        form: Self::Form,
    ) -> impl Future<Output = Result<String, HubError>> + Send;
}

async fn answer<P: FormPage>(
    app: &App,
    who: &SignedIn,
    (turn, about): (Turn, String),
    outcome: Outcome,
    typed: P::Form,
) -> Result<Response, Refusal> {
    let frame = who
        .frame(app, P::PATH)
        .after(&outcome.done, &outcome.problem);
    let shown = PageState {
        frame,
        turn,
        about,
        typed,
    };
    let page = P::read(app, who, shown).await?;
    outcome.on(&page)
}

pub async fn show<P: FormPage>(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let at = (turn, String::new());
    answer::<P>(&app, &who, at, Outcome::default(), Default::default()).await
}

/// The same of a page about one thing, which its address names.
pub async fn show_one<P: FormPage>(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(about): Path<String>,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let at = (turn, about);
    answer::<P>(&app, &who, at, Outcome::default(), Default::default()).await
}

async fn acted<P: FormPage>(
    app: &App,
    who: &SignedIn,
    about: String,
    form: P::Form,
) -> Result<Response, Refusal> {
    who.check_form(form.token())?;
    let outcome = Outcome::of(P::act(app, who, form.clone()).await)?;
    let typed = match outcome.problem.is_empty() {
        true => P::Form::default(),
        false => form,
    };
    answer::<P>(app, who, (Turn::default(), about), outcome, typed).await
}

pub async fn act<P: FormPage>(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<P::Form>,
) -> Result<Response, Refusal> {
    acted::<P>(&app, &who, String::new(), form).await
}

pub async fn act_one<P: FormPage>(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(about): Path<String>,
    Form(form): Form<P::Form>,
) -> Result<Response, Refusal> {
    acted::<P>(&app, &who, about, form).await
}
