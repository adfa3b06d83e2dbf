//! Each next step in the table of conditions names something that exists at the hub: a command of it with its options, a page that
//! every other leads to. (The box's commands are looked at there.)
use clap::{Command, CommandFactory};
use shared::{conditions::CONDITIONS, testing::named};

use crate::web::parts::LINKS;

/// FLT-1: commands of the hub are those it has.
#[test]
fn commands_exist() {
    let root = crate::commands::Cli::command();
    let all = named("beadle-hub");
    assert!(all.len() >= 8);
    for n in all {
        let mut at: &Command = &root;
        let mut words = n.after.iter();
        while at.has_subcommands() {
            let word = words.next().map_or("", String::as_str);
            let Some(sub) = at.find_subcommand(word) else {
                panic!("{}: beadle-hub has no command {:?}", n.code, n.after);
            };
            at = sub;
        }
        for option in words.filter_map(|w| w.strip_prefix("--")) {
            let known = at.get_arguments().any(|a| a.get_long() == Some(option));
            assert!(known, "{}: {} has no --{option}", n.code, at.get_name());
        }
    }
}

/// FLT-1: a page that is named is one that every page leads to.
#[test]
fn pages_exist() {
    let mut seen = 0;
    for c in CONDITIONS {
        for text in [c.cause, c.next] {
            for (at, _) in text.match_indices("page") {
                let name = text[at..].strip_prefix("page ");
                // Some have names of several words.
                let named = |rest: &str, page: &str| {
                    let after = rest.strip_prefix(page);
                    after.is_some_and(|r| r.is_empty() || r.starts_with([',', '.', ')', ' ']))
                };
                let mut pages = LINKS.iter().map(|(_, page, _)| page.to_string());
                let linked = name.is_some_and(|rest| pages.any(|page| named(rest, &page)));
                assert!(linked, "{}: {name:?} is no page: {text}", c.code);
                seen += 1;
            }
        }
    }
    assert!(seen >= 3);
}
