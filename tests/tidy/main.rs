//! Adapter: filesystem. The rules of the house (README.md, CONTRIBUTING.md), held against every source file of the product. Each test says what
//! to do about what it finds. They read files and start nothing.
#![allow(clippy::expect_used)] // all of this program is a test

mod imports;
mod lock;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{Source, below, product, read};

/// Fails with all that was found and what to do about it.
#[track_caller]
fn none(found: &[String], rule: &str) {
    assert!(
        found.is_empty(),
        "{rule}\n  {}\n({} found)",
        found.join("\n  "),
        found.len()
    );
}

/// Rust files of the product that are not tests.
fn code() -> impl Iterator<Item = &'static Source> {
    product().iter().filter(|s| !s.test)
}

/// What a file may do to the world, by its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind<'a> {
    /// With what it takes from the world all the same: `the dice`, `the clock`, or nothing.
    Pure(&'a str),
    /// The one outside thing it speaks to.
    Adapter(&'a str),
    Task,
    Wiring,
}

fn kind(first: &str) -> Option<Kind<'_>> {
    let text = first.strip_prefix("//! ")?;
    let of = text.split_once(". ").map_or(text, |(of, _)| of);
    // `Pure.` alone says nothing of what the file is about.
    if text.len() < 20 {
        return None;
    }
    match (of.split_once(": "), of) {
        (Some(("Adapter", thing)), _) => Some(Kind::Adapter(thing)),
        (None, "Pure") => Some(Kind::Pure("")),
        (None, "Pure, but for the dice") => Some(Kind::Pure("the dice")),
        (None, "Pure, but for the clock") => Some(Kind::Pure("the clock")),
        (None, "Task") => Some(Kind::Task),
        (None, "Wiring") => Some(Kind::Wiring),
        _ => None,
    }
}

/// README: the first line of every source file says what it may do to the world.
#[test]
fn every_first_line_is_a_kind() {
    let found: Vec<String> = code()
        .filter(|s| kind(s.first_line()).is_none())
        .map(|s| format!("{}: {:?}", s.path, s.first_line()))
        .collect();
    none(
        &found,
        "The first line of a source file is `//! Pure. …`, `//! Adapter: <one outside thing>. …`, `//! Task. …` or `//! Wiring. …`, and says what the \
         file is about (`Pure, but for the dice` or `the clock` where it takes a random number or looks at a clock):",
    );
}

/// Names that stand for the world outside, and what of a Pure file may have them.
const WORLD: [(&str, &str); 21] = [
    ("fs", ""),
    ("File::open", ""),
    ("File::create", ""),
    ("OpenOptions", ""),
    ("TcpStream", ""),
    ("TcpListener", ""),
    ("UdpSocket", ""),
    ("UnixStream", ""),
    ("UnixListener", ""),
    ("process", ""),
    ("thread", ""),
    ("sleep", ""),
    ("std::env", ""),
    ("SystemTime", ""),
    ("Instant", "the clock"),
    ("SystemRandom", "the dice"),
    ("tracing", ""),
    ("nix", ""),
    ("println", ""),
    ("eprintln", ""),
    ("unsafe", ""),
];
/// Pure files that name one of these for what it is called, or whose use of it nothing outside can tell.
const NAMED_ONLY: [(&str, &str); 3] = [
    ("shared/pictures/src/sandbox/calls.rs", "nix"), // numbers of system calls
    ("hub/documents/src/calls.rs", "nix"),           // the same
    ("shared/src/verify/lines.rs", "thread"), // reckons on both cores; what comes of it is the same on one
];

/// README: Pure means no I/O and no clock; what it needs of these is passed in.
#[test]
fn pure_files_touch_nothing() {
    let mut found = Vec::new();
    for source in code() {
        let Some(Kind::Pure(takes)) = kind(source.first_line()) else {
            continue;
        };
        for (name, allowed) in WORLD {
            let named = NAMED_ONLY.contains(&(source.path.as_str(), name));
            if named || (!allowed.is_empty() && allowed == takes) {
                continue;
            }
            for line in source.lines_with(name) {
                found.push(format!("{}:{line}: {name}", source.path));
            }
        }
        // Of tokio, channels are as good as a mutex.
        let lines = source.code.lines().enumerate();
        for (at, line) in lines.filter(|(_, l)| l.contains("tokio")) {
            let clock = takes == "the clock" && line.contains("tokio::time::");
            if !clock && !line.contains("tokio::sync::") {
                found.push(format!("{}:{}: tokio", source.path, at + 1));
            }
        }
    }
    none(
        &found,
        "A Pure file names something of the world outside. Pass it in, or say in the first line what the file is:",
    );
}

