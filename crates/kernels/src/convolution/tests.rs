use super::*;
use crate::float::Float;
use proptest::prelude::*;

/// All `(input, weight, output)` positions that belong together, in any order.
fn visit(g: &Geometry, mut meet: impl FnMut(usize, usize, usize)) {
    let (inputs, outputs) = (g.group_inputs(), g.group_outputs());
    let (oh, ow) = (g.out_height(), g.out_width());
    for (n, o) in (0..g.batch).flat_map(|n| (0..g.out_channels).map(move |o| (n, o))) {
        for (y, x) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for c in 0..inputs {
                for (i, j) in (0..g.kernel[0]).flat_map(|i| (0..g.kernel[1]).map(move |j| (i, j))) {
                    let row = (y * g.stride[0] + i * g.dilation[0]).wrapping_sub(g.padding[0]);
                    let column = (x * g.stride[1] + j * g.dilation[1]).wrapping_sub(g.padding[1]);
                    if row < g.in_height && column < g.in_width {
                        let channel = n * g.in_channels + o / outputs * inputs + c;
                        meet(
                            (channel * g.in_height + row) * g.in_width + column,
                            ((o * inputs + c) * g.kernel[0] + i) * g.kernel[1] + j,
                            ((n * g.out_channels + o) * oh + y) * ow + x,
                        );
                    }
                }
            }
        }
    }
}

/// Small integers as numbers, so that all sums are exact.
fn numbers<T: Element + From<f32>>(length: usize, seed: u32) -> Vec<T> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(99);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        T::from(((state >> 24) as i32 % 9 - 4) as f32)
    };
    (0..length).map(|_| next()).collect()
}

/// Whether a number is the whole one it should be but for rounding, which large squares of minimal filtering add.
fn near_whole<T: Float>(number: T, whole: T) -> bool {
    (number - whole).magnitude() < T::from(0.01)
}

/// Whether numbers are what they should be but for the rounding of factors to bfloat16, where `squares` are the sums of the
/// squared terms of each.
fn near_in_bfloat16<T: Float>(numbers: &[T], exact: &[T], squares: &[T]) -> bool {
    let errors: f64 = numbers.iter().zip(exact).map(|(&a, &b)| (a - b).double().powi(2)).sum();
    let terms: f64 = squares.iter().map(|square| square.double()).sum();
    errors.sqrt() <= 0.02 * terms.sqrt()
}

/// All three kernels on all paths against the definition; outputs start as NaN.
fn check_all<T: Float>(g: &Geometry, seed: u32) {
    assert_eq!(g.check(), Ok(()), "{g:?}");
    let [inputs, weights, outputs] = g.lengths();
    let (x, w, d) =
        (numbers::<T>(inputs, seed), numbers::<T>(weights, seed + 1), numbers::<T>(outputs, seed + 2));
    let (mut y, mut dx, mut dw) =
        (vec![T::default(); outputs], vec![T::default(); inputs], vec![T::default(); weights]);
    let [mut y2, mut dx2, mut dw2] = [&y, &dx, &dw].map(Clone::clone);
    visit(g, |i, k, o| {
        let terms = [x[i] * w[k], d[o] * w[k], d[o] * x[i]];
        let totals = [&mut y[o], &mut dx[i], &mut dw[k]];
        totals.into_iter().zip(terms).for_each(|(total, term)| *total += term);
        let totals = [&mut y2[o], &mut dx2[i], &mut dw2[k]];
        totals.into_iter().zip(terms).for_each(|(total, term)| *total += term * term);
    });
    for path in Path::available().chain([Path::of(Products::Bfloat16)]) {
        let check = |out: &[T], exact: &[T], squares: &[T], what: &str| {
            if path.has_pairs() {
                assert!(near_in_bfloat16(out, exact, squares), "{what}, {path:?}, {g:?}");
                return;
            }
            let wrong = out.iter().zip(exact).position(|(&out, &exact)| !near_whole(out, exact));
            assert_eq!(wrong, None, "{what}, {path:?}, {g:?}");
        };
        let garbage = |length| vec![T::from(f32::NAN); length];
        let mut out = garbage(outputs);
        forward_on(path, g, &x, &w, &mut out);
        check(&out, &y, &y2, "forward");
        let mut out = garbage(inputs);
        input_gradient_on(path, g, &d, &w, &mut out);
        check(&out, &dx, &dx2, "input gradient");
        let mut out = garbage(weights);
        weight_gradient_on(path, g, &x, &d, &mut out);
        check(&out, &dw, &dw2, "weight gradient");
    }
}

