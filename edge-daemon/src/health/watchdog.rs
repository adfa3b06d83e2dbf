//! Adapter: sd_notify. What systemd hears from us.
//!
//! Invariant: nobody waits for systemd. Messages go through a small queue and a thread; when the other end does not read
//! (its socket then blocks) they are dropped, and recording goes on.

use std::{
    sync::{
        OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use sd_notify::NotifyState;

enum Message {
    Ready(String),
    Status(String),
    Alive,
    Stopping,
}

fn tell(message: Message) {
    static QUEUE: OnceLock<Option<SyncSender<Message>>> = OnceLock::new();
    let queue = QUEUE.get_or_init(|| {
        // Without systemd there is nobody to tell.
        std::env::var_os("NOTIFY_SOCKET")?;
        let (queue, inbox) = sync_channel::<Message>(8);
        let work = move || {
            for message in inbox {
                let sent = match &message {
                    Message::Ready(text) => {
                        sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(text)])
                    }
                    Message::Status(text) => sd_notify::notify(&[NotifyState::Status(text)]),
                    Message::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
                    Message::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
                };
                if let Err(e) = sent {
                    tracing::warn!(error = %e, "systemd was not told");
                }
            }
        };
        match std::thread::Builder::new()
            .name("notify".into())
            .spawn(work)
        {
            Ok(_) => Some(queue),
            Err(e) => {
                tracing::warn!(error = %e, "systemd is told nothing: no thread");
                None
            }
        }
    });
    if let Some(queue) = queue {
        // Full: the other end does not read; the next message says what is true then.
        let _ = queue.try_send(message);
    }
}

/// The log is open and capture threads run.
pub fn ready(text: &str) {
    tell(Message::Ready(text.into()));
}

pub fn status(text: &str) {
    tell(Message::Status(text.into()));
}

/// Everything essential moved since the last time.
pub fn alive() {
    tell(Message::Alive);
}

pub fn stopping() {
    tell(Message::Stopping);
}

/// How often systemd wants to hear from us: a third of its deadline.
pub fn period() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|deadline| deadline / 3)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    /// A service manager that stops reading stops nothing here. Run as a child, since the socket is named by the environment.
    #[test]
    fn a_deaf_service_manager_holds_up_nothing() {
        const DEAF: &str = "BEADLE_TEST_DEAF";
        if std::env::var_os(DEAF).is_some() {
            for _ in 0..2000 {
                super::status("still here");
            }
            return;
        }
        let dir = tempfile::tempdir().expect("dir");
        let socket = dir.path().join("notify");
        let _deaf = UnixDatagram::bind(&socket).expect("socket");
        let me = std::env::current_exe().expect("this test");
        let mut child = std::process::Command::new(me)
            .args([
                "--exact",
                "health::watchdog::tests::a_deaf_service_manager_holds_up_nothing",
            ])
            .env(DEAF, "1")
            .env("NOTIFY_SOCKET", &socket)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("child");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let ended = loop {
            if let Some(status) = child.try_wait().expect("wait") {
                break Some(status);
            }
            if std::time::Instant::now() > deadline {
                break None;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let _ = child.kill();
        let _ = child.wait();
        assert!(
            ended.is_some_and(|s| s.success()),
            "the program hung or failed: {ended:?}"
        );
    }
}
