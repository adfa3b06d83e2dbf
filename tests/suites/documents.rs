//! Task. docs/install.md and docs/hub.md, executed: every block that is a step, word for word, box and hub on bare Debian 12 machines of their own, to a
//! clip that verifies and a day that is deleted (REC-6, AUD-2, RET-2).
use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, Scene},
    machine::{self, Base, Machine},
    packages::Packages,
    places,
    staff::{self, MANAGER},
    wait::{self, Look},
};
use serde_json::{Value, json};
use shared::time::Utc;

/// Footage, keys, log and configuration of a box: each file's mode, owner, path and contents.
const KEPT: &str = "cd / && find srv/beadle var/lib/beadle-edge etc/beadle -printf '%M %u %g %p\\n' | sort; \
     find srv/beadle var/lib/beadle-edge etc/beadle -type f -exec sha256sum {} + | sort -k2";

/// What stands for something of one's own, and what it is here. Nothing else of a step is changed.
struct Substitution {
    of: &'static str,
    by: String,
}

/// The steps of a document, in order: fences ```` ```sh step NAME ````.
struct Document {
    name: &'static str,
    steps: Vec<(String, String)>,
    done: usize,
}

impl Document {
    fn read(name: &'static str) -> Done<Self> {
        let text = std::fs::read_to_string(places::root().join("docs").join(name))?;
        let mut steps: Vec<(String, String)> = Vec::new();
        let mut open = false;
        for line in text.lines() {
            match line.strip_prefix("```") {
                Some(info) if !open => {
                    if let Some(step) = info.strip_prefix("sh step ") {
                        steps.push((step.to_owned(), String::new()));
                        open = true;
                    }
                }
                Some(_) => open = false,
                None if open => {
                    if let Some((_, script)) = steps.last_mut() {
                        script.push_str(line);
                        script.push('\n');
                    }
                }
                None => {}
            }
        }
        Ok(Self {
            name,
            steps,
            done: 0,
        })
    }

    /// Does the next step, which must be this one, as a person pastes it into a root shell, who answers apt's question with yes. An error
    /// when it fails.
    fn step(&mut self, name: &str, on: &Machine, here: &[Substitution]) -> Done<String> {
        let said = self.attempt(name, on, here)?;
        let what = format!("{}, step {name}", self.name);
        said.well(&what).map(|s| s.out)
    }

    fn attempt(
        &mut self,
        name: &str,
        on: &Machine,
        here: &[Substitution],
    ) -> Done<beadle_tests::program::Said> {
        let Some((next, script)) = self.steps.get(self.done) else {
            return Err(Trouble(format!("{} has no step {name}", self.name)));
        };
        assert_eq!(next, name, "the next step of {}", self.name);
        self.done += 1;
        let mut script = script.clone();
        for s in here {
            assert!(script.contains(s.of), "{} is not in step {name}", s.of);
            script = script.replace(s.of, &s.by);
        }
        on.put("/root/pasted", script, 0o644)?;
        // Fed like a paste: what fails does not end an interactive shell, so the block itself has to stop.
        on.run(&["bash", "-c", "cd /root && yes | bash --norc pasted"])
    }

    fn all_done(&self) -> Done<()> {
        let left: Vec<&String> = self.steps[self.done..].iter().map(|s| &s.0).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(Trouble(format!(
                "{}: steps that nobody did: {left:?}",
                self.name
            )))
        }
    }
}

fn stands_for(of: &'static str, by: impl Into<String>) -> Substitution {
    Substitution { of, by: by.into() }
}

/// Every service of a machine on a clock that is so much ahead, as seen by the program: libfaketime by a drop-in.
fn clock_ahead(on: &Machine, units: &[&str], by: &str) -> Done<()> {
    let library = places::files_below("/usr/lib".as_ref(), "libfaketimeMT.so.1");
    let library = library
        .first()
        .ok_or_else(|| Trouble::new("libfaketime is missing; run scripts/install.sh"))?;
    on.copy(library, "/usr/lib/libfaketimeMT.so.1", 0o644)?;
    for unit in units {
        let text = format!(
            "[Service]\nEnvironment=LD_PRELOAD=/usr/lib/libfaketimeMT.so.1 FAKETIME={by} FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1\n"
        );
        on.put(
            &format!("/etc/systemd/system/{unit}.service.d/clock.conf"),
            text,
            0o644,
        )?;
    }
    on.sh("systemctl daemon-reload")?;
    on.sh(&format!("systemctl restart {}", units.join(" ")))
        .map(drop)
}

