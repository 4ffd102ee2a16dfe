//! The one way from gradients to optimizers: averaging over processes, clipping and loss scaling.

use brigand_autograd::Variable;
use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};
use crate::modules::{Parameters, Part};
use crate::state::State;

/// What happens to all gradients of a player before its optimizer steps.
pub trait GradientStage: Send {
    /// The gradients that the next stage gets, in the weights' order.
    fn pass(&mut self, owner: &Parameters, gradients: Vec<Variable>) -> Result<Vec<Variable>>;
}

/// Dynamic loss scaling for half precision: losses times a factor, gradients divided by it; a player's step whose
/// gradients overflow is left out and the factor halved.
#[derive(Clone, Copy, Debug)]
pub struct LossScale {
    /// The factor.
    pub factor: f64,
    /// Steps without overflow after which it is doubled.
    pub growth_after: u64,
    /// Such steps so far.
    pub good: u64,
}

/// Proof that gradients went through the gateway: only it can make one, and only with one can a learner step.
///
/// ```compile_fail
/// let permit = brigand_core::players::Permit(());
/// ```
pub struct Permit(());

/// The stages, in order.
#[derive(Default)]
pub struct Gateway {
    /// What gradients pass through.
    pub stages: Vec<Box<dyn GradientStage>>,
    /// Scaling of losses, where the compute type needs it.
    pub scale: Option<LossScale>,
}

impl Gateway {
    /// The factor that losses are multiplied by before they are differentiated.
    pub(super) fn factor(&self) -> f64 {
        self.scale.map_or(1.0, |scale| scale.factor)
    }

    /// The gradients to step along, or nothing if this step is to be left out.
    pub(super) fn pass(
        &mut self,
        owner: &Parameters,
        mut gradients: Vec<Variable>,
    ) -> Result<Option<(Vec<Variable>, Permit)>> {
        let count = gradients.len();
        for stage in &mut self.stages {
            gradients = stage.pass(owner, gradients)?;
            if gradients.len() != count {
                return Err(Error::Internal("a stage of the gateway changed the number of gradients".into()));
            }
        }
        // After the stages, so that processes that average their gradients all leave out the same steps.
        if let Some(scale) = &mut self.scale {
            // The only number that a step in half precision must read: whether the scaled gradients overflowed.
            if !square_sum(&gradients)?.scalar()?.is_finite() {
                (scale.factor, scale.good) = (scale.factor / 2.0, 0);
                return Ok(None);
            }
            scale.good += 1;
            if scale.good >= scale.growth_after {
                (scale.factor, scale.good) = (scale.factor * 2.0, 0);
            }
        }
        Ok(Some((gradients, Permit(()))))
    }
}

/// The factor and its count of steps; a gateway without scaling has nothing to save.
impl Part for Gateway {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        if let Some(scale) = &self.scale {
            state.count(format!("{name}.factor"), scale.factor.to_bits());
            state.count(format!("{name}.good"), scale.good);
        }
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        if let Some(scale) = &mut self.scale {
            scale.factor = f64::from_bits(state.counter(&format!("{name}.factor"))?);
            scale.good = state.counter(&format!("{name}.good"))?;
        }
        Ok(())
    }
}

/// The sum of squares of all gradients, on the device.
fn square_sum(gradients: &[Variable]) -> Result<Variable> {
    let squares = gradients.iter().map(|of| Ok(of.to_dtype(DType::F32)?.square()?.sum_all()?));
    let squares: Vec<Variable> = squares.collect::<Result<_>>()?;
    Ok(Variable::stack(&squares.iter().collect::<Vec<_>>(), 0)?.sum_all()?)
}

/// `gradients`, taken together, shortened to norm `limit` where they are longer. Nothing is read from the device.
pub(super) fn shortened(gradients: &[Variable], limit: f64) -> Result<Vec<Variable>> {
    let norm = square_sum(gradients)?.sqrt()?;
    let limit = norm.full_like(limit)?;
    let factor = limit.div(&norm.maximum(&limit)?)?;
    gradients.iter().map(|of| Ok(of.mul(&factor.to_dtype(of.dtype())?)?)).collect()
}

/// Shortens the gradients of a player, taken together, to a largest norm. Nothing is read from the device.
pub struct ClipNorm(pub f64);

impl GradientStage for ClipNorm {
    fn pass(&mut self, _: &Parameters, gradients: Vec<Variable>) -> Result<Vec<Variable>> {
        shortened(&gradients, self.0)
    }
}

/// Sums between processes; MPI's all-reduce is one.
pub trait Exchange: Send {
    /// Replaces `values` by their mean over all processes.
    fn mean(&mut self, values: &mut [f32]) -> Result<()>;
}

/// Averages a player's gradients over all processes, in one exchange.
pub struct AverageGradients<E>(pub E);

impl<E: Exchange> GradientStage for AverageGradients<E> {
    fn pass(&mut self, _: &Parameters, gradients: Vec<Variable>) -> Result<Vec<Variable>> {
        let mut joined = Vec::with_capacity(gradients.iter().map(Variable::elements).sum());
        for gradient in &gradients {
            joined.extend(gradient.to_vec_f32()?);
        }
        self.0.mean(&mut joined)?;
        let mut start = 0;
        let averaged = gradients.iter().map(|like| {
            let missing =
                || Error::Internal("an exchange between processes changed the number of values".into());
            let values = joined.get(start..start + like.elements()).ok_or_else(missing)?;
            start += like.elements();
            let tensor = Tensor::from_slice(values, like.shape(), &Device::Cpu)?.to_dtype(like.dtype())?;
            Ok(Variable::constant(tensor.to_device(like.device())?))
        });
        averaged.collect()
    }
}
