//! Device and precision in one value.

use brigand_autograd::{Products, Variable};
use candle_core::{DType, Device, Tensor};

use crate::error::Result;
use crate::random::Stream;

/// Where and in which precision a system computes.
#[derive(Clone, Debug)]
pub struct Place {
    /// The device of all tensors.
    pub device: Device,
    /// The type that weights, running statistics and optimizer moments are kept in.
    pub storage: DType,
    /// The type that inputs and weights are cast to in a forward pass.
    pub compute: DType,
    /// How convolutions and fully connected layers multiply numbers of single precision on the CPU.
    pub products: Products,
}

impl Place {
    /// The CPU in single precision.
    pub fn cpu() -> Self {
        Self::on(&Device::Cpu)
    }

    /// A device in single precision.
    pub fn on(device: &Device) -> Self {
        Self { device: device.clone(), storage: DType::F32, compute: DType::F32, products: Products::Full }
    }

    /// Numbers in row-major order as a constant in the compute type.
    pub fn numbers(&self, values: Vec<f32>, shape: &[usize]) -> Result<Variable> {
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.compute)?;
        Ok(Variable::constant(tensor.to_device(&self.device)?))
    }

    /// Independent draws from the standard normal.
    pub fn normal(&self, shape: &[usize], stream: &mut Stream) -> Result<Variable> {
        self.numbers(stream.normal(shape.iter().product()), shape)
    }

    /// `[labels, classes]` with a 1 at each label, else 0.
    pub fn one_hot(&self, labels: &[u32], classes: usize) -> Result<Variable> {
        Ok(Variable::one_hot(labels, classes, self.compute, &self.device)?)
    }
}
