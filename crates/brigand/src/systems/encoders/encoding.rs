//! What all systems with an encoder and a decoder share. They differ in how they learn.

use brigand_autograd::Variable;
use candle_core::Device;

use super::super::adversary::Adversary;
use super::super::classifier::HeldOutRecipe;
use super::super::feed::Feed;
use super::super::state::{Fragment, State};
use super::super::{Report, System};
use super::codec::Codec;
use super::held_out;
use crate::error::Result;
use crate::networks::{Network, SampleShape};
use crate::systems::LatentSpace;

/// How a codec learns.
pub(super) trait Lesson: Send {
    /// One step of all its networks.
    fn learn(&mut self, codec: &mut Codec, feed: &mut Feed, step: u64) -> Result<Report>;

    /// Its own measurement on held-out samples, if it has one.
    fn judge(&self, _codec: &Codec, _feed: &Feed) -> Result<Report> {
        Ok(Report::new())
    }

    /// Its discriminator, if it has one.
    fn adversary(&self) -> Option<&Adversary> {
        None
    }

    /// The same, to be restored.
    fn adversary_mut(&mut self) -> Option<&mut Adversary> {
        None
    }
}

/// A codec and how it learns.
pub(super) struct Encoding<L> {
    pub(super) codec: Codec,
    pub(super) lesson: L,
    pub(super) held_out: HeldOutRecipe,
}

impl<L: Lesson> Encoding<L> {
    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> Vec<(String, &mut dyn Fragment)> {
        let adversary = self.lesson.adversary_mut();
        let adversary = adversary.map(|own| ("discriminator".to_owned(), own as &mut dyn Fragment));
        self.codec.parts().into_iter().chain(adversary).collect()
    }
}

impl<L: Lesson> System for Encoding<L> {
    fn networks(&self) -> Vec<&Network> {
        let own = [&self.codec.encoder.network, &self.codec.decoder.network];
        own.into_iter().chain(self.lesson.adversary().map(|own| &own.player.network)).collect()
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let mut report = self.lesson.learn(&mut self.codec, feed, step)?;
        let every = self.held_out.every;
        if every > 0 && (step + 1).is_multiple_of(every) && feed.held_out_count() > 0 {
            report.extend(self.lesson.judge(&self.codec, feed)?);
            report.extend(held_out::judge(self, feed)?);
        }
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.codec.sample
    }

    fn device(&self) -> &Device {
        &self.codec.device
    }

    fn latent_space(&self) -> Result<LatentSpace> {
        Ok(self.codec.space.clone())
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.codec.generate(latents)
    }

    fn encode(&self, samples: &Variable, _: Option<&[u32]>) -> Result<Option<Variable>> {
        self.codec.encode(samples).map(Some)
    }

    fn needs_held_out(&self) -> bool {
        self.held_out.every > 0
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(&name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(&name, state))
    }
}
