//! Every differentiable operation against finite differences in double precision, first and second order.
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a failed unwrap is a failure like any other.

mod cases;
mod check;
mod random;

use std::collections::BTreeSet;

use brigand_autograd::{Activation, Products, Result, Sliding, Variable, grad};
use candle_core::{DType, Tensor};

type Function = Box<dyn Fn(&Variable) -> Result<Variable>>;

/// Operations of `Variable` that have no derivative to check here: all but the last return constants, which `constants_have_no_derivative` checks.
const WITHOUT_DERIVATIVE: [&str; 8] =
    ["greater", "less", "equal", "at_least", "between", "sign", "one_hot", "to_device"];

/// The names after `pub fn` inside `impl Variable` in the sources of the operations.
fn public_operations() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/operations");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let blocks = source.split("\nimpl ").filter_map(|block| block.strip_prefix("Variable {"));
        let methods = blocks.flat_map(|block| block.split("\n}\n").next().unwrap().lines());
        for rest in methods.filter_map(|line| line.trim_start().strip_prefix("pub fn ")) {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap();
            names.insert(rest[..end].to_owned());
        }
    }
    names
}

#[test]
fn every_operation_is_in_the_list() {
    let operations = public_operations();
    assert!(operations.len() > 60, "the sources were not read: {operations:?}");
    let listed: BTreeSet<String> = cases::all()
        .iter()
        .flat_map(|case| case.covers.iter().copied())
        .chain(WITHOUT_DERIVATIVE)
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = operations.difference(&listed).collect();
    assert!(missing.is_empty(), "operations without a derivative check: {missing:?}");
    let unknown: Vec<_> = listed.difference(&operations).collect();
    assert!(unknown.is_empty(), "checks of operations that do not exist: {unknown:?}");
}

#[test]
fn first_derivatives_equal_finite_differences() {
    cases::all().iter().for_each(check::first_order);
}

#[test]
fn second_derivatives_equal_finite_differences() {
    cases::all().iter().for_each(check::second_order);
}

#[test]
fn recorded_and_plain_backward_passes_agree() {
    cases::all().iter().for_each(check::recorded_equals_plain);
}

#[test]
fn layouts_do_not_matter() {
    cases::all().iter().for_each(check::layouts_agree);
}

#[test]
fn single_precision_agrees_with_double() {
    cases::all().iter().for_each(check::single_agrees_with_double);
}

/// 8 bits of mantissa: each rounding is off by 2^-9 of its number at most, and a case has a few.
#[test]
fn brain_floats_agree_with_single_precision() {
    cases::all().iter().for_each(|case| check::narrow_agrees_with_single(case, DType::BF16, 4e-2));
}

/// 11 bits of mantissa.
#[test]
fn half_precision_agrees_with_single_precision() {
    cases::all().iter().for_each(|case| check::narrow_agrees_with_single(case, DType::F16, 5e-3));
}

#[test]
fn gradients_pass_through_a_change_of_dtype() {
    let x = Variable::leaf(Tensor::new(&[0.5f32, -1.5], &candle_core::Device::Cpu).unwrap());
    let y = x.to_dtype(DType::BF16).unwrap().square().unwrap().to_dtype(DType::F64).unwrap();
    let gradient = grad(&y.sum_all().unwrap(), &[&x], true).unwrap().remove(0);
    assert_eq!((gradient.dtype(), gradient.to_vec().unwrap()), (DType::F32, vec![1.0, -3.0]));
    let again = grad(&gradient.sum_all().unwrap(), &[&x], false).unwrap().remove(0);
    assert_eq!((again.dtype(), again.to_vec().unwrap()), (DType::F32, vec![2.0, 2.0]));
}

