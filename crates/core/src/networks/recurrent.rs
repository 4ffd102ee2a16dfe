//! Recurrent networks over tokens: generators of sequences from latents, and language models.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use crate::batch::{END, Indices};
use crate::error::{Error, Result};
use crate::modules::{Builder, Cell, Linear, Lstm, LstmState, Pass, Plan};
use crate::place::Place;
use crate::random::Stream;

/// What is taken from the logit of a token that must not be chosen.
const EXCLUDED: f64 = 1e4;

/// Sizes of a [`RecurrentNetwork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentSizes {
    /// Different tokens, [`END`] among them.
    pub vocabulary: usize,
    /// Coordinates of a latent that starts the state and is given to every step; 0 for none.
    pub latent: usize,
    /// Numbers that a token becomes before it is given to the cell; 0 to give it as it is, one-hot.
    pub embedding: usize,
    /// Numbers in the state of the cell.
    pub hidden: usize,
}

/// An LSTM that is given its last token at every step and gives the logits of the next. The first token is never [`END`]:
/// sequences are not empty.
pub struct RecurrentNetwork {
    start: Option<Linear>,
    embedding: Option<Linear>,
    cell: Lstm,
    logits: Linear,
    sizes: RecurrentSizes,
}

/// The continuation of the first tokens of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Which sequence it continues.
    pub line: usize,
    /// How many of its tokens were kept.
    pub kept: usize,
    /// All tokens, the kept ones first.
    pub tokens: Vec<u32>,
}

/// Sequences of one length so far, and the state before their next step.
struct Walk {
    lines: Vec<Vec<u32>>,
    state: LstmState,
}

