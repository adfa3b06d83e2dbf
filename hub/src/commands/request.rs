//! Wiring. `beadle-hub request …`: clip requests, from the draft to the day they are closed.

use clap::Subcommand;
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};

use super::{
    client::Client,
    clip,
    evidence::review_of,
    terminal::{print_json, typed},
};
use crate::{
    classes::RetentionClassInput,
    failure::CommandError,
    model::{
        clip_request::{CancelReason, CloseReason, RefusalReason},
        requester::{RequesterClass, TABLE},
    },
    ops::requests,
    requests::clip::{
        draft,
        rows::{RequestCameraRow, RequestRow},
    },
};

#[derive(Subcommand)]
pub enum Command {
    /// Write a request; with --submit ask for it at once
    Open {
        /// Who asks: police, statutory, solicitor, data-subject, media or other
        #[arg(long)]
        class: String,
        /// BOX/CAM; may be said several times
        #[arg(long = "camera")]
        cameras: Vec<String>,
        /// Start, as the clock on the wall shows it: "28/11/2026 18:59", "2026-11-28 18:59"; or 2026-11-28T18:59:00Z
        #[arg(long)]
        from: Option<String>,
        /// End
        #[arg(long)]
        to: Option<String>,
        #[command(flatten)]
        texts: Texts,
        /// How long its exhibits are kept: general, surveillance or review
        #[arg(long, default_value = "general")]
        keep: String,
        /// Of --keep review: the day on which somebody looks at them again, like 2027-05-01
        #[arg(long)]
        review: Option<String>,
        /// Fetch it before what is planned, whatever the hour
        #[arg(long)]
        urgent: bool,
        #[arg(long)]
        submit: bool,
        #[arg(long)]
        json: bool,
    },
    /// Have a draft say something else; what is not given stays as it was
    Change {
        /// Like R-000012
        request: String,
        #[arg(long)]
        class: Option<String>,
        /// BOX/CAM, all of them; may be said several times
        #[arg(long = "camera")]
        cameras: Vec<String>,
        #[arg(long)]
        from: Option<String>,
        #[arg(long)]
        to: Option<String>,
        #[command(flatten)]
        texts: Texts,
        /// How long its exhibits are kept: general, surveillance or review
        #[arg(long)]
        keep: Option<String>,
        /// Of --keep review: the day on which somebody looks at them again
        #[arg(long, requires = "keep")]
        review: Option<String>,
        /// true: before what is planned, whatever the hour; false: planned
        #[arg(long)]
        urgent: Option<bool>,
        #[arg(long)]
        json: bool,
    },
    /// Ask for what a draft says, with what was not said yet; its footage is held from then on
    Submit {
        /// Like R-000012
        request: String,
        #[command(flatten)]
        texts: Texts,
        #[arg(long)]
        json: bool,
    },
    /// Authorise one that somebody else submitted
    Authorise {
        request: String,
        #[arg(long)]
        json: bool,
    },
    /// Decide against one that waits to be authorised
    Refuse {
        /// no-right, identity, disproportionate, others, no-footage or other
        #[arg(long)]
        why: String,
        #[command(flatten)]
        end: End,
    },
    /// Take one back, also while its footage is being fetched
    Cancel {
        /// withdrawn, mistake, duplicate or other
        #[arg(long)]
        why: String,
        #[command(flatten)]
        end: End,
    },
    /// Put on record that its footage is handed over
    Release {
        request: String,
        /// To whom
        #[arg(long)]
        to: String,
        #[arg(long)]
        json: bool,
    },
    /// Nothing more is done with it
    Close {
        /// handed-over, not-collected, nothing-to-hand-over or other
        #[arg(long)]
        why: String,
        #[command(flatten)]
        end: End,
    },
    /// Requests, newest first
    List {
        #[arg(long)]
        json: bool,
    },
    /// One of them: each camera, what was found, what is missing and why
    Show {
        request: String,
        #[arg(long)]
        json: bool,
    },
}

/// How one ends.
#[derive(clap::Args)]
pub struct End {
    /// Like R-000012
    request: String,
    /// What there is to say besides
    #[arg(long)]
    note: Option<String>,
    #[arg(long)]
    json: bool,
}

