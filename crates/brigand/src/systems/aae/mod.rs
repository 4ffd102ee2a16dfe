//! Adversarial auto-encoders: an auto-encoder whose codes are made to follow a prior by a discriminator of codes
//! (Makhzani et al. 2015, arXiv:1511.05644). Decoding draws of the prior then makes samples.
//!
//! Every step has up to three phases on the same batch. Reconstruction: encoder and decoder minimise the squared error.
//! Regularisation: the discriminator learns to tell codes from draws of the prior, and the encoder to fool it.
//! Supervision, in one form: the encoder learns the classes of the few labelled samples. The four forms differ in what
//! the encoder's output means and in what discriminators see.

mod code_discriminator;
mod label_informed;
mod prior;
mod recipe;
mod semi_supervised;
mod style;
mod unsupervised;

use brigand_autograd::Variable;
use candle_core::Device;

use self::label_informed::LabelInformed;
use self::recipe::{FormRecipe, Tables};
use self::semi_supervised::SemiSupervised;
use self::style::StyleApart;
use self::unsupervised::Unsupervised;
use super::feed::{Feed, RealBatch};
use super::optimizer::Optimizer;
use super::player::{Player, descend};
use super::recognition::{HELD_OUT_ACCURACY, held_out_accuracy};
use super::registry::{Entry, Family, Length, Make, own};
use super::state::{Fragment, State};
use super::{Report, Setup, System};
use crate::data::Dataset;
use crate::error::Result;
use crate::layers::Mode;
use crate::networks::{GeneratorOptions, Head, Network, SampleKind, SampleShape};
use crate::random::Stream;
use crate::systems::LatentSpace;

/// Name of the mean squared error of reconstructions.
const RECONSTRUCTION: &str = "reconstruction_error";

const PAPER: &str = "Makhzani et al. 2015, arXiv:1511.05644";

/// The rows of the four forms.
pub(super) const ROWS: [Entry; 4] = [
    row(
        "aae",
        "an auto-encoder whose codes a discriminator shapes like a prior",
        own::<FormRecipe<Unsupervised>>(),
    ),
    row(
        "aae-labels",
        "the same with labels for some samples: each class has its own part of the prior",
        own::<FormRecipe<LabelInformed>>(),
    ),
    row(
        "aae-semi",
        "the encoder names the class beside the style, and few labels teach it which is which",
        own::<FormRecipe<SemiSupervised>>(),
    ),
    row(
        "aae-style",
        "the decoder is told the class, so that the code keeps the style",
        own::<FormRecipe<StyleApart>>(),
    ),
];

const fn row(name: &'static str, summary: &'static str, make: Make) -> Entry {
    Entry { name, family: Family::Encoders, summary, paper: PAPER, data: "digits", length, make }
}

fn length(kind: SampleKind) -> Length {
    match kind {
        SampleKind::Image => Length { steps: 4000, batch: 100 },
        SampleKind::Points => Length { steps: 5000, batch: 128 },
    }
}

/// What distinguishes the forms.
trait Form: Fragment + Send + Sized + 'static {
    /// The default values for samples of a kind.
    fn defaults(kind: SampleKind) -> Tables;

    /// Its discriminators and priors.
    ///
    /// # Errors
    /// If the tables contradict each other or the data.
    fn new(tables: &Tables, setup: &Setup<'_>) -> Result<Self>;

    /// Numbers that the encoder says of a sample.
    fn outputs(&self) -> usize;

    /// What the decoder starts from.
    fn latent_space(&self) -> LatentSpace;

    /// The latents for what the encoder says, `[n, outputs]` to `[n, size]`. `labels` are the samples' classes.
    ///
    /// # Errors
    /// If it needs labels and gets none.
    fn latents(&self, said: &Variable, labels: Option<&[u32]>) -> Result<Variable>;

    /// One step of the discriminators; answers the loss by which the encoder fools them.
    fn regularize(&mut self, encoder: &mut Network, turn: &mut Turn<'_>) -> Result<Variable>;

    /// The encoder's loss on labelled samples, where it learns from them directly.
    fn supervise(&self, _encoder: &mut Network, _turn: &mut Turn<'_>) -> Result<Option<Variable>> {
        Ok(None)
    }

    /// Probabilities `[n, classes]` for what the encoder says, where that names a class.
    fn classify(&self, _said: &Variable) -> Result<Option<Variable>> {
        Ok(None)
    }

    /// The discriminators.
    fn networks(&self) -> Vec<&Network>;

    /// Refuses data that it cannot learn from.
    fn check_data(&self, _data: &Dataset) -> Result<()> {
        Ok(())
    }
}

/// What a form may use in a step.
struct Turn<'a> {
    feed: &'a mut Feed,
    batch: RealBatch,
    step: u64,
    /// Factor of the step sizes.
    scale: f64,
    report: Report,
}

impl Turn<'_> {
    /// The random numbers of this step for `purpose`.
    fn stream(&self, purpose: &str) -> Stream {
        Stream::new(self.feed.seed(), purpose, self.step)
    }

    fn note(&mut self, name: &str, value: &Variable) -> Result<()> {
        self.report.insert(name.to_owned(), value.scalar()?);
        Ok(())
    }
}

