//! Task. What the packages' hub and box refuse to people whose role is another's business, and to the users of their own programs, on a machine: an
//! exhibit, and a mask that hides less.
use beadle_tests::{
    Done, Told, Trouble, args,
    cameras::Scene,
    staff::Staff,
    town::Plan,
    wait::{self, Look},
};

use crate::rig::{Rig, seconds};

/// Roles to which no exhibit is shown, and somebody of each.
const OUTSIDERS: [(&str, &str); 4] = [
    ("carl", "contractor"),
    ("pol", "police"),
    ("ines", "inspector"),
    ("ada", "administrator"),
];
/// Whoever asked for the exhibit, and under which reference.
const TOLD: [&str; 2] = ["Evans", "CRIME-26"];
/// Signs in at the pages and asks for all of an exhibit, as a browser would; says what came of each.
const BROWSER: &str = r#"
import http.client, re, ssl, sys, urllib.parse
port, name, password, exhibit = int(sys.argv[1]), sys.argv[2], open(sys.argv[3]).read().strip(), sys.argv[4]
kept, context = {}, ssl._create_unverified_context()
def ask(method, path, form=None):
    door = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    head = {"Cookie": "; ".join("%s=%s" % c for c in kept.items())}
    if form is not None:
        form, head["Content-Type"] = urllib.parse.urlencode(form), "application/x-www-form-urlencoded"
    door.request(method, path, form, head)
    answer = door.getresponse()
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        key, value = cookie.split(";")[0].split("=", 1)
        kept[key] = value
    return answer.status, answer.read()
ask("GET", "/sign-in")
status, page = ask("POST", "/sign-in", {"form": kept["__Host-beadle-knock"], "name": name, "password": password})
assert status == 303, (status, page[:400])
status, page = ask("GET", "/")
form = re.search(rb'name="form" value="([0-9a-f]+)"', page).group(1).decode()
clip = "/clip/" + exhibit
for method, path, body in [
    ("GET", clip, None),
    ("POST", clip, {"form": form, "purpose": "test", "reference": "R1"}),
    ("GET", clip + "/play/0", None),
    ("GET", clip + "/save/0", None),
    ("GET", clip + "/certificate", None),
    ("GET", "/footage/ashby/c01", None),
    ("GET", "/api/v1/clips/" + exhibit, None),
    ("GET", "/api/v1/cameras/ashby/c01/footage", None),
]:
    status, page = ask(method, path, body)
    told = b"Evans" in page or b"CRIME-26" in page or b"ftyp" in page[:64]
    print(method, path, status, "TOLD" if told else "-")
"#;

/// V3, V12, ROL-2, MSK-4, EVI-1: a contractor, police, an inspector and an administrator get nothing of an exhibit of the packages' hub, on no page, by no
/// address of the API and by no command, and read nobody's name on it; the users of the programs read neither evidence nor keys nor the
/// hub's socket. A mask that hides less is set by no one person, whatever their role, and by no program's user; one that hides more is.
#[test]
fn no_exhibit_for_outsiders_and_no_smaller_mask_by_one() -> Done<()> {
    let scene = Scene::new().street_low("/ashby/c01").marked("/ashby/c02");
    let mut rig = Rig::installed_of("roles", scene, |cameras| {
        Plan::new("ashby")
            .segment_secs(3)
            .camera("c01", cameras.url("/ashby/c01"))
            .camera("c02", cameras.url("/ashby/c02"))
            .mask(
                "m1",
                "[[[0.55, 0.25], [0.85, 0.25], [0.85, 0.65], [0.55, 0.65]]]",
            )
    })?;
    let files = rig.site.files()?;
    let mut people = OUTSIDERS.to_vec();
    people.push(("kim", "supervisor"));
    let staff = Staff::of(&rig.hub, &files, &people)?;
    let first = &rig.town.segments("c01", 2, 60)?[0]["data"];
    let t0 = seconds(&first["t0"])?;
    let pulled = rig.pull("c01", t0.plus_ms(200), t0.plus_ms(1_200))?;
    outsiders(&rig, &staff, &pulled.exhibit)?;
    users(&rig, &pulled.exhibit)?;
    masks(&mut rig, &staff)
}

