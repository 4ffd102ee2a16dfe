//! `imle`: implicit maximum likelihood estimation (Li and Malik 2018, arXiv:1809.09087). No discriminator: the
//! generated sample nearest to each real one is moved towards it, so that every mode is covered.

use brigand_autograd::Variable;
use brigand_core::batch::{Need, SampleKind};
use brigand_core::capability::Sampler;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{Mode, with_noise};
use brigand_core::networks::{MlpRecipe, NetworkRecipe};
use brigand_core::players::{Draw, OptimizerRecipe, Schedule, Turn};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::latent_generator::LatentGenerator;
use crate::evaluation::{Features, nearest};

/// Name of the mean Euclidean distance of the step's pairs when they were matched: from each datum to the nearest sample of
/// the pool.
pub const NEAREST_DISTANCE: &str = "nearest_distance";
/// Samples generated at once for the pool.
const PORTION: usize = 512;

/// Which side is matched to its nearest of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Each real sample is matched with its nearest generated one: every real sample has a match.
    NearestSample,
    /// Each generated sample is matched with its nearest real one, for comparison: real samples that are nearest to none
    /// are ignored.
    NearestDatum,
}

/// How data and samples are paired.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchingRecipe {
    /// Which side is matched to its nearest of the other.
    pub search: Search,
    /// Samples among which each datum finds its nearest, as many times the batch.
    pub pool: usize,
    /// Generator updates on the same pairs.
    pub staleness: u64,
    /// Standard deviation of fresh noise on the matched latents at each update.
    pub noise: f64,
    /// Weight of a second term, which is no part of the paper: the mean squared distance of every sample of the pool to its
    /// nearest datum. With 1 the loss is the Chamfer distance of the two. It moves what lies between modes into them, and
    /// the shares of the modes away from the data's.
    #[serde(default)]
    pub nearest_datum: f64,
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

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "imle",
    family: Family::Likelihoods,
    summary: "implicit maximum likelihood: each real sample is matched with its nearest generated one, no discriminator",
    paper: "Li and Malik 2018, arXiv:1809.09087",
    data: "digits",
    length: |_| Length { steps: 2000, batch: 128 },
    make: Make::of::<ImleRecipe>(),
};

impl SystemRecipe for ImleRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    /// In the plane every generated sample is matched (a pool no larger than the batch), so that few lie between the modes.
    fn defaults(kind: SampleKind) -> Result<Self> {
        let (size, widths, pool, rate) = match kind {
            SampleKind::Image => (32, vec![256, 512], 10, 1e-3),
            SampleKind::Points => (2, vec![128, 128], 1, 3e-3),
        };
        Ok(Self {
            latent: LatentRecipe { size, prior: Prior::Normal },
            generator: NetworkRecipe::Mlp(MlpRecipe { widths, ..MlpRecipe::default() }),
            matching: MatchingRecipe {
                search: Search::NearestSample,
                pool,
                staleness: 10,
                noise: 0.0,
                nearest_datum: 0.0,
            },
            optimizer: ImleOptimizers { generator: OptimizerRecipe::adam(rate, 0.9, 0.999) },
            schedule: Schedule::Linear { after: 0.5 },
        })
    }

    fn check(&self) -> Result<()> {
        let MatchingRecipe { search, pool, staleness, noise, nearest_datum } = self.matching;
        if pool == 0 || pool > 10_000 {
            return Err(Error::Recipe(format!("matching.pool is {pool}; give 1 to 10000 times the batch")));
        }
        if staleness == 0 {
            return Err(Error::Recipe(
                "matching.staleness is 0, so the generator would never step; give at least 1".into(),
            ));
        }
        at_least_zero(&[("matching.noise", noise), ("matching.nearest_datum", nearest_datum)])?;
        match search {
            Search::NearestDatum if nearest_datum > 0.0 => {
                return Err(Error::Recipe(
                    "matching.search=nearest-datum already is what matching.nearest_datum adds; set \
                     matching.nearest_datum=0"
                        .into(),
                ));
            }
            Search::NearestSample | Search::NearestDatum => {}
        }
        self.latent.check()?;
        self.schedule.check()?;
        self.optimizer.generator.check("generator")
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let steps = (self.optimizer.generator, self.schedule);
        let generator = LatentGenerator::new("generator", &self.generator, self.latent, steps, setup)?;
        Ok(Box::new(Imle { matching: self.matching, generator }))
    }
}

