//! What a lane reports while it works.

use wdt_models::Window;
use wdt_models::time::{Seconds, format_wall_time};

use super::lane::Lane;
use crate::plan::Range;
use crate::report::Event;

impl Lane {
    pub(super) fn report(&self, event: &Event) {
        self.shared.around.reporter.event(event);
    }

    pub(super) fn notice(&self, message: String) {
        let (account, dataset) = (self.account.name.clone(), self.dataset.endpoint.dataset);
        self.report(&Event::Notice { account, dataset, message });
    }

    pub(super) fn announce(&self, range: &Range) {
        self.report(&Event::Planned {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            from: format_wall_time(range.from),
            until: format_wall_time(range.until),
            windows: range.fewest_windows(),
            calls_per_minute: self.account.calls_per_minute,
        });
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of seconds")]
    pub(super) fn window_read(&self, range: &Range, window: Window, records: u64) {
        let done = (window.end - range.from) as f64 / (range.until - range.from).max(1) as f64;
        self.report(&Event::Window {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            start: format_wall_time(window.start),
            end: format_wall_time(window.end),
            records,
            done,
        });
    }

    pub(super) fn committed(&self, table_version: u64, watermark: Seconds) {
        self.report(&Event::Committed {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            changed: self.sums.changed,
            table_version,
            watermark: format_wall_time(watermark),
        });
    }
}
