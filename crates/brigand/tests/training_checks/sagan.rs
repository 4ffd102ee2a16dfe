//! Claim: SAGAN's samples are of the class that is asked for, and its attention leaves its start.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::support::{refusal, session};
use brigand::systems::sagan::ATTENTION_GAMMA;

const SHORT: &str = "training.steps=40 generator.width=8 discriminator.width=8 training.batch=16 \
                     optimizer.generator.learning_rate=2e-3 optimizer.discriminator.learning_rate=4e-3";

#[test]
fn attention_starts_at_nothing_and_grows() {
    let mut trained = session("sagan", SHORT).unwrap();
    let first = trained.advance_to(1).unwrap()[ATTENTION_GAMMA];
    let last = trained.advance_to(40).unwrap()[ATTENTION_GAMMA];
    assert!(first == 0.0 && last.abs() > 1e-3, "{first} {last}");
    let mut without = session("sagan", &format!("{SHORT} generator.attention=0")).unwrap();
    assert!(!without.advance_to(1).unwrap().contains_key(ATTENTION_GAMMA));
}

#[test]
fn what_has_no_place_for_attention_is_refused() {
    assert!(refusal("sagan", "data.source=ring8").contains("needs images"));
    assert!(refusal("sagan", "generator.attention=3").contains("generator.attention"));
    assert!(refusal("sagan", "data.size=28 generator.attention=4").contains("smallest maps are 7"));
    assert!(refusal("sagan", "data.size=9").contains("cannot be halved"));
}
