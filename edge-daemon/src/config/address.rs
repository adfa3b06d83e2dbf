//! Pure. Where a camera is reached: its address as written, with places for the name and password it wants in there, and no secret.
//!
//! `{username}` and `{password}` in the path or query are filled in when a session begins ([`Address::filled`]); until then, and
//! wherever an address is shown, they stand as they were written. An address that holds a password itself is refused.
use std::fmt;

use url::Url;

use super::Secret;

/// `rtsp://host:port/path?query` or `rtsps://…`.
#[derive(Clone, PartialEq)]
pub struct Address {
    written: String,
    host: String,
    port: u16,
    tls: bool,
}

/// What is asked of the camera. It may hold the password: it is never printed.
#[derive(Clone, PartialEq)]
pub struct Filled(Url);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("it is not an address ({0})")]
    NotOne(url::ParseError),
    #[error("it is not an rtsp:// or rtsps:// address")]
    Scheme,
    #[error(
        "an address must not carry a user name or password: it would end up in logs. Give username, and password_file or credential, instead; where the camera wants them in its address, write {{username}} and {{password}} in their place"
    )]
    Secret,
    #[error("only {{username}} and {{password}} can be filled in, in the path or after it")]
    Place,
}

const USERNAME: &str = "{username}";
const PASSWORD: &str = "{password}";
/// Ports of RTSP, and of RTSP over TLS.
const PORT: u16 = 554;
const PORT_TLS: u16 = 322;

impl Address {
    /// # Errors
    /// [`AddressError`]. It repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(AddressError::NotOne)?;
        if !url.username().is_empty() || url.password().is_some() || secretive(text) {
            return Err(AddressError::Secret);
        }
        let tls = match url.scheme() {
            "rtsp" => false,
            "rtsps" => true,
            _ => return Err(AddressError::Scheme),
        };
        let host = url.host_str().filter(|h| !h.is_empty());
        let host = host.ok_or(AddressError::Scheme)?.to_owned();
        let rest = text.replace(USERNAME, "").replace(PASSWORD, "");
        if rest.contains(['{', '}']) || host.contains(['{', '%']) {
            return Err(AddressError::Place);
        }
        let port = url.port().unwrap_or(if tls { PORT_TLS } else { PORT });
        Ok(Self {
            written: text.to_owned(),
            host,
            port,
            tls,
        })
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as a socket takes it: an IPv6 address without its brackets.
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `rtsps://`.
    pub fn tls(&self) -> bool {
        self.tls
    }

    pub fn wants_username(&self) -> bool {
        self.written.contains(USERNAME)
    }

    pub fn wants_password(&self) -> bool {
        self.written.contains(PASSWORD)
    }

    /// It is another each time it is filled in, and then a secret.
    pub fn secret(&self) -> bool {
        self.wants_username() || self.wants_password()
    }

    /// The address that the camera is asked for.
    ///
    /// # Errors
    /// [`AddressError::NotOne`]: with what is filled in it is no address any more.
    pub fn filled(
        &self,
        username: Option<&str>,
        password: Option<&Secret>,
    ) -> Result<Filled, AddressError> {
        let text = self
            .written
            .replace(USERNAME, &escaped(username.unwrap_or("")))
            .replace(PASSWORD, &escaped(password.map_or("", Secret::reveal)));
        Url::parse(&text).map(Filled).map_err(AddressError::NotOne)
    }
}

