//! What a trained SinGAN makes: new images of any size, given images in its picture's style, enlarged images, a walk.

use brigand_autograd::Variable;
use brigand_core::batch::Batch;
use brigand_core::capability::{Reconstructor, Sampler, Sampling, ScaleSampler};
use brigand_core::modules::Statistics;
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::Singan;
use super::pyramid::{resized, sizes_for};

/// The longest side of an image that is asked for.
const LONGEST: usize = 4096;
/// The shortest side of the coarsest scale of an image that is asked for.
const SHORTEST: usize = 3;
/// The share of the fixed noise in each step of a walk, and that of the last step's direction in the next (the paper's
/// supplement).
const HELD: f64 = 0.1;
const KEPT: f64 = 0.9;

impl Singan {
    /// The images of `latents` `[count, size]` after so many scales, in the size of the finest.
    pub(super) fn of_latents(&self, latents: &Variable, scales: usize) -> Result<Variable> {
        let (count, finest) = (latents.shape()[0], self.size(self.sizes.len() - 1)?);
        let mut start = 0;
        let noise = |_: usize, shape: [usize; 4]| {
            let size = shape[1..].iter().product();
            let own = latents.narrow(1, start, size)?.reshape(&shape)?;
            start += size;
            Ok(Some(own))
        };
        let scales = scales.min(self.progress.sampling());
        let image = self.refined(self.nothing(count, self.size(0)?)?, 0..scales, &self.sizes, noise)?;
        resized(&image, finest)
    }

    /// Refuses a scale that there is not, or that has not been trained yet.
    fn check_start(&self, start: usize) -> Result<()> {
        let (scales, sampling) = (self.sizes.len(), self.progress.sampling());
        if start < sampling {
            return Ok(());
        }
        Err(Error::Request(match start < scales {
            true => format!("scale {start} has not been trained yet; there are 0 to {} so far", sampling - 1),
            false => format!("there is no scale {start}; give 0 (the coarsest) to {}", scales - 1),
        }))
    }

    /// Refuses sizes that no image can have.
    fn check_size(&self, [height, width]: [usize; 2]) -> Result<()> {
        let coarsest = sizes_for(&self.sizes, [height, width]).first().copied().unwrap_or_default();
        let [own_height, own_width] = self.size(self.sizes.len() - 1)?;
        if height.max(width) > LONGEST || coarsest.into_iter().any(|side| side < SHORTEST) {
            return Err(Error::Request(format!(
                "images of {width}x{height} cannot be made; give sides of at most {LONGEST} pixels that leave {SHORTEST} or more at \
                 the coarsest scale, for example {own_width}x{own_height}, the picture's own"
            )));
        }
        Ok(())
    }

    /// Refuses images of other channels; answers their number, height and width.
    fn check_images(&self, images: &Variable) -> Result<[usize; 3]> {
        let (count, channels, height, width) = images.dims4("images of a scale sampler")?;
        if channels != self.channels {
            return Err(Error::Request(format!(
                "images of {channels} channels are given, the picture has {}",
                self.channels
            )));
        }
        Ok([count, height, width])
    }

    /// The picture, once a step was trained on it.
    fn picture(&self) -> Result<&Variable> {
        match self.progress.begun {
            0 => Err(Error::Request(
                "the run has not trained a step yet, so there is no picture; train it".into(),
            )),
            _ => Ok(&self.progress.picture),
        }
    }
}

impl Sampler for Singan {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// Nothing is normalised over a batch, so there are no statistics to estimate.
    fn generate_with(&self, latents: &Variable, _: &mut Statistics<'_>) -> Result<Variable> {
        self.sampling.space.check(latents)?;
        self.of_latents(latents, self.sizes.len())
    }
}

impl ScaleSampler for Singan {
    fn scales(&self) -> &[[usize; 2]] {
        &self.sizes
    }

    fn image_channels(&self) -> usize {
        self.channels
    }

    fn sample_of_size(
        &self,
        size: [usize; 2],
        start: usize,
        count: usize,
        stream: &mut Stream,
    ) -> Result<Variable> {
        self.check_start(start)?;
        self.check_size(size)?;
        let sizes = sizes_for(&self.sizes, size);
        let before = start.checked_sub(1).and_then(|before| sizes.get(before).copied());
        let first = match before {
            None => self.nothing(count, sizes.first().copied().unwrap_or_default())?,
            Some(own) => {
                let picture = resized(self.picture()?, own)?;
                picture.broadcast_to(&[count, self.channels, own[0], own[1]])?
            }
        };
        let image = self.refined(first, start..self.progress.sampling(), &sizes, self.drawn(stream))?;
        resized(&image, size)
    }

