//! What is learned beside the networks: clusters, boundaries, hidden Markov models.

use std::collections::BTreeMap;

use brigand_core::modules::Part;
use brigand_core::state::State;
use brigand_core::{Error, Result};
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
    /// The frames before which the segments of an utterance end: those that the models found, or, before there are models or where
    /// it is too short for them, those that are given, or where the features change. `language_weight` is that of
    /// [`Monophones::decode`].
    pub(super) fn ends(&self, utterance: &Utterance, given: bool, language_weight: f64) -> Vec<usize> {
        if let Some(found) = utterance.number.and_then(|number| self.ends.get(&number)) {
            return found.iter().map(|&end| end as usize).collect();
        }
        if let (Some(models), Some(language)) = (&self.models, &self.language) {
            let found = models.decode(utterance, language, language_weight);
            if !found.is_empty() {
                return found.into_iter().map(|segment| segment.end).collect();
            }
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
        self.steps = state.counter(&format!("{name}.steps"))?;
        self.begun = state.counter(&format!("{name}.begun"))?;
        let limits = Table::take(state, format!("{name}.limits"))?;
        let &[threshold, repeat] = limits.values.as_slice() else {
            return Err(limits.unfit("a threshold and a probability"));
        };
        (self.threshold, self.repeat) = (threshold, repeat);
        self.language = None;
        if state.holds(&format!("{name}.pairs")) {
            let pairs = Table::take(state, format!("{name}.pairs"))?;
            if pairs.rows != pairs.columns {
                return Err(pairs.unfit("counts of what follows what"));
            }
            let counts = pairs.values.into_iter().map(f64::from).collect();
            self.language = Some(Bigram::of_counts(pairs.rows.saturating_sub(1), counts));
        }
        self.centres = Vec::new();
        if state.holds(&format!("{name}.centres")) {
            let centres = Table::take(state, format!("{name}.centres"))?;
            self.centres = centres.values.chunks_exact(centres.columns).map(<[f32]>::to_vec).collect();
        }
        self.models = None;
        if state.holds(&format!("{name}.models.means")) {
            self.models = Some(models(&format!("{name}.models"), self.language.as_ref(), state)?);
        }
        self.ends = BTreeMap::new();
        if state.holds(&format!("{name}.utterances")) {
            self.ends = ends_of_utterances(name, state)?;
        }
        Ok(())
    }
}

/// A tensor `[rows, columns]` of a checkpoint, with at least one number.
struct Table {
    name: String,
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Table {
    fn take(state: &mut State, name: String) -> Result<Self> {
        let found = state.take_any(&name, DType::F32, &Device::Cpu)?;
        match *found.dims() {
            [rows, columns] if rows * columns > 0 => {
                Ok(Self { name, rows, columns, values: found.flatten_all()?.to_vec1()? })
            }
            ref other => Err(unfit(&name, other, "a table")),
        }
    }

    fn unfit(&self, wanted: &str) -> Error {
        unfit(&self.name, &[self.rows, self.columns], wanted)
    }
}

fn unfit(name: &str, shape: &[usize], wanted: &str) -> Error {
    Error::State(format!(
        "the checkpoint's `{name}` has shape {shape:?}, which is not that of {wanted}; was recipe.toml changed? Put it back, or take \
         another checkpoint"
    ))
}

/// The models of the phonemes of `language` in a checkpoint.
fn models(name: &str, language: Option<&Bigram>, state: &mut State) -> Result<Monophones> {
    let states = state.counter(&format!("{name}.states"))? as usize;
    let [means, variances, stays] =
        ["means", "variances", "stays"].map(|key| Table::take(state, format!("{name}.{key}")));
    let (means, variances, stays) = (means?, variances?, stays?);
    let phones = language.map_or(0, Bigram::phones);
    if phones.checked_mul(states) != Some(means.rows) {
        return Err(means.unfit(&format!("{states} states for each of {phones} phonemes")));
    }
    if (variances.rows, variances.columns) != (means.rows, means.columns) {
        return Err(variances.unfit("variances, one for each mean"));
    }
    if (stays.rows, stays.columns) != (means.rows, 1) {
        return Err(stays.unfit("probabilities, one for each state"));
    }
    Ok(Monophones {
        phones,
        states,
        size: means.columns,
        means: means.values,
        variances: variances.values,
        stays: stays.values,
    })
}

/// The ends of the segments of utterances in a checkpoint.
fn ends_of_utterances(name: &str, state: &mut State) -> Result<BTreeMap<u32, Vec<u32>>> {
    let mut indices = |key: &str| -> Result<Vec<u32>> {
        Ok(state.take_any(&format!("{name}.{key}"), DType::U32, &Device::Cpu)?.flatten_all()?.to_vec1()?)
    };
    let (numbers, all) = (indices("utterances")?, indices("ends")?);
    let wrong = || {
        Error::State(format!(
            "the checkpoint's `{name}.ends` does not have as many numbers as `{name}.utterances` counts; the file is damaged, take \
             another checkpoint"
        ))
    };
    let (mut rest, mut found) = (all.as_slice(), BTreeMap::new());
    for pair in numbers.chunks(2) {
        let &[number, count] = pair else { return Err(wrong()) };
        let (own, after) = rest.split_at_checked(count as usize).ok_or_else(wrong)?;
        found.insert(number, own.to_vec());
        rest = after;
    }
    match rest.is_empty() {
        true => Ok(found),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sound::Rows;

    /// What an iteration leaves: two phonemes of two states each, frames of one number, and the segments of one utterance.
    fn learned() -> Learned {
        let lines: [&[u32]; 2] = [&[0, 1], &[1, 0, 1]];
        Learned {
            steps: 4,
            begun: 1,
            language: Some(Bigram::of(2, lines.into_iter())),
            threshold: 0.5,
            repeat: 0.25,
            centres: vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]],
            models: Some(Monophones {
                phones: 2,
                states: 2,
                size: 1,
                means: vec![0.0, 1.0, 2.0, 3.0],
                variances: vec![1.0; 4],
                stays: vec![0.5; 4],
            }),
            ends: BTreeMap::from([(7, vec![2, 5])]),
        }
    }

