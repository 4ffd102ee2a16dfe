//! What a run shows: samples of captions beside real images, and captions of which one word changes.

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::batch::{CAPTION, IMAGES};
use brigand_core::capability::{Content, Exhibit, Sampler, Showing};
use brigand_core::modules::Statistics;

use super::CaptionGan;
use super::sampling::Made;

/// Samples of a caption.
const SAMPLES: usize = 5;
/// Pairs of captions of which one word differs.
const SWAPS: usize = 4;

/// A row for each of a few captions: the image that belongs to it, and samples; the same with a word changed; and the first
/// generator's images before the second's.
pub(super) fn show(system: &CaptionGan, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
    let captions = showing.examples.indices(CAPTION)?;
    let rows: Vec<Vec<u32>> = captions.rows()?.map(<[u32]>::to_vec).collect();
    let real = showing.examples.numbers(IMAGES)?;
    let made = made(system, showing, &rows)?;
    let samples = made.large.clone().map_or_else(|| system.enlarged(&made.small), Ok)?;
    let beside = |number: usize| -> Result<Vec<Variable>> {
        Ok(vec![real.narrow(0, number, 1)?, samples.narrow(0, number * SAMPLES, SAMPLES)?])
    };
    let mut shown = vec![rows_of(system, "captions", &rows, (SAMPLES + 1, &beside))?];
    if let Some(large) = &made.large {
        let small = system.enlarged(&made.small)?;
        let both = |number: usize| -> Result<Vec<Variable>> {
            let of = |images: &Variable| images.narrow(0, number * SAMPLES, SAMPLES);
            Ok(vec![of(&small)?, of(large)?])
        };
        shown.push(rows_of(system, "stages", &rows, (2 * SAMPLES, &both))?);
    }
    let swapped = swaps(&examples(system));
    if !swapped.is_empty() {
        let made = self::made(system, showing, &swapped)?;
        let samples = made.large.map_or_else(|| system.enlarged(&made.small), Ok)?;
        let own = |number: usize| -> Result<Vec<Variable>> {
            Ok(vec![samples.narrow(0, number * SAMPLES, SAMPLES)?])
        };
        shown.push(rows_of(system, "word-swaps", &swapped, (SAMPLES, &own))?);
    }
    Ok(shown)
}

/// Samples of every caption, the same noise for each.
fn made(system: &CaptionGan, showing: &Showing<'_>, captions: &[Vec<u32>]) -> Result<Made> {
    let latents = system.latents(SAMPLES, &mut showing.stream("captions"))?;
    let latents = Variable::concatenate(&vec![&latents; captions.len()], 0)?;
    let rows: Vec<Vec<u32>> =
        captions.iter().flat_map(|caption| std::iter::repeat_n(caption.clone(), SAMPLES)).collect();
    system.made(&system.with_tokens(&latents, &rows)?, &mut Statistics::Stored)
}

/// A row of images for each caption.
fn rows_of(
    system: &CaptionGan,
    series: &str,
    captions: &[Vec<u32>],
    (columns, row): (usize, &dyn Fn(usize) -> Result<Vec<Variable>>),
) -> Result<Exhibit> {
    let images: Vec<Variable> =
        (0..captions.len()).map(row).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let images = Variable::concatenate(&images.iter().collect::<Vec<_>>(), 0)?;
    let names = captions.iter().map(|caption| system.encoders.vocabulary.text(caption)).collect();
    Ok(Exhibit { series: series.into(), content: Content::Rows { images, names, columns } })
}

/// The captions that samples are drawn from where none is given.
fn examples(system: &CaptionGan) -> Vec<Vec<u32>> {
    use brigand_core::latent::{CAPTION, Distribution};
    match system.space().part(CAPTION) {
        Some((_, Distribution::Points { size, rows })) => {
            let row = |row: &[f32]| row.iter().map(|&token| token as u32).collect();
            rows.chunks_exact((*size).max(1)).map(row).collect()
        }
        _ => Vec::new(),
    }
}

/// Pairs of captions that differ in one word, at as many different words as there are, one pair after another.
fn swaps(captions: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let (mut found, mut words) = (Vec::new(), std::collections::BTreeSet::new());
    for (number, first) in captions.iter().enumerate() {
        for second in captions.iter().skip(number + 1) {
            let mut differing = first.iter().zip(second).filter(|(one, other)| one != other);
            let (Some(pair), None) = (differing.next(), differing.next()) else { continue };
            let new = !words.contains(pair.0) && !words.contains(pair.1) && *pair.0 > 1 && *pair.1 > 1;
            if new && found.len() < 2 * SWAPS {
                words.extend([*pair.0, *pair.1]);
                found.extend([first.clone(), second.clone()]);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_paired_that_differ_in_one_word() {
        let captions =
            [vec![2, 3, 4], vec![2, 5, 4], vec![2, 6, 4], vec![2, 3, 7], vec![8, 9, 0], vec![8, 9, 2]];
        // 3 for 5, then 4 for 7; 6 would change a word again, and the last two differ by an end.
        assert_eq!(swaps(&captions), [vec![2, 3, 4], vec![2, 5, 4], vec![2, 3, 4], vec![2, 3, 7]]);
        let captions = [vec![2, 3, 4], vec![2, 5, 4], vec![6, 3, 4], vec![7, 3, 4]];
        assert_eq!(swaps(&captions), [vec![2, 3, 4], vec![2, 5, 4], vec![2, 3, 4], vec![6, 3, 4]]);
        assert!(swaps(&[vec![2, 3]]).is_empty());
    }
}
