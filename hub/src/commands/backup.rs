//! Wiring. `beadle-hub backup`, `backups`, `restore`, `rollback`: what a lost hub cannot make again, written sealed into a folder, put back on another
//! machine, and what two people settle then. Whoever writes a backup reads the hub's folders by being root or the hub's own user.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::{Args, Subcommand};
use serde::Serialize;
use shared::time::{Clock, Utc, Zone};
use zeroize::Zeroizing;

use super::{client::Client, meter::Meter, person, terminal::print_json};
use crate::{
    access::accounts,
    backup::{
        error::BackupError,
        format::Upto,
        make::{self, BackupReport, Folder, KEPT, KEYS_KEPT, OwnPart, Plan, To},
        restore::{self as back, BackupKey, RestoreOrder, RestoreReport},
        rolled::RollbackShown,
    },
    failure::CommandError,
    files,
    model::backup::WrittenBackup,
    ops::backups,
    supervise::{self, load_config},
    words,
};

impl From<BackupError> for CommandError {
    fn from(e: BackupError) -> Self {
        Self::Plain(e.to_string())
    }
}

/// A backup that is to be made.
#[derive(Args)]
pub struct MakeArgs {
    /// Where it is written: an empty folder, or one that has this hub's earlier backups
    folder: PathBuf,
    /// Seal a new folder to this age recipient, like age1…; its identity is not kept on this machine
    #[arg(long, value_name = "AGE1…", conflicts_with_all = ["passphrase", "passphrase_file"])]
    to: Option<String>,
    /// Seal a new folder with a passphrase that is made up and shown once
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    /// Seal a new folder with the passphrase that is the first line of this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// So many backups stay in the folder, the newest
    #[arg(long, default_value_t = KEPT)]
    keep: u32,
    /// Of so many of these the exhibits' keys stay: what is disposed of is gone from the folder after as many backups
    #[arg(long, default_value_t = KEYS_KEPT)]
    keep_keys: u32,
    /// Read all that is there already too, and write again what is damaged
    #[arg(long)]
    check: bool,
    /// What was written as JSON
    #[arg(long)]
    json: bool,
}

/// Backups that were made.
#[derive(Args)]
pub struct ListArgs {
    /// Read this folder instead, all of it, and say what of it is damaged; takes no key
    folder: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

/// A hub that is to be put back.
#[derive(Args)]
pub struct RestoreArgs {
    /// A folder that `beadle-hub backup` wrote
    folder: PathBuf,
    /// The file with the identity that opens it (AGE-SECRET-KEY-1…)
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// The file whose first line is its passphrase; without it, and without --identity, it is asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Not the newest backup but this one
    #[arg(long)]
    backup: Option<u64>,
    /// Where evidence lies from now on, instead of where hub.toml says
    #[arg(long)]
    evidence: Option<PathBuf>,
    /// Put back all else where parts of evidence are damaged, and name what was left out
    #[arg(long)]
    leave_out_damaged: bool,
    /// What was put back as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum RollbackCommand {
    /// Whether this hub's records are an older copy, and what has to be looked at then
    Show {
        #[arg(long)]
        json: bool,
    },
    /// Ask that it be taken for settled: all of it was looked at
    Settle {
        /// What was looked at, and done again
        #[arg(long)]
        reason: String,
    },
    /// The second person's word
    Approve,
}

/// The passphrase in a file's first line.
fn passphrase(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let bytes = Zeroizing::new(files::read(path)?);
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default().trim();
    Ok(Zeroizing::new(line.to_owned()))
}

/// Whom a new folder is sealed to, and the passphrase to show.
fn to(args: &MakeArgs) -> Result<(Option<To>, Option<Zeroizing<String>>), CommandError> {
    if let Some(to) = &args.to {
        return Ok((Some(To::Recipient(to.clone())), None));
    }
    if args.passphrase {
        let made = accounts::one_time().map_err(|e| CommandError::Plain(e.to_string()))?;
        let made = Zeroizing::new(made);
        return Ok((Some(To::Passphrase(made.clone())), Some(made)));
    }
    let Some(path) = &args.passphrase_file else {
        return Ok((None, None));
    };
    let words = passphrase(path)?;
    match (12..=200).contains(&words.chars().count()) {
        true => Ok((Some(To::Passphrase(words)), None)),
        false => Err(CommandError::Plain(format!(
            "the first line of {} is no passphrase of 12 to 200 letters; nothing was written",
            path.display()
        ))),
    }
}

/// What was made.
#[derive(Serialize)]
struct MadeRow<'a> {
    backup: u64,
    made: Utc,
    folder: &'a Path,
    files: u64,
    bytes: u64,
    fresh: u64,
    exhibit_keys: u64,
    dropped: u64,
    mended: u64,
    sums: &'a str,
    seconds: u64,
}

