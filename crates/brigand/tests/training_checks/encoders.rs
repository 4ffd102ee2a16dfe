//! Claims about systems with an encoder: each learns its way to codes and back on the embedded digits, and does not
//! when its idea is switched off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use crate::support::sample_quality::Classifier;
use crate::support::{session, session_with_held_out};
use brigand::batch::Batch;
use brigand::capability::{Encoder, Sampler};
use brigand::data::{Dataset, Labels};
use brigand::latent_tools::code_neighbours;
use brigand::players::Measurements;
use brigand::session::Session;
use brigand_autograd::Variable;
use candle_core::Device;

/// A trained system and its last measurements.
struct Trained {
    session: Session,
    measurements: Measurements,
}

/// Trains on digits and measures held-out ones after the last step.
fn trained(system: &str, steps: u64, words: &str) -> Trained {
    let words = format!("training.steps={steps} held_out.every={steps} {words}");
    let mut session = session_with_held_out(system, &words).unwrap();
    let measurements = session.advance_to(steps).unwrap();
    println!("{words}: {measurements:?}");
    Trained { session, measurements }
}

fn digits() -> Dataset {
    brigand::data::load(&"digits".parse().unwrap(), &Default::default()).unwrap()
}

fn classifier() -> Classifier {
    Classifier::train(&digits(), 1500, 600)
}

impl Trained {
    fn sampler(&self) -> &dyn Sampler {
        self.session.system().sampler().unwrap()
    }

    fn encoder(&self) -> &dyn Encoder {
        self.session.system().as_encoder().unwrap()
    }

    /// Held-out samples and their reconstructions.
    fn reconstructed(&self) -> (Batch, Variable) {
        let real = self.session.feed().held_out(0..200).unwrap();
        let reconstructions = self.session.system().reconstruct(&real).unwrap().unwrap();
        (real, reconstructions)
    }

    /// The share of reconstructions of held-out digits that are still classified as their class.
    fn class_kept(&self, classifier: &Classifier) -> f64 {
        let (real, made) = self.reconstructed();
        let made = Dataset::from_values("reconstructions", made.to_vec_f32().unwrap(), &[1, 8, 8]).unwrap();
        let classes = (0..10).map(|class| class.to_string()).collect();
        let values = real.required_labels().unwrap().to_vec();
        let made = made.with_labels(Labels { classes, values }).unwrap();
        let kept = classifier.accuracy(&made, &(0..200).collect::<Vec<_>>());
        println!("class kept {kept}");
        kept
    }

    /// The squared error of reconstructions as a share of that of reconstructions of other held-out digits.
    fn error_against_chance(&self) -> f64 {
        let (real, made) = self.reconstructed();
        let real = real.samples().unwrap();
        let error =
            |of: &Variable| of.sub(real).unwrap().square().unwrap().mean_all().unwrap().scalar().unwrap();
        let turned: Vec<u32> = (0..200).map(|row| (row + 67) % 200).collect();
        let share = error(&made) / error(&made.index_select(0, &turned).unwrap());
        println!("error against chance {share}");
        share
    }

    /// The correlation of latents with the codes of their samples.
    fn inverse(&self) -> f64 {
        let sampler = self.sampler();
        let latents = sampler.latents(200, &mut brigand::random::Stream::new(5, "a test", 0)).unwrap();
        let samples = Batch::of(sampler.generate(&latents).unwrap());
        let codes = self.encoder().encode(&samples).unwrap();
        let (a, b) = (latents.to_vec().unwrap(), codes.to_vec().unwrap());
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let correlation = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
        println!("latents and their codes {correlation}");
        correlation
    }

    /// Whether samples look like digits of all classes.
    fn covers(&self, classifier: &Classifier) -> bool {
        let quality = classifier.quality(&self.sampler().sample(500, 7).unwrap());
        println!("{quality:?}");
        quality.classes >= 9 && quality.largest_share < 0.4 && quality.confidence > 0.6
    }
}

const BOUND: &str = "held_out_elbo_loss";
const VAE_STEPS: u64 = 1500;

