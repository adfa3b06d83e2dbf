//! Pure. English for the page somebody reads who has never seen such a package.

use shared::plain::plain;

use crate::{
    papers::certificate::{Certificate, Facts},
    words::paper::Paper,
};

/// How the hub's key, as verifiers take it, becomes one that openssl takes: its last 32 bytes behind the twelve that say Ed25519.
const HUB_PEM: [&str; 2] = [
    r"     (printf '0*0\005\006\003+ep\003!\000'; echo 'KEY' | cut -d+ -f3- | base64 -d | tail -c32) |",
    "       openssl pkey -pubin -inform DER -out hub.pem",
];

pub fn of(f: &Facts<'_>, c: &Certificate, printed: bool) -> String {
    let (r, zone) = (f.request, &f.request.zone);
    let mut paper = Paper::new("READ ME FIRST", r.exhibit.as_str());
    let mut say = |text: &str| {
        paper.line("");
        paper.text(0, text);
    };
    if let Some(short) = f.short {
        say(&format!(
            "PARTIAL: not all that was asked for is here: {}.",
            plain(short, 300)
        ));
    }
    say(&format!(
        "This is an evidence package: CCTV footage of camera {} ({}), asked for from {} to {}, with everything needed to check that it is what the recorder recorded.",
        r.camera,
        super::certificate::called(f, c),
        r.t0.for_people(zone),
        r.t1.for_people(zone)
    ));
    match f.working {
        [] => say(
            "TO WATCH: open the files in the folder master, in the order of their names, with any player. There is no working copy.",
        ),
        [_] => say(
            "TO WATCH: open the file in the folder working with any player. It is a copy to handle and hand on:",
        ),
        _ => say(
            "TO WATCH: open the files in the folder working with any player, in this order. They are copies to handle and hand on; between two of them there is no footage, or it is of another kind:",
        ),
    }
    for (at, w) in f.working.iter().enumerate() {
        let last = at.checked_sub(1).and_then(|n| f.working.get(n));
        if let Some(last) = last.filter(|last| w.t0 > last.t1) {
            let ms = w.t0.0.saturating_sub(last.t1.0);
            let none = format!("    no footage for {}", super::certificate::length(ms));
            paper.line(&none);
        }
        paper.text(
            2,
            &format!(
                "{}  from {} to {}",
                w.file,
                w.t0.for_people(zone),
                w.t1.for_people(zone)
            ),
        );
    }
    if f.working.iter().any(|w| w.subtitles.is_some()) {
        paper.text(
            0,
            "Beside each lies a file of the same name that ends with .srt: players show it as subtitles, with the local time of each second and, in words, what is missing.",
        );
    }
    for why in f.working_short {
        paper.text(2, &format!("In no copy: {why}"));
    }
    let also = match printed {
        true => "Each is there as a PDF too, which says the same.",
        false => {
            "There is no PDF of them: the hub had no program for it when it made this package."
        }
    };
    let papers = format!(
        "CERTIFICATE.txt says in plain words what, where, when, by whom, what is missing, what the check by program found, and what it does not cover. STATEMENT.txt is a witness statement in the form of an MG11, to be completed and signed by whoever produces the exhibit. {also}"
    );
    for text in [
        "THE EXHIBIT is the folder master: the recorder's own files, unaltered. They play too. Do not rename, convert or trim them; copy the whole package.",
        &papers,
        "THREE WAYS TO CHECK. Whoever made this folder could have put any program and any key into it: take verify.html or verify.py, the seal key and KEY from the page that the council publishes, and hold the SHA-256 on the label against this package.",
    ] {
        paper.line("");
        paper.text(0, text);
    }
    paper.line("");
    for line in [
        "1  Nothing changed since it was sealed",
        "     Linux, Mac:  sha256sum -c SHA256SUMS          (Mac: shasum -a 256 -c SHA256SUMS)",
        "     Windows:     Get-FileHash FILE                compare with the line in SHA256SUMS",
        "     Then compare the SHA-256 of the file SHA256SUMS with the label that came with this package.",
        "",
        "2  It was sealed by the hub (seal.pem from the council's page; keys/seal.pem is a copy of it)",
        "     openssl dgst -sha256 -verify seal.pem -signature SHA256SUMS.sig SHA256SUMS",
        "",
        "3  The footage is what the recorder logged when it was recorded, and the log was not rewritten",
        "   after the hub countersigned it",
        "     In a browser:   open verify.html, give it KEY, and drop this folder on it; nothing is installed,",
        "                     nothing is sent anywhere      (verify/verify.html is a copy of it)",
        "     Or:             python3 verify.py bundle . --hub KEY   (verify/verify.py is a copy of it)",
        "     The answer begins with INTACT or NOT-INTACT.",
        "     verify/SPEC.txt explains every step, so that somebody else can write the same check. Where it takes",
        "     hub.pem (section 6), that is on the council's page too; or make it out of KEY:",
    ] {
        paper.line(line);
    }
    for line in HUB_PEM {
        paper.line(line);
    }
    paper.line("");
    paper.text(0, "WHAT NO CHECK CAN SHOW: that the scene was as it seems, who is in it, or what happened outside the picture, under a privacy mask or in a gap named in the certificate.");
    paper.to_text()
}