pub fn make(hub: &Client, args: &MakeArgs) -> Result<(), CommandError> {
    let (to, shown) = to(args)?;
    let config = load_config(hub.state())?;
    let new = !args.folder.join(crate::backup::format::LABEL).exists();
    if !new && matches!(to, Some(To::Passphrase(_))) {
        return Err(CommandError::Plain(format!(
            "{} has its passphrase already, which stays: nothing was written. Leave --passphrase out",
            args.folder.display()
        )));
    }
    let since = Instant::now();
    let mut folder = Folder::begin(&args.folder, &config.scheme, to.as_ref())?;
    let begun = hub.ask(&backups::Begin {
        folder: folder.label().id.clone(),
        recipient: folder.label().to.clone(),
        above: folder.highest()?,
    })?;
    let moment = begun.moment;
    let plan = Plan {
        state: hub.state().to_owned(),
        evidence: config.evidence.clone(),
        records: moment.records,
        own: OwnPart {
            number: moment.number,
            size: moment.size,
            head: moment.head,
        },
        upto: Upto {
            log: moment.log,
            size: moment.size,
            root: moment.root,
        },
        n: begun.backup,
        made: begun.made,
        keep: args.keep,
        keep_keys: args.keep_keys,
        thorough: args.check,
    };
    let mut meter = Meter::new("backup");
    let written = make::make(&mut folder, &plan, |bytes, of| meter.show(bytes, of));
    meter.end();
    let end = |written| backups::End {
        backup: begun.backup,
        written,
    };
    let written = match written {
        Ok(written) => written,
        Err(e) => {
            let told = hub.ask(&end(None));
            return Err(CommandError::Plain(match told {
                Ok(_) => e.to_string(),
                Err(t) => format!("{e}\nThe hub could not be told that it came to nothing: {t}"),
            }));
        }
    };
    hub.ask(&end(Some(WrittenBackup {
        sums: written.sums.clone(),
        files: written.mark.files,
        bytes: written.mark.bytes,
        fresh: written.new,
    })))
    .map_err(|e| {
        CommandError::Plain(format!(
            "backup {} is whole, and the hub could not be told so: {e}",
            begun.backup
        ))
    })?;
    let seconds = since.elapsed().as_secs();
    match args.json {
        true => print_json(&MadeRow {
            backup: begun.backup,
            made: begun.made,
            folder: &args.folder,
            files: written.mark.files,
            bytes: written.mark.bytes,
            fresh: written.new,
            exhibit_keys: written.exhibit_keys,
            dropped: written.dropped,
            mended: written.mended,
            sums: &written.sums,
            seconds,
        })?,
        false => tell(args, &written, &config.zone, seconds),
    }
    if let Some(made) = shown {
        // Not among what a script reads.
        eprintln!("passphrase {}", made.as_str());
        eprintln!(
            "           it is kept nowhere and shown once: without it nothing can be put back. Write it down, and keep it in a safe away from this machine"
        );
    }
    Ok(())
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn tell(args: &MakeArgs, w: &BackupReport, zone: &Zone, seconds: u64) {
    let m = &w.mark;
    println!(
        "backup     {} in {}, of {}",
        m.n,
        args.folder.display(),
        m.made.for_people(zone)
    );
    println!(
        "           {} files, {} MiB, {} MiB of it new; written and read back in {seconds} s",
        m.files,
        mib(m.bytes),
        mib(w.new)
    );
    println!(
        "in it      the authority's and all other keys of the hub, hub.toml, the declaration, its records, its own log up to line {}, the boxes' logs, all evidence; apart from these {} keys of exhibits",
        m.upto.size, w.exhibit_keys
    );
    println!(
        "not in it  footage at boxes; what is being fetched now, which is fetched again; saved copies; whatever opens this folder"
    );
    println!(
        "kept       the newest {} backups, the exhibits' keys of the newest {}{}",
        args.keep.max(1),
        args.keep_keys.min(args.keep).max(1),
        match w.dropped {
            0 => String::new(),
            n => format!("; {n} older parts were taken away"),
        }
    );
    if w.mended > 0 {
        println!(
            "mended     {} pieces that were damaged and were written again: test the disk of that folder",
            w.mended
        );
    }
    println!("sha256     {}", w.sums);
}

/// What is in a folder.
#[derive(Serialize)]
struct FolderRow {
    backups: Vec<u64>,
    pieces: u64,
    damaged: Vec<String>,
}

/// The hub's list, or a folder's. Exit status 4: something of the folder is damaged.
pub fn list(hub: &Client, args: &ListArgs) -> Result<u8, CommandError> {
    let Some(folder) = &args.folder else {
        let all = hub.ask(&backups::List {})?;
        if args.json {
            print_json(&all)?;
            return Ok(0);
        }
        let zone = hub.zone()?;
        if all.is_empty() {
            println!("no backup of this hub was ever made: beadle-hub backup FOLDER --to age1…");
        }
        for b in &all {
            println!("{}", words::backup(b, &zone));
        }
        return Ok(0);
    };
    let mut meter = Meter::new("check");
    let (marks, pieces, damaged) = make::check(folder, |at, of| meter.show(at << 20, of << 20))?;
    meter.end();
    if args.json {
        print_json(&FolderRow {
            backups: marks.iter().map(|m| m.n).collect(),
            pieces,
            damaged: damaged.iter().map(ToString::to_string).collect(),
        })?;
    } else {
        for m in &marks {
            println!(
                "{:>6} {} {} files, {} MiB, the hub's log up to line {}",
                m.n,
                m.made,
                m.files,
                mib(m.bytes),
                m.upto.size
            );
        }
        for e in &damaged {
            println!("✖ {e}");
        }
        println!(
            "{} backups of {pieces} pieces, {} damaged or missing",
            marks.len(),
            damaged.len()
        );
    }
    Ok(if damaged.is_empty() { 0 } else { 4 })
}

/// The same for programs.
#[derive(Serialize)]
struct RestoredRow<'a> {
    backup: u64,
    made: Utc,
    files: u64,
    bytes: u64,
    exhibit_keys: u64,
    damaged: &'a [String],
    disposed: &'a [String],
    log: &'a str,
    vkey: &'a str,
}

