//! Pure. How a camera asks for a name and a password, and whether an answer holds (RFC 2617, RFC 7616).
use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::{Digest as _, Md5};
use ring::digest;

/// What one camera's login is like.
#[derive(Clone, Default)]
pub struct Login {
    pub user: &'static str,
    pub password: &'static str,
    pub realm: &'static str,
    /// One `WWW-Authenticate` each; `{realm}` and `{nonce}` are filled in.
    pub offers: Vec<String>,
    /// A nonce is good for so many requests; 0: for ever.
    pub good_for: u32,
    /// The answer has to name the algorithm, spelt so.
    pub must_name: Option<&'static str>,
    /// What is offered once a nonce is no longer good.
    pub stale: Option<String>,
}

impl Login {
    pub fn new(user: &'static str, password: &'static str) -> Self {
        Self {
            user,
            password,
            realm: "IP Camera(C1234)",
            ..Self::default()
        }
    }
    pub fn realm(mut self, realm: &'static str) -> Self {
        self.realm = realm;
        self
    }
    pub fn offers(mut self, offer: &str) -> Self {
        self.offers.push(offer.to_owned());
        self
    }
    pub fn good_for(mut self, requests: u32) -> Self {
        self.good_for = requests;
        self
    }
    pub fn must_name(mut self, algorithm: &'static str) -> Self {
        self.must_name = Some(algorithm);
        self
    }
    pub fn stale(mut self, offer: &str) -> Self {
        self.stale = Some(offer.to_owned());
        self
    }

    pub fn challenges(&self, nonce: &str, stale: bool) -> Vec<String> {
        let fill = |offer: &String| {
            offer
                .replace("{realm}", self.realm)
                .replace("{nonce}", nonce)
        };
        match &self.stale {
            Some(offer) if stale => vec![fill(offer)],
            _ => self.offers.iter().map(fill).collect(),
        }
    }

    /// Whether an `Authorization` holds for a request.
    pub fn holds(&self, nonce: &str, method: &str, said: &str) -> bool {
        if let Some(basic) = said.strip_prefix("Basic ") {
            let offered = self.offers.iter().any(|o| o.starts_with("Basic"));
            return offered
                && BASE64_STANDARD.decode(basic.trim()).ok()
                    == Some(format!("{}:{}", self.user, self.password).into_bytes());
        }
        let Some(words) = said.strip_prefix("Digest ").map(words) else {
            return false;
        };
        let word = |name: &str| words.get(name).map(String::as_str);
        let offered = self.offers.join("\n").to_ascii_lowercase();
        let named = word("algorithm");
        let sha256 = match named {
            Some(name) => name.eq_ignore_ascii_case("SHA-256"),
            // Nothing named: the one that was offered first.
            None => offered
                .split("algorithm=")
                .nth(1)
                .is_some_and(|a| a.trim_start_matches('"').starts_with("sha-256")),
        };
        if (sha256 && !offered.contains("sha-256"))
            || self.must_name.is_some_and(|must| named != Some(must))
        {
            return false;
        }
        let hex = |text: String| {
            if sha256 {
                sha256_hex(&text)
            } else {
                md5_hex(&text)
            }
        };
        let (Some(user), Some(uri), Some(response)) =
            (word("username"), word("uri"), word("response"))
        else {
            return false;
        };
        let one = hex(format!("{user}:{}:{}", self.realm, self.password));
        let two = hex(format!("{method}:{uri}"));
        let right = match (word("qop"), word("nc"), word("cnonce")) {
            (Some(qop), Some(nc), Some(cnonce)) => {
                hex(format!("{one}:{nonce}:{nc}:{cnonce}:{qop}:{two}"))
            }
            _ => hex(format!("{one}:{nonce}:{two}")),
        };
        user == self.user && word("nonce") == Some(nonce) && response == right
    }
}

/// `key="value"` and `key=value`, parted by commas.
fn words(text: &str) -> BTreeMap<String, String> {
    let (mut found, mut rest) = (BTreeMap::new(), text);
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(
            key.trim_matches([' ', ',']).to_ascii_lowercase(),
            value.trim().to_owned(),
        );
        rest = next;
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::Login;

    /// The worked example of RFC 2617.
    #[test]
    fn a_digest_holds_as_the_standard_has_it() {
        let login = Login::new("Mufasa", "Circle Of Life")
            .realm("testrealm@host.com")
            .offers("Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let said = format!(
            "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"{nonce}\", uri=\"/dir/index.html\", qop=auth, nc=00000001, \
             cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
        );
        assert!(login.holds(nonce, "GET", &said));
        assert!(!login.holds(nonce, "POST", &said));
        assert!(!login.holds("another", "GET", &said));
        assert!(!login.clone().must_name("MD5").holds(nonce, "GET", &said));
        assert!(
            !login.holds(nonce, "GET", "Basic TXVmYXNhOkNpcmNsZSBPZiBMaWZl"),
            "it was not offered"
        );
        let basic = login.offers("Basic realm=\"{realm}\"");
        assert!(basic.holds(nonce, "GET", "Basic TXVmYXNhOkNpcmNsZSBPZiBMaWZl"));
    }
}
