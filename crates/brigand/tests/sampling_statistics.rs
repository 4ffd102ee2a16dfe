//! Claim: statistics estimated for the weights that sample change what is sampled and nothing that is trained.

#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::session;
use brigand::latent_tools::{Choice, TruncationSweep};
use brigand::session::Session;

const SMALL: &str = "data.size=8 training.batch=8 training.steps=6 generator.width=4 discriminator.width=4";

fn samples(session: &Session) -> Vec<f32> {
    session.system().sampler().unwrap().sample(4, 1).unwrap().to_vec_f32().unwrap()
}

#[test]
fn estimates_change_samples_and_no_training() {
    let words = format!("{SMALL} average.decay=0.9");
    let (mut plain, mut estimated) = (session("dcgan", &words).unwrap(), session("dcgan", &words).unwrap());
    for step in 1..=6 {
        plain.advance_to(step).unwrap();
        estimated.advance_to(step).unwrap();
        assert_eq!(samples(&plain), samples(&estimated), "{step}");
        estimated.estimate_statistics(3).unwrap();
        assert_ne!(samples(&plain), samples(&estimated), "{step}");
    }
    let (plain, mut found) = (plain.save().unwrap().tensors, estimated.save().unwrap().tensors);
    found.retain(|name, _| !name.starts_with("sampling."));
    assert_eq!(plain.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (name, tensor) in &plain {
        let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(tensor), values(&found[name]), "{name}");
    }
}

#[test]
fn a_resumed_session_trains_as_one_that_was_not_estimated() {
    let mut whole = session("dcgan", SMALL).unwrap();
    whole.advance_to(3).unwrap();
    whole.estimate_statistics(3).unwrap();
    let state = whole.save().unwrap();
    let mut resumed = session("dcgan", SMALL).unwrap();
    resumed.restore(state, 3).unwrap();
    assert_eq!(samples(&whole), samples(&resumed));
    whole.advance_to(6).unwrap();
    resumed.advance_to(6).unwrap();
    assert_eq!(samples(&whole), samples(&resumed));
}

/// Few rows of a batch are a member's, and the variance of one row is 0: each member is estimated from whole batches. The
/// mean variance of 200 batches of 4 is near that of 50 batches of 64.
#[test]
fn members_of_an_ensemble_are_estimated_from_whole_batches() {
    let variances = |batch: usize, batches: usize| {
        let words = format!(
            "data.source=ring8 training.batch={batch} training.steps=8 ensemble.members=4 ensemble.discriminator_steps=2 \
             generator.widths=[8,8] generator.normalization=before-activation discriminator.widths=[8] \
             optimizer.generator.learning_rate=1e-9"
        );
        let mut session = session("adagan", &words).unwrap();
        session.advance_to(8).unwrap();
        session.estimate_statistics(batches).unwrap();
        let state = session.save().unwrap().tensors;
        let found =
            state.iter().filter(|(name, _)| name.starts_with("sampling.") && name.ends_with("variance"));
        found.map(|(_, tensor)| tensor.mean_all().unwrap().to_scalar::<f32>().unwrap()).collect::<Vec<_>>()
    };
    let (few, many) = (variances(4, 200), variances(64, 50));
    assert_eq!((few.len(), many.len()), (4, 4));
    for (few, many) in few.iter().zip(&many) {
        assert!((few / many - 1.0).abs() < 0.15, "{few} {many}");
    }
}

/// Where latents modulate the normalisation, truncated samples have statistics of their own; elsewhere stored ones.
#[test]
fn truncated_latents_have_their_own_statistics_where_they_modulate_normalisation() {
    const TINY: &str = "training.batch=16 training.steps=3 generator.width=4 discriminator.width=4";
    for (system, own) in [("biggan", true), ("sagan", false), ("cgan-projection", false)] {
        let mut trained = session(system, TINY).unwrap();
        trained.advance_to(3).unwrap();
        trained.estimate_statistics(5).unwrap();
        let sampler = trained.system().sampler().unwrap();
        assert_eq!(sampler.is_modulated_by_latents(), own, "{system}");
        let choice = Choice { classes: vec![3], truncation: Some(0.25) };
        let stored = sampler.generate(&choice.latents(sampler, 4, 1).unwrap()).unwrap().to_vec_f32().unwrap();
        let found = choice.samples(sampler, 4, 1).unwrap().to_vec_f32().unwrap();
        assert_eq!(found != stored, own, "{system}");
        // Each sample depends on its own latent alone, and on no other limit of a sweep.
        let alone = choice.samples(sampler, 1, 1).unwrap().to_vec_f32().unwrap();
        assert!(alone.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-5), "{system}");
        let rows = |limits: &[Option<f64>]| {
            let sweep = TruncationSweep::new(sampler, limits).unwrap();
            sweep.rows(2, 1).unwrap().to_vec_f32().unwrap()
        };
        let (both, last) = (rows(&[Some(1.0), Some(0.25)]), rows(&[Some(0.25)]));
        assert_eq!(both[both.len() - last.len()..], last, "{system}");
        // Without truncation nothing is estimated.
        let whole = Choice { classes: vec![3], truncation: None };
        let stored = sampler.generate(&whole.latents(sampler, 4, 1).unwrap()).unwrap().to_vec_f32().unwrap();
        assert_eq!(whole.samples(sampler, 4, 1).unwrap().to_vec_f32().unwrap(), stored, "{system}");
    }
}
