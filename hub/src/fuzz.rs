//! Adapter: filesystem. Lines of a box's log to the derived tables, for fuzzing: whatever they say, nothing may panic.
use std::sync::OnceLock;

use shared::{id::BoxName, record::Record};

use crate::db::Db;

const ORIGIN: &str = "cctv.example.gov.uk/box/ashby/1";

/// Lines as a box may have had them countersigned. Their numbers are as they come; that they follow one on another is seen to before.
pub fn ingest(bytes: &[u8]) {
    static RECORDS: OnceLock<Option<(Db, BoxName)>> = OnceLock::new();
    let records = RECORDS.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("beadle-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).ok()?;
        let name = BoxName::parse("ashby").ok()?;
        let db = Db::open(&folder).ok()?;
        // The open file is all that is needed of it.
        let _ = std::fs::remove_dir_all(&folder);
        db.meet_log(ORIGIN, &name, 1).ok()?;
        Some((db, name))
    });
    let Some((db, name)) = records else { return };
    let lines = bytes.split_inclusive(|b| *b == b'\n');
    let records: Vec<Record> = lines.filter_map(|l| Record::parse(l).ok()).collect();
    let _ = db.index(ORIGIN, name, &records);
    let _ = db.unindex(ORIGIN);
}

#[cfg(test)]
mod tests {
    use shared::testing::corpus;

    /// V-rows, AUD-2: what fuzzing kept of lines.
    #[test]
    fn the_kept_corpus() {
        corpus("lines", super::ingest);
        corpus("ingest", super::ingest);
    }
}
