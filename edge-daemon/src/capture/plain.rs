//! Pure. What a library says of a camera, made fit for people and for places that anybody may read: one line, without the program's
//! own notation, and of an address no more than its host and port (a camera's path may hold a password).

use shared::plain::plain;

const LONGEST: usize = 300;

/// The first line of `text`, plain.
pub(crate) fn words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = without_notation(line.trim());
    let line = line.split(' ').map(without_path);
    let line: Vec<String> = line.collect();
    plain(&line.join(" "), LONGEST)
}

/// Ends before what only a programmer reads (`Some(Ssrc { …`), at the last whole clause.
fn without_notation(line: &str) -> &str {
    let marks = ["Some(", "{", "Err(", "Ok("];
    let Some(at) = marks.iter().filter_map(|m| line.find(m)).min() else {
        return line;
    };
    let said = &line[..at];
    let clause = ["; ", ": ", ", ", ". "];
    let end = clause.iter().filter_map(|c| said.rfind(c)).max();
    match end {
        Some(end) if end > 0 => &said[..end],
        // One clause only: without its last, unfinished word.
        _ => said
            .rsplit_once(' ')
            .map_or(said, |(whole, _)| whole)
            .trim_end(),
    }
}

fn without_path(word: &str) -> String {
    let Some((before, address)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority = address.split(['/', '?', '#', '"', '\'', ')', ',']).next();
    let host = authority.map_or("", |a| a.rsplit('@').next().unwrap_or(a));
    format!("{before}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-1: the detail of a fault is plain words.
    #[test]
    fn no_notation() {
        for (said, plain) in [
            (
                "wrong ssrc after 3 RTP pkts + 0 RTCP pkts; expecting ssrc=Some(Ssrc { init: PlayResponseHeader }) seq=None\n\nconn: x",
                "wrong ssrc after 3 RTP pkts + 0 RTCP pkts",
            ),
            ("expecting ssrc=Some(5)", "expecting"),
            (
                "401 response to DESCRIBE CSeq=2: Received Unauthorized after trying digest auth\n\nconn: y",
                "401 response to DESCRIBE CSeq=2: Received Unauthorized after trying digest auth",
            ),
            ("", ""),
        ] {
            assert_eq!(words(said), plain);
        }
    }

    /// SEC-1: the path of an address, where some cameras want their password, is in no fault.
    #[test]
    fn no_path() {
        let said = "unable to join base url rtsp://op:pw1@10.0.0.9:554/user=op_password=pw2_channel=1.sdp?p=pw3 with control url";
        let plain = words(said);
        assert_eq!(
            plain,
            "unable to join base url rtsp://10.0.0.9:554/… with control url"
        );
    }
}
