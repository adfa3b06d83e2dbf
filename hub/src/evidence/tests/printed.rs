//! Adapter: child process. Papers as PDF: each says what its plain text says, has title, language and tags, and a package that has them verifies.
//!
//! By the program of `make documents` where BEADLE_PRINTER names it, else by the same templates and Typst from the Python package index
//! (target/typst). With BEADLE_WRITE the pages are written to docs/pictures, for docs/paper.md.
use std::{fs, io::Write, process::Stdio};

use serde_json::Value;
use shared::time::Day;

use super::*;
use crate::{
    documents::Printer,
    model::{
        clip_request::RefusalReason,
        copy::{CopyKind, CopyState},
        evidence::Disposal,
        exhibit_event::{ExhibitAct, ExhibitEvent, Hand},
        register::{CopyRow, MediaRow, ReleaseForm},
        requester::RequesterClass,
    },
    papers::{handover::Handover, label::Label, refusal::RefusalNotice, sheet::Sheet},
    words::{self, paper::Paper},
};

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn program() -> PathBuf {
    let named = std::env::var_os("BEADLE_PRINTER").map(PathBuf::from);
    let program = named.unwrap_or_else(|| tree().join("target/typst/beadle-documents"));
    let program = program.canonicalize();
    program.expect("a program that makes PDF: scripts/typst.sh, or make documents")
}

fn ran(program: &str, words: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect(program);
    // A program that reads a file and not its input may have ended.
    let _ = child.stdin.take().expect("input").write_all(input);
    let said = child.wait_with_output().expect(program);
    assert!(said.status.success(), "{program} {words:?}: {said:?}");
    // Poppler writes the attributes of a tag as they are, which is no UTF-8.
    String::from_utf8_lossy(&said.stdout).into_owned()
}

fn bare(text: &str) -> String {
    let blank = |c: &char| c.is_whitespace() || *c == '\u{200b}';
    text.chars().filter(|c| !blank(c)).collect()
}

/// What a reader of the PDF is told, in the order of its tags; without page numbers and rules.
fn told(path: &str) -> String {
    let tags = ran("pdfinfo", &["-struct-text", path], b"");
    let texts = tags.lines().map(str::trim);
    let texts = texts.filter_map(|l| l.strip_prefix('"')?.strip_suffix('"'));
    // Poppler writes quotes and backslashes as they are; only the outer ones are its own.
    bare(&texts.collect::<String>())
}

/// Every string that was given to the program.
fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if !["svg", "part", "sort", "lang", "day", "author", "foot"].contains(&key.as_str())
                {
                    strings(value, all);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|v| strings(v, all)),
        Value::String(text) if !text.trim().is_empty() => all.push(text.clone()),
        _ => {}
    }
}

/// A PDF against the paper it was made of and its plain text.
fn compared(name: &str, paper: &Value, text: &str, pdf: &[u8], folder: &Path) {
    let path = folder.join(format!("{name}.pdf"));
    fs::write(&path, pdf).expect("write");
    let path = path.display().to_string();
    let (told, text) = (told(&path), bare(text));
    let mut all = Vec::new();
    strings(paper, &mut all);
    assert!(all.len() > 5, "{name}: {all:?}");
    for saying in all {
        assert!(
            text.contains(&bare(&saying)),
            "{name}: {saying:?} is not in the text"
        );
        assert!(
            told.contains(&bare(&saying)),
            "{name}: {saying:?} is not in the PDF: {told}"
        );
    }
    let about = ran("pdfinfo", &[&path], b"");
    for line in [
        "Tagged: yes",
        "Encrypted: no",
        "JavaScript: no",
        "PDF version: 1.7",
    ] {
        assert!(
            bare(&about).contains(&bare(line)),
            "{name}: {line} in {about}"
        );
    }
    assert!(
        about.contains(paper["title"].as_str().expect("title")),
        "{about}"
    );
    let about = ran("pdfinfo", &["-meta", &path], b"");
    for part in [
        "<pdfaid:part>2<",
        "<pdfaid:conformance>A<",
        "<pdfuaid:part>1<",
        "en-GB",
    ] {
        assert!(about.contains(part), "{name}: {part} in {about}");
    }
    if name != "typed" && std::env::var_os("BEADLE_WRITE").is_some() {
        let to = tree().join(format!("docs/pictures/paper-{name}"));
        ran(
            "pdftoppm",
            &[
                "-r",
                "66",
                "-gray",
                "-png",
                &path,
                &to.display().to_string(),
            ],
            b"",
        );
    }
}