impl RecurrentNetwork {
    /// The network.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(b: &mut Builder, sizes: RecurrentSizes, plan: &Plan) -> Result<Self> {
        let RecurrentSizes { vocabulary, latent, embedding, hidden } = sizes;
        let start = (latent > 0).then(|| b.block("start", |b| Linear::new(b, latent, 2 * hidden, plan)));
        let table = plan.without_bias();
        let embedded =
            (embedding > 0).then(|| b.block("embedding", |b| Linear::new(b, vocabulary, embedding, &table)));
        let token = if embedding > 0 { embedding } else { vocabulary };
        Ok(Self {
            start: start.transpose()?,
            embedding: embedded.transpose()?,
            cell: b.block("cell", |b| Lstm::new(b, token + latent, hidden, plan))?,
            logits: b.block("logits", |b| Linear::new(b, hidden, vocabulary, plan))?,
            sizes,
        })
    }

    /// Its sizes.
    pub fn sizes(&self) -> RecurrentSizes {
        self.sizes
    }

    /// The state before the first step, of `latents` `[batch, latent]`.
    ///
    /// # Errors
    /// If it takes no latents.
    pub fn start(&self, pass: &mut Pass<'_>, latents: &Variable) -> Result<LstmState> {
        let missing = || Error::Internal("latents for a recurrent network that takes none".into());
        let start = self.start.as_ref().ok_or_else(missing)?.run(pass, latents)?;
        let hidden = self.sizes.hidden;
        Ok(LstmState { hidden: start.narrow(1, 0, hidden)?.tanh()?, cell: start.narrow(1, hidden, hidden)? })
    }

    /// The state before the first step of a network without latents: zeros.
    fn zero_state(&self, batch: usize, place: &Place) -> Result<LstmState> {
        let zeros = place.numbers(vec![0.0; batch * self.sizes.hidden], &[batch, self.sizes.hidden])?;
        Ok(LstmState { hidden: zeros.clone(), cell: zeros })
    }

    /// The logits `[batch, vocabulary]` of the token at `position`, and the next state. `token` is the last one, `[batch,
    /// vocabulary]`, one-hot or relaxed; zeros at the first position. `latents` are `[batch, latent]`, if it takes some.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn step(
        &self,
        pass: &mut Pass<'_>,
        (position, place): (usize, &Place),
        (token, latents): (&Variable, Option<&Variable>),
        state: &LstmState,
    ) -> Result<(Variable, LstmState)> {
        let token = self.embedded(pass, token)?;
        let input = match latents {
            Some(latents) => Variable::concatenate(&[&token, latents], 1)?,
            None => token,
        };
        let (output, next) = self.cell.step(pass, &input, state)?;
        let logits = self.logits.run(pass, &output)?;
        Ok((if position == 0 { without_end(&logits, place)? } else { logits }, next))
    }

    fn embedded(&self, pass: &mut Pass<'_>, token: &Variable) -> Result<Variable> {
        self.embedding.as_ref().map_or_else(|| Ok(token.clone()), |table| table.run(pass, token))
    }

    /// `ln p(y_t | y_1 .. y_{t-1})` of each token of `lines` `[batch, length]` by a network without latents: `[batch,
    /// length]`, 0 for what fills a sequence up after its end.
    ///
    /// # Errors
    /// If `lines` is empty or has tokens that the vocabulary lacks.
    pub fn log_probabilities(&self, pass: &mut Pass<'_>, lines: &Indices, place: &Place) -> Result<Variable> {
        let &[batch, length] = lines.shape.as_slice() else {
            return Err(Error::Internal(format!("sequences are [batch, length], not {:?}", lines.shape)));
        };
        // Position by position, so that a step is a run of rows.
        let at = |position: usize| lines.values.iter().skip(position).step_by(length.max(1)).copied();
        let vocabulary = self.sizes.vocabulary;
        let zeros = place.numbers(vec![0.0; batch * vocabulary], &[batch, vocabulary])?;
        let before: Vec<u32> = (0..length.saturating_sub(1)).flat_map(at).collect();
        let inputs = match before.as_slice() {
            [] => zeros,
            before => Variable::concatenate(&[&zeros, &place.one_hot(before, vocabulary)?], 0)?,
        };
        let inputs = self.embedded(pass, &inputs)?;
        let inputs = (0..length).map(|position| inputs.narrow(0, position * batch, batch));
        let inputs = inputs.collect::<brigand_autograd::Result<Vec<_>>>()?;
        let (outputs, _) = self.cell.unroll(pass, &inputs, self.zero_state(batch, place)?)?;
        let outputs = Variable::concatenate(&outputs.iter().collect::<Vec<_>>(), 0)?;
        let logits = self.logits.run(pass, &outputs)?;
        let first = without_end(&logits.narrow(0, 0, batch)?, place)?;
        let mut found = vec![log_probabilities_of(&first, at(0).collect(), place)?];
        if length > 1 {
            let later = logits.narrow(0, batch, (length - 1) * batch)?;
            found.push(log_probabilities_of(&later, (1..length).flat_map(at).collect(), place)?);
        }
        let found = Variable::concatenate(&found.iter().collect::<Vec<_>>(), 0)?;
        let found = found.reshape(&[length, batch])?.transposed()?;
        Ok(found.mul(&place.numbers(counted_tokens(lines)?, &[batch, length])?)?)
    }

    /// `count` sequences of `length` tokens, each drawn from the distribution that the network gives after those before it;
    /// by a network without latents.
    ///
    /// # Errors
    /// If a computation fails.
    pub fn draw(
        &self,
        pass: &mut Pass<'_>,
        [count, length]: [usize; 2],
        (stream, place): (&mut Stream, &Place),
    ) -> Result<Vec<Vec<u32>>> {
        let mut walk = Walk { lines: vec![Vec::new(); count], state: self.zero_state(count, place)? };
        for position in 0..length {
            self.extend(pass, &mut walk, position, (stream, place))?;
        }
        Ok(walk.lines)
    }

    /// A continuation, drawn as by [`RecurrentNetwork::draw`], of every beginning of every one of `lines` `[batch, length]`
    /// that neither ends it nor is all of it.
    ///
    /// # Errors
    /// If a computation fails.
    pub fn rollouts(
        &self,
        pass: &mut Pass<'_>,
        lines: &Indices,
        (stream, place): (&mut Stream, &Place),
    ) -> Result<Vec<Rollout>> {
        let &[batch, length] = lines.shape.as_slice() else {
            return Err(Error::Internal(format!("sequences are [batch, length], not {:?}", lines.shape)));
        };
        let given: Vec<&[u32]> = lines.values.chunks(length.max(1)).collect();
        // The first rows are the given sequences themselves.
        let mut walk = Walk { lines: vec![Vec::new(); batch], state: self.zero_state(batch, place)? };
        let mut begun = Vec::new();
        for position in 0..length {
            let unended: Vec<usize> = (0..batch)
                .filter(|&line| {
                    position > 0 && walk.lines.get(line).and_then(|line| line.last()) != Some(&END)
                })
                .collect();
            if !unended.is_empty() {
                walk.repeat(&unended)?;
                begun.extend(unended.into_iter().map(|line| (line, position)));
            }
            self.extend(pass, &mut walk, position, (stream, place))?;
            for (line, given) in walk.lines.iter_mut().zip(&given) {
                if let (Some(last), Some(token)) = (line.last_mut(), given.get(position)) {
                    *last = *token;
                }
            }
        }
        let continued = walk.lines.into_iter().skip(batch).zip(begun);
        Ok(continued.map(|(tokens, (line, kept))| Rollout { line, kept, tokens }).collect())
    }

    /// One more token of each sequence: a draw, or [`END`] after the end.
    fn extend(
        &self,
        pass: &mut Pass<'_>,
        walk: &mut Walk,
        position: usize,
        (stream, place): (&mut Stream, &Place),
    ) -> Result<()> {
        let (rows, vocabulary) = (walk.lines.len(), self.sizes.vocabulary);
        let last: Vec<u32> = walk.lines.iter().filter_map(|line| line.last().copied()).collect();
        let token = match last.as_slice() {
            [] => place.numbers(vec![0.0; rows * vocabulary], &[rows, vocabulary])?,
            last => place.one_hot(last, vocabulary)?,
        };
        let (logits, state) = self.step(pass, (position, place), (&token, None), &walk.state)?;
        walk.state = state;
        let probabilities = logits.softmax(1)?.to_vec_f32()?;
        let uniform = stream.uniform(rows, 0.0, 1.0);
        let rows = probabilities.chunks(vocabulary.max(1)).zip(uniform);
        for (line, (row, uniform)) in walk.lines.iter_mut().zip(rows) {
            let ended = line.last() == Some(&END);
            line.push(if ended { END } else { at_share(row, uniform) });
        }
        Ok(())
    }
}

