//! `imle`: implicit maximum likelihood estimation (Li and Malik 2018, arXiv:1809.09087). No discriminator: every datum
//! pulls the sample that is nearest to it, so that no mode is left out.

use brigand_autograd::Variable;
use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::feed::Feed;
use super::player::{Player, descend};
use super::registry::{Entry, Family, Length, SystemRecipe, own};
use super::state::{Fragment, State};
use super::{Report, Setup, System};
use crate::error::{Error, Result};
use crate::evaluation::{Features, nearest};
use crate::layers::{Mode, with_noise};
use crate::networks::{GeneratorOptions, MlpRecipe, Network, NetworkRecipe, SampleKind, SampleShape};
use crate::random::Stream;
use crate::systems::{LatentRecipe, LatentSpace, Prior};
use crate::systems::{OptimizerRecipe, Schedule};
use crate::training::history::GENERATOR_LOSS;

/// Name of the mean Euclidean distance of the step's pairs when they were matched: from each datum to the nearest sample of
/// the pool.
pub const NEAREST_DISTANCE: &str = "nearest_distance";
/// Samples made at once for the pool.
const PORTION: usize = 512;

/// Who looks for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Each datum for the nearest sample: every datum is served.
    NearestSample,
    /// Each sample for the nearest datum, the wrong way round: a datum that is nobody's nearest is forgotten.
    NearestDatum,
}

/// How data and samples are paired.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchingRecipe {
    /// Who looks for whom.
    pub search: Search,
    /// Samples among which each datum finds its nearest, as many times the batch.
    pub pool: usize,
    /// Generator updates on the same pairs.
    pub staleness: u64,
    /// Standard deviation of fresh noise on the matched latents at each update.
    pub noise: f64,
}

/// How the generator's weights step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImleOptimizers {
    /// The optimizer of all its weights.
    pub generator: OptimizerRecipe,
}

/// Everything that makes a generator of nearest samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImleRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// How data and samples are paired.
    pub matching: MatchingRecipe,
    /// How it steps.
    pub optimizer: ImleOptimizers,
    /// How the step size changes over the run.
    pub schedule: Schedule,
}

impl SystemRecipe for ImleRecipe {
    /// In the plane every sample is pulled (a pool no larger than the batch), so that few lie between the modes.
    fn defaults(kind: SampleKind) -> Result<Self> {
        let (size, widths, pool, rate) = match kind {
            SampleKind::Image => (32, vec![256, 512], 10, 1e-3),
            SampleKind::Points => (2, vec![128, 128], 1, 3e-3),
        };
        Ok(Self {
            latent: LatentRecipe { size, prior: Prior::Normal },
            generator: NetworkRecipe::Mlp(MlpRecipe { widths, ..MlpRecipe::default() }),
            matching: MatchingRecipe { search: Search::NearestSample, pool, staleness: 10, noise: 0.0 },
            optimizer: ImleOptimizers { generator: OptimizerRecipe::adam(rate, 0.9, 0.999) },
            schedule: Schedule::Linear { after: 0.5 },
        })
    }

    fn check(&self) -> Result<()> {
        let MatchingRecipe { pool, staleness, noise, .. } = self.matching;
        if pool == 0 || pool > 10_000 {
            return Err(Error::Recipe(format!("matching.pool is {pool}; give 1 to 10000 times the batch")));
        }
        if staleness == 0 {
            return Err(Error::Recipe(
                "matching.staleness is 0, so the generator would never step; give at least 1".into(),
            ));
        }
        if !(noise >= 0.0 && noise.is_finite()) {
            return Err(Error::Recipe(format!("matching.noise is {noise}; give 0 or more")));
        }
        self.latent.check()?;
        self.optimizer.generator.check("generator")
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        Ok(Box::new(Imle::new(self, setup)?))
    }
}

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: "imle",
    family: Family::Likelihoods,
    summary: "no discriminator: every datum pulls the sample that is nearest to it",
    paper: "Li and Malik 2018, arXiv:1809.09087",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 2000, batch: 128 },
        SampleKind::Points => Length { steps: 2000, batch: 128 },
    },
    make: own::<ImleRecipe>(),
};

