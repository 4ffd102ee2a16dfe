//! Whatever an operation is given, it succeeds or refuses with an error that names it; it never panics.
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a failed unwrap is a failure like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use brigand_autograd::{
    Activation, Error, GradientOptions, Grouping, Output, Result, Sliding, Variable, grad_of,
};
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;

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
    fn shapes<T: std::fmt::Debug>(result: Result<T>, name: &str, parts: &[&str]) {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(name) && parts.iter().all(|part| text.contains(part)), "{text}");
    }
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
    shapes(double.split(1, &[1, 1]), "split", &["[1, 1]", "[2, 3]"]);
    shapes(double.split(1, &[usize::MAX, 4]), "split", &["[2, 3]"]);
    shapes(double.pad_reflect([0, 0], [3, 0]), "pad_reflection", &["[2, 3]"]);
    shapes(double.sum_all().and_then(|x| x.pad_reflect([0; 2], [0; 2])), "pad_reflect", &["[]"]);
    let rows = |rows: &[u32]| Tensor::new(rows, &Device::Cpu).unwrap();
    shapes(double.embedding(&rows(&[1, 2])), "embedding", &["row 2", "[2, 3]"]);
    shapes(double.embedding(&rows(&[1]).to_dtype(DType::I64).unwrap()), "embedding", &["I64"]);
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

fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..=4, 0..=5)
}

fn filled(shape: &[usize], dtype: DType) -> Variable {
    Variable::leaf(Variable::full(0.75, shape, dtype, &Device::Cpu).unwrap().into_tensor())
}

/// Operation `number` of whatever was drawn.
fn any_operation(
    number: usize,
    a: &Variable,
    b: &Variable,
    c: &Variable,
    n: &[usize; 4],
    shape: &[usize],
) -> Result<Variable> {
    let sliding = Sliding {
        stride: [n[0], n[1]],
        padding: [n[2], n[3]],
        dilation: [n[1], n[2]],
        groups: n[3],
        ..Sliding::default()
    };
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
        19 => a.embedding(&picked),
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
        54 => a.pad_reflect([n[0], n[1]], [n[2], n[3]]),
        55 => Variable::stack(&a.split(n[0], &[n[1], n[2]])?.iter().collect::<Vec<_>>(), n[3]),
        _ => a.minimum(b),
    }
}

const OPERATIONS: usize = 57;

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..Default::default() })]

    /// Whatever the shapes, an operation and its gradients succeed or refuse; they never panic.
    #[test]
    fn no_operation_panics(
        number in 0..OPERATIONS,
        shapes in [shape(), shape(), shape()], sizes in [0usize..=4, 0usize..=4, 0usize..=4, 0usize..=4],
        alike in 0u8..4, dtypes in prop::sample::select(vec![
            (DType::F64, DType::F64), (DType::F64, DType::F32), (DType::BF16, DType::BF16),
        ]),
        huge in 0u8..40,
    ) {
        let [a, mut b, mut c] = shapes;
        if alike & 1 == 1 { b.clone_from(&a); }
        if alike & 2 == 2 { c.clone_from(&a); }
        let mut sizes = sizes;
        if let Some(slot) = sizes.get_mut(usize::from(huge)) { *slot = usize::MAX / 2 + 1; }
        let (first, last) = dtypes;
        let last = if alike > 0 { first } else { last };
        let (a, b, c) = (filled(&a, first), filled(&b, first), filled(&c, last));
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
