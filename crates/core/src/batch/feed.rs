//! Batches for training: pure functions of their number.

use std::ops::Range;

use super::fields::{Batch, IndexKey, LABELS, NumberKey, no_labels};
use super::held_out::HeldOut;
use super::reworded::in_words_of;
use super::sampler::Sampler;
use super::schema::Schema;
use super::source::{HostBatch, HostField, Source};
use crate::error::{Error, Result};
use crate::place::Place;
use crate::random::Stream;

/// A source and what chooses its samples. The fields of one source belong together; two sources are drawn independently.
struct Group {
    source: Box<dyn Source>,
    sampler: Sampler,
    held_out: HeldOut,
    /// The running sums of how often each sample is drawn, where not evenly.
    cumulative: Option<Vec<f64>>,
}

impl Group {
    /// Whether its source has the field called `name`.
    fn has(&self, name: &str) -> bool {
        self.source.schema().fields.contains_key(name)
    }

    fn trained_count(&self) -> usize {
        self.held_out.trained_count(self.source.count())
    }

    /// The numbers of the samples of batch `number`.
    fn indices(&mut self, seed: u64, number: u64) -> Vec<usize> {
        let drawn = match &self.cumulative {
            Some(sums) => {
                weighted(sums, self.sampler.batch(), &mut Stream::new(seed, "feed/weighted", number))
            }
            None => self.sampler.indices(number),
        };
        drawn.into_iter().map(|index| self.held_out.trained(index)).collect()
    }
}

/// Where training takes its real batches from.
pub struct Feed {
    groups: Vec<Group>,
    schema: Schema,
    place: Place,
    batch: usize,
    seed: u64,
    /// The share of every batch that this process takes: its number and how many there are.
    shard: (usize, usize),
    /// The batch drawn last, which several updates of a step may ask for.
    last: Option<(u64, Batch)>,
    /// The samples whose labels a semi-supervised system is given.
    labelled: Option<Vec<usize>>,
}

impl Feed {
    /// Batches of `batch` samples of each source; the samples of two sources are drawn independently.
    ///
    /// # Errors
    /// If a source has less samples than a batch, or two have a field of the same name.
    pub fn new(sources: Vec<Box<dyn Source>>, batch: usize, seed: u64, place: &Place) -> Result<Self> {
        Self::sharded(sources, batch, seed, place, (0, 1))
    }

    /// The same where `shard.1` processes share every batch, of which this is number `shard.0`.
    ///
    /// # Errors
    /// As [`Feed::new`], or if the batch cannot be shared evenly.
    pub fn sharded(
        sources: Vec<Box<dyn Source>>,
        batch: usize,
        seed: u64,
        place: &Place,
        shard: (usize, usize),
    ) -> Result<Self> {
        if shard.1 == 0 || shard.0 >= shard.1 || !batch.is_multiple_of(shard.1) {
            return Err(Error::Data(format!("a batch of {batch} cannot be shared by {} processes", shard.1)));
        }
        let (mut schema, mut groups) = (Schema::default(), Vec::new());
        for (number, source) in sources.into_iter().enumerate() {
            for (name, mut field) in source.schema().fields {
                field.group = number;
                if schema.fields.insert(name.clone(), field).is_some() {
                    return Err(Error::Data(format!("two sources have the field `{name}`; rename one")));
                }
            }
            let sampler = Sampler::new(source.count(), batch, group_seed(seed, number))?;
            groups.push(Group { source, sampler, held_out: HeldOut::Nothing, cumulative: None });
        }
        Ok(Self { groups, schema, place: place.clone(), batch, seed, shard, last: None, labelled: None })
    }

    /// Keeps samples for measuring: of each source its part of `apart` where there is one, or else the last of every six
    /// samples, which then are in no batch.
    ///
    /// # Errors
    /// If a part has other fields or labels, or words that nothing stands for, what remains does not fill a batch, or samples are drawn by weights.
    pub fn hold_out(&mut self, apart: Vec<Option<Box<dyn Source>>>) -> Result<()> {
        if self.groups.iter().any(|group| group.cumulative.is_some()) {
            return Err(Error::Internal(
                "samples were to be held out while they are drawn by weights".into(),
            ));
        }
        let apart = apart.into_iter().chain(std::iter::repeat_with(|| None));
        for (number, (group, apart)) in self.groups.iter_mut().zip(apart).enumerate() {
            let apart = apart
                .map(|apart| {
                    let trained = group.source.schema();
                    check_alike(&trained, &apart.schema())?;
                    in_words_of(&trained, apart)
                })
                .transpose()?;
            group.held_out = apart.map_or(HeldOut::Sixth, HeldOut::Apart);
            let trained = group.held_out.trained_count(group.source.count());
            group.sampler = Sampler::new(trained, self.batch, group_seed(self.seed, number))?;
        }
        (self.last, self.labelled) = (None, None);
        Ok(())
    }

