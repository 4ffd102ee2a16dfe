//! The tape itself: orders, scopes, errors, memory, repeatability.
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a failed unwrap is a failure like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use brigand_autograd::{
    Activation, Error, GradientOptions, Grouping, Output, Result, Sliding, Variable, grad, grad_of,
    hessian_vector_product, is_recording, jacobian_vector_product, without_recording,
};
use candle_core::{Device, Tensor};

fn leaf(values: &[f64]) -> Variable {
    Variable::leaf(Tensor::new(values, &Device::Cpu).unwrap())
}

fn constant(values: &[f64]) -> Variable {
    leaf(values).detach()
}

fn only(gradients: Vec<Variable>) -> Variable {
    assert_eq!(gradients.len(), 1);
    gradients.into_iter().next().unwrap()
}

fn numbers(variable: &Variable) -> Vec<f64> {
    variable.to_vec().unwrap()
}

const ALLOW: GradientOptions =
    GradientOptions { create_graph: false, retain_graph: false, allow_unused: true };
const RETAIN: GradientOptions =
    GradientOptions { create_graph: false, retain_graph: true, allow_unused: false };

#[test]
fn derivatives_of_a_fourth_power_up_to_the_fifth() {
    let x = leaf(&[1.5]);
    let mut y = x.powf(4.0).unwrap();
    for want in [4.0 * 3.375, 12.0 * 2.25, 24.0 * 1.5, 24.0] {
        y = only(grad(&y.sum_all().unwrap(), &[&x], true).unwrap());
        assert!((y.scalar().unwrap() - want).abs() < 1e-12, "{y:?} for {want}");
    }
    let last = grad_of(&[Output { variable: &y, weight: None }], &[&x], ALLOW).unwrap();
    assert!(last[0].as_ref().is_none_or(|zero| numbers(zero) == [0.0]));
}

#[test]
fn an_input_without_influence_is_an_error_or_nothing() {
    let (x, unused) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0, 5.0]));
    let y = || x.square().unwrap().sum_all().unwrap();
    let error = grad(&y(), &[&x, &unused], false).unwrap_err();
    assert!(matches!(&error, Error::Unused { index: 1, shape } if shape == &[3]), "{error}");
    assert!(error.to_string().contains("input 1 (shape [3])"), "{error}");
    let found = grad_of(&[Output { variable: &y(), weight: None }], &[&x, &unused], ALLOW).unwrap();
    assert_eq!(numbers(found[0].as_ref().unwrap()), [2.0, 4.0]);
    assert!(found[1].is_none());
    let error = grad(&y(), &[&x, &constant(&[1.0])], false).unwrap_err();
    assert!(matches!(error, Error::NotALeaf { index: 1, .. }), "{error}");
    let found = grad_of(&[Output { variable: &y(), weight: None }], &[&constant(&[1.0]), &x], ALLOW).unwrap();
    assert!(found[0].is_none());
    assert_eq!(numbers(found[1].as_ref().unwrap()), [2.0, 4.0]);
    // An output that is a constant depends on nothing.
    let error = grad(&constant(&[1.0]).sum_all().unwrap(), &[&x], false).unwrap_err();
    assert!(matches!(error, Error::Unused { index: 0, .. }), "{error}");
}

#[test]
fn a_path_through_a_detached_value_gives_nothing() {
    let x = leaf(&[3.0]);
    let y = x.detach().square().unwrap().mul(&x).unwrap();
    assert!(!x.detach().has_history());
    assert_eq!(numbers(&only(grad(&y, &[&x], false).unwrap())), [9.0]);
}

#[test]
fn an_input_twice_and_an_output_as_input() {
    let x = leaf(&[2.0]);
    let y = x.square().unwrap();
    let found = grad_of(&[Output { variable: &y, weight: None }], &[&x, &y, &x], RETAIN).unwrap();
    let found: Vec<f64> = found.into_iter().map(|gradient| gradient.unwrap().scalar().unwrap()).collect();
    assert_eq!(found, [4.0, 1.0, 4.0]);
}