pub fn restore(state: &Path, args: &RestoreArgs) -> Result<(), CommandError> {
    let opens = match (&args.identity, &args.passphrase_file) {
        (Some(path), _) => {
            let bytes = Zeroizing::new(files::read(path)?);
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            let line = text.lines().find(|l| l.starts_with("AGE-SECRET-KEY-1"));
            let line = line.ok_or_else(|| {
                CommandError::Plain(format!(
                    "there is no identity (a line AGE-SECRET-KEY-1…) in {}; nothing was put back",
                    path.display()
                ))
            })?;
            BackupKey::Identity(Zeroizing::new(line.trim().to_owned()))
        }
        (None, Some(path)) => BackupKey::Passphrase(passphrase(path)?),
        (None, None) => {
            let line = Zeroizing::new(person::secret("Passphrase of the backup")?);
            BackupKey::Passphrase(Zeroizing::new(line.trim().to_owned()))
        }
    };
    files::private_dir(state)?;
    let _lock = supervise::lock_state(state)?;
    let wanted = RestoreOrder {
        folder: args.folder.clone(),
        state: state.to_owned(),
        opens,
        backup: args.backup,
        evidence: args.evidence.clone(),
        leave_out: args.leave_out_damaged,
    };
    let clock: Arc<dyn Clock> = Arc::new(logbook::SystemClock);
    let since = Instant::now();
    let mut meter = Meter::new("restore");
    let done = back::restore(&wanted, clock, |bytes, of| meter.show(bytes, of));
    meter.end();
    let done = done.map_err(|e| match e {
        BackupError::HubThere(_) | BackupError::StateNotEmpty(..) => CommandError::from(e),
        e => CommandError::Plain(format!(
            "{e}\nThere is no hub in {} yet; the same command can be given again, and begins anew",
            state.display()
        )),
    })?;
    if args.json {
        return print_json(&RestoredRow {
            backup: done.mark.n,
            made: done.mark.made,
            files: done.files,
            bytes: done.bytes,
            exhibit_keys: done.exhibit_keys,
            damaged: &done.damaged,
            disposed: &done.disposed,
            log: &done.log,
            vkey: &done.vkey,
        });
    }
    say(state, &done, since.elapsed().as_secs())
}

