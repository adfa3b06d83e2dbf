//! Adapter: files. Staff accounts of a test's hub, and the first of one on a machine, each with its password in a file, and commands given in their names.
use std::{collections::BTreeMap, ffi::OsStr, fs, path::Path, path::PathBuf};

use crate::{Done, Told, Trouble, hub::Hub, machine::Machine, program::Said};

/// Names the first account of a hub on a machine, once [`manager`] has put its password there and [`settle`] was run.
pub const MANAGER: &str =
    "--as manager --password-file /root/manager.password --code $(python3 /root/code.py)";
/// What somebody does who signs in for the first time, as the document says it, and with what is typed there.
pub const FIRST: [(&str, &str); 3] = [
    (
        "beadle-hub staff password --as manager",
        "beadle-hub staff password --as manager --password-file /root/manager.password --new-password-file /root/own.password && mv /root/own.password /root/manager.password",
    ),
    (
        "beadle-hub declaration accept --as manager",
        "beadle-hub declaration accept --as manager --password-file /root/manager.password",
    ),
    (
        "beadle-hub factor code --as manager",
        "python3 /root/factor.py",
    ),
];
/// The phone: what it shows now.
const CODE: &str = r#"
import base64, hashlib, hmac, struct, sys, time
def code(secret):
    tag = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = tag[-1] & 15
    return "%06d" % ((struct.unpack(">I", tag[at:at + 4])[0] & 0x7fffffff) % 1000000)
if __name__ == "__main__":
    print(code(open("/root/secret").read()))
"#;
/// Whoever holds it: types what is printed into it, and what it shows where that is asked for.
const FACTOR: &str = r#"
import subprocess, sys
sys.path.insert(0, "/root")
from code_of import code
words = "beadle-hub factor code --as manager --password-file /root/manager.password".split()
hub = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
secret = hub.stdout.readline().split()[1]
open("/root/secret", "w").write(secret)
print(hub.communicate(code(secret) + "\n")[0])
sys.exit(hub.returncode)
"#;

/// Keeps on the hub's machine the password that `beadle-hub init` printed, and the phone of its owner.
pub fn manager(printed: &str, hub: &Machine) -> Done<()> {
    let words = printed.lines().find(|l| l.starts_with("sign-in"));
    let password = words.and_then(|l| l.split_whitespace().nth(3));
    let password = password.ok_or_else(|| Trouble(format!("no password in {printed}")))?;
    hub.put("/root/manager.password", password, 0o600)?;
    hub.put("/root/own.password", "the horse of the manager", 0o600)?;
    // Python's own `code` is another module.
    hub.put("/root/code_of.py", CODE, 0o600)?;
    hub.put("/root/code.py", CODE, 0o600)?;
    // Until it is told one that counts.
    hub.put("/root/secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 0o600)?;
    hub.put("/root/factor.py", FACTOR, 0o600)
}

/// The first account of a hub that runs on a machine does what comes before everything else.
pub fn settle(hub: &Machine) -> Done<()> {
    for (_, words) in FIRST {
        hub.sh(words)?;
    }
    Ok(())
}

/// Staff accounts: a file with the password of each.
pub struct Staff(BTreeMap<&'static str, PathBuf>);

impl Staff {
    /// kim is a supervisor, lee a coordinator, pat an operator.
    pub fn make(hub: &Hub, folder: &Path) -> Done<Self> {
        let three = [
            ("kim", "supervisor"),
            ("lee", "coordinator"),
            ("pat", "operator"),
        ];
        Self::of(hub, folder, &three)
    }

    /// Accounts of these names and roles.
    pub fn of(hub: &Hub, folder: &Path, people: &[(&'static str, &'static str)]) -> Done<Self> {
        let mut all = BTreeMap::new();
        for &(name, role) in people {
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
            hub.settle(name, &file)?;
            // What decides takes a second administrator.
            let ask = said.out.split("as request ").nth(1);
            if let Some(ask) = ask.and_then(|rest| rest.split(';').next()) {
                let mut words = vec![OsStr::new("staff"), OsStr::new("approve"), OsStr::new(ask)];
                words.extend(hub.as_second());
                hub.ask(&words)?.well("staff approve")?;
            }
            all.insert(name, file);
        }
        Ok(Self(all))
    }

    /// The file with the password of one of them.
    pub fn file(&self, who: &str) -> Done<&Path> {
        let file = self.0.get(who).ok_or_else(|| Trouble::new("who?"))?;
        Ok(file)
    }

    /// A command of the hub's by one of them.
    pub fn says(&self, hub: &Hub, who: &str, words: &[&str]) -> Done<Said> {
        let mut all: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let file = self.file(who)?;
        all.extend([
            OsStr::new("--as"),
            OsStr::new(who),
            OsStr::new("--password-file"),
            file.as_os_str(),
        ]);
        hub.ask(&all)
    }
}
