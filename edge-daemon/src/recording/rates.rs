//! Task. Switches cameras between time-lapse and real time, puts every switch on the record, and keeps orders over a restart.
//!
//! `<state>/rates.json` holds each camera's last order. An order is kept, then logged, then obeyed; its end is logged, then
//! obeyed. When the log takes no lines the camera stays as it is, and it is tried again: too much recorded, never too little.
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use logbook::{LogError, LogHandle};
use shared::{
    id::CameraId,
    order::{Code, Refusal},
    time::{Clock, Utc},
    types::RateSet,
};

use crate::{
    lock::lock,
    segment::rate::{Rate, Wanted},
};
use crate::{
    recording::recorder::Shared,
    recording::switch::{Order, Reason, Switch},
};

const WHO: &str = "sys:rec";
const LOOK: Duration = Duration::from_millis(250);

/// Cheap to clone.
#[derive(Clone)]
pub struct Rates(Arc<Inner>);

struct Inner {
    log: LogHandle,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    /// Those in time-lapse, by their place among all.
    cameras: BTreeMap<usize, One>,
    /// Last orders, as in the file. Held while one switch is made.
    kept: Mutex<BTreeMap<CameraId, Order>>,
}

struct One {
    shared: Arc<Shared>,
    secs: u32,
    hold_ms: u64,
    switch: Mutex<Switch>,
    /// What the log says of it in this start.
    said: Mutex<Option<Option<Reason>>>,
}

impl One {
    fn rate(&self, realtime: bool) -> Rate {
        if realtime {
            Rate::Realtime
        } else {
            Rate::Timelapse(self.secs)
        }
    }
}

impl Rates {
    /// Takes up the orders that are still in force.
    pub fn start(
        path: PathBuf,
        log: LogHandle,
        clock: Arc<dyn Clock>,
        cameras: &[Arc<Shared>],
    ) -> Self {
        let kept = read(&path).unwrap_or_else(|e| {
            tracing::error!(error = %e, path = %path.display(), "orders in force cannot be read; cameras begin in time-lapse");
            BTreeMap::new()
        });
        let now = clock.now();
        let one = |shared: &Arc<Shared>| {
            let lapse = shared.config.timelapse.as_ref()?;
            let mut switch = Switch::default();
            if let Some(order) = kept.get(shared.id()) {
                switch.order(order.order, order.left_ms(now.wall), now);
            }
            let one = One {
                shared: shared.clone(),
                secs: lapse.every_secs,
                hold_ms: u64::from(lapse.hold_secs) * 1000,
                switch: Mutex::new(switch),
                said: Mutex::default(),
            };
            Some((shared.index, one))
        };
        let rates = Self(Arc::new(Inner {
            log,
            clock,
            path,
            cameras: cameras.iter().filter_map(one).collect(),
            kept: Mutex::new(kept),
        }));
        rates.look();
        rates
    }

    /// Nothing to do: no camera is in time-lapse.
    pub fn idle(&self) -> bool {
        self.0.cameras.is_empty()
    }

    pub fn run(&self, stop: &AtomicBool) {
        while !stop.load(Relaxed) {
            std::thread::sleep(LOOK);
            self.look();
        }
    }

    /// What a camera is recorded at, and until when if that is known; None: it has but one rate.
    pub fn status(&self, index: usize) -> Option<(Rate, Option<Utc>)> {
        let one = self.0.cameras.get(&index)?;
        let until = lock(&one.switch).until(self.0.clock.now());
        let realtime = lock(&one.shared.wanted).realtime;
        Some((one.rate(realtime), until.filter(|_| realtime)))
    }

    /// An event of the camera's own. Never waits for the log: the next look switches.
    pub fn event(&self, index: usize, on: bool) {
        if let Some(one) = self.0.cameras.get(&index) {
            lock(&one.switch).event(on, one.hold_ms, self.0.clock.now());
        }
    }

