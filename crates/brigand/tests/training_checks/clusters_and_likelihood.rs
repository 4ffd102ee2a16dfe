//! Claims: CatGAN's clusters follow the data and a few labels go further with it; every datum of IMLE has a near sample.
//! Each fails with its idea off.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use crate::support::{recipe, refusal, session_with_held_out};
use brigand::batch::{Batch, Schema};
use brigand::data::Modes;
use brigand::evaluation::{Features, nearest, purity};
use brigand::objectives::{entropy_of_mean, largest, mean_entropy};
use brigand::players::Measurements;
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::session::Session;
use brigand::training::load_data;
use brigand::{Place, registry};
use brigand_autograd::Variable;

/// A system in training, with every sixth sample held out.
struct Run(Session);

impl Run {
    fn new(name: &str, words: &str) -> Self {
        Self(session_with_held_out(name, words).unwrap())
    }

    /// Trains so many steps; answers the last measurements.
    fn go(&mut self, steps: u64) -> Measurements {
        let step = self.0.step() + steps;
        self.0.advance_to(step).unwrap()
    }

    /// `count` held-out samples.
    fn held_out(&self, count: usize) -> Variable {
        self.0.feed().held_out(0..count).unwrap().samples().unwrap().clone()
    }

    /// `count` samples of it.
    fn samples(&self, count: usize, seed: u64) -> Variable {
        self.0.system().sampler().unwrap().sample(count, seed).unwrap()
    }

    /// The most probable cluster of each held-out sample, their classes, and the information in the clusters.
    fn clusters(&self) -> (Vec<u32>, Vec<u32>, f64) {
        let feed = self.0.feed();
        let batch = feed.held_out(0..feed.held_out_count()).unwrap();
        let probabilities = self.0.system().as_classifier().unwrap().classify(&batch).unwrap();
        let clusters = probabilities.shape()[1];
        let rows = probabilities.to_vec_f32().unwrap();
        let logits = probabilities.safe_log(1e-12).unwrap();
        let information = entropy_of_mean(&logits).unwrap().scalar().unwrap()
            - mean_entropy(&logits).unwrap().scalar().unwrap();
        let clusters = rows.chunks(clusters).map(|row| largest(row) as u32).collect();
        (clusters, batch.required_labels().unwrap().to_vec(), information)
    }
}

/// The information in the clusters of each seed, and their purity.
fn purities(name: &str, words: &str, seeds: u64, steps: u64) -> Vec<(f64, f64)> {
    let length = steps.max(1);
    let train = |seed| {
        let words = format!("{words} training.seed={seed} training.steps={length} held_out.every=0");
        let mut run = Run::new(name, &words);
        run.go(steps);
        let (clusters, classes, information) = run.clusters();
        let purity = purity(&clusters, &classes).unwrap();
        println!("{words}: information {information:.3}, purity {purity:.3}");
        (information, purity)
    };
    (0..seeds).map(train).collect()
}

/// The purity of the seed whose clusters have most information, which needs no labels to measure.
fn best_purity(name: &str, words: &str, seeds: u64, steps: u64) -> f64 {
    let found = purities(name, words, seeds, steps);
    found.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap().1
}

fn mean_purity(found: &[(f64, f64)]) -> f64 {
    found.iter().map(|(_, purity)| purity).sum::<f64>() / found.len() as f64
}

/// The cluster of each point by Lloyd's algorithm from the first `k` points.
fn k_means(points: &[f32], k: usize) -> Vec<u32> {
    let points: Vec<&[f32]> = points.chunks(2).collect();
    let mut centres: Vec<Vec<f32>> = points[..k].iter().map(|point| point.to_vec()).collect();
    let distance = |a: &[f32], b: &[f32]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let closest = |point: &[f32], centres: &[Vec<f32>]| {
        (0..k).min_by(|&a, &b| distance(point, &centres[a]).total_cmp(&distance(point, &centres[b]))).unwrap()
    };
    for _ in 0..50 {
        let mut sums = vec![(0.0, 0.0, 0.0); k];
        for point in &points {
            let sum = &mut sums[closest(point, &centres)];
            *sum = (sum.0 + point[0], sum.1 + point[1], sum.2 + 1.0);
        }
        centres = sums.iter().map(|sum| vec![sum.0 / sum.2, sum.1 / sum.2]).collect();
    }
    points.iter().map(|point| closest(point, &centres) as u32).collect()
}

#[test]
fn circles_are_told_apart_without_labels() {
    let found = purities("catgan", "data.source=circles", 3, 1500);
    assert!(mean_purity(&found) >= 0.95, "{found:?}");
    let run = Run::new("catgan", "data.source=circles");
    let batch = run.0.feed().held_out(0..2000).unwrap();
    let apart = k_means(&batch.samples().unwrap().to_vec_f32().unwrap(), 2);
    let by_means = purity(&apart, batch.required_labels().unwrap()).unwrap();
    assert!(by_means < 0.6, "{by_means}");
}

