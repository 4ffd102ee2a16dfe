//! Samples from files of NumPy's.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use candle_core::{Device, Tensor};

use super::error::EvaluationError;
use super::protocol::Source;
use super::samples::{Samples, Shapes, check_places, rows, undivided};
use brigand_core::error::{Error, Result};
use brigand_data::npy;

/// How far a value may lie beyond the ends of its range, as a share of it: what rounding leaves.
const TOLERANCE: f64 = 0.005;

/// Which values of an array are black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueRange {
    /// From 0 to 1.
    Unit,
    /// From 0 to 255.
    Bytes,
    /// From -1 to 1, as `brigand sample` writes them.
    Symmetric,
}

impl ValueRange {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Bytes, Self::Symmetric];

    /// Black and white.
    pub fn ends(self) -> (f64, f64) {
        match self {
            Self::Unit => (0.0, 1.0),
            Self::Bytes => (0.0, 255.0),
            Self::Symmetric => (-1.0, 1.0),
        }
    }
}

impl fmt::Display for ValueRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (black, white) = self.ends();
        write!(f, "{black}..{white}")
    }
}

impl FromStr for ValueRange {
    type Err = EvaluationError;

    fn from_str(text: &str) -> std::result::Result<Self, EvaluationError> {
        let found = Self::ALL.into_iter().find(|range| range.to_string() == text);
        found.ok_or_else(|| {
            EvaluationError::Input(format!(
                "no range of values is `{text}`; there are 0..1, 0..255 and -1..1"
            ))
        })
    }
}

/// Samples from a file of NumPy's.
pub struct ArraySamples {
    name: String,
    values: Tensor,
    shape: Vec<usize>,
}

impl ArraySamples {
    /// Images `[n, channels, height, width]` in `range`, or points `[n, dimensions]`. Without a range images must be in
    /// [-1, 1], as `brigand sample` writes them, and have a value below 0: an array without one may as well be in
    /// [0, 1], which only its owner can know.
    ///
    /// # Errors
    /// If the file cannot be read, holds something else, or images in another range.
    pub fn read(path: &Path, range: Option<ValueRange>) -> Result<Self> {
        let npy::Array { numbers, shape } = npy::read(path)?;
        let refuse = |reason: String| Err(Error::Request(format!("{}: {reason}", path.display())));
        if ![2, 4].contains(&shape.len()) || numbers.is_empty() {
            return refuse(format!(
                "an array of shape {shape:?} holds no samples; save images [n, channels, height, width] or points \
                 [n, dimensions]"
            ));
        }
        let mut values: Vec<f32> = numbers.get(0..numbers.len()).iter().map(|&value| value as f32).collect();
        if shape.len() == 4 {
            let finite = || values.iter().copied().filter(|value| value.is_finite()).map(f64::from);
            let (low, high) =
                (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
            let (black, white) = range.unwrap_or(ValueRange::Symmetric).ends();
            let reach = TOLERANCE * (white - black);
            let fits = low >= black - reach && high <= white + reach;
            // A value that is not a number is an error that names its sample, when that is measured.
            if low <= high && (!fits || (range.is_none() && low >= 0.0)) {
                return refuse(format!(
                    "its values lie between {low} and {high}, and images are taken to have {black} for black and {white} \
                     for white; give the range they are in: --range 0..1, --range 0..255 or --range -1..1"
                ));
            }
            let scaled = |value: f32| ((f64::from(value) - black) / (white - black) * 2.0 - 1.0) as f32;
            if range.is_some_and(|range| range != ValueRange::Symmetric) {
                values.iter_mut().for_each(|value| *value = scaled(*value));
            }
        }
        Ok(Self {
            name: path.display().to_string(),
            shape: shape.get(1..).unwrap_or_default().to_vec(),
            values: Tensor::from_vec(values, shape, &Device::Cpu)?,
        })
    }
}

impl Samples for ArraySamples {
    fn source(&self) -> Source {
        undivided(&self.name, self)
    }

    fn count(&self) -> usize {
        self.values.dims().first().copied().unwrap_or(0)
    }

    fn shapes(&self) -> Shapes {
        Shapes::One(self.shape.clone())
    }

    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>> {
        check_places(places, self.count())?;
        Ok(vec![rows(&self.values, places)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchmetrics 1244: images in [0, 1] were taken for images in [-1, 1], and their FID was 506 instead of 0.
    #[test]
    fn torchmetrics_1244_arrays_in_another_range_are_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let save = |values: &[f32]| npy::write(&path, values, &[2, 1, 1, 2]).unwrap();
        let refusal = |range| ArraySamples::read(&path, range).err().unwrap().to_string();
        let read = |range| -> Vec<f32> {
            let samples = ArraySamples::read(&path, range).unwrap();
            samples.get(&[1, 0]).unwrap()[0].flatten_all().unwrap().to_vec1().unwrap()
        };
        save(&[0.0, 1.0, 0.5, 0.25]);
        assert!(refusal(None).contains("--range 0..1, --range 0..255 or --range -1..1"), "{}", refusal(None));
        assert_eq!(read(Some(ValueRange::Unit)), [0.0, -0.5, -1.0, 1.0]);
        assert_eq!(read(Some(ValueRange::Symmetric)), [0.5, 0.25, 0.0, 1.0]);
        save(&[0.0, 255.0, 127.5, 51.0]);
        assert!(
            refusal(None).contains("between 0 and 255") && refusal(Some(ValueRange::Unit)).contains("a.npy")
        );
        assert!(
            read(Some(ValueRange::Bytes))
                .iter()
                .zip([0.0, -0.6, -1.0, 1.0])
                .all(|(a, b)| (a - b).abs() < 1e-6)
        );
        save(&[-1.0, 1.0, 0.5, -0.5]);
        assert_eq!(read(None), [0.5, -0.5, -1.0, 1.0]);
        assert!(refusal(Some(ValueRange::Unit)).contains("between -1 and 1"));
    }

    #[test]
    fn ranges_have_names() {
        for range in ValueRange::ALL {
            assert_eq!(range.to_string().parse::<ValueRange>().unwrap(), range);
        }
        assert!("0-1".parse::<ValueRange>().unwrap_err().to_string().contains("0..255"));
    }
}