/// Sums of many numbers whose running total a narrow type could not hold.
#[test]
fn narrow_types_do_not_stall_in_sums() {
    let ones = |shape: &[usize]| Variable::full(1.0, shape, DType::BF16, &candle_core::Device::Cpu).unwrap();
    let x = Variable::leaf(ones(&[4096, 1]).into_tensor());
    assert_eq!(x.sum_all().unwrap().scalar().unwrap(), 4096.0);
    assert_eq!(x.mean(&[0]).unwrap().scalar().unwrap(), 1.0);
    assert_eq!(x.sample_square().unwrap().sum_all().unwrap().scalar().unwrap(), 4096.0);
    assert_eq!(x.transposed().unwrap().matmul(&x).unwrap().scalar().unwrap(), 4096.0);
    assert_eq!(x.reshape(&[1, 1, 64, 64]).unwrap().avg_pool2d(64, 64, 0).unwrap().scalar().unwrap(), 1.0);
    let row = Variable::leaf(ones(&[1, 1]).into_tensor());
    let rows = Tensor::zeros(4096, DType::U32, row.device()).unwrap();
    let total = row.embedding(&rows).unwrap().sum_all().unwrap();
    assert_eq!(grad(&total, &[&row], false).unwrap()[0].scalar().unwrap(), 4096.0);
    let (_, statistics) = x.batch_normalize(None, None, 1e-5, Activation::Identity).unwrap();
    assert_eq!((statistics.mean.dtype(), statistics.mean.scalar().unwrap()), (DType::F32, 1.0));
    assert_eq!(statistics.variance.scalar().unwrap(), 0.0);
    // Squares beyond what half precision holds, whose mean it holds.
    let large = Variable::full(200.0, &[64], DType::F16, x.device()).unwrap();
    assert_eq!(large.norm(&[0]).unwrap().scalar().unwrap(), 1600.0);
}

#[test]
fn constants_have_no_derivative() {
    let x = Variable::leaf(check::numbers(&[2, 3], cases::Domain::Any, 1));
    let y = Variable::leaf(check::numbers(&[2, 3], cases::Domain::Any, 2));
    let labels = Variable::one_hot(&[2, 0], 3, DType::F64, x.device());
    for constant in
        [x.greater(&y), x.less(&y), x.equal(&x), x.at_least(&y), x.between(-1.0, 1.0), x.sign(), labels]
    {
        assert!(!constant.unwrap().has_history());
    }
    let moved = x.to_device(x.device()).unwrap();
    assert_eq!(grad(&moved.sum_all().unwrap(), &[&x], false).unwrap()[0].to_vec().unwrap(), [1.0; 6]);
}

#[test]
fn slopes_at_kinks_follow_the_conventions() {
    let slope = |function: &dyn Fn(&Variable) -> Result<Variable>, at: f64, record: bool| {
        let x = Variable::leaf(Tensor::new(&[at], &candle_core::Device::Cpu).unwrap());
        grad(&function(&x).unwrap().sum_all().unwrap(), &[&x], record).unwrap()[0].to_vec().unwrap()[0]
    };
    for record in [false, true] {
        assert_eq!(slope(&|x| x.relu(), 0.0, record), 0.0);
        assert_eq!(slope(&|x| x.leaky_relu(0.25), 0.0, record), 0.25);
        assert_eq!(slope(&|x| x.abs(), 0.0, record), 0.0);
        assert_eq!(slope(&|x| x.clamp(-1.0, 1.0), 1.0, record), 1.0);
        assert_eq!(slope(&|x| x.clamp(-1.0, 1.0), 1.5, record), 0.0);
        assert_eq!(slope(&|x| x.maximum(x), 2.0, record), 1.0);
        assert_eq!(slope(&|x| x.maximum(&x.full_like(2.0)?), 2.0, record), 0.5);
        assert_eq!(slope(&|x| x.safe_sqrt(), 0.0, record), 5e5);
        assert_eq!(slope(&|x| x.safe_log(0.1), 0.0, record), 0.0);
        assert_eq!(slope(&|x| x.safe_exp(10.0), 11.0, record), 0.0);
        assert_eq!(slope(&|x| x.powf(2.0), 0.0, record), 0.0);
    }
}

