//! Task. What people do about evidence: give it a class, dispose of it, and approve that it goes before its time (RET-5, RET-6, ROL-5).
//! Blocking.

use shared::{id::ExhibitRef, time::Day, types::CopyDrop};

use super::{
    carry, gather, shown,
    state::{self, Event, Next, NotDone},
    turn::turn,
    watch,
};
use crate::{
    access::{approvals, authorise::Permit, two},
    acts::Act,
    classes::{RetentionClassInput, give},
    db::{approvals::ApprovalRecord, disposal::EvidenceRecord, requests::RequestRecord},
    error::{HubError, plain},
    hub::Hub,
    model::{approval::Kind, evidence::EvidenceRow, pull::State, text::TextField},
    ownlog::op,
    periods::{self, Class, PeriodStanding},
    reason::{Evidence as Because, Footage, pulls::DisposalNote},
    texts::{self, keep_salted},
};

/// What a disposal or another class is about.
struct Case {
    request: RequestRecord,
    evidence: EvidenceRecord,
    exhibit: periods::Exhibit,
}

/// The exhibit, if there is one and nobody is disposing of it.
fn case(hub: &Hub, exhibit: &ExhibitRef) -> Result<Case, HubError> {
    let request = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let request = request.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    if request.state == State::Disposed {
        return Err(Because::Disposed {
            exhibit: exhibit.clone(),
            note: DisposalNote::of(&request.why, &hub.config.zone),
        }
        .into());
    }
    if !request.state.over() {
        return Err(Because::StillPulled {
            exhibit: exhibit.clone(),
            state: request.state,
        }
        .into());
    }
    let evidence = hub.db.evidence(exhibit.as_str()).map_err(plain)?;
    let found = gather::exhibit(hub, &request, &evidence)?;
    let found = found.ok_or_else(|| Because::NothingGiven {
        exhibit: exhibit.clone(),
        state: request.state,
        days: hub.config.periods.draft_days,
    })?;
    Ok(Case {
        request,
        evidence,
        exhibit: found,
    })
}

/// Another class, or another review day. Whoever asked that it go before its time has to ask again.
pub fn class(
    hub: &Hub,
    exhibit: &ExhibitRef,
    given: &RetentionClassInput,
    reason: &str,
    permit: &Permit,
) -> Result<EvidenceRow, HubError> {
    texts::texts([(TextField::Reason, &reason.to_owned())])?;
    let class = given.class(hub)?;
    let _turn = turn(&hub.pulls.disposals);
    let case = case(hub, exhibit)?;
    if case.evidence.class == class {
        return Err(Because::KeptSoAlready {
            exhibit: exhibit.clone(),
            class: class.in_words(&hub.config.periods),
        }
        .into());
    }
    let me = permit.op();
    let end = |class| {
        let (made, zone) = (case.exhibit.made, &hub.config.zone);
        periods::last_day(class, made, &hub.config.periods, zone)
    };
    // ROL-5: or one person could make it due first and dispose of it then.
    let shorter = end(class) < end(case.evidence.class);
    let again = case.evidence.shortened_by.as_ref() == Some(&me);
    let shortened_by = (shorter || again).then(|| me.clone());
    hub.act(|act| {
        let reason = keep_salted(hub, reason.trim())?;
        approvals::set_aside(hub, act, Kind::Disposal, exhibit.as_str(), permit)?;
        give(act, exhibit, class, shortened_by, &reason, &me)
    })?;
    watch::refresh(hub)?;
    shown::one(hub, exhibit)
}

/// An exhibit that something refers to until that day: it is not due before. Never makes its period shorter.
pub fn keep_until(hub: &Hub, exhibit: &ExhibitRef, day: Day, who: &str) -> Result<(), HubError> {
    let _turn = turn(&hub.pulls.disposals);
    let case = case(hub, exhibit)?;
    let (made, zone) = (case.exhibit.made, &hub.config.zone);
    if periods::last_day(case.evidence.class, made, &hub.config.periods, zone) >= day {
        return Ok(());
    }
    hub.act(|act| {
        let why = format!("it shows a mask that is reviewed again on {day}");
        let reason = keep_salted(hub, &why)?;
        let class = Class::Review { review: day };
        give(act, exhibit, class, None, &reason, who)
    })?;
    watch::refresh(hub)
}

