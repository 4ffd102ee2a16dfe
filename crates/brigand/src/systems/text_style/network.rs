//! The generator: a sequence-to-sequence network with attention over the line that it is given (Bahdanau et al. 2014,
//! arXiv:1409.0473; Luong et al. 2015, arXiv:1508.04025), with the style to write as an input.

use brigand_autograd::Variable;
use brigand_core::batch::{END, Indices};
use brigand_core::limits::at_least_one;
use brigand_core::modules::{Builder, Cell, Initialization, Linear, Lstm, LstmState, Pass, Plan, WeightId};
use brigand_core::networks::without_end;
use brigand_core::objectives::largest;
use brigand_core::{Error, Place, Result};
use serde::{Deserialize, Serialize};

/// Numbers that a position becomes, and numbers that a style becomes.
const POSITION: usize = 16;
/// Keeps the logarithm of an absent position finite.
const ABSENT: f64 = 1e-6;

/// The sizes of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleGeneratorRecipe {
    /// Numbers that a word becomes.
    pub embedding: usize,
    /// Numbers in the states of the LSTMs.
    pub hidden: usize,
}

impl StyleGeneratorRecipe {
    pub(super) fn check(self) -> Result<()> {
        at_least_one("generator.embedding", self.embedding)?;
        at_least_one("generator.hidden", self.hidden)
    }
}

/// Lines as vectors, of which the words may be relaxed.
#[derive(Clone)]
pub(super) struct Embedded {
    /// The vectors of their words, `[batch, length, embedding]`; 0 after the end.
    pub(super) words: Variable,
    /// Whether there is a word, `[batch, length, 1]`: 1 before the end, 0 from the end on, and between where it is uncertain.
    pub(super) present: Variable,
}

impl Embedded {
    /// Relaxed lines `choices` `[batch, length, vocabulary]`, whose vectors are `vectors` `[batch, length, embedding]`.
    pub(super) fn of_choices(choices: &Variable, vectors: &Variable) -> Result<Self> {
        let goes_on = choices.narrow(2, END as usize, 1)?.affine(-1.0, 1.0)?;
        let mut present = goes_on.narrow(1, 0, 1)?;
        let mut all = vec![present.clone()];
        for position in 1..goes_on.shape()[1] {
            present = present.mul(&goes_on.narrow(1, position, 1)?)?;
            all.push(present.clone());
        }
        let present = Variable::concatenate(&all.iter().collect::<Vec<_>>(), 1)?;
        Ok(Self { words: vectors.mul(&present)?, present })
    }

    /// What a critic is given: whether a line has ended, and the vectors of its words, `[batch, length, 1 + embedding]`.
    pub(super) fn for_critic(&self) -> Result<Variable> {
        Ok(Variable::concatenate(&[&self.present.affine(-1.0, 1.0)?, &self.words], 2)?)
    }

    /// The same without history.
    pub(super) fn detached(&self) -> Self {
        Self { words: self.words.detach(), present: self.present.detach() }
    }
}

/// An encoded line, and the style that is written.
pub(super) struct Memory {
    keys: Variable,
    values: Variable,
    /// The logarithm of what is present, `[batch, 1, length]`.
    bias: Variable,
    style: Variable,
    start: LstmState,
}

impl Memory {
    /// What stands before the first word, `[batch, 1, embedding]`: zeros.
    fn first_word(&self, sizes: &StyleGeneratorRecipe) -> Result<Variable> {
        Ok(self.values.narrow(1, 0, 1)?.narrow(2, sizes.hidden, sizes.embedding)?.full_like(0.0)?)
    }
}

/// The generator.
pub(super) struct StyleGenerator {
    words: WeightId,
    bias: WeightId,
    positions: WeightId,
    styles: WeightId,
    encoder: Lstm,
    decoder: Lstm,
    start: Linear,
    key: Linear,
    query: Linear,
    mix: Linear,
    output: Linear,
    sizes: StyleGeneratorRecipe,
    vocabulary: usize,
    length: usize,
}

/// The paths of the vectors of words and of what their logits begin with, which stay as they are where lines are translated as
/// vectors.
pub(super) const WORDS: [&str; 2] = ["words", "bias"];

impl StyleGenerator {
    pub(super) fn new(
        b: &mut Builder,
        sizes: StyleGeneratorRecipe,
        (vocabulary, length): (usize, usize),
    ) -> Result<Self> {
        let StyleGeneratorRecipe { embedding, hidden } = sizes;
        let (normal, plan) =
            (Initialization::Normal { mean: 0.0, deviation: 1.0 }, Plan::new(Initialization::Glorot));
        let linear =
            |b: &mut Builder, name: &str, from, to| b.block(name, |b| Linear::new(b, from, to, &plan));
        Ok(Self {
            words: b.weight("words", &[vocabulary, embedding], (vocabulary, embedding), normal)?,
            bias: b.weight("bias", &[vocabulary], (vocabulary, vocabulary), Initialization::ZERO)?,
            positions: b.weight("positions", &[length, POSITION], (length, POSITION), normal)?,
            styles: b.weight("styles", &[2, POSITION], (2, POSITION), normal)?,
            start: linear(b, "start", hidden + POSITION, 2 * hidden)?,
            key: linear(b, "key", hidden + embedding + POSITION, hidden)?,
            query: linear(b, "query", hidden + POSITION, hidden)?,
            mix: linear(b, "mix", 2 * hidden + embedding + POSITION, hidden)?,
            output: linear(b, "output", hidden, embedding)?,
            encoder: b.block("encoder", |b| Lstm::new(b, embedding, hidden, &plan))?,
            decoder: b.block("decoder", |b| Lstm::new(b, embedding + POSITION, hidden, &plan))?,
            sizes,
            vocabulary,
            length,
        })
    }

