//! Normalisation, activations and optimizers against PyTorch's numbers.
//!
//! The files lie in `fixtures/` of the workspace, or where BRIGAND_FIXTURES says.
#![allow(clippy::unwrap_used)] // A missing fixture is a failed test.

use brigand_kernels::activation::{Activation, apply, gradient};
use brigand_kernels::group_normalization::GroupNormalization;
use brigand_kernels::normalization::BatchNormalization;
use brigand_kernels::optimizer::{AdamStep, RmspropStep, SgdStep, adam, rmsprop, sgd};
use safetensors::SafeTensors;

fn fixture_bytes(name: &str) -> Vec<u8> {
    let folder = std::env::var("BRIGAND_FIXTURES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures").to_owned());
    std::fs::read(format!("{folder}/{name}.safetensors")).unwrap()
}

fn tensor(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let view = file.tensor(name).unwrap();
    view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[track_caller]
fn close(got: &[f32], want: &[f32], tolerance: f32, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{what}, {i}: {got} for {want}");
    }
}

#[test]
fn batch_normalization_equals_its_fixture() {
    let bytes = fixture_bytes("layers");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, shape) in [("batch_norm2d", [4, 3, 25]), ("batch_norm1d", [6, 5, 1])] {
        let get = |part: &str| tensor(&file, &format!("{name}.{part}"));
        let (x, gamma, beta) = (get("x"), get("param.w"), get("param.b"));
        let norm = BatchNormalization { shape, gamma: Some(&gamma), beta: Some(&beta), negative_slope: 1.0 };
        let fresh = || vec![f32::NAN; gamma.len()];
        let (mut y, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        let (mut mean, mut inverse, mut variance) = (fresh(), fresh(), fresh());
        let (mut dgamma, mut dbeta) = (fresh(), fresh());
        norm.forward(&x, 1e-5, &mut y, &mut mean, &mut inverse, &mut variance);
        norm.backward(&x, &get("r"), &mean, &inverse, &mut dx, &mut dgamma, &mut dbeta);
        close(&y, &get("y"), 2e-6, name);
        close(&dx, &get("first.x"), 2e-6, name);
        close(&dgamma, &get("first.w"), 2e-6, name);
        close(&dbeta, &get("first.b"), 2e-6, name);
    }
}

#[test]
fn group_instance_and_layer_normalization_equal_their_fixtures() {
    let bytes = fixture_bytes("layers");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, shape, groups) in
        [("group_norm", [3, 4, 16], 2), ("instance_norm2d", [3, 4, 25], 4), ("layer_norm_chw", [3, 48, 1], 1)]
    {
        let get = |part: &str| tensor(&file, &format!("{name}.{part}"));
        let (x, gamma, beta) = (get("x"), get("param.w"), get("param.b"));
        let norm =
            GroupNormalization { shape, groups, gamma: Some(&gamma), beta: Some(&beta), negative_slope: 1.0 };
        let (mut y, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        let [mut mean, mut inverse] = [(); 2].map(|()| vec![f32::NAN; shape[0] * groups]);
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![f32::NAN; gamma.len()]);
        norm.forward(&x, 1e-5, &mut y, &mut mean, &mut inverse);
        norm.backward(&x, &get("r"), &mean, &inverse, &mut dx, &mut dgamma, &mut dbeta);
        close(&y, &get("y"), 2e-6, name);
        close(&dx, &get("first.x"), 2e-6, name);
        close(&dgamma, &get("first.w"), 2e-6, name);
        close(&dbeta, &get("first.b"), 2e-6, name);
    }
}

#[test]
fn activations_equal_their_fixtures() {
    let bytes = fixture_bytes("layers");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, activation) in [
        ("leaky_relu_02", Activation::LeakyRelu(0.2)),
        ("tanh", Activation::Tanh),
        ("sigmoid", Activation::Sigmoid),
        ("softplus", Activation::Softplus),
        ("elu", Activation::Elu(1.0)),
        ("silu", Activation::Silu),
        ("gelu", Activation::Gelu),
    ] {
        let get = |part: &str| tensor(&file, &format!("{name}.{part}"));
        let x = get("x");
        let (mut y, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        apply(activation, &x, &mut y);
        gradient(activation, &x, &y, &get("r"), &mut dx);
        close(&y, &get("y"), 1e-6, name);
        close(&dx, &get("first.x"), 1e-6, name);
    }
}

/// Six updates of the fixture's parameter, `update(step, old, gradient, new)`, `step` counted from 1.
fn six_steps(name: &str, mut update: impl FnMut(u64, &[f32], &[f32], &mut [f32])) {
    let bytes = fixture_bytes("optimizers");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut parameter = tensor(&file, "p0");
    for step in 1..=6 {
        let mut updated = vec![f32::NAN; parameter.len()];
        update(step, &parameter, &tensor(&file, &format!("g{}", step - 1)), &mut updated);
        parameter = updated;
    }
    close(&parameter, &tensor(&file, name), 1e-6, name);
}

#[test]
fn adam_equals_its_fixtures() {
    for (name, learning_rate, beta1, beta2, weight_decay, decoupled) in [
        ("adam_b05", 2e-4, 0.5, 0.999, 0.0, false),
        ("adam_b0_b09", 1e-4, 0.0, 0.9, 0.0, false),
        ("adamw", 1e-3, 0.9, 0.999, 0.01, true),
    ] {
        let (mut first, mut second) = ([0.0; 12], [0.0; 12]);
        six_steps(name, |step, parameter, gradient, updated| {
            let settings =
                AdamStep { learning_rate, beta1, beta2, epsilon: 1e-8, weight_decay, decoupled, step };
            adam(&settings, parameter, gradient, &mut first, &mut second, updated);
        });
    }
}

#[test]
fn rmsprop_equals_its_fixture() {
    let settings =
        RmspropStep { learning_rate: 5e-5, alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 };
    let mut square = [0.0; 12];
    six_steps("rmsprop", |_, parameter, gradient, updated| {
        rmsprop(&settings, parameter, gradient, &mut square, &mut [], updated);
    });
}

#[test]
fn sgd_equals_its_fixture() {
    let mut buffer = [f32::NAN; 12];
    six_steps("sgd_momentum", |step, parameter, gradient, updated| {
        let settings = SgdStep {
            learning_rate: 1e-2,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0,
            first: step == 1,
        };
        sgd(&settings, parameter, gradient, &mut buffer, updated);
    });
}
