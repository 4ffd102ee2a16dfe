//! What systems that translate images share.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{IMAGES, PARTNER, SECOND, SECOND_PARTNER};
use brigand_core::capability::{Content, Direction, Exhibit, Showing};
use brigand_core::players::{OptimizerRecipe, Turn};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::held_out::for_each_portion;

/// Name of the mean absolute distance of held-out images' translations to their known partners, in [0, 1], of a mean over
/// the directions.
pub const PAIR_ERROR: &str = "pair_error";
/// Name of the mean absolute distance of images to what both translations make of them, both domains summed.
pub const CYCLE_ERROR: &str = "cycle_error";
/// Name of the mean absolute distance of held-out images to what both translations make of them, in [0, 1].
pub const HELD_OUT_CYCLE_ERROR: &str = "held_out_cycle_error";

/// From the first domain to the second.
pub(super) const TO_SECOND: Direction = Direction { name: "a-to-b", from: IMAGES, to: SECOND };
/// From the second domain to the first.
pub(super) const TO_FIRST: Direction = Direction { name: "b-to-a", from: SECOND, to: IMAGES };

/// How translators and discriminators step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslationOptimizers {
    /// The translators'.
    pub translator: OptimizerRecipe,
    /// The discriminators'.
    pub discriminator: OptimizerRecipe,
}

impl TranslationOptimizers {
    /// Refuses settings that no optimizer has.
    pub(super) fn check(&self) -> Result<()> {
        self.translator.check("translator")?;
        self.discriminator.check("discriminator")
    }
}

/// The shapes `[channels, height, width]` of the two domains' images.
///
/// # Errors
/// If their heights or widths differ.
pub(super) fn domains(setup: &Setup) -> Result<[[usize; 3]; 2]> {
    let (first, second) = (setup.schema.image(IMAGES)?, setup.schema.image(SECOND)?);
    if first[1..] != second[1..] {
        return Err(Error::Data(format!(
            "the first domain's images are {}x{}, the second's {}x{}; set data.size, which fits both",
            first[2], first[1], second[2], second[1]
        )));
    }
    Ok([first, second])
}

/// A system that translates between two domains in both directions.
pub(super) trait BothWays {
    /// What translating `images` in a direction gives, and what translating that back gives.
    fn there_and_back(&self, direction: &Direction, images: &Variable) -> Result<(Variable, Variable)>;
}

/// Notes the errors on held-out images; that on pairs where the data has them.
pub(super) fn note_held_out(system: &impl BothWays, turn: &mut Turn<'_>) -> Result<()> {
    let (mut cycle, mut pair) = (Mean::default(), Mean::default());
    for_each_portion(turn.feed(), |batch| {
        for (direction, partner) in [(&TO_SECOND, PARTNER), (&TO_FIRST, SECOND_PARTNER)] {
            let images = batch.numbers(direction.from)?;
            let (translated, again) = system.there_and_back(direction, images)?;
            cycle.add_distance(&again, images)?;
            if let Some(partner) = batch.optional_numbers(partner)? {
                pair.add_distance(&translated, partner)?;
            }
        }
        Ok(())
    })?;
    for (name, mean) in [(HELD_OUT_CYCLE_ERROR, cycle), (PAIR_ERROR, pair)] {
        if let Some(mean) = mean.value() {
            turn.report.note_number(name, mean);
        }
    }
    Ok(())
}

/// For each direction a row for each of a few images: the image, its translation, and the translation back.
pub(super) fn show_both_ways(system: &impl BothWays, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
    [TO_SECOND, TO_FIRST]
        .iter()
        .map(|direction| {
            let images = showing.examples.numbers(direction.from)?;
            let (translated, again) = system.there_and_back(direction, images)?;
            side_by_side(direction.name, &[images, &translated, &again])
        })
        .collect()
}

/// The mean absolute distance of two batches of images, on their scale.
pub(super) fn distance(a: &Variable, b: &Variable) -> Result<Variable> {
    Ok(a.sub(b)?.abs()?.mean_all()?)
}

/// The mean over all images of a number that is known of each batch.
#[derive(Default)]
pub(super) struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    /// Adds the mean absolute distance of `found` and `wanted` on the scale [0, 1].
    pub(super) fn add_distance(&mut self, found: &Variable, wanted: &Variable) -> Result<()> {
        let distance = without_recording(|| distance(found, wanted))?.scalar()?;
        self.add(found.shape().first().copied().unwrap_or(0), distance / 2.0);
        Ok(())
    }

    /// Adds the mean of `count` images.
    pub(super) fn add(&mut self, count: usize, mean: f64) {
        self.sum += count as f64 * mean;
        self.count += count as f64;
    }

    /// The mean; none of nothing.
    pub(super) fn value(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// The first images of each batch side by side, then the second, and so on; two of these groups in a row.
pub(super) fn side_by_side(series: &str, batches: &[&Variable]) -> Result<Exhibit> {
    let channels = batches.iter().filter_map(|of| of.shape().get(1)).max().copied().unwrap_or(1);
    let count = batches.iter().filter_map(|of| of.shape().first()).min().copied().unwrap_or(0);
    let mut shown = Vec::with_capacity(count * batches.len());
    for number in 0..count {
        for of in batches {
            let (_, _, height, width) = of.dims4("images beside each other")?;
            shown.push(of.narrow(0, number, 1)?.broadcast_to(&[1, channels, height, width])?);
        }
    }
    let images = Variable::concatenate(&shown.iter().collect::<Vec<_>>(), 0)?;
    let content = Content::Images { images, columns: 2 * batches.len() };
    Ok(Exhibit { series: series.to_owned(), content })
}
