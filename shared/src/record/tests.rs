//! Pure. The worked line, every fault by its name, and one spelling of anything.
use super::*;

fn line(data: &str) -> Vec<u8> {
    format!(
        "{{\"v\":1,\"log\":\"a/box/b/1\",\"n\":0,\"prev\":\"{}\",\"t\":\"2026-11-03T14:01:03.000Z\",\"boot\":1,\"mono\":5,\"type\":\"x\",\"who\":\"sys:x\",\"data\":{data}}}\n",
        "0".repeat(64)
    )
    .into_bytes()
}

fn fault(bytes: &[u8]) -> String {
    Record::parse(bytes).map(|_| ()).expect_err("refused").0
}

/// AUD-2: the worked line of audit.md 2.1 has the leaf printed there.
#[test]
fn worked_line() {
    let line = concat!(
        r#"{"v":1,"log":"cctv.example.gov.uk/box/ashby-high-street/1","n":3,"prev":"0333e47b11833631a1a38a8b864d4a5f5586440b79c8b03561251ffaf0905e3b","t":"2026-11-03T14:01:03.000Z","boot":17,"mono":64000,"type":"seg.write","who":"sys:rec","data":{"cam":"c03","s":184223,"t0":"2026-11-03T14:00:03.000Z","t1":"2026-11-03T14:01:03.000Z","size":2048,"sha256":"e52c2f55568ac4b802b0b4a68a2b704f694540cec275a2c7953ac31dd1cc2a5b","mask":"m7","key":"c03/2026-11-03"}}"#,
        "\n"
    );
    let record = Record::parse(line.as_bytes()).expect("parses");
    assert_eq!(
        hex(&record.leaf),
        "8e5b9cd2a3aadeacd90b9c82215e818cce6660bfdb2966df81fa8cc1c3de97a4"
    );
    assert_eq!(record.data.get("s").and_then(Value::as_u64), Some(184_223));
}

/// AUD-2: what is rendered parses back to the same text, Welsh names and all.
#[test]
fn render_and_back() {
    let prev = [7; 32];
    let now = Now {
        wall: Utc::parse("2026-11-03T14:01:03.000Z").expect("t"),
        mono: 12,
    };
    let envelope = Envelope {
        log: "a/box/b/1",
        n: 9,
        prev: &prev,
        now,
        boot: 3,
        kind: "log.open",
        who: "sys:log",
    };
    let text = "Tŷ Gwyn \u{7f} \"x\" \\ \n \u{1} 🎥 /";
    let bytes = render(
        &envelope,
        &serde_json::json!({ "site": text, "none": null, "list": [1, -2] }),
    )
    .expect("renders");
    assert!(
        bytes[..bytes.len() - 1]
            .iter()
            .all(|b| (0x20..=0x7e).contains(b))
    );
    let record = Record::parse(&bytes).expect("parses");
    assert_eq!(record.data.get("site").and_then(Value::as_str), Some(text));
    assert_eq!(
        (record.n, record.boot, record.mono, record.prev, record.t),
        (9, 3, 12, prev, now.wall)
    );
    assert!(render(&envelope, &serde_json::json!({ "x": 1.5 })).is_err());
    assert!(render(&envelope, &serde_json::json!({ "x": 1u64 << 53 })).is_err());
    assert!(render(&envelope, &serde_json::json!({ "x": "y".repeat(4096) })).is_err());
}

