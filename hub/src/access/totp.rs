//! Pure. The second factor from a phone: six digits that change every half minute (RFC 6238 with SHA-1, which is what all apps do).
//!
//! A step is a number of half minutes since 1970. A code is good in its own step and the two beside it, for clocks that differ, and each step
//! once: the caller keeps the step that was taken, and none up to it is taken again. How often somebody may try is the door's business.

use qrcode::{EcLevel, QrCode, render::svg};
use ring::{
    hmac,
    rand::{SecureRandom, generate},
};
use shared::time::Utc;
use zeroize::Zeroizing;

use crate::reason::Proofs;

const STEP_MS: i64 = 30_000;
const DIGITS: usize = 6;
/// Of a secret: as many as SHA-1 gives, as RFC 4226 asks for.
const BYTES: usize = 20;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Why a code was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("a code is six digits")]
    Form,
    #[error(
        "the code is not the one of this half minute; look at the app again, and at the phone's clock"
    )]
    Wrong,
    #[error("this code was used already; wait for the next one")]
    Used,
}

impl From<CodeError> for Proofs {
    fn from(why: CodeError) -> Self {
        match why {
            CodeError::Form => Self::CodeMalformed,
            CodeError::Wrong => Self::CodeWrong,
            CodeError::Used => Self::CodeUsed,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the machine has no randomness to make a secret of")]
    Random,
    #[error("a secret is 32 letters A to Z and digits 2 to 7")]
    Form,
    #[error("the secret's address does not fit a QR code")]
    Drawing,
}

/// What phone and hub share. It is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; BYTES]>);

impl Secret {
    /// # Errors
    /// [`SecretError::Random`].
    pub fn new(random: &dyn SecureRandom) -> Result<Self, SecretError> {
        let bytes = generate::<[u8; BYTES]>(random).map_err(|_| SecretError::Random)?;
        Ok(Self(Zeroizing::new(bytes.expose())))
    }

    /// Reads what [`Secret::text`] writes.
    ///
    /// # Errors
    /// [`SecretError::Form`].
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        if text.len() != BYTES / 5 * 8 {
            return Err(SecretError::Form);
        }
        for (eight, five) in text.as_bytes().chunks(8).zip(bytes.chunks_mut(5)) {
            let mut bits = 0_u64;
            for letter in eight {
                let value = BASE32.iter().position(|b| b == letter);
                let value = value.and_then(|v| u64::try_from(v).ok());
                bits = bits << 5 | value.ok_or(SecretError::Form)?;
            }
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Ok(Self(bytes))
    }

    /// Base32, 32 letters, as it is typed where no camera is.
    pub fn text(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(BYTES / 5 * 8));
        for five in self.0.chunks(5) {
            let bits = five.iter().fold(0_u64, |sum, b| sum << 8 | u64::from(*b));
            for at in (0..8).rev() {
                // Five bits are below 32.
                let value = usize::try_from(bits >> (at * 5) & 31).unwrap_or_default();
                out.push(char::from(BASE32[value]));
            }
        }
        out
    }

    /// The code of a step, below 1,000,000.
    fn code(&self, step: u64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.as_slice());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let at = tag.last().map_or(0, |b| usize::from(b & 0x0f));
        let four = tag[at..at + 4].iter();
        let number = four.fold(0_u32, |sum, b| sum << 8 | u32::from(*b));
        (number & 0x7fff_ffff) % 1_000_000
    }

    /// What a phone shows at that time.
    #[cfg(test)]
    pub fn code_at(&self, now: Utc) -> String {
        let step = u64::try_from(now.0.div_euclid(STEP_MS)).unwrap_or(0);
        format!("{:06}", self.code(step))
    }

