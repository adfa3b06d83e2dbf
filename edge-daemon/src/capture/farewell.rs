//! Adapter: tokio. How sessions leave their cameras.
//!
//! retina ends a session with TEARDOWN on the same connection, in a task of its own that reads on for the answer. Nothing bounds what
//! that task holds, and nobody can reach it. So each has a small runtime to itself ([`Place`]), which is run once, between two turns of
//! its capture thread, with its connection taken aside ([`Aside`]): that says it. The answer is not read, for it may have no end; a moment
//! later the connection is closed. Where its connection is not known it is closed at once.
use std::{
    cell::RefCell,
    collections::BTreeSet,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

use futures::Stream;
use retina::{client::Demuxed, codec::CodecItem};
use tokio::{
    runtime::{Builder, EnterGuard, Runtime},
    sync::Notify,
};

use crate::capture::{
    aside::{Aside, Socket},
    session::GOODBYE_MS,
    thread::Turn,
};

/// Timers of sessions that play are looked at this often: they are of many seconds.
const TIMERS_MS: u64 = 1_000;

/// The goodbyes of one session.
#[derive(Default)]
pub(crate) struct Farewell {
    turn: Rc<Turn>,
    places: RefCell<Vec<Place>>,
    over: Notify,
    /// What the session speaks over.
    connection: RefCell<Option<Socket>>,
    /// Where the timers of a session are that plays: the one that says when it is to be kept alive.
    timers: RefCell<Option<Place>>,
}

impl Farewell {
    pub(crate) fn new(turn: Rc<Turn>) -> Rc<Self> {
        Rc::new(Self {
            turn,
            ..Self::default()
        })
    }

    /// Work that connects to this port: whichever socket it makes for that is the session's. retina shows it to nobody; but nothing else
    /// of this thread goes on while it makes it, and what another thread makes in that moment leads elsewhere. (If it does not, none is
    /// known.)
    pub(crate) async fn knowing<F: Future>(&self, port: u16, work: F) -> F::Output {
        let mut work = pin!(work);
        let mut made = BTreeSet::new();
        let connected = |made: &BTreeSet<Socket>| made.iter().any(|s| s.leads_to(port));
        let done = std::future::poll_fn(|cx| {
            if connected(&made) {
                return work.as_mut().poll(cx);
            }
            let before = Socket::all();
            let polled = work.as_mut().poll(cx);
            made.extend(Socket::all().difference(&before).cloned());
            polled
        })
        .await;
        made.retain(|socket| socket.leads_to(port));
        let only = if made.len() == 1 {
            made.pop_first()
        } else {
            None
        };
        self.connection.replace(only);
        done
    }

    /// Does what may end a session: its goodbye is said apart.
    pub(crate) fn apart<T>(self: &Rc<Self>, act: impl FnOnce() -> T) -> T {
        let place = Place::new(true);
        let done = {
            let _within = place.as_ref().map(Place::enter);
            act()
        };
        self.keep(place);
        done
    }

    /// Work that either ends a session or leaves it playing: what timers it made go on until [`Farewell::ended`]. `sockets`: its goodbye
    /// may be said over a connection of its own. (Without, running its place takes no system call.)
    pub(crate) fn within<F: Future>(self: &Rc<Self>, sockets: bool, work: F) -> Leaving<F> {
        Leaving {
            place: Place::new(sockets),
            work: Some(Box::pin(work)),
            farewell: self.clone(),
        }
    }

    /// Work that ends a session when it is dropped before its end.
    pub(crate) fn around<F: Future>(self: &Rc<Self>, work: F) -> Leaving<F> {
        Leaving {
            place: None,
            work: Some(Box::pin(work)),
            farewell: self.clone(),
        }
    }

    /// Drops a session of which too much came already, without a goodbye.
    pub(crate) fn silently<T>(&self, session: T) {
        let before = self.places.borrow().len();
        drop(session);
        let unsaid = self.places.borrow_mut().split_off(before);
        drop(unsaid);
        self.over.notify_waiters();
    }

    /// The session is over, and needs its timers no more.
    pub(crate) fn ended(&self) {
        let timers = self.timers.take();
        drop(timers);
    }

    /// Until all is said.
    pub(crate) async fn said(&self) {
        while !self.places.borrow().is_empty() {
            self.over.notified().await;
        }
    }

    /// A little of each. False: nothing is left to do.
    fn round(&self, mono: u64) -> bool {
        let timers = self.timers.borrow_mut().as_mut().is_some_and(|timers| {
            if mono.saturating_sub(timers.began.unwrap_or(0)) >= TIMERS_MS {
                timers.began = Some(mono);
                timers.run();
            }
            true
        });
        let mut places = self.places.borrow_mut();
        places.retain_mut(|place| place.round(mono));
        if places.is_empty() {
            self.over.notify_waiters();
        }
        timers || !places.is_empty()
    }

    fn keep(self: &Rc<Self>, place: Option<Place>) {
        if let Some(mut place) = place.filter(Place::talks) {
            place.connection = self.connection.take();
            self.places.borrow_mut().push(place);
            self.attend();
        }
    }

    fn attend(self: &Rc<Self>) {
        let mut all = self.turn.farewells.borrow_mut();
        if !all.iter().any(|f| Rc::ptr_eq(f, self)) {
            all.push(self.clone());
        }
    }
}

/// Goes on with the goodbyes of a thread, outside of its runtime. True: a new session waits for one of them.
pub(crate) fn round(turn: &Turn, mono: u64) -> bool {
    let all = turn.farewells.take();
    let left: Vec<_> = all.into_iter().filter(|f| f.round(mono)).collect();
    let waited = left.iter().any(|f| !f.places.borrow().is_empty());
    turn.farewells.borrow_mut().extend(left);
    waited
}

/// Work whose session is left apart. See [`Farewell::within`] and [`Farewell::around`].
pub(crate) struct Leaving<F: Future> {
    /// It is polled there.
    place: Option<Place>,
    work: Option<Pin<Box<F>>>,
    farewell: Rc<Farewell>,
}

impl<F: Future> Future for Leaving<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let Some(work) = &mut this.work else {
            return Poll::Pending;
        };
        let within = this.place.as_ref().map(Place::enter);
        let polled = work.as_mut().poll(cx);
        drop(within);
        if polled.is_ready() {
            this.work = None;
            if let Some(place) = this.place.take_if(|place| !place.talks()) {
                let before = this.farewell.timers.replace(Some(place));
                drop(before);
                this.farewell.attend();
            }
        }
        polled
    }
}

