//! Task. What people do about the copies of an exhibit (EVI-2 to EVI-5). Each is one act: its line, then its rows. Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    id::ExhibitRef,
    types::{ActFail, Data, RegCopy, RegEnd, RegHand, RegMark, RegReceipt, RegReturn},
};
use utoipa::ToSchema;

use super::{
    events,
    kept::{hash, keep, kept},
    media,
};
use crate::{
    access::{
        authorise::Permit,
        factors::{self, Proof},
    },
    acts::Act,
    db::register::{CopyRecord, SaveRecord},
    error::HubError,
    hub::Hub,
    model::{
        copy::{CopyEvent, CopyKind, CopyStanding, CopyState, NotDone},
        requester::RequesterClass,
        text::TextField,
    },
    reason::Register,
    texts,
};

/// Characters of a producer's reference.
const MARK: usize = 40;
/// A save of which nobody says how it ended came to nothing after so long.
const SAVE_MS: i64 = 24 * 3_600_000;

/// One that need not be given; empty is not given.
fn keep_some(
    hub: &Hub,
    act: &Act<'_>,
    exhibit: &ExhibitRef,
    text: Option<&str>,
) -> Result<Option<String>, HubError> {
    let text = text.map(str::trim).filter(|t| !t.is_empty());
    text.map(|t| keep(hub, act, exhibit, t)).transpose()
}

fn given<const N: usize>(texts: [(TextField, &str); N]) -> Result<(), HubError> {
    let texts = texts.map(|(field, text)| (field, text.to_owned()));
    Ok(texts::texts(
        texts.iter().map(|(field, text)| (*field, text)),
    )?)
}

/// The reference that whoever produces it gave it.
pub fn mark(hub: &Hub, exhibit: &ExhibitRef, mark: &str, permit: &Permit) -> Result<(), HubError> {
    let mark = mark.trim();
    let plain = !mark.is_empty() && mark.chars().count() <= MARK && shared::plain::all_plain(mark);
    if !plain {
        return Err(Register::MarkMalformed { most: MARK }.into());
    }
    kept(hub, exhibit)?;
    hub.act(|act| {
        let mark = keep(hub, act, exhibit, mark)?;
        let line = RegMark {
            r#ref: exhibit.to_string(),
            mark: mark.clone(),
            by: vec![permit.op()],
        };
        act.log(&permit.op(), &line)?;
        Ok(act.put_exhibit_mark(exhibit.as_str(), &mark, hub.now())?)
    })
}

/// A copy as it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedCopy {
    pub kind: CopyKind,
    /// folder, zip
    pub form: String,
    /// none, passphrase, recipient
    pub seal: String,
    /// Of the file; of a folder that of its SHA256SUMS.
    pub sha256: String,
    /// SHA-256 of its SHA256SUMS.
    pub sums: String,
    pub bytes: u64,
    /// What it is on, and where that is.
    pub medium: String,
    pub place: String,
}

const FORMS: [&str; 2] = ["folder", "zip"];
const SEALS: [&str; 3] = ["none", "passphrase", "recipient"];

fn one_of(field: &str, word: &str, known: &[&str]) -> Result<(), HubError> {
    match known.contains(&word) {
        true => Ok(()),
        false => Err(Register::WordUnknown {
            field: field.into(),
            word: word.into(),
            known: known.join(", "),
        }
        .into()),
    }
}

/// Refuses a second master while there is one: before anything is saved, and again when it is registered.
pub fn may_be(hub: &Hub, exhibit: &ExhibitRef, kind: CopyKind) -> Result<(), HubError> {
    if kind == CopyKind::Working {
        return Ok(());
    }
    let all = hub.db.copies(exhibit.as_str())?;
    let master = |c: &&CopyRecord| {
        c.standing.kind == CopyKind::Master && c.standing.state != CopyState::Gone
    };
    match all.iter().find(master) {
        Some(c) => Err(Register::MasterThere {
            exhibit: exhibit.clone(),
            copy: c.n,
        }
        .into()),
        None => Ok(()),
    }
}

