//! The two sides of a comparison, and the losses of both players on them.

use brigand_autograd::Variable;

use super::input::Input;
use super::precision::{accurate, in_type_of};
use super::rules::Rules;
use super::scorer::Scored;
use crate::error::{Error, Result};
use crate::objectives::{ScoreShape, Scores};

/// A real and a fake batch, and what the discriminator is given of them, which carries noise where the rules say so.
pub struct Sides<S> {
    /// The real side.
    pub real: S,
    /// The fake side.
    pub fake: S,
    pub(super) noisy_real: S,
    pub(super) noisy_fake: S,
}

impl<S> Sides<S> {
    /// What the discriminator is given of the real and of the fake side.
    pub fn inputs(&self) -> (&S, &S) {
        (&self.noisy_real, &self.noisy_fake)
    }
}

/// The discriminator's outputs for both sides and its loss.
pub struct Compared<A> {
    /// For the real side.
    pub real: Scored<A>,
    /// For the fake side.
    pub fake: Scored<A>,
    /// The objective's part of the loss, a scalar.
    pub adversarial: Variable,
    /// What is added to it, by name: the penalty, the consistency term.
    pub terms: Vec<(&'static str, Variable)>,
}

impl<A> Compared<A> {
    /// The whole loss, with further terms of other heads.
    pub fn loss(&self, heads: &[(&'static str, Variable)]) -> Result<Variable> {
        let add = |sum: Variable, (_, term): &(&str, Variable)| -> Result<Variable> {
            Ok(sum.add(&in_type_of(term, &sum)?)?)
        };
        let loss = heads.iter().try_fold(self.adversarial.clone(), add)?;
        match self.added()? {
            None => Ok(loss),
            Some(terms) => Ok(loss.add(&in_type_of(&terms, &loss)?)?),
        }
    }

    /// The sum of what is added to the objective's part.
    pub(super) fn added(&self) -> Result<Option<Variable>> {
        let Some(((_, first), rest)) = self.terms.split_first() else { return Ok(None) };
        let add = |sum: Variable, (_, term): &(&str, Variable)| -> Result<Variable> {
            Ok(sum.add(&in_type_of(term, &sum)?)?)
        };
        rest.iter().try_fold(first.clone(), add).map(Some)
    }
}

/// The outputs for the fakes, and for real samples where the loss needs them, with the loss of whoever made the fakes.
pub struct GeneratorLoss<A> {
    /// The scalar loss, to be differentiated.
    pub loss: Variable,
    /// The outputs for the real side, where the loss needs them.
    pub real: Option<Scored<A>>,
    /// The outputs for the fake side.
    pub fake: Scored<A>,
}

/// The objective's loss of whoever made the fakes, feature matching instead of it or beside it.
pub(super) fn generator_loss<S: Input, A>(
    rules: &Rules,
    (real, fake): (Option<&Scored<A>>, &Scored<A>),
    sides: &Sides<S>,
) -> Result<Variable> {
    let (objective, matching) = (rules.objective, rules.feature_matching);
    let adversarial = || {
        let beside = real.unwrap_or(fake);
        over_scores(rules, (beside, fake), sides, |scores| objective.generator_loss(scores))
    };
    match real.filter(|_| matching.weight > 0.0) {
        None => adversarial(),
        Some(real) => {
            let features = (accurate(real.last_features()?)?, accurate(fake.last_features()?)?);
            let term = matching.term(&features.0, &features.1)?;
            Ok(if matching.alone { term } else { adversarial()?.add(&term)? })
        }
    }
}

/// Each sample's gradient `[batch, ...]` times its factor `[batch]`.
pub(super) fn per_sample(gradient: &Variable, factors: &Variable) -> Result<Variable> {
    let mut shape = vec![1; gradient.rank()];
    shape[0] = factors.elements();
    Ok(gradient.mul(&in_type_of(&factors.reshape(&shape)?, gradient)?)?)
}

/// The samples themselves, for objectives that compare them.
pub(super) fn compared_samples<S: Input>(
    rules: &Rules,
    sides: &Sides<S>,
) -> Result<Option<(Variable, Variable)>> {
    if !rules.objective.properties().compares_samples {
        return Ok(None);
    }
    let first = |side: &S| -> Result<Variable> {
        let missing = || Error::Internal("an objective that compares samples was given none".into());
        accurate(&side.parts()?.into_iter().next().ok_or_else(missing)?)
    };
    Ok(Some((first(&sides.real)?, first(&sides.fake)?)))
}

/// The mean of a loss over all score tensors.
pub(super) fn over_scores<S: Input, A>(
    rules: &Rules,
    (real, fake): (&Scored<A>, &Scored<A>),
    sides: &Sides<S>,
    loss: impl Fn(&Scores<'_>) -> Result<Variable>,
) -> Result<Variable> {
    let samples = compared_samples(rules, sides)?;
    let features = fake.features.last().map(accurate).transpose()?;
    if real.scores.len() != fake.scores.len() {
        return Err(Error::Internal("a discriminator scored the two sides differently often".into()));
    }
    mean(real.scores.iter().zip(&fake.scores).map(|(real_scores, fake_scores)| {
        let takes_maps = match rules.objective.properties().scores {
            ScoreShape::Any => true,
            ScoreShape::PerSample => false,
        };
        if fake_scores.rank() != 1 && !takes_maps {
            return Err(Error::Recipe(format!(
                "objective.kind={} needs one score for each sample, and this discriminator gives maps {:?}; choose \
                 another objective",
                rules.objective.kind(),
                fake_scores.shape()
            )));
        }
        loss(&Scores {
            samples: samples.as_ref().map(|(real, fake)| (real, fake)),
            fake_features: features.as_ref(),
            ..Scores::new(real_scores, fake_scores)
        })
    }))
}

pub(super) fn total(mut terms: impl Iterator<Item = Result<Variable>>) -> Result<Variable> {
    let first =
        terms.next().ok_or_else(|| Error::Internal("a discriminator gave nothing to add up".into()))??;
    terms.try_fold(first, |sum, term| Ok(sum.add(&term?)?))
}

pub(super) fn mean(terms: impl Iterator<Item = Result<Variable>>) -> Result<Variable> {
    let terms: Vec<Variable> = terms.collect::<Result<_>>()?;
    let count = terms.len();
    let sum = total(terms.into_iter().map(Ok))?;
    Ok(if count == 1 { sum } else { sum.scale(1.0 / count as f64)? })
}