impl Walk {
    /// Adds a copy of each of these rows.
    fn repeat(&mut self, rows: &[usize]) -> Result<()> {
        let copies: Vec<Vec<u32>> = rows.iter().filter_map(|&row| self.lines.get(row).cloned()).collect();
        self.lines.extend(copies);
        let numbers: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let grown = |of: &Variable| Variable::concatenate(&[of, &of.index_select(0, &numbers)?], 0);
        self.state = LstmState { hidden: grown(&self.state.hidden)?, cell: grown(&self.state.cell)? };
        Ok(())
    }
}

/// The log-probability of a token of each row of `logits` `[rows, vocabulary]`: `[rows, 1]`.
///
/// # Errors
/// If there is not one token for each row, or one that the vocabulary lacks.
pub fn log_probabilities_of(logits: &Variable, tokens: Vec<u32>, place: &Place) -> Result<Variable> {
    let index = Tensor::from_vec(tokens, (logits.shape()[0], 1), &Device::Cpu)?;
    Ok(logits.log_softmax(1)?.gather(1, &index.to_device(&place.device)?)?)
}

/// 1 for each token of `lines` `[batch, length]` up to and with the first [`END`], 0 for what fills the sequence up.
///
/// # Errors
/// If `lines` have another shape.
pub fn counted_tokens(lines: &Indices) -> Result<Vec<f32>> {
    let length = lines.row_length()?;
    let mut counted = Vec::with_capacity(lines.values.len());
    for line in lines.values.chunks(length) {
        let used = line.iter().position(|&token| token == END).map_or(line.len(), |end| end + 1);
        counted.extend((0..line.len()).map(|place| f32::from(u8::from(place < used))));
    }
    Ok(counted)
}

/// `logits` `[.., vocabulary]` of which [`END`] is never chosen.
///
/// # Errors
/// If there is no [`END`].
pub fn without_end(logits: &Variable, place: &Place) -> Result<Variable> {
    let end = place.one_hot(&[END], logits.shape().last().copied().unwrap_or(0))?;
    Ok(logits.sub(&end.scale(EXCLUDED)?)?)
}

/// The first place whose share, with those before it, exceeds `uniform`; the last of a positive share where rounding leaves
/// none.
fn at_share(shares: &[f32], uniform: f32) -> u32 {
    let (mut sum, mut last) = (0.0_f64, END);
    for (share, place) in shares.iter().zip(0u32..) {
        sum += f64::from(*share);
        if *share > 0.0 {
            last = place;
        }
        if sum > f64::from(uniform) {
            return place;
        }
    }
    last
}

#[cfg(test)]
mod tests;
