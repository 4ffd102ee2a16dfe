//! Which samples have similar codes.

use brigand_autograd::Variable;
use brigand_core::batch::Batch;
use brigand_core::capability::Encoder;
use brigand_core::system::System;
use candle_core::{Device, Tensor};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::{Features, nearest_few};

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
    let (Some(encoder), Some(sampler)) = (system.as_encoder(), system.as_sampler()) else { return Ok(None) };
    let codes = codes(encoder, &sampler.place().device, data, &places)?;
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
fn codes(encoder: &dyn Encoder, device: &Device, data: &Dataset, places: &[usize]) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    for portion in places.chunks(PORTION) {
        let batch = data.get(portion)?;
        let samples = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?.to_device(device)?;
        let samples = Batch::of(Variable::constant(samples));
        let samples = match batch.labels {
            Some(labels) => samples.labelled(labels),
            None => samples,
        };
        all.extend(encoder.encode(&samples)?.to_vec_f32()?);
    }
    Ok(all)
}
