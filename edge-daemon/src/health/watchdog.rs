//! Adapter: sd_notify. What systemd hears from us.

use std::time::Duration;

use sd_notify::NotifyState;

/// Without systemd these calls do nothing; a message that cannot be sent is no reason to stop recording.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::warn!(error = %e, "systemd was not told");
    }
}

/// The log is open and capture threads run.
pub fn ready(text: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(text)]);
}

pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// Everything essential moved since the last time.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How often systemd wants to hear from us: a third of its deadline.
pub fn period() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|deadline| deadline / 3)
}
