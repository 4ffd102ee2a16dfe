//! Pretrained networks that features come from.

pub mod inception;
mod state_file;
