//! Products of derivatives and directions, without the matrices themselves.

use crate::error::{Result, shape_error};
use crate::gradient::{GradientOptions, Output, grad, grad_of};
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
    let options = GradientOptions { create_graph: true, ..Default::default() };
    let pulled = grad_of(&[Output { variable: &output, weight: Some(&weight) }], &[&point], options)?;
    let Some(pulled) = pulled.into_iter().flatten().next() else {
        return output.full_like(0.0);
    };
    let along = pulled.mul(direction)?.sum_all()?;
    let options = GradientOptions { allow_unused: true, ..Default::default() };
    let pushed = grad_of(&[Output { variable: &along, weight: None }], &[&weight], options)?;
    pushed.into_iter().flatten().next().map_or_else(|| output.full_like(0.0), Ok)
}

/// The Hessian of scalar `function` at `point` times `direction`, of the point's shape.
pub fn hessian_vector_product(
    function: impl Fn(&Variable) -> Result<Variable>,
    point: &Variable,
    direction: &Variable,
) -> Result<Variable> {
    refuse_direction("hessian_vector_product", point, direction)?;
    let point = Variable::leaf(point.tensor().clone());
    let gradient = grad(&function(&point)?, &[&point], true)?;
    let Some(gradient) = gradient.into_iter().next() else { return point.full_like(0.0) };
    let along = gradient.mul(direction)?.sum_all()?;
    let options = GradientOptions { allow_unused: true, ..Default::default() };
    let product = grad_of(&[Output { variable: &along, weight: None }], &[&point], options)?;
    product.into_iter().flatten().next().map_or_else(|| point.full_like(0.0), Ok)
}

fn refuse_direction(operation: &'static str, point: &Variable, direction: &Variable) -> Result<()> {
    if point.shape() != direction.shape() {
        let reason =
            format!("a direction of shape {:?} at a point of {:?}", direction.shape(), point.shape());
        return Err(shape_error(operation, reason));
    }
    agree(operation, point, direction)
}
