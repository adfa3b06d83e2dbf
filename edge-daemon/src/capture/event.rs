//! Pure. A camera's own events, as it sends them in the ONVIF metadata stream of its RTSP session: has one of a topic begun or ended?
//!
//! ```text
//! …<wsnt:NotificationMessage><wsnt:Topic …>tns1:VideoSource/MotionAlarm</wsnt:Topic>…<tt:Message PropertyOperation="Changed" …>
//!   …<tt:Data><tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message>…</wsnt:NotificationMessage>…
//! ```
//! Namespace prefixes and the item's name differ from maker to maker: only the topic, `Data` and its values are looked at. What is not
//! understood is no event.

/// A document of this size is no event.
const MAX: usize = 1 << 20;

/// What a document says of events whose topic contains `topic`, in order: begun (or going on), or over. One that has no state of its
/// own is both.
pub fn states(document: &[u8], topic: &str) -> Vec<bool> {
    let mut out = Vec::new();
    let Some(text) = std::str::from_utf8(document)
        .ok()
        .filter(|t| t.len() <= MAX)
    else {
        return out;
    };
    for message in elements(text, "NotificationMessage") {
        let about = elements(message, "Topic").next();
        let named = about
            .and_then(|t| t.split_once('>'))
            .map(|(_, inner)| inner.trim())
            .is_some_and(|inner| inner.contains(topic));
        if !named {
            continue;
        }
        if message.contains("PropertyOperation=\"Deleted\"") {
            out.push(false);
            continue;
        }
        let data = elements(message, "Data").next().unwrap_or_default();
        let values: Vec<&str> = data
            .split("Value=")
            .skip(1)
            .filter_map(|v| {
                let quote = v.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                v[1..].split(quote).next()
            })
            .collect();
        let is = |word: &str| values.iter().any(|v| v.trim().eq_ignore_ascii_case(word));
        // A number beside a truth value is something else, an object's.
        match (is("true"), is("false"), is("1"), is("0")) {
            (true, ..) | (false, false, true, _) => out.push(true),
            (_, true, ..) | (_, _, _, true) => out.push(false),
            _ => out.extend([true, false]),
        }
    }
    out
}

/// The elements of this local name, from their first attribute to their end.
fn elements<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find('<')?;
            rest = &rest[at + 1..];
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
                .filter(|e| *e > 0);
            let Some(end) = end else { continue };
            let full = &rest[..end];
            if full.rsplit(':').next() != Some(name) {
                continue;
            }
            let close = format!("</{full}>");
            let body = &rest[end..];
            let stop = body.find(&close)?;
            rest = &body[stop + close.len()..];
            return Some(&body[..stop]);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(topic: &str, data: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><tt:Event><wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">{topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-03T14:00:00Z" PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="Source" Value="1"/></tt:Source><tt:Data>{data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage></tt:Event></tt:MetadataStream>"#
        )
    }

    /// REC-3: the camera's motion alarm, in the words of several makers.
    #[test]
    fn begun_and_over() {
        let motion = "tns1:VideoSource/MotionAlarm";
        let on = document(motion, r#"<tt:SimpleItem Name="State" Value="true"/>"#);
        assert_eq!(states(on.as_bytes(), "VideoSource/MotionAlarm"), [true]);
        assert_eq!(states(on.as_bytes(), "MotionAlarm"), [true]);
        assert!(states(on.as_bytes(), "DigitalInput").is_empty());
        let off = document(motion, r#"<tt:SimpleItem Name='IsMotion' Value='0' />"#);
        assert_eq!(
            states(off.as_bytes(), "MotionAlarm"),
            [false],
            "not the source's 1"
        );
        let counted = format!(
            r#"<tt:SimpleItem Name="IsMotion" Value="false"/>{}"#,
            r#"<tt:SimpleItem Name="ObjectId" Value="1"/>"#
        );
        let counted = document(motion, &counted);
        assert_eq!(states(counted.as_bytes(), "MotionAlarm"), [false]);
        let pulse = document("tns1:Device/Trigger/Relay", "");
        assert_eq!(states(pulse.as_bytes(), "Trigger"), [true, false]);
        let other = on.replace("wsnt:", "b:").replace("tt:", "");
        assert_eq!(states(other.as_bytes(), "MotionAlarm"), [true]);
        let deleted = on.replace("Changed", "Deleted");
        assert_eq!(states(deleted.as_bytes(), "MotionAlarm"), [false]);
        let both = on.replace(
            "<tt:Event>",
            &format!(
                "<tt:Event>{}",
                &off[off.find("<wsnt:Not").unwrap_or(0)..off.find("</tt:Event>").unwrap_or(0)]
            ),
        );
        assert_eq!(states(both.as_bytes(), "MotionAlarm"), [false, true]);
    }

    proptest! {
        /// Whatever a camera sends.
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..900) {
            states(&bytes, "MotionAlarm");
            let mut on = document("MotionAlarm", r#"<tt:SimpleItem Value="true"/>"#).into_bytes();
            on.truncate(cut);
            on.extend(&bytes);
            states(&on, "MotionAlarm");
        }
    }
}
