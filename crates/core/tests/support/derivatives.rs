//! Gradients against central differences in double precision.

use brigand_autograd::{GradientOptions, Output, Variable, grad, grad_of};
use brigand_core::Result;
use candle_core::{Device, Tensor};

const STEP: f64 = 1e-5;
/// A central difference of this step is off by about `STEP²` and by rounding over `STEP`.
const TOLERANCE: f64 = 2e-6;

/// Fails unless the gradients of scalar `function` by every input equal differences.
pub(crate) fn first_order(inputs: &[Variable], mut function: impl FnMut(&[Variable]) -> Result<Variable>) {
    let output = function(inputs).unwrap();
    let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
    let whole = [Output { variable: &output, weight: None }];
    let found = grad_of(&whole, &inputs.iter().collect::<Vec<_>>(), options).unwrap();
    for (place, (input, found)) in inputs.iter().zip(found).enumerate() {
        let values = input.to_vec().unwrap();
        let found = found.map_or_else(|| vec![0.0; values.len()], |of| of.to_vec().unwrap());
        for (index, (&value, found)) in values.iter().zip(found).enumerate() {
            let mut at = |moved: f64| {
                let (mut values, mut inputs) = (values.clone(), inputs.to_vec());
                values[index] = value + moved;
                let moved = Tensor::from_vec(values, input.shape(), &Device::Cpu).unwrap();
                inputs[place] = Variable::leaf(moved);
                function(&inputs).unwrap().scalar().unwrap()
            };
            let wanted = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            assert!(
                (found - wanted).abs() < TOLERANCE * wanted.abs().max(1.0),
                "input {place}, element {index}: {found} instead of {wanted}"
            );
        }
    }
}

/// The same for the squared gradient of `function` by its first input, as a penalty takes it.
pub(crate) fn second_order(inputs: &[Variable], mut function: impl FnMut(&[Variable]) -> Result<Variable>) {
    first_order(inputs, |inputs| {
        let slopes = grad(&function(inputs)?, &[&inputs[0]], true)?;
        Ok(slopes[0].square()?.sum_all()?)
    });
}
