//! Claim: SAGAN's samples are of the class that is asked for, and its attention leaves its start.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use super::conditional::class_match;
use crate::support::{refusal, session};
use brigand::systems::sagan::ATTENTION_GAMMA;

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