/// What keeps it, whoever asks (RET-6).
fn free(hub: &Hub, case: &Case) -> Result<(), HubError> {
    let claims = gather::claims_on(hub, &case.exhibit)?;
    match periods::wanted(&case.exhibit, &claims) {
        Some(claim) => Err(Because::WantedElsewhere {
            exhibit: case.request.r#ref.clone(),
            by: claim.by.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

/// Where it stands on its way out. `asked`: what waits for a second person.
fn stands(
    hub: &Hub,
    case: &Case,
    asked: Option<&ApprovalRecord>,
    me: &str,
) -> state::DisposalStanding {
    let (periods, zone) = (&hub.config.periods, &hub.config.zone);
    let due =
        periods::standing(&case.exhibit, &[], periods, zone, hub.now()) == PeriodStanding::Due;
    state::DisposalStanding {
        state: match asked {
            Some(a) => state::State::Asked { by: op(a.asked_by) },
            None => state::State::Kept,
        },
        // Whoever made its period shorter, by whatever account, does not say alone that it is over.
        shortened_by: case
            .evidence
            .shortened_by
            .as_ref()
            .map(|by| match two::named(hub, by, me) {
                Ok(()) => by.clone(),
                Err(_) => me.to_owned(),
            }),
        due,
    }
}

/// Why nothing was disposed of.
fn not_done(why: NotDone, exhibit: &ExhibitRef) -> HubError {
    let exhibit = exhibit.clone();
    match why {
        NotDone::AskedBy(by) => Because::DisposalAsked { exhibit, by },
        NotDone::NobodyAsked => Because::DisposalNotAsked { exhibit },
        NotDone::Going | NotDone::Gone | NotDone::NotGoing => Because::DisposalBegun { exhibit },
    }
    .into()
}

/// Disposes of what is due. Before that, and for whoever made its period shorter, it is a request, which a second person has to approve.
pub fn dispose(
    hub: &Hub,
    exhibit: &ExhibitRef,
    reason: &str,
    permit: &Permit,
) -> Result<EvidenceRow, HubError> {
    texts::texts([(TextField::Reason, &reason.to_owned())])?;
    let me = permit.op();
    let _turn = turn(&hub.pulls.disposals);
    let case = case(hub, exhibit)?;
    free(hub, &case)?;
    let asked = approvals::about(hub, Kind::Disposal, exhibit.as_str())?;
    let next = stands(hub, &case, asked.as_ref(), &me).apply(Event::Dispose { by: me.clone() });
    if let Next::Go { who } = next.map_err(|why| not_done(why, exhibit))? {
        let reason = keep_salted(hub, reason.trim())?;
        go(hub, &case, reason, who, |act| {
            approvals::set_aside(hub, act, Kind::Disposal, exhibit.as_str(), permit)
        })?;
        return shown::one(hub, exhibit);
    }
    hub.act(|act| {
        // Asked again, with another reason.
        approvals::set_aside(hub, act, Kind::Disposal, exhibit.as_str(), permit)?;
        let reason = keep_salted(hub, reason.trim())?;
        let (kind, why) = (Kind::Disposal, Some(reason.as_str()));
        approvals::ask_within(
            hub,
            act,
            permit,
            kind,
            exhibit.as_str(),
            "null",
            why,
            |ask| CopyDrop {
                r#ref: exhibit.to_string(),
                ask,
                reason: reason.clone(),
                by: me.clone(),
            },
        )
    })?;
    shown::one(hub, exhibit)
}

/// The second person's word.
pub fn approve(hub: &Hub, exhibit: &ExhibitRef, permit: &Permit) -> Result<EvidenceRow, HubError> {
    let me = permit.op();
    let _turn = turn(&hub.pulls.disposals);
    let case = case(hub, exhibit)?;
    let asked = approvals::about(hub, Kind::Disposal, exhibit.as_str())?;
    let next = stands(hub, &case, asked.as_ref(), &me).apply(Event::Approve { by: me.clone() });
    let next = next.map_err(|why| not_done(why, exhibit))?;
    let (Next::Go { who }, Some(request)) = (next, asked) else {
        return Err(not_done(NotDone::NobodyAsked, exhibit));
    };
    approvals::second_person(hub, &request, permit)?;
    free(hub, &case)?;
    let reason = request.reason.clone().unwrap_or_default();
    go(hub, &case, reason, who, |act| {
        approvals::approve_within(hub, act, &request, permit)
    })?;
    shown::one(hub, exhibit)
}

/// From the intent to the certificate. `settle`: what waited for a second person, in one unit with the intent.
fn go(
    hub: &Hub,
    case: &Case,
    reason: String,
    who: Vec<String>,
    settle: impl FnOnce(&Act<'_>) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let e = &case.exhibit;
    let until = periods::ends(e.class, e.made, &hub.config.periods, &hub.config.zone);
    let exhibit = &case.request.r#ref;
    let d = carry::begin(hub, exhibit, (e.class, until), reason, who, settle)?;
    let finished = carry::finish(hub, d);
    if let Err(why) = &finished {
        watch::stuck(hub, exhibit.as_str(), &why.to_string())?;
    }
    // What is done is done, whether or not the faults could be looked at anew; the task does so each hour.
    if let Err(e) = watch::refresh(hub) {
        tracing::error!("faults about evidence: {e}");
    }
    match finished {
        Ok(_) => Ok(()),
        Err(why) => Err(Because::DisposalIncomplete {
            exhibit: exhibit.clone(),
            why: why.to_string(),
        }
        .into()),
    }
}
