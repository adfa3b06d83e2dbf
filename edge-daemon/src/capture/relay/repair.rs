//! Pure. What had to be mended between a camera and what reads it: one word for each kind, for the log and for `doctor`.
use std::{collections::BTreeSet, fmt};

macro_rules! repairs {
    ($($name:ident $code:literal $words:literal)*) => {
        /// One kind of thing that a camera does otherwise than RTSP has it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Repair { $(#[doc = $words] $name),* }

        impl Repair {
            pub const ALL: &[Repair] = &[$(Repair::$name),*];
            /// As it stands on the log.
            pub fn code(self) -> &'static str {
                match self { $(Repair::$name => $code),* }
            }
        }

        impl fmt::Display for Repair {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Repair::$name => $words),* })
            }
        }
    };
}

repairs! {
    SdpText "sdp.text" "its description holds bytes that are no text"
    SdpLines "sdp.lines" "its description has lines that are no SDP, or lacks some"
    SdpOrigin "sdp.origin" "its description's origin is cut short"
    SdpConnection "sdp.connection" "its description's connection makes no sense"
    SdpPort "sdp.port" "its description names an impossible port"
    SdpFormat "sdp.format" "its description's formats are written oddly"
    Head "rtsp.head" "its answers are written oddly"
    Rubbish "rtsp.rubbish" "bytes that belong to nothing lie between its answers and packets"
    Length "rtsp.length" "its answer is longer or shorter than it says"
    Interim "rtsp.interim" "it says that its answer is under way"
    Number "rtsp.cseq" "its answers carry no number, or another's"
    ContentType "rtsp.content-type" "it names the type of its description oddly"
    Base "rtsp.base" "it names its own address oddly"
    Session "rtsp.session" "it says more, or less, of its session than there is to say"
    Transport "rtsp.transport" "it does not say how its packets come, or wrongly"
    Range "rtsp.range" "it does not take the range to be played"
    Early "rtsp.early" "it sends packets before it was asked to, or says so"
    Redirect "rtsp.redirect" "it sends on to another address of its own"
    Closed "rtsp.closed" "it closes the connection after it asked for the password"
    Nonce "login.nonce" "it wants each request or each while answered for anew"
    Basic "login.basic" "it is told the password in Basic, as the configuration allows"
    Keepalive "keepalive" "it does not answer keepalives, or not as they are to be"
    Asks "asks" "it asks us things"
    Ssrc "rtp.ssrc" "its packets change their source, or have another than it says"
    Sequence "rtp.sequence" "its packets begin to be counted anew"
    Foreign "rtp.foreign" "packets of another session come among its own"
    Empty "rtp.empty" "packets, or units in them, without content come among its own"
    Reports "rtp.reports" "its reports name another source, or come on another channel"
    Port "udp.port" "its packets come from another port than it says"
    Order "udp.order" "its packets come out of order"
}

/// Of one session, or of all of a camera.
pub type Repairs = BTreeSet<Repair>;

/// Those that would be no reason to go by the relay again: the direct way forgives them too, or they are what was asked for.
pub fn needed(repairs: &Repairs) -> bool {
    let forgiven = |r: &Repair| matches!(r, Repair::Basic | Repair::Reports | Repair::Early);
    !repairs.iter().all(forgiven)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_different() {
        let codes: BTreeSet<&str> = Repair::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Repair::ALL.len());
    }
}
