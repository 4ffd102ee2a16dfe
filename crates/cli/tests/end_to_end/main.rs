//! The real program, run as its users run it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests")]

mod captions;
mod changed_data;
mod commands;
mod evaluate;
mod extending;
mod folders;
mod gam;
mod interruption;
mod lab;
mod label_maps;
mod labels;
mod latent;
mod locks;
mod memory;
mod precision;
mod program;
mod refusals;
mod resuming;
mod samples;
mod sounds;
mod sources;
mod speech;
mod talking_heads;
mod text_style;
mod training;
mod translate;
mod troubles;
