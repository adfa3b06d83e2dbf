//! Pure. What a `WWW-Authenticate` header offers, read as cameras write it.

/// One kind of login that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `Digest`, `Basic` …, as it was written.
    pub scheme: String,
    /// Names in small letters, in the order they came.
    params: Vec<(String, Value)>,
}

/// A parameter's value, and whether it stood in quotes: an answer is to be written as the question was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

impl Challenge {
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.value(name).map(|v| v.text.as_str())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// For people: the scheme, and what makes it one of its kind.
    pub(crate) fn named(&self) -> String {
        let tame = |text: &str| {
            let tame = text.chars().filter(|c| c.is_ascii_graphic());
            tame.take(40).collect::<String>()
        };
        let algorithm = self.get("algorithm").map(|a| format!(" {}", tame(a)));
        let qop = self.get("qop").filter(|q| !q.is_empty());
        let qop = qop.map(|q| format!(" with qop {}", tame(q)));
        format!(
            "{}{}{}",
            tame(&self.scheme),
            algorithm.unwrap_or_default(),
            qop.unwrap_or_default()
        )
    }
}

/// All that is offered. Several headers may be joined by commas or by line ends. What makes no sense is passed over.
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    let mut rest = Cursor(header);
    loop {
        rest.skip(|c| c.is_whitespace() || matches!(c, ',' | ';'));
        let name = rest.take(|c| !c.is_whitespace() && !matches!(c, ',' | ';' | '=' | '"'));
        if name.is_empty() {
            if !rest.drop_one() {
                return all;
            }
            continue;
        }
        let before = rest.0;
        rest.skip(char::is_whitespace);
        if !rest.eat('=') {
            // A word on its own is the name of a scheme; whatever follows belongs to it.
            rest.0 = before;
            all.push(Challenge {
                scheme: name.to_owned(),
                params: Vec::new(),
            });
            continue;
        }
        rest.skip(char::is_whitespace);
        let value = if rest.eat('"') {
            Value {
                text: rest.quoted(),
                quoted: true,
            }
        } else {
            let text = rest.take(|c| !c.is_whitespace() && !matches!(c, ',' | ';'));
            Value {
                text: text.to_owned(),
                quoted: false,
            }
        };
        if let Some(last) = all.last_mut() {
            last.params.push((name.to_ascii_lowercase(), value));
        }
    }
}

struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn take(&mut self, good: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !good(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, good: impl Fn(char) -> bool) {
        self.take(good);
    }

    fn drop_one(&mut self) -> bool {
        let mut chars = self.0.chars();
        let there = chars.next().is_some();
        self.0 = chars.as_str();
        there
    }

    fn eat(&mut self, c: char) -> bool {
        match self.0.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// To the closing quote, or to the end where there is none.
    fn quoted(&mut self) -> String {
        let mut text = String::new();
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => text.extend(chars.next()),
                c => text.push(c),
            }
        }
        self.0 = chars.as_str();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(header: &str) -> Challenge {
        let mut all = challenges(header);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// REC-6: as cameras write it: no quotes, no spaces, semicolons, an end that is missing.
    #[test]
    fn as_cameras_write_it() {
        for header in [
            r#"Digest realm="cam", nonce="n1", stale=FALSE"#,
            r#"digest realm="cam",nonce="n1",stale="FALSE""#,
            r#"DIGEST realm=cam;nonce=n1;stale=FALSE"#,
            r#"Digest  realm = "cam" , nonce = "n1" , stale = FALSE ,"#,
            "Digest Realm=\"cam\",\r\n NONCE=n1, stale=FALSE",
            r#"Digest stale=FALSE, realm="cam", nonce="n1"#,
        ] {
            let c = one(header);
            assert!(c.is("digest"));
            assert_eq!(
                (c.get("realm"), c.get("nonce"), c.get("stale")),
                (Some("cam"), Some("n1"), Some("FALSE")),
                "{header}"
            );
        }
    }

    #[test]
    fn several_in_one() {
        let all = challenges(
            r#"Basic realm="a, Digest b", Digest realm="c=\"d\"", nonce="1", Negotiate, Digest nonce=2"#,
        );
        let schemes: Vec<&str> = all.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes, ["Basic", "Digest", "Negotiate", "Digest"]);
        assert_eq!(all[0].get("realm"), Some("a, Digest b"));
        assert_eq!(all[1].get("realm"), Some("c=\"d\""));
        assert_eq!(all[3].get("nonce"), Some("2"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes(header in ".{0,200}") {
            let _ = challenges(&header);
        }
    }
}
