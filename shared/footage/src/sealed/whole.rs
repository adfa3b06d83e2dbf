//! Pure. Whole sealed files at once, for whoever holds the key or knows the passphrase.

use age::{Identity as _, scrypt};
use age_core::secrecy::SecretString;
use ring::hmac;
use zeroize::Zeroizing;

use super::{
    NONCE, Opener, SEALED_PIECE, SealError, Stream, WORK, finish_payload, mac_key, read_header,
};

/// A whole file that was sealed to a passphrase. What asks for more work than anything written here is not tried.
pub fn open_with_passphrase(
    sealed: &[u8],
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let header = read_header(sealed)?.ok_or(SealError::CutShort(0))?;
    let mut identity = scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
    identity.set_max_work_factor(WORK);
    let key = match identity.unwrap_stanzas(&header.stanzas) {
        Some(Ok(key)) => key,
        _ => return Err(SealError::NoKeyFits(1)),
    };
    let covered = sealed.get(..header.covered);
    let covered = covered.ok_or(SealError::HeaderAltered)?;
    hmac::verify(&mac_key(&key)?, covered, &header.mac).map_err(|_| SealError::HeaderAltered)?;
    let nonce = sealed.get(header.len..header.len + NONCE);
    let mut stream = Stream::new(&key, nonce.ok_or(SealError::CutShort(0))?)?;
    let mut pieces = sealed
        .get(header.len + NONCE..)
        .unwrap_or_default()
        .chunks(SEALED_PIECE)
        .peekable();
    let mut plain = Zeroizing::new(Vec::new());
    while let Some(piece) = pieces.next() {
        match pieces.peek() {
            Some(_) => stream.open(piece, false, &mut plain)?,
            None => finish_payload(&mut stream, piece, &mut plain)?,
        }
    }
    Ok(plain)
}

/// A whole file at once, for whoever holds its key.
pub fn open(identity: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut opener = Opener::new(&[identity.to_owned()]);
    let mut plain = Vec::with_capacity(sealed.len());
    opener.push(sealed, &mut plain)?;
    opener.finish(&mut plain)?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::{PIECE, Sealer, keypair, seal};

    /// EVI-4: whoever knows the passphrase opens it, of any length; with another one, or where a byte was altered or cut, nothing is opened.
    #[test]
    fn by_a_passphrase() {
        for len in [0, 5, PIECE, PIECE + 1] {
            let plain = vec![7; len];
            let mut sealer = Sealer::with_passphrase("three safe words").expect("sealer");
            sealer.push(&plain).expect("pushed");
            let sealed = sealer.finish().expect("sealed");
            let opened = open_with_passphrase(&sealed, "three safe words").expect("opened");
            assert_eq!(*opened, plain, "{len}");
            if len == 5 {
                let no = open_with_passphrase(&sealed, "three other words");
                assert_eq!(no.err(), Some(SealError::NoKeyFits(1)));
                let cut = &sealed[..sealed.len() - 1];
                assert!(open_with_passphrase(cut, "three safe words").is_err());
                assert!(open_with_passphrase(&sealed[..30], "three safe words").is_err());
            }
        }
        let (identity, recipient) = keypair();
        let sealed = seal(&recipient, b"key").expect("sealed");
        assert_eq!(open(&identity, &sealed).expect("opened"), b"key");
        assert!(open(&keypair().0, &sealed).is_err());
        assert!(open_with_passphrase(&sealed, "three safe words").is_err());
    }
}
