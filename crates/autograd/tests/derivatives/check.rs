//! How a case is checked.

use brigand_autograd::{GradientOptions, Output, Variable, grad_of};
use candle_core::{DType, Device, Tensor};

use crate::cases::{Case, Domain};

/// The step of the central differences; their error is about its square.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 2e-6;

/// Numbers in row-major order, the same in every run.
pub(crate) fn numbers(shape: &[usize], domain: Domain, seed: u64) -> Tensor {
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|index| domain.place(unit(seed, index as u64))).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A number in [0, 1) out of a counter (the finaliser of splitmix64).
fn unit(seed: u64, index: u64) -> f64 {
    let mut bits =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index.wrapping_mul(0xd1b5_4a32_d192_ed03));
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb_u64)] {
        bits = (bits ^ (bits >> shift)).wrapping_mul(factor);
    }
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

fn points(case: &Case) -> Vec<Tensor> {
    case.inputs.iter().zip(1..).map(|((shape, domain), seed)| numbers(shape, *domain, seed)).collect()
}

fn leaves(points: &[Tensor]) -> Vec<Variable> {
    points.iter().cloned().map(Variable::leaf).collect()
}

fn run(case: &Case, inputs: &[Variable]) -> Variable {
    (case.function)(inputs).unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

fn weight_of(output: &Variable, seed: u64) -> Tensor {
    numbers(output.shape(), Domain::Any, seed).to_dtype(output.dtype()).unwrap()
}

/// The gradients of `<output, weight>`, zeros where there are none.
fn gradients(
    case: &Case,
    output: &Variable,
    weight: &Variable,
    inputs: &[&Variable],
    options: GradientOptions,
) -> Vec<Variable> {
    let options = GradientOptions { allow_unused: true, ..options };
    let found = grad_of(&[Output { variable: output, weight: Some(weight) }], inputs, options)
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let or_zeros = |(gradient, input): (Option<Variable>, &&Variable)| {
        let gradient = gradient.unwrap_or_else(|| input.full_like(0.0).unwrap());
        assert_eq!(gradient.shape(), input.shape(), "{}: a gradient of another shape", case.name);
        assert_eq!(gradient.dtype(), input.dtype(), "{}: a gradient of another dtype", case.name);
        gradient
    };
    found.into_iter().zip(inputs).map(or_zeros).collect()
}

const RECORD: GradientOptions =
    GradientOptions { create_graph: true, retain_graph: true, allow_unused: true };
const PLAIN: GradientOptions =
    GradientOptions { create_graph: false, retain_graph: true, allow_unused: true };

fn inner(left: &Variable, right: &Tensor) -> f64 {
    let right = Variable::constant(right.clone()).to_vec().unwrap();
    left.to_vec().unwrap().iter().zip(&right).map(|(left, right)| left * right).sum()
}

fn moved(point: &Tensor, direction: &Tensor, step: f64) -> Tensor {
    (point + direction.affine(step, 0.0).unwrap()).unwrap()
}

#[track_caller]
fn close(got: f64, want: f64, scale: f64, tolerance: f64, what: impl Fn() -> String) {
    let allowed = tolerance * scale.max(want.abs()).max(1.0);
    assert!((got - want).abs() <= allowed, "{}: {got} for {want}", what());
}

/// Each element of each first derivative of `<output, weight>`.
pub(crate) fn first_order(case: &Case) {
    let points = points(case);
    let inputs = leaves(&points);
    let output = run(case, &inputs);
    let weight = weight_of(&output, 77);
    let found = gradients(
        case,
        &output,
        &Variable::constant(weight.clone()),
        &inputs.iter().collect::<Vec<_>>(),
        PLAIN,
    );
    let value = |points: &[Tensor]| {
        let constants: Vec<_> = points.iter().cloned().map(Variable::constant).collect();
        inner(&run(case, &constants), &weight)
    };
    for (number, (point, gradient)) in points.iter().zip(&found).enumerate() {
        let gradient = gradient.to_vec().unwrap();
        for (index, &got) in gradient.iter().enumerate() {
            let mut direction = vec![0.0; gradient.len()];
            direction[index] = 1.0;
            let direction = Tensor::from_vec(direction, point.shape(), &Device::Cpu).unwrap();
            let [above, below] = [STEP, -STEP].map(|step| {
                let mut shifted = points.clone();
                shifted[number] = moved(point, &direction, step);
                value(&shifted)
            });
            let want = (above - below) / (2.0 * STEP);
            close(got, want, 0.0, TOLERANCE, || format!("{}: input {number} at {index}", case.name));
        }
    }
}

/// `q = sum_i <d<output, weight> / d input_i, direction_i>` and the leaves it depends on; the last of `points` is
/// the weight.
fn contracted(case: &Case, points: &[Tensor], directions: &[Tensor]) -> (Variable, Vec<Variable>) {
    let all = leaves(points);
    let (weight, inputs) = all.split_last().unwrap();
    let output = run(case, inputs);
    let found = gradients(case, &output, weight, &inputs.iter().collect::<Vec<_>>(), RECORD);
    let zero = weight.full_like(0.0).unwrap().sum_all().unwrap();
    let total = found.iter().zip(directions).fold(zero, |total, (gradient, direction)| {
        let direction = Variable::constant(direction.to_dtype(gradient.dtype()).unwrap());
        let term = gradient.mul(&direction).unwrap().sum_all().unwrap();
        total.add(&term.to_dtype(total.dtype()).unwrap()).unwrap()
    });
    (total, all)
}

fn second_gradients(case: &Case, total: &Variable, all: &[Variable]) -> Vec<Variable> {
    let one = total.full_like(1.0).unwrap();
    gradients(case, total, &one, &all.iter().collect::<Vec<_>>(), PLAIN)
}

/// Derivatives of `<first derivatives, directions>` by inputs and by the weight, along random directions.
pub(crate) fn second_order(case: &Case) {
    let points = points(case);
    let output = run(case, &leaves(&points));
    let mut points = points;
    points.push(weight_of(&output, 78));
    let directions: Vec<Tensor> =
        points.iter().zip(100..).map(|(point, seed)| numbers(point.dims(), Domain::Any, seed)).collect();
    let contracted = |points: &[Tensor]| contracted(case, points, &directions);
    let (total, all) = contracted(&points);
    let found = second_gradients(case, &total, &all);
    for seed in 200..203 {
        for (number, (point, gradient)) in points.iter().zip(&found).enumerate() {
            let direction = numbers(point.dims(), Domain::Any, seed + number as u64 * 10);
            let [above, below] = [STEP, -STEP].map(|step| {
                let mut shifted = points.clone();
                shifted[number] = moved(point, &direction, step);
                contracted(&shifted).0.scalar().unwrap()
            });
            let want = (above - below) / (2.0 * STEP);
            let scale = gradient.to_vec().unwrap().iter().fold(0.0, |peak: f64, g| peak.max(g.abs()));
            close(inner(gradient, &direction), want, scale, 10.0 * TOLERANCE, || {
                format!("{}: second derivative by input {number}", case.name)
            });
        }
    }
}

#[track_caller]
fn same(got: &[Variable], want: &[Variable], tolerance: f64, what: &str) {
    for (number, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(got.shape(), want.shape(), "{what}: output {number}");
        let (got, want) = (got.to_vec().unwrap(), want.to_vec().unwrap());
        let peak = want.iter().fold(0.0, |peak: f64, value| peak.max(value.abs()));
        for (index, (got, want)) in got.iter().zip(&want).enumerate() {
            close(*got, *want, peak, tolerance, || format!("{what}: output {number} at {index}"));
        }
    }
}

/// The value and all gradients from `points`.
fn results(case: &Case, points: &[Tensor], options: GradientOptions) -> Vec<Variable> {
    let inputs = leaves(points);
    let output = run(case, &inputs);
    let weight = Variable::constant(weight_of(&output, 79));
    let mut all = gradients(case, &output, &weight, &inputs.iter().collect::<Vec<_>>(), options);
    all.push(output);
    all
}

/// The graph-building backward pass and the one with kernels of its own.
pub(crate) fn recorded_equals_plain(case: &Case) {
    let points = points(case);
    same(&results(case, &points, RECORD), &results(case, &points, PLAIN), 1e-11, case.name);
}

/// Inputs whose elements lie in another order, or beside a gap, give the same results.
pub(crate) fn layouts_agree(case: &Case) {
    let points = points(case);
    let want = results(case, &points, PLAIN);
    let reversed = |point: &Tensor| {
        let order: Vec<usize> = (0..point.rank()).rev().collect();
        point.permute(order.clone()).unwrap().contiguous().unwrap().permute(order).unwrap()
    };
    let gapped = |point: &Tensor| {
        let Some(last) = point.rank().checked_sub(1) else { return point.clone() };
        let padded = point.pad_with_zeros(last, 1, 2).unwrap();
        padded.narrow(last, 1, point.dims()[last]).unwrap()
    };
    for (layout, change) in [("reversed", &reversed as &dyn Fn(&Tensor) -> Tensor), ("gapped", &gapped)] {
        let changed: Vec<Tensor> = points.iter().map(change).collect();
        for options in [PLAIN, RECORD] {
            same(
                &results(case, &changed, options),
                &want,
                1e-11,
                &format!("{} with {layout} inputs", case.name),
            );
        }
    }
}

pub(crate) fn single_agrees_with_double(case: &Case) {
    let points = points(case);
    let single: Vec<Tensor> = points.iter().map(|point| point.to_dtype(DType::F32).unwrap()).collect();
    // The doubles are the singles exactly, so that no kink lies between them.
    let double: Vec<Tensor> = single.iter().map(|point| point.to_dtype(DType::F64).unwrap()).collect();
    let got = results(case, &single, PLAIN);
    same(&got, &results(case, &double, PLAIN), 2e-5, case.name);
}

/// Value, first and second derivatives in a narrower type, within `tolerance` of those in single precision.
pub(crate) fn narrow_agrees_with_single(case: &Case, dtype: DType, tolerance: f64) {
    // The singles are the narrower numbers exactly.
    let narrow: Vec<Tensor> = points(case).iter().map(|point| point.to_dtype(dtype).unwrap()).collect();
    let everything = |points: &[Tensor]| {
        let mut all = results(case, points, PLAIN);
        let weight = weight_of(all.last().unwrap(), 78).to_dtype(dtype).unwrap();
        let weight = weight.to_dtype(all.last().unwrap().dtype()).unwrap();
        let points = [points, &[weight]].concat();
        let directions: Vec<Tensor> = points
            .iter()
            .zip(100..)
            .map(|(point, seed)| numbers(point.dims(), Domain::Any, seed).to_dtype(dtype).unwrap())
            .collect();
        let (total, leaves) = contracted(case, &points, &directions);
        all.extend(second_gradients(case, &total, &leaves));
        all
    };
    let single: Vec<Tensor> = narrow.iter().map(|point| point.to_dtype(DType::F32).unwrap()).collect();
    let (got, want) = (everything(&narrow), everything(&single));
    for (got, want) in got.iter().zip(&want) {
        let kept = if want.dtype() == DType::F32 { dtype } else { want.dtype() };
        assert_eq!(got.dtype(), kept, "{}", case.name);
    }
    same(&got, &want, tolerance, &format!("{} in {dtype:?}", case.name));
}
