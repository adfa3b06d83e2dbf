//! Wiring. `beadle-hub init`: keys, certificate authority, hub.toml, own log, first staff account.

use std::{path::Path, sync::Arc};

use logbook::SystemClock;
use shared::time::Clock;

use crate::{
    access::{accounts, declaration},
    config::{Config, Raw},
    db::Db,
    failure::CommandError,
    files::{private_dir, write_whole},
    keys::Keys,
    model::role::Role,
    ownlog::OwnLog,
    supervise::{hub_names, lock_state},
};

#[derive(clap::Args)]
pub struct Args {
    /// Name of the scheme, first part of every log's name
    #[arg(long, default_value = "cctv.example.gov.uk")]
    scheme: String,
    /// Time zone of local days
    #[arg(long, default_value = "Europe/London")]
    zone: String,
    /// Where boxes dial in
    #[arg(long, default_value = "127.0.0.1:4433")]
    quic: String,
    /// Where staff pages are served
    #[arg(long, default_value = "127.0.0.1:8443")]
    https: String,
    /// Folder of evidence packages (relative to the state folder, or absolute)
    #[arg(long, default_value = "evidence")]
    evidence: String,
    /// What staff type to reach the pages and boxes to dial, without port (may be repeated); left out: from --address, or where the hub
    /// listens. The hub's certificates bear it, and its authority may certify these and what is below --scheme, nothing else, ever
    #[arg(long = "name")]
    names: Vec<String>,
    /// What long one-time codes tell boxes to dial, when it is not --quic
    #[arg(long)]
    address: Option<String>,
    /// Name of the first staff account
    #[arg(long, default_value = "manager")]
    staff: String,
    /// Name of the second: what decides over accounts takes two people from the first day on
    #[arg(long, default_value = "deputy")]
    second_staff: String,
}

pub fn run(state: &Path, args: &Args) -> Result<(), CommandError> {
    if state.join("hub.toml").exists() {
        return Err(CommandError::Plain(format!(
            "there is a hub in {} already; nothing was changed",
            state.display()
        )));
    }
    if args.staff == args.second_staff {
        return Err(CommandError::Plain(
            "--staff and --second-staff are two people; nothing was made".into(),
        ));
    }
    let mut raw = Raw {
        scheme: Some(args.scheme.clone()),
        zone: Some(args.zone.clone()),
        quic: Some(args.quic.clone()),
        https: Some(args.https.clone()),
        evidence: Some(args.evidence.clone()),
        names: (!args.names.is_empty()).then(|| args.names.clone()),
        address: args.address.clone(),
        lookup: None,
        holds: None,
        disks: None,
        outside: None,
        periods: None,
        sign_in: None,
    };
    let mut config = Config::check(raw.clone(), state)?;
    config.names = hub_names(&config)?;
    raw.names = Some(config.names.clone());
    let text = toml::to_string(&raw).map_err(|e| CommandError::Plain(e.to_string()))?;
    private_dir(state)?;
    let _lock = lock_state(state)?;
    private_dir(&config.evidence)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = Arc::new(Keys::create(
        state,
        &config.scheme,
        &config.names,
        clock.now().wall,
    )?);
    let db = Db::open(state)?;
    // Opening the log names the seal key in it.
    let (log, _) = OwnLog::open(state, &config.scheme, keys.clone(), clock)?;
    let mut people = Vec::new();
    for name in [&args.staff, &args.second_staff] {
        let password = accounts::first(&db, &log, name, Role::Coordinator)
            .map_err(|e| CommandError::Plain(e.to_string()))?;
        people.push((name, password));
    }
    write_whole(
        &declaration::path(state),
        declaration::FIRST.as_bytes(),
        0o640,
    )?;
    log.close("init")?;
    // Last: a hub.toml says that all the rest is there.
    write_whole(&state.join("hub.toml"), text.as_bytes(), 0o640)?;
    println!("hub made in {}", state.display());
    println!("scheme     {}   zone {}", config.scheme, config.zone_name);
    println!(
        "boxes      {}   staff pages https://{}/",
        config.quic, config.https
    );
    println!("called     {}", config.names.join(", "));
    println!("verify key {}", keys.cosign_vkey());
    for (name, password) in people {
        println!(
            "sign-in    {name}   password {password}   (shown this once; has to be changed first)"
        );
    }
    println!("next       beadle-hub run --state {}", state.display());
    Ok(())
}
