//! Pure. What an answer's headers say of addresses, sessions and the way packets come.
use std::net::IpAddr;

use super::{
    message::Response,
    repair::{Repair, Repairs},
};

/// `Transport`, in a request or an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// Of packets; reports come on the next.
    pub channel: Option<u8>,
    pub server_port: Option<u16>,
    pub source: Option<IpAddr>,
    pub ssrc: Option<u32>,
}

impl Transport {
    pub fn read(header: &str) -> Self {
        let mut all = Self::default();
        for part in header.split([';', ',']) {
            let Some((name, value)) = part.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            let first = value.split('-').next().unwrap_or_default().trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "interleaved" => all.channel = first.parse().ok(),
                "server_port" => all.server_port = first.parse().ok().filter(|p| *p > 0),
                "source" => all.source = value.parse().ok(),
                // Shorter ones are known to be something else.
                "ssrc" if value.len() > 4 => {
                    all.ssrc = u32::from_str_radix(value.trim_start_matches("0x"), 16).ok();
                }
                _ => {}
            }
        }
        all
    }
}

/// `Session`: its name, and the seconds after which the camera gives it up.
pub fn session(header: Option<&str>, repairs: &mut Repairs) -> (Option<String>, Option<u32>) {
    let Some(header) = header else {
        repairs.insert(Repair::Session);
        return (None, None);
    };
    let mut parts = header.split(';');
    let name = parts.next().unwrap_or_default().trim();
    let mut timeout = None;
    for part in parts {
        let pair = part.split_once('=');
        let number = pair.filter(|(n, _)| n.trim().eq_ignore_ascii_case("timeout"));
        let number = number.and_then(|(_, v)| v.trim().parse::<u32>().ok());
        timeout = timeout.or(number.filter(|n| *n > 0));
    }
    let plain = header.split_once(';').is_none_or(|(_, rest)| {
        let number = rest.trim().strip_prefix("timeout=");
        number.is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0))
    });
    if !plain || name.is_empty() {
        repairs.insert(Repair::Session);
    }
    ((!name.is_empty()).then(|| name.to_owned()), timeout)
}

/// Below what address the streams are.
pub fn base(response: &Response, asked_for: &str, repairs: &mut Repairs) -> String {
    let said = response.headers.get("Content-Base");
    let said = said.or_else(|| response.headers.get("Content-Location"));
    let Some(said) = said.map(str::trim).filter(|b| !b.is_empty()) else {
        return asked_for.to_owned();
    };
    let whole = |u: url::Url| u.host_str().is_some_and(|h| !h.is_empty());
    if said.starts_with("rtsp://") && url::Url::parse(said).is_ok_and(whole) {
        return said.to_owned();
    }
    let schemeless = format!("rtsp://{}", said.trim_start_matches('/'));
    let host = |u: &url::Url| {
        u.host_str()
            .is_some_and(|h| h.contains(['.', ':']) || h == "localhost")
    };
    match (url::Url::parse(said), url::Url::parse(&schemeless)) {
        (Ok(url), _) if url.scheme() == "rtsps" => said.to_owned(),
        (_, Ok(url)) if host(&url) && !said.starts_with('/') => {
            repairs.insert(Repair::Base);
            schemeless
        }
        _ => {
            repairs.insert(Repair::Base);
            asked_for.to_owned()
        }
    }
}

/// A stream's address: as cameras mean it, which is not how addresses are joined elsewhere.
pub fn joined(base: &str, control: Option<&str>) -> String {
    match control.map(str::trim) {
        None | Some("" | "*") => base.to_owned(),
        Some(control) if control.contains("://") => control.to_owned(),
        Some(control) => {
            let between = if base.ends_with('/') || control.starts_with('/') {
                ""
            } else {
                "/"
            };
            format!("{base}{between}{control}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-6: how packets come, however it is said.
    #[test]
    fn transports() {
        let read = Transport::read("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=0000ABCD");
        assert_eq!((read.channel, read.ssrc), (Some(2), Some(0xabcd)));
        let read = Transport::read(
            "RTP/AVP; unicast; client_port=1-2; Server_Port=5012; source=10.0.0.9; ssrc=A0C6",
        );
        assert_eq!(
            (read.channel, read.server_port, read.source, read.ssrc),
            (None, Some(5012), "10.0.0.9".parse().ok(), None)
        );
        assert_eq!(Transport::read(";;=;interleaved=x"), Transport::default());
    }

    /// REC-6: a session's name and its time, with whatever else there is.
    #[test]
    fn sessions() {
        for (header, name, timeout, odd) in [
            ("12", Some("12"), None, false),
            ("12;timeout=60", Some("12"), Some(60), false),
            ("12 ; Timeout = 30 ;x=1", Some("12"), Some(30), true),
            ("12;timeout=60;hb=1", Some("12"), Some(60), true),
            ("12;timeout=0", Some("12"), None, true),
            ("12;timeout=soon", Some("12"), None, true),
            (";timeout=5", None, Some(5), true),
        ] {
            let mut repairs = Repairs::new();
            let read = session(Some(header), &mut repairs);
            assert_eq!(read, (name.map(str::to_owned), timeout), "{header}");
            assert_eq!(!repairs.is_empty(), odd, "{header}");
        }
        assert_eq!(session(None, &mut Repairs::new()), (None, None));
    }

    #[test]
    fn addresses() {
        assert_eq!(
            joined("rtsp://c/s/", Some("trackID=1")),
            "rtsp://c/s/trackID=1"
        );
        assert_eq!(
            joined("rtsp://c/s?x=1", Some("trackID=1")),
            "rtsp://c/s?x=1/trackID=1"
        );
        assert_eq!(joined("rtsp://c/s", Some("rtsp://d/t")), "rtsp://d/t");
        assert_eq!(joined("rtsp://c/s", Some("*")), "rtsp://c/s");
        let with = |base: &str| {
            let head = format!("RTSP/1.0 200 OK\r\nContent-Base: {base}\r\n\r\n");
            let mut reader = super::super::message::Reader::default();
            reader.buffer.extend_from_slice(head.as_bytes());
            let Ok(Some(super::super::message::Message::Response(r))) = reader.next() else {
                panic!("an answer")
            };
            let mut repairs = Repairs::new();
            (
                super::base(&r, "rtsp://10.0.0.1/s", &mut repairs),
                !repairs.is_empty(),
            )
        };
        for (said, base, odd) in [
            ("rtsp://10.0.0.1/s/", "rtsp://10.0.0.1/s/", false),
            ("", "rtsp://10.0.0.1/s", false),
            ("10.0.0.1:554/s/", "rtsp://10.0.0.1:554/s/", true),
            ("/s/", "rtsp://10.0.0.1/s", true),
            ("s", "rtsp://10.0.0.1/s", true),
            ("rtsp:///", "rtsp://10.0.0.1/s", true),
        ] {
            assert_eq!(with(said), (base.to_owned(), odd), "{said}");
        }
    }
}
