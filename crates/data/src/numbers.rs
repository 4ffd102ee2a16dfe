//! Numbers from files and extractors, in the precision they come in.

use std::borrow::Cow;
use std::ops::Range;

/// Row-major numbers in the precision they came in; what computes with them turns them into `f64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// 32-bit floats.
    Single(Vec<f32>),
    /// 64-bit floats.
    Double(Vec<f64>),
}

impl From<Vec<f32>> for Numbers {
    fn from(values: Vec<f32>) -> Self {
        Self::Single(values)
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(values: Vec<f64>) -> Self {
        Self::Double(values)
    }
}

impl Numbers {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those at `range`, as `f64`; none where the range ends beyond the last.
    pub fn get(&self, range: Range<usize>) -> Cow<'_, [f64]> {
        match self {
            Self::Single(values) => {
                values.get(range).unwrap_or_default().iter().map(|&value| f64::from(value)).collect()
            }
            Self::Double(values) => Cow::Borrowed(values.get(range).unwrap_or_default()),
        }
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        match self {
            Self::Single(values) => values.reserve_exact(more),
            Self::Double(values) => values.reserve_exact(more),
        }
    }

    /// The place and value of the first NaN or infinity.
    pub fn first_not_finite(&self) -> Option<(usize, f64)> {
        match self {
            Self::Single(values) => values
                .iter()
                .position(|value| !value.is_finite())
                .and_then(|place| Some((place, f64::from(*values.get(place)?)))),
            Self::Double(values) => values
                .iter()
                .position(|value| !value.is_finite())
                .and_then(|place| Some((place, *values.get(place)?))),
        }
    }

    /// Adds `other` behind, in the wider precision of the two.
    pub fn append(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Single(own), Self::Single(other)) => own.extend(other),
            (Self::Double(own), Self::Double(other)) => own.extend(other),
            (Self::Double(own), Self::Single(other)) => own.extend(other.iter().map(|&v| f64::from(v))),
            (Self::Single(own), Self::Double(other)) => {
                *self =
                    Self::Double(own.iter().map(|&v| f64::from(v)).chain(other.iter().copied()).collect());
            }
        }
    }

    /// The given rows of `width` numbers in the given order; a row that does not exist is left out.
    pub fn select(&self, rows: &[usize], width: usize) -> Self {
        fn copy<T: Copy>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
            let row = |&row: &usize| values.get(row * width..(row + 1) * width).unwrap_or_default();
            rows.iter().flat_map(row).copied().collect()
        }
        match self {
            Self::Single(values) => Self::Single(copy(values, rows, width)),
            Self::Double(values) => Self::Double(copy(values, rows, width)),
        }
    }
}
