//! `draw`: a variational auto-encoder that draws an image in steps (Gregor et al. 2015, arXiv:1502.04623). At each step a
//! recurrent encoder reads the image and what the drawing lacks of it, and a recurrent decoder adds to the canvas what a
//! code stands for, both through Gaussian filters at places of their choice, or without attention.
//!
//! Departs: only the canvas starts from learned values, the states start from zeros.

mod boxes;
mod recipe;

pub use recipe::{DrawRecipe, DrawingRecipe};

pub(super) use recipe::ROW;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES};
use brigand_core::capability::{Content, Encoder, Exhibit, Sampler, Sampling, Showing};
use brigand_core::latent::{Distribution, LatentPart, LatentSpace, NOISE};
use brigand_core::modules::{How, Mode, Network, Pass, Statistics};
use brigand_core::networks::{DrawDecoder, DrawEncoder};
use brigand_core::players::{Player, Turn};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use super::elbo::{note_elbo, note_held_out_elbo};
use super::held_out_codes::note_code_quality;
use super::likelihood::Likelihood;
use super::posterior::Posterior;
use boxes::{DrawnBoxes, draw_boxes, scaled};

/// The canvas is logits.
const LIKELIHOOD: Likelihood = Likelihood::Bernoulli {};
/// Drawings that are shown step by step.
const SHOWN: usize = 8;
/// Drawings of an animation, and how many stand in a row.
const ANIMATED: (usize, usize) = (40, 10);
/// The most steps of a drawing that are shown.
const MOST_SHOWN: usize = 10;

/// Both networks in training.
struct Draw {
    recipe: DrawRecipe,
    sampling: Sampling,
    image: [usize; 3],
    encoder: Player<DrawEncoder>,
    decoder: Player<DrawDecoder>,
}

/// A step of a drawing.
struct Step {
    /// Logits, `[batch, channels, height, width]`.
    canvas: Variable,
    /// Where it was read, for a drawing after an image, and written.
    boxes: DrawnBoxes,
}

/// Drawings after images.
struct Inferred {
    steps: Vec<Step>,
    /// The codes of all steps, `[batch, steps * size]`.
    codes: Variable,
    /// Of all steps.
    divergence: Variable,
}

impl Inferred {
    /// The canvas after the last step.
    fn canvas(&self) -> Result<&Variable> {
        self.steps.last().map(|step| &step.canvas).ok_or_else(no_steps)
    }
}

fn no_steps() -> Error {
    Error::Internal("a drawing without steps".into())
}

/// The image of a canvas: `2 sigmoid(a) - 1`.
fn image_of(canvas: &Variable) -> Result<Variable> {
    Ok(canvas.scale(0.5)?.tanh()?)
}