    #[test]
    fn an_utterance_that_is_too_short_for_the_models_keeps_its_segments() {
        let utterance = |values: &[f32], number: Option<u32>, segments: Option<Vec<usize>>| Utterance {
            number,
            frames: Rows { values: values.to_vec(), columns: 1 },
            segments,
            phones: None,
        };
        let learned = learned();
        let long = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(learned.ends(&utterance(&long, None, None), true, 1.0), [2, 4]);
        // One frame cannot pass through two states.
        assert_eq!(learned.ends(&utterance(&long[..1], None, Some(vec![1])), true, 1.0), [1]);
        assert_eq!(learned.ends(&utterance(&long[..1], Some(3), None), false, 1.0), [1]);
        // Without a number it is no other utterance.
        assert_eq!(learned.ends(&utterance(&long, Some(7), None), true, 1.0), [2, 5]);
    }

    #[test]
    fn checkpoints_whose_parts_do_not_fit_are_refused() {
        let mut state = State::default();
        learned().save("learned", &mut state).unwrap();
        let mut restored = Learned::default();
        restored.restore("learned", &mut state.clone()).unwrap();
        let mut again = State::default();
        restored.save("learned", &mut again).unwrap();
        assert_eq!((restored.models, restored.ends), (learned().models, learned().ends));
        assert_eq!((restored.threshold, restored.repeat, restored.centres), (0.5, 0.25, learned().centres));
        assert_eq!(again.tensors.keys().collect::<Vec<_>>(), state.tensors.keys().collect::<Vec<_>>());
        for (key, shape) in [
            ("limits", vec![1, 3]),
            ("pairs", vec![3, 2]),
            ("models.means", vec![3, 1]),
            ("models.variances", vec![4, 2]),
            ("models.stays", vec![2, 1]),
            ("centres", vec![6]),
            ("utterances", vec![1]),
            ("ends", vec![1]),
            ("ends", vec![3]),
        ] {
            let (mut broken, name) = (state.clone(), format!("learned.{key}"));
            let dtype = broken.tensors[&name].dtype();
            broken.put(name, &Tensor::ones(shape, dtype, &Device::Cpu).unwrap()).unwrap();
            let refused = Learned::default().restore("learned", &mut broken).unwrap_err();
            assert!(matches!(&refused, Error::State(words) if words.contains("learned")), "{key}: {refused}");
        }
    }
}
