//! Claims about systems with an encoder: each learns its way to codes and back on the embedded digits, and does not
//! when its idea is switched off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

#[allow(dead_code, reason = "each test file uses its part of the yardstick")]
mod yardstick;

use brigand::data::{Dataset, Labels};
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, Feed, Report, State, System, code_neighbours};
use brigand::training::load_data;
use brigand_autograd::Variable;
use candle_core::Device;
use yardstick::Classifier;

fn recipe(system: &str, words: &str) -> brigand::Result<Recipe> {
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    Recipe::resolve(systems::find(system).unwrap(), &Changes { file: None, assignments })
}

fn built(recipe: &Recipe) -> brigand::Result<(Box<dyn System>, Feed)> {
    let training = recipe.common.training;
    let mut feed = Feed::new(load_data(recipe).unwrap(), training.batch, training.seed, &Device::Cpu)?;
    feed.hold_out(None)?;
    let classes = feed.class_counts();
    let setup = recipe.common.setup(feed.sample_shape()?, &classes, &Device::Cpu);
    let entry = systems::find(&recipe.common.system)?;
    Ok((entry.build(&recipe.parts, &setup)?, feed))
}

/// A trained system, what it last reported, and its data.
struct Trained {
    system: Box<dyn System>,
    report: Report,
    feed: Feed,
}

/// Trains on digits, judged on held-out ones after the last step.
fn trained(system: &str, steps: u64, words: &str) -> Trained {
    let words = format!("training.steps={steps} held_out.every={steps} {words}");
    let recipe = recipe(system, &words).unwrap();
    let (mut system, mut feed) = built(&recipe).unwrap();
    let mut report = Report::new();
    for step in 0..steps {
        report = system.train_step(&mut feed, step).unwrap();
    }
    println!("{words}: {report:?}");
    Trained { system, report, feed }
}

fn judge() -> Classifier {
    Classifier::train(
        &brigand::data::load(&"digits".parse().unwrap(), &Default::default()).unwrap(),
        1500,
        600,
    )
}

impl Trained {
    /// The share of reconstructions of held-out digits that the judge still takes for their class.
    fn class_kept(&self, judge: &Classifier) -> f64 {
        let real = self.feed.held_out(0..200).unwrap();
        let made = self.system.reconstruct(&real.samples, None).unwrap().unwrap();
        let made = Dataset::from_values("reconstructions", made.to_vec_f32().unwrap(), &[1, 8, 8]).unwrap();
        let made = made
            .with_labels(Labels {
                classes: (0..10).map(|class| class.to_string()).collect(),
                values: real.labels.unwrap(),
            })
            .unwrap();
        let kept = judge.accuracy(&made, &(0..200).collect::<Vec<_>>());
        println!("class kept {kept}");
        kept
    }

    /// The squared error of reconstructions as a share of that of reconstructions of other held-out digits.
    fn error_against_chance(&self) -> f64 {
        let real = self.feed.held_out(0..200).unwrap().samples;
        let made = self.system.reconstruct(&real, None).unwrap().unwrap();
        let error =
            |of: &Variable| of.sub(&real).unwrap().square().unwrap().mean_all().unwrap().scalar().unwrap();
        let turned: Vec<u32> = (0..200).map(|row| (row + 67) % 200).collect();
        let share = error(&made) / error(&made.index_select(0, &turned).unwrap());
        println!("error against chance {share}");
        share
    }

    /// The correlation of latents with the codes of their samples.
    fn inverse(&self) -> f64 {
        let latents = self.system.latents(200, &mut brigand::random::Stream::new(5, "a test", 0)).unwrap();
        let codes = self.system.encode(&self.system.generate(&latents).unwrap(), None).unwrap().unwrap();
        let (a, b) = (latents.to_vec().unwrap(), codes.to_vec().unwrap());
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let correlation = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
        println!("latents and their codes {correlation}");
        correlation
    }

    /// Whether samples look like digits of all classes.
    fn covers(&self, judge: &Classifier) -> bool {
        let verdict = judge.judge(&self.system.sample(500, 7).unwrap());
        println!("{verdict:?}");
        verdict.classes >= 9 && verdict.largest_share < 0.4 && verdict.confidence > 0.6
    }
}

const BOUND: &str = "held-out ELBO loss";
const VAE_STEPS: u64 = 1500;

#[test]
fn vae_bounds_the_likelihood_of_held_out_digits() {
    let vae = trained("vae", VAE_STEPS, "");
    assert!(vae.report[BOUND] < 25.5, "{:?}", vae.report);
    assert!(vae.covers(&judge()));
}