impl<F: Future> Drop for Leaving<F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let place = self.place.take().or_else(|| Place::new(true));
            {
                let _within = place.as_ref().map(Place::enter);
                drop(work);
            }
            self.farewell.keep(place);
        } else {
            self.farewell.keep(self.place.take());
        }
    }
}

/// A session that plays, until it is dropped, however that comes.
pub(crate) struct Playback {
    demuxed: Option<Demuxed>,
    farewell: Rc<Farewell>,
}

impl Playback {
    pub(crate) fn new(demuxed: Demuxed, farewell: Rc<Farewell>) -> Self {
        Self {
            demuxed: Some(demuxed),
            farewell,
        }
    }

    pub(crate) fn streams(&self) -> &[retina::client::Stream] {
        self.demuxed.as_ref().map_or(&[], |d| d.streams())
    }
}

impl Stream for Playback {
    type Item = Result<CodecItem, retina::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.demuxed {
            Some(demuxed) => Pin::new(demuxed).poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        let demuxed = self.demuxed.take();
        self.farewell.apart(|| drop(demuxed));
    }
}

/// Where one goodbye is said.
struct Place {
    /// Before the runtime, whose task holds the socket that it was made from.
    aside: Option<Aside>,
    runtime: Option<Runtime>,
    connection: Option<Socket>,
    /// When it was run last, in monotonic ms.
    began: Option<u64>,
}

impl Place {
    /// None: the box has no file descriptor left, and the goodbye is said among the thread's own tasks.
    fn new(sockets: bool) -> Option<Self> {
        let mut builder = Builder::new_current_thread();
        // One task is polled, once.
        builder.enable_time().event_interval(1);
        if sockets {
            builder.enable_io();
        }
        let built = builder.build();
        Some(Self {
            aside: None,
            runtime: Some(built.ok()?),
            connection: None,
            began: None,
        })
    }

