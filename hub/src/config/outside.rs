//! Pure. `[outside]` of `hub.toml`: who outside the scheme stamps and attests the heads of the hub's log, and whose heads this hub attests.
//!
//! ```toml
//! [[outside.authority]]                # an authority for time stamps (RFC 3161), asked each night; two that have nothing to do with each other
//! name = "north"                       # in the log, on pages, and as the name of its time stamps
//! url  = "http://tsa.example.org/tsr"  # its answers are signed, so http is as good as https
//! root = """-----BEGIN CERTIFICATE-----…""" # the certificate, or certificates, that its answers have to lead to
//! [[outside.witness]]                  # another scheme's hub, or an inspector's laptop
//! key = "cctv.next.gov.uk/hub/cosign-2026+…" # its cosigning key
//! url = "https://hub.next.gov.uk:8443/witness" # where it is sent heads; left out: it fetches them itself
//! tls = """-----BEGIN CERTIFICATE-----…"""  # the authority of that hub's certificate, for https
//! [[outside.watched]]                  # a hub whose heads this one attests
//! key = "cctv.next.gov.uk/hub/cosign-2026+…" # its countersigning key, by which its heads are known
//! ```

use hyper::Uri;
use serde::{Deserialize, Serialize};
use shared::{
    note::{ALG_COSIGNATURE, Vkey},
    record::hex,
    timestamp::Root,
};

/// Who is outside, after checking.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    pub authorities: Vec<Authority>,
    pub witnesses: Vec<Witness>,
    /// Countersigning keys of hubs whose heads this one attests.
    pub watched: Vec<Vkey>,
}

