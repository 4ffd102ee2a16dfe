//! Two trained GANs against each other: the generative adversarial metric (Im et al. 2016, arXiv:1602.05110, section 5).

use std::fmt;

/// The largest ratio of the two discriminators' errors on real samples, either way, at which the two count as equally good
/// and the generators can be compared.
pub const MOST_UNEQUAL: f64 = 1.25;
/// Standard deviations to either side that hold 95 percent of a normal.
const DEVIATIONS: f64 = 1.96;

/// How many samples a discriminator classified wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errors {
    /// Wrongly classified ones.
    pub wrong: u64,
    /// All.
    pub of: u64,
}

impl Errors {
    /// The errors of `scores` of real samples: those not above `threshold`.
    pub fn on_real(scores: &[f32], threshold: f64) -> Self {
        let right = scores.iter().filter(|&&score| f64::from(score) > threshold).count();
        Self { wrong: (scores.len() - right) as u64, of: scores.len() as u64 }
    }

    /// The errors of `scores` of generated samples: those above `threshold`.
    pub fn on_generated(scores: &[f32], threshold: f64) -> Self {
        let wrong = scores.iter().filter(|&&score| f64::from(score) > threshold).count();
        Self { wrong: wrong as u64, of: scores.len() as u64 }
    }

    /// The share of wrongly classified samples.
    pub fn rate(&self) -> f64 {
        self.wrong as f64 / self.of.max(1) as f64
    }
}

/// A ratio of two error rates, with the interval that holds it with 95 percent probability if the samples are independent:
/// `exp(ln ratio +- 1.96 sqrt((1 - p) / (n p) + (1 - q) / (m q)))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Ratio {
    /// `first` to `second`; `None` where one of the two made no error.
    pub fn of(first: Errors, second: Errors) -> Option<Self> {
        if first.wrong == 0 || second.wrong == 0 {
            return None;
        }
        let value = first.rate() / second.rate();
        let spread = |errors: Errors| (1.0 - errors.rate()) / errors.wrong as f64;
        let width = (DEVIATIONS * (spread(first) + spread(second)).sqrt()).exp();
        Some(Self { value, low: value / width, high: value * width })
    }
}

/// The errors of two discriminators on real samples that neither was trained on, and on the samples of each other's
/// generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tournament {
    /// Of the first and the second discriminator on real samples.
    pub real: [Errors; 2],
    /// Of the first discriminator on the second generator's samples, and of the second on the first's.
    pub generated: [Errors; 2],
}

/// Who won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The first.
    First,
    /// The second.
    Second,
    /// Nobody.
    Tie(Undecided),
}

/// Why nobody won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// A discriminator made no error, so that a ratio is missing.
    NoErrors,
    /// The discriminators are not equally good on real samples.
    UnequalDiscriminators,
    /// The errors on generated samples differ by no more than chance.
    Chance,
}

impl Tournament {
    /// `r_test`: the first discriminator's error on real samples to the second's.
    pub fn test_ratio(&self) -> Option<Ratio> {
        Ratio::of(self.real[0], self.real[1])
    }

    /// `r_samples`: the first discriminator's error on the second generator's samples to the second's on the first's. Below
    /// 1, the first's discriminator classifies fewer of them wrongly.
    pub fn sample_ratio(&self) -> Option<Ratio> {
        Ratio::of(self.generated[0], self.generated[1])
    }

    /// Who won: the first if `r_samples < 1`, the second if `r_samples > 1`, while `r_test` is about 1. "About" is within a
    /// factor of [`MOST_UNEQUAL`]; and the interval of `r_samples` must not contain 1.
    pub fn outcome(&self) -> Outcome {
        let (Some(test), Some(samples)) = (self.test_ratio(), self.sample_ratio()) else {
            return Outcome::Tie(Undecided::NoErrors);
        };
        if test.value.max(1.0 / test.value) > MOST_UNEQUAL {
            Outcome::Tie(Undecided::UnequalDiscriminators)
        } else if samples.low <= 1.0 && samples.high >= 1.0 {
            Outcome::Tie(Undecided::Chance)
        } else if samples.value < 1.0 {
            Outcome::First
        } else {
            Outcome::Second
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::First => "the first wins",
            Self::Second => "the second wins",
            Self::Tie(Undecided::NoErrors) => "tie: a discriminator made no error, so a ratio is missing",
            Self::Tie(Undecided::UnequalDiscriminators) => {
                "tie: the discriminators are not equally good on real samples"
            }
            Self::Tie(Undecided::Chance) => "tie: the difference may be chance",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(wrong: u64, of: u64) -> Errors {
        Errors { wrong, of }
    }

    #[test]
    fn errors_are_counted_by_the_side_of_the_threshold() {
        let scores = [0.5, -0.5, 0.0, 2.0];
        // A score at the threshold does not count as real.
        assert_eq!(Errors::on_real(&scores, 0.0), errors(2, 4));
        assert_eq!(Errors::on_generated(&scores, 0.0), errors(2, 4));
        assert_eq!(Errors::on_real(&scores, 1.0), errors(3, 4));
        assert_eq!(Errors::on_generated(&scores, 1.0), errors(1, 4));
        assert_eq!(Errors::on_generated(&[], 0.0).rate(), 0.0);
    }

    #[test]
    fn ratios_are_those_computed_by_hand() {
        // 20 of 100 to 40 of 100; ln's deviation is sqrt(0.8 / 20 + 0.6 / 40) = 0.2345.
        let ratio = Ratio::of(errors(20, 100), errors(40, 100)).unwrap();
        assert!((ratio.value - 0.5).abs() < 1e-12);
        let width = (1.96 * 0.055_f64.sqrt()).exp();
        assert!((ratio.low - 0.5 / width).abs() < 1e-12 && (ratio.high - 0.5 * width).abs() < 1e-12);
        assert!(Ratio::of(errors(0, 100), errors(40, 100)).is_none());
        assert!(Ratio::of(errors(20, 100), errors(0, 100)).is_none());
    }

    #[test]
    fn the_outcome_follows_its_definition() {
        let outcome = |real: [u64; 2], generated: [u64; 2]| {
            let of = |wrong: [u64; 2]| wrong.map(|wrong| errors(wrong, 1000));
            Tournament { real: of(real), generated: of(generated) }.outcome()
        };
        assert_eq!(outcome([200, 200], [100, 300]), Outcome::First);
        assert_eq!(outcome([200, 200], [300, 100]), Outcome::Second);
        // 1.2 and 1 / 1.2 count as about 1, 1.3 and 1 / 1.3 do not.
        assert_eq!(outcome([240, 200], [100, 300]), Outcome::First);
        assert_eq!(outcome([200, 240], [100, 300]), Outcome::First);
        let unequal = Outcome::Tie(Undecided::UnequalDiscriminators);
        assert_eq!(outcome([260, 200], [100, 300]), unequal);
        assert_eq!(outcome([200, 260], [100, 300]), unequal);
        assert_eq!(outcome([200, 200], [100, 105]), Outcome::Tie(Undecided::Chance));
        assert_eq!(outcome([200, 200], [100, 0]), Outcome::Tie(Undecided::NoErrors));
        assert_eq!(outcome([0, 200], [100, 300]), Outcome::Tie(Undecided::NoErrors));
    }
}
