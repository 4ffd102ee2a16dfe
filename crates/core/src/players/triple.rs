//! Three kinds of pairs of samples and conditions: real samples under their own conditions, the same ones under conditions
//! of others, and generated samples. Without the second kind nothing trains a discriminator to compare samples with their
//! conditions (Reed et al. 2016, arXiv:1605.05396).

use brigand_autograd::Variable;

use super::comparison::over_scores;
use super::critic::Critic;
use super::input::Input;
use super::report::share_above;
use super::scorer::{Scored, Scorer};
use super::turn::{Draw, Turn};
use crate::error::Result;
use crate::modules::Mode;
use crate::random::Stream;

/// Real samples under conditions of others, which should be scored low.
#[derive(Clone, Copy)]
pub enum Wrong<'a, S> {
    /// None: the score separates real from generated samples alone, under their conditions.
    None,
    /// They count as much as generated samples: one score says whether a sample is real and fits its condition.
    Beside(&'a S),
    /// They stand in the place of generated samples: the score says whether a sample fits its condition, and is trained on real
    /// samples only. Another head has to say whether samples are real.
    Instead(&'a S),
}

/// What a discriminator is given in an update.
#[derive(Clone, Copy)]
pub struct Triple<'a, S> {
    /// Real samples under their own conditions.
    pub real: &'a S,
    /// Real samples under conditions of others.
    pub wrong: Wrong<'a, S>,
    /// Generated samples under the conditions they were generated from.
    pub fake: &'a S,
}

impl<M: Scorer> Critic<M> {
    /// One step of the discriminator; no gradient flows into its inputs. With [`Wrong::Beside`] wrong pairs count as much as
    /// generated samples, and both together as much as real ones: `1/2 (L(real, wrong) + L(real, fake))` of the objective `L`,
    /// which is `s(-D(real)) + 1/2 (s(D(wrong)) + s(D(fake)))` of the original one with softplus `s`. With [`Wrong::Instead`] the
    /// loss is `L(real, wrong)`. `heads` are as in [`Critic::learn_with`].
    ///
    /// # Errors
    /// If the inputs do not fit, or a parameter is not used.
    pub fn learn_triple(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        triple: Triple<'_, M::Input>,
        heads: impl FnOnce(&Scored<M::Also>, &Scored<M::Also>) -> Result<Vec<(&'static str, Variable)>>,
    ) -> Result<()> {
        let Triple { real, wrong, fake } = triple;
        let sides = self.sides((real.detached(), fake.detached()), "discriminator", draw)?;
        let mut compared = self.compare(None, &sides, Mode::Training, ("dropout/discriminator", draw))?;
        let pairs = match wrong {
            Wrong::None => None,
            Wrong::Beside(pairs) | Wrong::Instead(pairs) => Some(pairs),
        };
        if let Some(pairs) = pairs {
            let sides = self.sides((real.detached(), pairs.detached()), "wrong", draw)?;
            let mut masks = draw.stream(&self.purpose("dropout/wrong"));
            let scored = self.score(None, sides.inputs().1, Mode::Training, &mut masks)?;
            let objective = self.rules.objective;
            let mismatched = over_scores(&self.rules, (&compared.real, &scored), &sides, |scores| {
                objective.discriminator_loss(scores)
            })?;
            compared.adversarial = match wrong {
                Wrong::None | Wrong::Beside(_) => compared.adversarial.add(&mismatched)?.scale(0.5)?,
                Wrong::Instead(_) => mismatched,
            };
            if let (Some(threshold), Some(scores)) = (objective.properties().threshold, scored.scores.first())
            {
                let name = self.measurement("accuracy_wrong");
                turn.note_derived(&name, scores, move |scores| 1.0 - share_above(scores, threshold));
            }
        }
        self.report(turn, &compared);
        let heads = heads(&compared.real, &compared.fake)?;
        heads.iter().for_each(|(name, term)| turn.note(&self.purpose(name), term));
        let loss = compared.loss(&heads)?;
        turn.descend(&mut [&mut self.player], &loss)
    }
}

/// For each sample of a batch the number of another one of another meaning, drawn evenly; `None` where all mean the same, so
/// that no condition is wrong for any.
pub fn other_meanings(meanings: &[u32], stream: &mut Stream) -> Option<Vec<u32>> {
    let other = |own: &u32| {
        let others: Vec<u32> =
            meanings.iter().zip(0..).filter(|(other, _)| *other != own).map(|(_, at)| at).collect();
        stream.choose(&others).copied()
    };
    meanings.iter().map(other).collect()
}

/// As [`other_meanings`], but for `share` of the samples among the `nearest` ones of other meanings only, by `likeness`
/// `[samples, samples]`. Few of a batch's conditions differ in one thing alone from a sample's own; a discriminator that is given
/// any of the others can mostly score wrong pairs low without it. `None` where all mean the same.
pub fn near_meanings(
    meanings: &[u32],
    likeness: &[f32],
    (share, nearest): (f64, usize),
    stream: &mut Stream,
) -> Option<Vec<u32>> {
    let anywhere = other_meanings(meanings, stream)?;
    let rows = anywhere.into_iter().zip(meanings).zip(likeness.chunks(meanings.len().max(1)));
    let chosen = rows.map(|((anywhere, own), row)| {
        let drawn = stream.number(0.0, 1.0);
        if f64::from(drawn) >= share {
            return anywhere;
        }
        let others = row.iter().zip(meanings).zip(0..).filter(|((_, other), _)| *other != own);
        let mut others: Vec<(f32, u32)> = others.map(|((likeness, _), at)| (*likeness, at)).collect();
        others.sort_by(|one, other| other.0.total_cmp(&one.0));
        others.truncate(nearest.max(1));
        stream.choose(&others).map_or(anywhere, |other| other.1)
    });
    Some(chosen.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_conditions_are_never_of_the_same_meaning() {
        let meanings = [3, 3, 5, 3, 9];
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..50 {
            let chosen = other_meanings(&meanings, &mut Stream::new(1, "a test", step)).unwrap();
            for (own, other) in chosen.iter().enumerate() {
                assert_ne!(meanings[own], meanings[*other as usize]);
                seen.insert((own, *other));
            }
        }
        assert_eq!(seen.len(), 2 + 2 + 4 + 2 + 4);
        assert_eq!(other_meanings(&[1, 1], &mut Stream::new(1, "a test", 0)), None);
    }

    #[test]
    fn near_conditions_are_the_nearest_of_another_meaning() {
        let meanings = [3, 3, 5, 4, 9];
        let row = [1.0, 1.0, 0.1, 0.9, 0.8];
        let likeness: Vec<f32> = row.repeat(5);
        let mut counts = [0; 5];
        for step in 0..200 {
            let of = |share| {
                near_meanings(&meanings, &likeness, (share, 2), &mut Stream::new(1, "a test", step)).unwrap()
            };
            counts[of(1.0)[0] as usize] += 1;
            assert_eq!(Some(of(0.0)), other_meanings(&meanings, &mut Stream::new(1, "a test", step)));
        }
        // The first sample's are those of likeness 0.9 and 0.8.
        assert_eq!(counts[..3], [0; 3]);
        assert!(counts[3] > 60 && counts[4] > 60, "{counts:?}");
        assert_eq!(near_meanings(&[1, 1], &[1.0; 4], (1.0, 2), &mut Stream::new(1, "a test", 0)), None);
    }
}