/// A generator alone.
struct Imle {
    recipe: ImleRecipe,
    sample: SampleShape,
    steps: u64,
    space: LatentSpace,
    generator: Player,
    device: Device,
}

/// Latents `[n, size]`, what their samples should be `[n, sample...]`, and how far they were from it on average.
struct Matches {
    latents: Variable,
    targets: Variable,
    distance: f64,
}

impl Imle {
    fn new(recipe: ImleRecipe, setup: &Setup<'_>) -> Result<Self> {
        recipe.check()?;
        let Setup { sample, seed, steps, device, .. } = *setup;
        let options = GeneratorOptions::default();
        let network =
            recipe.generator.generator("generator", recipe.latent.size, sample, options, seed, device)?;
        let generator = Player::new(network, recipe.optimizer.generator);
        let space = LatentSpace::new(vec![recipe.latent.part()]);
        Ok(Self { recipe, sample, steps, space, generator, device: device.clone() })
    }

    /// `count` fresh latents and their samples, a portion at a time.
    fn pool(&self, count: usize, feed: &Feed, step: u64) -> Result<(Variable, Features)> {
        let latents =
            self.space.draw(count, &mut Stream::new(feed.seed(), "matching/pool", step), &self.device)?;
        let mut values = Vec::with_capacity(count * self.sample.elements());
        for start in (0..count).step_by(PORTION) {
            let portion = latents.narrow(0, start, PORTION.min(count - start))?;
            values.extend(self.generator.network.sample(&portion)?.to_vec_f32()?);
        }
        Ok((latents, Features::new(values, self.sample.elements())?))
    }

    fn matched(&self, feed: &mut Feed, step: u64) -> Result<Matches> {
        let real = feed.batch(step)?.samples;
        let data = Features::new(real.to_vec_f32()?, self.sample.elements())?;
        let mean = |found: &[(usize, f64)]| {
            found.iter().map(|(_, distance)| distance).sum::<f64>() / found.len().max(1) as f64
        };
        let places =
            |found: &[(usize, f64)]| found.iter().map(|&(place, _)| place as u32).collect::<Vec<_>>();
        let batch = feed.batch_size();
        match self.recipe.matching.search {
            Search::NearestSample => {
                let (latents, samples) = self.pool(batch * self.recipe.matching.pool, feed, step)?;
                let found = nearest(&data, &samples)?;
                let latents = latents.index_select(0, &places(&found))?;
                Ok(Matches { latents, targets: real, distance: mean(&found) })
            }
            Search::NearestDatum => {
                let (latents, samples) = self.pool(batch, feed, step)?;
                let found = nearest(&samples, &data)?;
                let targets = real.index_select(0, &places(&found))?;
                Ok(Matches { latents, targets, distance: mean(&found) })
            }
        }
    }
}

impl System for Imle {
    fn networks(&self) -> Vec<&Network> {
        vec![&self.generator.network]
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let Matches { latents, targets, distance } = self.matched(feed, step)?;
        let MatchingRecipe { staleness, noise, .. } = self.recipe.matching;
        let scale = self.recipe.schedule.at(step, self.steps);
        let mut last = 0.0;
        for update in 0..staleness {
            let mut stream = Stream::new(feed.seed(), "matching/noise", step * staleness + update);
            let noisy = with_noise(&latents, noise, &mut stream)?;
            let made = self.generator.network.forward(&noisy, Mode::Training)?;
            let loss = made.sub(&targets)?.square()?.mean_all()?;
            last = loss.scalar()?;
            descend(&mut [&mut self.generator], &loss, scale)?;
        }
        Ok(Report::from([(NEAREST_DISTANCE.into(), distance), (GENERATOR_LOSS.into(), last)]))
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn latent_space(&self) -> Result<LatentSpace> {
        Ok(self.space.clone())
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.space.check(latents)?;
        self.generator.network.sample(latents)
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.generator.save("generator", state)
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.generator.restore("generator", state)
    }
}
