//! Claims about what a trained two-player system can do: it scores and reconstructs single samples exactly where its
//! discriminator does, and draws the losses at equilibrium where its objective has them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::support::session;
use brigand::batch::Batch;
use brigand::system::TheoryLine;
use brigand_autograd::Variable;

const TINY: &str = "data.source=ring8 training.batch=8 generator.widths=[6]";

/// Points far apart.
fn places() -> Variable {
    Variable::from_slice(&[0.5_f32, -1.0, 3.0, 2.0, -4.0, 0.0], &[3, 2]).unwrap()
}

#[test]
fn scores_and_slopes_are_those_of_single_samples() {
    let session = session("gan", TINY).unwrap();
    let field = session.system().as_score_field().unwrap();
    let (scores, slopes) = field.field(&places()).unwrap();
    let (alone, slope) = field.field(&places().narrow(0, 1, 1).unwrap()).unwrap();
    assert_eq!((scores.shape(), slopes.shape()), (&[3][..], &[3, 2][..]));
    assert_eq!(alone.to_vec().unwrap()[..], scores.to_vec().unwrap()[1..2]);
    assert_eq!(slope.to_vec().unwrap()[..], slopes.to_vec().unwrap()[2..4]);
    // The slope is the scores' difference over a small distance.
    let step = 1e-2;
    let moved = |shift: f32| {
        let place = Variable::from_slice(&[3.0 + shift, 2.0], &[1, 2]).unwrap();
        field.field(&place).unwrap().0.to_vec().unwrap()[0]
    };
    let difference = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
    assert!((difference - slopes.to_vec().unwrap()[2]).abs() < 1e-3, "{difference}");
}

#[test]
fn scores_that_depend_on_more_than_a_sample_are_no_field() {
    let needing = [
        "techniques.packing=2",
        "techniques.minibatch=deviation",
        "techniques.minibatch=discrimination",
        "condition.generator=latent condition.discriminator.kind=sample",
        "condition.generator=latent condition.discriminator.kind=projection",
    ];
    for words in needing {
        let session = session("gan", &format!("{TINY} {words}")).unwrap();
        assert!(session.system().as_score_field().is_none(), "{words}");
    }
    let head = "condition.generator=latent condition.discriminator.kind=classifier";
    assert!(session("gan", &format!("{TINY} {head}")).unwrap().system().as_score_field().is_some());
}

#[test]
fn auto_encoders_alone_reconstruct() {
    let reconstructed = |system: &str, words: &str| {
        let session = session(system, &format!("{TINY} {words}")).unwrap();
        let samples = session.system().reconstruct(&Batch::of(places())).unwrap();
        samples.map(|samples| samples.shape().to_vec())
    };
    assert_eq!(reconstructed("ebgan", ""), Some(vec![3, 2]));
    assert_eq!(reconstructed("ebgan", "techniques.packing=2"), None);
    assert_eq!(reconstructed("gan", ""), None);
}

#[test]
fn theory_lines_are_the_losses_at_equilibrium() {
    let lines = |words: &str| session("gan", &format!("{TINY} {words}")).unwrap().system().theory();
    let line = |metric, label, value| TheoryLine { metric, label, value };
    let ln_2 = 2.0_f64.ln();
    let expected = [
        line("discriminator_loss", "discriminator at equilibrium", 2.0 * ln_2),
        line("generator_loss", "generator at equilibrium", ln_2),
    ];
    assert_eq!(lines(""), expected);
    assert_eq!(lines("objective.kind=wasserstein"), [line("discriminator_loss", "both at equilibrium", 0.0)]);
    assert!(lines("objective.kind=gan-qp").is_empty());
    let codes = lines("codes.categories=4 objective.kind=gan-qp");
    assert_eq!(codes, [line("information", "entropy of the code", 4.0_f64.ln())]);
}
