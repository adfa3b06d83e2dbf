//! Pure. The one-time code that lets a new box claim its name at the hub.
//!
//! ```text
//! short  0AX7-M2QD-…-9KTF                         28 letters and digits in groups of four: what a person types
//! long   0AX7-M2QD-…-9KTF/HUB.EXAMPLE.GOV.UK:4433/ASHBY-HIGH-STREET    the same, where to dial and the box's name: what a QR code carries
//!
//! 26 symbols = 2 bits version (0) ‖ 64 bits mark ‖ 64 bits secret, then 2 check symbols
//! mark       = first 64 bits of SHA-256("beadle code v2\n" ‖ secret ‖ CA certificate, DER)
//! check      = Reed–Solomon over GF(32): the symbols c[0..28] satisfy Σ c[i] = 0 and Σ c[i]·αⁱ = 0, α = x, x⁵ = x² + 1
//! ```
//! Symbols are Crockford's: digits and letters without I, L, O, U; I and L are read as 1, O as 0; either case; spaces, line ends and
//! dashes are ignored. One or two wrong symbols, or two that changed places, are always seen, before anything is sent.
//!
//! **Why so short is enough.** The box shows the secret only to a hub whose authority bears the mark. The secret goes into the mark, and
//! nobody but hub and installer has it, so nobody can look for an authority with the right mark beforehand: whoever stands in the way has
//! one try in 2⁶⁴ per code. And a secret of 64 bits that lives seven days is not found by asking the hub, however often: no count of wrong
//! guesses protects it, so none can void it.

use crate::{
    id::BoxName,
    record::{hex, sha256},
};

const MARK: &[u8] = b"beadle code v2\n";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of the short form, the two of the check included.
const SYMBOLS: usize = 28;
const DATA: usize = SYMBOLS - 2;

/// What `beadle-hub box add` prints and `beadle-edge enrol` reads.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolCode {
    secret: [u8; 8],
    mark: [u8; 8],
    /// What only the long form carries.
    pub place: Option<Place>,
}

/// Where to dial, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `host:port`.
    pub hub: String,
    pub r#box: BoxName,
}

/// The secret is not shown: whoever has it can claim the box.
impl std::fmt::Debug for EnrolCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolCode")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    #[error(
        "an enrolment code has {SYMBOLS} letters and digits, and this one has {0}; nothing was sent. Copy it again, all of it"
    )]
    Length(usize),
    #[error(
        "the enrolment code has {0:?} in it, which no code has; nothing was sent. Copy it again, letter for letter"
    )]
    Letter(char),
    #[error(
        "the enrolment code was mistyped: its letters do not belong together; nothing was sent. Copy it again, letter for letter"
    )]
    Mistyped,
    #[error("the enrolment code was made by a newer hub; nothing was sent. Update this box first")]
    Newer,
    #[error(
        "after the first / of a long enrolment code stand the hub's address and the box's name, as in …/hub.example.gov.uk:4433/ashby, and here stands {0:?}; nothing was sent. Copy it again, or use the {SYMBOLS} letters alone"
    )]
    Place(String),
}

impl EnrolCode {
    /// `ca`: the hub's CA certificate, DER.
    pub fn new(secret: [u8; 8], ca: &[u8], place: Option<Place>) -> Self {
        Self {
            secret,
            mark: mark(&secret, ca),
            place,
        }
    }

    /// Whether the code was made by the hub of this authority (certificate, DER).
    pub fn vouches_for(&self, ca: &[u8]) -> bool {
        mark(&self.secret, ca) == self.mark
    }