/// Libraries that speak to the world, and the only files that may name them: by path, and by the outside thing an Adapter says it is of.
const LIBRARIES: [(&str, &str, &str); 10] = [
    ("rusqlite", "", "SQLite"),
    ("quinn", "", "quinn"),
    ("rcgen", "", ""),
    ("landlock", "shared/walls/src", ""),
    ("seccompiler", "shared/walls/src", ""),
    ("ffmpeg_next", "shared/pictures/src", ""),
    ("retina", "edge-daemon/src/capture", ""),
    ("axum", "hub/src/", ""),
    ("argon2", "hub/src/", ""),
    ("hyper", "hub/src/", ""),
];
/// Of these only an Adapter may speak.
const ADAPTERS_ONLY: [&str; 5] = ["rusqlite", "quinn", "rcgen", "landlock", "seccompiler"];

/// README: an Adapter speaks to one outside thing, and nobody else speaks to it.
#[test]
fn libraries_stay_in_their_adapters() {
    let mut found = Vec::new();
    for source in code() {
        for (name, below, thing) in LIBRARIES {
            let allowed = source.path.starts_with(below)
                && match kind(source.first_line()) {
                    Some(Kind::Adapter(of)) => of.contains(thing),
                    _ => !ADAPTERS_ONLY.contains(&name),
                };
            if !allowed {
                let lines = source.lines_with(name);
                found.extend(lines.iter().map(|n| format!("{}:{n}: {name}", source.path)));
            }
        }
    }
    none(
        &found,
        "A library of the outside is named outside its adapter. Ask the adapter instead:",
    );
}

/// Files other than Wiring that may end the program.
const MAY_EXIT: [&str; 1] = ["edge-daemon/src/demoted.rs"]; // the child of a fork

/// What goes to a terminal, and the end of a program, is decided where a program is put together.
#[test]
fn only_wiring_prints_and_ends() {
    let mut found = Vec::new();
    for source in code() {
        if kind(source.first_line()) == Some(Kind::Wiring) {
            continue;
        }
        for name in ["println", "eprintln", "print", "eprint", "process::exit"] {
            if name == "process::exit" && MAY_EXIT.contains(&source.path.as_str()) {
                continue;
            }
            let is_macro = |n: &usize| {
                let line = source.code.lines().nth(n - 1).unwrap_or_default();
                name.contains(':') || line.contains(&format!("{name}!"))
            };
            let lines = source.lines_with(name).into_iter().filter(is_macro);
            found.extend(lines.map(|n| format!("{}:{n}: {name}", source.path)));
        }
    }
    none(
        &found,
        "Only Wiring prints or ends the program. Return a value, and let a command say it:",
    );
}

/// CONTRIBUTING: no unwrap and no expect outside tests, nor what else ends a program because a case was left out.
#[test]
fn nothing_is_unwrapped() {
    let mut found = Vec::new();
    for source in code() {
        for (at, line) in source.code.lines().enumerate() {
            for name in [
                ".unwrap()",
                ".expect(",
                ".unwrap_err()",
                ".expect_err(",
                "todo!",
                "unimplemented!",
                "dbg!",
            ] {
                if line.contains(name) {
                    found.push(format!("{}:{}: {name}", source.path, at + 1));
                }
            }
        }
    }
    none(
        &found,
        "A failure is answered, not unwrapped. Return an error that says what failed, on what, and what to do:",
    );
}

/// Files that may hold `unsafe`: the edges to libav and to the operating system.
const UNSAFE: [&str; 11] = [
    "edge-daemon/src/capture/aside.rs",
    "edge-daemon/src/clock/kernel.rs",
    "edge-daemon/src/demoted.rs",
    "edge-daemon/src/memory.rs",
    "shared/pictures/src/av.rs",
    "shared/pictures/src/av/canvas.rs",
    "shared/pictures/src/av/encoder.rs",
    "shared/pictures/src/av/jpeg.rs",
    "shared/pictures/src/av/vaapi.rs",
    "shared/pictures/src/main.rs",
    "shared/walls/src/lib.rs",
];

/// CONTRIBUTING: `unsafe` only at the libav and OS edge, each with its reason.
#[test]
fn unsafe_stands_at_the_edge_and_says_why() {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for source in code() {
        let text: Vec<&str> = source.text.lines().collect();
        for line in source.lines_with("unsafe") {
            seen.insert(source.path.clone());
            if !UNSAFE.contains(&source.path.as_str()) {
                found.push(format!("{}:{line}: not at an edge", source.path));
            }
            // The lint sees to each block; functions, impls and foreign items are seen to here.
            let before = text[..line].iter().rev().take(12);
            let said = before.take_while(|l| !l.trim().is_empty());
            if !said
                .into_iter()
                .any(|l| l.contains("SAFETY:") || l.contains("# Safety"))
            {
                found.push(format!("{}:{line}: no `// SAFETY:` before it", source.path));
            }
        }
    }
    for listed in UNSAFE.iter().filter(|p| !seen.contains(**p)) {
        found.push(format!("{listed} has none any more: take it off the list"));
    }
    none(
        &found,
        "`unsafe` stands only at the edges to libav and the operating system, each with its reason (UNSAFE in this test lists the files):",
    );
}