    /// The step whose code this is, to be kept: `last` is the one that was kept before. Spaces in a code are how apps show it.
    ///
    /// # Errors
    /// [`CodeError`]; nothing is to be changed.
    pub fn check(&self, code: &str, now: Utc, last: Option<u64>) -> Result<u64, CodeError> {
        let digits: String = code.chars().filter(|c| *c != ' ').collect();
        if digits.len() != DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CodeError::Form);
        }
        let said: u32 = digits.parse().map_err(|_| CodeError::Form)?;
        let step = u64::try_from(now.0.div_euclid(STEP_MS)).unwrap_or(0);
        // All three are made and compared, whichever it is. The newest one wins: it leaves nothing to be taken again.
        let mut found = None;
        for step in [step.saturating_sub(1), step, step.saturating_add(1)] {
            if self.code(step) ^ said == 0 {
                found = Some(step);
            }
        }
        match (found, last) {
            (None, _) => Err(CodeError::Wrong),
            (Some(step), Some(last)) if step <= last => Err(CodeError::Used),
            (Some(step), _) => Ok(step),
        }
    }

    /// The address that a phone's app reads, with the secret in it: not for a log. `issuer` is the scheme's name, `account` the person's.
    pub fn uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let (issuer, account) = (escaped(issuer), escaped(account));
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period=30",
            *self.text()
        ))
    }

    /// The address drawn, as an SVG element that stands in a page.
    ///
    /// # Errors
    /// [`SecretError::Drawing`]: the names are too long.
    pub fn drawing(&self, issuer: &str, account: &str) -> Result<Zeroizing<String>, SecretError> {
        let uri = self.uri(issuer, account);
        let code = QrCode::with_error_correction_level(uri.as_bytes(), EcLevel::M)
            .map_err(|_| SecretError::Drawing)?;
        let file = Zeroizing::new(
            code.render()
                .min_dimensions(240, 240)
                .dark_color(svg::Color("#000"))
                .light_color(svg::Color("#fff"))
                .build(),
        );
        let element = file.find("<svg").map_or("", |at| &file[at..]);
        Ok(Zeroizing::new(element.to_owned()))
    }
}

/// Percent-encoded, but for letters, digits and `-._~`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;

    fn rfc() -> Secret {
        Secret(Zeroizing::new(*b"12345678901234567890"))
    }

    /// RFC 6238, appendix B, and RFC 4226, appendix D, the last six digits.
    #[test]
    fn vectors() {
        for (secs, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000_i64, "353130"),
        ] {
            let now = Utc(secs * 1_000);
            let step = rfc().check(code, now, None).expect(code);
            assert_eq!(i64::try_from(step).expect("a step"), secs / 30);
        }
        let counted = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871,
            520_489,
        ];
        for (step, code) in (0..).zip(counted) {
            assert_eq!(rfc().code(step), code);
        }
    }

    fn code(step: u64) -> String {
        format!("{:06}", rfc().code(step))
    }

    /// ROL-2: good in its own half minute and one beside it, once, and never again after a later one.
    #[test]
    fn each_step_once() {
        let now = Utc(40_000_000 * 30_000 + 12_345);
        let step = 40_000_000;
        for (of, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let of = step + u64::try_from(of + 2).expect("small") - 2;
            let want = match good {
                true => Ok(of),
                false => Err(CodeError::Wrong),
            };
            assert_eq!(rfc().check(&code(of), now, None), want);
        }
        let taken = rfc().check(&code(step), now, None).expect("taken");
        let again = |of: u64| rfc().check(&code(of), now, Some(taken));
        assert_eq!(again(step), Err(CodeError::Used));
        assert_eq!(again(step - 1), Err(CodeError::Used), "nor one before it");
        assert_eq!(again(step + 1), Ok(step + 1));
        // A phone that shows it in two halves.
        let shown = format!("{} {}", &code(step)[..3], &code(step)[3..]);
        assert_eq!(rfc().check(&shown, now, None), Ok(step));
        for bad in [
            "",
            "12345",
            "1234567",
            "12345a",
            "-12345",
            "+12345",
            "١٢٣٤٥٦",
        ] {
            assert_eq!(rfc().check(bad, now, None), Err(CodeError::Form), "{bad}");
        }
        // A hub whose clock is in 1969, or far off.
        for far in [Utc(i64::MIN), Utc(-1), Utc(0), Utc(i64::MAX)] {
            let _ = rfc().check("000000", far, None);
        }
    }

    #[test]
    fn secrets() {
        assert_eq!(*rfc().text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let one = Secret::new(&SystemRandom::new()).expect("random");
        let other = Secret::new(&SystemRandom::new()).expect("random");
        assert!(one != other);
        for bad in [
            "",
            "GEZDGNBV",
            "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
        ] {
            assert!(Secret::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_and_back(bytes: [u8; BYTES]) {
            let secret = Secret(Zeroizing::new(bytes));
            let text = secret.text();
            prop_assert!(Secret::parse(&text).expect("reads") == secret);
        }
    }

    #[test]
    fn addresses() {
        let uri = rfc().uri("Ashby & Brook", "siân:o'r");
        assert_eq!(
            *uri,
            "otpauth://totp/Ashby%20%26%20Brook:si%C3%A2n%3Ao%27r?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ashby%20%26%20Brook&algorithm=SHA1&digits=6&period=30"
        );
        let drawn = rfc().drawing("Ashby & Brook", "siân").expect("drawn");
        assert!(
            drawn.starts_with("<svg") && drawn.ends_with("</svg>"),
            "{}",
            *drawn
        );
        assert!(
            !drawn.contains("style="),
            "pages allow no styles of their own"
        );
        let long = "x".repeat(3_000);
        assert!(rfc().drawing(&long, "siân") == Err(SecretError::Drawing));
    }
}
