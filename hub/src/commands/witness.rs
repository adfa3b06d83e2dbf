//! Wiring. `beadle-hub witness`: an inspector's laptop as a witness of a hub's log, with one command. No hub runs there.

use std::path::{Path, PathBuf};

use hyper::{Method, Uri};
use logbook::SystemClock;
use ring::signature::{Ed25519KeyPair, KeyPair};
use shared::{
    note::{ALG_COSIGNATURE, SignedHead, Vkey},
    record::{hex, unhex},
    time::Clock,
    witness::{Judged, Submission},
};

use crate::{
    failure::CommandError,
    files, keys,
    outside::http::{self, Answer, HttpRequest},
    witness::Watch,
};

#[derive(clap::Args)]
pub struct Args {
    /// Where this witness keeps its key and the head it saw last; made at the first time
    folder: PathBuf,
    /// What this witness is called, at the first time: like inspector.example.org/laptop
    #[arg(long)]
    name: Option<String>,
    /// Address of the hub: https://hub.example.gov.uk:8443. Left out: only the key is made and shown
    #[arg(long)]
    from: Option<String>,
    /// The hub's countersigning key, from the council's page
    #[arg(long)]
    hub: Option<String>,
    /// Certificate (PEM) of the authority that vouches for the hub's server: its ca.crt
    #[arg(long)]
    tls: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<u8, CommandError> {
    let (key, pair) = own(args)?;
    println!("this witness is\n{key}");
    let Some(from) = &args.from else {
        println!(
            "whoever looks after the hub writes that key under [[outside.witness]] in hub.toml; then give --from and --hub"
        );
        return Ok(0);
    };
    let plain = |text: String| CommandError::Plain(text);
    let hub = args.hub.as_deref().ok_or_else(|| {
        plain("--hub: missing; the hub's countersigning key, from the council's page".into())
    })?;
    let hub = Vkey::parse(hub.trim()).map_err(|e| plain(format!("--hub: {e}")))?;
    let tls = args.tls.as_deref().map(files::read_text).transpose()?;
    let ask = |method, path: String, body| fetch(from, method, path, body, tls.as_deref());
    let id = format!("+{}", hex(&key.id()));

    let answer = ask(Method::GET, format!("/witness/next/{id}"), Vec::new())?;
    let sent = match answer.status {
        200 => Submission::parse(&answer.body).map_err(|e| plain(format!("{from}: {e}")))?,
        404 => {
            println!(
                "nothing waits for this witness at {from}: it was all attested, or its key is not named there yet"
            );
            return Ok(0);
        }
        status => return Err(plain(format!("{from} answered with HTTP status {status}"))),
    };
    let head = &sent.head.head;
    let watch = Watch::new(&args.folder.join("seen"));
    let now = now();
    let sign = |message: &[u8]| {
        let mut out = [0; 64];
        out.copy_from_slice(pair.sign(message).as_ref());
        out
    };
    let (judged, signature) = watch.attest(&sent, std::slice::from_ref(&hub), &key, |head| {
        head.cosign(&key, now, sign);
    })?;
    let Some(signature) = signature else {
        let why = refusal(judged);
        println!(
            "NOT ATTESTED: {} of {} lines: {why}",
            head.origin, head.size
        );
        return Ok(1);
    };
    let note = SignedHead {
        head: head.clone(),
        signatures: vec![signature],
    };
    let answer = ask(
        Method::POST,
        "/witness/cosignature".into(),
        note.render().into_bytes(),
    )?;
    if answer.status != 200 {
        return Err(plain(format!(
            "{from} did not take the cosignature (HTTP status {}); the head is kept here, and the next time goes on from it",
            answer.status
        )));
    }
    println!("attested {} lines of {}", head.size, head.origin);
    Ok(0)
}

fn refusal(judged: Judged) -> String {
    match judged {
        Judged::Elsewhere { size } => format!(
            "this witness saw {size} lines last, and the hub thinks that it saw another number. If the hub was put back from a backup, it has to say so; if this folder was, take the newer one"
        ),
        Judged::Forked | Judged::Unproven => "it is another history than the one this witness saw. Keep the folder `seen`: both heads are in it, and each convicts the other".into(),
        Judged::Unknown | Judged::Unsigned => "it is not countersigned with the key given by --hub".into(),
        Judged::Backwards => "it has fewer lines than before".into(),
        Judged::Sound => "it could not be signed".into(),
    }
}

/// The witness's own key, made at the first time.
fn own(args: &Args) -> Result<(Vkey, Ed25519KeyPair), CommandError> {
    let plain = |text: &str| CommandError::Plain(text.to_owned());
    let path = args.folder.join("witness.key");
    if !path.exists() {
        let name = args.name.as_deref().ok_or_else(|| {
            plain("--name: missing; this folder holds no witness yet. Call it like inspector.example.org/laptop")
        })?;
        let seed = keys::random::<32>()?;
        files::private_dir(&args.folder)?;
        files::write_whole(&path, format!("{name} {}\n", hex(&seed)).as_bytes(), 0o600)?;
    }
    let text = files::read_text(&path)?;
    let read = text.trim().split_once(' ');
    let read = read.and_then(|(name, seed)| Some((name, unhex(seed)?)));
    let (name, seed) = read.ok_or_else(|| unusable(&path))?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| unusable(&path))?;
    let mut public = [0; 32];
    public.copy_from_slice(pair.public_key().as_ref());
    let key = Vkey::new(name, ALG_COSIGNATURE, public);
    // A name that no signature line could bear.
    let key = Vkey::parse(&key.to_string()).map_err(|e| CommandError::Plain(e.to_string()))?;
    Ok((key, pair))
}

fn unusable(path: &Path) -> CommandError {
    CommandError::Plain(format!(
        "{} is not a witness's key; nothing was attested",
        path.display()
    ))
}

fn fetch(
    from: &str,
    method: Method,
    path: String,
    body: Vec<u8>,
    tls: Option<&str>,
) -> Result<Answer, CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(format!("{from}: {e}"));
    let url = format!("{}{path}", from.trim_end_matches('/'));
    let url: Uri = url.parse().map_err(|e| plain(&e))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let asked = HttpRequest {
        method,
        url: &url,
        kind: "text/plain; charset=utf-8",
        body,
        tls,
    };
    runtime.block_on(http::ask(asked)).map_err(|e| plain(&e))
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(SystemClock.now().wall.0 / 1000).unwrap_or(0)
}