    /// The vectors of `lines` `[batch, length]`.
    pub(super) fn embed(&self, pass: &mut Pass<'_>, lines: &Indices, place: &Place) -> Result<Embedded> {
        let &[batch, length] = lines.shape.as_slice() else {
            return Err(Error::Internal(format!("lines are [batch, length], not {:?}", lines.shape)));
        };
        if length != self.length {
            return Err(Error::Request(format!(
                "this run's lines are filled up to {} tokens, these have {length}",
                self.length
            )));
        }
        let table = pass.weight(self.words)?;
        let mut values = Vec::with_capacity(lines.values.len());
        for line in lines.values.chunks(length.max(1)) {
            let words = line.iter().take_while(|&&token| token != END).count();
            values.extend((0..length).map(|place| if place < words { 1.0 } else { 0.0 }));
        }
        let present = place.numbers(values, &[batch, length, 1])?;
        let words = table.index_select(0, &lines.values)?.reshape(&[batch, length, self.sizes.embedding])?;
        Ok(Embedded { words: words.mul(&present)?, present })
    }

    /// `line` encoded, to be written in `styles`, one for each of the batch.
    pub(super) fn encode(&self, pass: &mut Pass<'_>, line: &Embedded, styles: &[u32]) -> Result<Memory> {
        let (batch, hidden) = (styles.len(), self.sizes.hidden);
        let style = pass.weight(self.styles)?.index_select(0, styles)?;
        let at = |of: &Variable, position: usize| -> Result<Variable> {
            Ok(of.narrow(1, position, 1)?.reshape(&[batch, of.shape()[2]])?)
        };
        let all = |of: &Variable| -> Result<Vec<Variable>> {
            (0..self.length).map(|position| at(of, position)).collect()
        };
        let start = self.encoder.start(&style)?;
        let (outputs, state) =
            self.encoder.unroll_present(pass, &all(&line.words)?, &all(&line.present)?, start)?;
        let read = Variable::stack(&outputs.iter().collect::<Vec<_>>(), 1)?;
        let values = Variable::concatenate(&[&read, &line.words], 2)?;
        let positions = self.all_positions(pass, batch)?;
        let keys = self.key.run(pass, &Variable::concatenate(&[&values, &positions], 2)?)?;
        let start = self.start.run(pass, &Variable::concatenate(&[&state.hidden, &style], 1)?)?;
        let start =
            LstmState { hidden: start.narrow(1, 0, hidden)?.tanh()?, cell: start.narrow(1, hidden, hidden)? };
        let bias = line.present.affine(1.0, ABSENT)?.log()?.reshape(&[batch, 1, self.length])?;
        Ok(Memory { keys, values, bias, style, start })
    }

    /// The vectors of all positions for each of a batch, `[batch, length, POSITION]`.
    fn all_positions(&self, pass: &mut Pass<'_>, batch: usize) -> Result<Variable> {
        let positions = pass.weight(self.positions)?.reshape(&[1, self.length, POSITION])?;
        Ok(positions.broadcast_to(&[batch, self.length, POSITION])?)
    }

    /// The vectors `[batch, steps, embedding]` that are written after the states `[batch, steps, hidden]` of the decoder at
    /// `positions` `[batch, steps, POSITION]`. The mean vector of the words that are attended to is added, so that a line can be
    /// copied from the beginning of training on.
    fn write(
        &self,
        pass: &mut Pass<'_>,
        memory: &Memory,
        states: &Variable,
        positions: &Variable,
    ) -> Result<Variable> {
        let StyleGeneratorRecipe { embedding, hidden } = self.sizes;
        let &[batch, steps, _] = states.shape() else {
            return Err(Error::Internal(format!(
                "states are [batch, steps, hidden], not {:?}",
                states.shape()
            )));
        };
        let query = self.query.run(pass, &Variable::concatenate(&[states, positions], 2)?)?;
        let scores = query.matmul(&memory.keys.transposed()?)?.scale((hidden as f64).sqrt().recip())?;
        let context = scores.add(&memory.bias)?.softmax(2)?.matmul(&memory.values)?;
        let style = memory.style.reshape(&[batch, 1, POSITION])?.broadcast_to(&[batch, steps, POSITION])?;
        let mixed = self.mix.run(pass, &Variable::concatenate(&[states, &context, &style], 2)?)?.tanh()?;
        Ok(self.output.run(pass, &mixed)?.add(&context.narrow(2, hidden, embedding)?)?)
    }

