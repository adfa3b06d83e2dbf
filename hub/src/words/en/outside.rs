//! Pure. English for what goes to those outside the scheme.

use shared::time::Zone;

use crate::{
    model::outside::OutsideRow,
    reason::Outside::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Outside) -> Text {
    match reason {
        NobodyNamed => say!(
            "nobody outside stamps or attests this hub's log: hub.toml names no authority for time stamps and no witness; nothing was done";
            "name two authorities under [[outside.authority]] in hub.toml (docs/hub.md says how), and start the hub again"
        ),
    }
}

/// How one of them stands.
pub fn row(row: &OutsideRow, zone: &Zone) -> String {
    let does = match row.what.as_str() {
        "authority" => "stamped",
        _ => "attested",
    };
    let mut text = match row.lines {
        Some(lines) => format!("{does} the first {lines} lines"),
        None => format!("has {does} nothing yet"),
    };
    if let Some(since) = row.since {
        let heads = match row.waiting {
            1 => "1 head waits".to_owned(),
            n => format!("{n} heads wait"),
        };
        text += &format!("; {heads}, since {}", since.for_people(zone));
    }
    if let Some(why) = &row.trouble {
        text += &format!("; {why}");
    }
    text
}
