//! Wiring. `beadle-hub clip save`: a package written out, registered as a copy, and what became of that told to the hub. Whoever saves has the
//! exhibit's key by being root or the hub's own user.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use shared::{
    evidence::names,
    id::ExhibitRef,
    record::{hex, sha256},
    time::Clock,
    verify::{self, Options},
};
use zeroize::Zeroizing;

use super::{client::Client, document, meter::Meter, terminal::print_json};
use crate::{
    access::accounts,
    evidence::{
        Resting,
        package::TrustAnchors,
        save as out,
        save::{Form, SaveOrder, SavedPackage},
    },
    failure::CommandError,
    files::{self, failed},
    keys::Keys,
    model::copy::CopyKind,
    ops::{clips, exhibits},
    papers::card::{Card, Seal},
    register::acts::SavedCopy,
    supervise::load_config,
    words,
};

/// A package to be saved.
#[derive(Args)]
pub(super) struct SaveRequest {
    /// Below which it is written; it is made if it is not there
    pub folder: PathBuf,
    /// What it is handed over for
    #[arg(long)]
    pub purpose: String,
    /// The receiver's own reference, such as a crime number
    #[arg(long)]
    pub reference: String,
    /// Who else is present; kept apart from the log, which holds its salted hash
    #[arg(long)]
    pub present: Option<String>,
    #[command(flatten)]
    pub how: SaveForm,
}

/// As what it is written, and what the copy is registered as.
#[derive(Args, Default)]
pub(super) struct SaveForm {
    /// As one ZIP file instead of a folder
    #[arg(long)]
    pub zip: bool,
    /// Encrypt it (as one file) to this age recipient, like age1…
    #[arg(long, value_name = "AGE1…", conflicts_with_all = ["passphrase", "passphrase_file"])]
    pub recipient: Option<String>,
    /// Encrypt it (as one file) with a passphrase that is made up and shown once
    #[arg(long, conflicts_with = "passphrase_file")]
    pub passphrase: bool,
    /// Encrypt it (as one file) with the passphrase that is the first line of this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Register it as the exhibit's master copy; otherwise it is a working copy
    #[arg(long)]
    pub master: bool,
    /// What it is on, as "Kingston stick 4C53", "DVD 12"
    #[arg(long)]
    pub medium: Option<String>,
    /// Where that is, as "safe 2, control room"
    #[arg(long)]
    pub place: Option<String>,
    /// What was saved as JSON
    #[arg(long)]
    pub json: bool,
}

/// Letters of a passphrase.
const PASSPHRASE: std::ops::RangeInclusive<usize> = 12..=200;

impl SaveForm {
    /// The seal, and the passphrase to show.
    fn seal(&self) -> Result<(Seal, Option<Zeroizing<String>>), CommandError> {
        let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
        if let Some(to) = &self.recipient {
            if !footage::sealed::is_recipient(to) {
                return Err(CommandError::Plain(format!(
                    "{to:?} is no age recipient (age1…); nothing was saved: ask the receiver for the line that begins with age1"
                )));
            }
            return Ok((Seal::Recipient(to.clone()), None));
        }
        if self.passphrase {
            let made = Zeroizing::new(accounts::one_time().map_err(|e| plain(&e))?);
            return Ok((Seal::Passphrase(made.clone()), Some(made)));
        }
        let Some(path) = &self.passphrase_file else {
            return Ok((Seal::None, None));
        };
        let bytes = Zeroizing::new(files::read(path)?);
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let line = Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned());
        if !PASSPHRASE.contains(&line.chars().count()) {
            return Err(CommandError::Plain(format!(
                "the first line of {} is no passphrase of {} to {} letters; nothing was saved",
                path.display(),
                PASSPHRASE.start(),
                PASSPHRASE.end()
            )));
        }
        Ok((Seal::Passphrase(line), None))
    }

    fn kind(&self) -> CopyKind {
        match self.master {
            true => CopyKind::Master,
            false => CopyKind::Working,
        }
    }
}

