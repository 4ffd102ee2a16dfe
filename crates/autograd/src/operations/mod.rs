//! The operations, one file per family; each operation's backward rule stands beside it.

pub(crate) mod activation;
mod arithmetic;
pub(crate) mod convolution;
mod index;
mod matrix;
pub(crate) mod normalization;
mod pooling;
mod reduction;
mod selection;
mod shape;
