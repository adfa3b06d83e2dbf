//! Task. What each camera is called and where it stands, on the record (`cam.set`): a name is a fact of the time it was recorded under,
//! and the configuration only knows today's.
use std::{collections::BTreeMap, time::Duration};

use logbook::{LogError, LogHandle};
use shared::{id::CameraId, types::CamSet};

use crate::{config::Config, stop::Stop, store::Index};

const WHO: &str = "sys:rec";
const RETRY: Duration = Duration::from_secs(1);

/// The names that the log does not say yet, by camera.
pub struct Names(BTreeMap<CameraId, CamSet>);

impl Names {
    /// Those of the configuration that differ from the newest in the log. An index that cannot be asked says nothing: then all are said.
    pub fn of(config: &Config, index: &Index) -> Self {
        let news = config.cameras.iter().filter_map(|c| {
            let line = CamSet {
                cam: c.id.clone(),
                title: c.title.clone(),
                site: config.site.clone(),
            };
            let said = index.called(&c.id).ok().flatten();
            let known = said.is_some_and(|(title, site)| title == line.title && site == line.site);
            (!known).then(|| (c.id.clone(), line))
        });
        Self(news.collect())
    }

    /// Says a camera's. Until the log takes it, the camera's own lines would not be taken either; recording does not wait for them.
    pub fn declare(&self, cam: &CameraId, log: &LogHandle, stop: &Stop) {
        let Some(line) = self.0.get(cam) else { return };
        loop {
            match log.append_soon(WHO, line) {
                Ok(_) | Err(LogError::Stopped(_)) => return,
                Err(e @ LogError::Refused(_)) => {
                    tracing::error!(camera = %cam, error = %e, "a camera's name is not on the record");
                    return;
                }
                Err(e) => tracing::error!(camera = %cam, error = %e, "the log takes no lines"),
            }
            if stop.wait(RETRY) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Hands, lines, open_log};
    use shared::time::Utc;

    /// EVI-2: a name is said once in each log, and again when it or the place has changed.
    #[test]
    fn names_are_said_when_they_change() {
        let home = tempfile::tempdir().expect("folder");
        let (log, _) = open_log(home.path(), Hands::new(Utc(1_800_000_000_000), 1));
        let start = |title: &str, site: &str| {
            let text = format!(
                "[box]\nscheme = \"cctv.example.gov.uk\"\nname = \"ashby\"\nsite = \"{site}\"\n[[volume]]\npath = \"/v\"\n[[camera]]\nid = \"c01\"\ntitle = \"{title}\"\nurl = \"rtsp://127.0.0.1/x\"\n"
            );
            let around = crate::config::Surroundings {
                program_folder: std::path::Path::new("/usr/bin"),
                password: &|_| Err(String::new()),
            };
            let config = crate::config::parse(text.as_bytes(), &around).expect("config");
            let index =
                Index::open(&home.path().join("index.sqlite"), &log.folder()).expect("index");
            let names = Names::of(&config, &index);
            names.declare(&config.cameras[0].id, &log, &Stop::new());
            let said = lines(&log).into_iter().filter(|r| r.kind == "cam.set");
            said.count()
        };
        let counts = [
            start("High Street", "Ashby"),
            start("High Street", "Ashby"),
            start("Car park", "Ashby"),
            start("Car park", "Ashby, Market Hall"),
            start("High Street", "Ashby, Market Hall"),
        ];
        assert_eq!(counts, [1, 1, 2, 3, 4]);
    }
}
