//! Pure. English of the two papers of a still picture: its certificate, and the page that lies on top.

use shared::plain::plain;

use crate::{
    papers::{
        certificate::check::Check,
        still::{StillFacts, file_of},
    },
    words::paper::Paper,
};

fn camera(f: &StillFacts<'_>) -> String {
    match f.title {
        "" => f.camera.to_string(),
        title => format!("{} ({})", f.camera, plain(title, 120)),
    }
}

/// How the recording hides what nobody may see.
fn mask(f: &StillFacts<'_>) -> String {
    match (f.segment.how.as_str(), &f.segment.mask) {
        ("burned", Some(mask)) => format!(
            "Privacy mask {mask} was painted into the recording before it was written, so it is in this picture too."
        ),
        ("proved", Some(mask)) => format!(
            "The camera put privacy mask {mask} into its pictures; the recorder tested its key pictures for it."
        ),
        ("lifted", Some(mask)) => format!(
            "Privacy mask {mask} was lifted when this was recorded: the picture shows what it hides otherwise."
        ),
        _ => "No privacy mask was set for this camera.".into(),
    }
}

pub fn certificate(f: &StillFacts<'_>, check: &Check) -> String {
    let at = |t: shared::time::Utc| format!("{} ({t})", t.for_people(f.zone));
    let mut p = Paper::new("CERTIFICATE OF A STILL PICTURE", f.exhibit.as_str());
    p.line("");
    p.item("Exhibit", [format!("{}, of {}", f.exhibit, f.scheme)]);
    p.item("Picture", [file_of(f.exhibit)]);
    p.item("SHA-256", [f.sha256]);
    p.item("Made of", [format!("exhibit {}", f.parent)]);
    p.item("Camera", [camera(f)]);
    p.item("Taken", [at(f.t)]);
    p.item(
        "Which one",
        [
            format!(
                "picture {} of {} of the recording {} (in the order they are decoded)",
                f.picture, f.pictures, f.master
            ),
            format!(
                "its {} bytes begin at byte {} of that file",
                f.bytes, f.offset
            ),
            format!(
                "that recording goes from {} to {}; its SHA-256 is {}, as line {} of {} has it",
                f.segment.t0, f.segment.t1, f.segment.sha256, f.n, f.log
            ),
        ],
    );
    p.item(
        "How",
        [
            "It was decoded from the recording and written as a JPEG, which loses a little of what the recording shows; nothing was sharpened, brightened, cropped or drawn in.".to_owned(),
            mask(f),
        ],
    );
    p.item("Reason", [plain(f.reason, 500)]);
    p.item(
        "Authorised by",
        [format!("{}, {}", plain(f.authority, 500), f.rank.title())],
    );
    let by = f.by.name.as_deref().unwrap_or(&f.by.op);
    p.item("Made by", [format!("{by} ({}), {}", f.by.op, at(f.made))]);
    p.item(
        "On record",
        [format!("line {} of the hub's log (reg.still)", f.line)],
    );
    let found: Vec<String> = check
        .damage
        .iter()
        .chain(&check.notes)
        .map(|(code, n)| format!("{code} ({n})"))
        .collect();
    let found = match found.is_empty() {
        true => String::new(),
        false => format!("; it found: {}", found.join(", ")),
    };
    p.item(
        "Check",
        [format!(
            "the check by program, of this very package: {}{found}",
            check.verdict
        )],
    );
    p.item(
        "It covers",
        [
            "that this picture is the one the hub says it made, of that recording and within its time; that the line of the recording is in the recorder's log",
        ],
    );
    p.item(
        "It does not",
        [
            "that the picture is what the recording shows at that byte: whoever wants to see that takes the master out of the exhibit it was made of",
            "that the camera saw truly; the sentences of this page",
        ],
    );
    p.to_text()
}

pub fn read_me(f: &StillFacts<'_>) -> String {
    let mut p = Paper::new("READ ME FIRST", f.exhibit.as_str());
    for text in [
        format!(
            "This is a still picture out of CCTV footage: {}, taken at {} by camera {}. It is an exhibit of its own, made of exhibit {}, of which nothing else is here.",
            file_of(f.exhibit),
            f.t.for_people(f.zone),
            camera(f),
            f.parent
        ),
        "CERTIFICATE.txt says which picture of which recording it is, who authorised it and why, and what the check by program found.".into(),
        "TO CHECK IT. Whoever made this folder could have put any program and any key into it: take verify.html or verify.py, the seal key and KEY from the page that the council publishes, and hold the SHA-256 on the label against this package.".into(),
    ] {
        p.line("");
        p.text(0, &text);
    }
    p.line("");
    p.line("1. Every file is the file that was sealed:        sha256sum -c SHA256SUMS");
    p.line("2. The seal is the hub's:                         openssl dgst -sha256 -verify SEAL-KEY \\");
    p.line(
        "                                                    -signature SHA256SUMS.sig SHA256SUMS",
    );
    p.line(
        "3. All of it, with the logs:                      python3 verify.py bundle . --hub KEY",
    );
    p.line("                                                  or open verify.html, and drop this folder on it");
    p.to_text()
}