/// Lines of a file, at most.
const LINES: usize = 600;
/// Files that were longer when the rule came, with the most lines they may have. They only shrink.
const LONGER: &str = include_str!("longer.txt");

/// CONTRIBUTING: a file has one theme and 600 lines at most.
#[test]
fn files_do_not_grow() {
    let mut longer: BTreeMap<&str, usize> = BTreeMap::new();
    for line in LONGER.lines().filter(|l| !l.starts_with('#')) {
        let (lines, path) = line.split_once(' ').expect("LINES PATH");
        longer.insert(path, lines.parse().expect("a number"));
    }
    let mut found = Vec::new();
    for source in code() {
        let lines = source.lines();
        match longer.remove(source.path.as_str()) {
            Some(_) if lines <= LINES => found.push(format!(
                "{} has {lines} lines now: take it off longer.txt",
                source.path
            )),
            Some(ceiling) if lines > ceiling => found.push(format!(
                "{} has {lines} lines and had {ceiling}: take something out of it",
                source.path
            )),
            None if lines > LINES => found.push(format!(
                "{} has {lines} lines: split it by theme",
                source.path
            )),
            _ => {}
        }
    }
    let gone = longer
        .keys()
        .map(|p| format!("{p} is gone: take it off longer.txt"));
    found.extend(gone);
    none(
        &found,
        "A file has 600 lines at most (tests/tidy/longer.txt lists those that may only shrink):",
    );
}

/// The database's migrations are numbered without holes, and add: what is on record in a table is not thrown away by the next version. A column
/// goes only when what it held was put elsewhere before.
#[test]
fn migrations_add() {
    let all = below("hub/src/db/migrations", ".sql");
    let (mut found, mut moved) = (Vec::new(), Vec::new());
    for (at, path) in all.iter().enumerate() {
        let name = path.rsplit('/').next().unwrap_or_default();
        if !name.starts_with(&format!("{:03}", at + 1)) {
            found.push(format!(
                "{path}: is the {}. file, by its name it is not",
                at + 1
            ));
        }
        let text = read(path).to_uppercase();
        let bare: String = text
            .lines()
            .map(|l| l.split("--").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(" ");
        for statement in bare.split(';') {
            let letter = |c: char| !(c.is_alphanumeric() || c == '_');
            let words: Vec<&str> = statement.split(letter).filter(|w| !w.is_empty()).collect();
            let is_moved = |table: &str, column: &str| {
                moved.iter().any(|words: &Vec<String>| {
                    words.iter().any(|w| w == column)
                        && words.windows(2).any(|w| w[0] == "FROM" && w[1] == table)
                })
            };
            match words.as_slice() {
                ["ALTER", "TABLE", table, "DROP", "COLUMN", column] if is_moved(table, column) => {}
                words => {
                    for pair in words.windows(2) {
                        if matches!(pair, ["DELETE", "FROM"] | ["DROP", "COLUMN"]) {
                            found.push(format!("{path}: {}", words.join(" ")));
                        }
                    }
                }
            }
            if words.starts_with(&["INSERT", "INTO"]) {
                moved.push(words.iter().map(|w| (*w).to_owned()).collect());
            }
        }
    }
    none(
        &found,
        "Migrations (hub/src/db/migrations/NNN….sql) are numbered from 001 on without a hole, delete no rows, and drop no column that was not moved:",
    );
}

/// SQL stands in one room on either side, and the log is no table: lines are never changed by it.
#[test]
fn sql_stands_in_its_room() {
    let mut found = Vec::new();
    for source in code() {
        let room = source.path.starts_with("hub/src/db/")
            || source.path.starts_with("edge-daemon/src/store/index");
        if room {
            continue;
        }
        for (at, line) in source.text.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            let statement = [
                "\"SELECT ",
                "\"INSERT ",
                "\"UPDATE ",
                "\"DELETE FROM ",
                "\"CREATE TABLE ",
            ];
            if statement.iter().any(|s| line.contains(s)) {
                found.push(format!("{}:{}", source.path, at + 1));
            }
        }
    }
    none(
        &found,
        "SQL stands in hub/src/db and edge-daemon/src/store/index. Add a function there:",
    );
}