#[test]
fn the_documents_lead_to_a_clip_that_verifies_and_a_day_that_is_deleted() -> Done<()> {
    const PASSWORD: &str = "correct horse";
    let folder = Folder::new("documents")?;
    let packages = Packages::make(folder.path(), "0.1.0")?;
    let (mut install, mut hub_md) = (Document::read("install.md")?, Document::read("hub.md")?);

    // Two machines, a cable, a name service of a line, and two cameras where the configuration of the document has them.
    let hub = Machine::boot("hub", folder.path(), Base::Bare)?;
    let town = Machine::boot("box", folder.path(), Base::Bare)?;
    machine::link("lan", (&hub, "10.77.0.1/24"), (&town, "10.77.0.2/24"))?;
    town.sh("echo '10.77.0.1 hub.example.gov.uk' >>/etc/hosts")?;
    town.sh("ip address add 10.20.0.13/32 dev lo; ip address add 10.20.0.17/32 dev lo")?;
    let small = "small-480x270p12.h264";
    let login = json!({"user": "beadle", "password": PASSWORD});
    let c03 = Cameras::start(Scene::new().odd("/stream1", small, 12, login))?;
    let c07 = Cameras::start(Scene::new().file("/stream1", small, 12))?;
    town.forward(([10, 20, 0, 13], 554).into(), c03.port)?;
    town.forward(([10, 20, 0, 17], 554).into(), c07.port)?;

    // The hub, once.
    Packages::bring(&packages.hub, &hub)?;
    hub_md.step("install", &hub, &[])?;
    let made = hub_md.step("init", &hub, &[])?;
    hub.wait_unit("beadle-hub", "active", 20)?;
    // The password that was printed is typed where one is asked for.
    staff::manager(&made, &hub)?;
    let first = staff::FIRST.map(|(of, by)| stands_for(of, by));
    hub_md.step("people", &hub, &first)?;
    let typed = || stands_for("--as manager", MANAGER);
    let code = hub_md.step("box", &hub, &[typed()])?;

    // The box, once. The disk of this one has no UUID.
    Packages::bring(&packages.edge, &town)?;
    install.step("install", &town, &[])?;
    let disk = stands_for(
        "UUID=2c0d1b7e-9a51-4d38-8f6e-5b1d0c9e7a42 /srv/beadle/footage1 ext4",
        "tmpfs /srv/beadle/footage1 tmpfs",
    );
    install.step("disk", &town, &[disk])?;
    install.step("configuration", &town, &[])?;
    install.step(
        "password",
        &town,
        &[stands_for("the-password-of-c03", PASSWORD)],
    )?;
    install.step("check", &town, &[])?;
    install.step("label", &town, &[])?;
    install.step("enrol", &town, &[stands_for("0AX7-M2QD-CODE", code.trim())])?;
    install.step("start", &town, &[])?;

    // Commissioning: after the two minutes at most that the document gives it.
    let step = install.done;
    wait::within("every line of doctor is well, or the clock's", 120, || {
        install.done = step;
        let said = install.attempt("doctor", &town, &[])?;
        // The machine's clock is nobody's to vouch for: it has no time service. Nothing else may be wrong.
        let bad: Vec<&str> = said
            .out
            .lines()
            .filter(|l| !l.starts_with('✓') && !l.starts_with("    ") && !l.contains("clock"))
            .collect();
        Ok(if bad.is_empty() && !said.out.is_empty() {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{bad:?} {}", said.err))
        })
    })?;
    let listed = hub_md.step("boxes", &hub, &[])?;
    assert!(listed.contains("ashby-high-street"), "{listed}");

    // The first clip: twenty seconds of what is known at the hub by now, from a whole second on.
    let from = wait::until("a minute of c03 is known at the hub", 150, || {
        let said = hub.sh(&format!(
            "beadle-hub footage list --camera ashby-high-street/c03 --json {MANAGER} || true"
        ))?;
        let known: Value = serde_json::from_str(&said.out).unwrap_or_default();
        let time = |key: &str| Utc::parse(known["days"][0]["spans"][0][key].as_str()?).ok();
        Ok(match (time("t0"), time("t1")) {
            (Some(t0), Some(t1)) if t1.0 - t0.0 > 25_000 => Look::Yes(t0.0 / 1000 * 1000 + 2000),
            _ => Look::NotYet(format!("{known} {}", said.err)),
        })
    })?;
    let time = |ms: i64| format!("{}Z", &Utc(ms).to_string()[..19]);
    let here = [
        typed(),
        stands_for("2026-11-03T14:00:00Z", time(from)),
        stands_for("2026-11-03T14:00:20Z", time(from + 20_000)),
    ];
    let said = hub_md.step("clip", &hub, &here)?;
    assert_eq!(said.lines().filter(|l| *l == "INTACT").count(), 2, "{said}");

    // A month later by every clock: the day is deleted, key and file, and the hub knows.
    let count = |what: &str| -> Done<String> {
        town.sh(&format!(
            "find /srv/beadle/footage1/footage -path '*/c03/*' -name '*.age' {what} | wc -l"
        ))
        .map(|s| s.out.trim().to_owned())
    };
    town.sh("systemctl stop beadle-edge && touch /root/then")?;
    assert_ne!(count("! -newer /root/then")?, "0");
    clock_ahead(&hub, &["beadle-hub"], "+33d")?;
    clock_ahead(&town, &["beadle-reader", "beadle-edge"], "+33d")?;
    wait::until("the day is deleted", 120, || {
        let said = town
            .sh("cat /var/lib/beadle-edge/recorder/log/*/*.jsonl | grep '\"del.done\"' || true")?
            .out;
        Ok(said.contains("\"cam\":\"c03\""))
    })?;
    assert_eq!(count("! -newer /root/then")?, "0");
    wait::until("the hub holds the line that says so", 60, || {
        let said = hub
            .sh("cat /var/lib/beadle-hub/boxes/ashby-high-street/log/*/*.jsonl | grep '\"del.done\"' || true")?
            .out;
        Ok(said.contains("\"cam\":\"c03\""))
    })?;

    // Gone from the machine by package; not by footage and keys.
    town.sh("systemctl stop beadle-edge beadle-reader")?;
    let kept = town.sh(KEPT)?.out;
    town.sh("apt purge -y beadle-edge")?;
    assert_eq!(town.sh(KEPT)?.out, kept);
    hub.sh("systemctl stop beadle-hub")?;
    let kept = hub
        .sh("cd /var/lib/beadle-hub && find . -type f -exec sha256sum {} + | sort -k2")?
        .out;
    hub.sh("apt purge -y beadle-hub")?;
    assert_eq!(
        hub.sh("cd /var/lib/beadle-hub && find . -type f -exec sha256sum {} + | sort -k2")?
            .out,
        kept
    );
    install.all_done()?;
    hub_md.all_done()
}