fn say(state: &Path, done: &RestoreReport, seconds: u64) -> Result<(), CommandError> {
    let zone = load_config(state)?.zone;
    println!(
        "put back   backup {} in {}: the hub as it was {}",
        done.mark.n,
        state.display(),
        done.mark.made.for_people(&zone)
    );
    println!(
        "           {} files, {} MiB, {} keys of exhibits (of backup {}), in {seconds} s",
        done.files,
        mib(done.bytes),
        done.exhibit_keys,
        done.keys_of
    );
    if done.newer > 0 {
        println!(
            "           {} newer backups of the folder were not taken, as you said",
            done.newer
        );
    }
    for path in &done.damaged {
        println!("left out   {path}: damaged in this backup");
    }
    for exhibit in &done.disposed {
        println!("left out   {exhibit}: it was disposed of after this backup");
    }
    println!(
        "log        {} is begun; what the lost hub wrote after line {} of {} is its own",
        done.log, done.mark.upto.size, done.mark.upto.log
    );
    println!("verify key {}", done.vkey);
    println!(
        "           compare it with the key the scheme publishes: that tells that this is your hub's backup"
    );
    println!(
        "next       see that the lost hub can never run again, let its address lead here (hub.toml), then: systemctl start beadle-hub"
    );
    println!(
        "           HUB-ROLLED-BACK stands until two people have settled it: beadle-hub rollback show"
    );
    Ok(())
}

pub fn rollback(hub: &Client, command: RollbackCommand) -> Result<(), CommandError> {
    let (shown, json) = match command {
        RollbackCommand::Show { json } => (hub.ask(&backups::Rollback {})?, json),
        RollbackCommand::Settle { reason } => (hub.ask(&backups::Ask { reason })?, false),
        RollbackCommand::Approve => (hub.ask(&backups::Approve {})?, false),
    };
    if json {
        return print_json(&shown);
    }
    let zone = hub.zone()?;
    for line in lines(&shown, &zone) {
        println!("{line}");
    }
    Ok(())
}

fn lines(shown: &RollbackShown, zone: &Zone) -> Vec<String> {
    let Some(r) = &shown.stands else {
        return vec!["this hub's records are no older copy, or that is settled".into()];
    };
    let mut all = words::rolled(r, zone);
    all.push(words::settling().into());
    all.push(match &r.asked {
        None => "Nobody has asked yet: beadle-hub rollback settle --reason \"…\" --as NAME".into(),
        Some(a) => format!(
            "{} asks that it be settled ({}); somebody else approves until {}: beadle-hub rollback approve --as NAME",
            a.by,
            a.reason.as_deref().unwrap_or("erased"),
            a.expires.for_people(zone)
        ),
    });
    all
}
