//! The generator of SAGAN and BigGAN: how noise and class reach its blocks.

use brigand_autograd::Variable;
use brigand_core::Place;
use brigand_core::modules::{Initialization, Network};
use brigand_core::networks::{
    AttentionGenerator, AttentionLayout, AttentionNetworkRecipe, Modulation, SHARED_EMBEDDING,
};

use crate::support::{normal, setup};

const RECIPE: AttentionNetworkRecipe = AttentionNetworkRecipe { width: 4, attention: 8 };
const LAYOUT: AttentionLayout =
    AttentionLayout { image: [3, 16, 16], classes: 3, initialization: Initialization::Orthogonal };
/// Three chunks of four for two blocks.
const NOISE: usize = 12;

fn generator(noise: usize) -> brigand_core::Result<Network<AttentionGenerator>> {
    let modulation = Modulation::Chunks { embedding: 5 };
    Network::build("generator", &setup(Place::cpu()), |b| {
        AttentionGenerator::new(b, &RECIPE, (modulation, noise), &LAYOUT)
    })
}

/// Two classes in turn.
fn classes() -> Variable {
    Variable::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 0.0, 1.0], &[2, 3]).unwrap()
}

fn images(
    network: &Network<AttentionGenerator>,
    weights: Option<&brigand_core::modules::Weights>,
    (noise, classes): (&Variable, &Variable),
) -> Vec<f64> {
    let run = network.evaluate(weights, |module, pass| Ok(module.run(pass, noise, classes)?.0));
    run.unwrap().to_vec().unwrap()
}

#[test]
fn every_chunk_and_the_class_change_the_images() {
    let network = generator(NOISE).unwrap();
    let noise = normal(&[2, NOISE], 1);
    let before = images(&network, None, (&noise, &classes()));
    for chunk in 0..3 {
        let mut values = noise.to_vec_f32().unwrap();
        values[chunk * 4] += 1.0;
        let changed = Variable::from_slice(&values, &[2, NOISE]).unwrap();
        let after = images(&network, None, (&changed, &classes()));
        let half = before.len() / 2;
        assert!(before[..half] != after[..half] && before[half..] == after[half..], "{chunk}");
    }
    let other = classes().index_select(0, &[1, 0]).unwrap();
    assert_ne!(before, images(&network, None, (&noise, &other)));
}

/// `(1 + gain) norm(x) + shift`: with gains and shifts of 0 the first chunk still reaches the images, and nothing else does.
#[test]
fn without_gains_maps_keep_their_scale() {
    let network = generator(NOISE).unwrap();
    let weights = network.parameters().weights();
    let named = weights.names().iter().zip(weights.values());
    let cut = named.map(|(name, value)| {
        let modulates = name.contains(".gain.") || name.contains(".shift.");
        Ok(Variable::leaf(if modulates { value.scale(0.0)? } else { value.clone() }.into_tensor()))
    });
    let cut = weights.with_values(cut.collect::<brigand_core::Result<_>>().unwrap()).unwrap();
    let noise = normal(&[2, NOISE], 1);
    let found = images(&network, Some(&cut), (&noise, &classes()));
    let (first, second) = found.split_at(found.len() / 2);
    assert_ne!(first, second);
    let other = classes().index_select(0, &[1, 0]).unwrap();
    assert_eq!(found, images(&network, Some(&cut), (&noise, &other)));
    let zeros = noise.scale(0.0).unwrap();
    let later = Variable::concatenate(&[&noise.narrow(1, 0, 4).unwrap(), &zeros.narrow(1, 4, 8).unwrap()], 1);
    assert_eq!(found, images(&network, Some(&cut), (&later.unwrap(), &classes())));
}

#[test]
fn one_embedding_serves_all_blocks() {
    let network = generator(NOISE).unwrap();
    assert!(network.module.is_modulated_by_noise());
    let names = network.parameters().weights().names();
    assert_eq!(names.iter().filter(|name| name.starts_with(SHARED_EMBEDDING)).count(), 1);
    let singular = network.parameters().buffers().names().iter().filter(|name| name.ends_with("singular"));
    // Every other matrix is spectrally normalised.
    let matrices = names.iter().filter(|name| name.ends_with("weight")).count();
    assert_eq!(singular.count(), matrices - 1);
}

#[test]
fn noise_that_makes_no_equal_chunks_is_refused() {
    for (noise, wanted) in [(13, "give 12 or 15"), (2, "give 3")] {
        let message = generator(noise).err().unwrap().to_string();
        assert!(message.contains("3 chunks") && message.contains(wanted), "{message}");
    }
}
