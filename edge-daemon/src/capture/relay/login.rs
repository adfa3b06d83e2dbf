//! Pure. How a camera is told the password in one session: never twice a wrong one, and never in Basic unless that was allowed.
use base64::{Engine, engine::general_purpose::STANDARD};
use http_auth::{Challenge, PasswordClient, PasswordParams, challenges};

use crate::config::Secret;

/// Times that one request is answered for anew.
const TIMES: u32 = 2;

/// Why the camera is told nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for a login, and no user name is given.
    NoName,
    /// The user name or the password is wrong.
    Wrong,
    /// It took the password before, and does not any more.
    Later,
    /// It knows no login but Basic, and that is not allowed.
    Basic,
    /// It offers Basic alone, and offered Digest before.
    Downgrade,
    /// It asks for these, none of which is spoken.
    Unspoken(Vec<String>),
    /// It asks for a login and does not say which.
    Unsaid,
}

enum How {
    Digest(Box<PasswordClient>),
    Basic,
}

/// What is known of the login of one session.
pub struct Login {
    username: Option<String>,
    password: Option<Secret>,
    basic: bool,
    /// The camera has used Digest, in this session or before.
    digest: bool,
    how: Option<How>,
    /// It took an answer in this session.
    taken: bool,
    /// Answers to one request.
    times: u32,
}

impl Login {
    /// `basic`: it may be told the password in Basic; `digest`: it was told in Digest once.
    pub fn new(
        username: Option<String>,
        password: Option<Secret>,
        basic: bool,
        digest: bool,
    ) -> Self {
        Self {
            username,
            password,
            basic,
            digest,
            how: None,
            taken: false,
            times: 0,
        }
    }

    /// A new request is about to be made.
    pub fn begin(&mut self) {
        self.times = 0;
    }

    /// The value of its `Authorization` header.
    pub fn header(&mut self, method: &str, uri: &str) -> Option<String> {
        let username = self.username.as_deref()?;
        let password = self.password.as_ref().map_or("", Secret::reveal);
        match self.how.as_mut()? {
            How::Digest(client) => client
                .respond(&PasswordParams {
                    username,
                    password,
                    uri,
                    method,
                    body: None,
                })
                .ok(),
            How::Basic => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{username}:{password}"))
            )),
        }
    }

    /// A request was answered with anything but 401. True: the login was Digest, which is to be remembered.
    pub fn answered(&mut self, next_nonce: Option<&str>) -> bool {
        let Some(how) = &mut self.how else {
            return false;
        };
        self.taken = true;
        let How::Digest(client) = how else {
            return false;
        };
        if let Some(nonce) = next_nonce {
            client.renew(nonce);
        }
        !std::mem::replace(&mut self.digest, true)
    }

    /// The request was answered with 401 and this challenge. Ok: it is to be made again; true if that is a repair.
    ///
    /// # Errors
    /// [`Refusal`]: no more is to be said.
    pub fn challenged(&mut self, challenge: &str) -> Result<bool, Refusal> {
        if self.username.is_none() {
            return Err(Refusal::NoName);
        }
        let offers = challenges(challenge);
        let before = self.how.take();
        let wrong = if self.taken {
            Refusal::Later
        } else {
            Refusal::Wrong
        };
        self.times += 1;
        if self.times > TIMES {
            return Err(wrong);
        }
        let Ok(client) = PasswordClient::strongest(&offers) else {
            return self.less(&offers, before.is_some(), wrong);
        };
        let repaired = match &before {
            None => false,
            // A camera that took Basic asks for better now: it has not had this answer yet.
            Some(How::Basic) => self.taken,
            Some(How::Digest(old)) => {
                let fresh = old.digest().nonce() != client.digest().nonce();
                if !(client.digest().stale() || self.taken && fresh) {
                    return Err(wrong);
                }
                true
            }
        };
        if matches!(before, Some(How::Basic)) && !self.taken {
            return Err(wrong);
        }
        self.how = Some(How::Digest(Box::new(client)));
        Ok(repaired)
    }

    /// No Digest that is spoken.
    fn less(
        &mut self,
        offers: &[Challenge],
        before: bool,
        wrong: Refusal,
    ) -> Result<bool, Refusal> {
        let offered = |scheme: &str| offers.iter().any(|o| o.is(scheme));
        if offers.is_empty() {
            return Err(if before { wrong } else { Refusal::Unsaid });
        }
        if offered("digest") || !offered("basic") {
            let names = offers.iter().map(|o| tame(&o.scheme)).collect();
            return Err(Refusal::Unspoken(names));
        }
        if !self.basic {
            return Err(Refusal::Basic);
        }
        if self.digest {
            return Err(Refusal::Downgrade);
        }
        if before {
            return Err(wrong);
        }
        self.how = Some(How::Basic);
        Ok(false)
    }

    /// It was asked for, and an answer is known.
    pub fn begun(&self) -> bool {
        self.how.is_some()
    }

    pub fn in_basic(&self) -> bool {
        matches!(self.how, Some(How::Basic))
    }
}

