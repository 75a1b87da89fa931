//! Windows read from sources that move, lie and break; and calls over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod calls;
mod moving;
mod ways;
mod windows;
