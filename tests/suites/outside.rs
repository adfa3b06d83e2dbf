//! Task. Who outside the scheme stamps the hub's log: authorities that are `openssl ts` behind a server, and everything that becomes of their
//! stamps, up to a court with stock tools.

use std::{ffi::OsStr, fs, path::Path};

use beadle_tests::{
    Done, Folder, Trouble, args,
    hub::Hub,
    places, program,
    site::Site,
    stamps::{Authority, Kind, Listening, Mood},
};
use serde_json::Value;
use shared::time::Utc;

use crate::rig::{Rig, cosigned, plan, scene, seconds, until_cosigned};

/// What `beadle-hub outside …` says.
fn outside(hub: &Hub, act: &str) -> Done<Value> {
    let said = hub
        .ask(args!["outside", act, "--json"])?
        .well("beadle-hub outside")?;
    Ok(serde_json::from_str(&said.out)?)
}

/// The row of one of them.
fn row<'a>(is: &'a Value, name: &str) -> &'a Value {
    let rows = is["rows"].as_array().map_or(&[][..], Vec::as_slice);
    rows.iter()
        .find(|r| r["name"] == name)
        .unwrap_or(&Value::Null)
}

/// All verifiers' reports of a package, which are one.
fn report(hub: &Hub, package: &Path, trusted: &[&OsStr]) -> Done<String> {
    let key = hub.vkey()?;
    let mut words = args!["bundle", package, "--hub", key].to_vec();
    words.extend(trusted);
    let mut ours = vec![OsStr::new("verify")];
    ours.extend(&words);
    let ours = hub.ask(&ours)?;
    let script = places::root().join("docs/verify/verify.py");
    let mut theirs = vec![script.as_os_str()];
    theirs.extend(&words);
    let theirs = program::run(Path::new("python3"), &theirs)?;
    if (&ours.out, ours.status) != (&theirs.out, theirs.status) {
        return Err(Trouble(format!(
            "two verdicts:\n{}{}\nverify.py:\n{}{}",
            ours.out, ours.err, theirs.out, theirs.err
        )));
    }
    Ok(ours.out)
}

fn named(hub: &Hub, authorities: &[(&str, &Listening)]) -> Done<()> {
    let path = hub.state.join("hub.toml");
    let parts = authorities.iter().map(|(name, a)| a.toml(name));
    let text = fs::read_to_string(&path)? + &parts.collect::<String>();
    fs::write(path, text)?;
    Ok(())
}