    /// The hub's order: real time for so many minutes from now; 0 ends one. The end, or why not, in a sentence.
    pub fn order(
        &self,
        cam: &CameraId,
        order: u64,
        made: Utc,
        minutes: u32,
    ) -> Result<Utc, Refusal> {
        let Some(one) = self.0.cameras.values().find(|o| o.shared.id() == cam) else {
            let why = format!(
                "camera {cam} records continuously, all it sends; there is nothing to switch"
            );
            return Err(Refusal::new(Code::NotThisCamera, why));
        };
        let mut kept = lock(&self.0.kept);
        if let Some(last) = kept.get(cam) {
            if (last.order, last.made) == (order, made) {
                return Ok(last.until);
            }
            if made <= last.made {
                let why = format!(
                    "a newer order for {cam} has come already (the hub's line {})",
                    last.order
                );
                return Err(Refusal::new(Code::Superseded, why));
            }
        }
        let now = self.0.clock.now();
        let new = Order {
            order,
            made,
            minutes,
            // A clock that is behind the hub's would end it too early after a restart with the right time.
            until: now.wall.max(made).plus_ms(i64::from(minutes) * 60_000),
            over: minutes == 0,
        };
        let mut all = kept.clone();
        all.insert(cam.clone(), new.clone());
        write(&self.0.path, &all).map_err(|e| {
            let why = format!("the box could not keep the order, nothing was switched: {e}");
            Refusal::new(Code::Disk, why)
        })?;
        let before = kept.insert(cam.clone(), new.clone());
        lock(&one.switch).order(order, new.ms(), now);
        if let Err(e) = self.say(one, &mut kept) {
            // Not on the record, so not in force.
            let left = before.as_ref().map_or(0, |b| b.left_ms(now.wall));
            lock(&one.switch).order(before.as_ref().map_or(0, |b| b.order), left, now);
            match before {
                Some(before) => kept.insert(cam.clone(), before),
                None => kept.remove(cam),
            };
            if let Err(e) = write(&self.0.path, &kept) {
                tracing::error!(error = %e, "an order that was refused is still on the disk");
            }
            let why =
                format!("the box could not put the order on its record, nothing was switched: {e}");
            return Err(Refusal::new(Code::Log, why));
        }
        Ok(new.until)
    }

    /// Looks at every camera.
    fn look(&self) {
        for one in self.0.cameras.values() {
            if let Err(e) = self.say(one, &mut lock(&self.0.kept)) {
                tracing::error!(camera = %one.shared.id(), error = %e, "a switch of rate waits: the log takes no lines");
            }
        }
    }

    /// Logs a switch that is due, and makes it.
    fn say(&self, one: &One, kept: &mut BTreeMap<CameraId, Order>) -> Result<(), LogError> {
        let now = self.0.clock.now();
        let (reason, until) = {
            let mut switch = lock(&one.switch);
            (switch.reason(now), switch.until(now))
        };
        let before = *lock(&one.said);
        if before == Some(reason) {
            return Ok(());
        }
        let cam = one.shared.id();
        let ended = reason.is_none() && kept.get(cam).is_some_and(|o| !o.over);
        let (why, order) = match (reason, before) {
            (Some(Reason::Order(n)), _) => ("order", Some(n)),
            (Some(Reason::Event), _) => ("event", None),
            // Ended while the box was off.
            (None, None) if ended => ("end", kept.get(cam).map(|o| o.order)),
            (None, None) => ("start", None),
            (None, Some(Some(Reason::Order(n)))) => match kept.get(cam) {
                // Ended early, by another order.
                Some(o) if o.minutes == 0 && o.order != n => ("order", Some(o.order)),
                _ => ("end", Some(n)),
            },
            (None, Some(_)) => ("end", None),
        };
        let rate = one.rate(reason.is_some());
        self.0.log.append(
            WHO,
            &RateSet {
                cam: cam.clone(),
                rate: rate.code(),
                until: until.filter(|_| matches!(reason, Some(Reason::Order(_)))),
                why: why.into(),
                order,
            },
        )?;
        *lock(&one.said) = Some(reason);
        *lock(&one.shared.wanted) = Wanted {
            realtime: reason.is_some(),
            since: now.wall,
        };
        tracing::info!(camera = %cam, rate = rate.code(), why, "rate set");
        if !matches!(reason, Some(Reason::Order(_)))
            && let Some(order) = kept.get_mut(cam).filter(|o| !o.over)
        {
            order.over = true;
            if let Err(e) = write(&self.0.path, kept) {
                tracing::warn!(error = %e, "the end of an order is on the record, but not kept");
            }
        }
        Ok(())
    }
}

