//! Prints what the matrix loops of this crate reach on this machine, in GFLOP/s: a register-only ceiling, a large
//! square product, and the layers of usual networks at batch 64.
//!
//! `cargo run --release -p brigand-kernels --example rates [FILTER [bfloat16]]`
#![allow(unsafe_code)] // The ceiling is measured with vector registers that nothing else touches.
#![allow(clippy::print_stdout)] // A program, though a small one.

use std::hint::black_box;
use std::time::Instant;

use brigand_kernels::convolution::{self, Geometry};
use brigand_kernels::element::Products;
use brigand_kernels::gemm::{Matrix, multiply};
use brigand_kernels::pool;

const BATCH: usize = 64;

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let show = |name: &str, flop: f64, body: &mut dyn FnMut()| {
        if name.contains(&filter) {
            let (median, best) = time(body);
            println!(
                "{name:<36} {:>8.3} ms {:>8.1} GFLOP/s, best {:>6.1}",
                median * 1e3,
                flop / median / 1e9,
                flop / best / 1e9
            );
        }
    };
    println!("{} threads", pool::threads());
    for (threads, name) in [(1, "ceiling, 1 thread"), (pool::threads(), "ceiling, all threads")] {
        let rounds = 400_000;
        let flop = (threads * rounds) as f64 * REGISTER_FLOP;
        show(name, flop, &mut || pool::parallel(threads, |_| registers(rounds)));
    }
    for size in [512, 1024, 2048] {
        product(&show, &format!("square {size}"), size, size, size, [false, false]);
    }
    for (name, g) in layers() {
        layer(&show, name, &g);
    }
    for (inputs, outputs) in [(100, 128), (256, 512), (512, 1024), (1024, 784)] {
        let name = |pass| format!("linear {inputs}x{outputs} {pass}");
        product(&show, &name("forward"), BATCH, inputs, outputs, [false, true]);
        product(&show, &name("input gradient"), BATCH, outputs, inputs, [false, false]);
        product(&show, &name("weight gradient"), outputs, BATCH, inputs, [true, false]);
    }
}

/// Median and shortest time of one call, in seconds, over about a third of a second.
fn time(body: &mut dyn FnMut()) -> (f64, f64) {
    let mut once = || {
        let start = Instant::now();
        body();
        start.elapsed().as_secs_f64()
    };
    once();
    let calls = (0.3 / once().max(1e-7)).clamp(5.0, 2000.0) as usize;
    let mut times: Vec<f64> = (0..calls).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}

/// What the second argument asks for.
fn products() -> Products {
    match std::env::args().nth(2).as_deref() {
        Some("bfloat16") => Products::Bfloat16,
        _ => Products::Full,
    }
}

type Show<'a> = &'a dyn Fn(&str, f64, &mut dyn FnMut());

fn wave(length: usize) -> Vec<f32> {
    (0..length).map(|i| (i as f32 * 0.37).sin()).collect()
}

fn product(show: Show, name: &str, rows: usize, depth: usize, columns: usize, transposed: [bool; 2]) {
    let (a, b, mut c) = (wave(rows * depth), wave(depth * columns), wave(rows * columns));
    let matrix = |data, rows, columns, transposed| match transposed {
        false => Matrix::row_major(data, rows, columns),
        true => Matrix::row_major(data, columns, rows).transposed(),
    };
    let (a, b) = (matrix(&a, rows, depth, transposed[0]), matrix(&b, depth, columns, transposed[1]));
    show(name, 2.0 * (rows * depth * columns) as f64, &mut || {
        multiply(products(), a, b, black_box(&mut c), false)
    });
}

