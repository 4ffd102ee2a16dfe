//! Products of derivatives and directions, without the matrices themselves.

use crate::error::{Error, Result, internal_error, shape_error};
use crate::gradient::{GradientOptions, Output, grad_of};
use crate::variable::{Variable, agree};

/// The derivative of `function` at `point` along `direction`: the Jacobian-vector product, of the output's shape.
///
/// Found by differentiating the vector-Jacobian product, which is linear in its vector.
pub fn jacobian_vector_product(
    function: impl Fn(&Variable) -> Result<Variable>,
    point: &Variable,
    direction: &Variable,
) -> Result<Variable> {
    refuse_direction("jacobian_vector_product", point, direction)?;
    let point = Variable::leaf(point.tensor().clone());
    let output = function(&point)?;
    let weight = Variable::leaf(output.full_like(0.0)?.into_tensor());
    let pulled = recorded(Output { variable: &output, weight: Some(&weight) }, &point)?;
    along(&pulled, direction, &weight)
}

/// The Hessian of scalar `function` at `point` times `direction`, of the point's shape.
pub fn hessian_vector_product(
    function: impl Fn(&Variable) -> Result<Variable>,
    point: &Variable,
    direction: &Variable,
) -> Result<Variable> {
    refuse_direction("hessian_vector_product", point, direction)?;
    let point = Variable::leaf(point.tensor().clone());
    let gradient = recorded(Output { variable: &function(&point)?, weight: None }, &point)?;
    along(&gradient, direction, &point)
}

/// The gradient of one output by one input, as a variable to differentiate again.
fn recorded(output: Output<'_>, input: &Variable) -> Result<Variable> {
    let options = GradientOptions { create_graph: true, ..Default::default() };
    only(grad_of(&[output], &[input], options)?)?
        .ok_or_else(|| Error::Unused { index: 0, shape: input.shape().to_vec() })
}

/// The gradient of `<gradient, direction>` by `input`: zeros where the gradient does not depend on it.
fn along(gradient: &Variable, direction: &Variable, input: &Variable) -> Result<Variable> {
    let product = gradient.mul(direction)?.sum_all()?;
    let options = GradientOptions { allow_unused: true, ..Default::default() };
    let found = grad_of(&[Output { variable: &product, weight: None }], &[input], options)?;
    only(found)?.map_or_else(|| input.full_like(0.0), Ok)
}

/// The gradient by a single input.
fn only(found: Vec<Option<Variable>>) -> Result<Option<Variable>> {
    let [found] = <[_; 1]>::try_from(found)
        .map_err(|found| internal_error("grad", format!("{} gradients for one input", found.len())))?;
    Ok(found)
}

fn refuse_direction(operation: &'static str, point: &Variable, direction: &Variable) -> Result<()> {
    if point.shape() != direction.shape() {
        let reason =
            format!("a direction of shape {:?} at a point of {:?}", direction.shape(), point.shape());
        return Err(shape_error(operation, reason));
    }
    agree(operation, point, direction)
}
