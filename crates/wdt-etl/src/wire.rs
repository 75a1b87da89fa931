//! Calls to a simulator of the same process, without a socket: for tests under a paused clock.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use wdt_fetch::{Broken, Clock, NoAnswer, Outgoing, RawAnswer, Transport};
use wdt_sim::{Exchanged, Sim};

/// Carries requests to a simulator of this process, without a socket; each way takes its time.
pub struct Wire {
    sim: Arc<Sim>,
    way: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Wire {
    /// To that simulator, each way as long as `way` says when it is asked.
    #[must_use]
    pub fn new(sim: Arc<Sim>, way: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { sim, way: Box::new(way) }
    }
}

impl Transport for Wire {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        Box::pin(async move {
            let (sent_at, request) = (clock.now(), outgoing.request);
            tokio::time::sleep((self.way)()).await;
            let answer = self.sim.exchange(&request.url, request.content_type, request.body).await;
            tokio::time::sleep((self.way)()).await;
            let Exchanged { status, date, location, body } =
                answer.map_err(|broke| Broken::by(broke.to_string(), broke))?;
            Ok(RawAnswer { status, date, location, body, sent_at, came_at: clock.now() })
        })
    }
}