fn layers() -> Vec<(&'static str, Geometry)> {
    let layer = |channels: [usize; 2], size, kernel, stride, padding| Geometry {
        batch: BATCH,
        in_channels: channels[0],
        in_height: size,
        in_width: size,
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        groups: 1,
    };
    vec![
        ("D1 3>64 4x4s2 64", layer([3, 64], 64, 4, 2, 1)),
        ("D2 64>128 4x4s2 32", layer([64, 128], 32, 4, 2, 1)),
        ("D3 128>256 4x4s2 16", layer([128, 256], 16, 4, 2, 1)),
        ("D4 256>512 4x4s2 8", layer([256, 512], 8, 4, 2, 1)),
        ("D5 512>1 4x4 4", layer([512, 1], 4, 4, 1, 0)),
        ("G1 100<512 4x4 4", layer([512, 100], 4, 4, 1, 0)),
        ("E1 1>64 4x4s2 28", layer([1, 64], 28, 4, 2, 1)),
        ("E2 64>128 4x4s2 14", layer([64, 128], 14, 4, 2, 1)),
        ("R 128>128 3x3 8", layer([128, 128], 8, 3, 1, 1)),
        ("R 128>128 3x3 16", layer([128, 128], 16, 3, 1, 1)),
        ("R 128>128 3x3 32", layer([128, 128], 32, 3, 1, 1)),
        ("R 128>128 1x1 32", layer([128, 128], 32, 1, 1, 0)),
        ("R 128>3 3x3 32", layer([128, 3], 32, 3, 1, 1)),
        ("R 3>64 3x3 32", layer([3, 64], 32, 3, 1, 1)),
        ("R 64>64 3x3 32", layer([64, 64], 32, 3, 1, 1)),
        ("R 64>64 3x3 16", layer([64, 64], 16, 3, 1, 1)),
        ("R 64>64 3x3 8", layer([64, 64], 8, 3, 1, 1)),
        ("R 64>64 1x1 32", layer([64, 64], 32, 1, 1, 0)),
    ]
}

fn layer(show: Show, name: &str, g: &Geometry) {
    let outputs = g.out_channels * g.out_height() * g.out_width() * BATCH;
    let patch = g.in_channels * g.kernel[0] * g.kernel[1];
    let flop = 2.0 * (outputs * patch) as f64;
    let mut x = wave(BATCH * g.in_channels * g.in_height * g.in_width);
    let (mut y, mut w) = (wave(outputs), wave(g.out_channels * patch));
    show(&format!("{name} forward"), flop, &mut || {
        convolution::forward(products(), g, &x, &w, black_box(&mut y))
    });
    show(&format!("{name} input gradient"), flop, &mut || {
        convolution::input_gradient(products(), g, &y, &w, black_box(&mut x));
    });
    show(&format!("{name} weight gradient"), flop, &mut || {
        convolution::weight_gradient(products(), g, &x, &y, black_box(&mut w));
    });
}

/// Floating-point operations of one round of [`registers`], on the widest path.
#[cfg(target_arch = "x86_64")]
const REGISTER_FLOP: f64 = 2.0 * 12.0 * 16.0;
#[cfg(not(target_arch = "x86_64"))]
const REGISTER_FLOP: f64 = 2.0 * 8.0;

/// Multiplies and adds in registers only.
#[cfg(target_arch = "x86_64")]
fn registers(rounds: usize) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    #[target_feature(enable = "avx512f")]
    fn wide(rounds: usize) -> f32 {
        let (factor, mut sums) = (_mm512_set1_ps(black_box(0.5)), [_mm512_set1_ps(1.0); 12]);
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
    }
    #[target_feature(enable = "avx2,fma")]
    fn medium(rounds: usize) -> f32 {
        use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm256_storeu_ps};
        let (factor, mut sums) = (_mm256_set1_ps(black_box(0.5)), [_mm256_set1_ps(1.0); 12]);
        for _ in 0..2 * rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        let mut total = [0.0; 8];
        // SAFETY: eight numbers fit.
        sums.into_iter()
            .map(|sum| unsafe {
                _mm256_storeu_ps(total.as_mut_ptr(), sum);
                total[0]
            })
            .sum()
    }
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: just detected.
        black_box(unsafe { wide(rounds) });
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: just detected.
        black_box(unsafe { medium(rounds) });
    }
}

/// Multiplies and adds in registers only, as far as the compiler sees to it.
#[cfg(not(target_arch = "x86_64"))]
fn registers(rounds: usize) {
    let (factor, mut sums) = (black_box(0.5_f32), [1.0_f32; 8]);
    for _ in 0..rounds {
        sums = sums.map(|sum| sum * factor + factor);
    }
    black_box(sums);
}
