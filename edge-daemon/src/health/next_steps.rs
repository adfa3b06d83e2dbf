//! Each next step in the table of conditions names something that exists: a command of this program with its options, a unit, a key of
//! the configuration. (What the hub's commands and pages are called is looked at there.)
use std::{collections::BTreeSet, path::Path};

use clap::{Command, CommandFactory};
use shared::{conditions::CONDITIONS, testing::named};

use crate::{
    commands::Line,
    config::{self, Passwords},
};

/// Words after which a program's name is that of its unit.
const UNITS: [&str; 5] = ["start", "stop", "restart", "--now", "-u"];

fn is_unit(name: &str) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd");
    folder.join(format!("{name}.service")).exists()
}

/// FLT-1: commands of this program are those it has.
#[test]
fn commands_and_units_exist() {
    let root = Line::command();
    let mut commands = BTreeSet::new();
    for n in named("beadle-edge") {
        if UNITS.contains(&n.before.as_str()) || is_unit(&n.before) {
            assert!(is_unit("beadle-edge"));
            continue;
        }
        let mut at: &Command = &root;
        let mut words = n.after.iter();
        while at.has_subcommands() {
            let word = words.next().map_or("", String::as_str);
            let Some(sub) = at.find_subcommand(word) else {
                panic!("{}: beadle-edge has no command {:?}", n.code, n.after);
            };
            at = sub;
        }
        for option in words.filter_map(|w| w.strip_prefix("--")) {
            let known = at.get_arguments().any(|a| a.get_long() == Some(option));
            assert!(known, "{}: {} has no --{option}", n.code, at.get_name());
        }
        commands.insert(at.get_name().to_owned());
    }
    assert!(commands.len() >= 4, "{commands:?}");
    let texts = || {
        CONDITIONS
            .iter()
            .flat_map(|c| [(c.code, c.cause), (c.code, c.next)])
    };
    for (code, text) in texts() {
        for word in text.split([' ', ',', '.', ';', '(', ')']) {
            let programs = ["edge", "hub", "pictures", "documents"];
            let program = word
                .strip_prefix("beadle-")
                .is_some_and(|name| programs.contains(&name));
            let unit = word.starts_with("beadle-") && !program;
            assert!(!unit || is_unit(word), "{code}: there is no unit {word}");
        }
        for nothing in [
            "bundle",
            "editor",
            "fault desk",
            "date shown",
            "restart the box",
            "Restart the box",
        ] {
            assert!(!text.contains(nothing), "{code}: {nothing}");
        }
    }
}

/// FLT-1: sections and keys of the configuration that a text names are taken by the configuration.
#[test]
fn configuration_keys_exist() {
    let mut sections = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for c in CONDITIONS {
        for text in [c.cause, c.next] {
            for part in text.split('[').skip(1) {
                if let Some((section, _)) = part.split_once(']').filter(|(s, _)| !s.is_empty()) {
                    sections.insert(section.to_owned());
                }
            }
            let words: Vec<&str> = text
                .split_whitespace()
                .map(|w| w.trim_matches(|c: char| ".,;:()'".contains(c)))
                .collect();
            for (i, word) in words.iter().enumerate() {
                // `days of [retention]`, `encoder out of [pictures]`
                let of = match words.get(i + 1..).unwrap_or_default() {
                    ["of", ..] => *word != "out",
                    ["out", "of", ..] => true,
                    _ => false,
                };
                let section = words[i + 1..].iter().take(3).find(|w| w.starts_with('['));
                if let (true, Some(section)) = (of, section) {
                    let section = section.trim_matches(|c| "[]".contains(c));
                    keys.insert((section.to_owned(), (*word).to_owned()));
                } else if word.contains('_') {
                    keys.insert(("camera".to_owned(), (*word).to_owned()));
                }
            }
        }
    }
    keys.remove(&("volume".to_owned(), "path".to_owned()));
    assert!(
        sections.len() >= 5 && keys.len() >= 4,
        "{sections:?} {keys:?}"
    );
    for section in &sections {
        let wrongs = wrongs(section, "no_such_key");
        let whole = format!("{section}: no such key is known");
        assert!(!wrongs.contains(&whole), "[{section}]: {wrongs}");
        assert!(
            wrongs.contains("no_such_key: no such key is known"),
            "[{section}]: {wrongs}"
        );
    }
    for (section, key) in &keys {
        let wrongs = wrongs(section, key);
        let unknown = format!("{key}: no such key is known");
        assert!(!wrongs.contains(&unknown), "{key} of [{section}]: {wrongs}");
    }
}

/// All that is wrong with a configuration that has this key.
fn wrongs(section: &str, key: &str) -> String {
    let camera = "[[camera]]\nid = \"c01\"\nurl = \"rtsp://10.0.0.1/s\"\n";
    let head = match section {
        "camera" => camera.to_owned(),
        "volume" => "[[volume]]\n".to_owned(),
        s if s.starts_with("camera.") => format!("{camera}[{s}]\n"),
        s => format!("[{s}]\n"),
    };
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("edge.toml");
    std::fs::write(&file, format!("{head}{key} = {{}}\n")).expect("write");
    match config::load(&file, Passwords::None) {
        Ok(_) => panic!("a table is no value of {key}"),
        Err(e) => e.to_string(),
    }
}
