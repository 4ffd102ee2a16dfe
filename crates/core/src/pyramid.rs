//! Laplacian pyramids of images (Burt and Adelson 1983, "The Laplacian pyramid as a compact image code"): a small image
//! and, for each doubling of its size, the band of detail that the enlarged smaller image lacks.

use brigand_autograd::{Sliding, Variable};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How images are halved and doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// The mean of each 2x2 pixels; doubling repeats every pixel.
    Mean,
    /// A blur by `[1, 4, 6, 4, 1] / 16` down and across, of which every second pixel is kept; doubling puts zeros between
    /// the pixels and blurs with four times the weights. Images are reflected at their border.
    Blur,
}

/// The binomial weights of [`Reduction::Blur`], times 16.
const BINOMIAL: [f64; 5] = [1.0, 4.0, 6.0, 4.0, 1.0];

/// How images become pyramids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PyramidRecipe {
    /// How images are halved and doubled.
    pub reduction: Reduction,
    /// Images are halved as long as both sides are even and the halves are no smaller than this.
    pub smallest: usize,
}

/// One doubling of a pyramid.
#[derive(Clone)]
pub struct Band {
    /// The next smaller image, enlarged: `[batch, channels, height, width]`.
    pub enlarged: Variable,
    /// What the image of this size has beyond it: `image - enlarged`.
    pub detail: Variable,
}

impl Band {
    /// The image of this size.
    ///
    /// # Errors
    /// If the two differ in shape.
    pub fn image(&self) -> Result<Variable> {
        Ok(self.enlarged.add(&self.detail)?)
    }
}

/// Images taken apart.
#[derive(Clone)]
pub struct Pyramid {
    /// The smallest images, `[batch, channels, height, width]`.
    pub smallest: Variable,
    /// The bands, from the smallest to the largest.
    pub bands: Vec<Band>,
}

impl PyramidRecipe {
    /// Refuses a smallest side that cannot be doubled again.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying what to give.
    pub fn check(&self) -> Result<()> {
        if !(2..=1 << 16).contains(&self.smallest) {
            return Err(Error::Recipe(format!("pyramid.smallest is {}; give 2 to 65536", self.smallest)));
        }
        Ok(())
    }

    /// Height and width of the images of each size, from the smallest to `[height, width]`.
    ///
    /// # Errors
    /// If images of this size cannot be halved even once, saying which sizes can.
    pub fn sizes(&self, [height, width]: [usize; 2]) -> Result<Vec<[usize; 2]>> {
        let mut sizes = vec![[height, width]];
        let [mut rows, mut columns] = [height, width];
        while rows.is_multiple_of(2) && columns.is_multiple_of(2) && rows.min(columns) >= 2 * self.smallest {
            [rows, columns] = [rows / 2, columns / 2];
            sizes.push([rows, columns]);
        }
        if sizes.len() == 1 {
            return Err(Error::Data(format!(
                "images of {height}x{width} cannot be halved into a pyramid whose smallest images have a side of {} or \
                 more; set data.size to an even number of at least {}, or pyramid.smallest",
                self.smallest,
                2 * self.smallest
            )));
        }
        sizes.reverse();
        Ok(sizes)
    }

    /// `[batch, channels, height, width]` at half the height and width.
    ///
    /// # Errors
    /// If a side is odd, or too short for the blur.
    pub fn halve(&self, images: &Variable) -> Result<Variable> {
        let (batch, channels, height, width) = images.dims4("halving")?;
        if height % 2 != 0 || width % 2 != 0 {
            return Err(Error::Data(format!("images of {height}x{width} cannot be halved: a side is odd")));
        }
        match self.reduction {
            Reduction::Mean => Ok(images.avg_pool2d(2, 2, 0)?),
            Reduction::Blur => {
                let padded = images.pad_reflect([2, 2], [2, 2])?;
                let padded = padded.reshape(&[batch * channels, 1, height + 4, width + 4])?;
                let halved = padded.conv2d(&blur(images, 1.0)?, Sliding::new(2, 0))?;
                Ok(halved.reshape(&[batch, channels, height / 2, width / 2])?)
            }
        }
    }

    /// `[batch, channels, height, width]` at twice the height and width.
    ///
    /// # Errors
    /// If a side is too short for the blur.
    pub fn double(&self, images: &Variable) -> Result<Variable> {
        let (batch, channels, height, width) = images.dims4("doubling")?;
        match self.reduction {
            Reduction::Mean => Ok(images.resize_nearest(2 * height, 2 * width)?),
            Reduction::Blur => {
                let padded = images.pad_reflect([1, 1], [1, 1])?;
                let padded = padded.reshape(&[batch * channels, 1, height + 2, width + 2])?;
                let spread = padded.conv_transpose2d(&blur(images, 4.0)?, Sliding::new(2, 0), [0, 0])?;
                // The first pixel of the image is the second of the padded one, and the weights reach two to each side.
                let inside = spread.narrow(2, 4, 2 * height)?.narrow(3, 4, 2 * width)?;
                Ok(inside.reshape(&[batch, channels, 2 * height, 2 * width])?)
            }
        }
    }

    /// `images` halved so many times, with what each halving loses.
    ///
    /// # Errors
    /// As [`PyramidRecipe::halve`].
    pub fn take_apart(&self, images: &Variable, halvings: usize) -> Result<Pyramid> {
        let (mut current, mut bands) = (images.clone(), Vec::with_capacity(halvings));
        for _ in 0..halvings {
            let halved = self.halve(&current)?;
            let enlarged = self.double(&halved)?;
            bands.push(Band { detail: current.sub(&enlarged)?, enlarged });
            current = halved;
        }
        bands.reverse();
        Ok(Pyramid { smallest: current, bands })
    }

