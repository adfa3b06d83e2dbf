//! Pure. An order as it came: whether the hub signed it, and what it says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use shared::{
    note::Vkey,
    order::{ORDER_PREFIX, Ordered},
};

/// The hub's signature under an order.
pub fn signed(key: &Vkey, order: &str, sig: &str) -> Result<(), &'static str> {
    let sig = STANDARD
        .decode(sig)
        .map_err(|_| "its signature is not base64")?;
    let message = [ORDER_PREFIX, order].concat();
    UnparsedPublicKey::new(&ED25519, key.key)
        .verify(message.as_bytes(), &sig)
        .map_err(|_| "it is not signed by this box's hub")
}

/// What the order says, and the text that people approved of it: made anew from what was understood, so that nothing is obeyed that they
/// did not approve. None: it is not understood, and left alone.
pub fn understood(order: &str) -> Option<(Ordered, String)> {
    let ordered = serde_json::from_str::<Ordered>(order);
    let read = ordered.and_then(|o| Ok((Ordered::text(o.order.clone())?, o)));
    match read {
        Ok((text, ordered)) => Some((ordered, text)),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared::{
        id::{BoxName, CameraId},
        order::{Act, Order},
        time::Utc,
    };

    /// MSK-4: an order is the hub's to the letter: with any byte changed, or under another key, it is none.
    #[test]
    fn an_order_is_signed_to_the_letter() {
        use shared::testing::Key;

        let key = |n| Key::log("cctv.example.gov.uk/hub/order", n);
        let order = Order {
            order: 40,
            made: Utc(1_800_000_000_000),
            r#box: BoxName::parse("ashby").expect("box"),
            by: vec!["op:0002".into(), "op:0003".into()],
            act: Act::MaskLift {
                cam: CameraId::parse("c01").expect("cam"),
                mask: "m7".into(),
                instead: None,
                until: Utc(1_800_000_600_000),
                authority: "ab".into(),
            },
        };
        let text = serde_json::to_string(&order).expect("json");
        assert_eq!(serde_json::from_str::<Order>(&text).expect("back"), order);
        let sign = |n: u8| STANDARD.encode(key(n).sign([ORDER_PREFIX, &text].concat().as_bytes()));
        let vkey = key(1).vkey;
        assert_eq!(signed(&vkey, &text, &sign(1)), Ok(()));
        assert!(signed(&vkey, &text, &sign(2)).is_err(), "forged");
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] ^= 1;
            let altered = String::from_utf8(altered).expect("ascii");
            assert!(signed(&vkey, &altered, &sign(1)).is_err(), "byte {at}");
        }
        assert!(signed(&vkey, &text, "no base64").is_err());
    }

    proptest! {
        /// ROL-5: the box makes the very text that people approved of what it understood, whatever numbers are in it.
        #[test]
        fn what_is_obeyed_is_what_was_approved(x in 0.0..1.0_f64, y in 0.0..1.0_f64, order: u64) {
            let corners = format!("[[[0,0.2],[{x},{y}],[0.4,1]]]");
            let said = format!(
                r#"{{"is":"mask-set","box":"ashby","order":{order},"cam":"c01","mask":{{"id":"m7","polygons":{corners}}},"reviewer":null,"by":["op:0002"],"made":"2026-11-28T12:00:00.000Z"}}"#
            );
            let read: Order = serde_json::from_str(&said).expect("an order");
            let text = Ordered::text(read.clone()).expect("text");
            let approval = r#"{"who":"op:0002","passkey":{"id":"AA","client_data":"AA","authenticator_data":"AA","signature":"AA"}}"#;
            let sent = text.replace("\"approvals\":[]", &format!("\"approvals\":[{approval}]"));
            let (ordered, approved) = understood(&sent).expect("understood");
            prop_assert_eq!(ordered.approvals.len(), 1);
            prop_assert_eq!(ordered.order, read);
            prop_assert_eq!(approved, text);
        }
    }
}
