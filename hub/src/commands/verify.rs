//! Wiring. `beadle-hub verify PATH`: the same bytes and exit status as docs/verify/verify.py; `verify EXH-…`: as `clip check`.

use std::path::{Path, PathBuf};

use logbook::Folder;
use shared::{
    id::ExhibitRef,
    note::Vkey,
    timestamp::Root,
    verify::{self, Options},
};

use crate::{failure::CommandError, files};

#[derive(clap::Args)]
pub struct Args {
    /// A log folder or a saved package's folder, or the number of an exhibit that rests here; or `log PATH`, `bundle PATH` to say which
    #[arg(required = true, num_args = 1..=2)]
    path: Vec<PathBuf>,
    /// A hub's cosigning key, as text (or a file that holds it)
    #[arg(long)]
    hub: Vec<String>,
    /// A further head the reader knows of
    #[arg(long)]
    head: Vec<PathBuf>,
    /// Root certificates (PEM) of an authority that stamps times, which you trust
    #[arg(long)]
    authority: Vec<PathBuf>,
    /// The cosigning key of a witness, which you trust
    #[arg(long)]
    witness: Vec<String>,
    /// The log is still being written
    #[arg(long)]
    live: bool,
}

pub fn run(state: &Path, args: &Args) -> Result<u8, CommandError> {
    // An exhibit's number, and no such folder: the package that rests here.
    if let [path] = args.path.as_slice()
        && let Some(exhibit) = path.to_str().and_then(|p| ExhibitRef::parse(p).ok())
        && !path.exists()
    {
        return super::saving::check(state, &exhibit);
    }
    let (kind, path) = match args.path.as_slice() {
        [path] => ("", path),
        [kind, path] if kind.as_os_str() == "log" => ("log", path),
        [kind, path] if kind.as_os_str() == "bundle" => ("bundle", path),
        _ => {
            return Err(CommandError::Plain(
                "say `verify PATH`, `verify log PATH` or `verify bundle PATH`".into(),
            ));
        }
    };
    let mut authorities = Vec::new();
    for path in &args.authority {
        let roots = Root::of_pem(&files::read_text(path)?);
        authorities.extend(roots.ok_or_else(|| {
            CommandError::Plain(format!(
                "--authority {}: no certificate in PEM; nothing was checked",
                path.display()
            ))
        })?);
    }
    let heads = args
        .head
        .iter()
        .map(|p| files::read(p))
        .collect::<Result<_, _>>()?;
    let options = Options {
        hub: keys("--hub", &args.hub)?,
        live: args.live,
        heads,
        authorities,
        witnesses: keys("--witness", &args.witness)?,
    };
    let folder = Folder(path.clone());
    let package =
        kind == "bundle" || (kind.is_empty() && path.join("SHA256SUMS").symlink_metadata().is_ok());
    if package && path.join("manifest.json.age").exists() {
        eprintln!(
            "This package lies here sealed, as it rests at its hub; `beadle-hub clip check EXH-…` checks it, `clip save` writes it out in plain."
        );
    }
    let report = if package {
        verify::package(&folder, &options)
    } else {
        verify::log(&folder, &options)
    };
    print!("{}", report.render());
    Ok(u8::try_from(report.exit_status()).unwrap_or(2))
}

/// Keys as text, or in files.
fn keys(word: &str, given: &[String]) -> Result<Vec<Vkey>, CommandError> {
    let key = |text: &String| {
        let from_file = (!text.contains('+'))
            .then(|| files::read_text(text.as_ref()))
            .transpose()?;
        let text = from_file.as_deref().unwrap_or(text).trim();
        Vkey::parse(text).map_err(|e| CommandError::Plain(format!("{word} {text}: {e}")))
    };
    given.iter().map(key).collect()
}
