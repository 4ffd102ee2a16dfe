//! Relaxed choices.

use brigand_autograd::{Variable, grad};
use brigand_core::Place;
use brigand_core::modules::{Relaxation, relaxed_choice};
use brigand_core::random::Stream;

use crate::support::derivatives::first_order;
use crate::support::{assert_near, double, mixed, normal, normal_double};

fn choose(logits: &Variable, relaxation: Relaxation, place: &Place) -> Variable {
    relaxed_choice(logits, relaxation, &mut Stream::new(1, "choice", 0), place).unwrap()
}

const GUMBEL: Relaxation = Relaxation::Gumbel { temperature: 0.7 };
const HARD: Relaxation = Relaxation::StraightThrough { temperature: 0.7 };

#[test]
fn rows_sum_to_one_and_hard_ones_are_one_hot() {
    let logits = normal(&[50, 6], 1);
    for relaxation in [Relaxation::Softmax, GUMBEL, HARD] {
        for row in choose(&logits, relaxation, &Place::cpu()).to_vec().unwrap().chunks(6) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            let ones = row.iter().filter(|value| **value == 1.0).count();
            let zeros = row.iter().filter(|value| **value == 0.0).count();
            assert_eq!(ones == 1 && zeros == 5, relaxation == HARD, "{row:?}");
        }
    }
    // The relaxed and the hard choice are of one draw.
    let (soft, hard) = (choose(&logits, GUMBEL, &Place::cpu()), choose(&logits, HARD, &Place::cpu()));
    for (soft, hard) in soft.to_vec().unwrap().chunks(6).zip(hard.to_vec().unwrap().chunks(6)) {
        let largest = soft.iter().copied().fold(0.0, f64::max);
        assert!(soft.iter().zip(hard).all(|(soft, hard)| (*soft == largest) == (*hard == 1.0)));
    }
}

/// In bfloat16 two logits with their noise are often equal.
#[test]
fn a_hard_choice_is_one_of_equals() {
    let logits = normal(&[4000, 30], 1).scale(4.0).unwrap().to_dtype(candle_core::DType::BF16).unwrap();
    for row in choose(&logits, HARD, &mixed()).to_vec().unwrap().chunks(30) {
        assert_eq!((row.iter().sum::<f64>(), row.iter().copied().fold(0.0, f64::max)), (1.0, 1.0));
    }
}

#[test]
fn draws_follow_the_probabilities() {
    let probabilities = [0.5_f32, 0.3, 0.15, 0.05];
    let row = probabilities.map(f32::ln);
    let logits = Variable::from_slice(&row.repeat(20_000), &[20_000, 4]).unwrap();
    let shares = choose(&logits, HARD, &Place::cpu()).mean(&[0]).unwrap().to_vec().unwrap();
    for (share, wanted) in shares.iter().zip(probabilities) {
        // 20000 draws deviate by 0.0035 at most.
        assert!((share - f64::from(wanted)).abs() < 0.015, "{shares:?}");
    }
}

#[test]
fn hard_choices_have_the_relaxed_ones_gradient() {
    let logits = normal_double(&[3, 4], 1);
    let weights = normal_double(&[3, 4], 2).detach();
    let loss = |logits: &Variable, relaxation| {
        choose(logits, relaxation, &double()).mul(&weights).unwrap().sum_all().unwrap()
    };
    let slope = |relaxation| grad(&loss(&logits, relaxation), &[&logits], false).unwrap().remove(0);
    assert_near(&slope(HARD), &slope(GUMBEL), 1e-12);
    for relaxation in [Relaxation::Softmax, GUMBEL] {
        first_order(std::slice::from_ref(&logits), |inputs| Ok(loss(&inputs[0], relaxation)));
    }
}
