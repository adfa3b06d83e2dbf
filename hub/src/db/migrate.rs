//! Adapter: SQLite. The versions of the records, one after the other. Each file in `migrations/` makes one of the one before it; a file that
//! has been in a release is never changed.

use rusqlite::Connection;

use super::DbError;

/// File by file: the first makes version 1 of nothing.
pub(super) const MIGRATIONS: [&str; 13] = [
    include_str!("migrations/001.sql"),
    include_str!("migrations/002.sql"),
    include_str!("migrations/003.sql"),
    include_str!("migrations/004.sql"),
    include_str!("migrations/005.sql"),
    include_str!("migrations/006.sql"),
    include_str!("migrations/007.sql"),
    include_str!("migrations/008.sql"),
    include_str!("migrations/009.sql"),
    include_str!("migrations/010.sql"),
    include_str!("migrations/011.sql"),
    include_str!("migrations/012.sql"),
    include_str!("migrations/013.sql"),
];

/// Brings records of any version to this program's, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), DbError> {
    to(connection, MIGRATIONS.len())
}

/// As far as version `last`.
fn to(connection: &mut Connection, last: usize) -> Result<(), DbError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(DbError::Newer { found, known });
    }
    let from = usize::try_from(found)
        .map_err(|_| DbError::Row(format!("version {found} of the records")))?;
    for (before, sql) in MIGRATIONS.iter().enumerate().take(last).skip(from) {
        let t = connection.transaction()?;
        t.execute_batch(sql)?;
        t.pragma_update(None, "user_version", before as i64 + 1)?;
        t.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of everything that has a row in version 1 and is not derived.
    const FIRST: &str = include_str!("rows_of_001.sql");

    fn tables(c: &Connection) -> Vec<(String, i64)> {
        let sql = "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut q = c.prepare(sql).expect("tables");
        let names = q.query_map([], |r| r.get::<_, String>(0)).expect("tables");
        let count = |name: String| {
            let sql = format!("SELECT COUNT(*) FROM {name}");
            let n = c.query_row(&sql, [], |r| r.get(0)).expect("count");
            (name, n)
        };
        names.map(|name| count(name.expect("name"))).collect()
    }

    /// Every version is brought to the newest, step by step and at once, with all that it holds; a step that fails leaves the version
    /// before it whole.
    #[test]
    fn every_version_to_the_newest() {
        let mut stepwise = Connection::open_in_memory().expect("records");
        to(&mut stepwise, 1).expect("version 1");
        stepwise.execute_batch(FIRST).expect("rows of version 1");
        let had: Vec<(String, i64)> = tables(&stepwise);
        assert!(
            had.iter().all(|(name, n)| *n > 0 || name == "derived"),
            "{had:?}"
        );
        for version in 2..=MIGRATIONS.len() {
            to(&mut stepwise, version).unwrap_or_else(|e| panic!("version {version}: {e}"));
            let is: i64 = stepwise
                .query_row("PRAGMA user_version", [], |r| r.get(0))
                .expect("version");
            assert_eq!(is, version as i64);
        }
        let title: String = stepwise
            .query_row(
                "SELECT title FROM box_cameras WHERE box='ashby' AND retention_days=28",
                [],
                |r| r.get(0),
            )
            .expect("camera");
        assert_eq!(title, "Market Place");
        let mut empty = Connection::open_in_memory().expect("records");
        migrate(&mut empty).expect("newest");
        let names = |c: &Connection| tables(c).into_iter().map(|t| t.0).collect::<Vec<_>>();
        assert_eq!(names(&stepwise), names(&empty));
        // What both versions have is all there still.
        let has = tables(&stepwise);
        for (name, n) in had {
            if let Some((_, now)) = has.iter().find(|(now, _)| *now == name) {
                assert_eq!(*now, n, "{name}");
            }
        }
        migrate(&mut empty).expect("nothing is left to do");
    }

    /// Records that a newer program wrote are left alone.
    #[test]
    fn a_newer_version() {
        let mut c = Connection::open_in_memory().expect("records");
        migrate(&mut c).expect("newest");
        c.pragma_update(None, "user_version", 999).expect("version");
        let e = migrate(&mut c).expect_err("newer");
        assert!(matches!(e, DbError::Newer { found: 999, .. }), "{e}");
    }

    /// Every table says of what kind its columns are, and statements keep to what SQLite and PostgreSQL share.
    #[test]
    fn both_engines_words() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db");
        let mut files = vec![folder.clone(), folder.join("migrations")];
        let mut texts = Vec::new();
        while let Some(path) = files.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(&path).expect("folder");
                files.extend(
                    entries
                        .map(|e| e.expect("entry").path())
                        .filter(|p| p.is_file()),
                );
            } else {
                texts.push((path.clone(), std::fs::read_to_string(&path).expect("text")));
            }
        }
        assert!(texts.len() > 12, "{}", texts.len());
        for (path, text) in texts {
            // This file names them; the other is where the signs of parameters are told to SQLite.
            let words: &[&str] = match path.file_name().and_then(|n| n.to_str()) {
                Some("migrate.rs" | "store.rs") => continue,
                _ => &["OR REPLACE", "OR IGNORE", "?1", "?{", "rowid", "GLOB "],
            };
            for word in words {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
            for table in text.split("CREATE TABLE").skip(1) {
                let strict = table.contains("STRICT");
                assert!(
                    strict || path.extension().is_some_and(|e| e == "rs"),
                    "{}: {table}",
                    path.display()
                );
            }
        }
    }
}