/// What was saved.
#[derive(Serialize)]
struct SavedRow<'a> {
    exhibit: &'a str,
    copy: Option<u64>,
    path: &'a Path,
    card: Option<&'a Path>,
    form: &'a str,
    seal: &'a str,
    sha256: &'a str,
    bytes: u64,
    files: u64,
    verdict: &'a str,
}

/// The key that opens an exhibit's package, and the one its verdict rests on.
fn opening(state: &Path, exhibit: &ExhibitRef) -> Result<(Keys, Options), CommandError> {
    let config = load_config(state)?;
    let keys = Keys::load(state, &config.scheme)?;
    // No key: nothing of the exhibit can be opened any more, or it never was.
    keys.exhibit_identity(exhibit).map_err(|e| {
        CommandError::Plain(format!(
            "nothing of {exhibit} can be opened: {e}. It was disposed of (`beadle-hub evidence certificate {exhibit}`), or never pulled"
        ))
    })?;
    let options = TrustAnchors::of(&config.outside).options(keys.cosign_vkey().clone());
    Ok((keys, options))
}

/// Has it put on record, writes the package out, and registers the copy; or says that it came to nothing. Exit status as of `beadle-hub verify`; 0
/// for a package that is known to be partial.
pub(super) fn save(
    hub: &Client,
    exhibit: &ExhibitRef,
    request: SaveRequest,
) -> Result<u8, CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    let (seal, shown) = request.how.seal()?;
    let form = match request.how.zip || !matches!(seal, Seal::None) {
        true => Form::Zip,
        false => Form::Folder,
    };
    let (keys, options) = opening(hub.state(), exhibit)?;
    let config = load_config(hub.state())?;
    let now = logbook::SystemClock.now().wall;
    let mut wanted = SaveOrder {
        exhibit,
        folder: &request.folder,
        form,
        seal: &seal,
        options: &options,
        short: false,
        now,
        card: &|_, _| String::new(),
    };
    // Known beforehand to come to nothing: not worth a line.
    out::free(&wanted).map_err(|e| plain(&e))?;
    let there = hub.ask(&clips::Show {
        exhibit: exhibit.clone(),
    })?;
    if let Some(package) = there.package {
        let rest = Resting::new(package.into(), keys.exhibit_identity(exhibit)?);
        out::fits(&rest, &wanted).map_err(|e| plain(&e))?;
    }
    let kind = request.how.kind();
    let granted = hub.ask(&clips::Save {
        exhibit: exhibit.clone(),
        purpose: request.purpose,
        reference: request.reference,
        present: request.present,
        copy: Some(kind),
    })?;
    let at = now.for_people(&config.zone);
    let card = |file: &str, sha256: &str| {
        words::card(&Card {
            exhibit,
            mark: granted.mark.as_deref(),
            scheme: &config.scheme,
            by: &granted.by,
            at: &at,
            file,
            sha256,
            seal: &seal,
        })
    };
    wanted.short = granted.short;
    wanted.card = &card;
    let rest = Resting::new(granted.package.clone(), keys.exhibit_identity(exhibit)?);
    let mut meter = Meter::new("saving");
    let saved = written(&rest, &wanted, &granted.sums, &mut meter);
    meter.end();
    let ended = |copy| exhibits::RegisterCopy {
        exhibit: exhibit.clone(),
        save: granted.line,
        copy,
    };
    let saved = match saved {
        Ok(saved) => saved,
        Err(why) => {
            // It goes on the record that it came to nothing; a hub that does not hear of it says so by itself in a day.
            let told = hub.ask(&ended(None));
            return Err(CommandError::Plain(match told {
                Ok(_) => why,
                Err(e) => format!("{why}\nThe hub could not be told that it came to nothing: {e}"),
            }));
        }
    };
    let sha = hex(&saved.sha256);
    let copy = SavedCopy {
        kind,
        form: form.word().into(),
        seal: seal.word().into(),
        sha256: sha.clone(),
        sums: granted.sums.clone(),
        bytes: saved.bytes,
        medium: request
            .how
            .medium
            .unwrap_or_else(|| format!("files below {}", request.folder.display())),
        place: request.how.place.unwrap_or_else(|| "at the hub".into()),
    };
    let registered = hub.ask(&ended(Some(copy))).map_err(|e| {
        take_away(&saved);
        CommandError::Plain(format!(
            "the copy could not be registered: {e}; what was saved was taken away again"
        ))
    })?;
    let status = match granted.short {
        true => 0,
        false => u8::try_from(saved.report.exit_status()).unwrap_or(2),
    };
    if request.how.json {
        let verdict = saved.report.render();
        print_json(&SavedRow {
            exhibit: exhibit.as_str(),
            copy: registered.copy,
            path: &saved.path,
            card: saved.card.as_deref(),
            form: form.word(),
            seal: seal.word(),
            sha256: &sha,
            bytes: saved.bytes,
            files: saved.files,
            verdict: verdict.lines().next().unwrap_or_default(),
        })?;
    } else {
        tell(&saved, &seal, registered.copy);
    }
    // The sheet as of this saving, and the label to stick on it.
    for told in document::beside(hub, exhibit, registered.copy, &request.folder) {
        if !request.how.json {
            println!("{told}");
        }
    }
    if let Some(made) = shown {
        // Not among what a script reads.
        eprintln!("passphrase {}", made.as_str());
        eprintln!(
            "           tell it to whoever gets the file by another way than the file; it is kept nowhere and shown once"
        );
    }
    Ok(status)
}

