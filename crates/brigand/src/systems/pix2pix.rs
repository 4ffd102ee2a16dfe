//! `pix2pix`: translation between two domains of images that come in pairs (Isola et al. 2016, arXiv:1611.07004). The
//! discriminator scores patches of an image beside its translation; the distance to the partner keeps translations
//! near it.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, Need, SECOND, SampleKind};
use brigand_core::capability::{Direction, Exhibit, Showing, Translator};
use brigand_core::limits::at_least_zero;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{Mode, Network};
use brigand_core::networks::{PatchDiscriminator, PatchRecipe, Unet, UnetRecipe};
use brigand_core::players::{
    AdversarialRecipe, Critic, DISCRIMINATOR, OptimizerRecipe, Player, Schedule, Turn,
};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::held_out::{HeldOutRecipe, for_each_portion};
use super::translation::{Mean, PAIR_ERROR, TO_SECOND, TranslationOptimizers, distance, side_by_side};

/// Name of the mean absolute distance of translations to their partners, on the scale of the images.
pub const TRAINING_PAIR_ERROR: &str = "training_pair_error";
/// Name of the gradient energy of held-out images' translations over that of their partners: the sum of the squared
/// differences of neighbouring pixels. Below 1 translations are smoother than real images.
pub const GRADIENT_ENERGY_RATIO: &str = "gradient_energy_ratio";

/// The part of the translator's loss besides the discriminator's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pix2PixLosses {
    /// Weight of the mean absolute distance to the partner.
    pub distance: f64,
    /// Weight of the discriminator's part; 0 trains by the distance alone.
    pub adversarial: f64,
}

/// Everything that makes a pix2pix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pix2PixRecipe {
    /// The translator's network.
    pub translator: UnetRecipe,
    /// The discriminator's network, of both images' channels.
    pub discriminator: PatchRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The parts of the translator's loss.
    pub losses: Pix2PixLosses,
    /// How they step.
    pub optimizer: TranslationOptimizers,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// When it is measured on pairs kept from it.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "pix2pix",
    family: Family::Translation,
    summary: "image-to-image translation trained on pairs: U-Net, discriminator of patches, distance to the partner",
    paper: "Isola et al. 2016, arXiv:1611.07004",
    data: "scene-pairs",
    length: |_| Length { steps: 2000, batch: 4 },
    make: Make::of::<Pix2PixRecipe>(),
};

impl SystemRecipe for Pix2PixRecipe {
    const NEEDS: &'static [Need] = &[Need::Aligned(IMAGES.0, SECOND.0)];

    /// The paper's losses but for a smaller weight of the distance, which suits images with few details; networks for
    /// images of 16 to 64 pixels.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points(
            "pix2pix needs images of two domains in pairs; give --data scene-pairs or pairs:DIR_A,DIR_B",
        )?;
        let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        Ok(Self {
            translator: UnetRecipe { width: 16, halvings: 3, dropout: 0.5 },
            discriminator: PatchRecipe { width: 16, halvings: 1 },
            adversarial: AdversarialRecipe::default(),
            losses: Pix2PixLosses { distance: 10.0, adversarial: 1.0 },
            optimizer: TranslationOptimizers { translator: optimizer, discriminator: optimizer },
            schedule: Schedule::Linear { after: 0.5 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        self.translator.check()?;
        self.discriminator.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        let Pix2PixLosses { distance, adversarial } = self.losses;
        at_least_zero(&[("losses.distance", distance), ("losses.adversarial", adversarial)])?;
        if distance == 0.0 && adversarial == 0.0 {
            return Err(Error::Recipe(
                "losses.distance and losses.adversarial are both 0, which leaves nothing to train by".into(),
            ));
        }
        Ok(())
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Pix2Pix::new(self, setup)?))
    }
}

/// Both players in training.
struct Pix2Pix {
    losses: Pix2PixLosses,
    held_out: HeldOutRecipe,
    channels: usize,
    translator: Player<Unet>,
    discriminator: Critic<PatchDiscriminator>,
}