#[test]
fn without_fakes_to_be_unsure_of_most_circles_are_cut_through() {
    let found = purities("catgan", "data.source=circles entropies.fake=0", 3, 1500);
    assert!(mean_purity(&found) < 0.85, "{found:?}");
}

#[test]
fn digits_fall_into_clusters_of_one_class() {
    let found = best_purity("catgan", "data.source=digits", 2, 500);
    assert!(found >= 0.75, "{found}");
    // Untrained clusters are of mixed classes.
    let found = best_purity("catgan", "data.source=digits", 1, 0);
    assert!(found < 0.6, "{found}");
}

#[test]
fn a_few_labels_go_further_with_the_others_unlabelled() {
    const FEW: &str = "data.source=digits clusters=10 labels.count=20";
    const PLAIN: &str = "entropies.mean=0 entropies.real=0 entropies.fake=0";
    let accuracy = |more: &str, seed: u64| {
        let mut run = Run::new(
            "catgan",
            &format!("{FEW} {more} training.seed={seed} training.steps=400 held_out.every=400"),
        );
        run.go(400)["held_out_accuracy"]
    };
    let (mut with, mut without) = (0.0, 0.0);
    for seed in 0..3 {
        let (semi, plain) = (accuracy("", seed), accuracy(PLAIN, seed));
        println!("seed {seed}: {semi:.3} with the unlabelled, {plain:.3} without");
        with += semi / 3.0;
        without += plain / 3.0;
    }
    assert!(with > without + 0.02, "{with} {without}");
}

/// Modes with at least three of 2500 samples within five standard deviations, a tenth.
fn ring_coverage(samples: &Variable, modes: &Modes) -> usize {
    let samples = samples.to_vec_f32().unwrap();
    let near = |centre: &Vec<f32>| {
        samples
            .chunks(2)
            .filter(|p| (p[0] - centre[0]).hypot(p[1] - centre[1]) < 5.0 * modes.deviation)
            .count()
    };
    modes.centres.iter().filter(|centre| near(centre) >= 3).count()
}

fn matched_on_ring(more: &str, seed: u64) -> (usize, f64) {
    let words = format!("data.source=ring8 training.steps=500 training.seed={seed} {more}");
    let mut run = Run::new("imle", &words);
    run.go(500);
    let data = load_data(&recipe("imle", &words).unwrap()).unwrap();
    let covered = ring_coverage(&run.samples(2500, 7), data.modes().unwrap());
    let real = run.held_out(1000).to_vec_f32().unwrap();
    let made = run.samples(5000, 8).to_vec_f32().unwrap();
    let found = nearest(&Features::new(real, 2).unwrap(), &Features::new(made, 2).unwrap()).unwrap();
    let near = found.iter().filter(|(_, distance)| *distance < 0.1).count() as f64 / 1000.0;
    println!("{words}: {covered} modes, {near:.3} of the data with a near sample");
    (covered, near)
}

#[test]
fn every_mode_of_the_ring_has_samples_from_any_seed() {
    for seed in 0..5 {
        let (covered, near) = matched_on_ring("", seed);
        assert!(covered == 8 && near >= 0.95, "seed {seed}: {covered} modes, {near}");
    }
}

#[test]
fn samples_that_look_for_data_forget_modes() {
    let forgotten = (0..3).map(|seed| matched_on_ring("matching.search=nearest-datum", seed).0);
    let most = forgotten.max().unwrap();
    assert!(most < 8, "{most}");
}

/// Of 5000 samples the share within three standard deviations of a mode, and the modes that have at least one of them.
fn quality_on_ring(more: &str) -> (f64, usize) {
    let words = format!("data.source=ring8 training.steps=600 {more}");
    let mut run = Run::new("imle", &words);
    run.go(600);
    let data = load_data(&recipe("imle", &words).unwrap()).unwrap();
    let modes = data.modes().unwrap();
    let samples = run.samples(5000, 8).to_vec_f32().unwrap();
    let near = |centre: &Vec<f32>| {
        let within = |p: &&[f32]| (p[0] - centre[0]).hypot(p[1] - centre[1]) < 3.0 * modes.deviation;
        samples.chunks(2).filter(within).count()
    };
    let counts: Vec<usize> = modes.centres.iter().map(near).collect();
    let found =
        (counts.iter().sum::<usize>() as f64 / 5000.0, counts.iter().filter(|&&count| count > 0).count());
    println!("{words}: {found:?}");
    found
}

/// What lies between the modes is the nearest sample of no datum; the second term moves it into them.
#[test]
fn samples_between_the_modes_are_moved_by_the_second_term() {
    let (quality, modes) = quality_on_ring("matching.nearest_datum=1");
    let (alone, _) = quality_on_ring("");
    assert!(modes == 8 && quality >= 0.5 && alone < 0.25, "{quality} in {modes} modes, {alone} alone");
}