    /// What a person types.
    pub fn short(&self) -> String {
        let value = u128::from_be_bytes(joined(&self.mark, &self.secret));
        let mut symbols = [0; SYMBOLS];
        for (i, s) in symbols.iter_mut().take(DATA).enumerate() {
            *s = (value >> (5 * (DATA - 1 - i)) & 31) as u8;
        }
        let (sum, weighed) = sums(&symbols);
        // c26 + c27 = sum and c26·α²⁶ + c27·α²⁷ = weighed.
        let (a, b) = (power(DATA), power(DATA + 1));
        symbols[DATA] = times(weighed ^ times(sum, b), inverse(a ^ b));
        symbols[DATA + 1] = sum ^ symbols[DATA];
        let mut text = String::with_capacity(SYMBOLS + 6);
        for (i, s) in symbols.iter().enumerate() {
            if i > 0 && i % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(*s)]));
        }
        text
    }

    /// What a QR code carries, in the letters that QR codes pack best; None without a place.
    pub fn long(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        let rest = format!("{}/{}", place.hub, place.r#box).to_ascii_uppercase();
        Some(format!("{}/{rest}", self.short()))
    }

    /// Reads either form.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let (code, rest) = match text.split_once('/') {
            Some((code, rest)) => (code, Some(rest)),
            None => (text, None),
        };
        let symbols = code
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(symbol)
            .collect::<Result<Vec<u8>, _>>()?;
        let symbols: [u8; SYMBOLS] = symbols
            .try_into()
            .map_err(|s: Vec<u8>| BadCode::Length(s.len()))?;
        if sums(&symbols) != (0, 0) {
            return Err(BadCode::Mistyped);
        }
        if symbols[0] >> 3 != 0 {
            return Err(BadCode::Newer);
        }
        let value = symbols[..DATA]
            .iter()
            .fold(0u128, |value, s| value << 5 | u128::from(*s));
        let (mut mark, mut secret) = ([0; 8], [0; 8]);
        mark.copy_from_slice(&value.to_be_bytes()[..8]);
        secret.copy_from_slice(&value.to_be_bytes()[8..]);
        Ok(Self {
            secret,
            mark,
            place: rest.map(place).transpose()?,
        })
    }

    /// The secret as it goes over the wire ([`crate::wire::Open::Enrol`]).
    pub fn secret_text(&self) -> String {
        hex(&self.secret)
    }
}

fn mark(secret: &[u8; 8], ca: &[u8]) -> [u8; 8] {
    let digest = sha256(&[MARK, secret, ca].concat());
    let mut mark = [0; 8];
    mark.copy_from_slice(&digest[..8]);
    mark
}

fn joined(a: &[u8; 8], b: &[u8; 8]) -> [u8; 16] {
    let mut both = [0; 16];
    both[..8].copy_from_slice(a);
    both[8..].copy_from_slice(b);
    both
}

fn symbol(c: char) -> Result<u8, BadCode> {
    let plain = match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let found = ALPHABET.iter().position(|a| char::from(*a) == plain);
    found
        .and_then(|i| u8::try_from(i).ok())
        .ok_or(BadCode::Letter(c))
}

fn place(text: &str) -> Result<Place, BadCode> {
    let bad = || BadCode::Place(text.trim().into());
    let text = text.trim().to_ascii_lowercase();
    let (hub, name) = text.rsplit_once('/').ok_or_else(bad)?;
    if !is_address(hub) {
        return Err(bad());
    }
    Ok(Place {
        hub: hub.into(),
        r#box: BoxName::parse(name).map_err(|_| bad())?,
    })
}

/// Whether a text is a hub's address as boxes dial it: `host:port`.
pub fn is_address(text: &str) -> bool {
    text.len() <= 300
        && text.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
                && port.parse::<u16>().is_ok()
        })
}

/// Σ c[i] and Σ c[i]·αⁱ.
fn sums(symbols: &[u8; SYMBOLS]) -> (u8, u8) {
    symbols
        .iter()
        .enumerate()
        .fold((0, 0), |(sum, weighed), (i, s)| {
            (sum ^ s, weighed ^ times(*s, power(i)))
        })
}

/// Product in GF(32).
fn times(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (a, 0);
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & 32 != 0 {
            a ^= 0b10_0101;
        }
    }
    product
}

fn power(n: usize) -> u8 {
    (0..n).fold(1, |p, _| times(p, 2))
}