    /// The images of a pyramid: each enlarged in turn, with its band added.
    ///
    /// # Errors
    /// If a band does not have twice the size of what is below it.
    pub fn put_together(&self, pyramid: &Pyramid) -> Result<Variable> {
        let mut details = pyramid.bands.iter().map(|band| &band.detail);
        details
            .try_fold(pyramid.smallest.clone(), |smaller, detail| Ok(self.double(&smaller)?.add(detail)?))
    }
}

/// The blur as weights `[1, 1, 5, 5]` that sum to `factor`, where `like` is and of its type.
fn blur(like: &Variable, factor: f64) -> Result<Variable> {
    let values: Vec<f64> =
        BINOMIAL.iter().flat_map(|row| BINOMIAL.map(|column| factor * row * column / 256.0)).collect();
    Ok(Variable::from_slice(&values, &[1, 1, 5, 5])?.to_dtype(like.dtype())?.to_device(like.device())?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::random::Stream;

    const BOTH: [Reduction; 2] = [Reduction::Mean, Reduction::Blur];

    fn recipe(reduction: Reduction) -> PyramidRecipe {
        PyramidRecipe { reduction, smallest: 2 }
    }

    fn image(values: &[f32], shape: &[usize]) -> Variable {
        Variable::from_slice(values, shape).unwrap()
    }

    fn mean_square(of: &Variable) -> f64 {
        of.square().unwrap().mean_all().unwrap().scalar().unwrap()
    }

    #[test]
    fn taking_apart_and_putting_together_gives_the_same_images() {
        let images = image(&Stream::new(1, "a test", 0).uniform(2 * 3 * 24 * 16, -1.0, 1.0), &[2, 3, 24, 16]);
        for reduction in BOTH {
            let pyramid = recipe(reduction).take_apart(&images, 3).unwrap();
            assert_eq!(pyramid.smallest.shape(), [2, 3, 3, 2]);
            let shapes: Vec<&[usize]> = pyramid.bands.iter().map(|band| band.detail.shape()).collect();
            assert_eq!(shapes, [&[2, 3, 6, 4][..], &[2, 3, 12, 8], &[2, 3, 24, 16]]);
            let again = recipe(reduction).put_together(&pyramid).unwrap();
            let error = mean_square(&again.sub(&images).unwrap());
            assert!(error < 1e-10, "{reduction:?}: {error}");
            let largest = pyramid.bands.last().unwrap().image().unwrap();
            assert!(mean_square(&largest.sub(&images).unwrap()) < 1e-10);
        }
    }

    #[test]
    fn even_grey_has_no_detail() {
        let grey = Variable::from_slice(&[0.25f32; 64], &[1, 1, 8, 8]).unwrap();
        for reduction in BOTH {
            let pyramid = recipe(reduction).take_apart(&grey, 2).unwrap();
            let all = [
                &pyramid.smallest.affine(1.0, -0.25).unwrap(),
                &pyramid.bands[0].detail,
                &pyramid.bands[1].detail,
            ];
            assert!(all.into_iter().all(|of| mean_square(of) < 1e-14), "{reduction:?}");
        }
    }

    #[test]
    fn a_point_is_blurred_by_the_binomial_weights() {
        let mut values = [0.0f32; 64];
        values[4 * 8 + 4] = 256.0;
        let halved = recipe(Reduction::Blur).halve(&image(&values, &[1, 1, 8, 8])).unwrap();
        let expected = [0, 0, 0, 0, 0, 1, 6, 1, 0, 6, 36, 6, 0, 1, 6, 1].map(f64::from);
        assert_eq!(halved.to_vec().unwrap(), expected);
        let mut point = [0.0f32; 16];
        point[4 + 1] = 64.0;
        let doubled = recipe(Reduction::Blur).double(&image(&point, &[1, 1, 4, 4])).unwrap();
        let found = doubled.to_vec().unwrap();
        // The row through the point, which lies at row and column 2; its reflection at column -2 reaches column 0.
        assert_eq!(found[16..24], [6.0 + 6.0, 24.0, 36.0, 24.0, 6.0, 0.0, 0.0, 0.0]);
        // Row 0 is reached by its reflection at row -2, too.
        assert_eq!(found[..8], [4.0, 8.0, 12.0, 8.0, 2.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_mean_is_kept_by_doubling_and_halving() {
        let small = image(&Stream::new(2, "a test", 0).normal(32), &[2, 1, 4, 4]);
        let recipe = recipe(Reduction::Mean);
        let again = recipe.halve(&recipe.double(&small).unwrap()).unwrap();
        assert!(mean_square(&again.sub(&small).unwrap()) < 1e-14);
    }

    #[test]
    fn sizes_halve_as_far_as_they_can() {
        let recipe = PyramidRecipe { reduction: Reduction::Blur, smallest: 4 };
        assert_eq!(recipe.sizes([28, 28]).unwrap(), [[7, 7], [14, 14], [28, 28]]);
        assert_eq!(recipe.sizes([8, 16]).unwrap(), [[4, 8], [8, 16]]);
        assert_eq!(recipe.sizes([64, 64]).unwrap().len(), 5);
        for size in [[9, 9], [6, 6], [8, 7]] {
            let message = recipe.sizes(size).err().unwrap().to_string();
            assert!(message.contains("cannot be halved") && message.contains("at least 8"), "{message}");
        }
        let odd = image(&[0.0; 9], &[1, 1, 3, 3]);
        assert!(recipe.halve(&odd).err().unwrap().to_string().contains("odd"));
        assert!(PyramidRecipe { smallest: 1, ..recipe }.check().is_err());
    }
}
