//! Adapter: cargo. What may come in by Cargo.lock: the lists of deny.toml, held here because cargo-deny is not everywhere.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use super::{
    none,
    source::{read, root},
};

fn deny() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml")
}

fn packages(lock: &str) -> Vec<(String, String)> {
    let lock: toml::Table = read(lock).parse().expect("a lock file");
    let all = lock["package"].as_array().expect("packages");
    let text = |p: &toml::Value, key: &str| {
        let value = p.get(key).and_then(|v| v.as_str());
        value.unwrap_or_default().to_owned()
    };
    all.iter()
        .map(|p| (text(p, "name"), text(p, "source")))
        .collect()
}

/// README: crypto is `ring`; what deny.toml bans is not in the tree, and all comes from one registry.
#[test]
fn nothing_banned_comes_in() {
    let deny = deny();
    let banned: BTreeSet<&str> = deny["bans"]["deny"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|b| b["crate"].as_str())
        .collect();
    assert!(
        banned.contains("openssl-sys") && banned.contains("aws-lc-sys"),
        "{banned:?}"
    );
    let mut found = Vec::new();
    for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
        for (name, source) in packages(lock) {
            if banned.contains(name.as_str()) {
                found.push(format!(
                    "{lock}: {name} is banned: cargo tree -i {name} says who asks for it"
                ));
            }
            if !source.is_empty()
                && source != "registry+https://github.com/rust-lang/crates.io-index"
            {
                found.push(format!("{lock}: {name} comes from {source}"));
            }
        }
    }
    none(&found, "deny.toml says what may not come in:");
}

/// deny.toml: each package may be used under a licence of the list.
#[test]
fn licences_allow_it() {
    let deny = deny();
    let allowed: BTreeSet<&str> = deny["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|l| l.as_str())
        .collect();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let out = Command::new(cargo)
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo metadata starts");
    assert!(
        out.status.success(),
        "cargo metadata: {} (cargo fetch --locked brings what is missing)",
        String::from_utf8_lossy(&out.stderr)
    );
    let all: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let mut found = Vec::new();
    for package in all["packages"].as_array().expect("packages") {
        let licence = package["license"].as_str().unwrap_or("none said");
        if !allows(licence, &allowed) {
            found.push(format!("{}: {licence}", package["name"]));
        }
    }
    none(&found, "deny.toml does not list the licence of a package:");
}

/// Whether an SPDX expression can be met by the licences of the list. An exception to a licence asks for less and is not looked at.
fn allows(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any_of(&words, allowed);
    met && rest.is_empty()
}

fn any_of<'a>(words: &'a [&'a str], allowed: &BTreeSet<&str>) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = all_of(words, allowed);
    while let Some(("OR", after)) = rest.split_first().map(|(w, r)| (*w, r)) {
        let (more, left) = all_of(after, allowed);
        (met, rest) = (met || more, left);
    }
    (met, rest)
}

fn all_of<'a>(words: &'a [&'a str], allowed: &BTreeSet<&str>) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = licence(words, allowed);
    while let Some(("AND", after)) = rest.split_first().map(|(w, r)| (*w, r)) {
        let (more, left) = licence(after, allowed);
        (met, rest) = (met && more, left);
    }
    (met, rest)
}

fn licence<'a>(words: &'a [&'a str], allowed: &BTreeSet<&str>) -> (bool, &'a [&'a str]) {
    match words {
        ["(", inner @ ..] => match any_of(inner, allowed) {
            (met, [")", rest @ ..]) => (met, rest),
            _ => (false, &[]),
        },
        [name, "WITH", _, rest @ ..] | [name, rest @ ..] => (allowed.contains(name), rest),
        [] => (false, &[]),
    }
}

#[test]
fn expressions() {
    let allowed = BTreeSet::from(["MIT", "ISC"]);
    for (text, met) in [
        ("MIT", true),
        ("GPL-2.0-only", false),
        ("MIT OR GPL-2.0-only", true),
        ("GPL-2.0-only/MIT", true),
        ("MIT AND GPL-2.0-only", false),
        ("MIT AND (GPL-2.0-only OR ISC)", true),
        ("GPL-2.0-only OR MIT AND BSD-3-Clause", false),
        ("ISC WITH some-exception", true),
        ("(MIT", false),
        ("", false),
    ] {
        assert_eq!(allows(text, &allowed), met, "{text}");
    }
}
