//! Claim: two domains without pairs are translated onto each other's partners because both translations must lead back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::support::{refusal, session, trained};
use brigand::batch::HostField;
use brigand::data::{Options, open_test_part};
use brigand::random::Stream;
use brigand::systems::cyclegan::{HELD_OUT_CYCLE_ERROR, PAIR_ERROR};

/// The error on known partners and on what both translations give back, measured after the last step.
fn errors(steps: u64, words: &str) -> (f64, f64) {
    let words = format!("training.steps={steps} held_out.every={steps} {words}");
    let mut session = session("cyclegan", &words).unwrap();
    let last = session.advance_to(steps).unwrap();
    (last[PAIR_ERROR], last[HELD_OUT_CYCLE_ERROR])
}

#[test]
fn translations_are_near_their_partners() {
    let (pair, cycle) = errors(600, "");
    let (identity, constant) = baselines();
    println!("pair {pair:.4} cycle {cycle:.4} identity {identity:.4} constant {constant:.4}");
    assert!(pair < 0.03 && cycle < 0.03, "pair {pair:.4} cycle {cycle:.4}");
    assert!(pair < identity.min(constant), "{pair:.4}, untranslated {identity:.4}, constant {constant:.4}");
}

/// Error of leaving pictures as they are, and of the best picture that depends on nothing.
fn baselines() -> (f64, f64) {
    let parts = open_test_part(&"scenes".parse().unwrap(), &Options::default()).unwrap();
    let stream = &mut Stream::new(0, "a test", 0);
    let domains: Vec<(Vec<f32>, usize)> = parts
        .iter()
        .flatten()
        .map(|source| {
            let numbers: Vec<usize> = (0..source.count()).collect();
            let mut fields = source.get(&numbers, stream).unwrap();
            let name = [brigand::batch::IMAGES.0, brigand::batch::SECOND.0].into_iter();
            let found = name.filter_map(|name| fields.remove(name)).next().unwrap();
            let HostField::Numbers(values, _) = found else { panic!("images are numbers") };
            (values, source.count())
        })
        .collect();
    let mean_error = |a: &[f32], b: &dyn Fn(usize) -> f32| {
        a.iter().enumerate().map(|(at, value)| f64::from((value - b(at)).abs())).sum::<f64>()
            / (2 * a.len()) as f64
    };
    let [(day, count), (night, _)] = domains.as_slice() else { panic!("two domains") };
    let identity = mean_error(day, &|at| night[at]);
    let constant = [day, night].map(|domain| {
        let pixels = domain.len() / count;
        let median = |pixel: usize| {
            let mut values: Vec<f32> = domain.iter().skip(pixel).step_by(pixels).copied().collect();
            values.sort_by(f32::total_cmp);
            values[values.len() / 2]
        };
        let medians: Vec<f32> = (0..pixels).map(median).collect();
        mean_error(domain, &|at| medians[at % pixels])
    });
    (identity, (constant[0] + constant[1]) / 2.0)
}

/// Without the cycle loss nothing ties a translation to its original: it is no better than a picture that depends on
/// nothing.
#[test]
fn without_the_cycle_loss_the_original_is_lost() {
    let (pair, cycle) = errors(600, "losses.cycle=0");
    let (_, constant) = baselines();
    println!("pair {pair:.4} cycle {cycle:.4} constant {constant:.4}");
    assert!(pair > constant && cycle > 0.06, "pair {pair:.4} cycle {cycle:.4} constant {constant:.4}");
}

#[test]
fn what_cannot_be_translated_is_refused() {
    assert!(refusal("cyclegan", "data.source=digits").contains("`second`"));
    assert!(refusal("gan", "data.source=scenes").contains("two domains of images"));
    assert!(refusal("cyclegan", "data.size=18 translator.halvings=2").contains("multiples of 4"));
    assert!(refusal("cyclegan", "objective.kind=x").contains("objective"));
    assert!(refusal("cyclegan", "data.size=24 discriminator.halvings=4").contains("discriminator.halvings"));
    drop(trained("cyclegan", "training.steps=2 data.source=unpaired:digits,digits discriminator.halvings=1"));
}
