//! Wiring. `beadle-edge check-config F`: the same reading as `run`, and a summary of what it means.

use std::{path::Path, process::ExitCode};

use super::Failed;
use crate::config::{self, Passwords};

fn rate(camera: &config::Camera) -> String {
    let Some(t) = &camera.timelapse else {
        return "continuous".into();
    };
    let on = match &t.event {
        Some(event) => format!(
            "by order, or by event {event} and {} s after it",
            t.hold_secs
        ),
        None => "by order".into(),
    };
    format!(
        "time-lapse, a picture every {} s; real time {on}",
        t.every_secs
    )
}

pub fn run(path: &Path) -> Result<ExitCode, Failed> {
    let c = config::load(path, Passwords::InFiles)?;
    println!("{}: good", path.display());
    println!(
        "box {} of {}, {} ({})",
        c.name, c.scheme, c.site, c.zone_name
    );
    println!(
        "state in {}, footage on {}",
        c.state.display(),
        c.volumes
            .iter()
            .map(|v| v.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    for camera in &c.cameras {
        let mask = camera.mask.as_ref().map_or("no mask".into(), |m| {
            let review = m
                .review
                .map_or("no review date".into(), |d| format!("review due {d}"));
            format!(
                "mask {} over {:.1} % of the picture, {review}",
                m.id,
                m.permille() as f64 / 10.0
            )
        });
        println!(
            "camera {} ({}): {}, kept {} days, {mask}, {}, {}",
            camera.id,
            camera.title,
            camera.url,
            camera.retention_days,
            rate(camera),
            camera
                .sound
                .as_ref()
                .map_or("no sound".into(), |why| format!("with sound ({why})"))
        );
    }
    Ok(ExitCode::SUCCESS)
}