/// Notes that a save began whose line is this one.
pub fn begun(
    hub: &Hub,
    exhibit: &ExhibitRef,
    line: u64,
    sums: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    let save = SaveRecord {
        line,
        exhibit: exhibit.to_string(),
        who: permit.op(),
        sums: sums.into(),
        made: hub.now(),
    };
    if let Err(e) = hub.db.add_save(&save) {
        came_to_nothing(hub, line)?;
        return Err(e.into());
    }
    Ok(())
}

/// What that line says was not done.
fn came_to_nothing(hub: &Hub, line: u64) -> Result<(), HubError> {
    let code = "not-saved".to_owned();
    hub.log.append("sys:hub", &ActFail { line, code })?;
    Ok(())
}

fn save_of(
    hub: &Hub,
    exhibit: &ExhibitRef,
    line: u64,
    permit: &Permit,
) -> Result<SaveRecord, HubError> {
    let save = hub.db.save(line)?.filter(|s| s.exhibit == exhibit.as_str());
    let save = save.ok_or_else(|| Register::SaveUnknown {
        exhibit: exhibit.clone(),
        line,
    })?;
    match save.who == permit.op() {
        true => Ok(save),
        false => Err(Register::SaveOfAnother { line, by: save.who }.into()),
    }
}

/// Somebody who saved says that it came to nothing: the log says so too.
pub fn not_saved(
    hub: &Hub,
    exhibit: &ExhibitRef,
    line: u64,
    permit: &Permit,
) -> Result<(), HubError> {
    let save = save_of(hub, exhibit, line, permit)?;
    if hub.db.end_save(save.line)? {
        came_to_nothing(hub, save.line)?;
    }
    Ok(())
}

/// Saves that were begun a day ago, and of which nobody said how they ended, came to nothing.
pub fn expire_saves(hub: &Hub) -> Result<(), HubError> {
    for save in hub.db.saves_before(hub.now().plus_ms(-SAVE_MS))? {
        if hub.db.end_save(save.line)? {
            came_to_nothing(hub, save.line)?;
        }
    }
    Ok(())
}

/// Registers a copy that was saved; its number.
pub fn copied(
    hub: &Hub,
    exhibit: &ExhibitRef,
    save: u64,
    copy: &SavedCopy,
    permit: &Permit,
) -> Result<u64, HubError> {
    given([
        (TextField::Medium, &copy.medium),
        (TextField::Place, &copy.place),
    ])?;
    one_of("form of a copy", &copy.form, &FORMS)?;
    one_of("seal of a copy", &copy.seal, &SEALS)?;
    hash(&copy.sha256)?;
    kept(hub, exhibit)?;
    let save = save_of(hub, exhibit, save, permit)?;
    if save.sums != copy.sums {
        return Err(Register::OtherPackage {
            exhibit: exhibit.clone(),
        }
        .into());
    }
    // Numbers that the log gave out, whatever the records know of them.
    let logged = events::copies_on_log(hub, exhibit)?;
    hub.act(|act| {
        may_be(hub, exhibit, copy.kind)?;
        let there = act.copies(exhibit.as_str())?.last().map_or(0, |c| c.n);
        let n = there.max(logged) + 1;
        let (medium, place) = (
            keep(hub, act, exhibit, &copy.medium)?,
            keep(hub, act, exhibit, &copy.place)?,
        );
        let line = RegCopy {
            r#ref: exhibit.to_string(),
            copy: n,
            what: copy.kind.word().into(),
            form: copy.form.clone(),
            seal: copy.seal.clone(),
            sha256: copy.sha256.clone(),
            sums: copy.sums.clone(),
            bytes: copy.bytes,
            medium: medium.clone(),
            place: place.clone(),
            save: save.line,
            by: vec![permit.op()],
        };
        act.log(&permit.op(), &line)?;
        act.end_save(save.line)?;
        let now = hub.now();
        act.put_copy(&CopyRecord {
            exhibit: exhibit.clone(),
            n,
            standing: CopyStanding {
                kind: copy.kind,
                state: CopyState::Here,
                received: false,
            },
            form: copy.form.clone(),
            seal: copy.seal.clone(),
            sha256: copy.sha256.clone(),
            sums: copy.sums.clone(),
            bytes: copy.bytes,
            medium,
            place,
            hand: None,
            made: now,
            changed: now,
        })?;
        Ok(n)
    })
}

