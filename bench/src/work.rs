//! How many multiplications with additions one training step does in matrix products and convolutions.

use brigand::session::Session;
use brigand::systems::two_player::Order;
use brigand_core::modules::Parameters;

use crate::Failure;
use crate::two_player::BATCH;
use crate::workload::{Trained, Workload};

/// Multiply-adds of one pass of a batch through a network.
///
/// The gradient by the inputs of a layer costs what its forward pass costs, and so does the gradient by its
/// weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pass {
    /// All layers.
    all: u64,
    /// Those that read the network's input, whose input gradient an ordinary step does not need.
    first: u64,
    /// The last layer.
    last: u64,
}

impl Pass {
    fn of(network: &Parameters, positions: &[usize], first: &[usize]) -> Result<Self, Failure> {
        let kernels: Vec<usize> = network
            .weights()
            .values()
            .iter()
            .filter(|weight| weight.shape().len() >= 2)
            .map(|weight| weight.elements())
            .collect();
        if kernels.len() != positions.len() {
            return Err(format!(
                "the {} has {} matrices and kernels, the benchmark counts {}; correct its list of positions",
                network.name(),
                kernels.len(),
                positions.len()
            )
            .into());
        }
        let costs: Vec<u64> = kernels
            .iter()
            .zip(positions)
            .map(|(kernel, positions)| (kernel * positions * BATCH) as u64)
            .collect();
        Ok(Self {
            all: costs.iter().sum(),
            first: first.iter().filter_map(|&index| costs.get(index)).sum(),
            last: costs.last().copied().unwrap_or(0),
        })
    }
}

/// Floating-point operations of one training step: two for each multiply-add that the step really asks for. Those of
/// recipes are not counted.
pub(crate) fn flop(workload: &Workload, session: &mut Session) -> Result<Option<f64>, Failure> {
    let of = match &workload.trained {
        Trained::TwoPlayer(of) => of,
        Trained::Recipe(_) => return Ok(None),
    };
    let parts = session.system_mut().parts();
    let networks: Vec<&Parameters> = parts.iter().flat_map(|(_, part)| part.parameters()).collect();
    let [generator, discriminator] = networks.as_slice() else {
        return Err(format!("{} has {} networks, not 2", workload.name, networks.len()).into());
    };
    let (up, down) = of.positions();
    let generator = Pass::of(generator, &up, &[0])?;
    let discriminator = Pass::of(discriminator, &down, of.first_layers())?;
    Ok(Some(2.0 * multiply_adds(generator, discriminator, of.order, of.penalty) as f64))
}

fn multiply_adds(generator: Pass, discriminator: Pass, order: Order, penalty: bool) -> u64 {
    let (g, d) = (generator, discriminator);
    let generator_update = g.all + g.all + (g.all - g.first);
    // Real and fake: forward, by the weights, by the inputs of all but the first layers.
    let discriminator_update = 2 * (d.all + d.all + (d.all - d.first));
    // The generator's gradient: back to the pixels of the fakes, which are scored anew unless merged.
    let generator_gradient = if order == Order::Merged { d.all } else { d.all + d.all };
    // Forward, by the inputs; then that gradient differentiated: by the weights, and forward again up to the
    // last layer, whose incoming gradient is constant.
    let penalised = if penalty { d.all + d.all + d.all + (d.all - d.last) } else { 0 };
    generator_update + discriminator_update + generator_gradient + penalised
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> f64 {
        let workload = Workload::find(name).unwrap();
        flop(workload, &mut workload.session(0, &brigand::Place::cpu()).unwrap()).unwrap().unwrap() / 1e9
    }

    #[test]
    fn a_step_of_the_small_networks_counts_every_product() {
        let g = (100 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784) * 64;
        let d = (784 * 512 + 512 * 256 + 256) * 64;
        let step = 3 * g - 100 * 128 * 64 + 8 * d - 2 * 784 * 512 * 64;
        assert_eq!(of("gan-mlp"), 2.0 * step as f64 / 1e9);
        assert_eq!(of("gan-mlp-gp"), 2.0 * (step + 4 * d - 256 * 64) as f64 / 1e9);
    }

    #[test]
    fn merging_spares_one_pass_of_the_fakes() {
        let layers: [[u64; 3]; 5] =
            [[3, 64, 1024], [64, 128, 256], [128, 256, 64], [256, 512, 16], [512, 1, 1]];
        let d: u64 = layers.iter().map(|[from, to, positions]| from * to * 16 * positions * 64).sum();
        let spared = of("dcgan-64") - of("dcgan-64-merged");
        assert!((spared - 2.0 * d as f64 / 1e9).abs() < 1e-6, "{spared}");
    }

    #[test]
    fn every_two_player_workload_can_be_counted() {
        for workload in Workload::select(&[]).unwrap() {
            match workload.trained {
                Trained::TwoPlayer(_) => assert!(of(workload.name) > 0.5, "{}", workload.name),
                Trained::Recipe(_) => {}
            }
        }
    }
}
