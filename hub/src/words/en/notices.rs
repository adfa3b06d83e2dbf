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
        KeyAwaited { order, name, until } => format!(
            "Order {order} to {name} waits for your passkey until {until}: see \u{201c}What waits for your key\u{201d}."
        ),
    }
}
