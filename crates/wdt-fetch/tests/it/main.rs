//! Windows, slices and lists read from sources that move, lie and break; requests as they go out; and calls over real
//! sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod breaks;
mod calls;
mod cassette;
mod clocks;
mod gateways;
mod ids;
mod limits;
mod moving;
mod pages;
mod requests;
mod sent;
mod shelf;
mod slices;
mod sockets;
mod ways;
mod wide;
mod windows;
