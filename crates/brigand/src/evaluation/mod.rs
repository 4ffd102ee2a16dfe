//! How good samples are.

pub mod extractors;
