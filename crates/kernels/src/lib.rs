//! Fast CPU loops for training convolutional networks, on plain slices.
//!
//! The crate knows neither tensors nor gradients' graphs: every function takes slices in row-major order (images as
//! `[batch, channels, height, width]`), writes its result into a slice the caller owns and splits its work over
//! [`pool`]. Results depend neither on the number of threads nor on which thread ran which part.
#![allow(unsafe_code)] // Vector intrinsics and disjoint writes from several threads cannot be said in safe Rust.

pub mod activation;
mod columns;
pub mod convolution;
mod dispatch;
pub mod element;
pub mod elementwise;
pub mod float;
pub mod gemm;
pub mod group_normalization;
pub mod memory;
pub mod normalization;
pub mod optimizer;
mod pairs;
pub mod pool;
pub mod reduction;
mod runs;
pub mod softmax;
mod tile;
mod vector;
mod workspace;
