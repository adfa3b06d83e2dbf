//! Pure. The attacks that tests of this repository show to fail, as their own words say: read from the sources, compared with
//! docs/threats.md.
//!
//! A test that shows an attack to fail names its row (`V6`) before the first colon of what it says of itself. From these the table between
//! the marks of docs/threats.md is made.
use std::{collections::BTreeMap, fs, path::Path};

use crate::{Done, Told};

/// Where tests are.
const FOLDERS: [&str; 4] = ["edge-daemon", "hub", "shared", "tests"];
/// The table lies between these two lines.
pub const BEGIN: &str = "<!-- attacks: made from the tests; BEADLE_WRITE=1 makes it anew -->";
pub const END: &str = "<!-- attacks: end -->";

/// A test that says it shows rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    pub row: u32,
    /// Below the repository's root.
    pub file: String,
    pub test: String,
    /// What it says of itself, without the names of rows and requirements before it.
    pub says: String,
}

/// Every test below the root that names a row.
///
/// # Errors
/// A source cannot be read.
pub fn shown(root: &Path) -> Done<Vec<Shown>> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        for path in crate::places::files_below(&root.join(folder), ".rs") {
            let text = fs::read_to_string(&path).told(path.display())?;
            let file = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .display()
                .to_string();
            all.extend(of_source(&file, &text));
        }
    }
    all.sort();
    Ok(all)
}

/// The tests of one source that name rows.
pub fn of_source(file: &str, text: &str) -> Vec<Shown> {
    let (mut out, mut says, mut is_test) = (Vec::new(), String::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            says.push_str(words);
        } else if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if let Some(name) = function(line) {
            if is_test {
                let (rows, says) = rows(&says);
                out.extend(rows.into_iter().map(|row| Shown {
                    row,
                    file: file.into(),
                    test: name.into(),
                    says: says.clone(),
                }));
            }
            (says, is_test) = (String::new(), false);
        } else if !line.starts_with("//") {
            (says, is_test) = (String::new(), false);
        }
    }
    out
}

fn function(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("async ")
        .unwrap_or(line)
        .strip_prefix("fn ")?;
    rest.split_once('(').map(|(name, _)| name)
}

/// The rows named before the first colon, and what stands after it.
fn rows(says: &str) -> (Vec<u32>, String) {
    let Some((tags, rest)) = says.split_once(':') else {
        return (Vec::new(), String::new());
    };
    let row = |word: &str| {
        let digits = word.strip_prefix('V')?;
        let digits = digits.trim_end_matches(|c: char| c.is_ascii_lowercase());
        digits.parse().ok()
    };
    let mut rows: Vec<u32> = tags
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter_map(row)
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let words: Vec<&str> = rest.split_whitespace().collect();
    (rows, words.join(" "))
}

/// The table, a row for each test.
pub fn table(all: &[Shown]) -> String {
    let mut out = String::from("| row | what a test shows | the test |\n|---|---|---|\n");
    for s in all {
        let cell = s.says.replace('|', "\\|");
        out += &format!("| V{} | {cell} | `{}` `{}` |\n", s.row, s.file, s.test);
    }
    out
}

/// How many tests show each row.
pub fn counts(all: &[Shown]) -> BTreeMap<u32, usize> {
    all.iter().fold(BTreeMap::new(), |mut counts, s| {
        *counts.entry(s.row).or_default() += 1;
        counts
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places;

    /// Rows of the list of attacks, which begins at V1.
    const ROWS: u32 = 18;

    fn threats() -> (std::path::PathBuf, String) {
        let path = places::root().join("docs/threats.md");
        let text = fs::read_to_string(&path).expect("threats");
        (path, text)
    }

    /// AUD-2, ROL-2: the table of attacks in docs/threats.md is that of the tests: no row without a test, no test without its row.
    #[test]
    fn the_table_is_that_of_the_tests() {
        let all = shown(&places::root()).expect("sources");
        let counts = counts(&all);
        for row in 1..=ROWS {
            assert!(counts.contains_key(&row), "no test shows V{row}");
        }
        assert!(
            counts.keys().all(|row| (1..=ROWS).contains(row)),
            "{counts:?}"
        );
        let (path, text) = threats();
        let (before, rest) = text.split_once(BEGIN).expect("the table's begin");
        let (_, after) = rest.split_once(END).expect("the table's end");
        let due = format!("{before}{BEGIN}\n{}{END}{after}", table(&all));
        if std::env::var_os("BEADLE_WRITE").is_some() {
            fs::write(&path, &due).expect("written");
        } else {
            for (have, due) in text.lines().zip(due.lines()) {
                assert_eq!(
                    have, due,
                    "docs/threats.md; BEADLE_WRITE=1 makes the table anew"
                );
            }
            assert!(
                text == due,
                "docs/threats.md; BEADLE_WRITE=1 makes the table anew"
            );
        }
    }

    /// AUD-2: what the table by attackers names as its proof is there: a file, a folder, a module, a test, or a suite.
    #[test]
    fn every_proof_is_there() {
        let root = places::root();
        let (mut sources, mut names) = (Vec::new(), String::new());
        for folder in FOLDERS {
            for path in places::files_below(&root.join(folder), ".rs") {
                let text = fs::read_to_string(&path).expect("source");
                for line in text.lines().map(str::trim) {
                    if let Some(name) = function(line) {
                        names += &format!("\n{name}\n");
                    }
                }
                sources.push(
                    path.strip_prefix(&root)
                        .expect("below")
                        .display()
                        .to_string(),
                );
            }
        }
        let there = |proof: &str| {
            let path = proof.trim_end_matches('/');
            let module = [path, path.trim_end_matches(".rs")];
            sources.iter().any(|s| {
                module.iter().any(|m| {
                    s.contains(&format!("/{m}.rs"))
                        || s.contains(&format!("/{m}/"))
                        || s.starts_with(&format!("{m}/"))
                        || s.contains(&format!("{m}.rs"))
                })
            }) || names.contains(&format!("\n{proof}\n"))
        };
        let (_, text) = threats();
        let table = text
            .split("\n\n")
            .find(|p| p.starts_with("| who |"))
            .expect("table");
        let mut looked = 0;
        for row in table.lines().skip(2) {
            let cell = row
                .trim_end_matches(" |")
                .rsplit(" | ")
                .next()
                .unwrap_or_default();
            for proof in cell.split('`').skip(1).step_by(2) {
                let proof = proof.replace("src/", "");
                let last = proof.rsplit('/').next().unwrap_or_default();
                assert!(there(&proof) || there(last), "{proof} is nowhere: {row}");
                looked += 1;
            }
        }
        assert!(looked > 40, "{looked}");
    }

    /// What counts as a test that shows a row.
    #[test]
    fn tests_are_found_by_what_they_say() {
        let source = "/// V6, V7 and AUD-2: a stranger:\n/// waits.\n#[test]\nfn one() {}\n/// V1: no test\nfn two() {}\n/// No V8 before a colon.\n#[test]\nfn three() {}\n/// security.md V4c, kind 2: x | y\n#[tokio::test(flavor = \"x\")]\nasync fn four() {}\n";
        let found = of_source("a.rs", source);
        let found: Vec<_> = found
            .iter()
            .map(|s| (s.row, s.test.as_str(), s.says.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (6, "one", "a stranger: waits."),
                (7, "one", "a stranger: waits."),
                (4, "four", "x | y")
            ]
        );
    }
}
