//! Pure. What a benchmark measured, beside a peer where there is one, and what it is to be.
use serde::Serialize;

/// One line of target/bench.json.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub peer: Option<&'static str>,
    pub peer_value: Option<f64>,
    pub ratio: Option<f64>,
    /// The most, or the least, that the ratio may be; that the value may be where there is no peer.
    pub goal: Option<f64>,
    pub met: Option<bool>,
}

impl Figure {
    /// Of a bench, and of a part of it where that is not empty.
    pub fn new(name: &str, part: &str, value: f64, unit: &'static str) -> Self {
        Self {
            name: format!("{name}{part}"),
            value: round(value),
            unit,
            peer: None,
            peer_value: None,
            ratio: None,
            goal: None,
            met: None,
        }
    }

    /// What a peer needed for the same.
    pub fn beside(mut self, peer: &'static str, value: f64) -> Self {
        self.peer = Some(peer);
        self.peer_value = Some(round(value));
        self.ratio = Some(round(self.value / value));
        self
    }

    pub fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self.met = Some(self.ratio.unwrap_or(self.value) <= goal);
        self
    }

    pub fn at_least(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self.met = Some(self.ratio.unwrap_or(self.value) >= goal);
        self
    }
}

fn round(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}
