//! Adapter: sockets. What comes to the door of boxes without a connection: first packets of handshakes from addresses at which nobody is, and
//! packets that are none.
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use beadle_tests::{Done, Told, Trouble, dice::Dice};
use tokio::{
    net::UdpSocket,
    task::{JoinSet, LocalSet},
};

use super::{
    hello,
    line::{ATTACKERS, Doors, Identity, TOWNS, control, forged},
};

/// A box is in by then, whatever is at the door.
const PROMPT: Duration = Duration::from_secs(5);

/// First packets of as many connections.
async fn first_packets(doors: &Doors, count: usize) -> Done<Vec<Vec<u8>>> {
    let catcher = UdpSocket::bind((ATTACKERS, 0)).await?;
    let mut doors = doors.clone();
    doors.quic = catcher.local_addr()?;
    let all = LocalSet::new();
    all.run_until(async {
        let mut dialling = JoinSet::new();
        let mut caught = BTreeMap::new();
        let mut buffer = [0; 2048];
        while caught.len() < count {
            let doors = doors.clone();
            dialling.spawn_local(async move { drop(doors.dial(ATTACKERS, None).await) });
            let n = catcher.recv(&mut buffer).await?;
            // A repeated one has the same connection id, which stands behind the version.
            caught.insert(buffer[6..14].to_vec(), buffer[..n].to_vec());
        }
        Ok(caught.into_values().collect())
    })
    .await
}

/// V6: 500 packets of noise, then handshakes that are begun from 250 addresses at which nobody is and not gone on with, sixteen times as many as were too many
/// once; and again as long as a box takes to come in. It is in at once.
pub async fn half_open(doors: Doors, who: Identity) -> Done<()> {
    let mut dice = Dice::new(6);
    let noise = UdpSocket::bind((ATTACKERS, 0)).await?;
    for n in 0..500 {
        let bytes: Vec<u8> = (0..20 + n * 2).map(|_| dice.below(256) as u8).collect();
        noise.send_to(&bytes, doors.quic).await?;
    }
    let begun = first_packets(&doors, 256).await?;
    let mut from = Vec::new();
    for n in 1..=250 {
        from.push(UdpSocket::bind(SocketAddr::from((forged(n), 0))).await?);
    }
    let flood = async {
        loop {
            for (packet, socket) in begun.iter().zip(from.iter().cycle()) {
                socket.send_to(packet, doors.quic).await?;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let box_ = async {
        // What was sent first is there.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for _ in 0..3 {
            let at = Instant::now();
            let in_ = async {
                let line = doors.dial(TOWNS, Some(&who)).await?;
                control(&line, &hello("evil", |_| ())).await.map(drop)
            };
            let in_ = tokio::time::timeout(PROMPT, in_).await;
            in_.map_err(|_| Trouble(format!("a box waits longer than {:?}", at.elapsed())))??;
        }
        Done::Ok(())
    };
    tokio::select! {
        sent = flood => { let sent: std::io::Result<()> = sent; sent.told("a packet") }
        in_ = box_ => in_,
    }
}