/// Why a copy stays as it is.
fn not_done(why: NotDone, c: &CopyRecord) -> HubError {
    let (exhibit, copy) = (c.exhibit.clone(), c.n);
    match why {
        NotDone::NoMaster => Register::NoMaster { exhibit, copy },
        NotDone::Out => Register::CopyOut { exhibit, copy },
        NotDone::NotOut => Register::CopyNotOut {
            exhibit,
            copy,
            state: c.standing.state,
        },
        NotDone::ReceivedAlready => Register::ReceiptThere { exhibit, copy },
        NotDone::Gone => Register::CopyGone { exhibit, copy },
    }
    .into()
}

fn find(hub: &Hub, exhibit: &ExhibitRef, copy: u64) -> Result<CopyRecord, HubError> {
    let found = hub.db.copy(exhibit.as_str(), copy)?;
    let exhibit = exhibit.clone();
    found.ok_or_else(|| Register::CopyUnknown { exhibit, copy }.into())
}

fn moved(c: &CopyRecord, event: CopyEvent) -> Result<CopyStanding, HubError> {
    c.standing.apply(event).map_err(|why| not_done(why, c))
}

/// One event of one copy, on the record before it counts. `line` makes it; the copy is stored as it leaves it.
fn turn<D: Data>(
    hub: &Hub,
    exhibit: &ExhibitRef,
    copy: u64,
    event: CopyEvent,
    permit: &Permit,
    line: impl FnOnce(&Act<'_>, &CopyRecord) -> Result<D, HubError>,
) -> Result<(), HubError> {
    kept(hub, exhibit)?;
    hub.act(|act| {
        let mut c = find(hub, exhibit, copy)?;
        let standing = moved(&c, event)?;
        let line = line(act, &c)?;
        let n = act.log(&permit.op(), &line)?;
        if matches!(event, CopyEvent::HandedOver(_)) {
            c.hand = Some(n);
        }
        c.standing = standing;
        c.changed = hub.now();
        Ok(act.put_copy(&c)?)
    })
}

/// A hand-over as it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandOver {
    pub copy: u64,
    /// As which.
    pub kind: CopyKind,
    /// Who gets it; None: whoever asked for it.
    #[serde(default)]
    pub class: Option<RequesterClass>,
    /// The person who takes it, and for whom.
    pub to: String,
    pub agency: String,
    /// The name of whoever hands it over, as they type it.
    pub signed: String,
    /// Six digits; or what a browser hands over when a passkey was used, JSON.
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub credential: String,
}

/// One line of letters: as a name is compared.
fn letters(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// Whether the name is that of whoever signs, and their second factor is right. It uses the factor up.
fn signed(hub: &Hub, o: &HandOver, permit: &Permit) -> Result<&'static str, HubError> {
    let account = hub.db.account_numbered(permit.number())?;
    let shown = account.and_then(|a| a.shown);
    let shown = shown.map(|hash| hub.db.side_text(&hash)).transpose()?;
    let shown = shown.flatten();
    let own = shown.iter().map(String::as_str).chain([permit.name()]);
    if !own.map(letters).any(|own| own == letters(&o.signed)) {
        let name = shown.unwrap_or_else(|| permit.name().to_owned());
        return Err(Register::NotSignedAs { name }.into());
    }
    if hub.db.factors(permit.number())?.is_empty() {
        let name = permit.name().to_owned();
        return Err(Register::SecondFactorWanted { name }.into());
    }
    let proof = match o.credential.is_empty() {
        true => Proof::Code(o.code.clone()),
        false => Proof::Passkey(o.credential.clone()),
    };
    factors::check(hub, permit.number(), &proof)?;
    Ok(proof.word())
}