/// AUD-4, EVI-2: the head of the hub's log is stamped by two authorities, one of which was away; a package of footage that they cover has their
/// stamps, and one over its listing; Rust, verify.py and openssl find them good, and say what they cannot judge.
#[test]
fn the_log_is_stamped_from_outside() -> Done<()> {
    let mut rig = Rig::of("outside", scene(), |cameras| plan(cameras, 10))?;
    let folder = rig.folder.path().to_owned();
    let north = Authority::make(&folder, "north", Kind::Rsa)?.listen()?;
    let mut south = Authority::make(&folder, "south", Kind::P384)?.listen()?;
    rig.hub.stop()?;
    named(&rig.hub, &[("north", &north), ("south", &south)])?;
    south.is(Mood::Away);
    rig.hub.start()?;

    rig.town.segments("c01", 2, 60)?;
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    let last = segments[1]["n"].as_u64().unwrap_or(0);
    until_cosigned(&rig.hub.box_log("ashby"), last + 1)?;
    let is = outside(&rig.hub, "anchor")?;
    assert!(row(&is, "north")["lines"].is_u64(), "{is}");
    assert_eq!(row(&is, "north")["waiting"], 0, "{is}");
    assert!(row(&is, "south")["lines"].is_null(), "{is}");
    let why = row(&is, "south")["trouble"].as_str().unwrap_or_default();
    assert!(why.contains("503"), "{is}");
    // What it says of something else does not count either.
    south.is(Mood::Liar);
    let is = outside(&rig.hub, "anchor")?;
    let why = row(&is, "south")["trouble"].as_str().unwrap_or_default();
    assert!(why.contains("no time stamp"), "{is}");
    // It is back: all that waited is stamped, the oldest first.
    south.is(Mood::Good);
    let is = outside(&rig.hub, "anchor")?;
    assert_eq!(row(&is, "south")["waiting"], 0, "{is}");
    assert!(row(&is, "south")["trouble"].is_null(), "{is}");
    assert!(north.asked() >= 3 && south.asked() >= 5);

    let from = seconds(&segments[0]["data"]["t0"])?;
    let pulled = rig.pull("c01", from, Utc(from.0 + 6_000))?;
    let package = &pulled.package;
    let (pem_n, pem_s) = (folder.join("north/root.pem"), folder.join("south/root.pem"));
    let both = args!["--authority", pem_n, "--authority", pem_s];
    let said = report(&rig.hub, package, both)?;
    assert!(said.starts_with("INTACT\n"), "{said}");
    assert_eq!(said.matches("\nANCHORED\t").count(), 2, "{said}");
    let said = report(&rig.hub, package, args!["--authority", pem_s])?;
    assert_eq!(said.matches("\nANCHORED\t").count(), 1, "{said}");
    assert!(
        said.contains("TIME-STAMP-NOT-CHECKED\tfile outside/north.tsr"),
        "{said}"
    );
    let certificate = fs::read_to_string(package.join("CERTIFICATE.txt"))?;
    assert!(certificate.contains("ANCHORED 2 times"), "{certificate}");

    // Its own listing is stamped after it was made.
    outside(&rig.hub, "anchor")?;
    let saved = folder.join("again");
    let package = rig.hub.save(&pulled.exhibit, &saved)?;
    let said = report(&rig.hub, &package, both)?;
    assert!(
        said.starts_with("INTACT\n") && said.contains("\nTIME-STAMPED\t"),
        "{said}"
    );
    let script = r#"
        set -e
        cd "$1"
        openssl ts -verify -data SHA256SUMS -in SHA256SUMS.tsr -CAfile "$2"
        sed '1,/^$/d' outside/seen.tlog-proof | head -3 > "$4/body"
        openssl ts -verify -data "$4/body" -in outside/north.tsr -CAfile "$2"
        openssl ts -verify -data "$4/body" -in outside/south.tsr -CAfile "$3"
    "#;
    program::run(
        Path::new("bash"),
        args!["-c", script, "bash", package, pem_n, pem_s, folder],
    )?
    .well("openssl ts -verify")?;

    // What is published names them.
    let published = folder.join("published");
    rig.hub.ask(args!["publish", published])?.well("publish")?;
    let pem = fs::read_to_string(published.join("authorities.pem"))?;
    assert!(pem.contains(north.pem.trim()) && pem.contains(south.pem.trim()));
    let kinds: Vec<String> = own_lines(&rig.hub)?;
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert!(
        count("hub.anchor") >= 6 && count("exp.stamp") == 1,
        "{kinds:?}"
    );
    rig.stop_and_verify_logs()
}

