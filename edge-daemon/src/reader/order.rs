//! Pure. Which orders the reader obeys: only those the hub signed, and only for what they name.
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use shared::{
    id::{BoxName, CameraId, HoldId},
    note::{ALG_ED25519, Vkey},
    order::{Act, ORDER_PREFIX, Order},
    segment::{KeyId, SegmentName},
    time::{Day, Utc},
};

/// Which footage a signed order is for, and to whom it may be sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pull {
    pub cam: CameraId,
    pub t0: Utc,
    pub t1: Utc,
    pub recipient: String,
}

/// A hold as it is ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub hold: HoldId,
    pub cam: CameraId,
    pub t0: Utc,
    pub t1: Utc,
    pub until: Utc,
}

/// What an order means to the reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    Pull(Pull),
    Hold(Hold),
    Release(HoldId),
    /// The hub has signed that it is at least so late, and that the box's clock is right.
    Time(Utc),
}

/// Checks signature and box. `vkey` is the order key of `<state>/hub/hub.json`.
///
/// # Errors
/// In words: it is not the hub's, not for this box, or of a kind that says nothing to the reader.
pub fn check(vkey: &str, this_box: &BoxName, order: &str, sig: &str) -> Result<Meaning, String> {
    let vkey = Vkey::parse(vkey.trim())
        .map_err(|e| format!("the hub's order key is not readable: {e}; enrol the box again"))?;
    if vkey.alg != ALG_ED25519 {
        return Err(
            "the hub's order key is of another kind than Ed25519; enrol the box again".into(),
        );
    }
    let sig = STANDARD
        .decode(sig)
        .map_err(|_| "the order's signature is not base64".to_owned())?;
    let signed = [ORDER_PREFIX.as_bytes(), order.as_bytes()].concat();
    UnparsedPublicKey::new(&ED25519, vkey.key)
        .verify(&signed, &sig)
        .map_err(|_| {
            format!(
                "the order is not signed by the hub's order key {}",
                vkey.name
            )
        })?;
    let parsed = serde_json::from_str::<Order>(order)
        .map_err(|e| format!("the signed order is not understood: {e}"))?;
    if parsed.r#box != *this_box {
        return Err(format!(
            "the order is for the box {}, this is {this_box}",
            parsed.r#box
        ));
    }
    let span = |t0: Utc, t1: Utc| {
        if t0 < t1 {
            return Ok(());
        }
        Err("the order's time span is empty".to_owned())
    };
    match parsed.act {
        Act::Pull {
            cam,
            t0,
            t1,
            recipient,
            ..
        }
        | Act::Look {
            cam,
            t0,
            t1,
            recipient,
            ..
        } => {
            span(t0, t1)?;
            Ok(Meaning::Pull(Pull {
                cam,
                t0,
                t1,
                recipient,
            }))
        }
        Act::HoldSet {
            hold,
            cam,
            t0,
            t1,
            until,
            ..
        } => {
            span(t0, t1)?;
            Ok(Meaning::Hold(Hold {
                hold,
                cam,
                t0,
                t1,
                until,
            }))
        }
        Act::HoldClear { hold, .. } => Ok(Meaning::Release(hold)),
        Act::Sweep => Ok(Meaning::Time(parsed.made)),
        _ => Err("this kind of order says nothing to the reader".into()),
    }
}

/// Reads `…/footage/<day>/<camera>/<file>`: the name, and whether it is still open.
pub fn name_of(path: &str) -> Result<(SegmentName, bool), String> {
    let bad = || format!("{path} is not a footage file");
    if !path.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        || path.split('/').any(|p| p == "..")
    {
        return Err(bad());
    }
    let mut parts = path.rsplit('/');
    let (Some(file), Some(cam), Some(day), Some("footage")) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    let (Ok(day), Ok(cam)) = (Day::parse(day), CameraId::parse(cam)) else {
        return Err(bad());
    };
    SegmentName::parse_file(day, &cam, file).map_err(|e| e.to_string())
}