    /// The vectors `[batch, length, embedding]` that are written where the words before each are those of `line`.
    pub(super) fn follow(&self, pass: &mut Pass<'_>, memory: &Memory, line: &Embedded) -> Result<Variable> {
        let batch = line.words.shape().first().copied().unwrap_or(0);
        let mut inputs = vec![self.input(memory, &memory.first_word(&self.sizes)?, batch)?];
        for position in 1..self.length {
            inputs.push(self.input(memory, &line.words.narrow(1, position - 1, 1)?, batch)?);
        }
        let (states, _) = self.decoder.unroll(pass, &inputs, memory.start.clone())?;
        let states = Variable::stack(&states.iter().collect::<Vec<_>>(), 1)?;
        let positions = self.all_positions(pass, batch)?;
        self.write(pass, memory, &states, &positions)
    }

    /// What the decoder is given after a word `[batch, 1, embedding]`.
    fn input(&self, memory: &Memory, word: &Variable, batch: usize) -> Result<Variable> {
        let word = word.reshape(&[batch, self.sizes.embedding])?;
        Ok(Variable::concatenate(&[&word, &memory.style], 1)?)
    }

    /// The words that are written: `choose` makes of the logits `[batch, vocabulary]` at a position choices of the same shape. The
    /// choices `[batch, length, vocabulary]` and their vectors `[batch, length, embedding]`.
    pub(super) fn write_words(
        &self,
        pass: &mut Pass<'_>,
        memory: &Memory,
        place: &Place,
        mut choose: impl FnMut(&Variable) -> Result<Variable>,
    ) -> Result<(Variable, Variable)> {
        let mut choices = Vec::with_capacity(self.length);
        let vectors = self.write_with(pass, memory, |pass, position, written| {
            let logits = self.logits(pass, written)?;
            // No line is empty.
            let logits = if position == 0 { without_end(&logits, place)? } else { logits };
            let choice = choose(&logits)?;
            let vectors = choice.matmul(&pass.weight(self.words)?)?;
            choices.push(choice);
            Ok(vectors)
        })?;
        Ok((Variable::stack(&choices.iter().collect::<Vec<_>>(), 1)?, vectors))
    }

    /// The vectors that are written, `[batch, length, embedding]`.
    pub(super) fn write_vectors(&self, pass: &mut Pass<'_>, memory: &Memory) -> Result<Variable> {
        self.write_with(pass, memory, |_, _, written| Ok(written.clone()))
    }

    /// What is written step by step: `choose` makes of the vectors `[batch, embedding]` at a position those of the word before the
    /// next position.
    fn write_with(
        &self,
        pass: &mut Pass<'_>,
        memory: &Memory,
        mut choose: impl FnMut(&mut Pass<'_>, usize, &Variable) -> Result<Variable>,
    ) -> Result<Variable> {
        let batch = memory.style.shape().first().copied().unwrap_or(0);
        let positions = pass.weight(self.positions)?;
        let (mut state, mut kept) = (memory.start.clone(), Vec::with_capacity(self.length));
        let mut word = memory.first_word(&self.sizes)?;
        for place in 0..self.length {
            let (output, next) = self.decoder.step(pass, &self.input(memory, &word, batch)?, &state)?;
            let output = output.reshape(&[batch, 1, self.sizes.hidden])?;
            let position = positions.narrow(0, place, 1)?.reshape(&[1, 1, POSITION])?;
            let position = position.broadcast_to(&[batch, 1, POSITION])?;
            let written =
                self.write(pass, memory, &output, &position)?.reshape(&[batch, self.sizes.embedding])?;
            let following = choose(pass, place, &written)?;
            word = following.reshape(&[batch, 1, self.sizes.embedding])?;
            kept.push(following);
            state = next;
        }
        Ok(Variable::stack(&kept.iter().collect::<Vec<_>>(), 1)?)
    }

    /// The logits `[.., vocabulary]` of the words that vectors `[.., embedding]` stand for: their products with the vectors of
    /// all words.
    pub(super) fn logits(&self, pass: &mut Pass<'_>, written: &Variable) -> Result<Variable> {
        let (table, bias) = (pass.weight(self.words)?, pass.weight(self.bias)?);
        let scaled = written.scale((self.sizes.embedding as f64).sqrt().recip())?;
        Ok(scaled.linear(&table, Some(&bias))?)
    }

    /// The word whose vector is nearest to each of `written` `[batch, length, embedding]`; the end is none.
    pub(super) fn nearest(&self, pass: &mut Pass<'_>, written: &Variable) -> Result<Vec<u32>> {
        let table = pass.weight(self.words)?;
        let squares = table.square()?.sum(&[1])?.scale(-0.5)?;
        let scores = written.linear(&table, Some(&squares))?.to_vec_f32()?;
        let nearest = |row: &[f32]| row.get(1..).map_or(END, |words| largest(words) as u32 + 1);
        Ok(scores.chunks(self.vocabulary.max(1)).map(nearest).collect())
    }
}
