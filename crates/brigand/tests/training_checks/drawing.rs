//! Claims about systems that draw in steps: DRAW bounds the likelihood of held-out digits, better in eight steps than in
//! one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, session, session_with_held_out};

const STEPS: u64 = 600;

/// The bound for held-out digits after a short run, in nats.
fn bound(words: &str) -> f64 {
    let words =
        format!("training.steps={STEPS} held_out.every={STEPS} encoder.hidden=64 decoder.hidden=64 {words}");
    let mut session = session_with_held_out("draw", &words).unwrap();
    let bound = session.advance_to(STEPS).unwrap()["held_out_elbo_loss"];
    println!("{words}: {bound}");
    bound
}

#[test]
fn draw_bounds_the_likelihood_better_in_eight_steps_than_in_one() {
    let (eight, one) = (bound("latent.size=2"), bound("latent.size=2 drawing.steps=1"));
    assert!(eight < 25.9 && one > eight + 0.5, "{eight} {one}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    for (words, part) in [
        ("drawing.steps=0", "drawing.steps is 0"),
        ("drawing.steps=257", "give 1 to 256"),
        ("drawing.steps=200 latent.size=1000", "200000 numbers"),
        ("encoder.attention=1", "encoder.attention is 1"),
        ("decoder.attention=65", "decoder.attention is 65"),
        ("encoder.hidden=0", "encoder.hidden is 0"),
        ("clip_norm=-1.0", "clip_norm is -1"),
        ("latent.prior=uniform", "latent.prior must be normal"),
        ("data.source=ring8", "needs images"),
    ] {
        let found = refusal("draw", words);
        assert!(found.contains(part), "{words}: {found}");
    }
    let whole = "encoder.attention=0 decoder.attention=0 training.batch=8 drawing.steps=2";
    session("draw", whole).unwrap().advance_to(1).unwrap();
}
