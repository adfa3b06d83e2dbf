//! Pure. Reasons of the doors: what was sent cannot be read, came from elsewhere, or cannot be answered now.

use super::table::reasons;

reasons! {
    Api {
        NoSuchOperation => Missing "no-such-operation",
        OtherMethod => Malformed "other-method",
        AddressUnreadable => Malformed "address-unreadable",
        JsonWanted => Malformed "json-wanted",
        ObjectWanted => Malformed "object-wanted",
        BodyNotJson { why: String } => Malformed "body-not-json",
        SaidTwice { name: String } => Malformed "said-twice",
        NotTaken { name: String, taken: Vec<String> } => Malformed "not-taken",
        NumberTooGreat { name: String, most: u64 } => Malformed "number-too-great",
        /// `why`: what the reader of JSON says of it.
        NotAsWanted { why: String } => Malformed "not-as-wanted",
        /// The mark of a list's next part.
        NoPlaceInList { text: String } => Malformed "no-place-in-list",
        NotAName { text: String, wanted: &'static str } => Malformed "not-a-name",
        TooSlow => Malformed "too-slow",
        TooLarge => Malformed "too-large",
        OtherSite => NotAllowed "other-site",
        NotTheHubsUser => NotAllowed "not-the-hubs-user",
        SignInUnreadable => Malformed "sign-in-unreadable",
        AddressTooFast => TooFast "address-too-fast",
        Stopping => Unreachable "stopping",
        TookTooLong => Unreachable "took-too-long",
        /// Of the disk of that path only what the hub's own log needs is left.
        DiskFull { path: String, mib: u64 } => Unreachable "hub-disk-full",
    }
}

impl Api {
    /// Where HTTP has a status of its own for it.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::OtherMethod => Some(405),
            Self::TooSlow => Some(408),
            Self::TooLarge => Some(413),
            _ => None,
        }
    }
}
