//! How far networks have grown, and the images of that stage.

use brigand_autograd::Variable;

use crate::error::{Error, Result};
use crate::players::Input;

/// The side of the smallest maps.
pub const FIRST_SIDE: usize = 4;

/// How far networks have grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// How often the first side is doubled: images have a side of `4 * 2^doublings`.
    pub doublings: usize,
    /// The share of the newest block, 0 to 1; below 1 the rest is what the networks give without it.
    pub share: f64,
}

impl Stage {
    /// Height and width of images.
    pub fn side(&self) -> usize {
        FIRST_SIDE << self.doublings
    }

    /// The stage before the newest block, while it fades in.
    pub(super) fn former(&self) -> Option<usize> {
        self.doublings.checked_sub(1).filter(|_| self.share < 1.0)
    }

    /// `share * new + (1 - share) * former`.
    ///
    /// # Errors
    /// If the two differ in shape.
    pub fn mix(&self, new: &Variable, former: &Variable) -> Result<Variable> {
        Ok(new.scale(self.share)?.add(&former.scale(1.0 - self.share)?)?)
    }

    /// `images` `[batch, channels, height, width]` as large as those of this stage, and while a block fades in mixed with
    /// themselves at half that size.
    ///
    /// # Errors
    /// If they are smaller, or no doublings of this stage's.
    pub fn of_images(&self, images: &Variable) -> Result<Variable> {
        let (_, _, height, _) = images.dims4("images of a stage")?;
        let times = height / self.side();
        let images = if times > 1 { images.avg_pool2d(times, times, 0)? } else { images.clone() };
        if self.former().is_none() {
            return Ok(images);
        }
        let side = self.side();
        self.mix(&images, &images.avg_pool2d(2, 2, 0)?.resize_nearest(side, side)?)
    }

    /// The stages' blocks that train: all of those with numbers up to `doublings`, and of the conversions to or from images
    /// the newest one, with the one before while it fades in.
    pub(super) fn paths(&self, blocks: &str, conversions: &str) -> Vec<String> {
        let blocks = (0..=self.doublings).map(|number| format!("{blocks}{}", FIRST_SIDE << number));
        let used = [Some(self.doublings), self.former()].into_iter().flatten();
        blocks.chain(used.map(|number| format!("{conversions}{}", FIRST_SIDE << number))).collect()
    }
}

/// How often 4x4 images are doubled to become images of `height` and `width`.
///
/// # Errors
/// If doublings of 4x4 never become this size, saying which sizes they do.
pub fn doublings_to([height, width]: [usize; 2]) -> Result<usize> {
    let times = height / FIRST_SIDE;
    if height == width && height.is_multiple_of(FIRST_SIDE) && times.is_power_of_two() && times > 1 {
        return Ok(times.ilog2() as usize);
    }
    let next = height.max(width).max(2 * FIRST_SIDE).next_power_of_two();
    Err(Error::Data(format!(
        "images of {height}x{width} do not grow from {FIRST_SIDE}x{FIRST_SIDE} by doublings; set data.size={next}, or \
         another power of two from 8 on"
    )))
}

/// Images of a stage.
#[derive(Clone)]
pub struct StagedImages {
    /// `[batch, channels, side, side]`.
    pub images: Variable,
    /// The stage.
    pub stage: Stage,
}

impl Input for StagedImages {
    fn map(&self, change: &mut dyn FnMut(&Variable) -> Result<Variable>) -> Result<Self> {
        Ok(Self { images: change(&self.images)?, ..*self })
    }

    fn zip(
        &self,
        other: &Self,
        join: &mut dyn FnMut(&Variable, &Variable) -> Result<Variable>,
    ) -> Result<Self> {
        Ok(Self { images: join(&self.images, &other.images)?, ..*self })
    }

    fn beside(&self, other: &Self) -> Result<Self> {
        Ok(Self { images: self.images.beside(&other.images)?, ..*self })
    }

    fn detached(&self) -> Self {
        Self { images: self.images.detach(), ..*self }
    }
}
