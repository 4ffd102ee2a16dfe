//! Changes of lines, from which the generator writes them again: a denoising auto-encoder (Lample et al. 2018, arXiv:1711.00043).

use brigand_core::batch::{END, Indices};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How lines are changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseRecipe {
    /// The share of words that are left out; at least one stays.
    pub drop: f64,
    /// How many places a word moves at most.
    pub shuffle: usize,
}

impl NoiseRecipe {
    pub(super) fn check(self) -> Result<()> {
        if (0.0..1.0).contains(&self.drop) {
            return Ok(());
        }
        Err(Error::Recipe(format!("noise.drop is {}; give 0 or more and less than 1", self.drop)))
    }

    /// `lines` `[batch, length]`, changed.
    ///
    /// # Errors
    /// If they have another shape.
    pub(super) fn of(self, lines: &Indices, stream: &mut Stream) -> Result<Indices> {
        let length = lines.row_length()?;
        let mut values = Vec::with_capacity(lines.values.len());
        for line in lines.values.chunks(length) {
            let words: Vec<u32> = line.iter().copied().take_while(|&token| token != END).collect();
            let draws = stream.uniform(2 * words.len(), 0.0, 1.0);
            let (dropped, moved) = draws.split_at(words.len());
            let kept = words.iter().zip(dropped).zip(moved).enumerate();
            let mut kept: Vec<(f32, u32)> = kept
                .filter(|(_, ((_, draw), _))| f64::from(**draw) >= self.drop)
                .map(|(place, ((word, _), draw))| (place as f32 + draw * (self.shuffle as f32 + 1.0), *word))
                .collect();
            if self.shuffle > 0 {
                kept.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
            if kept.is_empty() {
                kept.extend(words.first().map(|word| (0.0, *word)));
            }
            let own = kept.into_iter().map(|(_, word)| word);
            values.extend(own.chain(std::iter::repeat(END)).take(length));
        }
        Ok(Indices { values, shape: lines.shape.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(noise: NoiseRecipe) -> Vec<Vec<u32>> {
        let lines = Indices { values: [1, 2, 3, 4, 5, 0, 0].repeat(400), shape: vec![400, 7] };
        noise
            .of(&lines, &mut Stream::new(1, "test", 0))
            .unwrap()
            .values
            .chunks(7)
            .map(<[u32]>::to_vec)
            .collect()
    }

    #[test]
    fn words_are_dropped_and_moved_no_further_than_asked() {
        let same = changed(NoiseRecipe { drop: 0.0, shuffle: 0 });
        assert!(same.iter().all(|line| *line == [1, 2, 3, 4, 5, 0, 0]));
        let dropped = changed(NoiseRecipe { drop: 0.2, shuffle: 0 });
        let words: usize = dropped.iter().flatten().filter(|token| **token != END).count();
        assert!((words as f64 / 2000.0 - 0.8).abs() < 0.03, "{words}");
        let moved = changed(NoiseRecipe { drop: 0.0, shuffle: 2 });
        let distance = |line: &Vec<u32>| {
            line.iter().zip(1i64..).take(5).map(|(word, place)| (i64::from(*word) - place).abs()).max()
        };
        let far = moved.iter().filter_map(distance).max();
        assert_eq!(far, Some(2));
        let nothing = changed(NoiseRecipe { drop: 0.99, shuffle: 3 });
        assert!(nothing.iter().all(|line| line[0] != END));
        assert!(NoiseRecipe { drop: 1.0, shuffle: 0 }.check().is_err());
    }
}
