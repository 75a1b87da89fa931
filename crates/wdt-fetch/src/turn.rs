//! Whose turn it is among windows that are read side by side: how many may be held, and when their closing totals go out.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// Leave to hold more than a page of a window that comes after the one being consumed.
pub(crate) struct Turn {
    consumed: watch::Receiver<u64>,
    number: u64,
    /// Notified when the window's first page was answered.
    begun: Arc<Notify>,
    left: Arc<watch::Sender<Left>>,
}

/// What is left to be asked for.
///
/// A closing total waits for the answer to the last page of its window. At the end of a load nothing else would be asked
/// for meanwhile, and the call limit would be idle: so the totals of the last windows go out behind every page.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// No other window will be started.
    all_started: bool,
    /// Windows that wait for their turn, or whose first page is not answered.
    waiting: BTreeSet<u64>,
    /// Pages that nobody has asked for yet, of windows that have their turn.
    pages: u64,
}

/// Pages of a window that are still to be asked for; those that are left when it is dropped never will be.
pub(crate) struct Asking {
    left: Arc<watch::Sender<Left>>,
    pages: u64,
}

impl Turn {
    /// Windows that may be held in full: the one being consumed and the next two.
    const HELD: u64 = 3;

    /// The turn of the window with this number.
    pub(crate) fn new(
        consumed: watch::Receiver<u64>,
        number: u64,
        begun: Arc<Notify>,
        left: Arc<watch::Sender<Left>>,
    ) -> Self {
        left.send_if_modified(|left| left.waiting.insert(number));
        Self { consumed, number, begun, left }
    }

    /// Waits until more than the first page may be held.
    pub(crate) async fn wait(&mut self) {
        self.begun.notify_one();
        let number = self.number;
        // Fails when nobody consumes any more, and then this task is about to be ended.
        let _ = self.consumed.wait_for(|&consumed| number < consumed + Self::HELD).await;
        self.waits_no_more();
    }

    /// The window needs no turn any more.
    pub(crate) fn waits_no_more(&mut self) {
        self.left.send_if_modified(|left| left.waiting.remove(&self.number));
    }

    /// Announces pages that will be asked for.
    pub(crate) fn asking(&self, pages: u64) -> Asking {
        self.left.send_modify(|left| left.pages += pages);
        Asking { left: Arc::clone(&self.left), pages }
    }

    /// Waits until the closing total may be asked for.
    pub(crate) async fn close(&self) {
        // The sender is this turn's own, so it cannot be gone.
        let _ = self.left.subscribe().wait_for(|left| !left.holds_back(self.number)).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.waits_no_more();
    }
}

impl Left {
    /// Notes that no other window will be started.
    pub(crate) fn all_started(left: &watch::Sender<Self>) {
        left.send_if_modified(|left| !std::mem::replace(&mut left.all_started, true));
    }

    /// Whether the closing total of the window with this number waits: not where another waits for the window itself.
    fn holds_back(&self, number: u64) -> bool {
        // Window n + HELD starts when n is consumed, and n is not consumed before its total: held back, both would wait for
        // each other forever.
        let for_others = self.waiting.last().is_some_and(|&last| last >= number + Turn::HELD);
        self.all_started && !for_others && (self.pages > 0 || !self.waiting.is_empty())
    }
}

impl Asking {
    /// One of them is asked for.
    pub(crate) fn asked(&mut self) {
        self.take(1);
    }

    fn take(&mut self, pages: u64) {
        self.pages -= pages;
        self.left.send_modify(|left| left.pages -= pages);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.take(self.pages);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn closing_totals_wait_for_pages_only_when_no_window_is_left_and_never_for_those_that_are_given_up() {
        let (consumed, left) = (watch::Sender::new(0), Arc::new(watch::Sender::new(Left::default())));
        let turn = |number| Turn::new(consumed.subscribe(), number, Arc::default(), Arc::clone(&left));
        let (mut first, mut second, mut last) = (turn(0), turn(1), turn(3));
        let closes = |turn: &Turn| turn.close().now_or_never().is_some();
        first.wait().await;
        second.wait().await;
        let mut asking = second.asking(2);
        assert!(last.wait().now_or_never().is_none(), "three are held");
        assert!(closes(&first) && closes(&second), "other windows may come");
        Left::all_started(&left);
        assert!(closes(&first), "the last one waits for it");
        assert!(!closes(&second), "the last one comes without it");
        consumed.send_replace(1);
        last.wait().await;
        assert!(!closes(&second), "two pages are left");
        asking.asked();
        assert!(!closes(&second), "one page is left");
        drop(asking);
        assert!(closes(&second) && closes(&last));
    }
}
