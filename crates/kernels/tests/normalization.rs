//! Normalisation against plain double-precision loops and finite differences.
use brigand_kernels::group_normalization::GroupNormalization;
use brigand_kernels::normalization::BatchNormalization;

const EPSILON: f64 = 1e-5;

/// Values over about [-2, 2], the same in every run.
fn values(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|i| ((i + seed * 7919) * 2_654_435_761 % 4001) as f64 / 1000.0 - 2.0).collect()
}

fn single(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

/// `gamma (x - mean) / sqrt(variance + epsilon) + beta` with a leaky ReLU, statistics over the elements with the same
/// `set(b, c)`; returns `y` and, per set, mean and variance.
fn plain(
    x: &[f64],
    [batch, channels, inner]: [usize; 3],
    [gamma, beta]: [&[f64]; 2],
    slope: f64,
    sets: usize,
    set: impl Fn(usize, usize) -> usize,
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let place = |i: usize| (i / (channels * inner), i / inner % channels);
    let count = (batch * channels * inner / sets) as f64;
    let (mut mean, mut variance) = (vec![0.0; sets], vec![0.0; sets]);
    for (i, x) in x.iter().enumerate() {
        let (b, c) = place(i);
        mean[set(b, c)] += x / count;
    }
    for (i, x) in x.iter().enumerate() {
        let (b, c) = place(i);
        variance[set(b, c)] += (x - mean[set(b, c)]).powi(2) / count;
    }
    let y = x.iter().enumerate().map(|(i, x)| {
        let (b, c) = place(i);
        let z = gamma[c] * (x - mean[set(b, c)]) / (variance[set(b, c)] + EPSILON).sqrt() + beta[c];
        if z > 0.0 { z } else { slope * z }
    });
    (y.collect(), mean, variance)
}

#[track_caller]
fn close<'a>(got: &[f32], want: impl IntoIterator<Item = &'a f64>, tolerance: f64) {
    let want: Vec<&f64> = want.into_iter().collect();
    assert_eq!(got.len(), want.len());
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs();
        assert!(error <= tolerance * want.abs().max(1.0), "{i}: {got} for {want}");
    }
}

/// Sizes around a vector, a tile, a task and the flush of running sums.
const SHAPES: [[usize; 3]; 12] = [
    [1, 1, 1],
    [2, 1, 1],
    [7, 5, 1],
    [64, 300, 1],
    [300, 3, 1],
    [5, 3, 4],
    [9, 17, 49],
    [3, 2, 257],
    [2, 3, 1025],
    [4, 2, 1600],
    [67, 24, 16],
    [3, 0, 4],
];

#[test]
fn batch_forward_equals_plain_double_precision() {
    for shape in SHAPES {
        let [batch, channels, inner] = shape;
        for (slope, offset) in [(1.0, 0.0), (0.0, 3.0), (0.2, -100.0)] {
            let wide: Vec<f64> = values(batch * channels * inner, 1).iter().map(|x| x + offset).collect();
            let x = single(&wide);
            let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let (gamma, beta) = (values(channels, 2), values(channels, 3));
            let (y, mean, variance) = plain(&exact, shape, [&gamma, &beta], slope, channels.max(1), |_, c| c);
            let (gamma, beta) = (single(&gamma), single(&beta));
            let norm =
                BatchNormalization { shape, gamma: Some(&gamma), beta: Some(&beta), negative_slope: slope };
            let mut got_y = vec![f32::NAN; x.len()];
            let [mut got_mean, mut got_inverse, mut got_variance] =
                [(); 3].map(|()| vec![f32::NAN; channels]);
            norm.forward(&x, EPSILON, &mut got_y, &mut got_mean, &mut got_inverse, &mut got_variance);
            // An offset of 100 leaves a rounded mean 4e-6 away, which counts for small standard deviations.
            let sized = batch * inner > 4;
            if sized {
                close(&got_y, &y, if offset == -100.0 { 3e-5 } else { 3e-6 });
            }
            close(&got_mean, &mean[..channels], 1e-6);
            close(&got_variance, &variance[..channels], 2e-6);
            let inverse: Vec<f64> = variance[..channels].iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
            close(&got_inverse, &inverse, 2e-6);
            let mut evaluated = vec![f32::NAN; x.len()];
            norm.normalize(&x, &got_mean, &got_inverse, &mut evaluated);
            assert_eq!(evaluated, got_y);
        }
    }
}

