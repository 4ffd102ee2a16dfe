//! The one form all data takes once read: samples in memory, fetched in batches.

use super::error::DataError;
use super::fingerprint::{Content, Fingerprint};
use super::notes::{Notes, Skipped};

/// Samples in memory with what is known of them.
///
/// Images are kept as bytes and scaled to `[-1, 1]` when fetched: byte 0 is exactly -1 and the set's top level
/// (255; 16 for the embedded digits) exactly +1. Points are kept and given as they are.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    values: Values,
    shape: Vec<usize>,
    labels: Option<Labels>,
    licence: String,
    modes: Option<Modes>,
    notes: Notes,
}

/// The stored numbers of a [`Dataset`], samples one after another.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// Image levels `0..=top`.
    Levels { bytes: Vec<u8>, top: u8 },
    /// Coordinates.
    Points(Vec<f32>),
}

/// The class of each sample, and what the classes are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Name of each class; a label is a position in this list.
    pub classes: Vec<String>,
    /// Class of each sample.
    pub values: Vec<u32>,
}

impl Labels {
    /// Labels whose classes are called `"0"`, `"1"`, ... up to the largest label present.
    pub(crate) fn numbered(values: Vec<u32>) -> Self {
        let largest = values.iter().copied().max().unwrap_or(0);
        Self { classes: (0..=largest).map(|c| c.to_string()).collect(), values }
    }
}

/// The components of a mixture that toy points were drawn from, equally weighted and isotropic; what mode
/// coverage is measured against.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// Centre of each mode, `[modes][dimensions]`.
    pub centres: Vec<Vec<f32>>,
    /// Standard deviation along each axis, the same for all modes.
    pub deviation: f32,
}

/// Some samples, ready to become tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Row-major values: images in `[-1, 1]`, points in data coordinates.
    pub values: Vec<f32>,
    /// `[n, channels, height, width]` for images, `[n, dimensions]` for points.
    pub shape: Vec<usize>,
    /// Class of each sample, when the data has classes.
    pub labels: Option<Vec<u32>>,
}

impl Dataset {
    /// Puts a set together, checking that numbers, shape and labels fit. `shape` is that of one sample.
    pub(crate) fn new(
        name: impl Into<String>,
        values: Values,
        shape: Vec<usize>,
        labels: Option<Labels>,
        licence: impl Into<String>,
    ) -> Result<Self, DataError> {
        let set = Self {
            name: name.into(),
            values,
            shape,
            labels,
            licence: licence.into(),
            modes: None,
            notes: Notes::default(),
        };
        let problem = |problem| Err(DataError::Inconsistent { name: set.name.clone(), problem });
        let (stored, sample) = (set.stored(), set.sample_size());
        if sample == 0 || stored == 0 || stored % sample != 0 {
            return problem(format!("{stored} values cannot be samples of shape {:?}", set.shape));
        }
        if let Some(labels) = &set.labels {
            if labels.values.len() != set.len() {
                return problem(format!("{} labels for {} samples", labels.values.len(), set.len()));
            }
            if let Some(label) = labels.values.iter().find(|&&l| l as usize >= labels.classes.len()) {
                return problem(format!("label {label} but only {} classes", labels.classes.len()));
            }
        }
        Ok(set)
    }

    /// A set of your own: samples of `shape` one after another in `values`, images `[channels, height, width]`
    /// in [-1, 1] or points `[dimensions]`.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] when the values are no whole number of samples.
    pub fn from_values(name: &str, values: Vec<f32>, shape: &[usize]) -> Result<Self, DataError> {
        Self::new(name, Values::Points(values), shape.to_vec(), None, "as its owner says")
    }

    /// The same set with the class of each sample.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] when there is not one for each, or one is of no class.
    pub fn with_labels(self, labels: Labels) -> Result<Self, DataError> {
        let Self { name, values, shape, licence, modes, notes, .. } = self;
        Self::new(name, values, shape, Some(labels), licence).map(|set| Self { modes, notes, ..set })
    }

    /// The same set with the mixture it was drawn from.
    pub(crate) fn with_modes(self, modes: Option<Modes>) -> Self {
        Self { modes, ..self }
    }

    /// The same set with what was noticed when it was read.
    pub(crate) fn with_notes(self, notes: Notes) -> Self {
        Self { notes, ..self }
    }