/// Rows C1–C5 and their neighbours: each fault is refused by name.
#[test]
fn faults_by_name() {
    assert!(Record::parse(&line("{}")).is_ok());
    for (data, name) in [
        (r#"{"a":1,"a":2}"#, "duplicate key \"a\""),
        (r#"{"b":[{"a":1,"a":2}]}"#, "duplicate key \"a\""),
        (r#"{"a":1.5}"#, "float"),
        (r#"{"a":1e3}"#, "float"),
        (r#"{"a": 1}"#, "white space"),
        (r#"{ "a":1}"#, "white space"),
        (r#"{"a":1 }"#, "white space"),
        (r#"{"a":9007199254740992}"#, "number out of range"),
        (r#"{"a":-9007199254740992}"#, "number out of range"),
        (r#"{"a":99999999999999999999999999}"#, "number out of range"),
        (r#"{"a":01}"#, "not JSON"),
        (r#"{"a":-0}"#, "bad value"),
        (r#"{"a":"\u0041"}"#, "bad value"),
        (r#"{"a":"\u00C5"}"#, "bad value"),
        (r#"{"a":"\/"}"#, "bad value"),
        (r#"{"a":"\ud800"}"#, "bad value"),
        (r#"{"a":"\ud800\u0061"}"#, "bad value"),
        (r#"{"a":"\u000a"}"#, "bad value"),
        (r#"{"a":"\x"}"#, "not JSON"),
        (r#"{"a":tru}"#, "not JSON"),
        (r#"{"a"}"#, "not JSON"),
        (r#"{"a":1,}"#, "not JSON"),
        ("[]", "bad value"),
        ("null", "bad value"),
        ("{\"a\":\"\u{e9}\"}", "non-ASCII"),
        ("{\"a\":\"\t\"}", "non-ASCII"),
    ] {
        let fault = fault(&line(data));
        assert!(fault.starts_with(name), "{data}: {fault}");
    }
    let good = String::from_utf8(line("{}")).expect("text");
    for (from, to, name) in [
        ("\n", "\r\n", "CRLF"),
        ("\n", " \n", "white space"),
        ("\n", "x\n", "not JSON"),
        ("\"n\":0", "\"n\":-1", "number out of range"),
        ("\"n\":0", "\"n\":\"0\"", "bad value"),
        ("\"n\":0,", "", "missing key \"n\""),
        ("\"n\":0", "\"n\":0,\"m\":0", "unknown key \"m\""),
        (
            "\"boot\":1,\"mono\":5",
            "\"mono\":5,\"boot\":1",
            "key order",
        ),
        ("14:01:03.000Z", "14:01:60.000Z", "bad time"),
        ("14:01:03.000Z", "14:01:03Z", "bad time"),
        ("2026-11", "9999-11", "bad time"),
        ("\"prev\":\"0", "\"prev\":\"A", "bad value"),
        ("\"v\":1", "\"v\":2", "version 2"),
        ("\"v\":1", "\"v\":\"1\"", "bad value"),
    ] {
        let fault = fault(good.replacen(from, to, 1).as_bytes());
        assert!(fault.starts_with(name), "{to}: {fault}");
    }
    assert!(fault(b"\n").starts_with("not JSON"));
    assert!(fault(b"[1]\n").starts_with("not JSON"));
    assert!(fault(&line(&format!("{{\"a\":\"{}\"}}", "x".repeat(4096)))).starts_with("too long"));
    assert!(
        fault(&line(&format!(
            "{{\"a\":{}{}}}",
            "[".repeat(40),
            "]".repeat(40)
        )))
        .starts_with("bad value")
    );
}

#[test]
fn hex_and_salt() {
    assert_eq!(unhex(&hex(&[0xab; 32])), Some([0xab; 32]));
    assert_eq!(unhex(&"AB".repeat(32)), None);
    assert_eq!(unhex("ab"), None);
    assert_eq!(salted(b"s", "t"), hex(&sha256(b"st")));
}

proptest::proptest! {
    /// Anything accepted renders to the same bytes again.
    #[test]
    fn one_spelling(text in ".*", number in -(1i64 << 53) + 1..(1i64 << 53)) {
        let prev = [0; 32];
        let now = Now { wall: Utc(1_793_714_463_000), mono: 1 };
        let envelope = Envelope { log: "a", n: 0, prev: &prev, now, boot: 1, kind: "x", who: "y" };
        let bytes = render(&envelope, &serde_json::json!({ "a": text, "b": number })).expect("renders");
        let record = Record::parse(&bytes).expect("parses");
        proptest::prop_assert_eq!(record.data.get("a").and_then(Value::as_str), Some(text.as_str()));
        proptest::prop_assert_eq!(record.data.get("b").and_then(Value::as_int), Some(number));
    }

    /// Times by hand are times by the calendar.
    #[test]
    fn times(ms in -62_135_596_800_000i64..253_339_228_800_000, at in 0usize..24, byte in 0x20u8..0x7f) {
        let text = Utc(ms).to_string();
        proptest::prop_assert_eq!(parse_time(&text), Some(Utc(ms)));
        let mut other = text.into_bytes();
        other[at] = byte;
        let other = String::from_utf8(other).expect("ascii");
        let year = other.get(..4).map(str::to_owned).unwrap_or_default();
        if year != "0000" && year != "9999" {
            proptest::prop_assert_eq!(parse_time(&other), Utc::parse(&other).ok(), "{}", other);
        }
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = Record::parse(&bytes);
        let _ = Value::parse(&bytes);
    }
}
