//! `speech-recognition`: from speech to phonemes without transcripts, given unrelated text of phonemes (Liu and others 2018,
//! arXiv:1804.00316; Chen and others 2019, arXiv:1904.04100). A generator turns the segments of an utterance into phonemes; a
//! critic compares the sequences with text. Hidden Markov models, trained on the transcripts of the generator, find better phonemes and
//! better segments, with which the next iteration begins.

mod clusters;
mod decoding;
mod generator;
mod hidden_markov;
mod language_model;
mod learned;
mod monophones;
mod passes;
mod recipe;
mod scores;
mod segments;
mod showing;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, END, FRAMES, Need, SEGMENTS, TOKENS};
use brigand_core::capability::{Content, Exhibit, Showing, Transcriber};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Initialization, Mode, Network, Plan, relaxed_choice};
use brigand_core::players::{Critic, Draw, Player, Turn};
use brigand_core::random::Stream;
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use super::text::{CriticRecipe, SequenceCritic, Vocabulary};
use clusters::nearest;
use generator::{SegmentGenerator, frame_of, with_neighbours};
use learned::Learned;
pub(super) use recipe::ROW;
pub use recipe::{CountingRecipe, HmmRecipe, SegmentGeneratorRecipe, Segmentation, SpeechRecipe};
use segments::{Segment, Utterance, without_repeats};

/// Name of the squared difference between the probabilities of two frames of a segment.
const DISAGREEMENT: &str = "disagreement";
/// Numbers of a frame, and samples in a second of the sound that they are from.
type Frames = (usize, u32);

/// The networks in training, and what the passes over all utterances found.
struct Speech {
    recipe: SpeechRecipe,
    setup: Setup,
    vocabulary: Vocabulary,
    frames: Frames,
    generator: Player<SegmentGenerator>,
    discriminator: Critic<SequenceCritic>,
    learned: Learned,
}

/// Windows of segments of utterances: what stands for each, and whether there is one.
struct Windows {
    rows: Variable,
    present: Variable,
}

/// What an update of the critic compared, which the generator's update shares.
struct Compared {
    /// Windows of text, one-hot.
    real: Variable,
    utterances: Vec<Utterance>,
    /// Windows of the segments of the utterances.
    windows: Windows,
}

