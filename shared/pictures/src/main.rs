//! Wiring. The picture worker's command line; see the library for what it does.
use std::{
    io::{self, BufReader, BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use beadle_pictures::{
    av::{self, vaapi::Device},
    mask, measure, sandbox, wire,
};
use shared::worker::{Failure, FromWorker, Sandbox, VERSION};

const USAGE: &str = "usage: beadle-pictures mask|measure [--vaapi DEVICE]
Started by beadle-edge.
  mask     one per masked camera: compressed pictures on stdin, masked ones, verdicts or stills on stdout
  measure  what masking costs here: processor time in microseconds per million pixels, one line of JSON; or why not
  --vaapi  encode on this graphics device, for example /dev/dri/renderD128";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["mask"] => mask_pictures(None),
        ["mask", "--vaapi", device] => mask_pictures(Some(Path::new(device))),
        ["measure"] => measure_cost(None),
        ["measure", "--vaapi", device] => measure_cost(Some(Path::new(device))),
        ["--version" | "-V"] => {
            println!("beadle-pictures {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Libraries and device set up, and the walls up around them. Also what the sandbox lacks.
fn shut_in(path: Option<&Path>) -> Result<(Option<Device>, Vec<String>), String> {
    sandbox::one_heap();
    av::init().map_err(|e| e.to_string())?;
    let device = path
        .map(Device::open)
        .transpose()
        .map_err(|e| e.to_string())?;
    if let Some(device) = &device {
        measure::warm(device);
    }
    let missing = sandbox::enter(device.is_some()).map_err(|e| e.to_string())?;
    Ok((device, missing))
}

/// The same libraries within the same walls as [`mask_pictures`].
fn measure_cost(path: Option<&Path>) -> ExitCode {
    let costs = shut_in(path)
        .and_then(|(device, _)| measure::run(device.as_ref()).map_err(|e| e.to_string()))
        .and_then(|costs| serde_json::to_string(&costs).map_err(|e| e.to_string()));
    let (line, code) = match costs {
        Ok(line) => (line, 0),
        Err(why) => {
            eprintln!("beadle-pictures: {why}");
            (serde_json::json!({"v": 1, "why": why}).to_string(), 1)
        }
    };
    println!("{line}");
    leave(code, path)
}

fn mask_pictures(path: Option<&Path>) -> ExitCode {
    let mut out = BufWriter::with_capacity(256 << 10, io::stdout().lock());
    let ready = shut_in(path).and_then(|(device, missing)| {
        let sandbox = FromWorker::Sandbox(Sandbox {
            v: VERSION,
            missing,
        });
        wire::write(&mut out, &sandbox)
            .and_then(|()| out.flush())
            .map_err(|e| format!("cannot write to the daemon: {e}"))?;
        Ok(device)
    });
    let device = match ready {
        Ok(device) => device,
        Err(why) => {
            let failure = Failure {
                why: why.clone(),
                dropped: 0,
                encoder: path.is_some(),
            };
            let _ = wire::write(&mut out, &FromWorker::Failure(failure)).and_then(|()| out.flush());
            eprintln!("beadle-pictures: {why}");
            return ExitCode::FAILURE;
        }
    };
    let from = BufReader::with_capacity(256 << 10, io::stdin().lock());
    let code = match mask::run(from, out, device) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("beadle-pictures: {error}");
            1
        }
    };
    leave(code, path)
}

/// With a graphics device open the process just ends: what its driver does at a program's end is not on the list of calls.
fn leave(code: u8, device: Option<&Path>) -> ExitCode {
    if device.is_some() {
        // SAFETY: ends this process; what was to be written is written.
        unsafe { nix::libc::_exit(code.into()) }
    }
    ExitCode::from(code)
}
