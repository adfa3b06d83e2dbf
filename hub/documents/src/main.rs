//! Wiring. The document worker: a document's values as JSON on standard input, a PDF on standard output.
//!
//! Started by the hub for one document, with an empty environment. It has no files, no network and no keys ([`walls`], [`calls`]): templates
//! and fonts are part of it. What it writes is made as PDF/A-2a and PDF/UA-1, by Typst's own checks: what would be neither is not written.
mod calls;
mod world;

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use typst::foundations::Smart;
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use world::Desk;

const USAGE: &str = "usage: beadle-documents <document.json >document.pdf
Started by beadle-hub. Makes a PDF of one document.";
/// A document with nothing in it, set before the walls are up.
const SAMPLE: &str = r#"{"sort":"page","title":"ŵ","right":"ŷ","lang":"en-GB","day":"2026-01-01","author":"","foot":[],"parts":[
{"part":"heading","text":"A"},{"part":"line","text":"A"},{"part":"item","label":"A","sentences":["A","B"]},{"part":"table","head":["A"],"rows":[["A"]]}]}"#;
/// Bytes of a document's values, at most.
const MOST: u64 = 8 << 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--version" | "-V"] => {
            println!("beadle-documents {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("beadle-documents: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    walls::one_heap();
    // One thread, which is this one: none has to be started within the walls.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .map_err(|e| e.to_string())?;
    // What is looked up once (tables, fonts, how large the stack is) is looked up now, while it may.
    let desk = Desk::new().with(SAMPLE.as_bytes().to_vec());
    set(&desk)?;
    walls::enter(&[calls::CALLS]).map_err(|e| e.to_string())?;

    let mut values = Vec::new();
    let read = io::stdin().take(MOST + 1).read_to_end(&mut values);
    read.map_err(|e| format!("cannot read the document: {e}"))?;
    if values.len() as u64 > MOST {
        return Err(format!(
            "the document has more than {MOST} bytes; nothing was made of it"
        ));
    }
    let pdf = set(&desk.with(values))?;
    let mut out = io::stdout().lock();
    out.write_all(&pdf)
        .and_then(|()| out.flush())
        .map_err(|e| format!("cannot write the PDF: {e}"))
}

fn set(desk: &Desk) -> Result<Vec<u8>, String> {
    let document = typst::compile::<PagedDocument>(desk).output;
    let document = document.map_err(|all| desk.words(&all))?;
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1]);
    let options = PdfOptions {
        // The same values give the same bytes.
        creator: Smart::Custom(Some(
            concat!("Beadle ", env!("CARGO_PKG_VERSION")).to_owned(),
        )),
        standards: standards.map_err(|e| e.message().to_string())?,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|all| desk.words(&all))
}