fn square(
    batch: usize,
    channels: [usize; 2],
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Geometry {
    Geometry {
        batch,
        in_channels: channels[0],
        in_height: size,
        in_width: size,
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        groups: 1,
    }
}

prop_compose! {
    fn geometries()(
        batch in 0_usize..6, size in (1_usize..20, 1_usize..20), channels in (1_usize..12, 1_usize..12),
        kernel in (1_usize..6, 1_usize..6), stride in (1_usize..4, 1_usize..4), padding in (0_usize..4, 0_usize..4),
        dilation in (1_usize..3, 1_usize..3), groups in 1_usize..4,
    ) -> Geometry {
        Geometry {
            batch, in_channels: channels.0 * groups, in_height: size.0, in_width: size.1,
            out_channels: channels.1 * groups, kernel: [kernel.0, kernel.1], stride: [stride.0, stride.1],
            padding: [padding.0, padding.1], dilation: [dilation.0, dilation.1], groups,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 10_000, ..ProptestConfig::default() })]
    #[test]
    fn random_geometries_follow_the_definition(g in geometries(), seed in 0_u32..1000) {
        prop_assume!(g.check().is_ok());
        check_all::<f32>(&g, seed);
        check_all::<f64>(&g, seed);
    }
}

prop_compose! {
    /// Geometries that minimal filtering may compute.
    fn filters()(
        batch in 1_usize..4, size in (4_usize..20, 4_usize..20), channels in (8_usize..50, 24_usize..50),
        taps in 2_usize..4, stride in (1_usize..4, 1_usize..3), padding in (0_usize..4, 0_usize..4),
        groups in 1_usize..3,
    ) -> Geometry {
        Geometry {
            batch, in_channels: channels.0 * groups, in_height: size.0, in_width: size.1,
            out_channels: channels.1 * groups, kernel: [taps * stride.0, taps * stride.1],
            stride: [stride.0, stride.1], padding: [padding.0, padding.1], dilation: [1, 1], groups,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_global_rejects: 10_000, ..ProptestConfig::default() })]
    #[test]
    fn filters_follow_the_definition(g in filters(), seed in 0_u32..1000) {
        prop_assume!(g.check().is_ok());
        check_all::<f32>(&g, seed);
        check_all::<f64>(&g, seed);
    }
}

#[test]
fn network_layers_follow_the_definition() {
    for g in [
        square(9, [1, 20], 28, 4, 2, 1),
        square(9, [20, 33], 14, 4, 2, 1),
        square(3, [3, 64], 64, 4, 2, 1),
        square(5, [40, 70], 16, 4, 2, 1),
        square(20, [70, 24], 8, 4, 2, 1),
        square(37, [70, 24], 14, 4, 2, 1),
        square(16, [24, 30], 40, 4, 2, 1),
        square(33, [70, 60], 8, 2, 1, 0),
        Geometry { in_height: 6, ..square(16, [24, 24], 72, 4, 2, 1) },
        Geometry { groups: 2, ..square(33, [60, 50], 17, 4, 2, 1) },
        Geometry { kernel: [6, 4], stride: [3, 2], ..square(34, [40, 30], 19, 4, 2, 2) },
        square(17, [70, 20], 4, 3, 1, 1),
        square(17, [300, 30], 4, 3, 1, 1),
        square(2, [30, 40], 32, 3, 1, 1),
        square(2, [64, 3], 32, 3, 1, 1),
        square(4, [70, 30], 8, 1, 1, 0),
        square(9, [30, 17], 4, 4, 1, 0),
        square(9, [17, 1], 7, 7, 1, 0),
        square(3, [5, 6], 1, 1, 1, 0),
        square(2, [4, 5], 1, 3, 1, 3),
        square(1, [2, 3], 90, 5, 3, 2),
        Geometry { groups: 24, ..square(3, [24, 24], 9, 3, 1, 1) },
        Geometry { groups: 4, dilation: [2, 1], ..square(3, [12, 8], 9, 3, 2, 2) },
    ] {
        check_all::<f32>(&g, 1);
        check_all::<f64>(&g, 2);
    }
}

