//! Results do not depend on the number of threads, to the last bit.
use brigand_kernels::activation::{Activation, apply, gradient};
use brigand_kernels::elementwise::{Binary, Unary, binary, broadcast_channels, scaled_add, unary};
use brigand_kernels::group_normalization::GroupNormalization;
use brigand_kernels::normalization::BatchNormalization;
use brigand_kernels::optimizer::{AdamStep, adam, exponential_average};
use brigand_kernels::pool::set_threads;
use brigand_kernels::reduction::{dot, max_axis, sum, sum_axis, sum_of_squares, sum_per_channel};
use brigand_kernels::softmax::softmax;

const SHAPE: [usize; 3] = [64, 40, 49];
const COUNT: usize = 64 * 40 * 49;

fn values(seed: usize) -> Vec<f32> {
    (0..COUNT).map(|i| ((i + seed * 7919) * 2_654_435_761 % 4001) as f32 / 1000.0 - 2.0).collect()
}

/// The result of every function that uses several threads.
fn everything() -> Vec<Vec<f32>> {
    let (x, g) = (values(1), values(2));
    let fresh = || vec![f32::NAN; COUNT];
    let (mut y, mut dx, mut added, mut spread) = (fresh(), fresh(), fresh(), fresh());
    apply(Activation::Tanh, &x, &mut y);
    gradient(Activation::Gelu, &x, &y, &g, &mut dx);
    binary(Binary::Add, &x, &g, &mut added);
    scaled_add(0.3, &x, &mut added);
    broadcast_channels(Binary::Multiply, &x, &g[..40], SHAPE, &mut spread);
    let mut root = fresh();
    unary(Unary::Exponential, &x, &mut root);
    let (mut axis, mut peak, mut channels) = (vec![0.0; 64 * 49], vec![0.0; 64 * 49], vec![0.0; 40]);
    sum_axis(&x, SHAPE, &mut axis);
    max_axis(&x, SHAPE, &mut peak);
    sum_per_channel(&x, SHAPE, &mut channels);
    let mut soft = fresh();
    softmax(&x, SHAPE, &mut soft);

    let batch = BatchNormalization { shape: SHAPE, gamma: Some(&g[..40]), beta: None, negative_slope: 0.2 };
    let (mut batch_y, mut batch_dx) = (fresh(), fresh());
    let [mut mean, mut inverse, mut variance, mut dgamma, mut dbeta] = [(); 5].map(|()| vec![0.0; 40]);
    batch.forward(&x, 1e-5, &mut batch_y, &mut mean, &mut inverse, &mut variance);
    batch.backward(&x, &g, &mean, &inverse, &mut batch_dx, &mut dgamma, &mut dbeta);
    let group = GroupNormalization { shape: SHAPE, groups: 4, gamma: None, beta: None, negative_slope: 0.0 };
    let (mut group_y, mut group_dx) = (fresh(), fresh());
    let [mut group_mean, mut group_inverse] = [(); 2].map(|()| vec![0.0; 256]);
    let [mut group_dgamma, mut group_dbeta] = [(); 2].map(|()| vec![0.0; 40]);
    group.forward(&x, 1e-5, &mut group_y, &mut group_mean, &mut group_inverse);
    group.backward(&x, &g, &group_mean, &group_inverse, &mut group_dx, &mut group_dgamma, &mut group_dbeta);

    let settings = AdamStep {
        learning_rate: 1e-3,
        beta1: 0.5,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        step: 1,
    };
    let (mut m, mut v, mut updated) = (vec![0.0; COUNT], vec![0.0; COUNT], fresh());
    adam(&settings, &x, &g, &mut m, &mut v, &mut updated);
    exponential_average(&mut m, &x, 0.9);
    let scalars = vec![sum(&x), sum_of_squares(&x), dot(&x, &g)];
    let normalised = [
        batch_y,
        batch_dx,
        mean,
        inverse,
        variance,
        dgamma,
        dbeta,
        group_y,
        group_dx,
        group_mean,
        group_inverse,
        group_dgamma,
    ];
    let rest = [y, dx, added, spread, root, axis, peak, channels, soft, m, v, updated, scalars, group_dbeta];
    normalised.into_iter().chain(rest).collect()
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let runs = [1, 2, 3].map(|threads| {
        set_threads(threads);
        everything().into_iter().map(|x| x.into_iter().map(f32::to_bits).collect()).collect::<Vec<Vec<u32>>>()
    });
    set_threads(0);
    assert!(runs[0].iter().flatten().all(|&bits| !f32::from_bits(bits).is_nan()));
    assert!(runs[0] == runs[1], "two threads differ from one");
    assert!(runs[0] == runs[2], "three threads differ from one");
}
