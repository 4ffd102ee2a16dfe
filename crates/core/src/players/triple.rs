//! Three kinds of pairs of samples and conditions: real samples under their own conditions, the same ones under conditions
//! of others, and generated samples. Without the second kind a discriminator has no reason to compare samples with their
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

/// What a discriminator is given in an update.
#[derive(Clone, Copy)]
pub struct Triple<'a, S> {
    /// Real samples under their own conditions.
    pub real: &'a S,
    /// Real samples under conditions of others, which should be scored low; without them conditions need not be compared.
    pub wrong: Option<&'a S>,
    /// Generated samples under the conditions they were generated from.
    pub fake: &'a S,
}

impl<M: Scorer> Critic<M> {
    /// One step of the discriminator; no gradient flows into its inputs. Wrong pairs count as much as generated samples, and
    /// both together as much as real ones: `1/2 (L(real, wrong) + L(real, fake))` of the objective `L`, which is `s(-D(real))
    /// + 1/2 (s(D(wrong)) + s(D(fake)))` of the original one with softplus `s`. `heads` are as in
    /// [`Critic::learn_with`].
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
        if let Some(wrong) = wrong {
            let sides = self.sides((real.detached(), wrong.detached()), "wrong", draw)?;
            let mut masks = draw.stream(&self.purpose("dropout/wrong"));
            let scored = self.score(None, sides.inputs().1, Mode::Training, &mut masks)?;
            let objective = self.rules.objective;
            let mismatched = over_scores(&self.rules, (&compared.real, &scored), &sides, |scores| {
                objective.discriminator_loss(scores)
            })?;
            compared.adversarial = compared.adversarial.add(&mismatched)?.scale(0.5)?;
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
}
