//! Task. The walls between the users of an installed box, on Debian's systemd: a taken-over recorder against the real reader, root's commands among what
//! it leaves lying about, and a box that was revoked and is enrolled again at a real hub.
use beadle_tests::{
    Done, Folder, Told,
    cameras::{Cameras, Scene},
    endless,
    hostile::Report,
    machine::{self, Base, Machine},
    places,
    program::Said,
    staff::{self, MANAGER},
    wait::{self, Look},
};
use serde_json::Value;
use shared::time::Utc;

const STATE: &str = "/var/lib/beadle-edge";
const VOLUME: &str = "/srv/beadle/footage1";
/// What is the reader's and root's, but for what the reader notes itself: its record of time and days, its count of pulls.
const OTHERS: &str = "cd /var/lib/beadle-edge && find . -path ./recorder -prune -o -path ./run/recorder -prune -o -printf '%M %u %g %y %p %l\\n' \
     | grep -v -e 'ledger.json' -e pulls.json | sort; \
     find reader public hub -type f ! -name ledger.json ! -name pulls.json -exec sha256sum {} + | sort -k2";

/// An enrolled box that records c01, and its hub.
struct Scheme {
    hub: Machine,
    town: Machine,
    /// Asks for the password in Basic.
    asks: endless::Camera,
    _cameras: Cameras,
    _folder: Folder,
}

impl Scheme {
    fn install() -> Done<Self> {
        let folder = Folder::new("walls")?;
        let hub = Machine::boot("hub", folder.path(), Base::Installed)?;
        let town = Machine::boot("box", folder.path(), Base::Installed)?;
        machine::link("lan", (&hub, "10.77.0.1/24"), (&town, "10.77.0.2/24"))?;
        town.sh(
            "echo '10.77.0.1 hub.example.gov.uk' >>/etc/hosts; ip address add 10.20.0.13/32 dev lo",
        )?;
        let cameras = Cameras::start(Scene::new().file("/s", "small-480x270p12.h264", 12))?;
        town.forward(([10, 20, 0, 13], 554).into(), cameras.port)?;
        let asks = endless::Camera::start(endless::Answer::Basic)?;
        town.forward(([127, 0, 0, 1], asks.port).into(), asks.port)?;
        town.put("/etc/beadle/passwords/c02", "TopSecretCam", 0o600)?;

        let made = hub.sh("beadle-hub init --scheme cctv.example.gov.uk --quic 0.0.0.0:4433 --address hub.example.gov.uk:4433 --name hub.example.gov.uk && systemctl enable --now beadle-hub")?;
        staff::manager(&made.out, &hub)?;
        hub.wait_unit("beadle-hub", "active", 20)?;
        staff::settle(&hub)?;
        town.put(
            "/etc/beadle/edge.toml",
            format!(
                "[box]\nscheme = \"cctv.example.gov.uk\"\nname = \"ashby\"\nhub = \"hub.example.gov.uk:4433\"\nsite = \"Ashby\"\n\
                 [segment]\nsecs = 2\n[[volume]]\npath = \"{VOLUME}\"\n[[camera]]\nid = \"c01\"\nurl = \"rtsp://10.20.0.13/s\"\n\
                 [[camera]]\nid = \"c02\"\nurl = \"{}\"\nusername = \"beadle\"\ncredential = \"camera_c02\"\n",
                asks.url()
            ),
            0o644,
        )?;
        town.sh(&format!(
            "mkdir -p {VOLUME} && beadle-edge volume label --system-disk {VOLUME}"
        ))?;
        let scheme = Self {
            hub,
            town,
            asks,
            _cameras: cameras,
            _folder: folder,
        };
        scheme
            .town
            .sh(&format!("beadle-edge enrol {}", scheme.code()?))?;
        scheme
            .town
            .sh("systemctl enable --now beadle-reader beadle-edge")?;
        Ok(scheme)
    }

    fn code(&self) -> Done<String> {
        let said = self
            .hub
            .sh(&format!("beadle-hub box add ashby {MANAGER}"))?;
        Ok(said.out.trim().to_owned())
    }

