//! Pure. What a scheme publishes so that anybody can check its evidence without asking it: the verifier and its specification, the hub's
//! countersigning key and its seal key, as files that can be copied to any web server, and a page that says what each is.
//!
//! Whoever made a package could have put any program and any key into it; these are to be had from elsewhere.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use shared::{
    note::Vkey,
    record::{hex, sha256},
};
use utoipa::ToSchema;

use crate::{config::outside::Outside, keys::pem};

pub const VERIFY_PY: &str = include_str!("../../../docs/verify/verify.py");
/// The same for whoever has a browser and nothing else.
pub const VERIFY_HTML: &str = include_str!("../../../docs/verify/verify.html");
pub const SPEC: &str = include_str!("../../../docs/verify/SPEC.txt");
/// The page, among the files.
pub const PAGE: &str = "index.html";
/// The page that checks, among the files.
pub const CHECKER: &str = "verify.html";
/// Who is believed outside the scheme, where anybody is.
const AUTHORITIES: &str = "authorities.pem";
const WITNESSES: &str = "witnesses.vkey";

/// One file to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedFile {
    pub name: String,
    /// Its media type.
    pub media: String,
    /// Of its bytes, lower hex.
    pub sha256: String,
    /// All of it; every one is text.
    pub text: String,
}

impl PublishedFile {
    fn new(name: &str, media: &str, text: String) -> Self {
        Self {
            name: name.to_owned(),
            media: format!("{media}; charset=utf-8"),
            sha256: hex(&sha256(text.as_bytes())),
            text,
        }
    }
}

/// A public key as openssl reads it.
fn public(spki: &[u8]) -> String {
    String::from_utf8_lossy(&pem("PUBLIC KEY", spki)).into_owned()
}

/// Everything, the page first.
pub fn files(scheme: &str, hub: &Vkey, seal_spki: &[u8], outside: &Outside) -> Vec<PublishedFile> {
    let mut others = vec![
        PublishedFile::new("verify.py", "text/x-python", VERIFY_PY.to_owned()),
        PublishedFile::new(CHECKER, "text/html", VERIFY_HTML.to_owned()),
        PublishedFile::new("SPEC.txt", "text/plain", SPEC.to_owned()),
        PublishedFile::new("hub.vkey", "text/plain", format!("{hub}\n")),
        PublishedFile::new("hub.pem", "application/x-pem-file", hub.pem()),
        PublishedFile::new("seal.pem", "application/x-pem-file", public(seal_spki)),
    ];
    // Who is believed outside the scheme: whoever checks asks them whether these are theirs.
    let roots: String = outside.authorities.iter().fold(String::new(), |all, a| {
        format!("{all}{} {}\n{}\n", a.name, a.url, a.pem.trim())
    });
    let keys: String = outside
        .witnesses
        .iter()
        .fold(String::new(), |all, w| format!("{all}{}\n", w.key));
    if !roots.is_empty() {
        others.push(PublishedFile::new(
            AUTHORITIES,
            "application/x-pem-file",
            roots,
        ));
    }
    if !keys.is_empty() {
        others.push(PublishedFile::new(WITNESSES, "text/plain", keys));
    }
    let sums = others.iter().fold(String::new(), |mut sums, f| {
        let _ = writeln!(sums, "{}  {}", f.sha256, f.name);
        sums
    });
    let sums = PublishedFile::new("SHA256SUMS", "text/plain", sums);
    let seal = hex(&sha256(seal_spki));
    let text = page(scheme, hub, &seal, &others);
    let page = PublishedFile::new(PAGE, "text/html", text);
    [vec![page], others, vec![sums]].concat()
}

