//! Adapter: network. A stream's packets over UDP, from the camera's address whatever the port.
use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsFd,
    task::{Context, Poll},
};

use bytes::Bytes;
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
use tokio::{io::ReadBuf, net::UdpSocket};

/// Pairs of ports that are tried.
const TRIES: u32 = 40;
/// What the kernel is asked to hold between two turns.
const HELD: usize = 4 << 20;
/// A datagram at most.
const LARGEST: usize = 65_536;

/// Two sockets side by side: packets, and reports.
pub struct Pair {
    packets: UdpSocket,
    reports: UdpSocket,
    pub port: u16,
    buffer: Box<[u8]>,
}

/// One datagram.
pub struct Datagram {
    pub from: SocketAddr,
    pub report: bool,
    pub bytes: Bytes,
}

impl Pair {
    /// # Errors
    /// No two ports side by side are free.
    pub async fn bind(local: IpAddr) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            let packets = UdpSocket::bind((local, 0)).await?;
            let port = packets.local_addr()?.port();
            if port % 2 == 1 || port == 0 {
                continue;
            }
            match UdpSocket::bind((local, port + 1)).await {
                Err(e) => last = e,
                Ok(reports) => {
                    // The kernel gives what it may; less is no reason not to begin.
                    let _ = setsockopt(&packets.as_fd(), RcvBuf, &HELD);
                    return Ok(Self {
                        packets,
                        reports,
                        port,
                        buffer: vec![0; LARGEST].into(),
                    });
                }
            }
        }
        Err(last)
    }

    /// Has a router in between let the camera's packets through.
    pub async fn knock(&self, camera: IpAddr, port: u16) {
        // An empty RTP packet, and an empty report: what is lost of them is of no matter.
        let _ = self
            .packets
            .send_to(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (camera, port))
            .await;
        let report = port.saturating_add(1);
        let _ = self
            .reports
            .send_to(&[0x80, 201, 0, 1, 0, 0, 0, 0], (camera, report))
            .await;
    }

    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Datagram> {
        for (socket, report) in [(&self.reports, true), (&self.packets, false)] {
            loop {
                let mut buffer = ReadBuf::new(&mut self.buffer);
                match socket.poll_recv_from(cx, &mut buffer) {
                    Poll::Pending => break,
                    // A refusal that our knocking brought back is no news.
                    Poll::Ready(Err(_)) => continue,
                    Poll::Ready(Ok(from)) => {
                        return Poll::Ready(Datagram {
                            from,
                            report,
                            bytes: Bytes::copy_from_slice(buffer.filled()),
                        });
                    }
                }
            }
        }
        Poll::Pending
    }
}
