//! Pure, but for the dice. Digest: the answer to a challenge, as RFC 7616 has it and its forerunners had it.

use std::fmt::Write;

use md5::Digest as _;
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

use crate::{AuthError, Challenge, PasswordParams, challenge::Value};

/// A hash that answers can be made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    pub(crate) fn strength(self) -> u8 {
        match self {
            Algorithm::Md5 => 0,
            Algorithm::Sha256 => 1,
        }
    }

    fn hash(self, parts: &[&str]) -> String {
        let whole = parts.join(":");
        match self {
            Algorithm::Md5 => hex(&md5::Md5::digest(whole.as_bytes())),
            Algorithm::Sha256 => hex(digest(&SHA256, whole.as_bytes()).as_ref()),
        }
    }
}

/// One challenge that can be answered.
#[derive(Clone, Debug)]
pub struct Digest {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As it was asked for, to be given back so; None where the camera named none.
    asked: Option<Value>,
    algorithm: Algorithm,
    /// `-sess`: the hash of name and password is made anew for each nonce.
    session: bool,
    /// `qop=auth` is asked for; else the answer is that of RFC 2069.
    qop: bool,
    stale: bool,
    answers: u32,
}

impl Digest {
    /// None: not Digest, or of a kind that is not spoken.
    pub fn new(challenge: &Challenge) -> Option<Self> {
        if !challenge.is("digest") {
            return None;
        }
        let asked = challenge.value("algorithm").filter(|v| !v.text.is_empty());
        let name = asked.map_or("md5".to_owned(), |v| v.text.to_ascii_lowercase());
        let (name, session) = match name.strip_suffix("-sess") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let algorithm = match name {
            "md5" => Algorithm::Md5,
            "sha-256" | "sha256" => Algorithm::Sha256,
            _ => return None,
        };
        let qop = match challenge.get("qop").unwrap_or("").trim() {
            "" => false,
            offered => {
                let auth = |q: &str| q.trim().eq_ignore_ascii_case("auth");
                if !offered.split([',', ' ']).any(auth) {
                    return None;
                }
                true
            }
        };
        let text = |name: &str| challenge.get(name).map(str::to_owned);
        Some(Self {
            realm: text("realm").unwrap_or_default(),
            nonce: text("nonce")?,
            opaque: text("opaque"),
            asked: asked.cloned(),
            algorithm,
            session,
            qop,
            stale: challenge
                .get("stale")
                .is_some_and(|s| s.trim().eq_ignore_ascii_case("true")),
            answers: 0,
        })
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The password was right and only the nonce had grown old.
    pub fn stale(&self) -> bool {
        self.stale
    }

    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(crate) fn renew(&mut self, nonce: &str) {
        nonce.clone_into(&mut self.nonce);
        self.answers = 0;
    }

    pub(crate) fn answer(&mut self, params: &PasswordParams<'_>) -> Result<String, AuthError> {
        let mut dice = [0u8; 16];
        SystemRandom::new()
            .fill(&mut dice)
            .map_err(|_| AuthError::Dice)?;
        Ok(self.answer_with(params, &hex(&dice)))
    }

    fn answer_with(&mut self, params: &PasswordParams<'_>, cnonce: &str) -> String {
        self.answers = self.answers.saturating_add(1);
        let count = format!("{:08x}", self.answers);
        let hash = |parts: &[&str]| self.algorithm.hash(parts);
        let mut secret = hash(&[params.username, &self.realm, params.password]);
        if self.session {
            secret = hash(&[&secret, &self.nonce, cnonce]);
        }
        let request = hash(&[params.method, params.uri]);
        let response = if self.qop {
            hash(&[&secret, &self.nonce, &count, cnonce, "auth", &request])
        } else {
            hash(&[&secret, &self.nonce, &request])
        };
        let mut text = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(params.username),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(params.uri),
        );
        if let Some(asked) = &self.asked {
            let value = if asked.quoted {
                quoted(&asked.text)
            } else {
                asked.text.clone()
            };
            let _ = write!(text, ", algorithm={value}");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(text, ", opaque={}", quoted(opaque));
        }
        if self.qop {
            let _ = write!(text, ", qop=auth, nc={count}");
        }
        if self.qop || self.session {
            let _ = write!(text, ", cnonce=\"{cnonce}\"");
        }
        text
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    // What would end the header's line has no place in it.
    for c in text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        let _ = write!(text, "{b:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PasswordClient, challenges};

    const MUFASA: PasswordParams<'_> = PasswordParams {
        username: "Mufasa",
        password: "Circle of Life",
        uri: "/dir/index.html",
        method: "GET",
        body: None,
    };

    fn answer(header: &str, params: &PasswordParams<'_>, cnonce: &str) -> String {
        let PasswordClient(mut digest) = PasswordClient::try_from(header).expect("spoken");
        digest.answer_with(params, cnonce)
    }

    fn response(answer: &str) -> String {
        let all = challenges(answer);
        all[0].get("response").expect("response").to_owned()
    }

    /// REC-6: the example of RFC 7616, 3.9.1, both hashes: the stronger is chosen of two.
    #[test]
    fn rfc_7616() {
        let md5 = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let told = answer(md5, &MUFASA, cnonce);
        assert_eq!(response(&told), "8ca523f5e9506fed4657c9700eebdbec");
        assert!(
            told.contains("algorithm=MD5,")
                && told.contains("qop=auth,")
                && told.contains("nc=00000001")
        );
        let both = format!("{md5}, {}", md5.replace("MD5", "SHA-256"));
        assert_eq!(
            response(&answer(&both, &MUFASA, cnonce)),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    /// REC-6: the example of RFC 2617, 3.5; and the same without qop, as RFC 2069 has it.
    #[test]
    fn rfc_2617_and_2069() {
        let params = PasswordParams {
            password: "Circle Of Life",
            ..MUFASA
        };
        let header = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let told = answer(header, &params, "0a4f113b");
        assert_eq!(response(&told), "6629fae49393a05397450978507c4ef1");
        assert!(!told.contains("algorithm"), "none was asked for");
        let old = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let told = answer(old, &params, "0a4f113b");
        assert_eq!(response(&told), "670fd8c2df070c60b045671b8b24ff02");
        assert!(!told.contains("nc=") && !told.contains("cnonce"));
    }

    /// REC-6: algorithm is given back as it was asked for, in any case, with quotes or without.
    #[test]
    fn the_algorithm_is_given_back_as_asked() {
        for asked in [
            "md5",
            "MD5",
            "\"md5\"",
            "MD5-sess",
            "sha-256",
            "\"SHA-256-SESS\"",
        ] {
            let header = format!("Digest realm=r, nonce=n, algorithm={asked}");
            let told = answer(&header, &MUFASA, "c");
            assert!(told.contains(&format!(", algorithm={asked}")), "{told}");
        }
    }

    /// REC-6: the session forms: the nonces are hashed into the secret.
    #[test]
    fn session_forms() {
        let hash = |a: Algorithm, p: &[&str]| a.hash(p);
        for (asked, a) in [
            ("MD5-sess", Algorithm::Md5),
            ("SHA-256-sess", Algorithm::Sha256),
        ] {
            let header = format!("Digest realm=r, nonce=n, qop=auth, algorithm={asked}");
            let secret = hash(a, &[&hash(a, &["Mufasa", "r", "Circle of Life"]), "n", "c"]);
            let request = hash(a, &["GET", "/dir/index.html"]);
            let expected = hash(a, &[&secret, "n", "00000001", "c", "auth", &request]);
            assert_eq!(response(&answer(&header, &MUFASA, "c")), expected);
        }
    }

    /// V17, REC-6: a password is never told in Basic; what is not spoken is named.
    #[test]
    fn never_basic() {
        let refused = |header: &str| PasswordClient::try_from(header).expect_err("refused");
        assert_eq!(
            refused(r#"Basic realm="cam""#),
            AuthError::Unspoken(vec!["Basic".into()])
        );
        assert_eq!(
            refused(r#"Digest realm=a, nonce=b, algorithm=SHA-512-256, Basic realm=a"#),
            AuthError::Unspoken(vec!["Digest SHA-512-256".into(), "Basic".into()])
        );
        assert!(matches!(
            refused(r#"Digest realm=a, nonce=b, qop="auth-int""#),
            AuthError::Unspoken(_)
        ));
        assert_eq!(refused(""), AuthError::Unsaid);
        let mut both = PasswordClient::try_from(r#"Basic realm=a, Digest realm=a, nonce=b"#)
            .expect("Digest beside it");
        let told = both.respond(&MUFASA).expect("answer");
        assert!(told.starts_with("Digest "));
    }

    /// REC-6: answers are counted for each nonce; names with quotes stay one value.
    #[test]
    fn counted_and_quoted() {
        let mut client =
            PasswordClient::try_from("Digest realm=r, nonce=n, qop=auth").expect("spoken");
        let params = PasswordParams {
            username: "a\"b\\c\r\nX: y",
            ..MUFASA
        };
        client.respond(&params).expect("answer");
        let told = client.respond(&params).expect("answer");
        assert!(told.contains("nc=00000002"), "{told}");
        assert!(told.contains(r#"username="a\"b\\cX: y""#), "{told}");
        client.renew("m");
        let told = client.respond(&params).expect("answer");
        assert!(told.contains("nc=00000001") && told.contains("nonce=\"m\""));
    }
}