/// A generator in training.
struct Imle {
    matching: MatchingRecipe,
    generator: LatentGenerator,
}

/// Latents `[n, size]`, targets of their samples `[n, sample...]`, and the mean distance between them when they were
/// matched.
struct Matches {
    latents: Variable,
    targets: Variable,
    distance: f64,
}

impl Matches {
    /// The first of the latents of `samples` nearest to each of `data`.
    fn of_data(
        (data, real): (&Features, &Variable),
        (latents, samples): (&Variable, &Features),
    ) -> Result<Self> {
        let (places, distance) = found(data, samples)?;
        Ok(Self { latents: latents.index_select(0, &places)?, targets: real.clone(), distance })
    }

    /// For each of the latents the datum nearest to its sample.
    fn of_samples(
        (data, real): (&Features, &Variable),
        (latents, samples): (&Variable, &Features),
    ) -> Result<Self> {
        let (places, distance) = found(samples, data)?;
        Ok(Self { latents: latents.clone(), targets: real.index_select(0, &places)?, distance })
    }
}

/// The place of each row's nearest of `among`, and the mean distance.
fn found(rows: &Features, among: &Features) -> Result<(Vec<u32>, f64)> {
    let found = nearest(rows, among)?;
    let sum: f64 = found.iter().map(|(_, distance)| distance).sum();
    Ok((found.iter().map(|&(place, _)| place as u32).collect(), sum / found.len().max(1) as f64))
}

impl Imle {
    /// `count` fresh latents and their samples, generated a portion at a time.
    fn pool(&self, draw: Draw, count: usize) -> Result<(Variable, Features)> {
        let latents = self.generator.draw(draw, "matching/pool", count)?;
        let elements = self.generator.sample_shape().elements();
        let mut values = Vec::with_capacity(count * elements);
        for start in (0..count).step_by(PORTION) {
            let portion = latents.narrow(0, start, PORTION.min(count - start))?;
            values.extend(self.generator.generate(&portion)?.to_vec_f32()?);
        }
        Ok((latents, Features::new(values, elements)?))
    }

    /// The pairs of a batch, and those of the second term. The search needs the samples themselves, so they are read from the
    /// device.
    fn matched(&self, draw: Draw, real: &Variable) -> Result<(Matches, Option<Matches>)> {
        let data = Features::new(real.to_vec_f32()?, self.generator.sample_shape().elements())?;
        let (batch, data) = (real.shape()[0], (&data, real));
        match self.matching.search {
            Search::NearestSample => {
                let (latents, samples) = self.pool(draw, batch * self.matching.pool)?;
                let second = (self.matching.nearest_datum > 0.0)
                    .then(|| Matches::of_samples(data, (&latents, &samples)))
                    .transpose()?;
                Ok((Matches::of_data(data, (&latents, &samples))?, second))
            }
            Search::NearestDatum => {
                let (latents, samples) = self.pool(draw, batch)?;
                Ok((Matches::of_samples(data, (&latents, &samples))?, None))
            }
        }
    }

    /// The mean squared distance of pairs, with fresh noise on the latents.
    fn distance(&mut self, matches: &Matches, stream: &mut Stream) -> Result<Variable> {
        let noisy = with_noise(&matches.latents, self.matching.noise, stream)?;
        let samples = self.generator.generate_batch(&noisy, Mode::Training)?;
        Ok(samples.sub(&matches.targets)?.square()?.mean_all()?)
    }
}

impl System for Imle {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let real = turn.batch(draw)?.samples()?.clone();
        let (matches, second) = self.matched(draw, &real)?;
        turn.report.note_number(NEAREST_DISTANCE, matches.distance);
        let MatchingRecipe { staleness, nearest_datum, .. } = self.matching;
        for update in 0..staleness {
            let mut stream = turn.draw(draw.number * staleness + update).stream("matching/noise");
            let mut loss = self.distance(&matches, &mut stream)?;
            if let Some(second) = &second {
                loss = loss.add(&self.distance(second, &mut stream)?.scale(nearest_datum)?)?;
            }
            turn.note(GENERATOR_LOSS, &loss);
            turn.descend(&mut [&mut self.generator.player], &loss)?;
        }
        Ok(())
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.generator)
    }
}
