//! Wiring. `beadle-edge mask show|check`: a mask in words, and drawn on a picture for those who may see one.
//!
//! Whoever sets a mask must see what it is to hide. That is the installer, until the box is enrolled; from then on nobody at the box.
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use shared::{
    id::CameraId,
    mask::{How, Mask, from_toml, polygon},
};

use crate::{
    capture::{relay::known::Known, still},
    config::{self, Camera, Config, Passwords},
    failure::{Failed, exit},
    identity::Enrolment,
};

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a Camera, Failed> {
    let id = CameraId::parse(name).map_err(|e| Failed::new(exit::USAGE, e.to_string()))?;
    config.cameras.iter().find(|c| c.id == id).ok_or_else(|| {
        let all: Vec<&str> = config.cameras.iter().map(|c| c.id.as_str()).collect();
        let text = format!("this box has no camera {id}; it has {}", all.join(", "));
        Failed::new(exit::USAGE, text)
    })
}

/// The configuration's mask of a camera.
pub fn show(path: &Path, name: &str, out: Option<PathBuf>) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::InFiles)?;
    let camera = find(&config, name)?;
    let Some(mask) = &camera.mask else {
        let text = format!(
            "camera {} has no [camera.mask] in {}",
            camera.id,
            path.display()
        );
        return Err(Failed::new(exit::CONFIG, text));
    };
    say(camera, mask);
    draw(&config, camera, mask, out)
}

/// A mask that is not in force yet: from a file with the keys of `[camera.mask]`.
pub fn check(
    path: &Path,
    name: &str,
    file: &Path,
    out: Option<PathBuf>,
) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::InFiles)?;
    let camera = find(&config, name)?;
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failed::new(exit::IO, format!("cannot read {}: {e}", file.display())))?;
    let mask = from_toml(&text).map_err(|wrong| {
        let all: Vec<String> = wrong.iter().map(|w| format!("\n  {w}")).collect();
        let text = format!("{} cannot be used:{}", file.display(), all.concat());
        Failed::new(exit::CONFIG, text)
    })?;
    if camera.ptz {
        return Err(Failed::new(exit::CONFIG, config::PTZ_MASK));
    }
    say(camera, &mask);
    draw(&config, camera, &mask, out)
}

fn say(camera: &Camera, mask: &Mask) {
    println!(
        "camera {} ({}): mask {}, {}, {}, {:.1} % of the picture",
        camera.id,
        camera.title,
        mask.id,
        mask.style.code(),
        match mask.how {
            How::Burned => "painted by this box",
            How::Camera => "in the camera, proved by this box",
        },
        mask.permille() as f64 / 10.0
    );
    match (mask.review, &mask.reviewer) {
        (Some(day), Some(who)) => println!("reviewed by {who}, due again {day}"),
        (Some(day), None) => println!("due for review {day}"),
        (None, _) => println!("no review date: masks are to be reviewed at least yearly"),
    }
    for (i, corners) in mask.polygons.iter().enumerate() {
        let span = |pick: fn(&polygon::Corner) -> f64| {
            let all = corners.iter().map(pick);
            let (low, high) = all.fold((1f64, 0f64), |(l, h), v| (l.min(v), h.max(v)));
            format!("{:.0} to {:.0} %", low * 100.0, high * 100.0)
        };
        println!(
            "  polygon {}: {} corners, {} across, {} down",
            i + 1,
            corners.len(),
            span(|c| c.0),
            span(|c| c.1)
        );
    }
}

fn draw(
    config: &Config,
    camera: &Camera,
    mask: &Mask,
    out: Option<PathBuf>,
) -> Result<ExitCode, Failed> {
    let Some(out) = out else {
        return Ok(ExitCode::SUCCESS);
    };
    let enrolled = Enrolment::load(&config.state())
        .map_err(|e| Failed::new(exit::IO, e))?
        .is_some();
    if enrolled {
        let text = format!(
            "this box is enrolled, and whoever is at an enrolled box sees no picture of its cameras: nothing was drawn. Hub staff see \
             how the mask of {} lies in a clip (beadle-hub clip pull); a mask is reviewed with beadle-hub mask review, and set anew with beadle-hub mask set",
            camera.id
        );
        return Err(Failed::new(exit::UNAVAILABLE, text));
    }
    eprintln!("asking camera {} for a picture …", camera.id);
    let jpeg = still::outlined(
        &config.pictures,
        camera,
        &Known::still(config.state().cameras()),
        mask,
    )
    .map_err(|why| Failed::new(exit::UNAVAILABLE, format!("{why}; nothing was drawn")))?;
    // Never over something else, and for this user's eyes only.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&out)
        .and_then(|mut f| std::io::Write::write_all(&mut f, &jpeg))
        .map_err(|e| Failed::new(exit::IO, format!("cannot write {}: {e}", out.display())))?;
    println!(
        "drawn on what the camera sees now: {} (it shows what the mask is to hide: delete it when it has been looked at)",
        out.display()
    );
    Ok(ExitCode::SUCCESS)
}