fn hand(op: &str, name: &str, role: &str) -> Hand {
    Hand {
        op: op.into(),
        name: Some(name.into()),
        roles: vec![role.into()],
    }
}

/// A day on which an exhibit is made, watched, saved, handed over and signed for.
fn others() -> Vec<(&'static str, Paper)> {
    let at = |text: &str| Utc::parse(text).expect("time");
    let zone = Zone::parse("Europe/London").expect("zone");
    let exhibit = ExhibitRef::new(2026, 123);
    let camera = BoxCamera::parse("ashby/c03").expect("camera");
    let scheme = "cctv.example.gov.uk".to_owned();
    let title = "High Street, north end".to_owned();
    let (t0, t1) = (
        at("2026-10-24T23:40:00.000Z"),
        at("2026-10-25T01:20:00.000Z"),
    );
    let made = at("2026-11-29T18:59:11.000Z");
    let (sums, digest) = (
        "4ca8760fd859b0136500e7ae47f2ed24".repeat(2),
        "9f86d081884c7d65".repeat(4),
    );
    let copy = CopyRow {
        copy: 1,
        kind: CopyKind::Master,
        form: "zip".into(),
        seal: "passphrase".into(),
        sha256: digest.clone(),
        sums: sums.clone(),
        bytes: 152_004_112,
        medium: Some("USB stick, seal A0012345".into()),
        place: Some("safe of the control room".into()),
        state: CopyState::Out,
        received: true,
        made,
        changed: made,
    };
    let evans = || hand("op:0147", "Siân Evans", "operator@town-council");
    let some = |text: &str| Some(text.to_owned());
    let event = |line: u64, ms: i64, by: Hand, what: ExhibitAct| ExhibitEvent {
        line,
        at: made.plus_ms(ms),
        by,
        what,
    };
    let events = vec![
        event(
            1201,
            0,
            evans(),
            ExhibitAct::Granted {
                purpose: some("theft from a shop"),
                reference: some("CR/1234/26"),
                requester: some("PC 4411 Example"),
            },
        ),
        event(
            1203,
            61_000,
            Hand {
                op: "sys:hub".into(),
                name: None,
                roles: Vec::new(),
            },
            ExhibitAct::Made { sums: sums.clone() },
        ),
        event(
            1207,
            300_000,
            evans(),
            ExhibitAct::Viewed {
                purpose: some("a viewing with the officer"),
                reference: some("CR/1234/26"),
                present: Some(some("PC 4411 Example")),
            },
        ),
        event(
            1210,
            420_000,
            evans(),
            ExhibitAct::Marked { mark: some("SE/1") },
        ),
        event(
            1213,
            600_000,
            evans(),
            ExhibitAct::Copied {
                copy: 1,
                kind: "master".into(),
                form: "zip".into(),
                seal: "passphrase".into(),
                sha256: digest.clone(),
                sums: sums.clone(),
                bytes: copy.bytes,
                medium: copy.medium.clone(),
                place: copy.place.clone(),
            },
        ),
        event(
            1216,
            1_800_000,
            evans(),
            ExhibitAct::HandedOver {
                copy: 1,
                kind: "master".into(),
                class: "police".into(),
                to: some("PC 4411 Example"),
                agency: some("Example Constabulary"),
                signed: some("Siân Evans"),
                factor: "passkey".into(),
            },
        ),
    ];
    let media = MediaRow {
        document: some("Release 12/2026, of 28 November 2026"),
        sha256: None,
        uses: some("one appeal for witnesses in the local news"),
        limits: some("not after 31 December 2026; faces of passers-by blurred"),
        by: "op:0150".into(),
        name: some("J. Ŵyn"),
        at: made,
    };
    let form = ReleaseForm {
        scheme: scheme.clone(),
        exhibit: exhibit.to_string(),
        mark: some("SE/1"),
        camera: camera.to_string(),
        t0,
        t1,
        purpose: some("theft from a shop"),
        reference: some("CR/1234/26"),
        copy: copy.clone(),
        kind: "master".into(),
        class: "police".into(),
        to: some("PC 4411 Example"),
        agency: some("Example Constabulary"),
        by: evans(),
        at: made.plus_ms(1_800_000),
        signed: some("Siân Evans"),
        factor: "passkey".into(),
        line: 1216,
        media: None,
        receipt: None,
    };
    let handover = Handover {
        exhibit: exhibit.clone(),
        mark: some("SE/1"),
        scheme: scheme.clone(),
        camera: camera.clone(),
        title: title.clone(),
        t0,
        t1,
        sums: sums.clone(),
        copy: None,
        hand: None,
        media: Some(media),
        purpose: some("theft from a shop"),
        reference: some("CR/1234/26"),
        made,
        zone: zone.clone(),
    };
    let signed = Handover {
        copy: Some(copy.clone()),
        hand: Some(form),
        media: None,
        ..handover.clone()
    };
    let label = Label {
        exhibit: exhibit.clone(),
        mark: some("SE/1"),
        camera: camera.clone(),
        title: title.clone(),
        scheme: scheme.clone(),
        t0,
        t1,
        partial: true,
        sums: sums.clone(),
        key: "cctv.example.gov.uk/hub/cosign-2026+ef12905c".into(),
        seal_key: digest,
        made,
        zone: zone.clone(),
    };
    let sheet = Sheet {
        exhibit: exhibit.clone(),
        mark: some("SE/1"),
        scheme: scheme.clone(),
        camera: camera.clone(),
        title,
        t0,
        t1,
        sums: Some(sums),
        events,
        copies: vec![copy],
        log: format!("{scheme}/hub/1"),
        size: 1217,
        made: made.plus_ms(1_900_000),
        zone: zone.clone(),
    };
    let disposal = Disposal {
        scheme: scheme.clone(),
        zone: "Europe/London".into(),
        exhibit: exhibit.to_string(),
        camera: camera.to_string(),
        t0,
        t1,
        made,
        class_text: "general (3 years)".into(),
        until: Day::parse("2029-11-29").expect("day"),
        early: true,
        who: vec!["Siân Evans (op:0147)".into(), "J. Ŵyn (op:0150)".into()],
        reason: some("asked back by the force"),
        begun: made.plus_ms(86_400_000),
        ended: made.plus_ms(86_402_000),
        files: 34,
        bytes: 152_004_112,
        texts: 5,
        undecryptable: Some(true),
        claim: "file".into(),
        log: format!("{scheme}/hub/1"),
        begun_line: 1301,
        line: 1302,
    };
    let refusal = RefusalNotice {
        request: "R-000012".into(),
        scheme,
        class: RequesterClass::DataSubject,
        cameras: vec![camera],
        span: Some((t0, t1)),
        requester: some("A. Resident"),
        reference: some("SAR 7/2026"),
        why: RefusalReason::Others,
        note: some("the other people in it cannot be blurred so that they are not known"),
        decided: made,
        by: Some(Person {
            op: "op:0150".into(),
            name: some("J. Ŵyn"),
            roles: vec!["coordinator".into()],
        }),
        zone,
    };
    vec![
        ("label", words::label(&label)),
        ("continuity", words::continuity(&sheet)),
        ("release", words::release(&handover)),
        ("receipt", words::receipt(&signed)),
        ("disposal", words::disposal(&disposal)),
        ("refusal", words::refusal(&refusal)),
    ]
}