#[test]
fn large_means_do_not_cost_digits_of_the_variance() {
    let shape = [64, 3, 100];
    let x: Vec<f32> = values(64 * 300, 1).iter().map(|x| (1000.0 + x / 4.0) as f32).collect();
    let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let (_, mean, variance) = plain(&exact, shape, [&[1.0; 3], &[0.0; 3]], 1.0, 3, |_, c| c);
    let norm = BatchNormalization { shape, gamma: None, beta: None, negative_slope: 1.0 };
    let (mut y, mut out) = (vec![0.0; x.len()], [[f32::NAN; 3]; 3]);
    let [got_mean, inverse, got_variance] = &mut out;
    norm.forward(&x, EPSILON, &mut y, got_mean, inverse, got_variance);
    for c in 0..3 {
        assert!((f64::from(got_mean[c]) - mean[c]).abs() <= 4e-5);
        assert!((f64::from(got_variance[c]) / variance[c] - 1.0).abs() <= 1e-6);
    }
    let constant = vec![7.3_f32; x.len()];
    norm.forward(&constant, EPSILON, &mut y, got_mean, inverse, got_variance);
    assert_eq!((*got_mean, *got_variance), ([7.3; 3], [0.0; 3]));
    assert!(y.iter().all(|&y| y == 0.0));
}

#[test]
fn groups_equal_plain_double_precision() {
    for (shape, groups) in [
        ([3, 4, 1], 1),
        ([2, 12, 49], 3),
        ([3, 5, 1100], 5),
        ([1, 8, 130], 2),
        ([64, 700, 1], 1),
        ([2, 1, 1], 1),
        ([0, 4, 3], 2),
    ] {
        let [batch, channels, inner] = shape;
        let x = single(&values(batch * channels * inner, 1));
        let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let (gamma, beta) = (values(channels, 2), values(channels, 3));
        let set = |b: usize, c: usize| b * groups + c / (channels / groups);
        let (y, mean, _) = plain(&exact, shape, [&gamma, &beta], 0.2, (batch * groups).max(1), set);
        let (gamma, beta) = (single(&gamma), single(&beta));
        let norm =
            GroupNormalization { shape, groups, gamma: Some(&gamma), beta: Some(&beta), negative_slope: 0.2 };
        let mut got = vec![f32::NAN; x.len()];
        let [mut got_mean, mut inverse] = [(); 2].map(|()| vec![f32::NAN; batch * groups]);
        norm.forward(&x, EPSILON, &mut got, &mut got_mean, &mut inverse);
        close(&got, &y, 3e-6);
        close(&got_mean, &mean[..batch * groups], 1e-6);
    }
}

/// Checks gradients `[dx, dgamma, dbeta]` of `<y, upstream>` by central differences in every coordinate.
#[track_caller]
fn check_gradients(
    inputs: [Vec<f64>; 3],
    gradients: [Vec<f64>; 3],
    upstream: &[f64],
    y: impl Fn(&[f64], &[f64], &[f64]) -> Vec<f64>,
) {
    let score =
        |i: &[Vec<f64>; 3]| y(&i[0], &i[1], &i[2]).iter().zip(upstream).map(|(y, g)| y * g).sum::<f64>();
    for (which, gradient) in gradients.iter().enumerate() {
        for (i, &got) in gradient.iter().enumerate() {
            let shifted = |h: f64| {
                let mut moved = inputs.clone();
                moved[which][i] += h;
                score(&moved)
            };
            let want = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            assert!((got - want).abs() < 2e-7 * want.abs().max(10.0), "{which}, {i}: {got} for {want}");
        }
    }
}

