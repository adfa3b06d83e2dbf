//! Pure. What strangers may send, for fuzzing: none of these may panic, whatever the bytes are. `make fuzz` searches with them, and a
//! test of each crate walks what `tests/fuzz/corpus` keeps.
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    certificate::Certificate,
    code::EnrolCode,
    note::{SignedHead, Vkey},
    order::Ordered,
    passkey::{self, Assertion, Bytes, Passkey, Registration, RelyingParty},
    record::{Record, Value, sha256},
    time::Utc,
    timestamp::{self, Judged, Root},
    wire::{self, AuditReply, ClipReply, EnrolReply, Frame, Open, ToBox, ToHub},
};

/// A frame between box and hub, as any message of either side. What is understood is written anew and understood the same.
pub fn wire(bytes: &[u8]) {
    if let Some(prefix) = bytes.first_chunk::<4>() {
        let _ = wire::frame_len(*prefix);
    }
    let _ = Frame::from_bytes(bytes.to_vec()).map(|f| f.json::<ToHub>());
    let frame = Frame {
        kind: b'J',
        body: bytes.to_vec(),
    };
    again::<Open>(&frame);
    again::<EnrolReply>(&frame);
    again::<ToBox>(&frame);
    again::<Ordered>(&frame);
    again::<ToHub>(&frame);
    again::<AuditReply>(&frame);
    again::<ClipReply>(&frame);
}

fn again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(frame: &Frame) {
    let Ok(message) = frame.json::<T>() else {
        return;
    };
    let Ok(written) = wire::encode_json(&message) else {
        return;
    };
    let read = written.get(4..).map(|f| Frame::from_bytes(f.to_vec()));
    if let Some(Ok(read)) = read {
        assert_eq!(read.json::<T>().as_ref(), Ok(&message));
    }
}

/// Lines of a log, heads and keys, as a verifier reads them.
pub fn lines(bytes: &[u8]) {
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let _ = Record::parse(line);
    }
    let _ = Value::parse(bytes);
    if let Ok(head) = SignedHead::parse(bytes) {
        let _ = SignedHead::parse(head.render().as_bytes());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Vkey::parse(text.trim());
    }
}

/// A one-time code as somebody typed it. What is read is written anew and read the same.
pub fn codes(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(code) = EnrolCode::parse(text) else {
        return;
    };
    for written in [Some(code.short()), code.long()].into_iter().flatten() {
        let again = EnrolCode::parse(&written);
        assert_eq!(again.map(|c| c.secret_text()), Ok(code.secret_text()));
    }
}

/// A certificate, as box and hub read what they are shown.
pub fn certificates(bytes: &[u8]) {
    if let Some(read) = Certificate::parse(bytes) {
        for now in [read.from, read.until, Utc(0), Utc(i64::MAX)] {
            let _ = (read.is_due(now), read.is_over(now));
        }
    }
}

/// An answer of an authority that stamps times, judged under the certificate it begins with: a length of two bytes, a certificate, the answer.
pub fn stamps(bytes: &[u8]) {
    let _ = timestamp::judge(bytes, &[0; 32], &[]);
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if let Some((root, answer)) = rest.split_at_checked(length)
        && let Some(root) = Root::new(root)
    {
        let judged = timestamp::judge(answer, &sha256(b"data"), &[root]);
        assert!(!matches!(judged, Judged::Good(_)), "nobody signed that");
    }
}

/// What a browser hands over of a passkey: its JSON, and the parts in it: a length of two bytes and the browser's data, then the authenticator's.
pub fn passkeys(bytes: &[u8]) {
    let Ok(party) = RelyingParty::new("hub.example", "https://hub.example") else {
        return;
    };
    let _ = Assertion::from_browser(bytes);
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let length = usize::from(u16::from_be_bytes(*length));
    let Some((client_data, data)) = rest.split_at_checked(length) else {
        return;
    };
    let made = Registration {
        client_data: client_data.to_vec(),
        attestation: data.to_vec(),
    };
    let whole = Registration::from_browser(bytes);
    for made in [Ok(made), whole].into_iter().flatten() {
        // The challenge of nought, so that what lies behind that rule is reached.
        if let Ok(key) = passkey::register(&party, &[0; 32], &made) {
            assert!((1..=1023).contains(&key.id.0.len()) && key.key.0.len() == 65);
            let used = Assertion {
                id: key.id.clone(),
                client_data: Bytes(made.client_data.clone()),
                authenticator_data: Bytes(data.to_vec()),
                signature: Bytes(Vec::new()),
            };
            assert!(key.verify(&party, &[0; 32], &used).is_err());
        }
    }
    let key = Passkey {
        id: Bytes(vec![0]),
        key: Bytes(vec![4; 65]),
        counter: 0,
        eligible: false,
    };
    let used = Assertion {
        id: key.id.clone(),
        client_data: Bytes(client_data.to_vec()),
        authenticator_data: Bytes(data.to_vec()),
        signature: Bytes(vec![0; 8]),
    };
    assert!(key.verify(&party, &[0; 32], &used).is_err());
}

#[cfg(test)]
mod tests {
    use crate::testing::corpus;

    /// V-rows, AUD-2: what fuzzing kept of messages and lines.
    #[test]
    fn the_kept_corpus() {
        corpus("wire", super::wire);
        corpus("lines", super::lines);
        corpus("codes", super::codes);
        corpus("certificates", super::certificates);
        corpus("passkeys", super::passkeys);
        corpus("stamps", super::stamps);
    }
}