    /// How many samples of every source are held out.
    pub fn held_out_count(&self) -> usize {
        let counts = self.groups.iter().map(|group| group.held_out.count(group.source.count()));
        counts.min().unwrap_or(0)
    }

    /// The held-out samples of these numbers, counted from 0.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn held_out(&self, numbers: Range<usize>) -> Result<Batch> {
        if numbers.end > self.held_out_count() {
            return Err(Error::Request(format!(
                "{} held-out samples were asked for, there are {}",
                numbers.end,
                self.held_out_count()
            )));
        }
        let mut host = HostBatch::new();
        for group in &self.groups {
            let stream = &mut Stream::new(self.seed, "source/held-out", 0);
            host.extend(group.held_out.get(group.source.as_ref(), numbers.clone(), stream)?);
        }
        self.on_device(host)
    }

    /// How many samples of the source with the field called `name` are trained on.
    ///
    /// # Errors
    /// If there is no such source.
    pub fn trained_count(&self, name: &str) -> Result<usize> {
        Ok(self.group(name)?.trained_count())
    }

    /// The source with the field called `name`.
    fn group(&self, name: &str) -> Result<&Group> {
        let missing = || Error::Internal(format!("no source has the field `{name}`"));
        self.groups.iter().find(|group| group.has(name)).ok_or_else(missing)
    }

    /// The samples of these numbers among those that are trained on, of the source with the field called `name` alone and as
    /// they are.
    ///
    /// # Errors
    /// If there is no such source, or there are not so many.
    pub fn trained(&self, name: &str, numbers: Range<usize>) -> Result<Batch> {
        let group = self.group(name)?;
        let places: Vec<usize> = numbers.map(|number| group.held_out.trained(number)).collect();
        self.on_device(group.source.get_plain(&places, &mut Stream::new(self.seed, "source/trained", 0))?)
    }

    /// The fields of a batch.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Where batches are made.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Samples in a batch of this process.
    pub fn batch_size(&self) -> usize {
        self.batch / self.shard.1
    }

    /// The seed that all streams of the run are keyed by.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many samples the first source has.
    pub fn count(&self) -> usize {
        self.groups.first().map_or(0, |group| group.source.count())
    }

    /// Batch number `number`.
    ///
    /// # Errors
    /// If a source cannot be read.
    pub fn batch(&mut self, number: u64) -> Result<Batch> {
        if let Some((last, batch)) = &self.last
            && *last == number
        {
            return Ok(batch.clone());
        }
        let mut host = HostBatch::new();
        for (place, group) in self.groups.iter_mut().enumerate() {
            let indices = group.indices(self.seed, number);
            let own = indices.len() / self.shard.1;
            let indices: Vec<usize> = indices.into_iter().skip(self.shard.0 * own).take(own).collect();
            let purpose = match self.shard.0 {
                0 => format!("source/{place}"),
                rank => format!("source/{place}/rank {rank}"),
            };
            let mut stream = Stream::new(self.seed, &purpose, number);
            host.extend(group.source.get(&indices, &mut stream)?);
        }
        let batch = self.on_device(host)?;
        self.last = Some((number, batch.clone()));
        Ok(batch)
    }

    /// The samples of these numbers of every source, for pictures and measurements.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn samples(&self, numbers: &[usize]) -> Result<Batch> {
        let mut host = HostBatch::new();
        for group in &self.groups {
            let stream = &mut Stream::new(self.seed, "source/samples", 0);
            host.extend(group.source.get_plain(numbers, stream)?);
        }
        self.on_device(host)
    }

    /// Batch number `number` of `size` samples of this process among the `count` whose labels a semi-supervised system is given: as
    /// evenly of every class as there are, the same ones for a seed.
    ///
    /// # Errors
    /// If the data has no labels, or fewer samples than that.
    pub fn labelled(&mut self, number: u64, size: usize, count: usize) -> Result<Batch> {
        let labelled = match self.labelled.take() {
            Some(labelled) if labelled.len() == count => labelled,
            _ => self.choose_labelled(count)?,
        };
        let (rank, ranks) = self.shard;
        let mut stream = Stream::new(self.seed, "feed/labelled/batch", number);
        let draws = stream.uniform(size * ranks, 0.0, count as f32).into_iter().skip(rank * size).take(size);
        let place = |draw: f32| labelled.get((draw as usize).min(count - 1)).copied();
        let indices: Vec<usize> = draws.filter_map(place).collect();
        self.labelled = Some(labelled);
        let first = self.groups.first().ok_or_else(no_labels)?;
        self.on_device(first.source.get(&indices, &mut Stream::new(self.seed, "source/labelled", number))?)
    }

    /// The first sample of every class in an order given by the seed, then the second of every class, and so on.
    fn choose_labelled(&self, count: usize) -> Result<Vec<usize>> {
        let first = self.groups.first().ok_or_else(no_labels)?;
        let order = Stream::new(self.seed, "feed/labelled", 0).permutation(first.sampler.samples());
        let order: Vec<usize> = order.into_iter().map(|index| first.held_out.trained(index)).collect();
        let labels = match first.source.labels(&order)? {
            Some(labels) => labels,
            None => return Err(no_labels()),
        };
        let classes = self.schema.class_counts().len();
        let mut of_class = vec![0_usize; classes];
        let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(order.len());
        for (index, label) in order.into_iter().zip(labels) {
            if let Some(rank) = of_class.get_mut(label as usize) {
                *rank += 1;
                ranked.push((*rank, index));
            }
        }
        if count == 0 || ranked.len() < count {
            return Err(Error::Recipe(format!(
                "{count} labelled samples are asked for, there are {}; set labels.count to a number between 1 and \
                 that",
                ranked.len()
            )));
        }
        ranked.sort_by_key(|&(rank, _)| rank);
        Ok(ranked.into_iter().take(count).map(|(_, index)| index).collect())
    }

    /// From now on draws each sample of the first source in proportion to its weight, with replacement; `None` draws
    /// evenly again.
    ///
    /// # Errors
    /// If there is not one weight of 0 or more for each sample, all are 0, or samples are held out of the source itself.
    pub fn weigh(&mut self, weights: Option<&[f32]>) -> Result<()> {
        self.last = None;
        let Some(first) = self.groups.first_mut() else { return Ok(()) };
        let Some(weights) = weights else {
            first.cumulative = None;
            return Ok(());
        };
        let (given, count) = (weights.len(), first.source.count());
        if given != count {
            return Err(Error::Internal(format!("{given} weights for {count} samples")));
        }
        if first.held_out.trained_count(count) != count {
            return Err(Error::Internal(
                "samples were to be drawn by weights while some are held out".into(),
            ));
        }
        if let Some(weight) = weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
            return Err(Error::Internal(format!("a sample has the weight {weight}")));
        }
        let sums: Vec<f64> = weights
            .iter()
            .scan(0.0, |sum, &weight| {
                *sum += f64::from(weight);
                Some(*sum)
            })
            .collect();
        if sums.last().is_none_or(|total| *total == 0.0) {
            return Err(Error::Internal("all samples have the weight 0".into()));
        }
        first.cumulative = Some(sums);
        Ok(())
    }

    fn on_device(&self, host: HostBatch) -> Result<Batch> {
        host.into_iter().try_fold(Batch::default(), |batch, (name, field)| {
            Ok(match field {
                HostField::Numbers(values, shape) => {
                    batch.with(NumberKey(name), self.place.numbers(values, &shape)?)
                }
                HostField::Indices(indices) => batch.with_indices(IndexKey(name), indices),
            })
        })
    }
}

/// A seed of its own for each group: equal ones would pair the samples of two sources of equal size.
fn group_seed(seed: u64, group: usize) -> u64 {
    seed.wrapping_add((group as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn check_alike(trained: &Schema, apart: &Schema) -> Result<()> {
    for (name, field) in &trained.fields {
        let found = apart.fields.get(name).map(|field| &field.shape);
        if found != Some(&field.shape) && name != LABELS.0 {
            let found = found.map_or_else(|| "none".to_owned(), |shape| format!("such of shape {shape:?}"));
            return Err(Error::Request(format!(
                "samples that are trained on have `{name}` of shape {:?}, held-out samples have {found}; give held-out data of the \
                 same kind and shape",
                field.shape
            )));
        }
    }
    Ok(())
}

/// `count` numbers of samples, each by its share of the running sums.
fn weighted(sums: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
    let total = sums.last().copied().unwrap_or(0.0);
    let draws = stream.uniform(count, 0.0, 1.0).into_iter();
    let place = |draw: f32| sums.partition_point(|&sum| sum <= f64::from(draw) * total);
    draws.map(|draw| place(draw).min(sums.len().saturating_sub(1))).collect()
}