#[test]
fn batch_backward_equals_finite_differences() {
    for (shape, slope) in [([6, 5, 1], 0.2), ([3, 4, 9], 0.0), ([2, 1, 600], 1.0), ([70, 2, 1], 0.2)] {
        let [batch, channels, inner] = shape;
        let (x, upstream) = (values(batch * channels * inner, 1), values(batch * channels * inner, 4));
        let (gamma, beta) = (values(channels, 2), values(channels, 3));
        let run = |x: &[f64], gamma: &[f64], beta: &[f64]| {
            let norm =
                BatchNormalization { shape, gamma: Some(gamma), beta: Some(beta), negative_slope: slope };
            let mut y = vec![f64::NAN; x.len()];
            let [mut mean, mut inverse, mut variance] = [(); 3].map(|()| vec![f64::NAN; channels]);
            norm.forward(x, EPSILON, &mut y, &mut mean, &mut inverse, &mut variance);
            (y, mean, inverse)
        };
        let (_, mean, inverse) = run(&x, &gamma, &beta);
        let norm =
            BatchNormalization { shape, gamma: Some(&gamma), beta: Some(&beta), negative_slope: slope };
        let mut dx = vec![f64::NAN; x.len()];
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![f64::NAN; channels]);
        norm.backward(&x, &upstream, &mean, &inverse, &mut dx, &mut dgamma, &mut dbeta);
        check_gradients([x, gamma, beta], [dx, dgamma, dbeta], &upstream, |x, g, b| run(x, g, b).0);
    }
}

#[test]
fn group_backward_equals_finite_differences() {
    for (shape, groups, slope) in
        [([3, 8, 1], 1, 0.2), ([2, 6, 7], 2, 0.0), ([2, 2, 600], 2, 1.0), ([2, 4, 150], 1, 0.2)]
    {
        let [batch, channels, inner] = shape;
        let (x, upstream) = (values(batch * channels * inner, 1), values(batch * channels * inner, 4));
        let (gamma, beta) = (values(channels, 2), values(channels, 3));
        let run = |x: &[f64], gamma: &[f64], beta: &[f64]| {
            let norm = GroupNormalization {
                shape,
                groups,
                gamma: Some(gamma),
                beta: Some(beta),
                negative_slope: slope,
            };
            let mut y = vec![f64::NAN; x.len()];
            let [mut mean, mut inverse] = [(); 2].map(|()| vec![f64::NAN; batch * groups]);
            norm.forward(x, EPSILON, &mut y, &mut mean, &mut inverse);
            (y, mean, inverse)
        };
        let (_, mean, inverse) = run(&x, &gamma, &beta);
        let norm = GroupNormalization {
            shape,
            groups,
            gamma: Some(&gamma),
            beta: Some(&beta),
            negative_slope: slope,
        };
        let mut dx = vec![f64::NAN; x.len()];
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![f64::NAN; channels]);
        norm.backward(&x, &upstream, &mean, &inverse, &mut dx, &mut dgamma, &mut dbeta);
        check_gradients([x, gamma, beta], [dx, dgamma, dbeta], &upstream, |x, g, b| run(x, g, b).0);
    }
}

#[test]
fn absent_gamma_and_beta_are_one_and_zero() {
    let shape = [4, 6, 5];
    let (x, upstream) = (values(120, 1), values(120, 2));
    let (ones, zeros) = ([1.0; 6], [0.0; 6]);
    let runs = [(None, None), (Some(&ones[..]), Some(&zeros[..]))].map(|(gamma, beta)| {
        let norm = BatchNormalization { shape, gamma, beta, negative_slope: 0.2 };
        let (mut y, mut dx, mut vectors) = (vec![0.0; 120], vec![0.0; 120], [[0.0; 6]; 5]);
        let [mean, inverse, variance, dgamma, dbeta] = &mut vectors;
        norm.forward(&x, EPSILON, &mut y, mean, inverse, variance);
        norm.backward(&x, &upstream, mean, inverse, &mut dx, dgamma, dbeta);
        (y, dx, vectors)
    });
    assert_eq!(runs[0], runs[1]);
}