/// Writes it; what was on record has to be what was written. Otherwise why, in words.
fn written(
    rest: &Resting,
    wanted: &SaveOrder<'_>,
    sums: &str,
    meter: &mut Meter,
) -> Result<SavedPackage, String> {
    let path = rest.root().join(names::SUMS);
    let there = files::read(&path).map_err(|e| format!("{e}; nothing was saved"))?;
    if hex(&sha256(&there)) != sums {
        return Err(format!(
            "{} is not the package on record: nothing was saved; `beadle-hub clip check {}` says what is damaged",
            rest.root().display(),
            wanted.exhibit
        ));
    }
    let saved = out::save(rest, wanted, |bytes, of| meter.show(bytes, of));
    saved.map_err(|e| e.to_string())
}

fn take_away(saved: &SavedPackage) {
    let gone = match saved.path.is_dir() {
        true => std::fs::remove_dir_all(&saved.path),
        false => std::fs::remove_file(&saved.path),
    };
    let card = saved.card.as_ref().map(std::fs::remove_file);
    for left in [Some(gone), card].into_iter().flatten() {
        if let Err(e) = left {
            eprintln!("{} could not be taken away: {e}", saved.path.display());
        }
    }
}

fn tell(saved: &SavedPackage, seal: &Seal, copy: Option<u64>) {
    println!("saved      {}", saved.path.display());
    if let Some(card) = &saved.card {
        println!("card       {}", card.display());
    }
    let plain = match seal {
        Seal::None => "in plain: it is under no period of the hub; whoever has it answers for it",
        Seal::Recipient(_) => "encrypted to its recipient's key",
        Seal::Passphrase(_) => "encrypted with a passphrase",
    };
    println!(
        "           {} files, {} bytes, {plain}",
        saved.files, saved.bytes
    );
    println!("sha256     {}", hex(&saved.sha256));
    if let Some(copy) = copy {
        println!("copy       {copy}");
    }
    print!("{}", saved.report.render());
}

/// Verifies a package where it rests. The same report and exit status as `beadle-hub verify` gives of a saved one.
pub(super) fn check(state: &Path, exhibit: &ExhibitRef) -> Result<u8, CommandError> {
    let folder = load_config(state)?.evidence.join(exhibit.as_str());
    let (keys, options) = opening(state, exhibit)?;
    let mut packages = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed("list", &folder))? {
        let entry = entry.map_err(failed("list", &folder))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            packages.push(entry.path());
        }
    }
    packages.sort();
    if packages.is_empty() {
        return Err(CommandError::Plain(format!(
            "there is no package in {}",
            folder.display()
        )));
    }
    let mut worst = 0;
    for package in packages {
        let rest = Resting::new(package, keys.exhibit_identity(exhibit)?);
        let report = verify::package(&rest, &options);
        print!("{}", report.render());
        worst = worst.max(u8::try_from(report.exit_status()).unwrap_or(2));
    }
    Ok(worst)
}
