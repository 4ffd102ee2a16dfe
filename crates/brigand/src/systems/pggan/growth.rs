//! When networks grow: the stage as a function of the step and of the steps of the run.

use brigand_core::modules::Part;
use brigand_core::networks::Stage;
use brigand_core::state::State;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// When networks grow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthRecipe {
    /// The share of the run until the networks are fully grown. Its first part trains 4x4 images; then each larger size fades
    /// in and is trained for parts of the same length. 0 trains images of the data's size from the start.
    pub until: f64,
}

impl GrowthRecipe {
    /// Refuses shares of a run that are none.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying what to give.
    pub fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.until) {
            return Err(Error::Recipe(format!("growth.until is {}; give a share from 0 to 1", self.until)));
        }
        Ok(())
    }
}

/// How far a run has grown.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    doublings: usize,
    /// Steps until the networks are fully grown.
    grown: u64,
    /// Steps done.
    done: u64,
}

impl Growth {
    /// Before the first step of `steps`, on the way to so many doublings.
    pub fn new(recipe: GrowthRecipe, doublings: usize, steps: u64) -> Self {
        Self { doublings, grown: (recipe.until * steps as f64).round() as u64, done: 0 }
    }

    /// Counts a step.
    pub fn advance(&mut self) {
        self.done += 1;
    }

    /// The stage of the next step. Of `2 * doublings` parts of equal length, every second one fades in a block, whose share
    /// is 0 at its first step.
    pub fn stage(&self) -> Stage {
        if self.done >= self.grown {
            return Stage { doublings: self.doublings, share: 1.0 };
        }
        let parts = 2 * self.doublings as u64;
        let part = self.done * parts / self.grown;
        let begin = |part: u64| (part * self.grown).div_ceil(parts);
        let (first, next) = (begin(part), begin(part + 1));
        let share = (self.done - first) as f64 / (next - first).max(1) as f64;
        match part % 2 {
            0 => Stage { doublings: (part / 2) as usize, share: 1.0 },
            _ => Stage { doublings: (part / 2) as usize + 1, share },
        }
    }
}

impl Part for Growth {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.done"), self.done);
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.done = state.counter(&format!("{name}.done"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(until: f64, doublings: usize, steps: u64) -> Vec<(usize, f64)> {
        let mut growth = Growth::new(GrowthRecipe { until }, doublings, steps);
        let next = |_| {
            let Stage { share, .. } = growth.stage();
            let side = growth.stage().side();
            growth.advance();
            (side, share)
        };
        (0..steps).map(next).collect()
    }

    #[test]
    fn every_second_part_fades_in_from_0() {
        let found = stages(0.8, 2, 20);
        let expected = [
            [(4, 1.0); 4],
            [(8, 0.0), (8, 0.25), (8, 0.5), (8, 0.75)],
            [(8, 1.0); 4],
            [(16, 0.0), (16, 0.25), (16, 0.5), (16, 0.75)],
            [(16, 1.0); 4],
        ];
        assert_eq!(found, expected.concat());
    }

    #[test]
    fn parts_of_unequal_length_begin_at_0_and_never_shrink() {
        let found = stages(0.7, 3, 101);
        let mut before = (4, 1.0);
        for &(side, share) in &found {
            let fades = side == before.0 && (share > before.1 || share == 1.0);
            let begins = side == 2 * before.0 && share == 0.0 && before.1 == 1.0;
            assert!(fades || begins, "{before:?} then {:?}", (side, share));
            before = (side, share);
        }
        assert_eq!(found.last(), Some(&(32, 1.0)));
        assert_eq!(found.iter().filter(|&&stage| stage == (32, 1.0)).count(), 30);
    }

    #[test]
    fn without_growth_images_are_large_from_the_start() {
        assert!(stages(0.0, 3, 10).iter().all(|&stage| stage == (32, 1.0)));
        // So few steps that most parts are empty.
        assert_eq!(stages(0.5, 3, 4), [(4, 1.0), (16, 0.0), (32, 1.0), (32, 1.0)]);
    }
}