#[test]
fn a_graph_is_released_unless_retained() {
    let x = leaf(&[2.0]);
    let y = x.square().unwrap().exp().unwrap();
    let outputs = || [Output { variable: &y, weight: None }];
    let first = grad_of(&outputs(), &[&x], RETAIN).unwrap();
    let again = grad(&y, &[&x], false).unwrap();
    assert_eq!(numbers(first[0].as_ref().unwrap()), numbers(&again[0]));
    let error = grad(&y, &[&x], false).unwrap_err();
    assert!(matches!(error, Error::Released { operation: "exp" }), "{error}");
    assert!(error.to_string().contains("retain"), "{error}");
}

#[test]
fn only_what_was_walked_is_released() {
    let x = leaf(&[2.0]);
    let middle = x.square().unwrap();
    let y = middle.exp().unwrap();
    assert_eq!(grad(&y, &[&middle], false).unwrap()[0].scalar().unwrap(), 4f64.exp());
    // The walk stopped at `middle`, whose own history is whole.
    assert_eq!(numbers(&only(grad(&middle, &[&x], false).unwrap())), [4.0]);
}

#[test]
fn weighted_sum_of_several_outputs() {
    let x = leaf(&[1.0, 2.0]);
    let (square, exponential) = (x.square().unwrap(), x.exp().unwrap());
    let total = x.sum_all().unwrap();
    let (a, b) = (constant(&[3.0, -1.0]), constant(&[0.5, 0.0]));
    let outputs = [
        Output { variable: &square, weight: Some(&a) },
        Output { variable: &exponential, weight: Some(&b) },
        Output { variable: &total, weight: None },
    ];
    let found = grad_of(&outputs, &[&x], GradientOptions::default()).unwrap();
    let want = [3.0 * 2.0 + 0.5 * 1f64.exp() + 1.0, -4.0 + 1.0];
    for (got, want) in numbers(found[0].as_ref().unwrap()).iter().zip(want) {
        assert!((got - want).abs() < 1e-14, "{got} for {want}");
    }
    let wrong = constant(&[1.0]);
    let error = grad_of(&[Output { variable: &square, weight: Some(&wrong) }], &[&x], ALLOW).unwrap_err();
    assert!(error.to_string().contains("[2]") && error.to_string().contains("[1]"), "{error}");
    let error = grad(&square, &[&x], false).unwrap_err();
    assert!(error.to_string().contains("needs a weight"), "{error}");
    let single = Variable::from_slice(&[1f32, 1.0], &[2]).unwrap();
    let error = grad_of(&[Output { variable: &square, weight: Some(&single) }], &[&x], ALLOW).unwrap_err();
    assert!(matches!(error, Error::Dtype { operation: "grad", .. }), "{error}");
}

#[test]
fn products_with_jacobian_and_hessian() {
    // f(x) = x0 x1² + sin(x2); Hessian by hand.
    let function = |x: &Variable| {
        let [a, b, c] = [0, 1, 2].map(|index| x.narrow(0, index, 1));
        let (a, b, c) = (a?, b?, c?);
        a.mul(&b.square()?)?.add(&c.sin()?)?.sum_all()
    };
    let (point, direction) = (constant(&[2.0, 3.0, 0.7]), constant(&[1.0, -2.0, 0.5]));
    let got = numbers(&hessian_vector_product(function, &point, &direction).unwrap());
    let want = [6.0 * -2.0, 6.0 * 1.0 + 4.0 * -2.0, -(0.7f64.sin()) * 0.5];
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-12, "{got} for {want}");
    }
    // J of (x0 x1, x1²) along the direction.
    let map = |x: &Variable| {
        let (a, b) = (x.narrow(0, 0, 1)?, x.narrow(0, 1, 1)?);
        Variable::concatenate(&[&a.mul(&b)?, &b.square()?], 0)
    };
    let got = jacobian_vector_product(map, &point, &direction).unwrap();
    assert_eq!(numbers(&got), [3.0 * 1.0 + 2.0 * -2.0, 6.0 * -2.0]);
    // Linear functions: a constant Jacobian, no Hessian.
    assert_eq!(
        numbers(&jacobian_vector_product(|x| x.scale(2.0), &point, &direction).unwrap()),
        [2.0, -4.0, 1.0]
    );
    let nothing = hessian_vector_product(|x| x.sum_all(), &point, &direction).unwrap();
    assert_eq!(numbers(&nothing), [0.0; 3]);
    let short = constant(&[1.0]);
    for error in [
        jacobian_vector_product(|x| x.square(), &point, &short).unwrap_err(),
        hessian_vector_product(|x| x.square()?.sum_all(), &point, &short).unwrap_err(),
    ] {
        assert!(error.to_string().contains("[3]") && error.to_string().contains("[1]"), "{error}");
    }
}

