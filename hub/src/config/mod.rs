//! Pure. What `hub.toml` says, and everything that is wrong with it at once.
//!
//! ```toml
//! scheme   = "cctv.example.gov.uk"     # first part of every log's name; never changes
//! zone     = "Europe/London"           # local days
//! quic     = "127.0.0.1:4433"          # where boxes dial in
//! https    = "127.0.0.1:8443"          # staff pages
//! evidence = "evidence"                # packages; relative to the state folder, or absolute
//! names    = ["hub.example.gov.uk"]    # what staff type to reach the pages, and boxes to dial: names or addresses, without port. They stand
//!                                      # in the hub's certificates. Left out: the name in `address`, or the addresses listened on
//! address  = "hub.example.gov.uk:4433" # optional: what long one-time codes tell boxes to dial, when it is not `quic`
//! lookup   = "beadle.cctv.example.gov.uk:4433" # optional: what boxes ask the DNS for when the hub answers at no address they know. They are
//!                                      # told at enrolment. Left out: beadle. before the scheme, and the port of `address` or `quic`
//! [disks]                              # optional: when somebody is told that a disk of the hub's fills up
//! watch       = ["/srv/exports"]       # paths that are watched beside the state folder and the evidence
//! low_percent = 10                     # so little is left
//! low_days    = 14                     # it is full in so many days, as it filled in the last week
//! [sign_in]                            # optional
//! second_factor = ["approver"]         # roles that take a second factor; left out: all that decide (supervisor, coordinator, approver,
//!                                      # administrator)
//! origin        = "https://hub.example.gov.uk:8443" # what browsers show as the pages' address, which passkeys are tied to; left out: from
//!                                      # the first of `names` that is no number, and the port of `https`
//! [holds]                              # optional
//! days         = 31                    # how long a hold lasts when nobody says, and that of a clip request
//! longest_days = 400                   # how long one may last at most, counted anew when it is extended
//! [periods]                            # optional: how long the hub keeps what it has of footage (disposal/policy)
//! master_years       = 3               # an exhibit of class general, from the day it was made
//! surveillance_years = 5               # one of directed surveillance
//! review_days        = 365             # class review: how far ahead its next review may be
//! draft_days         = 7               # what came of a request that was refused or failed
//! part_days          = 1               # what an interrupted fetch or package left behind
//! wait_days          = 90              # how long a request waits for a box that is offline
//! text_years         = 3               # purposes and reasons in the side table that nothing kept refers to any more
//! ```
//! `[outside]`: [`outside`].

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shared::{code, id, passkey::RelyingParty, time::Zone};

use crate::{
    model::{
        disk::Thresholds,
        role::{self, Role, WEIGHTY},
    },
    periods::Periods,
};
use outside::{Outside, RawOutside};

pub mod outside;

/// What is true, after checking.
#[derive(Clone, Debug)]
pub struct Config {
    pub scheme: String,
    pub zone: Zone,
    pub zone_name: String,
    pub quic: SocketAddr,
    pub https: SocketAddr,
    pub evidence: PathBuf,
    /// Empty: neither written down nor to be told from the addresses.
    pub names: Vec<String>,
    pub address: Option<String>,
    /// What boxes ask the DNS for when the hub answers nowhere.
    pub lookup: String,
    pub hold_days: u32,
    pub hold_longest_days: u32,
    pub periods: Periods,
    pub disks: DiskWatch,
    /// Roles that take a second factor.
    pub second_factor: Vec<Role>,
    pub outside: Outside,
    party: Option<RelyingParty>,
}

/// Which disks somebody is told of, beside those of state and evidence, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskWatch {
    pub watch: Vec<PathBuf>,
    pub thresholds: Thresholds,
}

const HOLD_DAYS: u32 = 31;
const HOLD_LONGEST_DAYS: u32 = 400;
/// Ten years: a hold for ever is none.
const HOLD_MOST_DAYS: u32 = 3653;