/// What a requester says for themselves.
#[derive(clap::Args)]
pub struct Texts {
    /// Why it is needed
    #[arg(long)]
    purpose: Option<String>,
    /// The requester's own reference, such as a crime number
    #[arg(long)]
    reference: Option<String>,
    /// Who asks for it
    #[arg(long)]
    requester: Option<String>,
    /// The court's order, or the power in law, it is asked under
    #[arg(long)]
    order: Option<String>,
    /// How it was checked who asks
    #[arg(long)]
    identity: Option<String>,
}

impl From<Texts> for draft::Texts {
    fn from(t: Texts) -> Self {
        Self {
            purpose: t.purpose,
            reference: t.reference,
            requester: t.requester,
            order: t.order,
            identity: t.identity,
        }
    }
}

fn class_of(text: &str) -> Result<RequesterClass, CommandError> {
    let all: Vec<&str> = TABLE.iter().map(|r| r.class.word()).collect();
    word("class", text, &all, RequesterClass::parse(text))
}

fn cameras_of(cameras: &[String]) -> Result<Vec<BoxCamera>, CommandError> {
    let cameras = cameras.iter().map(|c| BoxCamera::parse(c));
    let cameras: Result<_, _> = cameras.collect();
    cameras.map_err(|e| CommandError::Plain(format!("--camera: {e}; nothing was done")))
}

fn moment(zone: &Zone, what: &str, text: Option<String>) -> Result<Option<Utc>, CommandError> {
    text.map(|t| typed(zone, what, &t)).transpose()
}

/// A word of a list, or which there are.
fn word<T>(what: &str, text: &str, all: &[&str], found: Option<T>) -> Result<T, CommandError> {
    found.ok_or_else(|| {
        CommandError::Plain(format!(
            "--{what}: {text:?} is none of {}; nothing was done",
            all.join(", ")
        ))
    })
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|t| word(*t)).collect()
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let zone = hub.zone()?;
    match command {
        Command::Open {
            class,
            cameras,
            from,
            to,
            texts,
            keep,
            review,
            submit,
            urgent,
            json,
        } => {
            let class = class_of(&class)?;
            let cameras = cameras_of(&cameras)?;
            let (from, to) = (moment(&zone, "--from", from)?, moment(&zone, "--to", to)?);
            let opened = hub.ask(&requests::Open {
                class,
                cameras,
                from,
                to,
                texts: texts.into(),
                keep: RetentionClassInput {
                    class: Some(keep),
                    review: review_of(review)?,
                },
                urgent,
            })?;
            if !submit {
                return said(&opened, &zone, json);
            }
            let request = opened.request.clone();
            let submitted = hub.ask(&requests::Submit {
                request: request.clone(),
                texts: draft::Texts::default(),
            });
            match submitted {
                Ok(row) => said(&row, &zone, json),
                Err(e) => Err(CommandError::Plain(format!(
                    "{request} is open and was not submitted: {e}"
                ))),
            }
        }
        Command::Change {
            request,
            class,
            cameras,
            from,
            to,
            texts,
            keep,
            review,
            urgent,
            json,
        } => {
            let review = review_of(review)?;
            let change = requests::Change {
                request,
                class: class.map(|c| class_of(&c)).transpose()?,
                cameras: match cameras.is_empty() {
                    true => None,
                    false => Some(cameras_of(&cameras)?),
                },
                from: moment(&zone, "--from", from)?,
                to: moment(&zone, "--to", to)?,
                texts: texts.into(),
                keep: keep.map(|class| RetentionClassInput {
                    class: Some(class),
                    review,
                }),
                urgent,
            };
            ask(hub, &zone, json, &change)
        }
        Command::Submit {
            request,
            texts,
            json,
        } => {
            let texts = texts.into();
            ask(hub, &zone, json, &requests::Submit { request, texts })
        }
        Command::Authorise { request, json } => {
            ask(hub, &zone, json, &requests::Authorise { request })
        }
        Command::Refuse { why, end } => {
            let all = words(RefusalReason::ALL, RefusalReason::word);
            let why = word("why", &why, &all, RefusalReason::parse(&why))?;
            let End {
                request,
                note,
                json,
            } = end;
            ask(hub, &zone, json, &requests::Refuse { request, why, note })
        }
        Command::Cancel { why, end } => {
            let all = words(CancelReason::ALL, CancelReason::word);
            let why = word("why", &why, &all, CancelReason::parse(&why))?;
            let End {
                request,
                note,
                json,
            } = end;
            ask(hub, &zone, json, &requests::Cancel { request, why, note })
        }
        Command::Release { request, to, json } => {
            ask(hub, &zone, json, &requests::Release { request, to })
        }
        Command::Close { why, end } => {
            let all = words(CloseReason::ALL, CloseReason::word);
            let why = word("why", &why, &all, CloseReason::parse(&why))?;
            let End {
                request,
                note,
                json,
            } = end;
            ask(hub, &zone, json, &requests::Close { request, why, note })
        }
        Command::List { json } => {
            let all = hub.all(|part| requests::List {
                part,
                ..requests::List::default()
            })?;
            if json {
                return print_json(&all);
            }
            if all.is_empty() {
                println!("nothing was asked for yet");
            }
            for r in &all {
                println!("{}", line(r, &zone));
            }
            Ok(())
        }
        Command::Show { request, json } => ask(hub, &zone, json, &requests::Show { request }),
    }
}