impl Speech {
    fn new(recipe: SpeechRecipe, setup: &Setup) -> Result<Self> {
        let vocabulary = Vocabulary::of(setup)?;
        let ([_, size], rate) = setup.schema.features(FRAMES)?;
        if recipe.segments == Segmentation::Given {
            setup.schema.check(&[Need::Indices(SEGMENTS)]).map_err(|missing| {
                Error::Recipe(format!(
                    "segments is given, and not every recording has a label file with the places of its phonemes; set \
                     segments=found ({missing})"
                ))
            })?;
        }
        let (tokens, _) = vocabulary.size();
        let phones = tokens.saturating_sub(1);
        let generator = Network::build("generator", setup, |b| {
            SegmentGenerator::new(b, recipe.generator, (size, phones))
        })?;
        let plan = Plan::new(Initialization::Glorot)
            .reparametrised(recipe.adversarial.rules().constraint.reparametrisation());
        let critic = Network::build("discriminator", setup, |b| {
            recipe.discriminator.build(b, (tokens, recipe.window), &plan)
        })?;
        let critic = Player::new(critic, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
        let steps = (setup.steps / recipe.iterations.max(1)).max(1);
        Ok(Self {
            setup: setup.clone(),
            vocabulary,
            frames: (size, rate),
            generator: Player::new(generator, recipe.optimizer.generator)?.scheduled(recipe.schedule),
            discriminator: Critic::new(critic, recipe.adversarial.rules())?,
            learned: Learned { steps, ..Learned::default() },
            recipe,
        })
    }

    fn phones(&self) -> usize {
        self.vocabulary.size().0.saturating_sub(1)
    }

    /// The frames before which the segments of an utterance end.
    fn ends(&self, utterance: &Utterance) -> Vec<usize> {
        let given = self.recipe.segments == Segmentation::Given;
        self.learned.ends(utterance, given, self.recipe.hmm.language_weight)
    }

    /// Windows of a batch: of each utterance consecutive segments from a place drawn for `places`, each as a frame drawn for
    /// `frames` where a frame stands for it.
    fn windows(&self, batch: &[Utterance], places: &mut Stream, frames: &mut Stream) -> Result<Windows> {
        let (window, input) = (self.recipe.window, self.recipe.generator.input(self.frames.0));
        let (mut rows, mut present) = (Vec::new(), Vec::new());
        for utterance in batch {
            let ends = self.ends(utterance);
            let first = places.index(ends.len().saturating_sub(window) + 1);
            let noise = frames.normal(window);
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let own: Vec<(usize, usize)> =
                starts.zip(ends.iter().copied()).skip(first).take(window).collect();
            for (&(start, end), noise) in own.iter().zip(noise) {
                let noise = Some(noise);
                self.represent(utterance, (start, end), noise, &mut rows)?;
            }
            rows.resize(rows.len() + (window - own.len()) * input, 0.0);
            present.extend((0..window).map(|place| if place < own.len() { 1.0 } else { 0.0 }));
        }
        let (place, count) = (&self.setup.place, present.len());
        Ok(Windows {
            rows: place.numbers(rows, &[count, input])?,
            present: place.numbers(present, &[count, 1])?,
        })
    }

    /// Adds what stands for a segment to `rows`.
    fn represent(
        &self,
        utterance: &Utterance,
        (start, end): (usize, usize),
        noise: Option<f32>,
        rows: &mut Vec<f32>,
    ) -> Result<()> {
        match self.recipe.generator {
            SegmentGeneratorRecipe::Clusters { count } => {
                let vector = utterance.segment_vector(start, end);
                let cluster = nearest(&self.learned.centres, &vector);
                rows.extend((0..count).map(|other| if other == cluster { 1.0 } else { 0.0 }));
            }
            SegmentGeneratorRecipe::Frames { context, .. } => {
                let frame = frame_of(start, end, noise.unwrap_or(0.0));
                with_neighbours(utterance, frame, context, rows);
            }
        }
        Ok(())
    }

    /// The logits of the phonemes of windows, `[batch * window, phonemes]`.
    fn logits(&mut self, windows: &Windows) -> Result<Variable> {
        self.generator
            .run_with(How::plain(Mode::Training), |generator, pass| generator.forward(pass, &windows.rows))
    }

    /// Relaxed choices of `logits` as sequences `[batch, window, tokens]`, which end where there are no more segments.
    fn sequences(
        &self,
        logits: &Variable,
        windows: &Windows,
        (stream, step): (&mut Stream, u64),
    ) -> Result<Variable> {
        let relaxation = self.recipe.relaxation.at(step as f64 / self.setup.steps.max(1) as f64);
        let chosen = relaxed_choice(logits, relaxation, stream, &self.setup.place)?;
        let chosen = chosen.mul(&windows.present)?;
        let ended = windows.present.affine(-1.0, 1.0)?;
        let (rows, window) = (logits.shape().first().copied().unwrap_or(0), self.recipe.window);
        // Token 0 is the end.
        let all = Variable::concatenate(&[&ended, &chosen], 1)?;
        Ok(all.reshape(&[rows / window.max(1), window, self.phones() + 1])?)
    }

    /// The mean over segments of the squared difference between the probabilities of the frames that `logits` are of and of other
    /// frames of the same segments; none where the same stands for a segment whenever it is drawn.
    fn disagreement(
        &mut self,
        batch: &[Utterance],
        logits: &Variable,
        draw: Draw,
    ) -> Result<Option<Variable>> {
        match self.recipe.generator {
            SegmentGeneratorRecipe::Frames { .. } if self.recipe.agreement > 0.0 => {}
            SegmentGeneratorRecipe::Frames { .. } | SegmentGeneratorRecipe::Clusters { .. } => {
                return Ok(None);
            }
        }
        let others = self.windows(batch, &mut draw.stream("windows"), &mut draw.stream("frames/others"))?;
        let second = self.logits(&others)?.softmax(1)?;
        let difference = logits.softmax(1)?.sub(&second)?.mul(&others.present)?;
        Ok(Some(difference.square()?.mean_all()?.scale(self.phones() as f64)?))
    }

    /// One step of the critic; what it compared.
    fn update_critic(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<Compared> {
        let batch = turn.batch(draw)?;
        let utterances = Utterance::of_batch(&batch)?;
        let real = self.real(&batch, &mut draw.stream("text"))?;
        let windows = self.windows(&utterances, &mut draw.stream("windows"), &mut draw.stream("frames"))?;
        let fake = without_recording(|| {
            let logits = self.logits(&windows)?;
            self.sequences(&logits, &windows, (&mut draw.stream("choices"), turn.step))
        })?;
        self.discriminator.learn(turn, draw, &real, &fake)?;
        Ok(Compared { real, utterances, windows })
    }

    /// Windows of the text of a batch. Phonemes are repeated as often as segments of one phoneme follow each other.
    fn real(&self, batch: &Batch, stream: &mut Stream) -> Result<Variable> {
        let (tokens, window) = (batch.indices(TOKENS)?, self.recipe.window);
        let mut values = Vec::new();
        for line in tokens.rows()? {
            let line = without_repeats(line.iter().copied().take_while(|&token| token != END));
            let mut repeated = Vec::with_capacity(line.len());
            for token in line {
                repeated.push(token);
                while self.learned.repeat > 0.0 && stream.number(0.0, 1.0) < self.learned.repeat {
                    repeated.push(token);
                }
            }
            let first = stream.index(repeated.len().saturating_sub(window) + 1);
            values.extend(repeated.into_iter().skip(first).chain(std::iter::repeat(END)).take(window));
        }
        let count = values.len() / window.max(1);
        let rows = self.setup.place.one_hot(&values, self.phones() + 1)?;
        Ok(rows.reshape(&[count, window, self.phones() + 1])?)
    }
}

impl System for Speech {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator, learned)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let due = self.learned.begun * self.learned.steps;
        if self.learned.begun < self.recipe.iterations && turn.step >= due {
            self.begin(turn)?;
        }
        let (earlier, draw) = turn.rounds(self.recipe.discriminator_steps)?;
        for draw in earlier {
            self.update_critic(turn, draw)?;
        }
        let Compared { real, utterances, windows } = self.update_critic(turn, draw)?;
        let logits = self.logits(&windows)?;
        let fake = self.sequences(&logits, &windows, (&mut draw.stream("choices/generator"), turn.step))?;
        let mut loss = self.discriminator.loss_for(&real, &fake, draw)?;
        turn.note(GENERATOR_LOSS, &loss);
        if let Some(term) = self.disagreement(&utterances, &logits, draw)? {
            turn.note(DISAGREEMENT, &term);
            loss = loss.add(&term.scale(self.recipe.agreement)?)?;
        }
        turn.descend(&mut [&mut self.generator], &loss)?;
        let iteration_ends = turn.step + 1 == self.learned.begun * self.learned.steps;
        if iteration_ends || self.recipe.held_out.is_due(turn) {
            self.note_scores_of_gan(turn)?;
        }
        if iteration_ends {
            self.refine(turn)?;
            if let Some(models) = &self.learned.models {
                self.note_scores_of_models(turn, models, scores::OF_MODELS)?;
            }
        }
        Ok(())
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        if self.learned.language.is_none() {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        for utterance in Utterance::of_batch(showing.examples)?.iter().take(showing.count) {
            if let Some(reference) = utterance.reference() {
                lines.push(format!("true   {}", self.text(&reference)));
            }
            lines.push(format!("found  {}", self.text(&phones_of(&self.transcribed(utterance)?))));
        }
        let transcripts = Exhibit { series: "transcripts".into(), content: Content::Text(lines) };
        Ok(vec![transcripts, self.utterance_picture(showing)?])
    }

    fn as_transcriber(&self) -> Option<&dyn Transcriber> {
        Some(self)
    }
}

/// The phonemes of segments.
fn phones_of(segments: &[Segment]) -> Vec<u32> {
    segments.iter().map(|segment| segment.phone).collect()
}

impl Transcriber for Speech {
    fn features(&self) -> (usize, u32) {
        self.frames
    }

    fn transcribe(&self, batch: &Batch) -> Result<Vec<String>> {
        let utterances = Utterance::of_batch(batch)?;
        if let Some(other) = utterances.iter().find(|one| one.frames.columns != self.frames.0) {
            return Err(Error::Request(format!(
                "frames have {} numbers, those that the run was trained on {}",
                other.frames.columns, self.frames.0
            )));
        }
        // The models find where phonemes end; the generator needs segments, given or found.
        if self.learned.models.is_none() && self.recipe.segments == Segmentation::Given {
            return Err(Error::Request(
                "this run has no hidden Markov models yet, and segments is given, so it cannot transcribe recordings without \
                 segments; train it to the end of its first iteration"
                    .into(),
            ));
        }
        utterances.iter().map(|utterance| Ok(self.text(&phones_of(&self.transcribed(utterance)?)))).collect()
    }
}