/// Of anything but 0: its 30th power, for there are 31 of them.
fn inverse(a: u8) -> u8 {
    (0..30).fold(1, |p, _| times(p, a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CA: &[u8] = b"a certificate";

    fn sample() -> EnrolCode {
        let place = Place {
            hub: "hub.example.gov.uk:4433".into(),
            r#box: BoxName::parse("ashby-high-street").expect("name"),
        };
        EnrolCode::new([0xa5, 1, 2, 3, 4, 5, 6, 7], CA, Some(place))
    }

    /// V15: short enough to type, read as people type, and the long form says the rest in words one can read.
    #[test]
    fn round_trip_in_any_case_and_spacing() {
        let short = sample().short();
        assert_eq!(short.len(), 34, "{short}");
        let typed = EnrolCode {
            place: None,
            ..sample()
        };
        for form in [
            short.clone(),
            short.to_lowercase(),
            short.replace('-', " "),
            format!(" {}\n", short.replace('-', "")),
            short.replace('0', "o").replace('1', "l"),
            short.replace('1', "I"),
        ] {
            assert_eq!(EnrolCode::parse(&form), Ok(typed.clone()), "{form}");
        }
        let long = sample().long().expect("long");
        assert_eq!(
            long,
            format!("{short}/HUB.EXAMPLE.GOV.UK:4433/ASHBY-HIGH-STREET")
        );
        assert_eq!(EnrolCode::parse(&long), Ok(sample()));
        assert_eq!(typed.long(), None);
        assert!(
            !format!("{:?}", sample()).contains("165"),
            "the secret is not printed"
        );
        for wrong in ["", "/", "/hub/ashby", "/hub:x/ashby", "/hub:1/Not a name"] {
            let e = EnrolCode::parse(&format!("{short}/{wrong}"));
            assert!(matches!(e, Err(BadCode::Place(_))), "{wrong}: {e:?}");
        }
    }

    /// The mark is of one authority and one secret.
    #[test]
    fn it_vouches_for_one_authority() {
        let code = sample();
        assert!(code.vouches_for(CA));
        assert!(!code.vouches_for(b"another certificate"));
        let other = EnrolCode::new([0; 8], CA, None);
        assert_ne!(other.mark, code.mark, "nobody can reckon it beforehand");
    }

    /// A typing mistake is told apart from a code the hub does not know: any one wrong letter, any two, and any two changed about.
    #[test]
    fn mistakes_are_seen() {
        let good: Vec<char> = sample().short().replace('-', "").chars().collect();
        let said = |letters: &[char]| EnrolCode::parse(&letters.iter().collect::<String>());
        let other = |c: char| if c == 'A' { 'B' } else { 'A' };
        for i in 0..good.len() {
            for a in ALPHABET.map(char::from) {
                let mut one = good.clone();
                one[i] = a;
                assert!(a == good[i] || said(&one) == Err(BadCode::Mistyped));
            }
            for k in i + 1..good.len() {
                let mut two = good.clone();
                (two[i], two[k]) = (other(two[i]), other(two[k]));
                assert_eq!(said(&two), Err(BadCode::Mistyped), "{i} {k}");
                let mut swapped = good.clone();
                swapped.swap(i, k);
                assert!(good[i] == good[k] || said(&swapped) == Err(BadCode::Mistyped));
            }
        }
        assert_eq!(said(&good[..25]), Err(BadCode::Length(25)));
        assert_eq!(EnrolCode::parse("hello"), Err(BadCode::Length(5)));
        assert_eq!(EnrolCode::parse("0A*7"), Err(BadCode::Letter('*')));
        assert_eq!(EnrolCode::parse("0AU7"), Err(BadCode::Letter('U')));
    }

    #[test]
    fn newer_codes_are_told() {
        let mut symbols = [0; SYMBOLS];
        // Version 1, whose check symbols are as always.
        symbols[0] = 8;
        let (a, b) = (power(DATA), power(DATA + 1));
        symbols[DATA] = times(8 ^ times(8, b), inverse(a ^ b));
        symbols[DATA + 1] = 8 ^ symbols[DATA];
        let text: String = symbols
            .iter()
            .map(|s| char::from(ALPHABET[usize::from(*s)]))
            .collect();
        assert_eq!(EnrolCode::parse(&text), Err(BadCode::Newer));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[0-9A-Za-z -]{0,40}(/[ -~]{0,40})?") {
            let _ = EnrolCode::parse(&text);
        }
        #[test]
        fn any_secret_round_trips(secret in any::<[u8; 8]>(), ca in any::<[u8; 8]>()) {
            let code = EnrolCode::new(secret, &ca, None);
            prop_assert_eq!(EnrolCode::parse(&code.short()), Ok(code));
        }
    }
}