fn read(path: &std::path::Path) -> std::io::Result<BTreeMap<CameraId, Order>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::other),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(e) => Err(e),
    }
}

fn write(path: &std::path::Path, kept: &BTreeMap<CameraId, Order>) -> Result<(), String> {
    let bytes = serde_json::to_vec(kept).map_err(|e| e.to_string())?;
    logbook::write_whole(path, &bytes, true).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use shared::record::{Record, Value};

    use super::*;
    use crate::{
        config::{Camera, Timelapse},
        recording::sequence::Sequence,
        testing::{Hands, lines, open_log},
    };

    struct World {
        home: tempfile::TempDir,
        log: LogHandle,
        hands: Arc<Hands>,
        cameras: Vec<Arc<Shared>>,
    }

    const T: i64 = 1_800_000_000_000;

    fn world() -> World {
        let home = tempfile::tempdir().expect("home");
        let (log, _) = open_log(home.path(), Arc::new(logbook::SystemClock));
        let camera = |(index, timelapse): (usize, Option<Timelapse>)| {
            let config = Camera {
                timelapse,
                ..crate::testing::camera(CameraId::parse(&format!("c0{index}")).expect("id"))
            };
            Arc::new(Shared::new(index, config, Sequence::new(None, 0)))
        };
        let lapse = Timelapse {
            every_secs: 5,
            event: None,
            hold_secs: 2,
        };
        World {
            home,
            log,
            hands: Hands::new(Utc(T), 1_000),
            cameras: [None, Some(lapse)]
                .into_iter()
                .enumerate()
                .map(camera)
                .collect(),
        }
    }

    impl World {
        fn start(&self) -> Rates {
            let path = self.home.path().join("rates.json");
            Rates::start(path, self.log.clone(), self.hands.clone(), &self.cameras)
        }
        fn realtime(&self) -> bool {
            lock(&self.cameras[1].wanted).realtime
        }
        /// (rate, why, order) of every line.
        fn said(&self) -> Vec<(String, String, Option<u64>)> {
            let all = lines(&self.log);
            let text = |r: &Record, key: &str| {
                let value = r.data.get(key).and_then(Value::as_str);
                value.unwrap_or("").to_owned()
            };
            all.iter()
                .filter(|r| r.kind == "rate.set")
                .map(|r| {
                    let order = r.data.get("order").and_then(Value::as_int);
                    let order = order.and_then(|n| u64::try_from(n).ok());
                    (text(r, "rate"), text(r, "why"), order)
                })
                .collect()
        }
    }

    fn c(n: u8) -> CameraId {
        CameraId::parse(&format!("c0{n}")).expect("id")
    }

    /// REC-3: orders are obeyed once and in their order, end by themselves, and each switch is one line.
    #[test]
    fn orders_in_force() {
        let w = world();
        let rates = w.start();
        assert_eq!(rates.status(0), None);
        assert_eq!(rates.status(1), Some((Rate::Timelapse(5), None)));
        let until = rates.order(&c(1), 40, Utc(T), 10).expect("obeyed");
        assert_eq!(until, Utc(T + 600_000));
        assert!(w.realtime());
        assert_eq!(rates.status(1), Some((Rate::Realtime, Some(until))));
        w.hands.pass(60_000);
        assert_eq!(
            rates.order(&c(1), 40, Utc(T), 10),
            Ok(until),
            "the same order again is the same order"
        );
        let older = rates.order(&c(1), 39, Utc(T - 1), 60).expect_err("older");
        assert!(
            older.why.contains("newer order") && older.why.contains("40"),
            "{older}"
        );
        let never = rates
            .order(&c(0), 41, Utc(T + 1), 10)
            .expect_err("continuous");
        assert!(never.why.contains("c00 records continuously"), "{never}");
        w.hands.pass(539_999);
        rates.look();
        assert!(w.realtime());
        w.hands.pass(1);
        rates.look();
        rates.look();
        assert!(!w.realtime());
        rates.order(&c(1), 50, Utc(T + 700_000), 5).expect("obeyed");
        rates.order(&c(1), 51, Utc(T + 700_001), 0).expect("obeyed");
        assert!(!w.realtime());
        let line = |rate: &str, why: &str, order| (rate.to_owned(), why.to_owned(), order);
        assert_eq!(
            w.said(),
            [
                line("timelapse-5", "start", None),
                line("realtime", "order", Some(40)),
                line("timelapse-5", "end", Some(40)),
                line("realtime", "order", Some(50)),
                line("timelapse-5", "order", Some(51)),
            ]
        );
    }

    /// REC-3: an order goes on over a restart; one that ended meanwhile is said to have; a dead clock gives it its whole time again, once.
    #[test]
    fn orders_over_a_restart() {
        let w = world();
        w.start().order(&c(1), 40, Utc(T), 10).expect("obeyed");
        w.hands.pass(60_000);
        let rates = w.start();
        assert_eq!(
            rates.status(1),
            Some((Rate::Realtime, Some(Utc(T + 600_000))))
        );
        w.hands.set(Utc(5));
        let rates2 = w.start();
        assert_eq!(rates2.status(1), Some((Rate::Realtime, Some(Utc(600_005)))));
        w.hands.set(Utc(T + 900_000));
        *lock(&w.cameras[1].wanted) = Wanted::default();
        assert_eq!(w.start().status(1), Some((Rate::Timelapse(5), None)));
        w.hands.set(Utc(5));
        assert_eq!(
            w.start().status(1),
            Some((Rate::Timelapse(5), None)),
            "over is over"
        );
        let whys: Vec<String> = w.said().into_iter().map(|s| s.1).collect();
        assert_eq!(whys, ["start", "order", "order", "order", "end", "start"]);
    }

    /// REC-3, AUD-1: what cannot be put on the record is not in force, and nothing of it is kept.
    #[test]
    fn no_order_without_its_line() {
        let w = world();
        let rates = w.start();
        w.log.close("test").expect("closed");
        let why = rates.order(&c(1), 40, Utc(T), 5).expect_err("refused");
        assert!(why.why.contains("nothing was switched"), "{why}");
        rates.look();
        assert!(!w.realtime());
        let path = w.home.path().join("rates.json");
        assert!(read(&path).expect("read").is_empty());
    }

    /// REC-3: a box whose clock was years behind when the order came does not end it early when it starts again with the right time.
    #[test]
    fn an_order_taken_in_1970() {
        let w = world();
        w.hands.set(Utc(5_000));
        w.start().order(&c(1), 40, Utc(T), 5).expect("taken");
        w.hands.set(Utc(T + 60_000));
        let rates = w.start();
        assert!(w.realtime());
        let (_, until) = rates.status(1).expect("two rates");
        assert_eq!(until, Some(Utc(T + 300_000)));
    }

    /// REC-3: orders that cannot be read any more: cameras begin in time-lapse, and take new orders.
    #[test]
    fn orders_that_cannot_be_read() {
        let w = world();
        let path = w.home.path().join("rates.json");
        std::fs::write(&path, b"{\"c01\": tru").expect("torn");
        let rates = w.start();
        assert!(!w.realtime());
        rates.order(&c(1), 40, Utc(T), 5).expect("taken");
        assert!(w.realtime() && read(&path).expect("read").len() == 1);
    }

    /// REC-3: events, held on to; nothing is kept of them.
    #[test]
    fn events() {
        let w = world();
        let rates = w.start();
        rates.event(0, true);
        rates.event(1, true);
        rates.look();
        assert!(w.realtime());
        rates.event(1, false);
        w.hands.pass(1_999);
        rates.look();
        assert!(w.realtime());
        w.hands.pass(1);
        rates.look();
        assert!(!w.realtime());
        let whys: Vec<String> = w.said().into_iter().map(|s| s.1).collect();
        assert_eq!(whys, ["start", "event", "end"]);
        assert!(!w.home.path().join("rates.json").exists());
    }
}
