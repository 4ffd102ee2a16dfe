//! Claim: NICE-GAN's encoders are trained in the discriminators' step alone, unless the recipe couples them.

#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support;

/// A step size that changes no weight by more than rounding would.
const NONE: &str = "1e-30";

/// Which weights a step of training changes: those of the encoder, of the rest of the discriminators, of the translators.
fn changed(words: &str) -> [bool; 3] {
    let words = format!(
        "training.batch=2 translator.width=4 translator.blocks=1 discriminator.width=4 held_out.every=0 {words}"
    );
    let mut session = support::session("nice-gan", &words).unwrap();
    // Optimizers have no moments before the first step.
    let weight = |name: &str| !name.contains("optimizer.") && !name.ends_with("singular");
    let weights = |session: &mut _| {
        support::tensors(session).into_iter().filter(|(name, _)| weight(name)).collect::<Vec<_>>()
    };
    let before = weights(&mut session);
    session.advance().unwrap();
    let after = weights(&mut session);
    assert!(before.iter().map(|(name, _)| name).eq(after.iter().map(|(name, _)| name)));
    let moved = |(a, b): (&u32, &u32)| (f32::from_bits(*a) - f32::from_bits(*b)).abs() > 1e-20;
    let differ = |chosen: &dyn Fn(&str) -> bool| {
        before.iter().zip(&after).any(|((name, a), (_, b))| chosen(name) && a.iter().zip(b).any(moved))
    };
    let encodes = |name: &str| name.contains(".encoder.");
    let discriminates = |name: &str| name.starts_with("first.") || name.starts_with("second.");
    [
        differ(&|name| discriminates(name) && encodes(name)),
        differ(&|name| discriminates(name) && !encodes(name)),
        differ(&|name| name.starts_with("to_")),
    ]
}

#[test]
fn an_encoder_is_trained_by_its_discriminator_alone() {
    let discriminators = format!("optimizer.translator.learning_rate={NONE}");
    let translators = format!("optimizer.discriminator.learning_rate={NONE}");
    assert_eq!(changed(""), [true, true, true]);
    assert_eq!(changed(&discriminators), [true, true, false]);
    assert_eq!(changed(&translators), [false, false, true]);
    assert_eq!(changed(&format!("{translators} couple=true")), [true, false, true]);
}

/// The coupled encoders' own moments are part of a checkpoint.
#[test]
fn a_coupled_run_goes_on_from_its_checkpoint() {
    let words = "training.batch=2 translator.width=4 translator.blocks=1 discriminator.width=4 held_out.every=0 couple=true";
    let mut whole = support::session("nice-gan", words).unwrap();
    whole.advance_to(2).unwrap();
    let state = whole.save().unwrap();
    whole.advance_to(4).unwrap();
    let mut again = support::session("nice-gan", words).unwrap();
    again.restore(state, 2).unwrap();
    again.advance_to(4).unwrap();
    assert!(support::tensors(&mut whole) == support::tensors(&mut again));
}
