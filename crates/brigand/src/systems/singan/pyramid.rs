//! The sizes in which a picture is trained, from the coarsest to the finest, and which steps of a run train which.

use std::ops::Range;

use brigand_autograd::Variable;
use brigand_core::limits::within;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The sizes of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PyramidRecipe {
    /// The shorter side of the coarsest scale, in pixels.
    pub smallest: usize,
    /// About the size of a scale beside the next finer one, below 1; the exact factor is the nearest with which the picture's
    /// size and the smallest one fit.
    pub factor: f64,
}

impl PyramidRecipe {
    /// Refuses sizes that no picture has.
    pub fn check(&self) -> Result<()> {
        within("pyramid.smallest", self.smallest, 4..=512)?;
        within("pyramid.factor", self.factor, 0.2..=0.95)
    }

    /// The sizes of a picture of `height` and `width`.
    ///
    /// # Errors
    /// If it is too small for two scales.
    pub fn sizes(&self, [height, width]: [usize; 2]) -> Result<Vec<[usize; 2]>> {
        let share = self.smallest as f64 / height.min(width).max(1) as f64;
        let halvings = if share < 1.0 { (share.ln() / self.factor.ln()).round() as usize } else { 0 };
        if halvings == 0 {
            return Err(Error::Data(format!(
                "the picture is {width}x{height}, too small for two scales, of which the coarsest has pyramid.smallest={} \
                 pixels along its shorter side and the next is about {:.2} times as large; give a larger picture, a larger \
                 data.size (its longer side), or a smaller pyramid.smallest",
                self.smallest,
                1.0 / self.factor
            )));
        }
        let factor = share.powf(1.0 / halvings as f64);
        let side = |side: usize, scale: usize| {
            ((side as f64 * factor.powi((halvings - scale) as i32)).round() as usize).max(1)
        };
        Ok((0..=halvings).map(|scale| [side(height, scale), side(width, scale)]).collect())
    }
}

/// Heights and widths of an image of `size` at scales that are `own` of the picture.
pub(super) fn sizes_for(own: &[[usize; 2]], size: [usize; 2]) -> Vec<[usize; 2]> {
    let finest = own.last().copied().unwrap_or([1, 1]);
    let side = |axis: usize, at: usize| {
        ((size[axis] as f64 * at as f64 / finest[axis] as f64).round() as usize).max(1)
    };
    own.iter().map(|&[height, width]| [side(0, height), side(1, width)]).collect()
}

/// `image` in another size; itself where it has that size.
pub(super) fn resized(image: &Variable, [height, width]: [usize; 2]) -> Result<Variable> {
    Ok(match image.shape() {
        [.., own_height, own_width] if [*own_height, *own_width] == [height, width] => image.clone(),
        _ => image.resize_antialiased(height, width)?,
    })
}

/// The scale that step `step` of `steps` trains: every scale takes an equal share of the run, the coarsest first.
pub(super) fn scale_at(step: u64, steps: u64, scales: usize) -> usize {
    let scale = u128::from(step) * scales as u128 / u128::from(steps.max(1));
    (scale as usize).min(scales.saturating_sub(1))
}

/// The steps of a run that train `scale`.
pub(super) fn steps_of(scale: usize, steps: u64, scales: usize) -> Range<u64> {
    let first = |scale: usize| (scale as u128 * u128::from(steps)).div_ceil(scales.max(1) as u128) as u64;
    first(scale)..first(scale + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_fit_the_picture_and_the_smallest_size() {
        // The paper's: 250 pixels down to 25 with about 0.75 are 8 steps of 0.1^(1/8) = 0.7499.
        let paper = PyramidRecipe { smallest: 25, factor: 0.75 };
        let sizes = paper.sizes([188, 250]).unwrap();
        assert_eq!((sizes.len(), sizes[0], sizes[7]), (8, [25, 33], [188, 250]));
        let sizes = paper.sizes([250, 250]).unwrap();
        assert_eq!((sizes.len(), sizes[0][0], sizes[1][0], sizes[8][0]), (9, 25, 33, 250));
        let small = PyramidRecipe { smallest: 16, factor: 0.7 };
        assert_eq!(small.sizes([48, 48]).unwrap(), [[16, 16], [23, 23], [33, 33], [48, 48]]);
        assert_eq!(small.sizes([32, 48]).unwrap(), [[16, 24], [23, 34], [32, 48]]);
        for size in [[16, 16], [8, 90], [17, 17]] {
            let message = small.sizes(size).unwrap_err().to_string();
            assert!(message.contains("too small for two scales"), "{message}");
        }
    }

    #[test]
    fn other_sizes_have_the_same_scales() {
        let own = [[16, 16], [23, 23], [33, 33], [48, 48]];
        assert_eq!(sizes_for(&own, [48, 48]), own);
        assert_eq!(sizes_for(&own, [48, 96]), [[16, 32], [23, 46], [33, 66], [48, 96]]);
    }

    #[test]
    fn every_step_trains_the_scale_whose_share_it_is() {
        for (steps, scales) in [(4, 4), (10, 4), (1600, 4), (7, 3), (18_000, 9)] {
            for scale in 0..scales {
                let own = steps_of(scale, steps, scales);
                assert!(!own.is_empty() && own.clone().all(|step| scale_at(step, steps, scales) == scale));
            }
            assert_eq!(steps_of(scales - 1, steps, scales).end, steps);
        }
    }
}
