//! Task. In which roles somebody acts, as lines of the hub's log have it. Blocking.

use std::collections::BTreeSet;

use shared::time::Utc;

use crate::{db::Db, model::grant::Scope};

/// The roles of an account at that time, each with the owner it is for, as lines of the hub's log have them: `supervisor`,
/// `operator@tenby`, `police/cameras`.
pub fn at(db: &Db, account: u32, now: Utc) -> String {
    if account == 0 {
        return "console".into();
    }
    let Ok(all) = db.grants(account) else {
        return "unknown".into();
    };
    let held = all.into_iter().filter(|g| g.grant.holds_at(now));
    let words: BTreeSet<String> = held
        .map(|g| match &g.grant.scope {
            Scope::All => g.grant.role.word().to_owned(),
            Scope::Owner(owner) => format!("{}@{owner}", g.grant.role.word()),
            Scope::Cameras(_) => format!("{}/cameras", g.grant.role.word()),
        })
        .collect();
    let mut text = words.into_iter().collect::<Vec<_>>().join(" ");
    if text.len() > MOST_TEXT {
        text.truncate(MOST_TEXT);
        text.push_str("...");
    }
    match text.is_empty() {
        true => "none".into(),
        false => text,
    }
}

/// Bytes of that.
const MOST_TEXT: usize = 300;
