//! Adapter: filesystem. Footage from before a log was forked.
use super::*;
use crate::papers::certificate::LaterLog;

/// AUD-4, V11: footage whose log has ended: the package shows that log, to its last countersigned head, and beside it the line of the later log
/// that says it was handed out; the certificate says so and why; both verifiers ask for that line, and for no other log's.
#[test]
fn footage_from_before_a_fork_v11() {
    let mut scene = scene([320; 5]);
    // The hub's copy of the log that the box writes now.
    let origin = format!("{SCHEME}/box/ashby/2");
    let mut next = LogBuilder::new(&origin);
    let clip = ExpClip {
        r#ref: "EXH-2026-000123".into(),
        cam: scene.order.request.camera.cam.clone(),
        s0: 8,
        s1: 11,
        t0: scene.order.request.t0,
        t1: scene.order.request.t1,
        grant: "G-1".into(),
        purpose: "0".repeat(64),
    };
    let n = next.add("hub:order", &clip);
    next.beat();
    let mut head = next.head();
    scene.hub.cosign(&mut head);
    let folder = scene.folder.path().join("next");
    std::fs::create_dir(&folder).expect("folder");
    for (name, bytes) in next.files(Some(&next.head()), Some(&head)).0 {
        std::fs::write(folder.join(name), bytes).expect("file");
    }
    scene.order.clip = n;
    scene.order.later = Some(LaterLog {
        log: folder,
        origin: origin.clone(),
        dispute: Some(("FORKED".into(), "two histories".into())),
    });
    let made = scene.made();
    assert!(
        made.report.render().starts_with("INTACT"),
        "{}",
        made.report.render()
    );
    let said = scene.read(names::CERTIFICATE);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "ashby/1 has ended",
        &format!("Line {n} of that log"),
        "FORKED: two histories",
        "what the hub had countersigned of it before",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }

    let saved = scene.saved();
    let both = || {
        let package = logbook::Folder(saved.clone());
        let ours = verify::package(&package, &options(&scene.hub)).render();
        let python = Command::new("python3")
            .arg("-B")
            .arg(saved.join(names::VERIFY_PY))
            .arg("bundle")
            .arg(&saved)
            .arg("--hub")
            .arg(scene.hub.key.to_string())
            .output()
            .expect("python3");
        let theirs = String::from_utf8_lossy(&python.stdout).into_owned();
        assert_eq!(theirs, ours, "{}", String::from_utf8_lossy(&python.stderr));
        ours
    };
    assert!(both().starts_with("INTACT"), "{}", both());
    // Another box's log, an earlier one, a hub's, another line, a head that no hub key signed: none of them is that line.
    let (record, proof) = (
        saved.join(names::CLIP_RECORD),
        saved.join(names::CLIP_PROOF),
    );
    let unsigned = next.proof(n, &next.head()).render();
    let signed = next.proof(n, &head).render();
    for (what, of, line, head) in [
        ("another box", "box/derby/2", clip.s0, true),
        ("no later log", "box/ashby/1", clip.s0, true),
        ("a hub", "hub/2", clip.s0, true),
        ("another scheme", "", clip.s0, true),
        ("a head of nobody's", "box/ashby/2", clip.s0, false),
    ] {
        let of = match of {
            "" => "evil.example/box/ashby/2".to_owned(),
            of => format!("{SCHEME}/{of}"),
        };
        let mut other = LogBuilder::new(&of);
        let at = other.add(
            "hub:order",
            &ExpClip {
                s0: line,
                ..clip.clone()
            },
        );
        let mut top = other.head();
        if head {
            scene.hub.cosign(&mut top);
        }
        std::fs::write(&record, &other.lines[at as usize]).expect("record");
        std::fs::write(&proof, other.proof(at, &top).render()).expect("proof");
        let said = both();
        let wanted = match head {
            true => "NOT-IN-LOG\tfile log/clip.record",
            false => "NO-HUB-COSIGNATURE\tfile log/clip.tlog-proof",
        };
        assert!(said.contains(wanted), "{what}: {said}");
    }
    // That line covers what is here: it may reach beyond what the hub had countersigned of the log before, and leaves out nothing.
    for (s0, s1, covers) in [
        (8, 12, true),
        (7, 11, true),
        (9, 11, false),
        (8, 10, false),
        (12, 20, false),
    ] {
        let mut other = LogBuilder::new(&origin);
        let at = other.add(
            "hub:order",
            &ExpClip {
                s0,
                s1,
                ..clip.clone()
            },
        );
        let mut top = other.head();
        scene.hub.cosign(&mut top);
        std::fs::write(&record, &other.lines[at as usize]).expect("record");
        std::fs::write(&proof, other.proof(at, &top).render()).expect("proof");
        let said = both();
        // The files beside the sums are listed in them; what was changed here is said of them alone.
        let short = said.contains(&format!(
            "line {at} does not say that segments 8 to 11 were exported"
        ));
        assert_eq!(short, !covers, "{s0} to {s1}: {said}");
    }
    std::fs::write(&record, &next.lines[n as usize]).expect("record");
    std::fs::write(&proof, &unsigned).expect("proof");
    assert!(both().contains("NO-HUB-COSIGNATURE\tfile log/clip.tlog-proof"));
    std::fs::write(&proof, &signed).expect("proof");
    assert!(both().starts_with("INTACT"), "{}", both());
    std::fs::remove_file(&proof).expect("removed");
    assert!(both().contains("NOT-IN-LOG\tfile log/clip.record"));
}