/// Hands a copy over. From then on whoever has it answers for it.
pub fn hand_over(
    hub: &Hub,
    exhibit: &ExhibitRef,
    o: &HandOver,
    permit: &Permit,
) -> Result<(), HubError> {
    given([
        (TextField::Recipient, &o.to),
        (TextField::Agency, &o.agency),
    ])?;
    kept(hub, exhibit)?;
    let event = CopyEvent::HandedOver(o.kind);
    moved(&find(hub, exhibit, o.copy)?, event)?;
    let asked = media::class_of(hub, exhibit)?;
    let class = o.class.or(asked).unwrap_or(RequesterClass::Police);
    if class == RequesterClass::Media || asked == Some(RequesterClass::Media) {
        media::handed_by(hub, exhibit, permit)?;
    }
    // Last, since a code is used up.
    let factor = signed(hub, o, permit)?;
    turn(hub, exhibit, o.copy, event, permit, |act, c| {
        Ok(RegHand {
            r#ref: exhibit.to_string(),
            copy: c.n,
            what: o.kind.word().into(),
            class: class.word().into(),
            to: keep(hub, act, exhibit, &o.to)?,
            agency: keep(hub, act, exhibit, &o.agency)?,
            signed: keep(hub, act, exhibit, &o.signed)?,
            factor: factor.into(),
            by: vec![permit.op()],
        })
    })
}

/// Whoever was handed it signed for it.
pub fn received(
    hub: &Hub,
    exhibit: &ExhibitRef,
    copy: u64,
    from: &str,
    receipt: Option<&str>,
    permit: &Permit,
) -> Result<(), HubError> {
    given([(TextField::Sender, from)])?;
    if let Some(text) = receipt.filter(|t| !t.trim().is_empty()) {
        given([(TextField::Receipt, text)])?;
    }
    turn(hub, exhibit, copy, CopyEvent::Received, permit, |act, c| {
        Ok(RegReceipt {
            r#ref: exhibit.to_string(),
            copy: c.n,
            hand: c.hand.unwrap_or_default(),
            from: keep(hub, act, exhibit, from)?,
            receipt: keep_some(hub, act, exhibit, receipt)?,
            by: vec![permit.op()],
        })
    })
}

/// It came back.
pub fn returned(
    hub: &Hub,
    exhibit: &ExhibitRef,
    copy: u64,
    from: &str,
    note: Option<&str>,
    permit: &Permit,
) -> Result<(), HubError> {
    given([(TextField::Sender, from)])?;
    if let Some(text) = note.filter(|t| !t.trim().is_empty()) {
        given([(TextField::Note, text)])?;
    }
    turn(hub, exhibit, copy, CopyEvent::Returned, permit, |act, c| {
        Ok(RegReturn {
            r#ref: exhibit.to_string(),
            copy: c.n,
            from: keep(hub, act, exhibit, from)?,
            note: keep_some(hub, act, exhibit, note)?,
            by: vec![permit.op()],
        })
    })
}

/// A copy that is with the scheme was destroyed.
pub fn destroyed(
    hub: &Hub,
    exhibit: &ExhibitRef,
    copy: u64,
    reason: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    given([(TextField::Reason, reason)])?;
    turn(
        hub,
        exhibit,
        copy,
        CopyEvent::Destroyed,
        permit,
        |act, c| {
            Ok(RegEnd {
                r#ref: exhibit.to_string(),
                copy: c.n,
                reason: keep(hub, act, exhibit, reason)?,
                by: vec![permit.op()],
            })
        },
    )
}
