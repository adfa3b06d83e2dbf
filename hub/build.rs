//! Adapter: files. The style sheet of the staff pages: ours in hub/style, on the sources of govuk-frontend, compiled into one.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use grass::{Fs, Options, OutputStyle, StdFs};

/// Where `scripts/npm.sh style` puts them.
const SOURCES: &str = "../target/npm/style/dist/govuk";

/// The files of this machine but for those that serve `@import` alone: they stand beside the modules that they stand for, and would be taken
/// in their place.
#[derive(Debug)]
struct Modules;

impl Fs for Modules {
    fn is_dir(&self, path: &Path) -> bool {
        StdFs.is_dir(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        !path.to_string_lossy().ends_with(".import.scss") && StdFs.is_file(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = StdFs.read(path)?;
        // What is after a dot would be taken for the end of a file's name.
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.replace(".mixin\" as", ".mixin.scss\" as").into_bytes())
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        StdFs.canonicalize(path)
    }
}

fn style() -> Result<(), String> {
    let sources = Path::new(SOURCES);
    if !sources.join("_base.scss").is_file() {
        return Err("the sources of the style sheet are not here: scripts/npm.sh style fetches them, once (scripts/install.sh build does too)".into());
    }
    let options = Options::default()
        .fs(&Modules)
        .style(OutputStyle::Compressed)
        .load_path(sources);
    let css = grass::from_path("style/main.scss", &options).map_err(|e| e.to_string())?;
    let out = env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?;
    let out = Path::new(&out).join("style.css");
    // Its licence goes with it, to every browser.
    let licence = fs::read_to_string("style/LICENCE.govuk-frontend").map_err(|e| e.to_string())?;
    fs::write(&out, format!("/*!\n{licence}*/\n{css}"))
        .map_err(|e| format!("{}: {e}", out.display()))
}

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=style");
    println!("cargo::rerun-if-changed={SOURCES}");
    match style() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("beadle-hub: {why}");
            ExitCode::FAILURE
        }
    }
}
