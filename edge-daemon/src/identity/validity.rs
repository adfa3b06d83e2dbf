//! Pure. Until when a certificate is good: the one field of it this program reads itself (X.509, DER).

use shared::time::Utc;

/// A certificate that is renewed in time has more than this left: 30 days.
pub const SOON_MS: i64 = 30 * 86_400_000;

/// `notAfter` of a certificate; None when the bytes are not one.
pub fn not_after(der: &[u8]) -> Option<Utc> {
    let (certificate, _) = element(der, 0x30)?;
    let (mut tbs, _) = element(certificate, 0x30)?;
    // version (optional), serial, signature algorithm, issuer, then validity
    if let Some((_, rest)) = element(tbs, 0xa0) {
        tbs = rest;
    }
    for tag in [0x02, 0x30, 0x30] {
        tbs = element(tbs, tag)?.1;
    }
    let (validity, _) = element(tbs, 0x30)?;
    let (_, rest) = time(validity)?;
    time(rest).map(|(t, _)| t)
}

/// The content of the element at the front if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    if head[0] != tag {
        return None;
    }
    let (len, rest) = match head[1] {
        n @ 0..=0x7f => (usize::from(n), rest),
        n @ 0x81..=0x83 => {
            let (len, rest) = rest.split_at_checked(usize::from(n & 0x0f))?;
            (
                len.iter().fold(0, |all, b| all << 8 | usize::from(*b)),
                rest,
            )
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}

/// UTCTime (`YYMMDDhhmmssZ`, 1950 to 2049) or GeneralizedTime (`YYYYMMDDhhmmssZ`).
fn time(bytes: &[u8]) -> Option<(Utc, &[u8])> {
    let (text, rest, century) = match element(bytes, 0x17) {
        Some((text, rest)) => (text, rest, if text.first()? < &b'5' { "20" } else { "19" }),
        None => {
            let (text, rest) = element(bytes, 0x18)?;
            (text, rest, "")
        }
    };
    let t = format!("{century}{}", std::str::from_utf8(text).ok()?);
    if t.len() != 15 || !t.is_ascii() {
        return None;
    }
    let t = format!(
        "{}-{}-{}T{}:{}:{}.000Z",
        &t[0..4],
        &t[4..6],
        &t[6..8],
        &t[8..10],
        &t[10..12],
        &t[12..14]
    );
    Some((Utc::parse(&t).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_authority_wrote_it() {
        let key = rcgen::KeyPair::generate().expect("key");
        for (year, wanted) in [
            (2028, "2028-03-04T00:00:00.000Z"),
            (2049, "2049-03-04T00:00:00.000Z"),
            (2051, "2051-03-04T00:00:00.000Z"),
        ] {
            let mut params = rcgen::CertificateParams::new(vec!["box".into()]).expect("params");
            params.not_after = rcgen::date_time_ymd(year, 3, 4);
            let cert = params.self_signed(&key).expect("certificate");
            assert_eq!(
                not_after(cert.der()).map(|t| t.to_string()).as_deref(),
                Some(wanted)
            );
            for cut in 0..cert.der().len().min(120) {
                let _ = not_after(&cert.der()[..cut]);
            }
        }
        assert_eq!(not_after(b"\x30\x03abc"), None);
    }
}