/// An adversarial auto-encoder of a form.
struct AdversarialAutoencoder<F> {
    tables: Tables,
    form: F,
    /// The encoder, with the optimizer of its first phase.
    encoder: Player,
    decoder: Player,
    /// The encoder's optimizers of the other phases.
    regularization: Optimizer,
    supervision: Optimizer,
    steps: u64,
    sample: SampleShape,
    device: Device,
}

impl<F: Form> AdversarialAutoencoder<F> {
    fn new(tables: Tables, setup: &Setup<'_>) -> Result<Self> {
        let &Setup { sample, seed, device, steps, .. } = setup;
        let form = F::new(&tables, setup)?;
        let head = Head { outputs: Some(form.outputs()), ..Head::default() };
        let encoder = tables.encoder.discriminator("encoder", sample, head, seed, device)?;
        let (size, options) = (form.latent_space().size(), GeneratorOptions::default());
        let decoder = tables.decoder.generator("decoder", size, sample, options, seed, device)?;
        let optimizer = tables.optimizer;
        Ok(Self {
            form,
            encoder: Player::new(encoder, optimizer.reconstruction),
            decoder: Player::new(decoder, optimizer.reconstruction),
            regularization: Optimizer::new(optimizer.regularization),
            supervision: Optimizer::new(optimizer.supervision.unwrap_or(optimizer.regularization)),
            tables,
            steps,
            sample,
            device: device.clone(),
        })
    }

    /// Encoder and decoder down the squared error of reconstructions.
    fn reconstruction_phase(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let RealBatch { samples, labels } = &turn.batch;
        let said = self.encoder.network.forward(samples, Mode::Training)?;
        let latents = self.form.latents(&said, labels.as_deref())?;
        let again = self.decoder.network.forward(&latents, Mode::Training)?;
        let loss = again.sub(samples)?.square()?.mean_all()?;
        turn.note(RECONSTRUCTION, &loss)?;
        descend(&mut [&mut self.encoder, &mut self.decoder], &loss, turn.scale)
    }

    /// Discriminators, then the encoder against them.
    fn regularization_phase(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let loss = self.form.regularize(&mut self.encoder.network, turn)?;
        descend_with(&mut self.encoder, &mut self.regularization, &loss, turn.scale)
    }

    /// The encoder down its loss on labelled samples.
    fn supervision_phase(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        match self.form.supervise(&mut self.encoder.network, turn)? {
            Some(loss) => descend_with(&mut self.encoder, &mut self.supervision, &loss, turn.scale),
            None => Ok(()),
        }
    }

    /// What the encoder says of samples, recording nothing.
    fn said(&self, samples: &Variable) -> Result<Variable> {
        self.encoder.network.sample(samples)
    }

    /// The share of the held-out samples that are recognised, if this step is one to look at them.
    fn look_at_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        let every = self.tables.held_out.map_or(0, |held_out| held_out.every);
        if every > 0 && (turn.step + 1).is_multiple_of(every) && turn.feed.held_out_count() > 0 {
            let judge = |samples: &Variable| {
                let said = self.said(samples)?;
                Ok(self.form.classify(&said)?.unwrap_or(said))
            };
            let share = held_out_accuracy(turn.feed, &self.device, judge)?;
            turn.report.insert(HELD_OUT_ACCURACY.into(), share);
        }
        Ok(())
    }

    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> [(&'static str, &mut dyn Fragment); 5] {
        [
            ("encoder", &mut self.encoder),
            ("decoder", &mut self.decoder),
            ("optimizer.regularization", &mut self.regularization),
            ("optimizer.supervision", &mut self.supervision),
            ("form", &mut self.form),
        ]
    }
}

/// One step of `player` down `loss` by another optimizer than its own.
fn descend_with(player: &mut Player, optimizer: &mut Optimizer, loss: &Variable, scale: f64) -> Result<()> {
    std::mem::swap(&mut player.optimizer, optimizer);
    let done = descend(&mut [&mut *player], loss, scale);
    std::mem::swap(&mut player.optimizer, optimizer);
    done
}

impl<F: Form> System for AdversarialAutoencoder<F> {
    fn networks(&self) -> Vec<&Network> {
        [vec![&self.encoder.network, &self.decoder.network], self.form.networks()].concat()
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let batch = feed.batch(step)?;
        let scale = self.tables.schedule.at(step, self.steps);
        let mut turn = Turn { feed, batch, step, scale, report: Report::new() };
        let phases = self.tables.phases;
        if phases.reconstruction {
            self.reconstruction_phase(&mut turn)?;
        }
        if phases.regularization {
            self.regularization_phase(&mut turn)?;
        }
        if phases.supervision == Some(true) {
            self.supervision_phase(&mut turn)?;
        }
        self.look_at_held_out(&mut turn)?;
        Ok(turn.report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn latent_space(&self) -> Result<LatentSpace> {
        Ok(self.form.latent_space())
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.form.latent_space().check(latents)?;
        self.decoder.network.sample(latents)
    }

    fn encode(&self, samples: &Variable, labels: Option<&[u32]>) -> Result<Option<Variable>> {
        self.form.latents(&self.said(samples)?, labels).map(Some)
    }

    fn classify(&self, samples: &Variable) -> Result<Option<Variable>> {
        self.form.classify(&self.said(samples)?)
    }

    fn needs_held_out(&self) -> bool {
        self.tables.held_out.is_some()
    }

    fn check_data(&self, data: &Dataset) -> Result<()> {
        self.form.check_data(data)
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(name, state))
    }
}
