//! How near translations are to the true partners of what was translated, beside two results that need no translator.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, HostField, NumberKey, Source};
use brigand_core::capability::{Direction, Translator};
use brigand_core::random::Stream;
use brigand_core::{Error, Place, Result};

use crate::extractors::Extractor;

/// Pairs that are translated at once.
const PORTION: usize = 64;

/// Mean distances to the partners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairErrors {
    /// Of the translations.
    pub translated: f64,
    /// Of the originals as they are; `None` where the two domains have different channels.
    pub untranslated: Option<f64>,
    /// Of the mean of all partners.
    pub mean_partner: f64,
}

/// Pairs: the fields of a source that hold originals and their partners.
#[derive(Clone, Copy)]
pub struct PairSource<'a> {
    /// The source.
    pub source: &'a dyn Source,
    /// The originals, as the direction reads them.
    pub originals: NumberKey,
    /// Their partners.
    pub partners: NumberKey,
    /// Pairs to take, from the first on.
    pub count: usize,
}

impl PairSource<'_> {
    /// Originals and partners of pairs `start..end`, `[n, channels, height, width]` each.
    fn portion(&self, start: usize, end: usize, place: &Place) -> Result<(Variable, Variable)> {
        let numbers: Vec<usize> = (start..end).collect();
        let mut fields = self.source.get(&numbers, &mut Stream::new(0, "pairs", 0))?;
        let mut of = |key: NumberKey| match fields.remove(key.0) {
            Some(HostField::Numbers(values, shape)) => place.numbers(values, &shape),
            Some(HostField::Indices(_)) | None => {
                Err(Error::Data(format!("pairs have no images called `{}`", key.0)))
            }
        };
        Ok((of(self.originals)?, of(self.partners)?))
    }

    fn portions(&self) -> impl Iterator<Item = (usize, usize)> {
        let count = self.count;
        (0..count).step_by(PORTION).map(move |start| (start, (start + PORTION).min(count)))
    }

    /// The mean of all partners, `[1, channels, height, width]`.
    fn mean_partner(&self, place: &Place) -> Result<Variable> {
        let mut sum: Option<Variable> = None;
        for (start, end) in self.portions() {
            let own = self.portion(start, end, place)?.1.sum_keeping(&[0])?;
            sum = Some(match sum {
                Some(sum) => sum.add(&own)?,
                None => own,
            });
        }
        let sum =
            sum.ok_or_else(|| Error::Data("there are no pairs to measure on; give at least one".into()))?;
        Ok(sum.scale(1.0 / self.count as f64)?)
    }
}

/// The distances of translations, of the originals, and of the mean of the partners to the partners. Without an extractor the
/// mean absolute distance of pixels in [0, 1], with one the mean Euclidean distance of its features.
///
/// # Errors
/// If there are no pairs, or their images cannot be translated.
pub fn pair_errors(
    (translator, direction): (&dyn Translator, &Direction),
    pairs: PairSource<'_>,
    extractor: Option<&Extractor>,
    place: &Place,
) -> Result<PairErrors> {
    without_recording(|| {
        let mean = pairs.mean_partner(place)?;
        let (mut translated, mut mean_partner, mut untranslated) = (0.0, 0.0, Some(0.0));
        for (start, end) in pairs.portions() {
            let (originals, partners) = pairs.portion(start, end, place)?;
            let count = (end - start) as f64;
            let made =
                translator.translate(direction, &Batch::default().with(direction.from, originals.clone()))?;
            translated += count * distance(&made, &partners, extractor)?;
            mean_partner += count * distance(&mean.broadcast_to(partners.shape())?, &partners, extractor)?;
            untranslated = match untranslated.filter(|_| originals.shape() == partners.shape()) {
                Some(sum) => Some(sum + count * distance(&originals, &partners, extractor)?),
                None => None,
            };
        }
        let count = pairs.count as f64;
        Ok(PairErrors {
            translated: translated / count,
            untranslated: untranslated.map(|sum| sum / count),
            mean_partner: mean_partner / count,
        })
    })
}

/// The mean distance of two batches of images.
fn distance(found: &Variable, wanted: &Variable, extractor: Option<&Extractor>) -> Result<f64> {
    let Some(extractor) = extractor else {
        return Ok(found.sub(wanted)?.abs()?.mean_all()?.scalar()? / 2.0);
    };
    let features =
        |of: &Variable| Ok::<_, Error>(Variable::constant(extractor.extract(of.tensor())?.features));
    Ok(features(found)?.sub(&features(wanted)?)?.sample_norm()?.mean_all()?.scalar()?)
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::{HostBatch, IMAGES, Kind, MemorySource, SECOND, Schema};

    use super::*;

    const DIRECTION: Direction = Direction { name: "a-to-b", from: IMAGES, to: SECOND };

    /// Negates images.
    struct Negative;

    impl Translator for Negative {
        fn directions(&self) -> &[Direction] {
            &[DIRECTION]
        }

        fn channels(&self, _: &Direction) -> usize {
            1
        }

        fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable> {
            Ok(batch.numbers(direction.from)?.scale(-1.0)?)
        }
    }

    fn errors(first: &[f32], second: &[f32], extractor: Option<&Extractor>) -> Result<PairErrors> {
        let count = first.len();
        let schema = [IMAGES, SECOND]
            .iter()
            .fold(Schema::default(), |schema, key| schema.with(key.0, Kind::Image {}, &[1, 1, 1]));
        let field = |values: &[f32]| HostField::Numbers(values.to_vec(), vec![count, 1, 1, 1]);
        let fields = HostBatch::from([(IMAGES.0, field(first)), (SECOND.0, field(second))]);
        let source = MemorySource::new(count, schema, fields).unwrap();
        let pairs = PairSource { source: &source, originals: IMAGES, partners: SECOND, count };
        pair_errors((&Negative, &DIRECTION), pairs, extractor, &Place::cpu())
    }

    #[test]
    fn distances_are_those_by_hand() {
        // Negating gives 0, -1: off by 0 and 1 of a range of 2. As they are: off by 0 and 1. The mean of the partners is -1.
        let found = errors(&[0.0, 1.0], &[0.0, -2.0], None).unwrap();
        assert_eq!(found, PairErrors { translated: 0.25, untranslated: Some(0.75), mean_partner: 0.5 });
        let pixels = Extractor::pixels();
        let found = errors(&[0.6, 1.0], &[-0.6, -1.0], Some(&pixels)).unwrap();
        assert!(found.translated < 0.01 && (found.untranslated.unwrap() - 1.6).abs() < 0.01, "{found:?}");
        // More than one portion.
        let (many, other) = (vec![0.5; 150], vec![-0.5; 150]);
        let found = errors(&many, &other, None).unwrap();
        assert!(found.translated.abs() < 1e-6 && (found.untranslated.unwrap() - 0.5).abs() < 1e-6);
        assert!(errors(&[], &[], None).is_err());
    }
}