#[test]
fn vae_bounds_the_likelihood_of_held_out_digits() {
    let vae = trained("vae", VAE_STEPS, "");
    assert!(vae.measurements[BOUND] < 25.5, "{:?}", vae.measurements);
    assert!(vae.covers(&classifier()));
}

#[test]
fn vae_without_divergence_bounds_nothing() {
    let free = trained("vae", VAE_STEPS, "losses.beta=0");
    assert!(free.measurements[BOUND] > 40.0, "{:?}", free.measurements);
    assert!(!free.covers(&classifier()));
    let collapsed = trained("vae", 500, "losses.beta=20");
    assert!(collapsed.measurements[BOUND] > 26.5, "{:?}", collapsed.measurements);
}

#[test]
fn vae_gan_keeps_the_class() {
    let vae_gan = trained("vae-gan", 1000, "encoder.width=16 decoder.width=16 discriminator.width=16");
    let classifier = classifier();
    assert!(vae_gan.class_kept(&classifier) >= 0.85 && vae_gan.covers(&classifier));
    let blind =
        trained("vae-gan", 300, "encoder.width=16 decoder.width=16 discriminator.width=16 losses.gamma=0");
    assert!(blind.class_kept(&classifier) < 0.5);
}

#[test]
fn bigan_finds_its_way_back() {
    let bigan = trained("bigan", 3000, "training.batch=64 latent.size=8");
    let (chance, inverse, kept) =
        (bigan.error_against_chance(), bigan.inverse(), bigan.class_kept(&classifier()));
    println!("{chance:.3} {inverse:.3} {kept:.3}");
    assert!(chance < 0.5 && inverse > 0.5 && kept > 0.5, "{chance} {inverse} {kept}");
}

#[test]
fn bigan_without_a_discriminator_does_not() {
    let still = trained("bigan", 500, "training.batch=64 optimizer.discriminator.learning_rate=1e-12");
    assert!(still.error_against_chance() > 0.9 && still.inverse() < 0.2);
}

#[test]
fn the_baseline_of_bigan_finds_latents_of_its_own_samples() {
    let baseline = trained("bigan", 1000, "training.batch=64 update.encoder=latents");
    assert!(baseline.inverse() > 0.5);
}

/// The weights of a player after one step from the same start.
fn weights_after(words: &str, player: &str) -> Vec<Vec<u32>> {
    let small = "encoder.width=4 decoder.width=4 discriminator.width=4 training.batch=8 update.skip_above=1";
    let mut session = session_with_held_out("vae-gan", &format!("{small} {words}")).unwrap();
    session.advance_to(1).unwrap();
    let prefix = format!("{player}.");
    let own = crate::support::tensors(&mut session).into_iter();
    own.filter(|(name, _)| name.starts_with(&prefix) && name.ends_with("weight"))
        .map(|(_, values)| values)
        .collect()
}

#[test]
fn each_loss_of_vae_gan_reaches_its_own_network_only() {
    // What changes only a term of one player's loss must leave the others' first step as it was.
    for (change, moved) in [
        ("losses.beta=50", "encoder"),
        ("losses.gamma=50", "decoder"),
        // Another objective moves both networks that minimise it.
        ("objective.kind=least-squares", "decoder discriminator"),
    ] {
        for player in ["encoder", "decoder", "discriminator"] {
            let same = weights_after("", player) == weights_after(change, player);
            assert_eq!(same, !moved.contains(player), "{change}: {player}");
        }
    }
}

#[test]
fn neighbours_in_codes_look_alike() {
    let vae = trained("vae", 500, "");
    let data = &digits();
    let tiles = code_neighbours(vae.session.system(), data, 20, 4).unwrap().unwrap();
    assert_eq!(tiles.shape(), [100, 1, 8, 8]);
    let tiles: Vec<Vec<f32>> = tiles.to_vec_f32().unwrap().chunks(64).map(<[f32]>::to_vec).collect();
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let mean = |turn: usize| {
        let pairs = (0..100)
            .filter(|at| at % 5 != 0)
            .map(|at| distance(&tiles[at], &tiles[(at / 5 * 5 + turn) % 100]));
        pairs.sum::<f32>() / 80.0
    };
    println!("distance to own and to another query: {} {}", mean(0), mean(5));
    assert!(mean(0) < 0.5 * mean(5));
    let gan = session("gan", "generator.widths=[4] discriminator.widths=[4]").unwrap();
    assert!(code_neighbours(gan.system(), data, 2, 2).unwrap().is_none());
    assert!(code_neighbours(vae.session.system(), data, 0, 2).is_err());
}