#[test]
fn kernels_are_adjoint() {
    let g = square(6, [30, 50], 12, 4, 2, 1);
    let [inputs, weights, outputs] = g.lengths();
    let wave = |length: usize, step: f64| (0..length).map(|i| (i as f64 * step).sin()).collect::<Vec<_>>();
    let (x, w, d) = (wave(inputs, 0.7), wave(weights, 1.3), wave(outputs, 0.9));
    let (mut y, mut dx, mut dw) = (vec![0.0; outputs], vec![0.0; inputs], vec![0.0; weights]);
    forward(Products::Full, &g, &x, &w, &mut y);
    input_gradient(Products::Full, &g, &d, &w, &mut dx);
    weight_gradient(Products::Full, &g, &x, &d, &mut dw);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (along_y, along_x, along_w) = (dot(&y, &d), dot(&x, &dx), dot(&w, &dw));
    assert!(along_y.abs() > 1e-3);
    assert!(
        (along_y - along_x).abs() < 1e-9 * dot(&y, &y).sqrt() * dot(&d, &d).sqrt(),
        "{along_y} {along_x}"
    );
    assert!(
        (along_y - along_w).abs() < 1e-9 * dot(&y, &y).sqrt() * dot(&d, &d).sqrt(),
        "{along_y} {along_w}"
    );
}

/// The three results of one geometry on waves of irrational step, as bits.
fn results(g: &Geometry, path: Path) -> [Vec<f32>; 3] {
    let [inputs, weights, outputs] = g.lengths();
    let wave = |length: usize, step: f32| (0..length).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
    results_of(g, path, &[wave(inputs, 0.7), wave(weights, 1.3), wave(outputs, 0.9)])
}

