//! Adapter: retina. Asks a camera what it offers, and starts nothing.

use std::time::Duration;

use retina::client::{Credentials, Session, SessionOptions};

use super::Line;
use crate::config::Camera;

const LIMIT: Duration = Duration::from_secs(8);

pub fn check(camera: &Camera) -> Vec<Line> {
    let what = format!("camera {}", camera.id);
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return vec![Line::wrong(what, "camera.unreachable", e)],
    };
    let line = match runtime.block_on(async { tokio::time::timeout(LIMIT, describe(camera)).await })
    {
        Err(_) => Line::wrong(
            what,
            "camera.unreachable",
            format!(
                "{} gives no answer within {} s",
                at(camera),
                LIMIT.as_secs()
            ),
        ),
        Ok(Err((code, why))) => Line::wrong(what, code, why),
        Ok(Ok(offers)) => Line::good(what, format!("answers at {}, offers {offers}", at(camera))),
    };
    vec![line]
}

fn at(camera: &Camera) -> String {
    format!(
        "{}:{}",
        camera.url.host_str().unwrap_or(""),
        camera.url.port().unwrap_or(554)
    )
}

async fn describe(camera: &Camera) -> Result<String, (&'static str, String)> {
    let creds = camera.username.as_ref().map(|username| Credentials {
        username: username.clone(),
        password: camera
            .password
            .as_ref()
            .map_or(String::new(), |p| p.reveal().to_owned()),
    });
    let unknown = creds.as_ref().is_some_and(|c| c.password.is_empty());
    let options = SessionOptions::default()
        .creds(creds)
        .user_agent("beadle doctor".into());
    let session = Session::describe(camera.url.clone(), options)
        .await
        .map_err(|e| {
            let text = e.to_string();
            let why = text.lines().next().unwrap_or_default().to_owned();
            match e.status_code() {
                Some(401 | 403) if unknown => (
                    "camera.password",
                    format!("{} answers, but its password is only there while the recorder runs: run doctor as root then", at(camera)),
                ),
                Some(401 | 403) => ("camera.password", format!("{} refuses it", at(camera))),
                None if camera.username.is_none() && text.contains("401") => (
                    "camera.password",
                    format!("{} asks for a user name and password", at(camera)),
                ),
                Some(404) => (
                    "camera.unreachable",
                    format!("{} answers, but has no {}", at(camera), camera.url.path()),
                ),
                _ => ("camera.unreachable", format!("{}: {why}", at(camera))),
            }
        })?;
    let offers: Vec<String> = session
        .streams()
        .iter()
        .map(|s| format!("{} {}", s.media(), s.encoding_name()))
        .collect();
    if session
        .streams()
        .iter()
        .any(|s| s.media() == "video" && matches!(s.encoding_name(), "h264" | "h265"))
    {
        Ok(offers.join(", "))
    } else {
        Err((
            "camera.unsupported",
            format!(
                "it offers {}",
                if offers.is_empty() {
                    "nothing".into()
                } else {
                    offers.join(", ")
                }
            ),
        ))
    }
}
