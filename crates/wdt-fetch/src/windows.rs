//! Many windows, read side by side and given in order.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use wdt_models::Window;

use crate::certified::CertifiedPart;
use crate::error::WindowError;
use crate::pages::{PageSource, ReadOptions};
use crate::split::Pieces;
use crate::turn::{Left, Turn};

/// All of a window.
#[derive(Debug)]
pub struct WindowRead {
    /// Its pieces, in order; each begins one second before the end of the one before.
    pub parts: Vec<CertifiedPart>,
}

/// Reads one window, all of it at once.
///
/// # Errors
///
/// [`WindowError::Fetch`] when a page could not be read, [`WindowError::Uncertified`] when nothing proves a piece whole that
/// [`ReadOptions::accept`] does not take as it is.
pub async fn read_window<S: PageSource>(
    source: &S,
    window: Window,
    options: &ReadOptions,
) -> Result<WindowRead, WindowError> {
    let mut pieces = Pieces::new(source, window, options, None);
    let mut parts = Vec::new();
    while let Some(part) = pieces.next().await? {
        parts.push(part);
    }
    Ok(WindowRead { parts })
}

/// Reads windows side by side and gives their certified pieces in window order.
///
/// Windows are taken from the iterator as there is room, so a planner may choose their lengths by what came before.
/// The reading goes on in tasks of its own while the caller is busy with a piece; the first window is alone until
/// its first page is answered, so that the first call is its own. Memory is bounded: beyond the window
/// being consumed and the next two, only single pages are held, and no piece has more than
/// [`ReadOptions::max_pages`] pages unless it cannot be cut. The first error ends the stream; dropping it ends the tasks.
pub fn read_windows<S: PageSource>(
    source: Arc<S>,
    windows: impl Iterator<Item = Window> + Send + 'static,
    options: ReadOptions,
) -> BoxStream<'static, Result<CertifiedPart, WindowError>> {
    let ahead = Ahead {
        source,
        options,
        windows: windows.fuse(),
        in_flight: VecDeque::new(),
        consumed: watch::Sender::new(0),
        started: 0,
        answered: false,
        begun: Arc::default(),
        left: Arc::new(watch::Sender::new(Left::default())),
    };
    stream::unfold(Some(ahead), async |ahead| {
        let mut ahead = ahead?;
        match ahead.next().await? {
            Ok(part) => Some((Ok(part), Some(ahead))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// Windows being read, the one to be consumed first in front.
struct Ahead<S, I> {
    source: Arc<S>,
    options: ReadOptions,
    windows: std::iter::Fuse<I>,
    in_flight: VecDeque<InFlight>,
    consumed: watch::Sender<u64>,
    started: u64,
    /// The first page was answered, and other windows may be read beside the first.
    answered: bool,
    /// Notified by a window that goes beyond its first page.
    begun: Arc<Notify>,
    /// What the windows have still to ask for.
    left: Arc<watch::Sender<Left>>,
}

/// A window being read in a task of its own.
struct InFlight {
    parts: mpsc::Receiver<CertifiedPart>,
    task: JoinHandle<Result<(), WindowError>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<S: PageSource, I: Iterator<Item = Window>> Ahead<S, I> {
    async fn next(&mut self) -> Option<Result<CertifiedPart, WindowError>> {
        loop {
            self.fill();
            let front = self.in_flight.front_mut()?;
            let received = tokio::select! {
                biased;
                received = front.parts.recv() => received,
                () = self.begun.notified(), if !self.answered => {
                    self.answered = true;
                    continue;
                }
            };
            if let Some(part) = received {
                self.answered = true;
                self.fill();
                return Some(Ok(part));
            }
            match (&mut front.task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Some(Err(error)),
                Err(end) => match end.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Ended from outside, as when the runtime shuts down: the window is not read, and never will be.
                    Err(_) => std::future::pending().await,
                },
            }
            self.answered = true;
            self.in_flight.pop_front();
            self.consumed.send_modify(|consumed| *consumed += 1);
        }
    }

    /// Starts as many windows as there is room for.
    fn fill(&mut self) {
        let room = if self.answered { self.options.concurrency.max(1) } else { 1 };
        while self.in_flight.len() < room {
            let Some(window) = self.windows.next() else {
                Left::all_started(&self.left);
                break;
            };
            let in_flight = self.start(window);
            self.in_flight.push_back(in_flight);
        }
    }

    fn start(&mut self, window: Window) -> InFlight {
        let (sender, parts) = mpsc::channel(1);
        let (consumed, begun) = (self.consumed.subscribe(), Arc::clone(&self.begun));
        let turn = Turn::new(consumed, self.started, begun, Arc::clone(&self.left));
        self.started += 1;
        let (source, options) = (Arc::clone(&self.source), self.options);
        let task = tokio::spawn(async move {
            let mut pieces = Pieces::new(&*source, window, &options, Some(turn));
            // Room first, so that no piece waits in memory beside the one in the channel.
            while let Ok(room) = sender.reserve().await {
                let Some(part) = pieces.next().await? else { break };
                room.send(part);
            }
            Ok(())
        });
        InFlight { parts, task }
    }
}