impl Outside {
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty() && self.witnesses.is_empty()
    }

    /// What everybody who is sent heads is called there.
    pub fn everybody(&self) -> Vec<String> {
        let authorities = self.authorities.iter().map(|a| a.name.clone());
        let witnesses = self.witnesses.iter().map(Witness::id);
        authorities.chain(witnesses).collect()
    }

    /// All certificates that time stamps may lead to.
    pub fn roots(&self) -> Vec<Root> {
        let all = self.authorities.iter().flat_map(|a| &a.roots);
        all.cloned().collect()
    }

    pub fn witness_keys(&self) -> Vec<Vkey> {
        self.witnesses.iter().map(|w| w.key.clone()).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Authority {
    pub name: String,
    pub url: Uri,
    /// As it was given.
    pub pem: String,
    pub roots: Vec<Root>,
}

#[derive(Clone, Debug)]
pub struct Witness {
    pub key: Vkey,
    /// None: it comes by itself.
    pub url: Option<Uri>,
    /// Certificates of the authority that vouches for its server.
    pub tls: Option<String>,
}

impl Witness {
    /// What files and faults call it: its key's id, behind a sign that no authority's name has.
    pub fn id(&self) -> String {
        format!("+{}", hex(&self.key.id()))
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawOutside {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authority: Vec<RawAuthority>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witness: Vec<RawWitness>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watched: Vec<RawDiskWatch>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAuthority {
    pub name: String,
    pub url: String,
    pub root: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWitness {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDiskWatch {
    pub key: String,
}

/// What it says, and all that is wrong with it.
pub fn check(raw: RawOutside, scheme: &str, faults: &mut Vec<String>) -> Outside {
    // Of whichever year.
    let own = format!("{scheme}/hub/cosign-");
    let mut out = Outside::default();
    for a in raw.authority {
        let of = |what: &str| format!("[[outside.authority]] {:?}: {what}", a.name);
        let (url, roots) = (address(&a.url, &["http"]), Root::of_pem(&a.root));
        if !is_name(&a.name) {
            faults.push(of(
                "its name is not 1 to 32 of a-z, 0-9 and - (it names files and lines of the log)",
            ));
        }
        if out.authorities.iter().any(|b| b.name == a.name) {
            faults.push(of("there are two of this name"));
        }
        if url.is_none() {
            faults.push(of(
                "url is not an address like http://tsa.example.org/tsr (its answers are signed: https is not needed)",
            ));
        }
        if roots.is_none() {
            faults.push(of(
                "root is not a certificate in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
            ));
        }
        if let Some((url, roots)) = url.zip(roots) {
            out.authorities.push(Authority {
                name: a.name,
                url,
                pem: a.root,
                roots,
            });
        }
    }
    for w in raw.witness {
        let Some(key) = cosigning(&w.key, "witness", faults) else {
            continue;
        };
        let of = |what: &str| format!("[[outside.witness]] {:?}: {what}", key.name);
        let url = w.url.as_deref().map(|url| address(url, &["http", "https"]));
        if url == Some(None) {
            faults.push(of(
                "url is not an address like https://hub.next.gov.uk:8443/witness",
            ));
        }
        let url = url.flatten();
        let needs = url
            .as_ref()
            .is_some_and(|u| u.scheme_str() == Some("https"));
        if needs && w.tls.as_deref().and_then(Root::of_pem).is_none() {
            faults.push(of(
                "its url is https, and tls is not the certificate (PEM) of the authority that vouches for its server; a Beadle hub has it as ca.crt",
            ));
        }
        if out.witnesses.iter().any(|v| v.key == key) {
            faults.push(of("it is there twice"));
        }
        // Verifiers tell signatures apart by name: what is signed in this hub's own says nothing from outside.
        if key.name.starts_with(&own) {
            faults.push(of(
                "that is the name of this hub's own countersigning key: a witness is somebody else, and a hub attests nothing of itself",
            ));
        }
        out.witnesses.push(Witness {
            key,
            url,
            tls: w.tls,
        });
    }
    for w in raw.watched {
        out.watched.extend(cosigning(&w.key, "watched", faults));
    }
    out
}

fn cosigning(text: &str, table: &str, faults: &mut Vec<String>) -> Option<Vkey> {
    let wrong = match Vkey::parse(text.trim()) {
        Ok(key) if key.alg == ALG_COSIGNATURE => return Some(key),
        Ok(_) => "it signs logs, and does not cosign (kind 04)".to_owned(),
        Err(e) => e.to_string(),
    };
    faults.push(format!("[[outside.{table}]] key = {text:?}: {wrong}"));
    None
}

fn address(text: &str, schemes: &[&str]) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str()?;
    let plain = uri.authority()?.as_str();
    (schemes.contains(&scheme) && !plain.contains('@') && !plain.is_empty()).then_some(uri)
}

fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use shared::testing::Key;

    use super::*;

    const ROOT: &str = include_str!("../../../tests/vectors/stamps/p256.pem");

    fn read(text: &str) -> (Outside, Vec<String>) {
        let mut faults = Vec::new();
        let raw = toml::from_str(text).expect("toml");
        let outside = check(raw, "cctv.other.gov.uk", &mut faults);
        (outside, faults)
    }

    #[test]
    fn who_is_outside() {
        let key = Key::hub().vkey;
        let text = format!(
            "[[authority]]\nname = \"north\"\nurl = \"http://tsa.example.org/tsr\"\nroot = \"\"\"\n{ROOT}\"\"\"\n\
             [[witness]]\nkey = \"{key}\"\nurl = \"https://hub.next.gov.uk:8443/witness\"\ntls = \"\"\"\n{ROOT}\"\"\"\n\
             [[witness]]\nkey = \"{}\"\n[[watched]]\nkey = \"{key}\"\n",
            Key::new("laptop.example", ALG_COSIGNATURE, [9; 32]).vkey
        );
        let (outside, faults) = read(&text);
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(
            (
                outside.roots().len(),
                outside.witness_keys().len(),
                outside.watched.len()
            ),
            (1, 2, 1)
        );
    }

    #[test]
    fn every_fault_is_said() {
        let log = Key::new("a/box/b/1", shared::note::ALG_ED25519, [1; 32]).vkey;
        let text = format!(
            "[[authority]]\nname = \"North TSA\"\nurl = \"ftp://x\"\nroot = \"x\"\n\
             [[witness]]\nkey = \"{log}\"\n[[watched]]\nkey = \"x\"\n\
             [[witness]]\nkey = \"{}\"\nurl = \"https://x/\"\n",
            Key::hub().vkey
        );
        let (_, faults) = read(&text);
        assert_eq!(faults.len(), 6, "{faults:#?}");
    }

    /// AUD-4: a hub is no witness of itself: neither with its key of this year, nor with one of another.
    #[test]
    fn a_hub_does_not_attest_itself() {
        for year in [2026, 2031] {
            let name = shared::id::hub_cosign("cctv.other.gov.uk", year);
            let key = Key::new(&name, ALG_COSIGNATURE, [7; 32]).vkey;
            let (_, faults) = read(&format!("[[witness]]\nkey = \"{key}\"\n"));
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].contains("this hub's own"), "{faults:?}");
        }
    }
}