#[test]
fn recording_is_off_inside_a_scope_only() {
    let x = leaf(&[1.0]);
    assert!(is_recording());
    without_recording(|| {
        assert!(!is_recording());
        assert!(!x.square().unwrap().has_history());
        without_recording(|| assert!(!is_recording()));
        assert!(!is_recording());
    });
    assert!(x.square().unwrap().has_history());
    let thrown = catch_unwind(AssertUnwindSafe(|| without_recording(|| panic!("inside"))));
    assert!(thrown.is_err() && is_recording());
    // Gradients are found inside the scope too, but cannot be differentiated again.
    let y = x.square().unwrap();
    let gradient = without_recording(|| grad(&y, &[&x], true)).unwrap();
    assert_eq!(numbers(&gradient[0]), [2.0]);
    assert!(!gradient[0].has_history());
}

#[test]
fn gradients_are_constants_unless_the_graph_is_created() {
    let x = leaf(&[2.0]);
    let y = x.powf(3.0).unwrap();
    let options = GradientOptions { retain_graph: true, ..Default::default() };
    let found = grad_of(&[Output { variable: &y, weight: None }], &[&x], options).unwrap();
    assert!(!found[0].as_ref().unwrap().has_history());
    assert!(grad(&y, &[&x], true).unwrap()[0].has_history());
}

#[test]
fn a_sum_in_place_never_changes_what_others_hold() {
    let x = leaf(&[1.0, 2.0]);
    // Three paths into x whose gradients are one and the same tensor.
    let weight = constant(&[5.0, 7.0]);
    let y = x.alias().add(&x.alias()).unwrap().add(&x.alias()).unwrap().add(&x).unwrap();
    let options = GradientOptions { retain_graph: true, ..Default::default() };
    for _ in 0..2 {
        let found = grad_of(&[Output { variable: &y, weight: Some(&weight) }], &[&x], options).unwrap();
        assert_eq!(numbers(found[0].as_ref().unwrap()), [20.0, 28.0]);
        assert_eq!(numbers(&weight), [5.0, 7.0]);
    }
    assert_eq!(numbers(&x), [1.0, 2.0]);
}

/// Whether the thread's work fits a stack of 2 MiB.
fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(body).unwrap().join().unwrap();
}

#[test]
fn a_hundred_thousand_operations_on_a_small_stack() {
    on_a_small_stack(|| {
        let x = leaf(&[0.5]);
        let factor = leaf(&[1.0 + 1e-6]);
        let mut y = x.clone();
        for _ in 0..100_000 {
            y = y.mul(&factor).unwrap();
        }
        let total = y.sum_all().unwrap();
        let gradients = grad(&total, &[&x, &factor], true).unwrap();
        let want = (1.0 + 1e-6f64).powi(100_000);
        assert!((gradients[0].scalar().unwrap() / want - 1.0).abs() < 1e-9);
        assert!((gradients[1].scalar().unwrap() / (1e5 * 0.5 * want / (1.0 + 1e-6)) - 1.0).abs() < 1e-9);
        // Again through the gradient's own graph, which holds several hundred thousand nodes.
        let again = grad(&gradients[0], &[&factor], false).unwrap();
        assert!((again[0].scalar().unwrap() / (1e5 * want / (1.0 + 1e-6)) - 1.0).abs() < 1e-9);
        drop((gradients, again, total, y));
    });
}

#[test]
fn a_deep_graph_is_dropped_undifferentiated_and_after_release() {
    on_a_small_stack(|| {
        let x = leaf(&[0.5]);
        let chain = || (0..100_000).fold(x.clone(), |y, _| y.sin().unwrap());
        drop(chain());
        let y = chain();
        grad(&y, &[&x], false).unwrap();
        drop(y);
    });
}

/// An operation `2 x` whose rule holds a handle, so that a test can count the nodes still alive.
fn counted(x: &Variable, alive: &Arc<()>) -> Variable {
    let handle = alive.clone();
    Variable::record("counted", x.tensor().affine(2.0, 0.0).unwrap(), &[x], &[x], true, move |b| {
        let _kept = &handle;
        Ok(vec![b.when(0, || counted_rule(b.gradient, &handle))?])
    })
}

