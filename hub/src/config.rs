//! Pure. What `hub.toml` says, and everything that is wrong with it at once.
//!
//! ```toml
//! scheme   = "cctv.example.gov.uk"     # first part of every log's name; never changes
//! zone     = "Europe/London"           # local days
//! quic     = "127.0.0.1:4433"          # where boxes dial in
//! https    = "127.0.0.1:8443"          # staff pages
//! evidence = "evidence"                # packages; relative to the state folder, or absolute
//! address  = "hub.example.gov.uk:4433" # optional: what one-time codes tell boxes to dial, when it is not `quic`
//! ```

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shared::{id, time::Zone};

/// What is true, after checking.
#[derive(Clone, Debug)]
pub struct Config {
    pub scheme: String,
    pub zone: Zone,
    pub zone_name: String,
    pub quic: SocketAddr,
    pub https: SocketAddr,
    pub evidence: PathBuf,
    pub address: Option<String>,
}

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
    pub address: Option<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("hub.toml cannot be used:\n{}", .0.iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(pub Vec<String>);

impl Config {
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
            && a.rsplit_once(':')
                .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
        {
            faults.push(format!(
                "address = {a:?}: not a name and port like hub.example.gov.uk:4433"
            ));
        }
        if faults.is_empty() {
            Ok(Self {
                scheme,
                zone,
                zone_name,
                quic,
                https,
                evidence: state.join(evidence),
                address: raw.address,
            })
        } else {
            Err(ConfigErrors(faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let good = "scheme = \"cctv.example.gov.uk\"\nzone = \"Europe/London\"\nquic = \"127.0.0.1:1\"\nhttps = \"127.0.0.1:2\"\nevidence = \"evidence\"";
        assert_eq!(
            Config::parse(good, Path::new("/s")).expect("good").evidence,
            Path::new("/s/evidence")
        );
        assert!(Config::parse(&format!("{good}\nhtps = 1"), Path::new("/s")).is_err());
    }
}