    /// Five seconds of c01 that were recorded from now on.
    fn recorded(&self) -> Done<(Utc, Utc)> {
        let mut from = None;
        wait::until("some seconds are recorded", 90, || {
            let now = self.status()?;
            let frames = now["cameras"][0]["frames"].as_u64().unwrap_or(0);
            let time = now["t"].as_str().and_then(|t| Utc::parse(t).ok());
            let Some(time) = time.filter(|_| frames > 0) else {
                return Ok(Look::NotYet(now.to_string()));
            };
            let from = *from.get_or_insert(time);
            Ok(match time.0 - from.0 > 8_000 {
                true => Look::Yes((from.plus_ms(1_000), from.plus_ms(6_000))),
                false => Look::NotYet(format!("{from} to {time}")),
            })
        })
    }

    /// A clip of that span is pulled, saved and whole.
    fn clip(&self, (t0, t1): (Utc, Utc), name: &str) -> Done<()> {
        let said = self.hub.sh(&format!(
            "beadle-hub clip pull --camera ashby/c01 --from {t0} --to {t1} --purpose Test --reference {name} --requester tests --save /root/{name} {MANAGER} && beadle-hub verify /root/{name}/EXH-*/"
        ))?;
        assert!(said.out.lines().any(|l| l == "INTACT"), "{said:?}");
        Ok(())
    }

    fn status(&self) -> Done<Value> {
        let said = self.town.run(&["beadle-edge", "status", "--json"])?;
        Ok(serde_json::from_str(&said.out).unwrap_or_default())
    }

    /// ROL-2, V2, V18: a revoked box is told so and goes on recording; a code alone is not enough to enrol it anew, root's word is; it is
    /// back on the line, and what it recorded meanwhile can be had.
    fn revoked_and_enrolled_again(&self) -> Done<()> {
        self.hub.sh(&format!(
            "beadle-hub box revoke ashby --why 'Reported stolen' {MANAGER}"
        ))?;
        let refused = || Ok(self.status()?["faults"].to_string().contains("hub.refused"));
        wait::until("the box knows that it is revoked", 90, refused)?;
        let meanwhile = self.recorded()?;
        let code = self.code()?;
        let files = "cd /var/lib/beadle-edge && find hub recorder/identity -type f -exec sha256sum {} + | sort";
        let before = self.town.sh(files)?.out;
        let said = self.town.run(&["beadle-edge", "enrol", &code])?;
        assert!(said.status != 0 && said.err.contains("--again"), "{said:?}");
        let beadle = self
            .town
            .run_as("beadle", &["beadle-edge", "enrol", "--again", &code])?;
        assert_ne!(beadle.status, 0, "the recorder enrols nothing: {beadle:?}");
        // Whoever owned the folder above could put another hub in the place of what root pins.
        let said = self.town.sh(&format!(
            "chown beadle {STATE}; beadle-edge enrol --again {code} && exit 1; chown root {STATE}"
        ))?;
        assert!(
            said.err.contains("the code is not used up") && said.err.contains("chown root:root"),
            "{said:?}"
        );
        assert_eq!(self.town.sh(files)?.out, before, "as it was");
        self.town.sh(&format!("beadle-edge enrol --again {code}"))?;
        wait::until("the box is back", 90, || {
            let said = self.hub.sh("beadle-hub box list --json")?;
            let listed: Value = serde_json::from_str(&said.out).unwrap_or_default();
            let online = listed.to_string().contains("\"online\":true");
            Ok(match online && !refused()? {
                true => Look::Yes(()),
                false => Look::NotYet(said.out),
            })
        })?;
        self.clip(meanwhile, "meanwhile")
    }

