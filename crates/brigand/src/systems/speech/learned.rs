//! What is learned beside the networks: clusters, boundaries, hidden Markov models.

use std::collections::BTreeMap;

use brigand_core::Result;
use brigand_core::modules::Part;
use brigand_core::state::State;
use candle_core::{DType, Device, Tensor};

use super::language_model::Bigram;
use super::monophones::Monophones;
use super::segments::Utterance;

/// What the passes over all utterances found, and when the next one is due.
#[derive(Clone, Debug, Default)]
pub(super) struct Learned {
    /// Steps of an iteration. They are those that the run began with: a longer run goes on without more of them.
    pub(super) steps: u64,
    /// Iterations that have begun.
    pub(super) begun: u64,
    /// What follows what in the text, once it was read.
    pub(super) language: Option<Bigram>,
    /// The change of features above which a boundary is found.
    pub(super) threshold: f32,
    /// The probability that the next segment has the same phoneme.
    pub(super) repeat: f32,
    /// The centres of the clusters of segments.
    pub(super) centres: Vec<Vec<f32>>,
    /// The models of phonemes, once there are some.
    pub(super) models: Option<Monophones>,
    /// The frames before which the segments that the models found end, of each utterance by its number.
    pub(super) ends: BTreeMap<u32, Vec<u32>>,
}

impl Learned {
    /// The frames before which the segments of an utterance end: those that the models found, or that are given, or where the
    /// features change. `language_weight` is that of [`Monophones::decode`].
    pub(super) fn ends(&self, utterance: &Utterance, given: bool, language_weight: f64) -> Vec<usize> {
        if let Some(found) = self.ends.get(&utterance.number) {
            return found.iter().map(|&end| end as usize).collect();
        }
        if let (Some(models), Some(language)) = (&self.models, &self.language) {
            let found = models.decode(utterance, language, language_weight);
            return found.into_iter().map(|segment| segment.end).collect();
        }
        let count = utterance.frames.count();
        match (&utterance.segments, given) {
            (Some(ends), true) => ends.clone(),
            (Some(_), false) | (None, _) => {
                let changes = utterance.changes();
                let found = changes.into_iter().filter(|(_, height)| *height >= self.threshold);
                found.map(|(frame, _)| frame).chain([count]).collect()
            }
        }
    }
}

fn tensor(values: &[f32], rows: usize) -> Result<Tensor> {
    Ok(Tensor::from_slice(values, (rows, values.len() / rows.max(1)), &Device::Cpu)?)
}

fn whole(values: &[u32]) -> Result<Tensor> {
    Ok(Tensor::from_slice(values, values.len(), &Device::Cpu)?)
}

impl Part for Learned {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.steps"), self.steps);
        state.count(format!("{name}.begun"), self.begun);
        state.put(format!("{name}.limits"), &tensor(&[self.threshold, self.repeat], 1)?)?;
        if let Some(language) = &self.language {
            let counts: Vec<f32> = language.counts().iter().map(|&count| count as f32).collect();
            state.put(format!("{name}.pairs"), &tensor(&counts, language.phones() + 1)?)?;
        }
        if !self.centres.is_empty() {
            state.put(format!("{name}.centres"), &tensor(&self.centres.concat(), self.centres.len())?)?;
        }
        if let Some(models) = &self.models {
            state.count(format!("{name}.models.states"), models.states as u64);
            let rows = models.phones * models.states;
            for (key, values) in
                [("means", &models.means), ("variances", &models.variances), ("stays", &models.stays)]
            {
                state.put(format!("{name}.models.{key}"), &tensor(values, rows)?)?;
            }
        }
        if !self.ends.is_empty() {
            let numbers: Vec<u32> =
                self.ends.iter().flat_map(|(number, ends)| [*number, ends.len() as u32]).collect();
            state.put(format!("{name}.utterances"), &whole(&numbers)?)?;
            state.put(
                format!("{name}.ends"),
                &whole(&self.ends.values().flatten().copied().collect::<Vec<_>>())?,
            )?;
        }
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        let numbers = |state: &mut State, key: &str| -> Result<(Vec<f32>, usize)> {
            let found = state.take_any(&format!("{name}.{key}"), DType::F32, &Device::Cpu)?;
            Ok((found.flatten_all()?.to_vec1()?, found.dims().first().copied().unwrap_or(0)))
        };
        let indices = |state: &mut State, key: &str| -> Result<Vec<u32>> {
            Ok(state.take_any(&format!("{name}.{key}"), DType::U32, &Device::Cpu)?.to_vec1()?)
        };
        self.steps = state.counter(&format!("{name}.steps"))?;
        self.begun = state.counter(&format!("{name}.begun"))?;
        let limits = numbers(state, "limits")?.0;
        (self.threshold, self.repeat) =
            (limits.first().copied().unwrap_or(0.0), limits.get(1).copied().unwrap_or(0.0));
        self.language = None;
        if state.holds(&format!("{name}.pairs")) {
            let (counts, rows) = numbers(state, "pairs")?;
            let counts = counts.into_iter().map(f64::from).collect();
            self.language = Some(Bigram::of_counts(rows.saturating_sub(1), counts));
        }
        self.centres = Vec::new();
        if state.holds(&format!("{name}.centres")) {
            let (values, rows) = numbers(state, "centres")?;
            let size = (values.len() / rows.max(1)).max(1);
            self.centres = values.chunks_exact(size).map(<[f32]>::to_vec).collect();
        }
        self.models = None;
        if state.holds(&format!("{name}.models.means")) {
            let states = state.counter(&format!("{name}.models.states"))? as usize;
            let (means, rows) = numbers(state, "models.means")?;
            let (variances, stays) =
                (numbers(state, "models.variances")?.0, numbers(state, "models.stays")?.0);
            let size = means.len() / rows.max(1);
            self.models =
                Some(Monophones { phones: rows / states.max(1), states, size, means, variances, stays });
        }
        self.ends = BTreeMap::new();
        if state.holds(&format!("{name}.utterances")) {
            let (numbers, ends) = (indices(state, "utterances")?, indices(state, "ends")?);
            let mut rest = ends.as_slice();
            for pair in numbers.chunks_exact(2) {
                if let &[number, count] = pair {
                    let (own, after) = rest.split_at(rest.len().min(count as usize));
                    self.ends.insert(number, own.to_vec());
                    rest = after;
                }
            }
        }
        Ok(())
    }
}