/// V3, as each of them, at every door.
fn outsiders(rig: &Rig, staff: &Staff, exhibit: &str) -> Done<()> {
    fn save<'a>(exhibit: &'a str, folder: &'a str) -> [&'a str; 8] {
        [
            "clip",
            "save",
            exhibit,
            folder,
            "--purpose",
            "test",
            "--reference",
            "R1",
        ]
    }
    let machine = rig.site.machine()?;
    let port = rig.hub.https.to_string();
    let pages = |who: &str| -> Done<String> {
        let password = format!("/root/files/{who}.password");
        let words = ["python3", "-c", BROWSER, &port, who, &password, exhibit];
        Ok(machine.run(&words)?.well("the browser")?.out)
    };
    for (who, role) in OUTSIDERS {
        for words in [
            &save(exhibit, "/root/files/stolen")[..],
            &["clip", "watch", exhibit],
            &["clip", "list"],
            &["footage", "list", "--camera", "ashby/c01"],
            &["request", "list"],
        ] {
            let said = staff.says(&rig.hub, who, words)?;
            let text = format!("{}{}", said.out, said.err);
            assert!(
                said.status != 0 && text.contains(role) && text.contains("may not"),
                "{who}: {words:?}: {text}"
            );
            assert!(!TOLD.iter().any(|t| text.contains(t)), "{who}: {text}");
        }
        for line in pages(who)?.lines() {
            assert!(line.ends_with(" 403 -"), "{role}: {line}");
        }
    }
    assert!(!rig.site.files()?.join("stolen").exists());
    // The test can tell.
    staff
        .says(&rig.hub, "kim", &save(exhibit, "/root/files/kims"))?
        .well("kim saves it")?;
    let seen = pages("kim")?;
    let shown = |what: &str| {
        seen.lines()
            .any(|l| l.contains(what) && l.contains(" 200 "))
    };
    assert!(shown("/play/0") && seen.contains("TOLD"), "{seen}");
    Ok(())
}

/// The users of the programs, with all the rights they have.
fn users(rig: &Rig, exhibit: &str) -> Done<()> {
    let machine = rig.site.machine()?;
    for user in ["beadle", "beadle-reader", "nobody"] {
        for attempt in [
            "ls /var/lib/beadle-hub".to_owned(),
            format!("ls /var/lib/beadle-hub/evidence/{exhibit}"),
            format!("cat /var/lib/beadle-hub/keys/exhibits/{exhibit}.key"),
            "test -w /var/lib/beadle-hub/run/hub.sock".to_owned(),
            "beadle-hub box list".to_owned(),
            format!("beadle-hub clip check {exhibit}"),
            "echo >>/etc/beadle/edge.toml".to_owned(),
            "rm -r /var/lib/beadle-edge/hub/hub.json".to_owned(),
        ] {
            let said = machine.sh_as(user, &attempt)?;
            assert_ne!(said.status, 0, "{user}: {attempt}: {said:?}");
        }
    }
    Ok(())
}

/// V12: in a corner, next to nothing is hidden: by an administrator, by a supervisor, by root without a name, by the recorder's user.
fn masks(rig: &mut Rig, staff: &Staff) -> Done<()> {
    let polygons = |x: f64| format!("[[[{x}, 0.2], [0.95, 0.2], [0.95, 0.7], [{x}, 0.7]]]");
    let files = rig.site.files()?;
    let mask = |id: &str, polygons: &str| -> Done<String> {
        let file = files.join(format!("{id}.toml"));
        let text = format!("id = \"{id}\"\npolygons = {polygons}\n");
        std::fs::write(&file, text).told(file.display())?;
        Ok(format!("/root/files/{id}.toml"))
    };
    let tiny = mask(
        "tiny",
        "[[[0.02, 0.02], [0.12, 0.02], [0.12, 0.12], [0.02, 0.12]]]",
    )?;
    let set = |file: &str| ["mask", "set", "ashby/c02", "--file", file].map(str::to_owned);
    let in_force = |rig: &Rig| -> Done<String> {
        let said = rig.hub.ask(args!["mask", "show", "ashby/c02"])?;
        Ok(said.well("mask show")?.out)
    };
    let before = wait::until("the hub knows the mask in force", 60, || {
        let said = rig.hub.ask(args!["mask", "show", "ashby/c02"])?;
        let shown = said.status == 0 && said.out.contains("m1");
        Ok(shown.then_some(said.out))
    })?;
    let words = set(&tiny);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for who in ["ada", "kim"] {
        let said = staff.says(&rig.hub, who, &words)?;
        let text = format!("{}{}", said.out, said.err);
        assert!(said.status != 0 && text.contains("lift"), "{who}: {said:?}");
    }
    for who in ["carl", "pol", "ines"] {
        let said = staff.says(&rig.hub, who, &words)?;
        assert!(
            said.status != 0 && said.err.contains("may not"),
            "{who}: {said:?}"
        );
    }
    let machine = rig.site.machine()?;
    let command = format!("beadle-hub {}", words.join(" "));
    let said = machine.run(&["bash", "-c", &command])?;
    assert_ne!(said.status, 0, "root without a name: {said:?}");
    let said = machine.sh_as("beadle", &command)?;
    assert_ne!(said.status, 0, "the recorder's user: {said:?}");
    assert_eq!(in_force(rig)?, before);
    // More than before is one person's to set.
    let more = set(&mask("more", &polygons(0.5))?);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    staff.says(&rig.hub, "kim", &more)?.well("a larger mask")?;
    wait::until("it is in force", 60, || {
        let shown = in_force(rig)?;
        Ok(match shown.contains("more") {
            true => Look::Yes(()),
            false => Look::NotYet(shown),
        })
    })?;
    let named = rig.town.lines_of("mask.set", Some("c02"));
    let tiny = named.iter().find(|l| l.to_string().contains("tiny"));
    match tiny {
        None => rig.town.stop(),
        Some(line) => Err(Trouble(format!("it is on the box's record: {line}"))),
    }
}
