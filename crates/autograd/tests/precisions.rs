//! Element types that the kernels do not know run on candle's operations, composed to the same functions.
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a failed unwrap is a failure like any other.

use brigand_autograd::{
    Activation, GradientOptions, Grouping, Output, Result, Sliding, Variable, grad, grad_of,
};
use candle_core::{DType, Device, Tensor};

fn numbers(shape: &[usize], seed: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> =
        (0..count).map(|i| ((i + seed * 77) * 2_654_435_761 % 401) as f32 / 256.0 - 0.75).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

type Function = fn(&[Variable]) -> Result<Variable>;

/// Name, shapes of the inputs, function.
fn functions() -> Vec<(&'static str, Vec<Vec<usize>>, Function)> {
    let image = vec![2, 4, 6, 6];
    vec![
        ("add", vec![vec![2, 3], vec![3]], |v| v[0].add(&v[1])),
        ("sub", vec![vec![2, 3], vec![2, 1]], |v| v[0].sub(&v[1])),
        ("mul", vec![image.clone(), vec![1, 4, 1, 1]], |v| v[0].mul(&v[1])),
        ("div", vec![vec![2, 3], vec![2, 3]], |v| v[0].div(&v[1].square()?.affine(1.0, 1.0)?)),
        ("powf", vec![vec![2, 3]], |v| v[0].square()?.affine(1.0, 1.0)?.powf(-0.5)),
        ("exp", vec![vec![2, 3]], |v| v[0].exp()),
        ("maximum", vec![vec![2, 3], vec![2, 3]], |v| v[0].maximum(&v[1])),
        ("clamp", vec![vec![2, 3]], |v| v[0].clamp(-0.5, 0.5)),
        ("matmul", vec![vec![3, 4], vec![4, 5]], |v| v[0].matmul(&v[1])),
        ("matmul of stacks", vec![vec![2, 3, 4], vec![4, 5]], |v| v[0].matmul(&v[1])),
        ("linear", vec![vec![3, 4], vec![5, 4], vec![5]], |v| v[0].linear(&v[1], Some(&v[2]))),
        ("conv2d", vec![image.clone(), vec![3, 4, 4, 4]], |v| v[0].conv2d(&v[1], Sliding::new(2, 1))),
        ("grouped conv2d", vec![image.clone(), vec![6, 2, 3, 3]], |v| {
            v[0].conv2d(&v[1], Sliding { groups: 2, ..Sliding::new(1, 1) })
        }),
        ("conv_transpose2d", vec![image.clone(), vec![4, 3, 3, 3]], |v| {
            v[0].conv_transpose2d(&v[1], Sliding::new(2, 1), [1, 1])
        }),
        ("conv1d", vec![vec![2, 3, 9], vec![4, 3, 3]], |v| v[0].conv1d(&v[1], 2, 1, 1, 1)),
        ("leaky_relu", vec![vec![2, 3]], |v| v[0].leaky_relu(0.2)),
        ("elu", vec![vec![2, 3]], |v| v[0].elu()),
        ("silu", vec![vec![2, 3]], |v| v[0].silu()),
        ("gelu", vec![vec![2, 3]], |v| v[0].gelu()),
        ("tanh", vec![vec![2, 3]], |v| v[0].tanh()),
        ("sigmoid", vec![vec![2, 3]], |v| v[0].sigmoid()),
        ("softplus", vec![vec![2, 3]], |v| v[0].softplus()),
        ("softmax", vec![vec![2, 3]], |v| v[0].softmax(1)),
        ("log_softmax", vec![vec![2, 3]], |v| v[0].log_softmax(0)),
        ("normalize", vec![image.clone(), vec![4], vec![4]], |v| {
            v[0].normalize(Grouping::Batch, Some(&v[1]), Some(&v[2]), 1e-2, Activation::Relu)
        }),
        ("layer norm", vec![image.clone()], |v| {
            v[0].normalize(Grouping::Layer, None, None, 1e-2, Activation::Tanh)
        }),
        ("avg_pool2d", vec![image.clone()], |v| v[0].avg_pool2d(2, 2, 0)),
        ("max_pool2d", vec![image.clone()], |v| v[0].max_pool2d(2, 2, 0)),
        ("resize_nearest", vec![image.clone()], |v| v[0].resize_nearest(12, 12)),
        ("resize_bilinear", vec![image], |v| v[0].resize_bilinear(9, 5)),
        ("index_select", vec![vec![4, 3]], |v| v[0].index_select(0, &[3, 0, 3])),
        ("max", vec![vec![4, 3]], |v| v[0].max(1)),
        ("norm", vec![vec![4, 3]], |v| v[0].square()?.mean(&[0])),
    ]
}

/// The value and the gradients of its sum of squares.
fn results(function: Function, points: &[Tensor], dtype: DType) -> Result<Vec<Variable>> {
    let inputs: Vec<Variable> =
        points.iter().map(|point| Ok(Variable::leaf(point.to_dtype(dtype)?))).collect::<Result<_>>()?;
    let output = function(&inputs)?;
    let weight = output.full_like(0.5)?;
    let options = GradientOptions { create_graph: true, ..Default::default() };
    let gradients = grad_of(
        &[Output { variable: &output, weight: Some(&weight) }],
        &inputs.iter().collect::<Vec<_>>(),
        options,
    )?;
    Ok(std::iter::once(output).chain(gradients.into_iter().flatten()).collect())
}

fn compare(dtype: DType, tolerance: f64) {
    for (name, shapes, function) in functions() {
        let points: Vec<Tensor> = shapes.iter().zip(1..).map(|(shape, seed)| numbers(shape, seed)).collect();
        // Both start from the same, rounded numbers.
        let points: Vec<Tensor> =
            points.iter().map(|point| point.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap()).collect();
        let want = results(function, &points, DType::F32).unwrap();
        let got =
            results(function, &points, dtype).unwrap_or_else(|error| panic!("{name} in {dtype:?}: {error}"));
        assert_eq!(got.len(), want.len(), "{name}");
        for (got, want) in got.iter().zip(&want) {
            assert_eq!((got.dtype(), got.shape()), (dtype, want.shape()), "{name}");
            let (got, want) = (got.to_vec().unwrap(), want.to_vec().unwrap());
            let peak = want.iter().fold(1e-2, |peak: f64, value| peak.max(value.abs()));
            for (got, want) in got.iter().zip(&want) {
                assert!((got - want).abs() <= tolerance * peak, "{name} in {dtype:?}: {got} for {want}");
            }
        }
    }
}

#[test]
fn sixteen_bit_brain_floats_agree_with_single_precision() {
    compare(DType::BF16, 4e-2);
}

#[test]
fn half_precision_agrees_with_single_precision() {
    compare(DType::F16, 5e-3);
}

#[test]
fn gradients_pass_through_a_change_of_dtype() {
    let x = Variable::leaf(Tensor::new(&[0.5f32, -1.5], &Device::Cpu).unwrap());
    let y = x.to_dtype(DType::BF16).unwrap().square().unwrap().to_dtype(DType::F64).unwrap();
    let gradient = grad(&y.sum_all().unwrap(), &[&x], false).unwrap().remove(0);
    assert_eq!(gradient.dtype(), DType::F32);
    assert_eq!(gradient.to_vec().unwrap(), [1.0, -3.0]);
}
