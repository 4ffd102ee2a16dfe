//! Modules against formulas and finite differences.
#![allow(clippy::unwrap_used, reason = "in a test a failed unwrap is a failure like any other")]

#[path = "../support/mod.rs"]
mod support;

mod attention;
mod attention_networks;
mod built;
mod ganilla;
mod glimpses;
mod gran;
mod nice_gan;
mod norms;
mod recurrent;
mod relaxed;
mod resizing;
mod spade;
mod weights;
