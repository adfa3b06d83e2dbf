//! Adapter: filesystem. Who may use whom: the tables of docs/rooms.md held against manifests and `use` lines, both ways.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    none,
    source::{PRODUCT, product, read},
};

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The rows of the table under a heading of docs/rooms.md: who, and whom it uses.
fn table(heading: &str) -> Uses {
    let page = read("docs/rooms.md");
    let after = page.split_once(&format!("\n## {heading}\n"));
    let part = after
        .unwrap_or_else(|| panic!("docs/rooms.md has no heading {heading}"))
        .1;
    let part = part.split("\n## ").next().unwrap_or_default();
    let mut out = Uses::new();
    for row in part.lines().filter(|l| l.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names = |cell: &str| -> BTreeSet<String> {
            let parts = cell.split('`').skip(1).step_by(2);
            parts.map(str::to_owned).collect()
        };
        let who = names(cells[1]).pop_first().expect("a name");
        out.insert(who, names(cells[3]));
    }
    assert!(out.len() > 3, "{heading}: a table of {} rows", out.len());
    out
}

fn compare(what: &str, table: &Uses, is: &Uses) -> Vec<String> {
    let mut found = Vec::new();
    for who in table.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
        match (table.get(who), is.get(who)) {
            (None, _) => found.push(format!("{what} {who} has no row")),
            (_, None) => found.push(format!("{what} {who} is gone: take its row out")),
            (Some(may), Some(does)) => {
                found.extend(
                    does.difference(may)
                        .map(|x| format!("{what} {who} uses {x}")),
                );
                found.extend(
                    may.difference(does)
                        .map(|x| format!("{what} {who} does not use {x} any more: take it out")),
                );
            }
        }
    }
    found
}

/// README: `edge-daemon` and `hub` never see each other; both see `shared`.
#[test]
fn crates_use_whom_they_may() {
    let mut is = Uses::new();
    for krate in PRODUCT.iter().chain(&["tests"]) {
        let manifest: toml::Table = read(&format!("{krate}/Cargo.toml"))
            .parse()
            .expect("a manifest");
        let mut uses = BTreeSet::new();
        for part in ["dependencies", "build-dependencies"] {
            let all = manifest.get(part).and_then(|v| v.as_table());
            uses.extend(all.into_iter().flat_map(|t| t.keys().cloned()));
        }
        uses.retain(|d| {
            ["shared", "footage", "logbook", "walls", "http-auth"].contains(&d.as_str())
                || d.starts_with("beadle-")
        });
        is.insert((*krate).to_owned(), uses);
    }
    none(
        &compare("crate", &table("Crates"), &is),
        "docs/rooms.md says which crate uses which. Change the page, or go another way:",
    );
}

/// docs/rooms.md: which room of the box uses which, and which of the hub.
#[test]
fn rooms_use_whom_they_may() {
    for (folder, of) in [("edge-daemon/src/", "box"), ("hub/src/", "hub")] {
        let table = table(&format!("Rooms of the {of}"));
        none(
            &compare("room", &table, &rooms(folder)),
            &format!(
                "docs/rooms.md says which room of the {of} uses which. Change the page, or go another way:"
            ),
        );
    }
}

/// docs/rooms.md: the hub's rooms stand above those that they use, and no way leads back up.
#[test]
fn rooms_of_the_hub_form_no_circle() {
    let mut left = rooms("hub/src/");
    // From the ground up: a room whose own are all taken away already is taken away.
    loop {
        let known: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, uses| uses.iter().any(|u| known.contains(u)));
        if left.len() == before {
            break;
        }
    }
    let found: Vec<String> = left
        .iter()
        .map(|(who, uses)| {
            let uses = uses.iter().filter(|u| left.contains_key(*u));
            let uses: Vec<&str> = uses.map(String::as_str).collect();
            format!("{who} uses {}", uses.join(" "))
        })
        .collect();
    none(
        &found,
        "Rooms of the hub lead back to themselves. Move the value that both name down into `model`, or hand it over where it is called:",
    );
}

/// The rooms (files and folders) of a crate, and which of them each names as `crate::room`.
fn rooms(below: &str) -> Uses {
    let mut out = Uses::new();
    for source in product().iter().filter(|s| !s.test) {
        let Some(inner) = source.path.strip_prefix(below) else {
            continue;
        };
        let room = inner
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs");
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let uses = named(&source.code);
        let of = out.entry(room.to_owned()).or_default();
        of.extend(uses.into_iter().filter(|u| u != room));
    }
    let names: BTreeSet<String> = out.keys().cloned().collect();
    for uses in out.values_mut() {
        uses.retain(|u| names.contains(u));
    }
    out
}

/// What code names as `crate::name` or in `crate::{…}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + 7..];
        if !rest.starts_with('{') {
            out.insert(word(rest));
            continue;
        }
        // Names at the first depth of the braces.
        let (mut depth, mut begins) = (0, false);
        for (i, c) in rest.char_indices() {
            match c {
                '{' => (depth, begins) = (depth + 1, depth == 0),
                '}' => depth -= 1,
                ',' => begins = depth == 1,
                c if begins && !c.is_whitespace() => {
                    out.insert(word(&rest[i..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    out
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn names_in_braces() {
    let code = "use crate::{\n  a::{b, c},\n  d,\n  e::f,\n};\nfn g() { crate::h::i() }";
    let want = ["a", "d", "e", "h"].map(str::to_owned);
    assert_eq!(named(code), BTreeSet::from(want));
}
