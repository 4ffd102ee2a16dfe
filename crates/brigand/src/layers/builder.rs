//! Makes parameters: paths, shapes and seeded first values.

use candle_core::{Device, Tensor};

use brigand_core::modules::Initialization;

use super::{BufferId, Buffers, WeightId, Weights};
use crate::error::Result;
use crate::random::Stream;

/// Collects the parameters of a network while its layers are made.
///
/// Every parameter draws from its own stream, keyed by the seed and its path: adding a layer changes no
/// other layer's first values.
pub struct Builder {
    seed: u64,
    network: String,
    prefix: Vec<String>,
    device: Device,
    /// Whether every weight made from now on is divided by its largest singular value.
    pub spectral: bool,
    /// Whether batch normalisation made from now on is virtual.
    pub virtual_statistics: bool,
    /// The condition's size, where batch normalisation made from now on scales and shifts by it.
    pub conditional: Option<usize>,
    /// Whether a generator's image is left before its tanh.
    pub logits: bool,
    pub(crate) weights: Weights,
    pub(crate) buffers: Buffers,
}

impl Builder {
    /// A builder for the network called `network`.
    pub fn new(network: &str, seed: u64, device: &Device) -> Self {
        Self {
            seed,
            network: network.to_owned(),
            prefix: Vec::new(),
            device: device.clone(),
            spectral: false,
            virtual_statistics: false,
            conditional: None,
            logits: false,
            weights: Weights::default(),
            buffers: Buffers::default(),
        }
    }

    /// Runs `make` with `name` added to the path.
    pub fn within<R>(&mut self, name: impl Into<String>, make: impl FnOnce(&mut Self) -> R) -> R {
        self.prefix.push(name.into());
        let made = make(self);
        self.prefix.pop();
        made
    }

    /// The seed that first values are drawn with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The purpose of a stream for the value called `name` here.
    pub(super) fn purpose(&self, name: &str) -> String {
        format!("weights/{}/{}", self.network, self.path(name))
    }

    fn path(&self, name: &str) -> String {
        let mut path = self.prefix.clone();
        path.push(name.to_owned());
        path.join(".")
    }

    /// A parameter of `shape`; `fans` are the inputs and outputs that each output and input of the layer
    /// is connected to.
    pub fn weight(
        &mut self,
        name: &str,
        shape: &[usize],
        fans: (usize, usize),
        initialization: Initialization,
    ) -> Result<WeightId> {
        let path = self.path(name);
        let mut stream = Stream::new(self.seed, &self.purpose(name), 0);
        let count = shape.iter().product();
        let within = |bound: f64, stream: &mut Stream| stream.uniform(count, -bound as f32, bound as f32);
        let values = match initialization {
            Initialization::Constant { value } => vec![value as f32; count],
            Initialization::Normal { mean, deviation } => stream
                .normal(count)
                .into_iter()
                .map(|draw| (mean + deviation * f64::from(draw)) as f32)
                .collect(),
            Initialization::Glorot => within((6.0 / (fans.0 + fans.1) as f64).sqrt(), &mut stream),
            Initialization::FanIn => within((fans.0.max(1) as f64).sqrt().recip(), &mut stream),
        };
        let values = Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(&self.device)?;
        Ok(self.weights.push(path, values))
    }

    /// A running statistic of `shape`, filled with `value`.
    pub fn buffer(&mut self, name: &str, shape: &[usize], value: f32) -> Result<BufferId> {
        let path = self.path(name);
        let values = Tensor::from_vec(vec![value; shape.iter().product()], shape, &Device::Cpu)?;
        Ok(self.buffers.push(path, values.to_device(&self.device)?))
    }
}
