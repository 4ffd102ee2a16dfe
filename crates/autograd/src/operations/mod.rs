//! The operations, one file per family; each operation's backward rule stands beside it.

pub(crate) mod activation;
mod arithmetic;
mod blocks;
mod composed_convolution;
mod composed_normalization;
pub(crate) mod convolution;
pub(crate) mod elementwise;
mod entries;
mod fused_normalization;
pub(crate) mod grouping;
mod index;
mod matrix;
pub(crate) mod normalization;
mod pooling;
mod precision;
mod reduction;
mod resizing;
mod selection;
mod shape;
mod softmax;