/// A page that needs nothing but itself: it is copied to servers that nobody here knows.
fn page(scheme: &str, hub: &Vkey, seal: &str, files: &[PublishedFile]) -> String {
    let what = |name: &str| match name {
        "verify.py" => "the program that checks a package (Python 3.8 or newer, nothing else)",
        CHECKER => {
            "the page that does the same in any current browser, from a USB stick too: nothing to install, nothing is sent anywhere"
        }
        "SPEC.txt" => {
            "every step of that check in words, so that anybody can write their own program"
        }
        AUTHORITIES => {
            "root certificates of the authorities that stamp the hub's log (--authority): hold them against what those publish themselves"
        }
        WITNESSES => {
            "keys of the witnesses that attest the hub's log (--witness, one each): hold them against what those publish themselves"
        }
        "hub.vkey" => "the hub's countersigning key, as the program takes it",
        "hub.pem" => "the same key, as openssl takes it",
        _ => "the key that seals packages, as openssl takes it",
    };
    let rows = files.iter().fold(String::new(), |mut rows, f| {
        let _ = writeln!(
            rows,
            "<tr><td><a href=\"{0}\">{0}</a></td><td>{1}</td><td><code>{2}</code></td></tr>",
            f.name,
            what(&f.name),
            f.sha256
        );
        rows
    });
    let scheme = escaped(scheme);
    format!(
        "<!doctype html>
<html lang=\"en-GB\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Checking CCTV evidence of {scheme}</title>
</head>
<body>
<main>
<h1>Checking CCTV evidence of {scheme}</h1>
<p>An evidence package of this scheme can be checked by anybody, without asking the scheme and without its software. A package brings copies
of these files with it; take them from here instead, for whoever made a package could have put any program and any key into it.</p>
<h2>The hub's key</h2>
<p>The check takes this key. It stands on every certificate too.</p>
<pre>{}</pre>
<h2>The seal key</h2>
<p>SHA-256 of the public key (DER) that seals packages, which every certificate names:</p>
<pre>{seal}</pre>
<h2>The files</h2>
<table>
<thead><tr><th scope=\"col\">file</th><th scope=\"col\">what it is</th><th scope=\"col\">SHA-256</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
<p>All of these are in <a href=\"SHA256SUMS\">SHA256SUMS</a> too.</p>
<h2>How to check a package</h2>
<p>Open <a href=\"verify.html\">verify.html</a>, give it KEY (the line above), and drop the folder or the ZIP on it. The answer begins with INTACT or NOT-INTACT. Or, by hand:</p>
<ol>
<li>In the folder of the package: <code>sha256sum -c SHA256SUMS</code>. Then compare the SHA-256 of the file SHA256SUMS with the label that came with the package.</li>
<li><code>openssl dgst -sha256 -verify seal.pem -signature SHA256SUMS.sig SHA256SUMS</code>, with seal.pem from this page.</li>
<li><code>python3 verify.py bundle FOLDER --hub KEY</code>, with verify.py and KEY (the line above) from this page. The answer begins with INTACT or NOT-INTACT.</li>
</ol>
</main>
</body>
</html>
",
        escaped(&hub.to_string()),
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use shared::testing::Key;

    use super::*;

    /// EVI-2: what is published is what packages are checked by: openssl reads the keys, sha256sum the sums, and the page names each file with its
    /// SHA-256.
    #[test]
    fn what_is_published_is_read_by_stock_tools() {
        let hub = Key::hub();
        let state = tempfile::tempdir().expect("folder");
        let keys = crate::keys::Keys::create(
            state.path(),
            "cctv.example.gov.uk",
            &["hub".to_owned()],
            shared::time::Utc(1_793_000_000_000),
        )
        .expect("keys");
        let files = files(
            "cctv.example.gov.uk",
            &hub.vkey,
            &keys.seal_spki(),
            &Outside::default(),
        );
        let folder = tempfile::tempdir().expect("folder");
        for f in &files {
            std::fs::write(folder.path().join(&f.name), &f.text).expect("write");
        }
        let tool = |words: &[&str]| {
            let out = Command::new(words[0])
                .args(&words[1..])
                .current_dir(folder.path())
                .output();
            let out = out.expect(words[0]);
            assert!(out.status.success(), "{words:?}: {out:?}");
            String::from_utf8_lossy(&out.stdout).into_owned()
        };
        tool(&["sha256sum", "--strict", "-c", "SHA256SUMS"]);
        let text = tool(&[
            "openssl", "pkey", "-pubin", "-in", "hub.pem", "-text", "-noout",
        ]);
        assert!(text.contains("ED25519"), "{text}");
        let text = tool(&[
            "openssl", "pkey", "-pubin", "-in", "seal.pem", "-text", "-noout",
        ]);
        assert!(text.contains("prime256v1"), "{text}");
        let page = &files[0];
        assert_eq!(page.name, PAGE);
        for f in &files[1..files.len() - 1] {
            assert!(page.text.contains(&f.sha256) && page.text.contains(&f.name));
        }
        assert!(page.text.contains(&hub.vkey.to_string()));
        assert!(!page.text.contains("<script") && !page.text.contains("http"));
        // Nothing of the page that checks is anywhere else, and what it may do is said in it.
        let checker = files.iter().find(|f| f.name == CHECKER).expect(CHECKER);
        assert!(checker.text.contains("default-src 'none'") && !checker.text.contains("src="));
    }
}