/// A camera's word, so that it can be shown.
fn tame(text: &str) -> String {
    let tame = text.chars().filter(char::is_ascii_alphanumeric);
    tame.take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(basic: bool, digest: bool) -> Login {
        let password = Some(Secret::new("geheim".into()));
        Login::new(Some("viewer".into()), password, basic, digest)
    }

    fn digest(nonce: &str, more: &str) -> String {
        format!("Digest realm=\"cam\", nonce=\"{nonce}\"{more}")
    }

    /// REC-6: one wrong answer a session, so that the camera does not lock the account.
    #[test]
    fn never_two_wrong_answers() {
        let mut login = login(true, false);
        assert_eq!(login.header("DESCRIBE", "rtsp://c/"), None, "not unasked");
        assert_eq!(login.challenged(&digest("a", "")), Ok(false));
        assert!(login.header("DESCRIBE", "rtsp://c/").is_some());
        assert_eq!(login.challenged(&digest("b", "")), Err(Refusal::Wrong));
        assert_eq!(login.header("DESCRIBE", "rtsp://c/"), None);
    }

    /// REC-6: nonces that grow old, count once, or come with each answer.
    #[test]
    fn nonces() {
        let mut login = login(false, false);
        assert_eq!(login.challenged(&digest("a", "")), Ok(false));
        assert!(login.answered(None), "Digest, to be remembered");
        for (nonce, more) in [("b", ", stale=true"), ("c", ""), ("d", ", stale=\"TRUE\"")] {
            login.begin();
            assert_eq!(login.challenged(&digest(nonce, more)), Ok(true));
            let told = login.header("SETUP", "rtsp://c/1").expect("answer");
            assert!(told.contains(&format!("nonce=\"{nonce}\"")), "{told}");
            assert!(!login.answered(None));
        }
        login.answered(Some("e"));
        let told = login.header("PLAY", "rtsp://c/").expect("answer");
        assert!(told.contains("nonce=\"e\""), "{told}");
        login.begin();
        assert_eq!(login.challenged(&digest("e", "")), Err(Refusal::Later));
        let mut login = self::login(false, false);
        // Old at once, and for ever: it ends.
        assert_eq!(login.challenged(&digest("a", ", stale=true")), Ok(false));
        assert_eq!(login.challenged(&digest("b", ", stale=true")), Ok(true));
        assert_eq!(
            login.challenged(&digest("c", ", stale=true")),
            Err(Refusal::Wrong)
        );
    }

    /// V17, REC-6: Basic only where it is allowed, nothing better is offered, and the camera never knew better.
    #[test]
    fn basic_is_the_exception() {
        let basic = "Basic realm=\"cam\"";
        assert_eq!(login(false, false).challenged(basic), Err(Refusal::Basic));
        assert_eq!(login(true, true).challenged(basic), Err(Refusal::Downgrade));
        let mut allowed = login(true, false);
        assert_eq!(allowed.challenged(basic), Ok(false));
        assert_eq!(
            allowed.header("DESCRIBE", "x").as_deref(),
            Some("Basic dmlld2VyOmdlaGVpbQ==")
        );
        assert_eq!(allowed.challenged(basic), Err(Refusal::Wrong));
        let mut both = login(true, false);
        assert_eq!(
            both.challenged(&format!("{basic}, {}", digest("a", ""))),
            Ok(false)
        );
        assert!(
            both.header("DESCRIBE", "x")
                .is_some_and(|h| h.starts_with("Digest"))
        );
        both.answered(None);
        both.begin();
        assert_eq!(
            both.challenged(basic),
            Err(Refusal::Downgrade),
            "in one session"
        );
        // A better kind is offered that is not spoken: no reason for a worse one.
        assert_eq!(
            login(true, false).challenged(&format!(
                "{basic}, {}",
                digest("a", ", algorithm=SHA-512-256")
            )),
            Err(Refusal::Unspoken(vec!["Basic".into(), "Digest".into()]))
        );
    }

    #[test]
    fn what_is_not_spoken_is_said() {
        assert_eq!(
            login(true, false).challenged("Negotiate, Bearer realm=x"),
            Err(Refusal::Unspoken(vec!["Negotiate".into(), "Bearer".into()]))
        );
        assert_eq!(login(true, false).challenged(""), Err(Refusal::Unsaid));
        let mut nobody = Login::new(None, None, true, false);
        assert_eq!(nobody.challenged(&digest("a", "")), Err(Refusal::NoName));
    }
}
