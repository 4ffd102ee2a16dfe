//! People as sources of batches: episodes of one person's frames, and the frames of one person.

use brigand_core::batch::{
    HostBatch, HostField, IMAGES, Indices, Kind, LABELS, LANDMARKS, SOURCE_LANDMARKS, SOURCES, Schema, Source,
};
use brigand_core::error::{Error, Result};
use brigand_core::random::Stream;

use super::People;
use crate::dataset::Dataset;

fn missing(number: usize) -> Error {
    Error::Data(format!("there is no frame {number}"))
}

/// The samples of `set` with these numbers, `[lead..., sample...]`.
fn field(set: &Dataset, numbers: &[usize], lead: &[usize]) -> Result<HostField> {
    let batch = set.get(numbers)?;
    Ok(HostField::Numbers(batch.values, [lead, set.shape()].concat()))
}

/// Episodes: a target frame, some other frames of the same person in an order by chance, and the person's number.
///
/// Neighbouring samples are of different people: every person's first frame, every person's second, and so on.
pub(crate) struct Episodes {
    people: People,
    frames: usize,
    /// The frames of each person.
    of_person: Vec<Vec<usize>>,
    /// The frame of each sample.
    order: Vec<usize>,
    labels: Vec<u32>,
}

impl Episodes {
    /// Episodes of `frames` frames besides the target.
    ///
    /// # Errors
    /// If a person has no more frames than that.
    pub(crate) fn new(people: People, frames: usize) -> Result<Self> {
        let unnamed = || Error::Internal("frames of people have no labels".into());
        let labels = people.frames.labels().ok_or_else(unnamed)?;
        let mut of_person = vec![Vec::new(); labels.classes.len()];
        for (frame, &label) in labels.values.iter().enumerate() {
            if let Some(own) = of_person.get_mut(label as usize) {
                own.push(frame);
            }
        }
        let few = of_person.iter().zip(&labels.classes).find(|(own, _)| own.len() <= frames);
        if let Some((own, name)) = few {
            return Err(Error::Data(format!(
                "`{name}` of {} has {} frames, and an episode needs {frames} (data.frames) and one more as its target; give \
                 more frames, or set data.frames to fewer",
                people.frames.name(),
                own.len(),
            )));
        }
        let most = of_person.iter().map(Vec::len).max().unwrap_or(0);
        let order = (0..most).flat_map(|place| of_person.iter().filter_map(move |own| own.get(place)));
        let order: Vec<usize> = order.copied().collect();
        let labels = labels.values.clone();
        Ok(Self { people, frames, of_person, order, labels })
    }

    fn label(&self, frame: usize) -> Result<u32> {
        self.labels.get(frame).copied().ok_or_else(|| missing(frame))
    }

    fn targets(&self, numbers: &[usize]) -> Result<Vec<usize>> {
        numbers.iter().map(|&number| self.order.get(number).copied().ok_or_else(|| missing(number))).collect()
    }
}

impl Source for Episodes {
    fn count(&self) -> usize {
        self.order.len()
    }

    fn schema(&self) -> Schema {
        let shape = |set: &Dataset| set.shape().to_vec();
        let (frame, drawing) = (shape(&self.people.frames), shape(&self.people.drawings));
        let several = |shape: &[usize]| [&[self.frames], shape].concat();
        let counts = self.of_person.iter().map(|own| own.len() as f64).collect();
        Schema::default()
            .with(IMAGES.0, Kind::Image {}, &frame)
            .with(LANDMARKS.0, Kind::Image {}, &drawing)
            .with(SOURCES.0, Kind::Frames {}, &several(&frame))
            .with(SOURCE_LANDMARKS.0, Kind::Frames {}, &several(&drawing))
            .with(LABELS.0, Kind::Class { counts }, &[])
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        let targets = self.targets(numbers)?;
        let (mut sources, mut labels) = (Vec::with_capacity(targets.len() * self.frames), Vec::new());
        for &target in &targets {
            let label = self.label(target)?;
            let own = self.of_person.get(label as usize).ok_or_else(|| missing(target))?;
            let others: Vec<usize> = own.iter().copied().filter(|&frame| frame != target).collect();
            let order = stream.permutation(others.len()).into_iter().take(self.frames);
            sources.extend(order.filter_map(|place| others.get(place)));
            labels.push(label);
        }
        let People { frames, drawings } = &self.people;
        let (one, several) = ([targets.len()], [targets.len(), self.frames]);
        Ok(HostBatch::from([
            (IMAGES.0, field(frames, &targets, &one)?),
            (LANDMARKS.0, field(drawings, &targets, &one)?),
            (SOURCES.0, field(frames, &sources, &several)?),
            (SOURCE_LANDMARKS.0, field(drawings, &sources, &several)?),
            (LABELS.0, HostField::Indices(Indices { shape: vec![labels.len()], values: labels })),
        ]))
    }

    fn labels(&self, numbers: &[usize]) -> Result<Option<Vec<u32>>> {
        let targets = self.targets(numbers)?;
        targets.into_iter().map(|target| self.label(target)).collect::<Result<_>>().map(Some)
    }
}

/// The frames of one person with their landmarks.
pub(crate) struct Frames(pub(crate) People);

impl Source for Frames {
    fn count(&self) -> usize {
        self.0.frames.len()
    }

    fn schema(&self) -> Schema {
        let People { frames, drawings } = &self.0;
        Schema::default().with(IMAGES.0, Kind::Image {}, frames.shape()).with(
            LANDMARKS.0,
            Kind::Image {},
            drawings.shape(),
        )
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let (People { frames, drawings }, count) = (&self.0, [numbers.len()]);
        Ok(HostBatch::from([
            (IMAGES.0, field(frames, numbers, &count)?),
            (LANDMARKS.0, field(drawings, numbers, &count)?),
        ]))
    }
}
