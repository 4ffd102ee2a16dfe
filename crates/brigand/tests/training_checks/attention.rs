//! Claims: SAGAN's and BigGAN's samples are of the class that is asked for, SAGAN's attention leaves its start, and
//! truncating BigGAN's noise lowers the variety within classes and not the class match.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use super::conditional::class_match;
use crate::support::{refusal, session};
use brigand::evaluation::extractors::Extractor;
use brigand::latent_tools::TruncationSweep;
use brigand::systems::attention::ATTENTION_GAMMA;

#[test]
fn digits_are_of_the_class_that_was_asked_for_and_attention_leaves_its_start() {
    let mut trained = session("sagan", "training.steps=2000").unwrap();
    let first = trained.advance_to(1).unwrap()[ATTENTION_GAMMA];
    let last = trained.advance_to(2000).unwrap()[ATTENTION_GAMMA];
    let share = class_match(trained.system());
    println!("factor of the attention {first} then {last}, class match {share}");
    assert!(first == 0.0 && last.abs() > 0.01, "{first} {last}");
    assert!(share >= 0.9, "{share}");
}

/// Variances and class matches without a limit and at 2, 1, 0.5 and 0.25.
#[test]
fn truncation_lowers_variety_within_classes_and_keeps_the_class() {
    let mut trained = session("biggan", "training.steps=1500").unwrap();
    trained.advance_to(1500).unwrap();
    let share = class_match(trained.system());
    let limits = [None, Some(2.0), Some(1.0), Some(0.5), Some(0.25)];
    let sweep = TruncationSweep::new(trained.system().sampler().unwrap(), &limits).unwrap();
    let measured = sweep.measure(&Extractor::digits().unwrap(), 1000, 0).unwrap();
    println!("class match {share}, {measured:#?}");
    assert!(share >= 0.9, "{share}");
    for pair in measured.windows(2) {
        assert!(pair[1].within_classes.unwrap() < pair[0].within_classes.unwrap(), "{pair:?}");
        assert!(pair[1].class_match.unwrap() > pair[0].class_match.unwrap() - 0.01, "{pair:?}");
    }
}

#[test]
fn noise_in_chunks_needs_a_size_that_they_divide() {
    assert!(refusal("biggan", "latent.size=61").contains("give 60 or 62"));
    assert!(refusal("biggan", "modulation.embedding=0").contains("modulation.embedding"));
    assert!(refusal("biggan", "orthogonal=-1").contains("orthogonal is -1"));
    assert!(refusal("biggan", "update.discriminator_steps=0").contains("never learn"));
    assert!(refusal("biggan", "data.source=ring8").contains("biggan needs images"));
}

#[test]
fn without_attention_there_is_no_factor() {
    let mut without = session("sagan", "training.batch=8 generator.attention=0").unwrap();
    assert!(!without.advance_to(1).unwrap().contains_key(ATTENTION_GAMMA));
}

#[test]
fn what_has_no_place_for_attention_is_refused() {
    assert!(refusal("sagan", "data.source=ring8").contains("needs images"));
    assert!(refusal("sagan", "generator.attention=3").contains("generator.attention"));
    assert!(refusal("sagan", "data.size=28 generator.attention=4").contains("smallest maps are 7"));
    assert!(refusal("sagan", "data.size=9").contains("cannot be halved"));
}
