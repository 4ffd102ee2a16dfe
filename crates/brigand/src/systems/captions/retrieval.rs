//! How well images show their captions, by the frozen encoders: whether an image is nearer to its own caption than to nine
//! others.

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::batch::{CAPTION, Feed, IMAGES, MEANING};
use brigand_core::capability::{Retrieval, Sampler};
use brigand_core::players::Turn;
use brigand_core::random::Stream;

use super::CaptionGan;
use crate::systems::held_out::for_each_portion;

/// Name of the share of images made of held-out captions that are nearer to their caption than to nine of other meanings.
pub const RETRIEVAL: &str = "retrieval";
/// Name of the same share of the held-out images themselves.
pub const REAL_RETRIEVAL: &str = "real_retrieval";

/// Name of the same share of images made of captions of the training data, whatever the held-out one: what an image gets that does
/// not depend on its caption.
pub const RANDOM_RETRIEVAL: &str = "random_retrieval";

/// Captions that an image's own is compared with.
const OTHERS: usize = 9;

/// Which images were nearest to their own caption, of how many.
#[derive(Default)]
struct Counted {
    right: usize,
    all: usize,
}

impl Counted {
    /// Counts the rows of `likeness` `[images, captions]` that are larger at their own caption than at others, `others[row]`.
    fn add(&mut self, likeness: &[f32], others: &[Vec<usize>]) {
        for ((number, row), others) in likeness.chunks(others.len().max(1)).enumerate().zip(others) {
            if others.len() == OTHERS {
                let at = |place: usize| row.get(place).copied().unwrap_or(f32::NAN);
                self.all += 1;
                self.right += usize::from(others.iter().all(|&other| at(number) > at(other)));
            }
        }
    }

    fn share(&self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }
}

/// Measures the held-out captions of `feed`, always against the same others, with `draws` images of each caption.
pub(super) fn measure(system: &CaptionGan, feed: &Feed, seed: u64, draws: u64) -> Result<Option<Retrieval>> {
    let (mut made, mut real, mut random) = (Counted::default(), Counted::default(), Counted::default());
    let mut stream = Stream::new(seed, "retrieval", 0);
    let mut draw = 0;
    for_each_portion(feed, |batch| {
        let (images, captions) = (batch.numbers(IMAGES)?, batch.indices(CAPTION)?);
        let meanings = &batch.indices(MEANING)?.values;
        let others: Vec<Vec<usize>> =
            meanings.iter().map(|own| others(*own, meanings, &mut stream)).collect();
        let vectors = system.encoders.vectors(captions)?;
        let likeness = |images: &Variable| -> Result<Vec<f32>> {
            Ok(system.encoders.image_vectors(images)?.matmul(&vectors.transposed()?)?.to_vec_f32()?)
        };
        real.add(&likeness(images)?, &others);
        let rows: Vec<Vec<u32>> = captions.rows()?.map(<[u32]>::to_vec).collect();
        for _ in 0..draws {
            let latents =
                system.latents(meanings.len(), &mut Stream::new(seed, "retrieval/latents", draw))?;
            made.add(&likeness(&system.generate_all(&system.with_tokens(&latents, &rows)?)?)?, &others);
            // As they are drawn, latents have captions of the training data.
            random.add(&likeness(&system.generate_all(&latents)?)?, &others);
            draw += 1;
        }
        Ok(())
    })?;
    let captions = real.all;
    let shares = (made.share(), real.share(), random.share());
    let (Some(made), Some(real), Some(random)) = shares else { return Ok(None) };
    Ok(Some(Retrieval { captions, made, real, random }))
}

/// Notes the shares of one image of each held-out caption.
pub(super) fn note(system: &CaptionGan, turn: &mut Turn<'_>) -> Result<()> {
    let Some(Retrieval { captions: _, made, real, random }) = measure(system, turn.feed(), system.seed, 1)?
    else {
        return Ok(());
    };
    for (name, share) in [(RETRIEVAL, made), (REAL_RETRIEVAL, real), (RANDOM_RETRIEVAL, random)] {
        turn.report.note_number(name, share);
    }
    Ok(())
}

/// The numbers of nine samples of other meanings, all different; fewer where there are not so many.
fn others(own: u32, meanings: &[u32], stream: &mut Stream) -> Vec<usize> {
    let mut seen = std::collections::BTreeSet::from([own]);
    let order = stream.permutation(meanings.len()).into_iter();
    order
        .filter(|&other| meanings.get(other).is_some_and(|meaning| seen.insert(*meaning)))
        .take(OTHERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_right_that_is_nearest_to_its_own_caption() {
        let meanings: Vec<u32> = (0..12).map(|number| number / 2).collect();
        let found = others(0, &meanings, &mut Stream::new(1, "a test", 0));
        assert_eq!(found.len(), 5);
        let meanings: Vec<u32> = (0..20).collect();
        let chosen: Vec<Vec<usize>> =
            meanings.iter().map(|own| others(*own, &meanings, &mut Stream::new(1, "a test", 0))).collect();
        assert!(chosen.iter().enumerate().all(|(own, others)| others.len() == 9 && !others.contains(&own)));
        let likeness: Vec<f32> =
            (0..400).map(|place| if place / 20 == place % 20 { 1.0 } else { 0.5 }).collect();
        let mut counted = Counted::default();
        counted.add(&likeness, &chosen);
        counted.add(&likeness.iter().map(|value| -value).collect::<Vec<_>>(), &chosen);
        assert_eq!(counted.share(), Some(0.5));
    }
}
