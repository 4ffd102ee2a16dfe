//! Times the memory-bound passes: `cargo run --release -p brigand-kernels --example passes`.
//!
//! Bytes count every tensor once that a pass must read or write.
#![allow(clippy::print_stdout)] // A program that prints.

use brigand_kernels::activation::{Activation, apply, gradient};
use brigand_kernels::elementwise::{Binary, broadcast_channels, scaled_add};
use brigand_kernels::group_normalization::GroupNormalization;
use brigand_kernels::normalization::BatchNormalization;
use brigand_kernels::optimizer::{AdamStep, adam, exponential_average};
use brigand_kernels::reduction::{sum, sum_per_channel};
use brigand_kernels::softmax::softmax;
use std::time::Instant;

/// Prints the median time of `body` and the rate at which it moves `elements` numbers of four bytes.
fn time(name: &str, elements: usize, mut body: impl FnMut()) {
    let mut seconds: Vec<f64> = (0..31)
        .map(|_| {
            let start = Instant::now();
            body();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    println!("{name:44} {:9.3} ms {:7.1} GB/s", median * 1e3, elements as f64 * 4e-9 / median);
}

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 2_654_435_761 % 4001) as f32 / 1000.0 - 2.0).collect()
}

fn normalizations(shape: [usize; 3]) {
    let [batch, channels, inner] = shape;
    let count = batch * channels * inner;
    let (x, upstream, mut y) = (values(count), values(count), vec![0.0; count]);
    let (gamma, beta) = (values(channels), values(channels));
    let [mut mean, mut inverse, mut variance, mut dgamma, mut dbeta] = [(); 5].map(|()| vec![0.0; channels]);
    let (gamma, beta, negative_slope) = (Some(&gamma[..]), Some(&beta[..]), 0.2);
    let norm = BatchNormalization { shape, gamma, beta, negative_slope };
    time(&format!("batch norm + leaky relu {shape:?}"), 2 * count, || {
        norm.forward(&x, 1e-5, &mut y, &mut mean, &mut inverse, &mut variance);
    });
    time(&format!("  backward {shape:?}"), 3 * count, || {
        norm.backward(&x, &upstream, &mean, &inverse, &mut y, &mut dgamma, &mut dbeta);
    });
    for (name, groups) in [("instance", channels), ("one group", 1)] {
        let norm = GroupNormalization { shape, groups, gamma, beta, negative_slope };
        let [mut mean, mut inverse] = [(); 2].map(|()| vec![0.0; batch * groups]);
        time(&format!("{name} norm + leaky relu {shape:?}"), 2 * count, || {
            norm.forward(&x, 1e-5, &mut y, &mut mean, &mut inverse);
        });
        time(&format!("  backward {shape:?}"), 3 * count, || {
            norm.backward(&x, &upstream, &mean, &inverse, &mut y, &mut dgamma, &mut dbeta);
        });
    }
    time(&format!("bias {shape:?}"), 2 * count, || {
        broadcast_channels(Binary::Add, &x, beta.unwrap_or_default(), shape, &mut y);
    });
    time(&format!("sum per channel {shape:?}"), count, || sum_per_channel(&x, shape, &mut dbeta));
}

fn elementwise(count: usize) {
    let (x, upstream, mut y) = (values(count), values(count), values(count));
    for activation in [
        Activation::LeakyRelu(0.2),
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Silu,
        Activation::Gelu,
    ] {
        time(&format!("{activation:?} {count}"), 2 * count, || apply(activation, &x, &mut y));
        time("  gradient", 3 * count, || gradient(activation, &x, &x, &upstream, &mut y));
    }
    time(&format!("scaled add {count}"), 3 * count, || scaled_add(0.5, &x, &mut y));
    let mut total = 0.0;
    time(&format!("sum {count}"), count, || total += sum(&x));
    time(&format!("softmax of rows of 256, {count}"), 2 * count, || {
        softmax(&x, [count / 256, 256, 1], &mut y)
    });
    std::hint::black_box((total, y));
}

fn optimizers(count: usize) {
    let (p, g, mut m, mut v, mut new) =
        (values(count), values(count), values(count), values(count), values(count));
    let settings = AdamStep {
        learning_rate: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        step: 3,
    };
    v.iter_mut().for_each(|v| *v = v.abs());
    time(&format!("adam {count}"), 7 * count, || adam(&settings, &p, &g, &mut m, &mut v, &mut new));
    time(&format!("exponential average {count}"), 3 * count, || exponential_average(&mut m, &p, 0.999));
}

fn main() {
    for shape in [
        [64, 64, 1024],
        [64, 128, 256],
        [64, 256, 64],
        [64, 512, 16],
        [64, 128, 49],
        [64, 64, 196],
        [64, 512, 1],
        [64, 1024, 1],
    ] {
        normalizations(shape);
    }
    elementwise(64 * 3 * 64 * 64);
    optimizers(6_340_000);
}
