//! Adapter: filesystem. The rule each camera was last recorded under, kept beyond its place in the configuration.
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
};

use shared::id::CameraId;

use super::policy::Rules;
use crate::config::Config;

/// The rules of this box's configuration, and those its cameras had before.
pub fn rules(config: &Config) -> Rules {
    let configured = config
        .cameras
        .iter()
        .map(|c| (c.id.clone(), c.retention_days))
        .collect();
    Rules {
        recorded: remembered(&config.state().retention(), &configured),
        configured,
        scheme: config.retention_days,
    }
}

/// The rule each camera was last recorded under, kept in `<state>/recorder/retention.json` (`{"c03":31,…}`) beyond its configuration.
fn remembered(path: &Path, configured: &BTreeMap<CameraId, u32>) -> BTreeMap<CameraId, u32> {
    let mut rules: BTreeMap<CameraId, u32> = fs::read(path)
        .ok()
        .and_then(|b| serde_json::from_slice(&b).ok())
        .unwrap_or_default();
    let before = rules.clone();
    rules.extend(configured.iter().map(|(c, d)| (c.clone(), *d)));
    if rules != before {
        let new = path.with_extension("json.new");
        let kept = serde_json::to_vec(&rules)
            .map_err(std::io::Error::other)
            .and_then(|bytes| {
                let mut f = File::create(&new)?;
                std::io::Write::write_all(&mut f, &bytes)?;
                f.sync_all()?;
                fs::rename(&new, path)
            });
        if let Err(e) = kept {
            tracing::warn!(path = %path.display(), error = %e, "the cameras' rules could not be kept; footage of a camera removed later falls under the longest rule");
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RET-1: a camera that is renamed, goes to another box or comes back: what it left on this disk keeps the rule it was recorded under,
    /// over restarts, until the configuration has a camera of that name again.
    #[test]
    fn rules_are_remembered_by_the_name_on_the_disk() {
        let home = tempfile::tempdir().expect("folder");
        let path = home.path().join("retention.json");
        let cam = |name: &str| CameraId::parse(name).expect("id");
        let start = |configured: &[(&str, u32)]| {
            let configured: BTreeMap<_, _> = configured.iter().map(|(c, d)| (cam(c), *d)).collect();
            Rules {
                recorded: remembered(&path, &configured),
                configured,
                scheme: 31,
            }
        };
        assert_eq!(start(&[("c01", 28), ("c02", 90)]).days(&cam("c01")), 28);
        // c01 is c09 from now on, under another rule; c02 has gone to another box.
        for _ in 0..2 {
            let renamed = start(&[("c09", 30)]);
            let days = ["c01", "c02", "c09"].map(|c| renamed.days(&cam(c)));
            assert_eq!(days, [28, 90, 30]);
            assert_eq!(renamed.days(&cam("c77")), 90, "nobody knows it");
        }
        let back = start(&[("c01", 14), ("c09", 30)]);
        assert_eq!((back.days(&cam("c01")), back.days(&cam("c02"))), (14, 90));
    }
}
