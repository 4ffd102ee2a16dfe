//! Recurrent cells with typed states.

use brigand_autograd::Variable;

use super::builder::Builder;
use super::linear::Linear;
use super::pass::Pass;
use super::weight::Plan;
use crate::error::{Error, Result};

/// One step of a recurrent network.
pub trait Cell: Send + Sync {
    /// What is carried from step to step.
    type State: Clone;

    /// The state before the first step, for sequences like `input` `[batch, ...]`.
    fn start(&self, input: &Variable) -> Result<Self::State>;

    /// The state after `input` `[batch, size]`, and the output `[batch, hidden]`.
    fn step(
        &self,
        pass: &mut Pass<'_>,
        input: &Variable,
        state: &Self::State,
    ) -> Result<(Variable, Self::State)>;

    /// The outputs of all steps, and the last state.
    fn unroll(
        &self,
        pass: &mut Pass<'_>,
        inputs: &[Variable],
        start: Self::State,
    ) -> Result<(Vec<Variable>, Self::State)> {
        let mut state = start;
        let mut outputs = Vec::with_capacity(inputs.len());
        for input in inputs {
            let (output, next) = self.step(pass, input, &state)?;
            outputs.push(output);
            state = next;
        }
        Ok((outputs, state))
    }
}

/// Long short-term memory (Hochreiter and Schmidhuber 1997).
pub struct Lstm {
    input: Linear,
    recurrent: Linear,
    hidden: usize,
}

/// The state of an [`Lstm`], both `[batch, hidden]`.
#[derive(Clone)]
pub struct LstmState {
    /// The output of the last step.
    pub hidden: Variable,
    /// The memory cell.
    pub cell: Variable,
}

impl Lstm {
    /// A cell from `from` inputs to `hidden` outputs.
    pub fn new(builder: &mut Builder, from: usize, hidden: usize, plan: &Plan) -> Result<Self> {
        Ok(Self {
            input: builder.block("input", |b| Linear::new(b, from, 4 * hidden, plan))?,
            recurrent: builder
                .block("recurrent", |b| Linear::new(b, hidden, 4 * hidden, &plan.without_bias()))?,
            hidden,
        })
    }
}

impl Cell for Lstm {
    type State = LstmState;

    fn start(&self, input: &Variable) -> Result<LstmState> {
        let batch = input.shape().first().copied().unwrap_or(0);
        let zeros = Variable::full(0.0, &[batch, self.hidden], input.dtype(), input.device())?;
        Ok(LstmState { hidden: zeros.clone(), cell: zeros })
    }

    fn step(
        &self,
        pass: &mut Pass<'_>,
        input: &Variable,
        state: &LstmState,
    ) -> Result<(Variable, LstmState)> {
        let entering = self.input.run(pass, input)?;
        self.step_from(pass, &entering, state)
    }

    /// The inputs of all steps pass their weight in one product.
    fn unroll(
        &self,
        pass: &mut Pass<'_>,
        inputs: &[Variable],
        start: LstmState,
    ) -> Result<(Vec<Variable>, LstmState)> {
        let (mut outputs, mut state) = (Vec::with_capacity(inputs.len()), start);
        for entering in self.entering(pass, inputs)? {
            let (output, next) = self.step_from(pass, &entering, &state)?;
            outputs.push(output);
            state = next;
        }
        Ok((outputs, state))
    }
}

impl Lstm {
    /// As [`Cell::unroll`] over sequences of different lengths: after the end of its own a sequence keeps its state. `present`
    /// `[batch, 1]` is 1 before it, for each input.
    ///
    /// # Errors
    /// If an input does not fit, or there is not one of `present` for each.
    pub fn unroll_present(
        &self,
        pass: &mut Pass<'_>,
        inputs: &[Variable],
        present: &[Variable],
        start: LstmState,
    ) -> Result<(Vec<Variable>, LstmState)> {
        if inputs.len() != present.len() {
            return Err(Error::Internal(format!("{} inputs and {} lengths", inputs.len(), present.len())));
        }
        let mut outputs = Vec::with_capacity(inputs.len());
        let mut state = start;
        for (entering, present) in self.entering(pass, inputs)?.into_iter().zip(present) {
            let (output, next) = self.step_from(pass, &entering, &state)?;
            let follow = |old: &Variable, new: &Variable| -> Result<Variable> {
                Ok(old.add(&new.sub(old)?.mul(present)?)?)
            };
            state = LstmState {
                hidden: follow(&state.hidden, &next.hidden)?,
                cell: follow(&state.cell, &next.cell)?,
            };
            outputs.push(output);
        }
        Ok((outputs, state))
    }

    /// Inputs that have passed their weight, in one product.
    fn entering(&self, pass: &mut Pass<'_>, inputs: &[Variable]) -> Result<Vec<Variable>> {
        let Some(first) = inputs.first() else { return Ok(Vec::new()) };
        let batch = first.shape().first().copied().unwrap_or(0);
        let joined = Variable::concatenate(&inputs.iter().collect::<Vec<_>>(), 0)?;
        let entering = self.input.run(pass, &joined)?;
        (0..inputs.len()).map(|step| Ok(entering.narrow(0, step * batch, batch)?)).collect()
    }

    /// A step whose input has passed its weight: `entering` `[batch, 4 hidden]`.
    fn step_from(
        &self,
        pass: &mut Pass<'_>,
        entering: &Variable,
        state: &LstmState,
    ) -> Result<(Variable, LstmState)> {
        let sum = entering.add(&self.recurrent.run(pass, &state.hidden)?)?;
        let gate = |number: usize| sum.narrow(1, number * self.hidden, self.hidden);
        let (enter, output) = (gate(0)?.sigmoid()?, gate(2)?.sigmoid()?);
        // One more in the forget gate, so that a new cell keeps its state.
        let forget = gate(1)?.affine(1.0, 1.0)?.sigmoid()?;
        let cell = forget.mul(&state.cell)?.add(&enter.mul(&gate(3)?.tanh()?)?)?;
        let hidden = output.mul(&cell.tanh()?)?;
        Ok((hidden.clone(), LstmState { hidden, cell }))
    }
}
