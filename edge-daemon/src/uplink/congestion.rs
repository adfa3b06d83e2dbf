//! Adapter: quinn. The pace of a connection ([`Pace`]), as quinn asks for it.
use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics};

use super::pace::Pace;

/// Makes one for each connection.
pub(super) struct Measured;

impl ControllerFactory for Measured {
    fn build(self: Arc<Self>, now: Instant, packet: u16) -> Box<dyn Controller> {
        let pace = Pace::new(packet.into());
        let first = pace.window();
        Box::new(Connection {
            pace,
            first,
            began: now,
        })
    }
}

#[derive(Clone)]
struct Connection {
    pace: Pace,
    first: u64,
    began: Instant,
}

impl Connection {
    fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.began)
    }
}

impl Controller for Connection {
    fn on_sent(&mut self, now: Instant, bytes: u64, _number: u64) {
        self.pace.sent(self.since(now), bytes);
    }

    fn on_ack(
        &mut self,
        _now: Instant,
        sent: Instant,
        bytes: u64,
        _idle: bool,
        _trips: &quinn_proto::RttEstimator,
    ) {
        self.pace.arrived(self.since(sent), bytes);
    }

    fn on_end_acks(&mut self, now: Instant, under_way: u64, idle: bool, _largest: Option<u64>) {
        self.pace.told(self.since(now), under_way, idle);
    }

    fn on_congestion_event(&mut self, _now: Instant, _sent: Instant, _persistent: bool, lost: u64) {
        self.pace.lost(lost);
    }

    fn on_mtu_update(&mut self, packet: u16) {
        self.pace.packet(packet.into());
    }

    fn window(&self) -> u64 {
        self.pace.window()
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = ControllerMetrics::default();
        metrics.congestion_window = self.pace.window();
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.first
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
