//! Backward rules that break their contract are refused with an error that names operation and counts.
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a failed unwrap is a failure like any other.

use brigand_autograd::{
    Backward, Error, GradientOptions, Output, Result, Variable, grad, grad_of, through_composition,
    without_recording,
};
use candle_core::{DType, Device, Tensor};

fn leaf(shape: &[usize]) -> Variable {
    Variable::leaf(Tensor::ones(shape, DType::F64, &Device::Cpu).unwrap())
}

type Rule = fn(&Backward) -> Result<Vec<Option<Variable>>>;

/// The gradients of an operation of two inputs `[2, 3]` and `[3]`, which saves both and not its output.
fn found(rule: Rule) -> Result<Vec<Variable>> {
    let (x, y) = (leaf(&[2, 3]), leaf(&[3]));
    let value = x.add(&y)?.into_tensor();
    let output = Variable::record("wrong", value, &[&x, &y], &[&x, &y], false, rule);
    grad(&output.sum_all()?, &[&x, &y], true)
}

#[track_caller]
fn refused(rule: Rule, what: &str) {
    let error = found(rule).unwrap_err();
    assert!(matches!(&error, Error::Internal { operation: "wrong", .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with("wrong: ") && text.contains(what) && text.contains("fault of Brigand"),
        "{text}"
    );
}

fn first(b: &Backward) -> Result<Option<Variable>> {
    b.when(0, || Ok(b.gradient.clone()))
}

fn second(b: &Backward) -> Result<Option<Variable>> {
    b.when(1, || b.gradient.sum_to(&[3]))
}

#[test]
fn a_right_rule_passes() {
    let gradients = found(|b| {
        let [x, y] = b.saved()?;
        assert_eq!((x.shape(), y.shape()), (&[2, 3][..], &[3][..]));
        Ok(vec![first(b)?, second(b)?])
    });
    assert_eq!(gradients.unwrap()[1].to_vec().unwrap(), [2.0; 3]);
}

#[test]
fn another_number_of_saved_variables() {
    let takes_one: Rule = |b| {
        let [_] = b.saved()?;
        Ok(vec![first(b)?, second(b)?])
    };
    refused(takes_one, "takes 1 saved variables, it saved 2");
    let takes_three: Rule = |b| {
        let [_, _, _] = b.saved()?;
        Ok(vec![first(b)?, second(b)?])
    };
    refused(takes_three, "takes 3 saved variables, it saved 2");
}

#[test]
fn an_output_that_was_not_kept() {
    refused(|b| Ok(vec![b.when(0, || b.output().cloned())?, second(b)?]), "did not keep");
}

#[test]
fn another_number_of_gradients() {
    refused(|b| Ok(vec![first(b)?]), "1 gradients for 2 inputs");
    refused(|b| Ok(vec![first(b)?, second(b)?, None]), "3 gradients for 2 inputs");
    refused(
        |b| Ok(vec![first(b)?, second(b)?, b.when(2, || Ok(b.gradient.clone()))?]),
        "a gradient for input 2 of 2",
    );
}

#[test]
fn a_wanted_gradient_left_out() {
    refused(|b| Ok(vec![first(b)?, None]), "no gradient for input 1");
}

#[test]
fn a_gradient_of_another_shape_or_dtype() {
    // It would broadcast where gradients meet.
    refused(|b| Ok(vec![first(b)?, Some(b.gradient.clone())]), "[2, 3] F64 for input 1 of [3] F64");
    refused(
        |b| Ok(vec![b.when(0, || b.gradient.to_dtype(DType::F32))?, second(b)?]),
        "[2, 3] F32 for input 0 of [2, 3] F64",
    );
}

#[test]
fn compositions() {
    // The second input does not take part: its gradient is zero.
    let gradients = found(|b| through_composition(b, b.saved::<2>()?, |v| v[0].scale(3.0))).unwrap();
    assert_eq!(gradients[0].to_vec().unwrap(), [3.0; 6]);
    assert_eq!(gradients[1].to_vec().unwrap(), [0.0; 3]);
    refused(
        |b| through_composition(b, &b.saved::<2>()?[..1], |v| v[0].scale(3.0)),
        "composition takes 1 inputs, it has 2",
    );
    let detached: Rule = |b| {
        let [x, y] = b.saved()?;
        through_composition(b, &[x.detach(), y.clone()], |v| v[0].add(&v[1]))
    };
    refused(detached, "lost its history");
    // Without recording a composition would see nothing but constants.
    let x = leaf(&[2]);
    let y = Variable::record("wrong", x.tensor().clone(), &[&x], &[&x], false, |b| {
        through_composition(b, b.saved::<1>()?, |v| v[0].square())
    });
    let (total, options) =
        (y.sum_all().unwrap(), GradientOptions { retain_graph: true, ..Default::default() });
    let outputs = [Output { variable: &total, weight: None }];
    for error in [
        grad_of(&outputs, &[&x], options).unwrap_err(),
        without_recording(|| grad(&total, &[&x], true)).unwrap_err(),
    ] {
        assert!(matches!(&error, Error::Internal { operation: "wrong", .. }), "{error:?}");
    }
}