impl From<Url> for Filled {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl Filled {
    /// Never to be printed.
    pub fn reveal(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted address]")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// As it may stand in a path or a query.
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if plain(b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// `%41` is `A`; what is no such thing stays.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        let digits = rest.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(b) if *first == b'%' => {
                out.push(b);
                bytes = &rest[2..];
            }
            _ => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether text holds a secret: the password itself, however it is escaped. For what is known of it only once it was read.
pub(super) fn repeats(text: &str, password: &Secret) -> bool {
    let password = password.reveal();
    let once = unescaped(text);
    password.len() >= 4
        && [text, &once, &unescaped(&once)]
            .iter()
            .any(|t| t.contains(password))
}

/// Names under which makers have a password, or something as good, in their addresses.
const NAMES: &[&str] = &[
    "pass",
    "pwd",
    "psw",
    "psd",
    "secret",
    "token",
    "auth",
    "cred",
    "apikey",
    "accesskey",
];
/// These are part of too many other words, and count at the end of a name alone (`loginpas`).
const ENDS: &[&str] = &["pw", "pas"];
/// Names of what a user name is given under; one that goes on after a colon has the password there.
const USERS: &[&str] = &["user", "usr", "login", "account", "uid"];
/// Names that installers leave as they are; before a colon in a path they are one.
const USUAL: &[&str] = &[
    "admin",
    "administrator",
    "root",
    "user",
    "service",
    "viewer",
    "operator",
    "guest",
    "supervisor",
    "ubnt",
];

fn secretive(text: &str) -> bool {
    let mut text = text.to_owned();
    // Escaped twice is escaped still.
    for _ in 0..3 {
        if secretive_as_it_is(&text) {
            return true;
        }
        text = unescaped(&text);
    }
    false
}

fn secretive_as_it_is(text: &str) -> bool {
    let after = text.split_once("://").map_or(text, |(_, rest)| rest);
    let path = after.find(['/', '?', '#']).map_or("", |at| &after[at..]);
    if path.contains('@') && path.split('@').next().is_some_and(|p| p.contains(':')) {
        return true;
    }
    // "/user=admin_password=…_channel=1" is how some makers have it: a pair may begin after any of these.
    let pieces = path.split(['/', '?', '&', ';', ',', '#', '_', '|', '!', ' ', '+']);
    for piece in pieces {
        let (name, value) = match piece.split_once('=') {
            Some((name, value)) => (name.to_ascii_lowercase(), value),
            None => (String::new(), piece),
        };
        let filled = value.is_empty() || value.contains(PASSWORD);
        let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        if !filled && !name.is_empty() && named(&name) {
            return true;
        }
        if let Some((user, password)) = value.split_once(':')
            && !password.is_empty()
            && !password.contains(PASSWORD)
            && (USERS.iter().any(|u| name.contains(u))
                || USUAL.iter().any(|u| user.eq_ignore_ascii_case(u)))
        {
            return true;
        }
    }
    // A pair in words, one path segment after the other: /user/admin/password/1234.
    let mut segments = path.split(['/', '?', '&']);
    while let Some(segment) = segments.next() {
        let lower = segment.to_ascii_lowercase();
        let word = ["password", "passwd", "pwd", "psw"].contains(&lower.as_str());
        let next = segments.clone().next().unwrap_or("");
        if word && !next.is_empty() && !next.contains(PASSWORD) {
            return true;
        }
    }
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_');
    path.split(|c| !base64(c)).any(holds_a_login)
        || path
            .split(['?', '&', ';', '=', '/', ','])
            .any(holds_a_login)
}

fn named(name: &str) -> bool {
    NAMES.iter().any(|n| name.contains(n)) || ENDS.iter().any(|n| name.ends_with(n))
}

/// Base64 of `name:password`, as Basic has it.
fn holds_a_login(token: &str) -> bool {
    use base64::{
        Engine, alphabet,
        engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    };
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    if token.len() < 8 {
        return false;
    }
    [&alphabet::STANDARD, &alphabet::URL_SAFE].iter().any(|a| {
        let decoded = GeneralPurpose::new(a, lenient).decode(token.trim_end_matches('='));
        decoded.is_ok_and(|bytes| {
            let printable = bytes.iter().all(|b| (0x20..0x7f).contains(b));
            let halves = bytes.iter().position(|b| *b == b':');
            printable && halves.is_some_and(|at| at > 0 && at + 1 < bytes.len())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-6: every spelling by which makers have a password in an address is refused.
    #[test]
    fn passwords_in_addresses_are_refused() {
        for address in [
            "rtsp://admin:geheim@10.0.0.1/stream",
            "rtsp://admin@10.0.0.1/stream",
            "rtsp://10.0.0.1/user=admin&password=tlJw&channel=1&stream=0.sdp?",
            "rtsp://10.0.0.1/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
            "rtsp://10.0.0.1/USER=admin_PASSWORD=tlJwpbo6_channel=1",
            "rtsp://10.0.0.1/user%3Dadmin%5Fpassword%3DtlJwpbo6%5Fchannel%3D1",
            "rtsp://10.0.0.1/user%253Dadmin%255Fpassword%253Dx",
            "rtsp://10.0.0.1/ch0?psw=1234",
            "rtsp://10.0.0.1/ch0?PWD=1234",
            "rtsp://10.0.0.1/ch0?passwd=1234",
            "rtsp://10.0.0.1/ch0;pass=1234",
            "rtsp://10.0.0.1/ch0?loginuse=admin&loginpas=1234",
            "rtsp://10.0.0.1/ch0?usr=admin&pw=1234",
            "rtsp://10.0.0.1/ch0?user_pwd=1234",
            "rtsp://10.0.0.1/ch0?authbasic=YWRtaW46c2VjcmV0",
            "rtsp://10.0.0.1/ch0?auth=YWRtaW46c2VjcmV0",
            "rtsp://10.0.0.1/ch0?x=YWRtaW46c2VjcmV0",
            "rtsp://10.0.0.1/ch0?x=YWRtaW46c2VjcmV0MQ%3D%3D",
            "rtsp://10.0.0.1/YWRtaW46c2VjcmV0MQ==/main",
            "rtsp://10.0.0.1/0/admin:1234/main",
            "rtsp://10.0.0.1/ch0?user=jo:1234",
            "rtsp://10.0.0.1/user/admin/password/1234",
            "rtsp://10.0.0.1/live?access_token=abc",
            "rtsp://10.0.0.1/live?authToken=abc",
            "rtsps://10.0.0.1/live?passcode=123",
        ] {
            assert_eq!(
                Address::parse(address),
                Err(AddressError::Secret),
                "{address}"
            );
        }
    }

    /// REC-6: addresses that makers give are good as they are.
    #[test]
    fn usual_addresses_are_good() {
        for address in [
            "rtsp://10.0.0.1/",
            "rtsp://10.0.0.1:8554/stream?channel=1",
            "rtsp://10.0.0.1/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif",
            "rtsp://10.0.0.1/Streaming/Channels/101?transportmode=unicast&profile=Profile_1",
            "rtsp://10.0.0.1/axis-media/media.amp?videocodec=h264&resolution=1920x1080&fps=25",
            "rtsp://10.0.0.1/h264Preview_01_main",
            "rtsp://10.0.0.1/videoinput_1:0/h264_1/onvif.stm",
            "rtsp://10.0.0.1/onvif-media/media.amp?profile=profile_1_h264&sessiontimeout=60&streamtype=unicast",
            "rtsp://10.0.0.1/live/ch00_0",
            "rtsp://10.0.0.1/MediaInput/h264/stream_1",
            "rtsp://10.0.0.1/user=admin&password=&channel=1&stream=0.sdp?real_stream",
            "rtsp://10.0.0.1/user={username}_password={password}_channel=1_stream=0.sdp?real_stream",
            "rtsp://10.0.0.1/ch0?usr={username}&pwd={password}",
            "rtsp://10.0.0.1/0/{username}:{password}/main",
            "rtsp://[fd00::1]:554/stream1",
            "rtsps://camera.example/stream1",
        ] {
            assert!(Address::parse(address).is_ok(), "{address}");
        }
        assert_eq!(
            Address::parse("rtsp://10.0.0.1/{pass}"),
            Err(AddressError::Place)
        );
        assert_eq!(
            Address::parse("http://10.0.0.1/"),
            Err(AddressError::Scheme)
        );
        assert!(Address::parse("rtsp://{username}/x").is_err());
    }

    /// REC-6: what the camera wants in its address is filled in, escaped, and printed nowhere.
    #[test]
    fn filled_in_and_never_shown() {
        let address =
            Address::parse("rtsp://10.0.0.1/user={username}_password={password}_x").expect("good");
        let password = Secret::new("a b/ü?".into());
        let filled = address
            .filled(Some("admin"), Some(&password))
            .expect("an address");
        assert_eq!(
            filled.reveal().as_str(),
            "rtsp://10.0.0.1/user=admin_password=a%20b%2F%C3%BC%3F_x"
        );
        let shown = format!("{address} {address:?} {filled:?}");
        assert!(
            !shown.contains("a%20b") && !shown.contains("admin"),
            "{shown}"
        );
        assert!(repeats("rtsp://h/a%20b%2F%C3%BC%3F", &password));
        let ports = ["rtsp://h/", "rtsps://h/", "rtsps://h:8322/"]
            .map(|a| Address::parse(a).map(|a| (a.port(), a.tls())));
        assert_eq!(ports, [Ok((554, false)), Ok((322, true)), Ok((8322, true))]);
    }
}
