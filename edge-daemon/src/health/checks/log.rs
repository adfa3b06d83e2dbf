//! Adapter: filesystem. Whether the log on disk agrees with its own newest signed head: every line hashed, the head's
//! signature checked. The rules between lines are the verifiers' business (`beadle-hub verify`).

use std::path::{Path, PathBuf};

use logbook::LogFolder;
use shared::{
    note::{SignatureCheck, Vkey},
    record::{Record, leaf_hash},
    tree::Frontier,
};

use super::{Line, Looked};

pub fn check(looked: &Looked) -> Vec<Line> {
    vec![match newest(&looked.state.logs()) {
        None => Line::unstarted(
            "log",
            "there is none yet; it begins at the box's first start",
        ),
        Some(folder) => match agree(&folder) {
            Ok(text) => Line::good("log", text),
            Err(why) => Line::wrong("log", "log.broken", why),
        },
    }]
}

pub(super) fn newest(logs: &Path) -> Option<PathBuf> {
    let number = std::fs::read_dir(logs)
        .ok()?
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u64>().ok())
        .max()?;
    Some(logs.join(number.to_string()))
}

fn agree(folder: &Path) -> Result<String, String> {
    let mut lines = LogFolder::new(folder);
    let head = lines
        .head("head.note")
        .map_err(|e| e.to_string())?
        .ok_or("it has no signed head")?;
    let (mut tree, mut key, mut at) = (Frontier::default(), None::<Vkey>, 0);
    while at < head.head.size {
        let bytes = lines
            .read_lines(at, head.head.size, 1 << 20)
            .map_err(|e| e.to_string())?;
        if bytes.is_empty() {
            return Err(format!(
                "the newest head covers {} lines; only {at} are on disk",
                head.head.size
            ));
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            tree.push(leaf_hash(line));
            at += 1;
            // The line that ends exactly at a head names the key that signs the next one (audit.md 2.6).
            let names = |kind: &[u8]| line.windows(kind.len()).any(|w| w == kind);
            if at < head.head.size
                && (names(b"\"type\":\"key.roll\"") || names(b"\"type\":\"log.open\""))
            {
                key = named(line).or(key);
            }
            if at == 1 && key.is_none() {
                key = named(line);
            }
        }
    }
    if tree.root() != head.head.root {
        return Err(format!(
            "its {} lines are not those the newest head was signed over",
            head.head.size
        ));
    }
    match key.map(|k| head.check(&k)) {
        Some(SignatureCheck::Good) => Ok(format!(
            "{}: {} lines agree with the newest signed head",
            head.head.origin, head.head.size
        )),
        _ => Err("the newest head is not signed by the key in force".into()),
    }
}

fn named(line: &[u8]) -> Option<Vkey> {
    let record = Record::parse(line).ok()?;
    let text = record
        .data
        .get("new")
        .or_else(|| record.data.get("key"))?
        .as_str()?;
    Vkey::parse(text).ok()
}
