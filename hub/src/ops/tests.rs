//! Every operation has its row, every row its operation, and the documents say the same.
use shared::schema::Writer;

use super::{operation::GOES_ON, *};
use crate::model::operation::{About, Method, Second};

#[derive(Default)]
struct Rows(Vec<&'static str>);

impl Visitor for Rows {
    fn asked<O: Operation>(&mut self) {
        self.0.push(O::ROW.name);
    }
    fn followed<O: Followed>(&mut self) {
        self.0.push(O::ROW.name);
    }
    fn filmed<O: Filmed>(&mut self) {
        self.0.push(O::ROW.name);
    }
}

/// A row without an operation would promise what nothing does; one said twice, or two at one door, would hide the other.
#[test]
fn the_table_and_the_operations_are_the_same() {
    let mut rows = Rows::default();
    visit(&mut rows);
    let mut table: Vec<&str> = table::ALL.iter().map(|row| row.name).collect();
    rows.0.sort_unstable();
    table.sort_unstable();
    assert_eq!(rows.0, table);
    table.dedup();
    assert_eq!(table.len(), table::ALL.len());
    let mut doors: Vec<_> = table::ALL
        .iter()
        .map(|row| (row.path, row.method.word()))
        .collect();
    doors.sort_unstable();
    doors.dedup();
    assert_eq!(doors.len(), table::ALL.len());
}

/// The table in words, as `docs/roles.md` has it.
fn document() -> String {
    let mut out = String::from(
        "# Who may do what\n\n\
         Made from the table of operations (`hub/src/access/table.rs`); a test compares them. Whoever is not named in a row may not. **console**: root\n\
         at the hub machine may without naming a person. **second**: *asks* is only a request, which another person has to approve; *approves* is\n\
         that other person's word; *both* takes two people at once. Where it asks, who asked and who approves are two people: not one account, nor\n\
         two that are in one person's hands (`hub/src/access/two.rs`). **without a role too**: it is about the own account; until a first\n\
         password is changed, the declaration accepted and a second factor set up, nothing else is to be had. The lines are those of the hub's own log ([audit.md](audit.md)), written before\n\
         anything is done.\n\n\
         | operation | what | roles | about | also | lines | HTTP, below `/api/v1` |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in table::ALL {
        let mut also = Vec::new();
        if row.console {
            also.push("console");
        }
        if row.purpose {
            also.push("purpose and reference");
        }
        match row.second {
            Second::No => {}
            Second::Asks => also.push("second: asks"),
            Second::Approves => also.push("second: approves"),
            Second::Both => also.push("second: both"),
        }
        if row.own {
            also.push("without a role too");
        }
        let roles = match row.roles.len() == crate::model::role::Role::ALL.len() {
            true => "all".to_owned(),
            false => crate::model::role::list(row.roles),
        };
        let about = match row.about {
            About::Hub => "",
            About::Whole => "the whole hub",
            About::Log => "a log",
            About::Box => "a box",
            About::Camera => "a camera",
            About::Exhibit => "an exhibit",
            About::Hold => "a hold",
            About::Lift => "a lift",
            About::Order => "an order",
            About::Request => "a request's cameras",
        };
        let lines: Vec<String> = row.lines.iter().map(|l| format!("`{l}`")).collect();
        out += &format!(
            "| `{}` | {} | {roles} | {about} | {} | {} | `{} {}` |\n",
            row.name,
            row.what,
            also.join(", "),
            lines.join(" "),
            row.method.word(),
            row.path
        );
    }
    out
}

/// ROL-1: what the document says is what the hub does. `BEADLE_WRITE=1` writes it anew.
#[test]
fn the_document_says_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/roles.md");
    if std::env::var_os("BEADLE_WRITE").is_some() {
        std::fs::write(path, document()).expect("written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/roles.md differs from the table; BEADLE_WRITE=1 writes it anew"
    );
}

/// Every line an operation says it writes is one of the hub's own log.
#[test]
fn the_lines_are_of_the_hubs_log() {
    for row in table::ALL {
        for kind in row.lines {
            let line = shared::schema::of(kind);
            assert!(
                line.is_some_and(|l| l.writer.may(Writer::Hub)),
                "{} says it writes {kind}",
                row.name
            );
        }
        // What changes something is on the log.
        assert_eq!(
            row.method == Method::Post,
            !row.lines.is_empty(),
            "{}",
            row.name
        );
    }
}

/// What the manual shows of how an operation is added is how one was: every line of the diff stands in its file.
#[test]
fn the_diff_that_adds_one_is_true() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| {
        let text = std::fs::read_to_string(format!("{root}/{path}"));
        text.unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let (mut file, mut files) = (String::new(), 0);
    for line in read("docs/operation.diff").lines() {
        if let Some(path) = line.strip_prefix("+++ b/") {
            (file, files) = (read(path), files + 1);
        } else if let Some(added) = line.strip_prefix('+') {
            assert!(
                file.lines().any(|line| line == added),
                "{added:?} is not there"
            );
        }
    }
    assert!(files >= 4, "row, function, list, test");
}

/// What goes on while the disk is full are operations that there are.
#[test]
fn what_goes_on_is_in_the_table() {
    for name in GOES_ON {
        assert!(table::ALL.iter().any(|row| row.name == name), "{name}");
    }
}