    fn enter(&self) -> Option<EnterGuard<'_>> {
        self.runtime.as_ref().map(Runtime::enter)
    }

    fn talks(&self) -> bool {
        let alive = |runtime: &Runtime| runtime.metrics().num_alive_tasks() > 0;
        self.runtime.as_ref().is_some_and(alive)
    }

    /// Polls what is in it, once.
    fn run(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(tokio::task::yield_now());
        }
    }

    /// False: it is over.
    fn round(&mut self, mono: u64) -> bool {
        if self.began.is_none()
            && let Err(e) = self.say()
        {
            tracing::debug!(error = %e, "a session is left without a word");
            return false;
        }
        let passed = mono.saturating_sub(*self.began.get_or_insert(mono));
        let over = self.aside.as_ref().is_some_and(Aside::is_over);
        passed < GOODBYE_MS && !over && self.talks()
    }

    /// Says what is to be said, once.
    fn say(&mut self) -> std::io::Result<()> {
        let connection = self.connection.take();
        let mut aside = connection
            .ok_or(std::io::ErrorKind::NotConnected)?
            .aside()?;
        self.run();
        let passed = aside.pass_on();
        self.aside = Some(aside);
        passed
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.aside = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        },
    };

    use super::*;

    fn rounds(turn: &Turn) -> u64 {
        (0..=2_000)
            .find(|n| {
                round(turn, n * 10);
                turn.farewells.borrow().is_empty()
            })
            .expect("an end")
    }

    /// Its session speaks over a connection to a camera, which is the second.
    fn connected(farewell: &Farewell) -> (TcpStream, TcpStream) {
        let camera = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = camera.local_addr().expect("a port").port();
        let made = farewell.knowing(port, async { TcpStream::connect(("127.0.0.1", port)) });
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let own = runtime.block_on(made).expect("a connection");
        own.set_nonblocking(true).expect("as retina's");
        (own, camera.accept().expect("the camera's side").0)
    }

    /// REC-6: what a camera answers to a goodbye is not read at all, however quick it is; it hears the goodbye.
    #[test]
    fn answers_to_a_goodbye_are_not_read() {
        let turn: Rc<Turn> = Rc::default();
        let farewell = Farewell::new(turn.clone());
        let (mut own, mut camera) = connected(&farewell);
        camera.write_all(&[1; 20_000]).expect("said before");
        let taken = Arc::<AtomicUsize>::default();
        let counted = taken.clone();
        farewell.apart(|| {
            tokio::spawn(async move {
                own.write_all(b"TEARDOWN").expect("said");
                while let Ok(n) = own.read(&mut [0; 100]) {
                    counted.fetch_add(n, Relaxed);
                }
                std::future::pending::<()>().await;
            })
        });
        rounds(&turn);
        assert_eq!(taken.load(Relaxed), 0);
        let mut heard = [0; 8];
        camera.read_exact(&mut heard).expect("heard");
        assert_eq!(&heard, b"TEARDOWN");
        assert!(camera.read(&mut heard).map_or(true, |n| n == 0), "closed");
    }

    /// REC-1: a goodbye that would take memory without an end, or is never answered, is over after a moment, and whoever waits is told.
    #[test]
    fn goodbyes_end() {
        let turn: Rc<Turn> = Rc::default();
        let farewell = Farewell::new(turn.clone());
        let taken = Arc::<AtomicUsize>::default();
        let counted = taken.clone();
        let (mut own, _first) = connected(&farewell);
        let hoard = async move {
            own.write_all(b"TEARDOWN").expect("said");
            let mut kept = Vec::new();
            loop {
                kept.extend((0..1_000).map(|_| vec![1u8; 40]));
                counted.store(kept.len(), Relaxed);
                tokio::task::yield_now().await;
            }
        };
        farewell.apart(|| drop(tokio::spawn(hoard)));
        let (mut own, _second) = connected(&farewell);
        let unanswered = async move {
            own.write_all(b"TEARDOWN").expect("said");
            std::future::pending::<()>().await;
        };
        farewell.apart(|| drop(tokio::spawn(unanswered)));
        let waiting = rounds(&turn) * 10;
        assert!(
            (GOODBYE_MS..GOODBYE_MS + 50).contains(&waiting),
            "{waiting}"
        );
        assert_eq!(taken.load(Relaxed), 1_000, "it is polled once");
        // Within work that ends: one that is said at once.
        let done = Arc::<AtomicBool>::default();
        let said = done.clone();
        let _third = connected(&farewell);
        let work = farewell.within(true, async move {
            tokio::spawn(async move { said.store(true, Relaxed) });
        });
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(work);
        assert!(rounds(&turn) < 5 && done.load(Relaxed));
        runtime.block_on(farewell.said());
    }

    /// The timers that a session made when it began to play run until it is over, and no longer.
    #[test]
    #[expect(
        clippy::async_yields_async,
        reason = "a timer that is made within, and waited for afterwards"
    )]
    fn timers_of_a_session_go_on() {
        let turn: Rc<Turn> = Rc::default();
        let farewell = Farewell::new(turn.clone());
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let soon = std::time::Duration::from_millis(1);
        let begun = farewell.within(false, async move { Box::pin(tokio::time::sleep(soon)) });
        let mut timer = runtime.block_on(begun);
        let mut rung = || {
            let polled = std::future::poll_fn(|cx| Poll::Ready(timer.as_mut().poll(cx).is_ready()));
            runtime.block_on(polled)
        };
        assert!(!rung());
        std::thread::sleep(soon * 10);
        let rings = (1..100).find(|n| {
            round(&turn, n * TIMERS_MS);
            std::thread::sleep(soon);
            rung()
        });
        assert!(rings.is_some());
        farewell.ended();
        assert!(!round(&turn, 200 * TIMERS_MS) && turn.farewells.borrow().is_empty());
    }

    /// What is given up goes without a word.
    #[test]
    fn what_is_given_up_says_nothing() {
        struct Session(Rc<Farewell>, Arc<AtomicBool>);
        impl Drop for Session {
            fn drop(&mut self) {
                // As retina's: the task is begun when the session is dropped.
                let said = self.1.clone();
                let goodbye = async move { said.store(true, Relaxed) };
                self.0.apart(|| drop(tokio::spawn(goodbye)));
            }
        }
        let turn: Rc<Turn> = Rc::default();
        let (farewell, said) = (Farewell::new(turn.clone()), Arc::<AtomicBool>::default());
        farewell.silently(Session(farewell.clone(), said.clone()));
        let before = connected(&farewell);
        rounds(&turn);
        assert!(!said.load(Relaxed));
        drop(Session(farewell.clone(), said.clone()));
        rounds(&turn);
        assert!(said.load(Relaxed));
        // And where nobody knows what it would be said over.
        drop(before);
        said.store(false, Relaxed);
        drop(Session(farewell.clone(), said.clone()));
        rounds(&turn);
        assert!(!said.load(Relaxed));
    }
}