    /// V1, V13, V14 and the rest of their kind, as the recorder's real user, with more rights than its unit leaves it.
    fn taken_over(&self) -> Done<()> {
        let town = &self.town;
        let past = self.recorded()?;
        town.sh("systemctl stop beadle-edge")?;
        town.copy(
            &places::program("hostile")?,
            "/usr/local/bin/hostile",
            0o755,
        )?;
        let reader = town.unit("beadle-reader")?["MainPID"].clone();
        let before = town.sh(OTHERS)?.out;
        let said = town.sh(&format!(
            "systemd-run --quiet --pipe --wait --collect -p RuntimeMaxSec=180 -p User=beadle -p Group=beadle -p SupplementaryGroups=beadle-footage /usr/local/bin/hostile {STATE} {VOLUME} ashby c01"
        ))?;
        let report: Report = serde_json::from_str(&said.out).told(&said.out)?;
        assert_eq!(town.sh(OTHERS)?.out, before, "what is not the recorder's");
        assert_eq!(
            town.unit("beadle-reader")?["MainPID"],
            reader,
            "the reader ran through"
        );
        judge(&report);
        self.left_lying_about()?;

        // The honest recorder is back: it records, and what was recorded before can still be opened, for the hub.
        town.sh(
            "rm -f /var/lib/beadle-edge/recorder/boot/c01_boot-9* && systemctl start beadle-edge",
        )?;
        let again = self.recorded()?;
        self.clip(past, "past")?;
        self.clip(again, "again")
    }

    /// Root's commands, and a maintainer's, among what the recorder's user put in their way: V13 and its kind.
    fn left_lying_about(&self) -> Done<()> {
        let town = &self.town;
        town.sh("mkdir -p /root/empty /root/other && chmod 700 /root/empty")?;
        let before = town.sh("stat -c '%a %u %g' /root/empty /root/other")?.out;
        for (link, to) in [("footage2", "/root/empty"), ("footage3", "/root/other")] {
            town.sh_as("beadle", &format!("ln -s {to} /srv/beadle/{link}"))?
                .well("a link")?;
            let said = town.run(&[
                "beadle-edge",
                "volume",
                "label",
                "--system-disk",
                &format!("/srv/beadle/{link}"),
            ])?;
            assert!(said.status != 0 && said.err.contains("link"), "{said:?}");
        }
        assert_eq!(
            town.sh("stat -c '%a %u %g' /root/empty /root/other; ls -A /root/empty /root/other")?
                .out,
            format!("{before}/root/empty:\n\n/root/other:\n")
        );
        // What root does at an upgrade: the folder that it makes anew, and lets the reader write to, is a link.
        let boot = format!("{STATE}/recorder/boot");
        town.sh_as(
            "beadle",
            &format!("mv {boot} {boot}.away; ln -s /root/other {boot}"),
        )?
        .well("a link")?;
        let other = "find /root/other -printf '%m %u %g %y %p\\n'";
        let before = town.sh(other)?.out;
        town.run(&["systemd-tmpfiles", "--create", "beadle-edge.conf"])?;
        town.run(&["systemctl", "restart", "beadle-reader"])?;
        assert_eq!(town.sh(other)?.out, before, "root's hand was led");
        town.sh_as("beadle", &format!("rm {boot}; mv {boot}.away {boot}"))?
            .well("put back")?;
        town.sh("systemctl restart beadle-reader")?;
        // A FIFO where status and doctor read, a link to what only root may read, and texts with commands for a terminal.
        let status = format!("{STATE}/run/recorder/status.json");
        let told = town.read(&status)?;
        let ours: Value = serde_json::from_str(&told)?;
        assert_eq!(ours["cameras"][0]["title"], "c01");
        town.put(
            "/tmp/told",
            told.replace(
                "\"title\":\"c01\"",
                "\"title\":\"\\u001b]0;owned\\u0007\\u202e\"",
            ),
            0o644,
        )?;
        for swap in [
            format!("mkfifo -m 666 {status}"),
            format!("ln -s /etc/shadow {status}"),
            format!("mkdir {status}"),
            format!("printf '\\033]0;owned\\007\\033[2J' >{status}"),
            format!("cp /tmp/told {status}"),
        ] {
            town.sh_as("beadle", &format!("rm -rf {status}; {swap}"))?
                .well(&swap)?;
            for words in [&["status"][..], &["status", "--json"], &["doctor"]] {
                let said = told_within(town, words)?;
                let all = format!("{}{}", said.out, said.err);
                assert_ne!(said.status, 124, "{words:?} hangs on: {swap}");
                assert!(
                    !all.contains(['\x1b', '\u{202e}']) && !all.contains("root:"),
                    "{words:?} after {swap}: {all:?}"
                );
            }
        }
        town.sh_as(
            "beadle",
            &format!("rm -rf {status}; rm /srv/beadle/footage[23]"),
        )?
        .well("tidied")
        .map(drop)
    }
}

