//! Task. What people do about pulls and the lines they go over: pause, resume, a cap and hours. And what was said before this start.

use std::sync::Arc;

use shared::{
    id::{BoxName, ExhibitRef},
    types::{BoxLine, PullPause, PullResume},
    wire::ToBox,
};

use crate::{
    access::authorise::Permit,
    blocking::blocking,
    error::{HubError, plain},
    hub::Hub,
    model::{
        line::{Hours, HoursText, LineWish},
        text::TextField,
    },
    reason::{Clips, Footage},
    texts::{self, keep_salted},
};

/// A line with less would bring no clip within its hold.
pub const LEAST_KBIT: u64 = 64;

/// What people wished of lines, and what these were measured to carry.
pub(super) async fn recall(hub: &Arc<Hub>) {
    let d = hub.clone();
    let known = blocking(move || -> Result<_, HubError> {
        for (name, rate) in d.db.line_rates()? {
            d.pulls.lines.recall(&name, [rate]);
        }
        let wishes = d.db.box_lines()?;
        for (name, wish) in &wishes {
            d.pulls.lines.set_wish(name, *wish);
        }
        Ok(wishes)
    });
    match known.await {
        Ok(Ok(wishes)) => {
            for (name, _) in wishes {
                tell(hub, &name).await;
            }
        }
        other => tracing::error!("what lines may be used for cannot be read: {other:?}"),
    }
}

/// Has a box keep to the cap, if it is on the line; one that is not hears of it when it comes.
async fn tell(hub: &Hub, name: &BoxName) {
    let most_kbit = hub.pulls.lines.wish(name).most_kbit;
    if let Some((_, _, orders)) = hub.live.reach(name) {
        // It has gone meanwhile.
        let _ = orders.send(ToBox::Clips { most_kbit }).await;
    }
}

/// The pull of an exhibit waits, or goes on. Each who says so is on the record; the last word counts. Blocking.
pub fn pause(hub: &Hub, exhibit: &ExhibitRef, wait: bool, permit: &Permit) -> Result<(), HubError> {
    let by = permit.op();
    let name = hub.act(|act| {
        let row = act.request(exhibit.as_str())?;
        let row = row.ok_or_else(|| Footage::ExhibitUnknown {
            exhibit: exhibit.clone(),
        })?;
        if row.state.over() {
            return Err(Clips::NotUnderWay {
                exhibit: exhibit.clone(),
                state: row.state,
            }
            .into());
        }
        let (text, who) = (exhibit.to_string(), vec![by.clone()]);
        match wait {
            true => act.log(
                &by,
                &PullPause {
                    r#ref: text,
                    by: who,
                },
            )?,
            false => act.log(
                &by,
                &PullResume {
                    r#ref: text,
                    by: who,
                },
            )?,
        };
        act.request_paused(exhibit.as_str(), wait.then_some(by.as_str()))?;
        Ok(row.camera.r#box)
    })?;
    hub.pulls
        .lines
        .pause(&name, exhibit.as_str(), wait.then_some(by));
    Ok(())
}

/// What clips may use of a box's line from now on.
pub async fn set_line(
    hub: &Arc<Hub>,
    name: &BoxName,
    most_kbit: Option<u64>,
    hours: Option<&HoursText>,
    reason: &str,
    permit: Permit,
) -> Result<LineWish, HubError> {
    if most_kbit.is_some_and(|most| most < LEAST_KBIT) {
        return Err(Clips::LineTooThin { least: LEAST_KBIT }.into());
    }
    let hours = match hours {
        None => None,
        Some(text) => Some(text.read().ok_or(Clips::HoursUnreadable)?),
    };
    let wish = LineWish { most_kbit, hours };
    let (d, n, reason) = (hub.clone(), name.clone(), reason.trim().to_owned());
    blocking(move || stored(&d, &n, wish, &reason, &permit)).await??;
    tell(hub, name).await;
    Ok(wish)
}

/// Blocking.
fn stored(
    hub: &Hub,
    name: &BoxName,
    wish: LineWish,
    reason: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    texts::texts([(TextField::Reason, &reason.to_owned())])?;
    if hub.db.box_named(name).map_err(plain)?.is_none() {
        return Err(Footage::BoxUnknown { name: name.clone() }.into());
    }
    let reason = keep_salted(hub, reason)?;
    let hours = |which: fn(HoursText) -> String| {
        let hours: Option<Hours> = wish.hours;
        hours.map(|h| which(HoursText::from(h)))
    };
    let line = BoxLine {
        r#box: name.to_string(),
        most_kbit: wish.most_kbit,
        begins: hours(|h| h.begins),
        ends: hours(|h| h.ends),
        reason,
        by: vec![permit.op()],
    };
    hub.act(|act| {
        act.log(&permit.op(), &line)?;
        Ok(act.put_box_line(name, wish)?)
    })?;
    hub.pulls.lines.set_wish(name, wish);
    Ok(())
}

/// What a box that comes is told first, if there is anything to tell.
pub fn greeting(hub: &Hub, name: &BoxName) -> Option<ToBox> {
    let most_kbit = hub.pulls.lines.wish(name).most_kbit;
    most_kbit.map(|most| ToBox::Clips {
        most_kbit: Some(most),
    })
}