#[test]
fn matches_on_digits_come_nearer() {
    let mut run = Run::new("imle", "data.source=digits training.steps=150 training.batch=64");
    let first = run.go(1)["nearest_distance"];
    let last = run.go(149)["nearest_distance"];
    println!("distance {first:.3} -> {last:.3}");
    assert!(last < 0.6 * first, "{first} -> {last}");
}

const SMALL_EBGAN: &str =
    "data.source=digits generator.width=16 discriminator.encoder.width=16 discriminator.decoder.width=16";

#[test]
fn only_an_auto_encoder_reconstructs() {
    let reconstructed = |run: &Run| {
        let real = run.0.feed().held_out(0..3).unwrap();
        let made = run.0.system().reconstruct(&real).unwrap();
        made.map(|made| made.shape() == real.samples().unwrap().shape())
    };
    assert_eq!(reconstructed(&Run::new("gan", "data.source=digits")), None);
    assert_eq!(reconstructed(&Run::new("ebgan", SMALL_EBGAN)), Some(true));
}

/// The energies (mean squared errors of reconstruction) of held-out digits, of fakes and of uniform noise.
fn energies(run: &Run) -> [f64; 3] {
    let (real, fake) = (run.held_out(200), run.samples(200, 3));
    let draws = Stream::new(9, "noise", 0).uniform(real.elements(), -1.0, 1.0);
    let noise = Variable::from_slice(&draws, real.shape()).unwrap();
    [real, fake, noise].map(|samples| {
        let rebuilt = run.0.system().reconstruct(&Batch::of(samples.clone())).unwrap().unwrap();
        samples.sub(&rebuilt).unwrap().square().unwrap().mean_all().unwrap().scalar().unwrap()
    })
}

#[test]
fn ebgan_gives_digits_a_low_energy_and_noise_a_high_one() {
    let mut run = Run::new("ebgan", SMALL_EBGAN);
    run.go(50);
    let [real, _, noise] = energies(&run);
    assert!(real > noise / 5.0, "{real} {noise}");
    run.go(1350);
    let [real, fake, noise] = energies(&run);
    println!("real {real:.3}, fake {fake:.3}, noise {noise:.3}");
    assert!(real < noise / 5.0, "{real} {noise}");
}

#[track_caller]
fn refused(name: &str, words: &str, reason: &str) {
    let message = refusal(name, words);
    assert!(message.contains(reason), "{message}");
}

#[test]
fn what_cannot_be_trained_is_refused_with_the_reason() {
    refused("catgan", "data.source=swiss-roll labels.count=10", "needs labelled data");
    refused("catgan", "data.source=digits training.batch=1", "needs several samples");
    refused("catgan", "data.source=digits clusters=0", "clusters is 0");
    refused("catgan", "data.source=digits clusters=1", "clusters is 1");
    refused("catgan", "data.source=digits labels.count=10", "give --set clusters=10");
    refused("catgan", "data.source=digits clusters=10 labels.count=5000", "give at most that");
    refused("catgan", "entropies.mean=0 entropies.real=0 entropies.fake=0", "nothing to learn from");
    refused("catgan", "entropies.fake=-1", "entropies.fake is -1");
    refused(
        "catgan",
        "discriminator.kind=autoencoder",
        "choose mlp, dcgan or resnet for the kind of `discriminator`",
    );
    refused("catgan", "discriminator.noise=-0.5", "noise of hidden layers is -0.5");
    refused("imle", "matching.pool=0", "matching.pool is 0");
    refused("imle", "matching.staleness=0", "never step");
    refused("imle", "matching.search=nearest-datum matching.nearest_datum=1", "matching.nearest_datum=0");
    refused("imle", "generator.kind=autoencoder", "no generator");
    refused("ebgan", "objective.relative=true objective.margin=1", "more than 1");
}

#[test]
fn recipes_of_the_papers_size_fit_their_data() {
    for (name, text) in [
        ("catgan", include_str!("../../../../recipes/catgan-paper.toml")),
        ("imle", include_str!("../../../../recipes/imle-paper.toml")),
        ("ebgan", include_str!("../../../../recipes/ebgan-paper.toml")),
    ] {
        let row = registry::find(name).unwrap();
        let changes = Changes { file: Some(text.into()), assignments: Vec::new() };
        let recipe = Recipe::resolve(row, &changes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let side = if name == "ebgan" { 64 } else { 28 };
        let schema = Schema::of_samples(&[1, side, side], &[6000.0; 10]);
        let system = recipe.system.build(&recipe.common.setup(schema, Place::cpu())).unwrap();
        let sample = system.sampler().unwrap().sample(1, 0).unwrap();
        assert_eq!(sample.shape(), [1, 1, side, side], "{name}");
    }
}
