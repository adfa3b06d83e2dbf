//! Adapter: the browser. Chromium without a window, asked over its own pipe (DevTools protocol).
use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{self, Signal},
        stat::Mode,
    },
    unistd::{self, Pid},
};
use serde_json::{Value, json};

use crate::{
    Done, Told, Trouble,
    wait::{self, Look},
};

const ANSWER: Duration = Duration::from_secs(60);

pub struct Browser {
    child: Child,
    output: PathBuf,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    calls: u64,
}

impl Browser {
    /// Starts Chromium with a profile of its own below `folder` and opens an empty page.
    /// It takes the hub's certificate as it is: the test rig's authority is in no browser's store.
    pub fn open(folder: &Path) -> Done<Self> {
        let folder = folder.join("browser");
        std::fs::create_dir_all(&folder).told(folder.display())?;
        let (asked, said) = (folder.join("asked"), folder.join("said"));
        for pipe in [&asked, &said] {
            unistd::mkfifo(pipe, Mode::S_IRUSR | Mode::S_IWUSR).told(pipe.display())?;
        }
        // Open for both ways: opening does not wait for the other side then.
        let both = |path: &Path| {
            File::options()
                .read(true)
                .write(true)
                .open(path)
                .told(path.display())
        };
        let (to, answers) = (both(&asked)?, both(&said)?);
        let output = folder.join("chromium.log");
        let log = File::create(&output).told(output.display())?;
        // --no-sandbox: tests may run as root, where Chromium has none; it sees this rig's own pages only.
        let child = Command::new("bash")
            .args([
                "-c",
                r#"exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --mute-audio \
                   --disable-background-networking --disable-component-update --ignore-certificate-errors \
                   --autoplay-policy=no-user-gesture-required --user-data-dir="$1" --remote-debugging-pipe about:blank 3<"$2" 4>"$3""#,
                "browser",
            ])
            .args([&folder.join("profile"), &asked, &said])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .told("starting chromium (scripts/install.sh installs it)")?;
        let (heard, from) = mpsc::channel();
        thread::spawn(move || {
            let mut answers = BufReader::new(answers);
            loop {
                let mut bytes = Vec::new();
                match answers.read_until(0, &mut bytes) {
                    Ok(1..) => {}
                    _ => return,
                }
                bytes.pop();
                if let Ok(value) = serde_json::from_slice(&bytes)
                    && heard.send(value).is_err()
                {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            output,
            to,
            from,
            session: None,
            calls: 0,
        };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": page["targetId"], "flatten": true }),
        )?;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        Ok(browser)
    }

    fn call(&mut self, method: &str, params: Value) -> Done<Value> {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).told("asking chromium")?;
        let until = Instant::now() + ANSWER;
        loop {
            match self.from.recv_timeout(Duration::from_millis(200)) {
                Ok(said) if said["id"] == id => {
                    return if said["error"].is_null() {
                        Ok(said["result"].clone())
                    } else {
                        Err(Trouble(format!("chromium: {method}: {}", said["error"])))
                    };
                }
                // Events, and answers nobody waits for any more.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(Some(status)) = self.child.try_wait() {
                        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
                        return Err(Trouble(format!("chromium has ended ({status}): {text}")));
                    }
                    if Instant::now() > until {
                        return Err(Trouble(format!("chromium: {method}: no answer")));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Trouble::new("chromium closed its pipe"));
                }
            }
        }
    }

    /// Plugs in a key that whoever holds it touches, and shows their finger to, whenever it is asked: Chromium's own virtual authenticator.
    pub fn key(&mut self) -> Done<()> {
        self.call("WebAuthn.enable", json!({ "enableUI": false }))?;
        let key = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
            "automaticPresenceSimulation": true,
        });
        self.call(
            "WebAuthn.addVirtualAuthenticator",
            json!({ "options": key }),
        )
        .map(drop)
    }

    /// A key is pressed where the focus is: a character, or the name of a key.
    pub fn press(&mut self, key: &str) -> Done<()> {
        let code = match key {
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            "Home" => 36,
            "End" => 35,
            "Tab" => 9,
            "Enter" => 13,
            one => one.to_uppercase().bytes().next().unwrap_or_default(),
        };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        match key {
            "Enter" => down["text"] = json!("\r"),
            one if one.chars().count() == 1 => down["text"] = json!(one),
            _ => {}
        }
        self.call("Input.dispatchKeyEvent", down)?;
        let up = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", up).map(drop)
    }

    /// How wide and high its window is.
    pub fn size(&mut self, width: u32, height: u32) -> Done<()> {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size)
            .map(drop)
    }

    /// Whether whoever uses it likes it dark.
    pub fn dark(&mut self, dark: bool) -> Done<()> {
        let value = if dark { "dark" } else { "light" };
        let likes = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.call("Emulation.setEmulatedMedia", likes).map(drop)
    }

    /// The whole page as a picture, base64.
    pub fn picture(&mut self) -> Done<String> {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.call("Page.captureScreenshot", whole)?;
        let data = taken["data"].as_str();
        Ok(data.ok_or_else(|| Trouble::new("no picture"))?.to_owned())
    }

    pub fn goto(&mut self, url: &str) -> Done<()> {
        let went = self.call("Page.navigate", json!({ "url": url }))?;
        match went["errorText"].as_str() {
            None => self.until(
                &format!("{url} is there"),
                30,
                "document.readyState == 'complete' && location.href != 'about:blank'",
            ),
            Some(e) => Err(Trouble(format!("{url}: {e}"))),
        }
    }

    /// The value of a JavaScript expression on the page; waited for if it is a promise.
    pub fn eval(&mut self, script: &str) -> Done<Value> {
        let said = self.call(
            "Runtime.evaluate",
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true }),
        )?;
        if said["exceptionDetails"].is_null() {
            Ok(said["result"]["value"].clone())
        } else {
            Err(Trouble(format!("{script}: {}", said["exceptionDetails"])))
        }
    }

    /// Waits until an expression is true on a page that is whole, its scripts run. While a page is being left there is nothing to ask; that is
    /// "not yet".
    pub fn until(&mut self, what: &str, secs: u64, script: &str) -> Done<()> {
        let whole = format!("document.readyState == 'complete' && ({script})");
        let came = wait::until(what, secs, || {
            Ok(match self.eval(&whole) {
                Ok(Value::Bool(true)) => Look::Yes(()),
                Ok(other) => Look::NotYet(other.to_string()),
                Err(e) => Look::NotYet(e.to_string()),
            })
        });
        came.map_err(|e| {
            let page = self.eval("location.href + '\\n' + document.body.innerText");
            Trouble(format!("{e}\nthe page: {page:?}"))
        })
    }

    /// Fills in fields by their id and sends the form of the first of them.
    pub fn submit(&mut self, fields: &[(&str, &str)]) -> Done<()> {
        let mut script = String::new();
        for (id, text) in fields {
            script += &format!("document.getElementById({id:?}).value = {};", json!(text));
        }
        if let Some((id, _)) = fields.first() {
            script += &format!("document.getElementById({id:?}).form.requestSubmit(); true");
        }
        self.eval(&script).map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A group of its own, with all its helpers.
        let _ = signal::killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
