//! The binary as people and cron jobs meet it: exit code, standard output, standard error.

mod calls;
mod commands;
mod diff;
mod every;
mod gateways;
#[cfg(unix)]
mod interrupted;
mod landing;
mod mixed;
mod refused;
