//! Claim: the meaning of the clusters of a cipher is learned from text of other sequences alone, to a phone error rate of at most
//! 5 percent on held-out utterances, by the critic: without it nothing is learned. Runs resume exactly in every phase.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::support::{assert_resumes_exactly, session};

use brigand::players::Measurements;

fn errors(words: &str) -> Measurements {
    let mut session = session("speech-recognition", words).unwrap();
    let steps = session.span().steps;
    session.advance_to(steps).unwrap()
}

#[test]
fn a_cipher_is_read_without_a_key() {
    let found = errors("training.seed=1 training.steps=1200 held_out.every=1200");
    println!("{found:?}");
    // Normal distributions do not describe what is 1 at one of three clusters, so the hidden Markov models make more errors here.
    assert!(found["phone_error_rate"] <= 0.05 && found["frame_error_rate"] <= 0.05, "{found:?}");
    // What can be known without references is as it is for the true phonemes.
    assert!((found["unlikeliness"] - found["unlikeliness_of_references"]).abs() < 0.3, "{found:?}");
    // A critic that does not learn.
    let words =
        "training.seed=1 training.steps=300 held_out.every=300 optimizer.discriminator.learning_rate=1e-9";
    let blind = errors(words);
    println!("without a critic {blind:?}");
    assert!(blind["phone_error_rate"] >= 0.7, "{blind:?}");
    assert!(blind["unlikeliness"] > found["unlikeliness"] + 0.5, "{blind:?}");
}

#[test]
fn speech_recognition_resumes_exactly_in_every_iteration() {
    for generator in ["", "generator={kind=\"frames\",context=1,hidden=16}"] {
        let words = format!("training.steps=6 training.batch=8 iterations=3 segments=found {generator}");
        assert_resumes_exactly("speech-recognition", &words, 1..6);
    }
}