#[test]
fn among_equals_the_first_receives_the_gradient() {
    let x = Variable::leaf(Tensor::new(&[[[[1.0, 2.0], [2.0, 2.0]]]], &candle_core::Device::Cpu).unwrap());
    let gradient = |y: Result<Variable>| {
        grad(&y.unwrap().sum_all().unwrap(), &[&x], false).unwrap()[0].to_vec().unwrap()
    };
    assert_eq!(gradient(x.max_pool2d(2, 2, 0)), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(gradient(x.max(3)), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(gradient(x.min(2)), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn values_and_slopes_stay_finite_far_out() {
    use Activation::{Elu, Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh};
    let all = [Relu, LeakyRelu(0.2), Elu(1.0), Silu, Gelu, Tanh, Sigmoid, Softplus];
    let mut functions: Vec<Function> = vec![
        Box::new(|x| x.log_sigmoid()),
        Box::new(|x| x.softmax(0)),
        Box::new(|x| x.log_softmax(0)),
        Box::new(|x| x.log_sum_exp_keeping(0)),
        Box::new(|x| x.sample_norm()),
        Box::new(|x| x.safe_exp(20.0)),
    ];
    for activation in all {
        functions.push(Box::new(move |x| x.activate(activation)));
    }
    for dtype in [DType::F32, DType::F64] {
        let points =
            Tensor::new(&[-1e4f64, -90.0, -1e-30, 0.0, 1e-30, 90.0, 1e4], &candle_core::Device::Cpu).unwrap();
        let points = points.to_dtype(dtype).unwrap();
        for (number, function) in functions.iter().enumerate() {
            let x = Variable::leaf(points.clone());
            let y = function(&x).unwrap();
            let total = y.sum_all().unwrap();
            let first = grad(&total, &[&x], true).unwrap().remove(0);
            let mut found = [y.to_vec().unwrap(), first.to_vec().unwrap()].concat();
            if first.has_history() {
                let again = first.square().unwrap().sum_all().unwrap();
                found.extend(grad(&again, &[&x], false).unwrap()[0].to_vec().unwrap());
            }
            assert!(found.iter().all(|value| value.is_finite()), "function {number} in {dtype:?}: {found:?}");
        }
    }
}

/// Two layers of a convolution and a product, their values, and the first and second derivatives by inputs and weights.
fn two_layers(products: Products) -> Vec<Vec<f64>> {
    let numbers = |shape: &[usize], seed| {
        let numbers = check::numbers(shape, cases::Domain::Any, seed);
        Variable::leaf(numbers.to_dtype(DType::F32).unwrap())
    };
    let (x, kernel, weight) = (numbers(&[4, 8, 8, 8], 1), numbers(&[8, 8, 4, 4], 2), numbers(&[3, 128], 3));
    let sliding = Sliding { products, ..Sliding::new(2, 1) };
    let hidden = x.conv2d(&kernel, sliding).unwrap().scale(0.1).unwrap().tanh().unwrap();
    let output = hidden.flatten_from_second().unwrap().linear_by(&weight, None, products).unwrap();
    let leaves = [&x, &kernel, &weight];
    let first = grad(&output.square().unwrap().mean_all().unwrap(), &leaves, true).unwrap();
    let length = first.iter().map(|gradient| gradient.square().unwrap().sum_all().unwrap());
    let length = length.reduce(|a, b| a.add(&b).unwrap()).unwrap();
    let second = grad(&length, &leaves, false).unwrap();
    [output].iter().chain(&first).chain(&second).map(|found| found.to_vec().unwrap()).collect()
}

/// Factors have 8 binary digits, so that each product is off by 2^-9 of itself at most; four follow one another at most.
#[test]
fn products_in_bfloat16_have_their_derivatives_to_any_order() {
    for (narrow, full) in two_layers(Products::Bfloat16).iter().zip(two_layers(Products::Full)) {
        let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|n| n * n).sum::<f64>().sqrt();
        let apart = length(&mut narrow.iter().zip(&full).map(|(a, b)| a - b));
        let share = apart / length(&mut full.iter().copied());
        assert!(share > 0.0 && share < 0.02, "{share}");
    }
}
