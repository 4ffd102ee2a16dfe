//! The tape itself: orders, scopes, errors, memory, repeatability.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use brigand_autograd::{
    Activation, Error, GradientOptions, Grouping, Output, Result, Sliding, Variable, grad, grad_of,
    hessian_vector_product, is_recording, jacobian_vector_product, without_recording,
};
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;

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

const ALLOW: GradientOptions = GradientOptions { create_graph: false, retain_graph: false, allow_unused: true };
const RETAIN: GradientOptions = GradientOptions { create_graph: false, retain_graph: true, allow_unused: false };

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
    assert_eq!(numbers(&jacobian_vector_product(|x| x.scale(2.0), &point, &direction).unwrap()), [2.0, -4.0, 1.0]);
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

#[test]
fn refusals_name_the_operation_and_what_it_was_given() {
    let double = Variable::full(1.0, &[2, 3], DType::F64, &Device::Cpu).unwrap();
    let single = Variable::full(1.0, &[2, 3], DType::F32, &Device::Cpu).unwrap();
    let odd = Variable::full(1.0, &[4, 5], DType::F64, &Device::Cpu).unwrap();
    let dtype = |result: Result<Variable>, name: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.starts_with(name) && text.contains("F64") && text.contains("F32"), "{text}");
    };
    dtype(double.add(&single), "add");
    dtype(double.matmul(&single), "matmul");
    dtype(double.greater(&single), "greater");
    dtype(Variable::concatenate(&[&double, &single], 0), "concatenate");
    let shapes = |result: Result<Variable>, name: &str, parts: &[&str]| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(name) && parts.iter().all(|part| text.contains(part)), "{text}");
    };
    shapes(double.add(&odd), "add", &["[2, 3]", "[4, 5]"]);
    shapes(double.div(&odd), "div", &["[2, 3]", "[4, 5]"]);
    shapes(double.maximum(&odd), "maximum", &["[2, 3]", "[4, 5]"]);
    shapes(double.equal(&odd), "equal", &["[2, 3]", "[4, 5]"]);
    shapes(double.matmul(&odd), "matmul", &["[2, 3]", "[4, 5]"]);
    shapes(double.linear(&odd, None), "matmul", &["[2, 3]", "[5, 4]"]);
    shapes(double.select(&double, &odd), "select", &["[2, 3]", "[4, 5]"]);
    shapes(double.broadcast_to(&[3, 2]), "broadcast_to", &["[2, 3]", "[3, 2]"]);
    shapes(Variable::concatenate(&[&double, &odd], 0), "concatenate", &["[2, 3]", "[4, 5]"]);
    shapes(Variable::stack(&[&double, &odd], 0), "stack", &["[2, 3]", "[4, 5]"]);
    shapes(double.reshape(&[4]), "reshape", &["[2, 3]", "[4]"]);
    shapes(double.narrow(1, 2, 2), "narrow", &["[2, 3]"]);
    shapes(double.narrow(1, 2, usize::MAX), "narrow", &["[2, 3]"]);
    shapes(double.sum(&[2]), "sum", &["[2, 3]"]);
    shapes(double.max(5), "max", &["[2, 3]"]);
    shapes(double.index_select(1, &[3]), "index_select", &["[2, 3]"]);
    shapes(double.index_add(0, &[0], &odd), "index_add", &["[2, 3]", "[4, 5]"]);
    shapes(double.conv2d(&odd, Sliding::default()), "conv2d", &["[2, 3]", "[4, 5]"]);
    shapes(double.avg_pool2d(2, 2, 0), "avg_pool2d", &["[2, 3]"]);
    let index = Tensor::new(&[[7u32]], &Device::Cpu).unwrap();
    shapes(double.gather(1, &index), "gather", &["[2, 3]", "[1, 1]"]);
    shapes(double.scatter_add(1, &index, &odd), "scatter_add", &["[2, 3]", "[4, 5]"]);
    shapes(double.straight_through(&odd), "straight_through", &["[2, 3]", "[4, 5]"]);
    let normalized = double.normalize(Grouping::Batch, Some(&odd), None, 1e-5, Activation::Relu);
    shapes(normalized, "batch_normalize", &["[2, 3]", "[4, 5]"]);
    assert!(double.reshape(&[usize::MAX, 2, 3]).is_err());
    assert!(Variable::full(0.0, &[usize::MAX, 2], DType::F32, &Device::Cpu).is_err());
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
    let hidden = hidden.normalize(Grouping::Batch, Some(&scale), Some(&shift), 1e-5, Activation::LeakyRelu(0.2));
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

fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..=4, 0..=5)
}

fn filled(shape: &[usize], double: bool) -> Variable {
    let dtype = if double { DType::F64 } else { DType::F32 };
    Variable::leaf(Variable::full(0.75, shape, dtype, &Device::Cpu).unwrap().into_tensor())
}