/// Whether a file of this name, sealed under this key id, is what the order is about. What the footage itself says comes on top.
pub fn covers(pull: &Pull, name: &SegmentName, key: &KeyId) -> Result<(), String> {
    if name.cam != pull.cam || *key.cam() != pull.cam {
        return Err(format!(
            "the order is for camera {}, the file is of {}",
            pull.cam, name.cam
        ));
    }
    if let KeyId::Day { day, .. } = key
        && *day != name.day
    {
        return Err(format!(
            "key {key} does not belong to the folder of {}",
            name.day
        ));
    }
    if name.start >= pull.t1 {
        return Err(format!(
            "the file begins at {}, after the span asked for",
            name.start
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    fn signed(order: &str) -> (String, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("seed");
        let key: [u8; 32] = pair.public_key().as_ref().try_into().expect("32 bytes");
        let sig = pair.sign(&[ORDER_PREFIX.as_bytes(), order.as_bytes()].concat());
        (
            Vkey::new("cctv.example.gov.uk/hub/order-2026", ALG_ED25519, key).to_string(),
            STANDARD.encode(sig.as_ref()),
        )
    }

    const ORDER: &str = r#"{"order":5,"made":"2026-11-03T15:00:00.000Z","box":"ashby","by":["op:0002"],"is":"pull","ref":"EXH-2026-000001","cam":"c03","t0":"2026-11-03T14:00:00.000Z","t1":"2026-11-03T14:05:00.000Z","grant":"1","purpose":"00","recipient":"age1x"}"#;

    /// AUD-5: no order signed by the hub, no footage.
    #[test]
    fn only_orders_the_hub_signed_for_this_box() {
        let (vkey, sig) = signed(ORDER);
        let ashby = BoxName::parse("ashby").expect("name");
        let Meaning::Pull(pull) = check(&vkey, &ashby, ORDER, &sig).expect("good order") else {
            panic!("another meaning");
        };
        assert_eq!(pull.cam.as_str(), "c03");
        assert!(
            check(&vkey, &BoxName::parse("brook").expect("name"), ORDER, &sig)
                .expect_err("other box")
                .contains("for the box ashby")
        );
        assert!(
            check(&vkey, &ashby, &ORDER.replace("c03", "c04"), &sig)
                .expect_err("altered")
                .contains("not signed")
        );
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32])
            .expect("seed")
            .sign(ORDER.as_bytes());
        assert!(check(&vkey, &ashby, ORDER, &STANDARD.encode(other.as_ref())).is_err());
    }

    #[test]
    fn only_files_the_order_names() {
        let (vkey, sig) = signed(ORDER);
        let ashby = BoxName::parse("ashby").expect("name");
        let Meaning::Pull(pull) = check(&vkey, &ashby, ORDER, &sig).expect("good order") else {
            panic!("another meaning");
        };
        let at = |p: &str| name_of(p).expect("name").0;
        let key = |k: &str| KeyId::parse(k).expect("key");
        let good = at("/v/footage/2026-11-03/c03/20261103T140003Z-7.mp4.age");
        covers(&pull, &good, &key("c03/2026-11-03")).expect("covered");
        covers(&pull, &good, &key("c03/boot-17")).expect("covered");
        assert!(covers(&pull, &good, &key("c04/2026-11-03")).is_err());
        assert!(covers(&pull, &good, &key("c03/2026-11-04")).is_err());
        assert!(
            covers(
                &pull,
                &at("/v/footage/2026-11-03/c04/20261103T140003Z-7.mp4.age"),
                &key("c03/2026-11-03")
            )
            .is_err()
        );
        assert!(
            covers(
                &pull,
                &at("/v/footage/2026-11-03/c03/20261103T140500Z-7.mp4.age"),
                &key("c03/2026-11-03")
            )
            .is_err()
        );
        for bad in [
            "/v/footage/2026-11-03/c03/../c04/20261103T140003Z-7.mp4.age",
            "/etc/passwd",
            "x",
            "/v/footage/c03/20261103T140003Z-7.mp4.age",
        ] {
            assert!(name_of(bad).is_err(), "{bad}");
        }
    }
}
