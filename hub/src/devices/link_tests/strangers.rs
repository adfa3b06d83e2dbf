//! Strangers at the door of boxes: silent ones, half-open ones, greedy ones (V6).
use super::*;

/// How soon a box is in although strangers crowd the door. Without them it takes some milliseconds.
const PROMPT: Duration = Duration::from_secs(3);

async fn gets_in(hub: &Rig, who: &(CertificateDer<'static>, Vec<u8>), name: &str) {
    let going = async {
        let line = hub.dial(Some(who)).await.expect("dials");
        let _control = control(&line, name).await;
    };
    tokio::time::timeout(PROMPT, going)
        .await
        .unwrap_or_else(|_| panic!("{name} is kept out"));
}

/// V6: two hundred connections without a certificate that say nothing, from the address boxes come from as well, keep out neither a box nor
/// an enrolment; all but a few of them lose their place at once, and are told why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_strangers_keep_nobody_out() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(hub.dial(None).await.expect("handshake"));
    }
    gets_in(&hub, &who, "ashby").await;
    let derby = tokio::time::timeout(PROMPT, hub.enrolled("derby"))
        .await
        .expect("enrols");
    gets_in(&hub, &derby, "derby").await;
    let (code, why) = closed(&silent[0]).await;
    assert_eq!(code, u64::from(close::NO_CERTIFICATE));
    assert!(why.contains("too many connections"), "{why}");
    let left = silent.iter().filter(|s| s.close_reason().is_none());
    assert!(left.count() <= 8, "an address has a share, no more");
}

/// First packets of as many connections, and nothing after them.
pub(super) async fn half_open(hub: &Rig, count: usize) -> Vec<Vec<u8>> {
    let catcher = tokio::net::UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("port");
    let to = catcher.local_addr().expect("address");
    let ca = hub.desk.keys.authority().der().clone();
    let mut dialling = tokio::task::JoinSet::new();
    let mut caught: std::collections::BTreeMap<Vec<u8>, Vec<u8>> = Default::default();
    let mut buffer = [0; 2048];
    while caught.len() < count {
        let ca = ca.clone();
        dialling.spawn(async move { drop(dial(to, &ca, None).await) });
        let n = catcher.recv(&mut buffer).await.expect("a first packet");
        // A repeated one has the same connection id, which stands behind the version.
        caught.insert(buffer[6..14].to_vec(), buffer[..n].to_vec());
    }
    caught.into_values().collect()
}

/// V6: connections that are begun and not gone on with, from addresses that need not be anybody's, keep no box out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_keep_nobody_out() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let begun = half_open(&hub, 150).await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("socket");
    for packet in &begun {
        socket.send_to(packet, hub.desk.quic).expect("sent");
    }
    gets_in(&hub, &who, "ashby").await;
}

/// V6: what a stranger makes the hub keep is small: a frame as large as a box may send ends the conversation before it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_may_not_say_much() {
    let hub = Rig::new();
    let greedy = hub.dial(None).await.expect("handshake");
    let (mut out, _inc) = greedy.open_bi().await.expect("stream");
    out.write_all(b"\x00\x10\x00\x00J").await.expect("sent");
    let (code, _) = closed(&greedy).await;
    assert_eq!(code, u64::from(close::NO_CERTIFICATE));
}
