//! What images and points look like.

use crate::error::{Error, Result};

/// Whether a system works on images or on points: its defaults differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// `[channels, height, width]`.
    Image,
    /// `[dimensions]`.
    Points,
}

impl SampleKind {
    /// Refuses points, for a system that works on images only; `needs` says what it needs and which data has it.
    ///
    /// # Errors
    /// [`Error::Recipe`] with `needs`.
    pub fn refuse_points(self, needs: &str) -> Result<()> {
        match self {
            Self::Image => Ok(()),
            Self::Points => Err(Error::Recipe(needs.into())),
        }
    }
}

/// What samples look like, without the batch dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleShape {
    /// `[channels, height, width]`, values in [-1, 1].
    Image {
        /// 1 for grey, 3 for colour.
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// `[dimensions]`, unbounded values.
    Points {
        /// Coordinates of a point.
        dimensions: usize,
    },
}

impl From<[usize; 3]> for SampleShape {
    /// Images of so many channels, rows and columns.
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self::Image { channels, height, width }
    }
}

impl SampleShape {
    /// The shape that these dimensions (without the batch) describe.
    pub fn of(dims: &[usize]) -> Result<Self> {
        match *dims {
            [channels, height, width] => Ok(Self::Image { channels, height, width }),
            [dimensions] => Ok(Self::Points { dimensions }),
            ref other => {
                Err(Error::Network(format!("samples of shape {other:?} are neither images nor points")))
            }
        }
    }

    /// The dimensions, without the batch.
    pub fn dims(&self) -> Vec<usize> {
        match *self {
            Self::Image { channels, height, width } => vec![channels, height, width],
            Self::Points { dimensions } => vec![dimensions],
        }
    }

    /// How many numbers a sample has.
    pub fn elements(&self) -> usize {
        self.dims().iter().product()
    }

    /// `size` samples beside each other: as many times the channels, or the coordinates.
    pub fn packed(&self, size: usize) -> Self {
        match *self {
            Self::Image { channels, height, width } => {
                Self::Image { channels: channels * size, height, width }
            }
            Self::Points { dimensions } => Self::Points { dimensions: dimensions * size },
        }
    }

    /// Whether they are images or points.
    pub fn kind(&self) -> SampleKind {
        match self {
            Self::Image { .. } => SampleKind::Image,
            Self::Points { .. } => SampleKind::Points,
        }
    }
}
