//! What a simulation decides of each operation: how long it takes, and whether it fails. Without the feature `test-util`
//! every operation is done at once.

#[cfg(feature = "test-util")]
use std::time::Duration;

use crate::error::WarehouseError;

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "test-util"), expect(unreachable_pub, reason = "tests alone are given it"))]
pub enum Operation {
    /// Look whether it is there, and load it.
    Open,
    /// Create it.
    Create,
    /// Read rows, a commit or an application's version.
    Read,
    /// Add rows to an open file.
    Write,
    /// End the open files.
    Roll,
    /// Commit a change.
    Commit,
    /// Load what was committed since.
    Refresh,
}

/// What becomes of an operation.
#[cfg(feature = "test-util")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    #[default]
    Done,
    /// It fails and nothing is done.
    FailBefore,
    /// It is done, but its caller gets an error.
    FailAfter,
}

/// How one operation goes.
#[cfg(feature = "test-util")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Wait before the effect.
    pub before: Duration,
    /// What becomes of it.
    pub fate: Fate,
    /// Wait between the effect and the answer.
    pub after: Duration,
}

/// Answers how an operation on the table of a name goes.
#[cfg(feature = "test-util")]
pub(crate) type Answer = dyn Fn(&str, Operation) -> Step + Send + Sync;

/// The steps of a warehouse; none means that everything is done at once.
#[derive(Default)]
pub(super) struct Steps(#[cfg(feature = "test-util")] pub(super) Option<Box<Answer>>);

impl Steps {
    /// Does one operation; `effect` is done whole or not at all, wherever this is dropped.
    #[cfg(feature = "test-util")]
    pub(super) async fn take<T>(
        &self,
        table: &str,
        operation: Operation,
        effect: impl FnOnce() -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let Some(answer) = &self.0 else { return effect() };
        let Step { before, fate, after } = answer(table, operation);
        let failed = |action| WarehouseError::storage(table, action)("the simulation has it fail");
        wait(before).await;
        if fate == Fate::FailBefore {
            return Err(failed(operation.name()));
        }
        let done = effect();
        wait(after).await;
        match fate {
            Fate::FailAfter => done.and(Err(failed(operation.name()))),
            _ => done,
        }
    }

    /// Does one operation.
    #[cfg(not(feature = "test-util"))]
    #[expect(clippy::unused_self, reason = "called as the one of the tests is")]
    pub(super) fn take<T>(
        &self,
        _table: &str,
        _operation: Operation,
        effect: impl FnOnce() -> Result<T, WarehouseError>,
    ) -> std::future::Ready<Result<T, WarehouseError>> {
        std::future::ready(effect())
    }
}

#[cfg(feature = "test-util")]
impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write | Self::Roll => "write",
            Self::Commit => "commit",
            Self::Refresh => "refresh",
        }
    }
}

#[cfg(feature = "test-util")]
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
