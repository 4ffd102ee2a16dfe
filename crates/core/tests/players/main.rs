//! Players: training, checkpoints, precision, processes.
#![allow(clippy::unwrap_used, reason = "in a test a failed unwrap is a failure like any other")]

#[path = "../support/mod.rs"]
mod support;

mod critics;
mod gateway;
mod merged;
mod optimizers;
mod parallel;
mod penalties;
mod pool;
mod precision;
mod resume;
mod sharing;
mod state;
mod terms;