impl Scheme {
    /// V17: whoever answers at a camera's address and asks for Basic, beside Digest, is not told the password, however often it asks.
    fn no_password_in_clear(&self) -> Done<()> {
        wait::until("the box says what is wrong with c02", 60, || {
            let faults = self.status()?["faults"].to_string();
            Ok(match faults.contains("camera.password\"") {
                true => Look::Yes(()),
                false => Look::NotYet(faults),
            })
        })?;
        assert!(self.asks.opened() > 0 && !self.asks.was_told());
        Ok(())
    }

    /// V14, ROL-2: no more footage in a day than root's configuration allows, at once when it says so; the hub is told why, and the box says so
    /// wherever it is asked.
    fn a_day_has_its_measure(&self) -> Done<()> {
        let (_, t1) = self.recorded()?;
        self.town
            .sh("sed -i '/^\\[box\\]/a pull_hours = 1' /etc/beadle/edge.toml && beadle-edge check-config")?;
        let words = format!(
            "cd /root; beadle-hub clip pull --camera ashby/c01 --from {} --to {t1} --purpose Test --reference all --requester tests {MANAGER}",
            t1.plus_ms(-3_600_000)
        );
        let said = self.hub.run(&["bash", "-c", &words])?;
        assert!(
            said.status != 0
                && format!("{}{}", said.out, said.err).contains("at most 1 hours of footage a day"),
            "{said:?}"
        );
        wait::until("the box says that it hands out no more", 30, || {
            Ok(Look::from(
                self.status()?["faults"].to_string().contains("pull.limit"),
            ))
        })?;
        let status = self.town.run(&["beadle-edge", "status"])?;
        assert!(status.out.contains("; refused 1 times"), "{status:?}");
        let doctor = self.town.run(&["beadle-edge", "doctor"])?;
        assert!(doctor.out.contains("pull_hours of [box]"), "{doctor:?}");
        wait::until("and the hub shows it", 30, || {
            let said = self.hub.sh("beadle-hub box list --json")?;
            Ok(Look::from(said.out.contains("pull.limit")))
        })
    }
}

fn told_within(town: &Machine, words: &[&str]) -> Done<Said> {
    town.run(&[&["timeout", "60", "beadle-edge"], words].concat())
}

/// What the hostile program says it got.
fn judge(report: &Report) {
    let nothing: [String; 0] = [];
    assert_eq!(report.stolen, nothing, "opened by its own identity");
    assert_eq!(report.overwritable, nothing);
    let beside: Vec<_> = report
        .readable
        .iter()
        .filter(|f| !f.contains("/public/") && !f.contains("/hub/"))
        .collect();
    assert!(beside.is_empty(), "{beside:?}");
    let common = ["/tmp", "/var/tmp", "/run/lock", "/run/shm", "/srv/beadle"];
    let strange: Vec<_> = report
        .writable
        .iter()
        .filter(|f| !common.contains(&f.as_str()))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    println!(
        "{} questions, {} renames and swaps",
        report.asked.len(),
        report.moved
    );
}

/// V1, V2, V13, V14, V17, ROL-2, RET-1: an enrolled box of the packages, and a hostile program as the recorder's user: it opens nothing of the past, has
/// no key destroyed early, overwrites nothing of the reader's and leads no hand of root's; a revoked box records on and is enrolled again by
/// root alone; a hub gets no more in a day than root allows; a camera that asks for Basic is told no password.
#[test]
fn an_installed_box_and_whoever_takes_its_recorder_over() -> Done<()> {
    let scheme = Scheme::install()?;
    scheme.clip(scheme.recorded()?, "first")?;
    scheme.revoked_and_enrolled_again()?;
    scheme.taken_over()?;
    scheme.no_password_in_clear()?;
    scheme.a_day_has_its_measure()
}
