//! Adapter: files. Staff accounts of a test's hub, and the first of one on a machine, each with its password in a file, and commands given in their names.
use std::{collections::BTreeMap, ffi::OsStr, fs, path::Path, path::PathBuf};

use crate::{Done, Told, Trouble, hub::Hub, machine::Machine, program::Said};

/// Names the first account of a hub on a machine, once [`manager`] has put its password there.
pub const MANAGER: &str = "--as manager --password-file /root/manager.password";

/// Keeps on the hub's machine the password that `beadle-hub init` printed.
pub fn manager(printed: &str, hub: &Machine) -> Done<()> {
    let words = printed.lines().find(|l| l.starts_with("sign-in"));
    let password = words.and_then(|l| l.split_whitespace().nth(3));
    let password = password.ok_or_else(|| Trouble(format!("no password in {printed}")))?;
    hub.put("/root/manager.password", password, 0o600)
}

/// Staff accounts: a file with the password of each.
pub struct Staff(BTreeMap<&'static str, PathBuf>);

impl Staff {
    /// kim is a supervisor, lee a coordinator, pat an operator.
    pub fn make(hub: &Hub, folder: &Path) -> Done<Self> {
        let mut all = BTreeMap::new();
        for (name, role) in [
            ("kim", "supervisor"),
            ("lee", "coordinator"),
            ("pat", "operator"),
        ] {
            let words = ["staff", "add", name, "--role", role].map(OsStr::new);
            let said = hub.ask(&words)?.well("staff add")?;
            let password = said
                .out
                .split_whitespace()
                .skip_while(|w| *w != "password")
                .nth(1)
                .ok_or_else(|| Trouble(format!("no password in {}", said.out)))?;
            let file = folder.join(format!("{name}.password"));
            fs::write(&file, password).told(file.display())?;
            all.insert(name, file);
        }
        Ok(Self(all))
    }

    /// A command of the hub's by one of them.
    pub fn says(&self, hub: &Hub, who: &str, words: &[&str]) -> Done<Said> {
        let mut all: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let file = self.0.get(who).ok_or_else(|| Trouble::new("who?"))?;
        all.extend([
            OsStr::new("--as"),
            OsStr::new(who),
            OsStr::new("--password-file"),
            file.as_os_str(),
        ]);
        hub.ask(&all)
    }
}
