//! Task. The class of an exhibit: as somebody wrote it, checked, and put on the record. Blocking.

use serde::{Deserialize, Serialize};
use shared::{id::ExhibitRef, time::Day, types::CopyClass};
use utoipa::ToSchema;

use crate::{
    acts::Act,
    db::disposal::EvidenceRecord,
    error::HubError,
    hub::Hub,
    periods::{self, Class},
};

/// Class and review day as somebody wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ClassGiven)]
pub struct RetentionClassInput {
    /// None: general.
    pub class: Option<String>,
    pub review: Option<Day>,
}

impl RetentionClassInput {
    /// Checked against today and the periods.
    pub fn class(&self, hub: &Hub) -> Result<Class, HubError> {
        let word = self.class.as_deref().unwrap_or("general");
        let class = Class::parse(word, self.review)?;
        if let Class::Review { review } = class {
            let today = hub.config.zone.day_of(hub.now());
            periods::review_may_be(review, today, &hub.config.periods)?;
        }
        Ok(class)
    }
}

/// The class a request begins with. `reason`: the hash of its purpose.
pub fn classed(
    act: &Act<'_>,
    exhibit: &ExhibitRef,
    class: Class,
    reason: &str,
    who: &str,
) -> Result<(), HubError> {
    give(act, exhibit, class, None, reason, who)
}

/// On the hub's log, then on record.
pub fn give(
    act: &Act<'_>,
    exhibit: &ExhibitRef,
    class: Class,
    shortened_by: Option<String>,
    reason: &str,
    who: &str,
) -> Result<(), HubError> {
    let line = CopyClass {
        r#ref: exhibit.to_string(),
        class: class.word().into(),
        review: class.review(),
        reason: reason.into(),
        by: who.into(),
    };
    act.log(who, &line)?;
    let e = EvidenceRecord {
        class,
        shortened_by,
        ..EvidenceRecord::default()
    };
    Ok(act.put_evidence(exhibit.as_str(), &e)?)
}