fn ask<O>(hub: &Client, zone: &Zone, json: bool, operation: &O) -> Result<(), CommandError>
where
    O: crate::ops::operation::Operation<Reply = RequestRow> + Serialize + DeserializeOwned,
{
    said(&hub.ask(operation)?, zone, json)
}

fn said(row: &RequestRow, zone: &Zone, json: bool) -> Result<(), CommandError> {
    match json {
        true => print_json(row),
        false => {
            show(row, zone);
            Ok(())
        }
    }
}

fn span(row: &RequestRow, zone: &Zone) -> String {
    let at = |t: Option<Utc>| t.map_or("?".to_owned(), |t| t.for_people(zone));
    format!("{} to {}", at(row.from), at(row.to))
}

fn line(row: &RequestRow, zone: &Zone) -> String {
    let cameras: Vec<&str> = row.cameras.iter().map(|c| c.camera.as_str()).collect();
    let why = row
        .reason
        .as_deref()
        .map_or(String::new(), |r| format!(" ({r})"));
    format!(
        "{}  {:<10} {}  {}  {}{why}",
        row.request,
        row.state.word(),
        row.class.word(),
        cameras.join(" "),
        span(row, zone)
    )
}

fn show(row: &RequestRow, zone: &Zone) {
    println!("{}", line(row, zone));
    let texts = [
        ("purpose", &row.purpose),
        ("reference", &row.reference),
        ("requester", &row.requester),
        ("order", &row.order),
        ("identity", &row.identity),
        ("note", &row.note),
    ];
    for (what, text) in texts {
        if let Some(text) = text {
            println!("  {what:<10} {text}");
        }
    }
    if let Some(due) = row.due {
        println!("  {:<10} {}", "answer by", due.for_people(zone));
    }
    if row.state == crate::model::clip_request::State::Submitted {
        println!(
            "  waits for a second person: beadle-hub request authorise {}",
            row.request
        );
    }
    for c in &row.cameras {
        println!("  {}", camera(c));
        if let Some(forecast) = &c.forecast {
            println!("    {}", clip::ahead(forecast, zone));
        }
        for m in &c.missing {
            println!(
                "    missing {} to {}: {}",
                m.from.for_people(zone),
                m.to.for_people(zone),
                m.why.word()
            );
        }
    }
}

fn camera(c: &RequestCameraRow) -> String {
    let exhibit = c.exhibit.as_ref().map_or("no exhibit", |e| e.as_str());
    let state = c.state.as_deref().unwrap_or("not asked for");
    let found = match c.segments {
        0 => String::new(),
        n => format!(", {n} segments, {} MiB", c.bytes.div_ceil(1 << 20)),
    };
    let why = c.why.map_or(String::new(), |w| format!(" ({})", w.word()));
    let said = match c.said.is_empty() {
        true => String::new(),
        false => format!(": {}", c.said),
    };
    format!("{}  {exhibit}  {state}{why}{found}{said}", c.camera)
}
