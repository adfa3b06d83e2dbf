//! Task. Chromium: the page `docs/verify/verify.html`, opened from a file. It says what the other two verifiers say, to the byte.

use base64::{Engine, engine::general_purpose::STANDARD};
use beadle_tests::browser::Browser;
use serde_json::{Value, json};

use super::{
    corpus::*,
    harness::{Case, Memory, repo},
};

/// The page in a browser that has nothing else.
pub fn page(folder: &std::path::Path) -> Browser {
    let mut browser = Browser::open(folder).expect("Chromium");
    let path = repo().join("docs/verify/verify.html");
    let path = path.canonicalize().expect("the page");
    browser
        .goto(&format!("file://{}", path.display()))
        .expect("the page");
    browser
}

/// The page's reports of many cases.
pub fn reports(browser: &mut Browser, cases: &[Value]) -> Vec<String> {
    let script = format!(
        "(async () => {{ const out = []; for (const one of {}) out.push(await judge(one)); return out; }})()",
        Value::Array(cases.to_vec())
    );
    let said = browser.eval(&script).expect("a report of each");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    said.as_array().expect("a list").iter().map(text).collect()
}

/// Mutants of a case's files, judged in Rust and on the page.
fn mutants(browser: &mut Browser, case: &Case, stride: usize) {
    let mut wanted = Vec::new();
    let mut list = Vec::new();
    let mut files = Memory(case.files.clone());
    for (name, bytes) in &case.files {
        for k in (0..bytes.len()).step_by(stride) {
            let bit = (k / stride) % 8;
            let mut mutant = bytes.clone();
            mutant[k] ^= 1 << bit;
            files.0.insert(name.clone(), mutant);
            wanted.push(case.rust(&files).render());
            list.push(json!([name, k, bit]));
        }
        files.0.insert(name.clone(), bytes.clone());
    }
    let script = format!(
        "(async () => {{ const one = {}, out = []; for (const [name, k, bit] of {}) {{ \
           const whole = one.files[name], bytes = Uint8Array.from(atob(whole), (c) => c.charCodeAt(0)); \
           bytes[k] ^= 1 << bit; one.files[name] = toBase64(bytes); out.push(await judge(one)); one.files[name] = whole; \
         }} return out; }})()",
        case.json(),
        Value::Array(list.clone())
    );
    let said = browser.eval(&script).expect("a report of each");
    let said = said.as_array().expect("a list");
    assert_eq!(said.len(), wanted.len());
    for ((ours, theirs), of) in wanted.iter().zip(said).zip(list) {
        assert_eq!(
            Some(ours.as_str()),
            theirs.as_str(),
            "{of}: left Rust, right the page"
        );
    }
}

/// AUD-2, EVI-2: the same report as Rust's of sound and altered logs and packages; a folder and a ZIP are read as they are handed over.
#[test]
fn p1_the_page_says_the_same_aud_2() {
    let folder = tempfile::tempdir().expect("tempdir");
    let mut browser = page(folder.path());
    let log = Case::log(log_folder(&lines()));
    let package = Case::package(Package::default().build());
    let cases = [
        log.clone(),
        log.clone().no_hub(),
        log.clone().live(),
        Case::log(hub_folder()),
        package.clone(),
        package.clone().no_hub(),
        Case::package(forged_in("evil.example/other/hub/9")),
    ];
    let given: Vec<Value> = cases.iter().map(Case::json).collect();
    for (case, theirs) in cases.iter().zip(reports(&mut browser, &given)) {
        let ours = case.rust(&Memory(case.files.clone())).render();
        assert_eq!(ours, theirs, "left Rust, right the page");
    }
    mutants(&mut browser, &log, 29);
    mutants(&mut browser, &package, 211);

    // One table of sentences, one list of codes.
    let tables = browser
        .eval("[Object.entries(WORDS), [...DAMAGE], [...CANNOT], [...NOTES], [...KNOWN_TYPES]]")
        .expect("tables");
    let words: Vec<(&str, &str)> = shared::verify::words::TABLE.to_vec();
    assert_eq!(tables[0], json!(words));
    for (at, class) in [(1, "damage"), (2, "cannot check"), (3, "note")] {
        let codes = shared::verify::codes::CODES.iter();
        let mut ours: Vec<&str> = codes
            .filter(|(_, c)| c.as_str() == class)
            .map(|(code, _)| *code)
            .collect();
        ours.sort_unstable();
        assert_eq!(tables[at], json!(ours));
    }
    let mut known = shared::types::KNOWN.to_vec();
    known.sort_unstable();
    assert_eq!(tables[4], json!(known));

    // As somebody hands them over: a folder, then a ZIP of it.
    let key = hub_key().vkey();
    let hand = |browser: &mut Browser, what: &str| {
        let script = format!(
            "(async () => {{ document.getElementById('hub').value = {}; const one = {}; \
               const decode = (t) => Uint8Array.from(atob(t), (c) => c.charCodeAt(0)); await given(await ({what})(one, decode)); \
               return document.querySelector('pre')?.textContent ?? document.getElementById('state').textContent; }})()",
            json!(key),
            package.json()
        );
        browser
            .eval(&script)
            .expect("handed over")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let ours = package.rust(&Memory(package.files.clone())).render();
    let as_folder = "async (one, decode) => new Map(Object.entries(one.files).map(([n, t]) => ['stick/EXH/' + n, ofBlob(new Blob([decode(t)]))]))";
    assert_eq!(hand(&mut browser, as_folder), ours);
    let as_text = "async () => new Map([['notes.txt', ofBlob(new Blob(['x']))]])";
    assert!(hand(&mut browser, as_text).contains("neither a package"));
    let scratch = tempfile::tempdir().expect("tempdir");
    super::harness::lay_out(&scratch.path().join("EXH-1"), &package.files);
    let made = std::process::Command::new("/usr/bin/env")
        .args([
            "python3",
            "-c",
            "import shutil,sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[2])",
        ])
        .arg(scratch.path().join("package"))
        .arg(scratch.path())
        .status()
        .expect("python3");
    assert!(made.success());
    let zip = std::fs::read(scratch.path().join("package.zip")).expect("a ZIP");
    let as_zip = format!(
        "async (one, decode) => {{ const blob = new Blob([decode({})]); return new Map([['package.zip', {{ ...ofBlob(blob), blob }}]]); }}",
        json!(STANDARD.encode(zip))
    );
    assert_eq!(hand(&mut browser, &as_zip), ours);
    // It asks nobody: there is nothing it may load, and it sends nothing.
    let loaded = browser.eval("performance.getEntriesByType('resource').length");
    assert_eq!(loaded.expect("a number"), json!(0));
}

/// `make page`: every case that the other suites of tamper judged, as they left it in the folder `BEADLE_CORPUS`.
#[test]
#[ignore = "`make page` runs it over what the suite tamper leaves"]
fn p2_the_whole_corpus_aud_2() {
    let corpus = std::env::var_os("BEADLE_CORPUS").expect("BEADLE_CORPUS");
    let folder = tempfile::tempdir().expect("tempdir");
    let mut browser = page(folder.path());
    let mut count = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus") {
        let text = std::fs::read_to_string(file.expect("entry").path()).expect("a case");
        let case: Value = serde_json::from_str(&text).expect("a case");
        let said = reports(&mut browser, std::slice::from_ref(&case));
        assert_eq!(case["report"].as_str(), said.first().map(String::as_str));
        count += 1;
    }
    eprintln!("{count} cases");
    assert!(count > 200, "{count}");
}