/// Draws after `images`. The code of each step is its posterior's mean, or varied by `noise` `[batch, steps * size]`.
fn infer(
    (encoder, encoder_pass): (&DrawEncoder, &mut Pass<'_>),
    (decoder, decoder_pass): (&DrawDecoder, &mut Pass<'_>),
    (images, noise): (&Variable, Option<&Variable>),
    (count, size): (usize, usize),
) -> Result<Inferred> {
    let mut drawing = decoder.start(decoder_pass, images)?;
    let mut state = encoder.start(images)?;
    let (mut steps, mut codes) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut divergence: Option<Variable> = None;
    for step in 0..count {
        let (numbers, next, read) = encoder.step(encoder_pass, (images, &drawing), &state)?;
        let posterior = Posterior::of(&numbers)?;
        let code = match noise {
            Some(noise) => posterior.sample(&noise.narrow(1, step * size, size)?)?,
            None => posterior.mean().clone(),
        };
        let (next_drawing, written) = decoder.step(decoder_pass, &code, &drawing)?;
        (state, drawing) = (next, next_drawing);
        let own = posterior.divergence()?;
        divergence = Some(match divergence {
            Some(sum) => sum.add(&own)?,
            None => own,
        });
        codes.push(code);
        steps.push(Step { canvas: drawing.canvas.clone(), boxes: DrawnBoxes { read, written } });
    }
    let codes = Variable::concatenate(&codes.iter().collect::<Vec<_>>(), 1)?;
    Ok(Inferred { steps, codes, divergence: divergence.ok_or_else(no_steps)? })
}

impl Draw {
    fn new(recipe: &DrawRecipe, setup: &Setup) -> Result<Self> {
        let (image, code) = (setup.schema.image(IMAGES)?, recipe.latent.size);
        let hidden = recipe.decoder.hidden;
        let encoder = Network::build("encoder", setup, |b| {
            DrawEncoder::new(b, recipe.encoder, (hidden, Posterior::NUMBERS * code), image)
        })?;
        let decoder = Network::build("decoder", setup, |b| DrawDecoder::new(b, recipe.decoder, code, image))?;
        let limit = (recipe.clip_norm > 0.0).then_some(recipe.clip_norm);
        let codes = Distribution::Normal { size: recipe.drawing.steps * code, deviation: 1.0 };
        Ok(Self {
            sampling: Sampling::new(
                LatentSpace::new(vec![LatentPart { name: NOISE, distribution: codes }]),
                setup,
            )?,
            image,
            encoder: Player::new(encoder, recipe.optimizer.encoder)?
                .scheduled(recipe.schedule)
                .shortening(limit),
            decoder: Player::new(decoder, recipe.optimizer.decoder)?
                .scheduled(recipe.schedule)
                .shortening(limit),
            recipe: recipe.clone(),
        })
    }

    /// Steps of a drawing, and numbers of each one's code.
    fn counts(&self) -> (usize, usize) {
        (self.recipe.drawing.steps, self.recipe.latent.size)
    }

    /// As [`infer`], outside training.
    fn inferred(&self, images: &Variable, noise: Option<&Variable>) -> Result<Inferred> {
        if images.shape().get(1..) != Some(self.image.as_slice()) {
            return Err(Error::Request(format!(
                "images of shape {:?} cannot be encoded, this system was trained on {:?}; give images of that shape",
                images.shape(),
                self.image
            )));
        }
        self.encoder.sample(images, |encoder, encoder_pass| {
            self.decoder.sample(images, |decoder, decoder_pass| {
                let networks = ((encoder, encoder_pass), (decoder, decoder_pass));
                infer(networks.0, networks.1, (images, noise), self.counts())
            })
        })
    }

    /// The drawings of `latents`, step by step.
    fn drawn(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Vec<Step>> {
        self.sampling.space.check(latents)?;
        let (count, size) = self.counts();
        self.decoder.sample_with(latents, statistics, |decoder, pass| {
            let mut drawing = decoder.start(pass, latents)?;
            (0..count)
                .map(|step| {
                    let code = latents.narrow(1, step * size, size)?;
                    let (next, written) = decoder.step(pass, &code, &drawing)?;
                    drawing = next;
                    Ok(Step { canvas: drawing.canvas.clone(), boxes: DrawnBoxes { read: None, written } })
                })
                .collect()
        })
    }

    /// The numbers of the steps that are shown, the last among them.
    fn shown_steps(&self) -> Vec<usize> {
        let count = self.recipe.drawing.steps;
        let shown = count.min(MOST_SHOWN);
        (1..=shown).map(|number| number * count / shown - 1).collect()
    }

    /// The canvas of samples after each step, a row for each sample.
    fn strips(&self, showing: &Showing<'_>) -> Result<Exhibit> {
        let latents = self.latents(SHOWN, &mut showing.stream("canvas"))?;
        let (steps, shown) = (self.drawn(&latents, &mut Statistics::Stored)?, self.shown_steps());
        let kept = shown.iter().filter_map(|&number| steps.get(number));
        let images = kept.map(|step| image_of(&step.canvas)).collect::<Result<Vec<_>>>()?;
        let [channels, height, width] = self.image;
        let images = Variable::stack(&images.iter().collect::<Vec<_>>(), 1)?; // [samples, steps, ...]
        let images = images.reshape(&[SHOWN * shown.len(), channels, height, width])?;
        let content = Content::Images { images, columns: shown.len() };
        Ok(Exhibit { series: "canvas".into(), content })
    }

    /// Samples as they are drawn.
    fn animation(&self, showing: &Showing<'_>) -> Result<Exhibit> {
        let latents = self.latents(ANIMATED.0, &mut showing.stream("drawing"))?;
        let steps = self.drawn(&latents, &mut Statistics::Stored)?;
        let frames = steps.iter().map(|step| image_of(&step.canvas)).collect::<Result<_>>()?;
        Ok(Exhibit { series: "drawing".into(), content: Content::Animation { frames, columns: ANIMATED.1 } })
    }

    /// Two rows for each real image: itself with the box that was read at each step, and the canvas after the step with the
    /// box that was written. Nothing without attention.
    fn attention(&self, showing: &Showing<'_>) -> Result<Option<Exhibit>> {
        if self.recipe.encoder.attention == 0 && self.recipe.decoder.attention == 0 {
            return Ok(None);
        }
        let images = showing.examples.numbers(IMAGES)?;
        let (images, shown) = (images.narrow(0, 0, images.shape()[0].min(SHOWN))?, self.shown_steps());
        let inferred = without_recording(|| self.inferred(&images, None))?;
        let steps: Vec<&Step> = shown.iter().filter_map(|&number| inferred.steps.get(number)).collect();
        let enlarged = scaled(&images)?;
        let mut read = Vec::with_capacity(steps.len());
        let mut written = Vec::with_capacity(steps.len());
        for step in &steps {
            read.push(draw_boxes(&enlarged, step.boxes.read.as_ref(), &self.image)?);
            let canvas = scaled(&image_of(&step.canvas)?)?;
            written.push(draw_boxes(&canvas, step.boxes.written.as_ref(), &self.image)?);
        }
        let rows = |images: &[Variable]| Variable::stack(&images.iter().collect::<Vec<_>>(), 1);
        // [images, reading or writing, steps, ...]
        let both = Variable::stack(&[&rows(&read)?, &rows(&written)?], 1)?;
        let pixels = both.shape().get(3..).unwrap_or_default().to_vec();
        let all = both.reshape(&[&[images.shape()[0] * 2 * steps.len()], pixels.as_slice()].concat())?;
        let content = Content::Images { images: all, columns: steps.len() };
        Ok(Some(Exhibit { series: "attention".into(), content }))
    }
}

impl System for Draw {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, encoder, decoder)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let images = turn.batch(draw)?.numbers(IMAGES)?.clone();
        let (counts, batch) = (self.counts(), images.shape()[0]);
        let size = self.sampling.space.size();
        let noise =
            draw.rows("codes", batch, |count, stream| self.sampling.place.normal(&[count, size], stream))?;
        let (encoder, decoder) = (&mut self.encoder, &mut self.decoder);
        let inferred = encoder.run_with(How::plain(Mode::Training), |encoder, encoder_pass| {
            decoder.run_with(How::plain(Mode::Training), |decoder, decoder_pass| {
                infer((encoder, encoder_pass), (decoder, decoder_pass), (&images, Some(&noise)), counts)
            })
        })?;
        let (reconstruction, divergence) =
            (LIKELIHOOD.loss(inferred.canvas()?, &images)?, inferred.divergence);
        note_elbo(turn, &reconstruction, &divergence)?;
        let loss = reconstruction.add(&divergence.scale(self.recipe.losses.beta)?)?;
        turn.descend(&mut [encoder, decoder], &loss)?;
        if !self.recipe.held_out.is_due(turn) {
            return Ok(());
        }
        note_held_out_elbo(turn, |images, stream| {
            let noise = self.sampling.place.normal(&[images.shape()[0], size], stream)?;
            let inferred = self.inferred(images, Some(&noise))?;
            Ok(LIKELIHOOD.loss(inferred.canvas()?, images)?.add(&inferred.divergence)?)
        })?;
        note_code_quality((self, self), turn)
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let mut shown = vec![self.strips(showing)?, self.animation(showing)?];
        shown.extend(self.attention(showing)?);
        Ok(shown)
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }

    fn as_encoder(&self) -> Option<&dyn Encoder> {
        Some(self)
    }
}

impl Sampler for Draw {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        image_of(&self.drawn(latents, statistics)?.last().ok_or_else(no_steps)?.canvas)
    }
}

/// The means of each step's posterior, all beside each other, each after the drawing by the means before it.
impl Encoder for Draw {
    fn encode(&self, batch: &Batch) -> Result<Variable> {
        without_recording(|| Ok(self.inferred(batch.numbers(IMAGES)?, None)?.codes))
    }
}