    /// The noise of each scale from `start` on moves by `d <- 0.9 d + 0.1 e`, `e` new noise, and is drawn back to that of the
    /// picture (which is none but at the coarsest scale) by a tenth.
    fn walk(&self, frames: usize, start: usize, stream: &mut Stream) -> Result<Variable> {
        self.check_start(start)?;
        let mut held: Vec<Option<(Variable, Variable)>> = vec![None; self.sizes.len()];
        let mut made = Vec::new();
        for _ in 0..frames {
            let noise = |scale: usize, shape: [usize; 4]| {
                let fixed = self.fixed(scale);
                let Some(held) = held.get_mut(scale).filter(|_| scale >= start) else { return Ok(fixed) };
                let fixed = match fixed {
                    Some(fixed) => fixed,
                    None => self.sampling.place.numbers(vec![0.0; shape.iter().product()], &shape)?,
                };
                let (last, moved) = match held.take() {
                    Some(held) => held,
                    None => (fixed.clone(), fixed.full_like(0.0)?),
                };
                let fresh = self.sampling.place.normal(&shape, stream)?;
                let moved = moved.scale(KEPT)?.add(&fresh.scale(1.0 - KEPT)?)?;
                let next = fixed.scale(HELD)?.add(&last.add(&moved)?.scale(1.0 - HELD)?)?;
                *held = Some((next.clone(), next.sub(&last)?));
                Ok(Some(next))
            };
            let first = self.nothing(1, self.size(0)?)?;
            let image = self.refined(first, 0..self.progress.sampling(), &self.sizes, noise)?;
            made.push(resized(&image, self.size(self.sizes.len() - 1)?)?);
        }
        Ok(Variable::concatenate(&made.iter().collect::<Vec<_>>(), 0)?)
    }

    fn refine(&self, images: &Variable, start: usize, stream: &mut Stream) -> Result<Variable> {
        let [_, height, width] = self.check_images(images)?;
        self.check_start(start)?;
        let Some(before) = start.checked_sub(1) else {
            return Err(Error::Request(format!(
                "scale 0 has none before it whose place an image could take; give 1 to {}",
                self.progress.sampling() - 1
            )));
        };
        let [own_height, _] = self.size(self.sizes.len() - 1)?;
        let size = [own_height, (own_height as f64 * width as f64 / height as f64).round() as usize];
        self.check_size(size)?;
        let sizes = sizes_for(&self.sizes, size);
        let given = resized(images, sizes.get(before).copied().unwrap_or(size))?;
        let image = self.refined(given, start..self.progress.sampling(), &sizes, self.drawn(stream))?;
        resized(&image, size)
    }

    fn enlarge(&self, images: &Variable, times: f64, stream: &mut Stream) -> Result<Variable> {
        let [_, height, width] = self.check_images(images)?;
        if !(times > 1.0 && times.is_finite()) {
            return Err(Error::Request(format!("images cannot be enlarged {times} times; give more than 1")));
        }
        let longest = height.max(width) as f64 * times;
        if longest > LONGEST as f64 {
            return Err(Error::Request(format!(
                "images of {width}x{height} enlarged {times} times are too large; the longer side may become {LONGEST} pixels"
            )));
        }
        let finest = self.progress.sampling() - 1;
        let between = |scale: usize| self.sizes.get(scale).map_or(1.0, |size| size[0] as f64);
        let step = (between(self.sizes.len() - 1) / between(self.sizes.len().saturating_sub(2))).max(1.1);
        let repeats = (times.ln() / step.ln()).round().max(1.0) as usize;
        let mut image = images.clone();
        for repeat in 1..=repeats {
            let grown = times.powf(repeat as f64 / repeats as f64);
            let size = [height, width].map(|side| (side as f64 * grown).round() as usize);
            let sizes = vec![size; self.sizes.len()];
            image = self.refined(image, finest..finest + 1, &sizes, self.drawn(stream))?;
        }
        Ok(image)
    }
}

impl Reconstructor for Singan {
    /// The picture that it was trained on, which is the only one it has noise for.
    fn reconstruct(&self, batch: &Batch) -> Result<Variable> {
        let samples = batch.samples()?;
        let own = self.progress.picture.to_vec_f32()?;
        if self.progress.begun > 0 && samples.to_vec_f32()?.chunks(own.len().max(1)).any(|one| one != own) {
            return Err(Error::Request(
                "singan makes the picture again that it was trained on, and no other one".into(),
            ));
        }
        let made = self.reconstructed(self.progress.sampling())?;
        let shape = [samples.shape()[0], made.shape()[1], made.shape()[2], made.shape()[3]];
        let finest = self.size(self.sizes.len() - 1)?;
        resized(&made.broadcast_to(&shape)?, finest)
    }
}