fn counted_rule(gradient: &Variable, alive: &Arc<()>) -> Result<Variable> {
    Ok(counted(gradient, alive))
}

#[test]
fn nothing_stays_alive_after_steps() {
    let alive = Arc::new(());
    let x = leaf(&[1.0, 2.0]);
    for step in 0..5 {
        let y = counted(&counted(&x, &alive).square().unwrap(), &alive).tanh().unwrap();
        assert_eq!(Arc::strong_count(&alive), 3, "step {step}");
        let total = y.sum_all().unwrap();
        let gradient = only(grad(&total, &[&x], true).unwrap());
        assert_eq!(Arc::strong_count(&alive), 5, "step {step}: the gradient's graph");
        let penalty = gradient.square().unwrap().sum_all().unwrap();
        let second = only(grad(&penalty, &[&x], false).unwrap());
        assert_eq!(Arc::strong_count(&alive), 1, "step {step}: all of it was walked and released");
        assert!(!second.has_history());
        drop((total, gradient));
    }
    let y = counted(&x, &alive);
    drop(y);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn saved_buffers_are_freed_while_the_walk_goes_on() {
    let alive = Arc::new(());
    let x = leaf(&[1.0]);
    let first = counted(&x, &alive);
    let probe = alive.clone();
    let second = Variable::record("probe", first.tensor().clone(), &[&first], &[], false, move |b| {
        // The operation after this one has been walked: what it held is gone.
        assert_eq!(Arc::strong_count(&probe), 3);
        Ok(vec![Some(b.gradient.clone())])
    });
    let third = counted(&second, &alive);
    assert_eq!(Arc::strong_count(&alive), 4);
    assert_eq!(numbers(&only(grad(&third, &[&x], false).unwrap())), [4.0]);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_rule_computes_only_what_is_wanted() {
    let (x, weight) = (leaf(&[1.0]), leaf(&[2.0]));
    let y = Variable::record("watched", x.tensor().clone(), &[&x, &weight], &[], false, |b| {
        assert_eq!(b.wanted, [true, false]);
        let frozen = b.when(1, || panic!("nobody asked for this gradient"))?;
        Ok(vec![b.when(0, || Ok(b.gradient.clone()))?, frozen])
    });
    assert_eq!(numbers(&only(grad(&y, &[&x], false).unwrap())), [1.0]);
}

/// A small network with every kind of kernel in it; its loss and gradients as bytes.
fn bytes_of_a_step() -> Vec<u8> {
    let values = |shape: &[usize], seed: usize| {
        let count: usize = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|i| ((i + seed * 7919) * 2_654_435_761 % 4001) as f32 / 2000.0 - 1.0).collect();
        Variable::leaf(Tensor::from_vec(values, shape, &Device::Cpu).unwrap())
    };
    let (x, kernel) = (values(&[16, 3, 32, 32], 1), values(&[32, 3, 4, 4], 2));
    let (scale, shift, dense) = (values(&[32], 3), values(&[32], 4), values(&[8, 32 * 64], 5));
    let hidden = x.conv2d(&kernel, Sliding::new(2, 1)).unwrap();
    let hidden =
        hidden.normalize(Grouping::Batch, Some(&scale), Some(&shift), 1e-5, Activation::LeakyRelu(0.2));
    let pooled = hidden.unwrap().avg_pool2d(2, 2, 0).unwrap();
    let scores = pooled.flatten_from_second().unwrap().linear(&dense, None).unwrap();
    let loss = scores.softmax(1).unwrap().square().unwrap().mean_all().unwrap();
    let inputs = [&x, &kernel, &scale, &shift, &dense];
    let gradient = grad(&loss, &[&x], true).unwrap();
    let norm = gradient[0].sample_norm().unwrap().mean_all().unwrap();
    let total = loss.add(&norm).unwrap();
    let gradients = grad(&total, &inputs, false).unwrap();
    std::iter::once(&total)
        .chain(&gradients)
        .flat_map(|variable| variable.to_vec_f32().unwrap())
        .flat_map(f32::to_le_bytes)
        .collect()
}

#[test]
fn the_same_step_gives_the_same_bytes() {
    let first = bytes_of_a_step();
    assert!(first.iter().any(|&byte| byte != 0));
    for _ in 0..3 {
        assert!(bytes_of_a_step() == first);
    }
}