/// Types of the lines of the hub's own log.
fn own_lines(hub: &Hub) -> Done<Vec<String>> {
    let mut all = Vec::new();
    for file in places::files_below(&hub.own_log(), ".jsonl") {
        for line in fs::read_to_string(file)?.lines() {
            let line: Value = serde_json::from_str(line)?;
            all.push(line["type"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(all)
}

fn more(hub: &Hub, text: &str) -> Done<()> {
    let path = hub.state.join("hub.toml");
    let text = fs::read_to_string(&path)? + text;
    fs::write(path, text)?;
    Ok(())
}

/// A hub of that scheme, not started.
fn hub(folder: &Folder, name: &str, scheme: &str) -> Done<Hub> {
    let site = Site::Beside(folder.path().join(name));
    Hub::make_of(&site, scheme, "127.0.0.1", Vec::new())
}

/// AUD-4: two hubs attest each other's log, each night or at once; a hub that was put back to an older copy is refused by the other, and says so
/// as its gravest fault. A laptop does the same with one command, and refuses alike.
#[test]
fn two_hubs_and_a_laptop_are_witnesses() -> Done<()> {
    let folder = Folder::new("witnesses")?;
    let mut a = hub(&folder, "a", "cctv.example.gov.uk")?;
    let mut b = hub(&folder, "b", "cctv.next.gov.uk")?;
    let laptop = folder.path().join("laptop");
    let name = "inspector.example.org/laptop";
    let said = a
        .ask(args!["witness", laptop, "--name", name])?
        .well("witness")?;
    let key = said.out.lines().nth(1).unwrap_or_default().to_owned();
    assert!(key.starts_with(&format!("{name}+")), "{}", said.out);
    let witness = |of: &Hub| -> Done<String> {
        let ca = fs::read_to_string(of.state.join("keys/ca.crt"))?;
        Ok(format!(
            "\n[[outside.witness]]\nkey = \"{}\"\nurl = \"https://127.0.0.1:{}/witness\"\ntls = \"\"\"\n{ca}\"\"\"\n",
            of.vkey()?,
            of.https
        ))
    };
    let watched =
        |of: &Hub| Ok::<_, Trouble>(format!("\n[[outside.watched]]\nkey = \"{}\"\n", of.vkey()?));
    let (wa, wb) = (witness(&a)?, witness(&b)?);
    let by_hand = format!("\n[[outside.witness]]\nkey = \"{key}\"\n");
    let text = wb + &watched(&b)? + &by_hand;
    more(&a, &text)?;
    // The other does not know it yet.
    more(&b, &wa)?;
    b.start()?;
    a.start()?;
    let (name_a, name_b) = (
        "cctv.example.gov.uk/hub/cosign-2026",
        "cctv.next.gov.uk/hub/cosign-2026",
    );
    let is = outside(&a, "anchor")?;
    let named_b = vkey_name(&b, name_b);
    let row_b = |is: &Value| row(is, &named_b).clone();
    assert!(
        row_b(&is)["trouble"]
            .as_str()
            .is_some_and(|t| t.contains("does not know this hub")),
        "{is}"
    );
    b.stop()?;
    more(&b, &watched(&a)?)?;
    b.start()?;
    let is = outside(&a, "anchor")?;
    let attested = row_b(&is)["lines"].as_u64().unwrap_or(0);
    assert!(attested > 0 && row_b(&is)["trouble"].is_null(), "{is}");
    let back = outside(&b, "anchor")?;
    assert!(
        row(&back, &vkey_name(&a, name_a))["lines"].is_u64(),
        "{back}"
    );
    // It grew: attested again, from where it was.
    let is = outside(&a, "anchor")?;
    assert!(row_b(&is)["lines"].as_u64() > Some(attested), "{is}");

    // The laptop.
    let from = format!("https://127.0.0.1:{}", a.https);
    let (hub_key, ca) = (a.vkey()?, a.state.join("keys/ca.crt"));
    let attest = |a: &Hub| {
        a.ask(args![
            "witness", laptop, "--from", from, "--hub", hub_key, "--tls", ca
        ])
    };
    let said = attest(&a)?;
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("attested "), "{}", said.out);
    let said = attest(&a)?.well("nothing waits")?;
    assert!(said.out.contains("nothing waits"), "{}", said.out);
    let kept = outside(&a, "list")?;
    assert!(row(&kept, name)["lines"].is_u64(), "{kept}");
    let kinds = own_lines(&a)?;
    assert_eq!(
        kinds.iter().filter(|k| *k == "hub.witness").count(),
        3,
        "{kinds:?}"
    );

    // Put back to a copy of before: lines that others have seen are missing, and both say so.
    a.stop()?;
    let (state, copy) = (a.state.clone(), folder.path().join("copy"));
    program::run(Path::new("cp"), args!["-a", state, copy])?.well("cp")?;
    a.start()?;
    outside(&a, "anchor")?;
    attest(&a)?.well("attested again")?;
    let grown = cosigned(&a.own_log());
    a.stop()?;
    fs::remove_dir_all(&state)?;
    fs::rename(&copy, &state)?;
    a.start()?;
    assert!(cosigned(&a.own_log()) < grown + 20);
    let is = outside(&a, "anchor")?;
    let why = row_b(&is)["trouble"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(why.contains("had seen"), "{is}");
    let said = attest(&a)?;
    assert!(
        said.status == 1 && said.out.contains("NOT ATTESTED"),
        "{}",
        said.out
    );
    let status = a.ask(args!["status", "--json"])?.well("status")?;
    assert!(status.out.contains("outside.refused"), "{}", status.out);
    a.stop()?;
    b.stop()?;
    a.intact("log", &a.own_log(), false)?;
    b.intact("log", &b.own_log(), false)
}

/// The name of a hub's key, whatever year it was made in.
fn vkey_name(hub: &Hub, otherwise: &str) -> String {
    let key = hub.vkey().unwrap_or_default();
    key.split('+').next().unwrap_or(otherwise).to_owned()
}
