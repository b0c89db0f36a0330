//! The caller's end of a streamed answer: opened once, with the answer's head, and then written to.
//!
//! # Why it can open early
//!
//! A connection that says nothing for a while is cut by something on the way. So a caller that waits
//! for a stream gets its head and a comment after a time, before it is known who answers; what goes
//! wrong from then on can only be told in the stream.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, select};

use crate::gateway::answer::{Answer, AnswerBody};
use crate::platform::{CallerLeft, HEARTBEAT, Platform};

/// Where the answer's head is laid, to be picked up by whoever answers the caller.
pub(super) type Slot<W> = Rc<RefCell<Option<Answer<<W as Platform>::Stream>>>>;

/// The way to a caller who waits for a stream.
pub(super) struct Door<W: Platform> {
    world: W,
    slot: Slot<W>,
    way: RefCell<Option<W::Outlet>>,
}

impl<W: Platform> Door<W> {
    /// A closed door, whose answer will lie in `slot`.
    pub(super) fn new(world: W, slot: Slot<W>) -> Self {
        Self {
            world,
            slot,
            way: RefCell::new(None),
        }
    }

    /// Whether the caller has the answer's head.
    pub(super) fn is_open(&self) -> bool {
        self.way.borrow().is_some()
    }

    /// The way to the caller; opened, with `tell` adding to the head, if it is not yet.
    pub(super) fn open(&self, tell: impl FnOnce(&mut Answer<W::Stream>)) -> W::Outlet {
        if let Some(way) = &*self.way.borrow() {
            return way.clone();
        }
        let (way, readable) = self.world.outlet();
        let mut answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: AnswerBody::Stream(readable),
        };
        answer.header("content-type", "text/event-stream; charset=utf-8");
        answer.header("cache-control", "no-store");
        // Some proxies in front of a home lab gather a response unless they are told not to.
        answer.header("x-accel-buffering", "no");
        tell(&mut answer);
        *self.slot.borrow_mut() = Some(answer);
        *self.way.borrow_mut() = Some(way.clone());
        way
    }

    /// Writes to the caller, who has the head.
    pub(super) async fn write(&self, bytes: &[u8]) -> Result<(), CallerLeft> {
        let way = self.way.borrow().clone();
        match way {
            Some(way) => self.world.write(&way, bytes).await,
            None => Ok(()),
        }
    }

    /// Ends the stream.
    pub(super) async fn close(&self) {
        let way = self.way.borrow().clone();
        if let Some(way) = way {
            self.world.close(way).await;
        }
    }

    /// Waits for `work`, and every so often lets the caller hear that it is worth waiting.
    pub(super) async fn waiting<T>(&self, beat_ms: u64, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let beat = pin!(async {
                self.world.sleep(beat_ms).await?;
                self.open(|_| {});
                self.write(HEARTBEAT.as_bytes()).await
            });
            match select(work.as_mut(), beat).await {
                Either::Left((done, _)) => return done,
                Either::Right((Ok(()), _)) => {}
                // Nobody listens; the work notices that by itself.
                Either::Right((Err(CallerLeft), _)) => return work.await,
            }
        }
    }
}