/// EVI-3, EVI-4, EVI-5, EVI-9, RET-5: every sentence of every paper is in its PDF and in its plain text.
#[test]
#[ignore = "takes Typst: scripts/suites.sh papers"]
fn pdf_and_text_say_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    let printer = Printer::at(program());
    for (name, paper) in others() {
        let pdf = printer
            .pdf(&paper)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let again = printer.pdf(&paper).expect("again");
        assert!(pdf == again, "{name}: the same values give the same bytes");
        let values = serde_json::to_value(&paper).expect("JSON");
        compared(name, &values, &paper.to_text(), &pdf, folder.path());
    }
    // What people typed stays what they typed: no markup, no file, no program.
    let mut paper = Paper::new("#panic()", "EXH-2026-000001");
    paper.day = "2026-11-29".into();
    let typed = "#read(\"/etc/passwd\") *b* $x$ @y <z> \\u{41} // none /* none */ = H";
    for label in ["A", "B", "C", "D", "E"] {
        paper.item(label, [typed]);
    }
    let pdf = printer.pdf(&paper).expect("set");
    let values = serde_json::to_value(&paper).expect("JSON");
    compared("typed", &values, &paper.to_text(), &pdf, folder.path());
}

/// EVI-2, EVI-5: a package has certificate and statement as PDF too, under its sums; Rust and verify.py find it intact.
#[test]
#[ignore = "takes Typst: scripts/suites.sh papers"]
fn a_package_has_its_papers_as_pdf() {
    use std::os::unix::fs::PermissionsExt;
    let mut scene = scene([320; 5]);
    let folder = tempfile::tempdir().expect("folder");
    // What the program is given is kept beside.
    let tee = folder.path().join("tee");
    let script = format!(
        "#!/bin/sh\ncat >\"{0}/$$.json\"; exec \"{1}\" <\"{0}/$$.json\"\n",
        folder.path().display(),
        program().display()
    );
    fs::write(&tee, script).expect("write");
    fs::set_permissions(&tee, fs::Permissions::from_mode(0o755)).expect("mode");
    scene.order.printer = Printer::at(tee);
    let made = build(&scene.hub, SystemClock.now().wall, &scene.order).expect("made");
    assert_eq!(made.unprinted, None);
    assert!(
        made.report.render().starts_with("INTACT"),
        "{}",
        made.report.render()
    );
    let given = fs::read_dir(folder.path()).expect("folder");
    let given = given.map(|e| e.expect("entry").path());
    let given = given.filter(|p| p.extension().is_some_and(|e| e == "json"));
    let given: Vec<Value> = given
        .map(|p| serde_json::from_slice(&fs::read(p).expect("read")).expect("JSON"))
        .collect();
    for (name, title, text, pdf) in [
        (
            "certificate",
            "CERTIFICATE OF CONTINUITY",
            names::CERTIFICATE,
            names::CERTIFICATE_PDF,
        ),
        (
            "statement",
            "WITNESS STATEMENT",
            names::STATEMENT,
            names::STATEMENT_PDF,
        ),
    ] {
        let paper = given.iter().find(|v| v["title"] == title).expect(title);
        let pdf = scene.rest().read(pdf).expect("PDF");
        compared(name, paper, &scene.read(text), &pdf, folder.path());
    }
    assert!(scene.read(names::READ_ME).contains("as a PDF too"));
    let saved = scene.saved();
    let said = Command::new("python3")
        .args([
            "verify/verify.py",
            "bundle",
            ".",
            "--hub",
            &scene.hub.key.to_string(),
        ])
        .current_dir(&saved)
        .output()
        .expect("verify.py");
    assert_eq!(String::from_utf8_lossy(&said.stdout), made.report.render());
}