/// Operation `number` of whatever was drawn.
fn any_operation(number: usize, a: &Variable, b: &Variable, c: &Variable, n: &[usize; 4], shape: &[usize]) -> Result<Variable> {
    let sliding = Sliding { stride: [n[0], n[1]], padding: [n[2], n[3]], dilation: [n[1], n[2]], groups: n[3] };
    let indices: Vec<u32> = n.iter().map(|&index| index as u32).collect();
    let picked = Tensor::from_vec(indices.clone(), (2, 2), &Device::Cpu)?;
    let grouping = [Grouping::Batch, Grouping::Instance, Grouping::Layer, Grouping::Channels(n[1])];
    let grouping = grouping[n[0].min(3)];
    let activation = if n[2] > 1 { Activation::Relu } else { Activation::Tanh };
    match number {
        0 => a.add(b),
        1 => a.sub(b)?.mul(c),
        2 => a.div(b),
        3 => a.maximum(b),
        4 => a.matmul(b),
        5 => a.linear(b, Some(c)),
        6 => a.conv2d(b, sliding),
        7 => a.conv_transpose2d(b, sliding, [n[0], n[3]]),
        8 => a.conv1d(b, n[0], n[1], n[2], n[3]),
        9 => a.conv_transpose1d(b, n[0], n[1], n[2], n[1], n[3]),
        10 => a.avg_pool2d(n[0], n[1], n[2]),
        11 => a.max_pool2d(n[0], n[1], n[2]),
        12 => a.adaptive_avg_pool2d(n[0], n[1]),
        13 => a.resize_nearest(n[0], n[1]),
        14 => a.resize_bilinear(n[0], n[1]),
        15 => a.index_select(n[0], &indices),
        16 => a.index_add(n[0], &indices, b),
        17 => a.gather(n[0], &picked),
        18 => a.scatter_add(n[0], &picked, b),
        19 => a.embedding(&indices),
        20 => Variable::one_hot(&indices, n[0], a.dtype(), a.device()),
        21 => a.reshape(shape),
        22 => a.flatten_from_second(),
        23 => a.permute(n),
        24 => a.transpose(n[0], n[1]),
        25 => a.broadcast_to(shape),
        26 => a.sum_to(shape),
        27 => a.narrow(n[0], n[1], n[2]),
        28 => a.pad_zeros(n[0], n[1], n[2]),
        29 => a.pad_reflection(n[0], n[1], n[2]),
        30 => Variable::concatenate(&[a, b], n[0]),
        31 => Variable::stack(&[a, b], n[0]),
        32 => a.unsqueeze(n[0])?.squeeze(n[1]),
        33 => a.sum(&[n[0], n[1]]),
        34 => a.mean(&[n[0]]),
        35 => a.variance(&[n[0], n[1]]),
        36 => a.norm(&[n[0]])?.mean_all(),
        37 => a.sample_norm(),
        38 => a.max(n[0]),
        39 => a.min(n[0]),
        40 => a.softmax(n[0]),
        41 => a.log_softmax(n[0]),
        42 => a.log_sum_exp_keeping(n[0]),
        43 => a.select(b, c),
        44 => a.straight_through(b),
        45 => a.greater(b)?.add(&a.between(0.0, 1.0)?),
        46 => a.normalize(grouping, Some(b), Some(c), 1e-5, activation),
        47 => a.normalize_with(b, c, Some(c), None, 1e-5, activation),
        48 => a.batch_normalize(None, Some(b), 1e-5, activation)?.1.unbiased_variance(),
        49 => a.activate(activation)?.pow(b),
        50 => a.mean_all(),
        51 => a.equal(b),
        52 => a.transposed(),
        53 => a.erf()?.safe_log(0.1)?.safe_sqrt()?.clamp(0.0, 1.0),
        _ => a.minimum(b),
    }
}

const OPERATIONS: usize = 55;

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..Default::default() })]

    /// Whatever the shapes, an operation and its gradients succeed or refuse; they never panic.
    #[test]
    fn no_operation_panics(
        number in 0..OPERATIONS,
        shapes in [shape(), shape(), shape()], sizes in [0usize..=4, 0usize..=4, 0usize..=4, 0usize..=4],
        alike in 0u8..4, double in any::<bool>(), huge in 0u8..40,
    ) {
        let [a, mut b, mut c] = shapes;
        if alike & 1 == 1 { b.clone_from(&a); }
        if alike & 2 == 2 { c.clone_from(&a); }
        let mut sizes = sizes;
        if let Some(slot) = sizes.get_mut(usize::from(huge)) { *slot = usize::MAX / 2 + 1; }
        let (a, b, c) = (filled(&a, true), filled(&b, true), filled(&c, double || alike > 0));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let output = any_operation(number, &a, &b, &c, &sizes, c.shape())?;
            let weight = output.full_like(1.0)?;
            let options = GradientOptions { create_graph: sizes[0] % 2 == 0, allow_unused: true, ..Default::default() };
            let found = grad_of(&[Output { variable: &output, weight: Some(&weight) }], &[&a, &b, &c], options)?;
            for (gradient, input) in found.iter().zip([&a, &b, &c]) {
                assert!(gradient.as_ref().is_none_or(|gradient| gradient.shape() == input.shape()));
            }
            Ok::<(), Error>(())
        }));
        let given = format!("operation {number} of {:?}, {:?}, {:?} with {sizes:?}", a.shape(), b.shape(), c.shape());
        match outcome {
            Err(_) => prop_assert!(false, "{given} panicked"),
            Ok(Err(error)) => {
                let text = error.to_string();
                prop_assert!(!text.starts_with("tensor:"), "{given}: the error names no operation: {text}");
            }
            Ok(Ok(())) => {}
        }
    }
}