    /// What tells this set from another.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut content = Content::default();
        match &self.values {
            Values::Levels { bytes, top } => {
                content.bytes(&[*top]);
                content.bytes(bytes);
            }
            Values::Points(values) => content.numbers(values),
        }
        let labels = self.labels.as_ref();
        labels.iter().for_each(|labels| content.indices(&labels.values));
        Fingerprint {
            samples: self.len(),
            shape: self.shape.clone(),
            classes: labels.map_or_else(Vec::new, |labels| labels.classes.clone()),
            sha256: content.finish(),
        }
    }

    /// What the set is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of samples; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.stored() / self.sample_size()
    }

    /// Shape of one sample: `[channels, height, width]` or `[dimensions]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the samples are images (otherwise points).
    pub fn is_image(&self) -> bool {
        matches!(self.values, Values::Levels { .. })
    }

    /// The terms the data may be used under.
    pub fn licence(&self) -> &str {
        &self.licence
    }

    /// Class of each sample and class names, when the data has classes.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// The mixture the points were drawn from, for the toys that are mixtures.
    pub fn modes(&self) -> Option<&Modes> {
        self.modes.as_ref()
    }

    /// Files of an image folder that could not be read and are not part of the set.
    pub fn skipped(&self) -> &[Skipped] {
        &self.notes.unreadable
    }

    /// What was noticed when an image folder was read.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Number of samples of each class, in the order of the class names; empty without labels.
    pub fn class_counts(&self) -> Vec<usize> {
        let Some(labels) = &self.labels else { return Vec::new() };
        let mut counts = vec![0; labels.classes.len()];
        for &label in &labels.values {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Smallest and largest value any sample holds, on the scale of [`Batch::values`].
    pub fn value_range(&self) -> (f32, f32) {
        match &self.values {
            Values::Levels { bytes, top } => {
                let (low, high) = bytes.iter().fold((u8::MAX, 0), |(l, h), &b| (b.min(l), b.max(h)));
                (scaled(low, *top), scaled(high, *top))
            }
            Values::Points(points) => {
                points.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &p| (l.min(p), h.max(p)))
            }
        }
    }

    /// The samples at `indices`, in that order; an index may repeat.
    ///
    /// # Errors
    /// [`DataError::NoSuchSample`] for an index that is not below [`Dataset::len`].
    pub fn get(&self, indices: &[usize]) -> Result<Batch, DataError> {
        let sample = self.sample_size();
        let mut values = Vec::with_capacity(indices.len() * sample);
        let mut labels = self.labels.as_ref().map(|_| Vec::with_capacity(indices.len()));
        for &index in indices {
            let place = index.saturating_mul(sample)..index.saturating_add(1).saturating_mul(sample);
            let found = match &self.values {
                Values::Levels { bytes, top } => {
                    bytes.get(place).map(|bytes| values.extend(bytes.iter().map(|&b| scaled(b, *top))))
                }
                Values::Points(points) => points.get(place).map(|point| values.extend_from_slice(point)),
            };
            found.ok_or(DataError::NoSuchSample { index, samples: self.len() })?;
            if let (Some(drawn), Some(own)) = (&mut labels, &self.labels) {
                drawn.extend(own.values.get(index));
            }
        }
        let shape = [&[indices.len()], self.shape.as_slice()].concat();
        Ok(Batch { values, shape, labels })
    }

    fn sample_size(&self) -> usize {
        self.shape.iter().product()
    }

    fn stored(&self) -> usize {
        match &self.values {
            Values::Levels { bytes, .. } => bytes.len(),
            Values::Points(points) => points.len(),
        }
    }
}

/// Level `0..=top` on the scale `[-1, 1]`; both ends are exact.
fn scaled(level: u8, top: u8) -> f32 {
    f32::from(level) * 2.0 / f32::from(top) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Dataset {
        let values = Values::Levels { bytes: vec![0, 255, 51, 102, 204, 153], top: 255 };
        Dataset::new("six", values, vec![1, 1, 2], Some(Labels::numbered(vec![1, 0, 1])), "none").unwrap()
    }

    #[test]
    fn a_batch_is_scaled_and_in_the_order_asked() {
        let batch = images().get(&[2, 0, 2]).unwrap();
        assert_eq!(batch.shape, [3, 1, 1, 2]);
        assert_eq!(batch.labels, Some(vec![1, 1, 1]));
        assert_eq!(batch.values[2..4], [-1.0, 1.0]);
        assert!((batch.values[0] - 0.6).abs() < 1e-6 && (batch.values[1] - 0.2).abs() < 1e-6);
        assert_eq!(batch.values[..2], batch.values[4..]);
    }

    #[test]
    fn facts_are_counted() {
        let set = images();
        assert_eq!((set.len(), set.class_counts(), set.value_range()), (3, vec![1, 2], (-1.0, 1.0)));
        let points = Values::Points(vec![0.5, -3.0, 7.0, 1.0]);
        let set = Dataset::new("two", points, vec![2], None, "none").unwrap();
        assert_eq!((set.len(), set.class_counts(), set.value_range()), (2, vec![], (-3.0, 7.0)));
        assert_eq!(set.get(&[1]).unwrap().values, [7.0, 1.0]);
    }

    #[test]
    fn an_index_beyond_the_data_is_an_error() {
        for index in [3, usize::MAX] {
            assert!(matches!(images().get(&[0, index]), Err(DataError::NoSuchSample { samples: 3, .. })));
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let set = |points: usize, labels| {
            Dataset::new("x", Values::Points(vec![0.0; points]), vec![2], labels, "none").map(|s| s.len())
        };
        assert!(set(3, None).is_err() && set(0, None).is_err());
        assert!(set(4, Some(Labels::numbered(vec![0]))).is_err());
        assert!(set(2, Some(Labels { classes: vec!["a".into()], values: vec![1] })).is_err());
        assert_eq!(set(4, Some(Labels::numbered(vec![0, 3]))).unwrap(), 2);
    }
}