/// The three results of one geometry on inputs, weights and gradients of outputs.
fn results_of(g: &Geometry, path: Path, [x, w, d]: &[Vec<f32>; 3]) -> [Vec<f32>; 3] {
    let (mut y, mut dx, mut dw) = (vec![0.0; d.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
    forward_on(path, g, x, w, &mut y);
    input_gradient_on(path, g, d, w, &mut dx);
    weight_gradient_on(path, g, x, d, &mut dw);
    [y, dx, dw]
}

#[test]
fn paths_agree_within_rounding() {
    for g in [square(8, [40, 50], 16, 4, 2, 1), square(32, [40, 50], 16, 4, 2, 1)] {
        let plain = results(&g, Path::Portable);
        for path in Path::available() {
            for (fast, plain) in results(&g, path).iter().zip(&plain) {
                let scale = plain.iter().fold(0.0_f32, |scale, v| scale.max(v.abs()));
                let worst = fast.iter().zip(plain).fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
                assert!(scale > 1.0 && worst < 1e-4 * scale, "{path:?}: {worst} of {scale}");
            }
        }
    }
}

/// Numbers between -1 and 1 without a pattern, so that sums of their products do not cancel.
fn noise(length: usize, seed: u32) -> Vec<f32> {
    let mixed = |i: u32| (i ^ i >> 15).wrapping_mul(0x2c1b_3c6d).wrapping_add(seed).wrapping_mul(0x297a_2d39);
    (0..length as u32)
        .map(|i| (mixed(i) >> 8) as f32 / f32::from(1_u16 << 12) / f32::from(1_u16 << 11) - 1.0)
        .collect()
}

/// The root mean square of the differences of two results beside that of the second.
fn difference(found: &[f32], wanted: &[f32]) -> f32 {
    let squared = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>();
    let differences = squared(&mut found.iter().zip(wanted).map(|(a, b)| a - b));
    (differences / squared(&mut wanted.iter().copied())).sqrt()
}

#[test]
fn pairs_round_to_bfloat16_and_no_further() {
    // Direct sums, minimal filtering in squares of 2 x 2 with two and with three taps, and in squares of 4 x 4.
    for (g, most) in [
        (square(8, [40, 50], 16, 5, 1, 2), 0.004),
        (square(4, [40, 50], 12, 4, 2, 1), 0.012),
        (square(4, [40, 50], 16, 3, 1, 1), 0.012),
        (square(32, [40, 50], 32, 4, 2, 1), 0.024),
    ] {
        let [inputs, weights, outputs] = g.lengths();
        let numbers = [noise(inputs, 1), noise(weights, 2), noise(outputs, 3)];
        let full = results_of(&g, Path::best(), &numbers);
        for (narrow, full) in results_of(&g, Path::of(Products::Bfloat16), &numbers).iter().zip(&full) {
            let difference = difference(narrow, full);
            assert!(difference < most, "{difference} in {g:?}");
            assert!(
                difference > 1e-4 || !Products::are_native() || g.kernel == [5, 5],
                "nothing was rounded in {g:?}"
            );
        }
    }
}

#[test]
fn without_the_instruction_operands_are_rounded_first() {
    let g = square(4, [40, 50], 16, 3, 1, 1);
    let [inputs, weights, outputs] = g.lengths();
    let (x, w) = (noise(inputs, 1), noise(weights, 2));
    let (mut y, mut narrow) = (vec![0.0; outputs], vec![0.0; outputs]);
    forward(Products::Full, &g, rounded(&x).slice(), rounded(&w).slice(), &mut y);
    forward(Products::Bfloat16, &g, &x, &w, &mut narrow);
    assert!(difference(&narrow, &y) < 0.008);
    assert_eq!(narrow == y, !Products::are_native());
}

#[test]
fn threads_and_repetition_do_not_change_a_byte() {
    let bits = |results: [Vec<f32>; 3]| results.map(|r| r.into_iter().map(f32::to_bits).collect::<Vec<_>>());
    for g in [
        square(16, [40, 50], 16, 4, 2, 1),
        square(2, [3, 20], 32, 3, 1, 1),
        square(5, [70, 3], 14, 4, 2, 1),
        square(35, [30, 40], 14, 4, 2, 1),
    ] {
        for path in [Path::best(), Path::of(Products::Bfloat16)] {
            let several = bits(results(&g, path));
            assert_eq!(several, bits(results(&g, path)), "{g:?}");
            for threads in [1, 3] {
                pool::set_threads(threads);
                let others = bits(results(&g, path));
                pool::set_threads(0);
                assert_eq!(several, others, "{threads} threads, {path:?}, {g:?}");
            }
        }
    }
}

#[test]
fn impossible_geometries_are_named() {
    let good = square(1, [4, 6], 5, 3, 1, 0);
    assert_eq!(good.check(), Ok(()));
    assert_eq!((good.out_height(), good.out_width()), (3, 3));
    for (bad, words) in [
        (Geometry { stride: [1, 0], ..good }, "stride is 0"),
        (Geometry { dilation: [0, 1], ..good }, "dilation is 0"),
        (Geometry { kernel: [0, 3], ..good }, "kernel is 0"),
        (Geometry { groups: 0, ..good }, "group count is 0"),
        (Geometry { groups: 4, ..good }, "4 convolution groups do not divide 4 input and 6 output"),
        (Geometry { kernel: [3, 6], ..good }, "kernel of 3 x 6 pixels (dilation included) is larger"),
        (Geometry { dilation: [3, 1], ..good }, "kernel of 7 x 3 pixels"),
    ] {
        let message = bad.check().unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}
