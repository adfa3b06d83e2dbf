//! Pure. English of the card that goes with a package that is one file: what it is, how it is opened with programs anybody can have, what is in it,
//! whom to ask. It never holds what opens it.

use crate::evidence::save::{Card, Seal};

pub fn of(c: &Card<'_>) -> String {
    let zip = format!("{}.zip", c.exhibit);
    let mark = c.mark.map_or_else(String::new, |mark| {
        format!("  Producer's reference  {mark}\n")
    });
    let (sealed, open) = match c.seal {
        Seal::None => (
            "It is not encrypted: whoever has this file can open it.",
            format!(
                "1. Open {zip} as any ZIP file and copy the folder in it to a disk of your own."
            ),
        ),
        Seal::Passphrase(_) => (
            "It is encrypted with a passphrase. You are told the passphrase separately; it is not on this card, nor on the same stick or disc.",
            unsealed(
                c,
                &zip,
                &format!("age -d -o {zip} {}", c.file),
                "age asks for the passphrase. Type it as you were told it, with its dashes.",
            ),
        ),
        Seal::Recipient(_) => (
            "It is encrypted to the key that you, or your force, gave us. Only the key file that belongs to it opens it.",
            unsealed(
                c,
                &zip,
                &format!("age -d -i KEY-FILE -o {zip} {}", c.file),
                "KEY-FILE is your own: it holds a line that begins AGE-SECRET-KEY-1. We do not have it.",
            ),
        ),
    };
    format!(
        "HOW TO OPEN THIS EVIDENCE\n\n\
         \x20 Exhibit               {exhibit}\n{mark}\
         \x20 File                  {file}\n\
         \x20 SHA-256 of the file   {sha256}\n\
         \x20 Written out by        {by}, {at}\n\
         \x20 From                  {scheme}\n\n\
         This is recorded footage of a public-space camera, as one file. {sealed}\n\n\
         Before you open it, have your computer work out the SHA-256 of the file and compare it with the one above:\n\
         \x20 Windows   certutil -hashfile {file} SHA256\n\
         \x20 Mac       shasum -a 256 {file}\n\
         \x20 Linux     sha256sum {file}\n\n\
         TO OPEN IT\n\
         {open}\n\n\
         WHAT IS INSIDE\n\
         One folder, {exhibit}. Read READ-ME-FIRST.txt in it first: it lists the files, says which one to watch, and gives three ways to check that\n\
         nothing was changed. The folder \"working\" holds films that play in any player; the folder \"master\" holds the recordings as they were made:\n\
         leave those as they are, and work with copies.\n\n\
         If it does not open, or you are not sure you should have it, ask {by} at {scheme}. Whoever has a copy answers for it.\n",
        exhibit = c.exhibit,
        file = c.file,
        sha256 = c.sha256,
        by = c.by,
        at = c.at,
        scheme = c.scheme,
    )
}

fn unsealed(c: &Card<'_>, zip: &str, command: &str, about: &str) -> String {
    format!(
        "1. Get the free program \"age\" (version 1; from your IT department, or https://age-encryption.org; Debian and Ubuntu: apt install age).\n\
         2. Open a command window in the folder that {file} is in, and type:\n\
         \x20    {command}\n\
         \x20  {about}\n\
         3. That makes {zip}. Open it as any ZIP file and copy the folder in it to a disk of your own.",
        file = c.file,
    )
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
            assert!(text.lines().all(|l| l.chars().count() <= 160), "{text}");
        }
    }
}
