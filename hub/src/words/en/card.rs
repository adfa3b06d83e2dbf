//! Pure. English of the card that goes with a package that is one file: what it is, how it is opened with programs anybody can have, what is in it,
//! whom to ask. It never holds what opens it.

use crate::{
    papers::card::{Card, Seal},
    words::paper::Paper,
};

pub fn of(c: &Card<'_>) -> String {
    let zip = format!("{}.zip", c.exhibit);
    let mut paper = Paper::new("HOW TO OPEN THIS EVIDENCE", c.exhibit.as_str());
    paper.line("");
    if let Some(mark) = c.mark {
        paper.item("Reference", [format!("{mark} (of whoever produces it)")]);
    }
    paper.item("File", [c.file]);
    paper.item("SHA-256", [c.sha256]);
    paper.item("Written out", [format!("by {}, {}", c.by, c.at)]);
    paper.item("From", [c.scheme]);
    paper.line("");
    let sealed = match c.seal {
        Seal::None => "It is not encrypted: whoever has this file can open it.",
        Seal::Passphrase(_) => {
            "It is encrypted with a passphrase. You are told the passphrase separately; it is not on this card, nor on the same stick or disc."
        }
        Seal::Recipient(_) => {
            "It is encrypted to the key that you, or your force, gave us. Only the key file that belongs to it opens it."
        }
    };
    paper.text(
        0,
        &format!("This is recorded footage of a public-space camera, as one file. {sealed}"),
    );
    paper.heading("FIRST, BEFORE YOU OPEN IT");
    paper.text(
        0,
        "Have your computer work out the SHA-256 of the file, and compare it with the one above:",
    );
    paper.line(&format!("  Windows   certutil -hashfile {} SHA256", c.file));
    paper.line(&format!("  Mac       shasum -a 256 {}", c.file));
    paper.line(&format!("  Linux     sha256sum {}", c.file));
    paper.heading("TO OPEN IT");
    match c.seal {
        Seal::None => paper.text(
            0,
            &format!("Open {zip} as any ZIP file and copy the folder in it to a disk of your own."),
        ),
        Seal::Passphrase(_) => unsealed(
            &mut paper,
            c,
            &zip,
            "age -d",
            "age asks for the passphrase. Type it as you were told it, with its dashes.",
        ),
        Seal::Recipient(_) => unsealed(
            &mut paper,
            c,
            &zip,
            "age -d -i KEY-FILE",
            "KEY-FILE is your own: it holds a line that begins AGE-SECRET-KEY-1. We do not have it.",
        ),
    }
    paper.heading("WHAT IS INSIDE");
    paper.text(
        0,
        &format!(
            "One folder, {}. Read READ-ME-FIRST.txt in it first: it lists the files, says which to open, and gives three ways to check that nothing was changed. What lies in the folders \"working\" or \"still\" opens in any player or viewer. The folder \"master\", where there is one, holds the recordings as they were made: leave those as they are, and work with copies.",
            c.exhibit
        ),
    );
    paper.line("");
    paper.text(
        0,
        &format!(
            "If it does not open, or you are not sure you should have it, ask {} at {}. Whoever has a copy answers for it.",
            c.by, c.scheme
        ),
    );
    paper.to_text()
}

fn unsealed(paper: &mut Paper, c: &Card<'_>, zip: &str, command: &str, about: &str) {
    paper.text(
        0,
        "1. Get the free program \"age\" (version 1): from your IT department, or at age-encryption.org; on Debian and Ubuntu: apt install age.",
    );
    paper.text(
        0,
        &format!(
            "2. Open a command window in the folder that {} is in, and type:",
            c.file
        ),
    );
    paper.line(&format!("     {command} -o {zip} {}", c.file));
    paper.text(3, about);
    paper.text(
        0,
        &format!(
            "3. That makes {zip}. Open it as any ZIP file and copy the folder in it to a disk of your own."
        ),
    );
}

#[cfg(test)]
mod tests {
    use shared::id::ExhibitRef;
    use zeroize::Zeroizing;

    use super::*;

    /// EVI-3: the card says how, and never what: no passphrase is in it.
    #[test]
    fn how_and_not_what() {
        let exhibit = ExhibitRef::new(2026, 123);
        let secret = "kx4w-9mpt-secret";
        let seals = [
            Seal::None,
            Seal::Recipient("age1qqq".into()),
            Seal::Passphrase(Zeroizing::new(secret.into())),
        ];
        for seal in seals {
            let text = of(&Card {
                exhibit: &exhibit,
                mark: Some("ABC/1"),
                scheme: "cctv.example.gov.uk",
                by: "Kim Lee",
                at: "Sun 29 Nov 2026 18:30:00 GMT",
                file: "EXH-2026-000123.zip.age",
                sha256: &"ab".repeat(32),
                seal: &seal,
            });
            assert!(!text.contains(secret) && text.contains("ABC/1"));
            let sealed = !matches!(seal, Seal::None);
            assert_eq!(text.contains("age -d"), sealed, "{text}");
            assert!(text.contains("EXH-2026-000123.zip") && text.contains("Kim Lee"));
            assert!(text.lines().all(|l| l.chars().count() <= 92), "{text}");
        }
    }
}
