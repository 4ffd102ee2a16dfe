//! Which samples have similar codes: what an encoder thinks alike.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::System;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::{Features, nearest, nearest_few};

/// Real samples among which neighbours are looked for, at most.
const SEARCHED: usize = 5000;
/// Samples encoded at once.
const PORTION: usize = 500;

/// Rows of real samples: `rows` of them, each followed by the `few` others of `data` whose codes are nearest to its
/// code, nearest first: `[rows * (few + 1), sample...]`. `None` for a system without an encoder.
///
/// # Errors
/// If the data has too few samples, or the system refuses them.
pub fn code_neighbours(
    system: &dyn System,
    data: &Dataset,
    rows: usize,
    few: usize,
) -> Result<Option<Variable>> {
    if rows == 0 || few == 0 || rows + few > data.len().min(SEARCHED) {
        return Err(Error::Request(format!(
            "{rows} samples with their {few} nearest others cannot be found among {}; ask for at least 1 and for fewer",
            data.len()
        )));
    }
    let searched = data.len().min(SEARCHED);
    let step = data.len() / searched;
    let places: Vec<usize> = (0..searched).map(|number| number * step).collect();
    let Some(codes) = codes(system, data, &places)? else { return Ok(None) };
    let (queries, others) = places.split_at(rows);
    let width = codes.len() / searched;
    let (of_queries, of_others) = codes.split_at(rows * width);
    let found = nearest_few(
        &Features::new(of_queries.to_vec(), width)?,
        &Features::new(of_others.to_vec(), width)?,
        few,
    )?;
    let mut tiles = Vec::with_capacity(rows * (few + 1));
    for (query, nearest) in queries.iter().zip(found) {
        tiles.push(*query);
        tiles.extend(nearest.into_iter().filter_map(|place| others.get(place).copied()));
    }
    let batch = data.get(&tiles)?;
    Ok(Some(Variable::constant(Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?)))
}

/// The codes of the samples at `places`, row by row.
fn codes(system: &dyn System, data: &Dataset, places: &[usize]) -> Result<Option<Vec<f32>>> {
    let mut all = Vec::new();
    for portion in places.chunks(PORTION) {
        let batch = data.get(portion)?;
        let samples =
            Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?.to_device(system.device())?;
        match system.encode(&Variable::constant(samples), batch.labels.as_deref())? {
            Some(codes) => all.extend(codes.to_vec_f32()?),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// The share of `queries` whose nearest one among `references` is of their class; `None` without classes.
///
/// # Errors
/// If the codes differ in size.
pub(super) fn nearest_class_accuracy(queries: &Features, references: &Features) -> Result<Option<f64>> {
    let (Some(asked), Some(known)) = (queries.labels(), references.labels()) else { return Ok(None) };
    let found = nearest(queries, references)?;
    let right =
        found.iter().zip(asked).filter(|((place, _), label)| known.get(*place) == Some(label)).count();
    Ok(Some(right as f64 / asked.len().max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_code_decides_the_class() {
        let features = |values: &[f32], labels: &[u32]| {
            Features::new(values.to_vec(), 1).unwrap().with_labels(labels.to_vec()).unwrap()
        };
        let references = features(&[0.0, 1.0, 5.0], &[0, 1, 2]);
        let queries = features(&[0.4, 0.6, 4.0, 9.0], &[0, 1, 1, 2]);
        assert_eq!(nearest_class_accuracy(&queries, &references).unwrap(), Some(0.75));
        let unlabelled = Features::new(vec![0.0], 1).unwrap();
        assert_eq!(nearest_class_accuracy(&unlabelled, &references).unwrap(), None);
    }
}