#[test]
fn vae_without_divergence_bounds_nothing() {
    let free = trained("vae", VAE_STEPS, "losses.beta=0");
    assert!(free.report[BOUND] > 40.0, "{:?}", free.report);
    assert!(!free.covers(&judge()));
    let collapsed = trained("vae", 500, "losses.beta=20");
    assert!(collapsed.report[BOUND] > 26.5, "{:?}", collapsed.report);
}

#[test]
fn vae_gan_keeps_the_class() {
    let vae_gan = trained("vae-gan", 1000, "encoder.width=16 decoder.width=16 discriminator.width=16");
    let judge = judge();
    assert!(vae_gan.class_kept(&judge) >= 0.85 && vae_gan.covers(&judge));
    let blind =
        trained("vae-gan", 300, "encoder.width=16 decoder.width=16 discriminator.width=16 losses.gamma=0");
    assert!(blind.class_kept(&judge) < 0.5);
}

#[test]
fn bigan_finds_its_way_back() {
    let bigan = trained("bigan", 3000, "training.batch=64 latent.size=8");
    let (chance, inverse, kept) = (bigan.error_against_chance(), bigan.inverse(), bigan.class_kept(&judge()));
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

/// The weights of a player after two steps from the same start.
fn weights_after(words: &str, player: &str) -> Vec<Vec<f32>> {
    let small = "encoder.width=4 decoder.width=4 discriminator.width=4 training.batch=8 update.skip_above=1";
    let recipe = recipe("vae-gan", &format!("{small} {words}")).unwrap();
    let (mut system, mut feed) = built(&recipe).unwrap();
    system.train_step(&mut feed, 0).unwrap();
    let mut state = State::default();
    system.save(&mut state).unwrap();
    let prefix = format!("{player}.");
    let own =
        state.tensors.into_iter().filter(|(name, _)| name.starts_with(&prefix) && name.ends_with("weight"));
    own.map(|(_, tensor)| tensor.data).collect()
}

#[test]
fn each_loss_of_vae_gan_reaches_its_own_network_only() {
    // What changes only a term of one player's loss must leave the others' first step as it was.
    for (change, moved) in [
        ("losses.beta=50", "encoder"),
        ("losses.gamma=50", "decoder"),
        // Another game moves whoever plays it.
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
    let data = vae.feed.dataset();
    let tiles = code_neighbours(vae.system.as_ref(), data, 20, 4).unwrap().unwrap();
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
    let gan = recipe("gan", "generator.widths=[4] discriminator.widths=[4]").unwrap();
    assert!(code_neighbours(built(&gan).unwrap().0.as_ref(), data, 2, 2).unwrap().is_none());
    assert!(code_neighbours(vae.system.as_ref(), data, 0, 2).is_err());
}

#[test]
fn impossible_recipes_and_samples_are_refused_with_a_reason() {
    for (system, words, reason) in [
        ("vae", "latent.prior=uniform", "latent.prior must be normal"),
        ("vae", "losses.beta=-1", "losses.beta is -1"),
        ("vae", "likelihood.kind=normal likelihood.deviation=0", "likelihood.deviation is 0"),
        ("vae", "encoder.kind=autoencoder", "gives no codes"),
        ("vae", "data.source=ring8 likelihood.kind=bernoulli", "likelihood.kind=fitted-normal"),
        ("vae-gan", "objective.kind=wasserstein", "update.skip_above=1"),
        ("vae-gan", "objective.kind=relativistic update.skip_above=1", "does not pair samples"),
        ("vae-gan", "update.skip_above=2", "give 0 to 1"),
        ("bigan", "discriminator.kind=autoencoder", "together with its code"),
        ("bigan", "optimizer.generator.learning_rate=0", "optimizer.generator.learning_rate"),
    ] {
        let said =
            recipe(system, words).and_then(|recipe| built(&recipe)).err().map(|error| error.to_string());
        assert!(said.as_ref().is_some_and(|said| said.contains(reason)), "{system} {words}: {said:?}");
    }
    for system in ["vae", "vae-gan", "bigan"] {
        let (system, _) = built(&recipe(system, "latent.size=3").unwrap()).unwrap();
        let flat = Variable::full(0.0, &[2, 64], candle_core::DType::F32, &Device::Cpu).unwrap();
        for refusal in [system.encode(&flat, None).err(), system.reconstruct(&flat, None).err()] {
            assert!(refusal.unwrap().to_string().contains("[1, 8, 8]"));
        }
        assert!(system.generate(&flat).err().unwrap().to_string().contains("have 3 numbers"));
    }
}
