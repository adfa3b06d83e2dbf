//! Adapter: retina (RTSP). The sound of a session that plays: its frames become the track's, and what cannot be used of it is said.
use bytes::Bytes;

use super::Run;
use crate::{
    lock::lock,
    recording::report::Report,
    segment::{Heard, TICKS_PER_SEC},
};

/// So many packets of the sound that cannot be used, one after the other: it cannot be had.
const UNUSABLE_SOUND: u32 = 50;

impl Run {
    /// A frame of sound.
    pub(super) fn sound(&mut self, frame: &retina::codec::AudioFrame) {
        let now = self.now();
        let Some(sound) = self
            .sound
            .as_mut()
            .filter(|s| s.stream == frame.stream_id())
        else {
            return;
        };
        if std::mem::take(&mut self.beside) >= UNUSABLE_SOUND {
            let _ = self.context.reports.send(Report::Sound {
                cam: self.capture.shared.index,
                heard: Ok(sound.about.rate),
            });
        }
        let ticks = i128::from(frame.timestamp().elapsed()) * i128::from(TICKS_PER_SEC)
            / i128::from(sound.about.rate.max(1));
        let placed = sound.anchor.arrived(i64::try_from(ticks).unwrap_or(0), now);
        lock(&self.capture.track).heard(Heard {
            wall_us: placed.wall_us,
            duration: frame.frame_length().get(),
            bytes: Bytes::copy_from_slice(frame.data()),
        });
    }

    /// What comes beside the pictures never takes them down; sound that cannot be had is a fault.
    pub(super) fn beside(&mut self, why: String) {
        self.beside = self.beside.saturating_add(1);
        if self.beside == UNUSABLE_SOUND && self.sound.is_some() {
            let cam = self.capture.shared.index;
            tracing::warn!(camera = %self.capture.shared.id(), %why, "the camera's sound cannot be used; its pictures go on");
            let heard = Err(why);
            let _ = self.context.reports.send(Report::Sound { cam, heard });
        }
    }
}
