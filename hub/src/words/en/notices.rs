//! Pure. English of what every page says just now.

use crate::reason::Notice::{self, *};

pub fn of(notice: &Notice) -> String {
    match notice {
        GlassBroken {
            made,
            name,
            op,
            until,
            over,
            reason,
        } => {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "(erased)".into());
            let (name, reason) = (text(name), text(reason));
            let ends = if *over { "ended" } else { "ends" };
            format!(
                "Break-glass: at {made} root at the hub machine made {name} ({op}) an administrator, which {ends} at {until}. Reason: {reason}"
            )
        }
        RolledBack {
            since,
            copied,
            restored,
            boxes,
        } => {
            let copy = match copied {
                Some(copied) => format!("as it was {copied}"),
                None => "an older copy of itself".to_owned(),
            };
            let how = match restored {
                true => format!(
                    "HUB-ROLLED-BACK: since {since} this hub is {copy}, put back from a backup"
                ),
                false => format!(
                    "HUB-ROLLED-BACK: this hub's records are an older copy, found out {since}"
                ),
            };
            let mut names: Vec<&str> = boxes.iter().map(|b| b.as_str()).collect();
            names.dedup();
            let told = match names.is_empty() {
                true => String::new(),
                false => format!(" Boxes that had more than it knew: {}.", names.join(", ")),
            };
            format!(
                "{how}. What was done at it since that copy has to be found out and done again; two people settle it, on the page Hub.{told}"
            )
        }
        KeyAwaited { order, name, until } => format!(
            "Order {order} to {name} waits for your passkey until {until}: see \u{201c}What waits for your key\u{201d}."
        ),
    }
}