/// What is in the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub scheme: Option<String>,
    pub zone: Option<String>,
    pub quic: Option<String>,
    pub https: Option<String>,
    pub evidence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<RawHolds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub periods: Option<RawPeriods>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<RawSignIn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disks: Option<RawDisks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<RawOutside>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDisks {
    pub watch: Option<Vec<String>>,
    pub low_percent: Option<u32>,
    pub low_days: Option<u32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSignIn {
    pub second_factor: Option<Vec<String>>,
    pub origin: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHolds {
    pub days: Option<u32>,
    pub longest_days: Option<u32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPeriods {
    pub master_years: Option<u32>,
    pub surveillance_years: Option<u32>,
    pub review_days: Option<u32>,
    pub draft_days: Option<u32>,
    pub part_days: Option<u32>,
    pub text_years: Option<u32>,
    pub wait_days: Option<u32>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("hub.toml cannot be used:\n{}", .0.iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(pub Vec<String>);

impl Config {
    /// Whom passkeys are for; None: the hub has no name that browsers take for one.
    pub fn party(&self) -> Option<&RelyingParty> {
        self.party.as_ref()
    }

    pub fn parse(text: &str, state: &Path) -> Result<Self, ConfigErrors> {
        let raw: Raw = toml::from_str(text)
            .map_err(|e| ConfigErrors(vec![e.to_string().trim_end().replace('\n', "\n  ")]))?;
        Self::check(raw, state)
    }

    /// Finds every fault, not only the first.
    pub fn check(raw: Raw, state: &Path) -> Result<Self, ConfigErrors> {
        let mut faults = Vec::new();
        let mut need = |key: &str, value: Option<String>, example: &str| match value {
            Some(v) => v,
            None => {
                faults.push(format!(
                    "{key}: missing; write for example {key} = \"{example}\""
                ));
                String::new()
            }
        };
        let scheme = need("scheme", raw.scheme, "cctv.example.gov.uk");
        let zone_name = need("zone", raw.zone, "Europe/London");
        let quic = need("quic", raw.quic, "127.0.0.1:4433");
        let https = need("https", raw.https, "127.0.0.1:8443");
        let evidence = need("evidence", raw.evidence, "evidence");
        if !scheme.is_empty() && !id::scheme_ok(&scheme) {
            faults.push(format!("scheme = {scheme:?}: not a name like cctv.example.gov.uk (small letters, digits, - and .)"));
        }
        let zone = Zone::parse(&zone_name).unwrap_or_else(|_| {
            if !zone_name.is_empty() {
                faults.push(format!(
                    "zone = {zone_name:?}: not a time zone like Europe/London"
                ));
            }
            Zone::utc()
        });
        let mut listen = |key: &str, text: &str| {
            text.parse::<SocketAddr>().unwrap_or_else(|_| {
                if !text.is_empty() {
                    faults.push(format!(
                        "{key} = {text:?}: not an address and port like 127.0.0.1:4433"
                    ));
                }
                SocketAddr::from(([127, 0, 0, 1], 0))
            })
        };
        let (quic, https) = (listen("quic", &quic), listen("https", &https));
        if let Some(a) = &raw.address
            && !code::is_address(a)
        {
            faults.push(format!(
                "address = {a:?}: not a name and port like hub.example.gov.uk:4433"
            ));
        }
        let lookup = raw.lookup.unwrap_or_else(|| {
            let port = raw.address.as_deref().and_then(|a| a.rsplit_once(':'));
            let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
            format!("beadle.{scheme}:{}", port.unwrap_or(quic.port()))
        });
        if !code::is_address(&lookup) {
            faults.push(format!(
                "lookup = {lookup:?}: not a name and port like beadle.cctv.example.gov.uk:4433"
            ));
        }
        let names = match raw.names {
            Some(names) => {
                for n in names.iter().filter(|n| !is_name(n)) {
                    faults.push(format!(
                        "names has {n:?}: not a name like hub.example.gov.uk or an address like 10.1.2.3 (without port)"
                    ));
                }
                names
            }
            None => derived(raw.address.as_deref(), &[quic, https]),
        };
        let sign_in = raw.sign_in.unwrap_or_default();
        let second_factor = match &sign_in.second_factor {
            None => WEIGHTY.to_vec(),
            Some(words) => {
                let read = words.iter().filter_map(|word| {
                    let role = Role::parse(word);
                    if role.is_none() {
                        faults.push(format!(
                            "[sign_in] second_factor has {word:?}: not a role; roles are {}",
                            role::list(&Role::ALL)
                        ));
                    }
                    role
                });
                read.collect()
            }
        };
        let party = match &sign_in.origin {
            None => derived_party(&names, https.port()),
            Some(origin) => {
                let party = party(origin);
                if party.is_none() {
                    faults.push(format!(
                        "[sign_in] origin = {origin:?}: not an address like https://hub.example.gov.uk:8443, with a name and without a path"
                    ));
                }
                party
            }
        };
        let holds = raw.holds.unwrap_or_default();
        let hold_longest_days = holds.longest_days.unwrap_or(HOLD_LONGEST_DAYS);
        if !(1..=HOLD_MOST_DAYS).contains(&hold_longest_days) {
            faults.push(format!(
                "[holds] longest_days = {hold_longest_days}: not from 1 to {HOLD_MOST_DAYS}"
            ));
        }
        let hold_days = holds.days.unwrap_or(HOLD_DAYS.min(hold_longest_days));
        if !(1..=hold_longest_days.max(1)).contains(&hold_days) {
            faults.push(format!(
                "[holds] days = {hold_days}: not from 1 to longest_days, which is {hold_longest_days}"
            ));
        }
        let asked = raw.disks.unwrap_or_default();
        let usual = Thresholds::default();
        let mut bounded = |key: &str, asked: Option<u32>, usual: u32, most: u32| {
            let n = asked.unwrap_or(usual);
            if !(1..=most).contains(&n) {
                faults.push(format!(
                    "[disks] {key} = {n}: not from 1 to {most} (left out, it is {usual})"
                ));
            }
            n
        };
        let thresholds = Thresholds {
            low_percent: bounded("low_percent", asked.low_percent, usual.low_percent, 90),
            low_days: bounded("low_days", asked.low_days, usual.low_days, 365),
        };
        let watch: Vec<PathBuf> = asked
            .watch
            .unwrap_or_default()
            .into_iter()
            .map(PathBuf::from)
            .collect();
        for path in watch.iter().filter(|p| !p.is_absolute()) {
            faults.push(format!(
                "[disks] watch has {:?}: not a path like /srv/exports",
                path.display().to_string()
            ));
        }
        let disks = DiskWatch { watch, thresholds };
        let asked = raw.periods.unwrap_or_default();
        let usual = Periods::default();
        let mut period = |key: &str, asked: Option<u32>, usual: u32, most: u32| {
            let n = asked.unwrap_or(usual);
            if !(1..=most).contains(&n) {
                faults.push(format!(
                    "[periods] {key} = {n}: not from 1 to {most} (nothing is kept for ever; left out, it is {usual})"
                ));
            }
            n
        };
        let periods = Periods {
            master_years: period("master_years", asked.master_years, usual.master_years, 30),
            surveillance_years: period(
                "surveillance_years",
                asked.surveillance_years,
                usual.surveillance_years,
                30,
            ),
            review_days: period("review_days", asked.review_days, usual.review_days, 731),
            draft_days: period("draft_days", asked.draft_days, usual.draft_days, 31),
            part_days: period("part_days", asked.part_days, usual.part_days, 7),
            text_years: period("text_years", asked.text_years, usual.text_years, 30),
            wait_days: period("wait_days", asked.wait_days, usual.wait_days, 400),
        };
        let outside = outside::check(raw.outside.unwrap_or_default(), &scheme, &mut faults);
        if faults.is_empty() {
            Ok(Self {
                scheme,
                zone,
                zone_name,
                quic,
                https,
                evidence: state.join(evidence),
                names,
                address: raw.address,
                lookup,
                hold_days,
                hold_longest_days,
                periods,
                disks,
                second_factor,
                outside,
                party,
            })
        } else {
            Err(ConfigErrors(faults))
        }
    }
}

/// Whether a certificate can bear it: a name of the DNS in small letters, or an address of one machine.
pub fn is_name(text: &str) -> bool {
    match text.parse::<IpAddr>() {
        Ok(ip) => !ip.is_unspecified(),
        Err(_) => {
            text.len() <= 253
                && text.split('.').all(|part| {
                    (1..=63).contains(&part.len())
                        && !part.starts_with('-')
                        && !part.ends_with('-')
                        && part
                            .bytes()
                            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                })
                && !text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        }
    }
}

/// Whom the passkeys of the pages at this address are for.
fn party(origin: &str) -> Option<RelyingParty> {
    let rest = origin.strip_prefix("https://")?;
    let host = rest.split(':').next()?;
    // Browsers take no number for a name.
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    RelyingParty::new(host, origin).ok()
}

fn derived_party(names: &[String], port: u16) -> Option<RelyingParty> {
    let name = names.iter().find(|n| n.parse::<IpAddr>().is_err())?;
    match port {
        443 => party(&format!("https://{name}")),
        port => party(&format!("https://{name}:{port}")),
    }
}

/// What the hub is called where nobody says it: as boxes are told to dial it, and the addresses it listens on, unless that is all of them.
fn derived(address: Option<&str>, listen: &[SocketAddr]) -> Vec<String> {
    let host = address
        .and_then(|a| a.rsplit_once(':'))
        .map(|(host, _)| host.trim_matches(['[', ']']).to_ascii_lowercase());
    let on = listen.iter().map(SocketAddr::ip).map(|ip| ip.to_string());
    let mut names = Vec::new();
    for name in host.into_iter().chain(on) {
        if is_name(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The package's example (packages/hub/hub.toml) is good as it stands, and has and explains every key there is.
    #[test]
    fn the_example_has_every_key() {
        let example = include_str!("../../../packages/hub/hub.toml");
        Config::parse(example, Path::new("/s")).expect("the example is good");
        let fields: Vec<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|l| {
                let (name, kind) = l.trim().strip_prefix("pub ")?.split_once(": ")?;
                kind.starts_with("Option<").then_some(name)
            })
            .collect();
        assert!(fields.len() > 12, "{fields:?}");
        for name in fields {
            let said = example.lines().any(|l| {
                l.starts_with(&format!("[{name}]"))
                    || l.starts_with(&format!("{name} = ")) && l.contains(" # ")
            });
            assert!(said, "the example does not explain the key {name}");
        }
    }

    #[test]
    fn all_faults_at_once() {
        let e = Config::parse(
            "scheme = \"Bad Name\"\nzone = \"Mars\"\nquic = \"x\"\naddress = \"nowhere\"",
            Path::new("/s"),
        )
        .expect_err("bad");
        for part in [
            "scheme =",
            "zone =",
            "quic =",
            "https: missing",
            "evidence: missing",
            "address =",
        ] {
            assert!(e.0.iter().any(|l| l.contains(part)), "{part} in {e}");
        }
        let holds = Config::parse("[holds]\ndays = 90\nlongest_days = 60\n", Path::new("/s"))
            .expect_err("bad");
        assert!(holds.0.iter().any(|l| l.contains("days = 90")), "{holds}");
        let holds = Config::parse("[holds]\nlongest_days = 0\n", Path::new("/s"));
        let holds = holds.expect_err("bad");
        assert!(
            holds.0.iter().any(|l| l.contains("longest_days = 0")),
            "{holds}"
        );
        let good = "scheme = \"cctv.example.gov.uk\"\nzone = \"Europe/London\"\nquic = \"127.0.0.1:1\"\nhttps = \"127.0.0.1:2\"\nevidence = \"evidence\"";
        assert_eq!(
            Config::parse(good, Path::new("/s")).expect("good").evidence,
            Path::new("/s/evidence")
        );
        let days = |more: &str| {
            let c = Config::parse(&format!("{good}\n{more}"), Path::new("/s")).expect("good");
            (c.hold_days, c.hold_longest_days)
        };
        assert_eq!(days(""), (31, 400));
        assert_eq!(days("[holds]\nlongest_days = 20"), (20, 20));
        assert_eq!(days("[holds]\ndays = 90"), (90, 400));
        assert!(Config::parse(&format!("{good}\nhtps = 1"), Path::new("/s")).is_err());
    }

    /// The hub's certificates bear names people use: written down, or told from the addresses; never 0.0.0.0.
    #[test]
    fn names_for_certificates() {
        let with = |quic: &str, more: &str| {
            let text = format!(
                "scheme = \"cctv.example.gov.uk\"\nzone = \"UTC\"\nquic = \"{quic}\"\nhttps = \"0.0.0.0:8443\"\nevidence = \"e\"\n{more}"
            );
            Config::parse(&text, Path::new("/s")).map(|c| c.names)
        };
        let all = "0.0.0.0:4433";
        assert_eq!(with(all, ""), Ok(vec![]));
        assert_eq!(
            with(all, "address = \"Hub.Example.gov.uk:4433\""),
            Ok(vec!["hub.example.gov.uk".into()])
        );
        assert_eq!(
            with("10.1.2.3:4433", "address = \"hub.town:1\""),
            Ok(vec!["hub.town".into(), "10.1.2.3".into()])
        );
        assert_eq!(
            with("[2001:db8::7]:4433", ""),
            Ok(vec!["2001:db8::7".into()])
        );
        assert_eq!(
            with("10.1.2.3:4433", "names = [\"hub\", \"10.9.9.9\"]"),
            Ok(vec!["hub".into(), "10.9.9.9".into()])
        );
        for bad in [
            "https://hub",
            "hub:8443",
            "0.0.0.0",
            "Hub",
            "-hub",
            "a..b",
            "",
            "1.2.3",
        ] {
            let e = with(all, &format!("names = [{bad:?}]")).expect_err(bad);
            assert!(e.to_string().contains("names has"), "{bad}: {e}");
        }
    }

    /// ROL-2: which roles take a second factor is said, or is all that decide; passkeys are for the address that browsers show.
    #[test]
    fn second_factors_and_passkeys() {
        let with = |more: &str| {
            let text = format!(
                "scheme = \"cctv.example.gov.uk\"\nzone = \"UTC\"\nquic = \"127.0.0.1:1\"\nhttps = \"127.0.0.1:443\"\nevidence = \"e\"\n{more}"
            );
            Config::parse(&text, Path::new("/s"))
        };
        let usual = with("").expect("good");
        assert_eq!(
            (usual.second_factor.as_slice(), usual.party),
            (WEIGHTY, None)
        );
        let said = "names = [\"10.1.2.3\", \"hub.town\"]\n[sign_in]\nsecond_factor = [\"police\"]";
        let said = with(said).expect("good");
        assert_eq!(said.second_factor, [Role::Police]);
        assert_eq!(said.party.expect("a party").origin(), "https://hub.town");
        let origin = with("[sign_in]\norigin = \"https://a.town:8443\"").expect("good");
        assert_eq!(origin.party.expect("a party").id(), "a.town");
        for bad in [
            "second_factor = [\"boss\"]",
            "origin = \"https://10.1.2.3\"",
            "origin = \"https://a.town/path\"",
            "origin = \"http://a.town\"",
        ] {
            let e = with(&format!("[sign_in]\n{bad}")).expect_err(bad);
            let key = bad.split(' ').next().expect("a key");
            assert!(e.0.len() == 1 && e.0[0].contains(key), "{bad}: {e}");
        }
    }

    /// RET-5: periods have defaults, each can be set, and none can be set to "for ever" or to nothing.
    #[test]
    fn periods_have_limits() {
        let good = "scheme = \"cctv.example.gov.uk\"\nzone = \"Europe/London\"\nquic = \"127.0.0.1:1\"\nhttps = \"127.0.0.1:2\"\nevidence = \"evidence\"";
        let parse = |more: &str| Config::parse(&format!("{good}\n{more}"), Path::new("/s"));
        assert_eq!(parse("").expect("good").periods, Periods::default());
        assert_eq!(
            parse("[periods]\nmaster_years = 7\ndraft_days = 3")
                .expect("good")
                .periods,
            Periods {
                master_years: 7,
                draft_days: 3,
                ..Periods::default()
            }
        );
        for (key, most) in [
            ("master_years", 30),
            ("surveillance_years", 30),
            ("review_days", 731),
            ("draft_days", 31),
            ("part_days", 7),
            ("text_years", 30),
            ("wait_days", 400),
        ] {
            for n in [0, most + 1] {
                let e = parse(&format!("[periods]\n{key} = {n}")).expect_err("bad");
                assert!(
                    e.0.len() == 1
                        && e.0[0].contains(&format!("{key} = {n}: not from 1 to {most}")),
                    "{e}"
                );
            }
            parse(&format!("[periods]\n{key} = {most}")).expect("good");
        }
        assert!(parse("[periods]\nfor_ever = 1").is_err());
    }
}