#[test]
fn discriminators_of_samples_and_pairs_are_constrained_as_those_of_other_systems() {
    const SMALL: &str = "generator.widths=[8] encoder.widths=[8] discriminator.widths=[8] training.batch=8";
    const SMALL_VAE: &str = "encoder.width=4 decoder.width=4 discriminator.width=4 training.batch=8 \
                             discriminator.batch_norm=false";
    let after = |system: &str, words: &str| {
        let mut session = session_with_held_out(system, words).unwrap();
        let measurements = session.advance_to(3).unwrap();
        (crate::support::tensors(&mut session), measurements)
    };
    for (system, small) in [("bigan", SMALL), ("vae-gan", SMALL_VAE)] {
        let (plain, measured) = after(system, small);
        assert!(!measured.contains_key("penalty"), "{system}");
        for change in [
            "penalty.kind=gradient penalty.probe=real",
            "constraint.kind=spectral",
            "constraint.kind=clip",
            "constraint.kind=gradient-normalization",
            "instance_noise.deviation=0.5",
        ] {
            let (changed, measured) = after(system, &format!("{small} {change}"));
            let values = |of: &[(String, Vec<u32>)]| {
                of.iter()
                    .filter(|(name, _)| name.starts_with("discriminator."))
                    .flat_map(|(_, bits)| bits.clone())
                    .collect::<Vec<_>>()
            };
            assert_ne!(values(&plain), values(&changed), "{system} {change}");
            assert_eq!(measured.contains_key("penalty"), change.contains("penalty"), "{system} {change}");
        }
    }
}

#[test]
fn impossible_recipes_and_samples_are_refused_with_a_reason() {
    for (system, words, reason) in [
        ("vae", "latent.prior=uniform", "latent.prior must be normal"),
        ("vae", "losses.beta=-1", "losses.beta is -1"),
        ("vae", "likelihood.kind=normal likelihood.deviation=0", "likelihood.deviation is 0"),
        ("vae", "encoder.kind=autoencoder", "choose mlp, dcgan or resnet for the kind of `encoder`"),
        ("vae", "data.source=ring8 likelihood.kind=bernoulli", "likelihood.kind=fitted-normal"),
        ("vae-gan", "objective.kind=wasserstein", "update.skip_above=1"),
        ("vae-gan", "objective.kind=relativistic update.skip_above=1", "does not pair samples"),
        ("vae-gan", "update.skip_above=2", "give 0 to 1"),
        ("bigan", "discriminator.kind=autoencoder", "together with its code"),
        ("bigan", "penalty.kind=gradient penalty.weight=0", "penalty.weight is 0"),
        ("vae-gan", "penalty.kind=gradient discriminator.batch_norm=false", "two fakes for each real sample"),
        ("vae-gan", "penalty.kind=gradient penalty.probe=real", "batch normalisation"),
        ("bigan", "optimizer.generator.learning_rate=0", "optimizer.generator.learning_rate"),
    ] {
        let message = crate::support::refusal(system, words);
        assert!(message.contains(reason), "{system} {words}: {message}");
    }
    for system in ["vae", "vae-gan", "bigan"] {
        let session = session(system, "latent.size=3").unwrap();
        let flat = Variable::full(0.0, &[2, 64], candle_core::DType::F32, &Device::Cpu).unwrap();
        let (system, batch) = (session.system(), Batch::of(flat.clone()));
        let encoded = system.as_encoder().unwrap().encode(&batch);
        for refusal in [encoded.err(), system.reconstruct(&batch).err()] {
            assert!(refusal.unwrap().to_string().contains("[1, 8, 8]"));
        }
        let refusal = system.sampler().unwrap().generate(&flat).err();
        assert!(refusal.unwrap().to_string().contains("have 3 numbers"));
    }
}
