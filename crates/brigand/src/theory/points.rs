//! Points in space and what it costs to move between them.

use super::checks::{Result, finite, refused};

/// Some points, `[n, dimensions]`, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Points<'a> {
    values: &'a [f64],
    dimensions: usize,
}

impl<'a> Points<'a> {
    /// Points with this many coordinates each.
    ///
    /// # Errors
    /// If a number is not finite, there is none, or they do not make whole points.
    pub fn new(values: &'a [f64], dimensions: usize) -> Result<Self> {
        finite("points", values)?;
        if dimensions == 0 || !values.len().is_multiple_of(dimensions) {
            return refused(format!("{} numbers are no points of {dimensions} coordinates", values.len()));
        }
        Ok(Self { values, dimensions })
    }

    /// How many points.
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.values.len() / self.dimensions
    }

    /// Coordinates of a point.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Each point.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f64> {
        self.values.chunks_exact(self.dimensions)
    }
}

/// What moving a unit of mass from each source to each target costs, `[sources, targets]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    rows: Vec<Vec<f64>>,
}

impl Costs {
    /// Costs by rows, one row for each source.
    ///
    /// # Errors
    /// If there is none, a row has another length, or a cost is not finite.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self> {
        let columns = rows.first().map_or(0, Vec::len);
        if rows.is_empty() || rows.iter().any(|row| row.len() != columns) {
            return refused("costs need at least one row, and rows of one length".to_owned());
        }
        rows.iter().try_for_each(|row| finite("costs", row))?;
        Ok(Self { rows })
    }

    /// Euclidean distances to the power `power` between each point of `from` and each of `to`.
    ///
    /// # Errors
    /// If the points have different numbers of coordinates, or a distance is too large for a number.
    pub fn euclidean(from: Points<'_>, to: Points<'_>, power: f64) -> Result<Self> {
        if from.dimensions != to.dimensions {
            return refused(format!(
                "points of {} and of {} coordinates cannot be compared",
                from.dimensions, to.dimensions
            ));
        }
        let distance = |x: &[f64], y: &[f64]| {
            x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt().powf(power)
        };
        Self::new(from.iter().map(|x| to.iter().map(|y| distance(x, y)).collect()).collect())
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// Numbers of sources and targets.
    pub fn sizes(&self) -> (usize, usize) {
        (self.rows.len(), self.rows.first().map_or(0, Vec::len))
    }
}
