//! The pages of orders that wait for somebody's passkey, and of passkeys that count at boxes.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use shared::{
    approval::{Approver, challenge},
    id::CameraId,
    order::{Act, Order, Ordered},
    passkey::{self, Assertion},
    schema::message::Health,
    testing::SoftKey,
};

use super::*;
use crate::{
    access::{approvals, authorise::Permit, factors},
    orders::touches,
    retention::rig::ashby,
};

/// As the script of the page hands it over, in a form.
fn used(a: &Assertion) -> String {
    let b = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let json = serde_json::json!({"id": b(&a.id.0), "type": "public-key", "response": {
        "clientDataJSON": b(&a.client_data.0), "authenticatorData": b(&a.authenticator_data.0), "signature": b(&a.signature.0)}});
    crate::api::call::encoded(&json.to_string())
}

/// A passkey of an account; as a box knows it.
fn key(hub: &Hub, op: u32, id: &str) -> (SoftKey, Approver) {
    let party = hub.config.party().expect("a party");
    let soft = SoftKey::new(id);
    let made = soft.register(party, &[1; 32]);
    let passkey = passkey::register(party, &[1; 32], &made).expect("a key");
    let text = serde_json::to_string(&passkey).expect("JSON");
    let now = hub.now();
    hub.db
        .add_factor(op, factors::PASSKEY, id, &text, None, now)
        .expect("recorded");
    let who = crate::ownlog::op(op);
    (soft, Approver { who, passkey })
}

/// A lift that this person asked for and another approved, which waits for their keys: the order's number and its text.
fn waits(hub: &Hub, ann: u32, second: &Permit) -> (u64, String) {
    let n = super::lifts::asked(hub, ann, None);
    let request = hub.db.approval(n).expect("reads").expect("there");
    let until = hub.now().plus_ms(1_200_000);
    let text = std::cell::RefCell::new(String::new());
    let waits = hub.act(|act| {
        approvals::approve_within(hub, act, &request, second)?;
        let order = Order {
            order: hub.log.handle().size(),
            made: hub.now(),
            r#box: ashby(),
            by: vec![crate::ownlog::op(ann), second.op()],
            act: Act::MaskLift {
                cam: CameraId::parse("c01").expect("camera"),
                mask: "m7".into(),
                instead: None,
                until,
                authority: request.reason.clone().unwrap_or_default(),
            },
        };
        *text.borrow_mut() = Ordered::text(order.clone()).expect("text");
        touches::begin(hub, act, order, &request, second)
    });
    (waits.expect("begun").order, text.into_inner())
}

/// MSK-4, ROL-5: the page says what each order does and asks only those whom it names for their key, for exactly that order; one touch is
/// taken and the other waited for. The last one is not taken while the box is away. The keys that count, and what root pins, are on
/// their page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_waits_for_two_keys() {
    let site = Site::new().await;
    let hub = site.hub();
    let people = ["approver", "supervisor"];
    let [ann, lee] = people.map(scene::number);
    let cookies = [
        site.cookie_of("approver").await,
        site.cookie_of("supervisor").await,
        site.cookie_of("coordinator").await,
    ];
    let ((mut anns, a), (lees, l)) = (key(hub, ann, "ann's"), key(hub, lee, "lee's"));
    let report = hub.db.box_named(&ashby()).expect("reads");
    let report = report.and_then(|b| b.health).expect("said");
    let report = Health {
        approvers: Some(vec![a.known(), l.known()]),
        ..report
    };
    hub.db
        .box_health(&ashby(), &report, hub.now())
        .expect("noted");

    let second = Permit::of_test(lee, "supervisor");
    let (order, text) = waits(hub, ann, &second);
    let challenge = challenge(&text);

    let asked = format!("data-challenge=\"{}\"", URL_SAFE_NO_PAD.encode(challenge));
    for (cookie, is) in cookies.iter().zip([true, true, false]) {
        let page = site.get("/touches", cookie, "").await;
        assert_eq!(page.status, 200);
        let text = page.text();
        assert_eq!(text.contains(&asked), is, "{text}");
        let said = [
            "lift the mask m7 of ashby/c01",
            "nothing hides",
            "nobody has touched",
        ];
        assert!(said.iter().all(|part| text.contains(part) == is), "{text}");
    }
    let home = async |cookie: &str| site.get("/", cookie, "").await.text();
    let says = format!("Order {order} to ashby waits for your passkey");
    assert!(home(&cookies[0]).await.contains(&says) && !home(&cookies[2]).await.contains(&says));
    let form = site.get("/touches", &cookies[0], "").await.form();
    let touched = used(&anns.sign(hub.config.party().expect("a party"), &challenge));
    let body = |form: &str| format!("form={form}&order={order}&credential={touched}");
    let strange = site.post("/touches", &cookies[0], &body("x"), "").await;
    assert_eq!(strange.status, 403);
    let given = site.post("/touches", &cookies[0], &body(&form), "").await;
    assert_eq!(given.status, 200, "{}", given.text());
    assert!(given.text().contains("waits for the other person"));
    assert!(given.text().contains("approver has touched"));
    assert_eq!(site.lines("order.touch").len(), 1);
    let again = site.post("/touches", &cookies[0], &body(&form), "").await;
    assert_eq!(again.status, 422);

    let page = site.get("/touches", &cookies[1], "").await;
    let last = used(&lees.used(hub.config.party().expect("a party"), &challenge));
    let body = format!("form={}&order={order}&credential={last}", page.form());
    let away = site.post("/touches", &cookies[1], &body, "").await;
    assert_eq!(away.status, 422);
    assert!(away.text().contains("is offline"), "{}", away.text());
    site.later(15 * 60_000);
    let over = site.get("/touches", &cookies[0], "").await.text();
    assert!(
        over.contains("It came to nothing. Nobody touched their passkey"),
        "{over}"
    );
    assert_eq!(site.lines("order.fail").len(), 1);

    // Another one is called off by a third person who decides: nobody is asked for a key any more, and the log says who it was.
    let (order, _) = waits(hub, ann, &second);
    let page = site.get("/touches", &cookies[0], "").await;
    assert!(page.text().contains(&format!("Call off order {order}")));
    let third = site.get("/touches", &cookies[2], "").await;
    let body = format!("form={}&order={order}&act=call-off", third.form());
    let off = site.post("/touches", &cookies[2], &body, "").await;
    assert_eq!(off.status, 200, "{}", off.text());
    assert!(off.text().contains("is called off; nothing is sent"));
    let again = site.post("/touches", &cookies[2], &body, "").await;
    assert_eq!(again.status, 422, "{}", again.text());
    let page = site.get("/touches", &cookies[0], "").await.text();
    assert!(
        page.contains("It came to nothing. Coordinator called it off")
            && !page.contains("Call off")
    );
    let fails = site.lines("order.fail");
    let last = fails.last().expect("a line");
    let code = last.data.get("code").and_then(|c| c.as_str());
    assert_eq!((fails.len(), code), (2, Some("called-off")));
    assert_eq!(last.who, crate::ownlog::op(scene::number("coordinator")));
    let owned = last.data.get("as").and_then(|r| r.as_str());
    assert_eq!(owned, Some("coordinator"));

    let page = site.get("/approvers", &cookies[0], "").await.text();
    assert!(
        page.contains(&a.known().key) && !page.contains(&l.known().key),
        "of approvers only"
    );
    assert!(
        page.contains("Counts at ashby") && page.contains("passkeys of two approvers at least")
    );
}
