//! Wiring. `beadle-edge check-config F`: the same reading as `run`, and a summary of what it means.

use std::{path::Path, process::ExitCode};

use shared::mask::How;

use crate::{
    capture::relay::known::Known,
    config::{self, Passwords},
    failure::{Failed, exit},
    health::checks::camera::known_by,
    identity::fixed,
    masking::capacity,
};

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
    let c = config::load_as_service(path, Passwords::InFiles)?;
    // Whoever may not read the state folder is told so, and of the rest all the same.
    let held = match fixed::check(&c, path, false) {
        Err(e) if e.is_permission() => Some(e.to_string()),
        other => other.map(|()| None)?,
    };
    println!("{}: good", path.display());
    if let Some(why) = held {
        println!("not looked at: {why}");
    }
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
    let known = Known::still(c.state().cameras());
    for camera in &c.cameras {
        let certificate = known_by(camera, &known)
            .map_err(|why| Failed::new(exit::CONFIG, format!("camera {}: {why}", camera.id)))?;
        let certificate = certificate.map_or(String::new(), |c| format!(", {c}"));
        let login = if camera.basic {
            ", may be told its password in Basic"
        } else {
            ""
        };
        let mask = camera.mask.as_ref().map_or("no mask".into(), |m| {
            let review = m
                .review
                .map_or("no review date".into(), |d| format!("review due {d}"));
            let imposed = match m.how {
                How::Burned => "painted by this box",
                How::Camera => "in the camera, proved by this box",
            };
            format!(
                "{} mask {} over {:.1} % of the picture, {imposed}, {review}",
                m.style.code(),
                m.id,
                m.permille() as f64 / 10.0
            )
        });
        println!(
            "camera {} ({}): {}{certificate}{login}, kept {} days, {mask}, {}, {}",
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
    let painted = |c: &&config::Camera| c.mask.as_ref().is_some_and(|m| m.how == How::Burned);
    let painted = c.cameras.iter().filter(painted).count();
    if painted > 0 {
        let carries = capacity::carries(&c, &c.state().pictures())
            .unwrap_or_else(|why| format!("what this box carries is not known: {why}"));
        println!("masks to paint: {painted}; {carries}");
    }
    Ok(ExitCode::SUCCESS)
}