impl Pix2Pix {
    fn new(recipe: &Pix2PixRecipe, setup: &Setup) -> Result<Self> {
        let (first, second) = (setup.schema.image(IMAGES)?, setup.schema.image(SECOND)?);
        let [channels, height, width] = first;
        let both = [channels + second[0], height, width];
        let network =
            Network::build("translator", setup, |b| Unet::new(b, &recipe.translator, (channels, second[0])))?;
        let translator = Player::new(network, recipe.optimizer.translator)?.scheduled(recipe.schedule);
        translator.module().check_size(height, width).map_err(|error| {
            Error::Data(format!(
                "{error}: set data.size, or translator.halvings to fewer than {}",
                recipe.translator.halvings
            ))
        })?;
        let network = Network::build(DISCRIMINATOR, setup, |b| {
            PatchDiscriminator::new(
                b,
                &recipe.discriminator,
                both,
                recipe.adversarial.constraint.reparametrisation(),
            )
        })?;
        let discriminator = Player::new(network, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
        Ok(Self {
            losses: recipe.losses,
            held_out: recipe.held_out,
            channels,
            translator,
            discriminator: Critic::new(discriminator, recipe.adversarial.rules())?,
        })
    }

    fn translation(&self, images: &Variable) -> Result<Variable> {
        self.translator.sample(images, |t, pass| t.run(pass, images))
    }

    /// Notes the errors on held-out pairs.
    fn note_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        let (mut error, mut energy, mut wanted) = (Mean::default(), Mean::default(), Mean::default());
        for_each_portion(turn.feed(), |batch| {
            let (images, partners) = (batch.numbers(IMAGES)?, batch.numbers(SECOND)?);
            let translated = self.translation(images)?;
            error.add_distance(&translated, partners)?;
            let count = images.shape()[0];
            energy.add(count, gradient_energy(&translated)?);
            wanted.add(count, gradient_energy(partners)?);
            Ok(())
        })?;
        if let (Some(error), Some(energy), Some(wanted)) = (error.value(), energy.value(), wanted.value()) {
            turn.report.note_number(PAIR_ERROR, error);
            if wanted > 0.0 {
                turn.report.note_number(GRADIENT_ENERGY_RATIO, energy / wanted);
            }
        }
        Ok(())
    }
}

/// The sum of the mean squared differences of neighbouring pixels, down and across.
fn gradient_energy(images: &Variable) -> Result<f64> {
    let (_, _, height, width) = images.dims4("images")?;
    let along = |axis: usize, size: usize| {
        let change = images.narrow(axis, 1, size - 1)?.sub(&images.narrow(axis, 0, size - 1)?)?;
        Ok::<_, Error>(change.square()?.mean_all()?.scalar()?)
    };
    without_recording(|| Ok(along(2, height)? + along(3, width)?))
}

impl System for Pix2Pix {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, translator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let (images, partners) = (batch.numbers(IMAGES)?, batch.numbers(SECOND)?);
        let stream = &mut draw.stream("dropout/translator");
        let fake = self.translator.run(Mode::Training, stream, |t, pass| t.run(pass, images))?;
        let error = distance(&fake, partners)?;
        turn.note(TRAINING_PAIR_ERROR, &error);
        let mut loss = error.scale(self.losses.distance)?;
        if self.losses.adversarial > 0.0 {
            let (real, fake) =
                (Variable::concatenate(&[images, partners], 1)?, Variable::concatenate(&[images, &fake], 1)?);
            self.discriminator.learn(turn, draw, &real, &fake)?;
            let own = self.discriminator.loss_for(&real, &fake, draw)?;
            loss = loss.add(&own.scale(self.losses.adversarial)?)?;
        }
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.translator], &loss)?;
        if self.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.held_out.every > 0
    }

    /// Images, their translations, and the partners.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let (images, partners) = (showing.examples.numbers(IMAGES)?, showing.examples.numbers(SECOND)?);
        let translated = self.translation(images)?;
        Ok(vec![side_by_side(TO_SECOND.name, &[images, &translated, partners])?])
    }

    fn as_translator(&self) -> Option<&dyn Translator> {
        Some(self)
    }
}

impl Translator for Pix2Pix {
    fn directions(&self) -> &[Direction] {
        &[TO_SECOND]
    }

    fn channels(&self, _: &Direction) -> usize {
        self.channels
    }

    fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable> {
        self.translation(batch.numbers(direction.from)?)
    }
}
