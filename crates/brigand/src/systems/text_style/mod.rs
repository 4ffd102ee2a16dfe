//! `text-style`: lines of text from one style to the other without pairs (Shen et al. 2017, arXiv:1705.09655; Lee et al. 2018,
//! arXiv:1804.02504). One generator writes a line again in the style that is asked for; a discriminator for each style compares what
//! it wrote with lines of that style; and what it wrote, translated back, must be the line that it was made from (Zhu et al. 2017,
//! arXiv:1703.10593). Gradients flow through what is written because its words are relaxed, or because it is vectors.

mod network;
mod noise;
mod recipe;
mod scores;
mod transfer;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, Indices, SECOND_TOKENS, TOKENS};
use brigand_core::capability::{Content, Exhibit, LineTranslator, Showing};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{Initialization, Mode, Network, Pass, Plan, Relaxation, relaxed_choice};
use brigand_core::networks::{counted_tokens, log_probabilities_of};
use brigand_core::objectives::{Objective, binary_cross_entropy};
use brigand_core::players::{Critic, Draw, Optimizer, OptimizerRecipe, Player, Rules, SquaredWeights, Turn};
use brigand_core::random::Stream;
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Place, Result, Setup, parts};

use super::phases::Phases;
use super::text::{SCORE, TextCnn, Vocabulary};
pub use network::StyleGeneratorRecipe;
use network::{Embedded, StyleGenerator, WORDS};
pub use noise::NoiseRecipe;
pub(super) use recipe::ROW;
pub use recipe::{OutputRecipe, StyleLosses, StyleOptimizers, StylePhases, TextStyleRecipe};
pub use scores::{BACK_KEPT, CONTENT_KEPT, HeldOutStyles, PARTNERS_FOUND, STYLE_ACCURACY, StyleReference};

/// What the styles are called.
pub(super) const STYLES: [&str; 2] = ["negative", "positive"];
/// Name of the mean loss of a line that was translated and back: nats of a token, or the mean squared distance of vectors.
const CYCLE: &str = "cycle_loss";
/// Name of the same for a line that is written again in its own style.
const SAME: &str = "same_loss";
/// Name of the classifier's cross-entropy of translated lines for the style that is asked for.
const STYLE: &str = "style_loss";

/// The networks in training.
struct TextStyle {
    recipe: TextStyleRecipe,
    setup: Setup,
    vocabulary: Vocabulary,
    phases: Phases,
    generator: Player<StyleGenerator>,
    /// Of the generator in its first phase.
    autoencoder: Optimizer,
    negative: Critic<TextCnn>,
    positive: Critic<TextCnn>,
    /// Finds the style of lines of the data.
    classifier: Option<Critic<TextCnn>>,
    /// What held-out lines are measured by, made when it is needed first.
    reference: Option<StyleReference>,
}

/// Lines of both styles, those of the first before those of the second.
struct Both {
    lines: Indices,
    own: Vec<u32>,
    other: Vec<u32>,
}

impl Both {
    fn of(batch: &Batch) -> Result<Self> {
        let (first, second) = (batch.indices(TOKENS)?, batch.indices(SECOND_TOKENS)?);
        let length = first.row_length()?;
        let counts = [first, second].map(|lines| lines.values.len() / length);
        let values = [first.values.as_slice(), &second.values].concat();
        let styles = |of: [u32; 2]| {
            let each = of.into_iter().zip(counts);
            each.flat_map(|(style, count)| std::iter::repeat_n(style, count)).collect()
        };
        Ok(Self {
            lines: Indices { values, shape: vec![counts.iter().sum(), length] },
            own: styles([0, 1]),
            other: styles([1, 0]),
        })
    }

    /// The first style's rows of a tensor of all, and the second's.
    fn split(&self, of: &Variable) -> Result<[Variable; 2]> {
        let first = self.own.iter().filter(|style| **style == 0).count();
        Ok([of.narrow(0, 0, first)?, of.narrow(0, first, self.own.len() - first)?])
    }
}

/// What was made of lines.
enum Made {
    /// Relaxed choices of words `[batch, length, vocabulary]`, and their vectors.
    Words(Variable, Variable),
    /// Vectors like those of words.
    Vectors(Embedded),
}

impl Made {
    /// As critics are given it.
    fn for_critics(&self) -> Result<Variable> {
        match self {
            Self::Words(choices, _) => Ok(choices.clone()),
            Self::Vectors(line) => line.for_critic(),
        }
    }

    /// As the generator is given it.
    fn line(&self) -> Result<Embedded> {
        match self {
            Self::Words(choices, vectors) => Embedded::of_choices(choices, vectors),
            Self::Vectors(line) => Ok(line.clone()),
        }
    }
}

impl TextStyle {
    fn new(recipe: TextStyleRecipe, setup: &Setup) -> Result<Self> {
        let vocabulary = Vocabulary::of(setup)?;
        let second = Vocabulary::of_field(setup, SECOND_TOKENS)?;
        if second.words() != vocabulary.words() || second.size() != vocabulary.size() {
            return Err(Error::Data(
                "the lines of the two styles have different vocabularies; give both files in one --data \
                 unpaired-lines:NEGATIVE,POSITIVE"
                    .into(),
            ));
        }
        let generator = Network::build("generator", setup, |b| {
            StyleGenerator::new(b, recipe.generator, vocabulary.size())
        })?;
        let generator = Player::new(generator, recipe.optimizer.generator)?
            .averaged(recipe.average)
            .shortening(Some(recipe.gradient_norm));
        // Critics have vectors of words of their own, unless vectors are what is written.
        let channels = match recipe.output {
            OutputRecipe::Words { .. } => vocabulary.size().0,
            OutputRecipe::Vectors {} => 1 + recipe.generator.embedding,
        };
        let critic = |name: &str, (rules, optimizer): (Rules, OptimizerRecipe)| {
            let plan = Plan::new(Initialization::Glorot).reparametrised(rules.constraint.reparametrisation());
            let network =
                Network::build(name, setup, |b| TextCnn::new(b, &recipe.discriminator, channels, &plan))?;
            let decay = SquaredWeights::of(recipe.discriminator.weight_decay, &[SCORE]);
            Critic::new(Player::new(network, optimizer)?.with_term(decay), rules)
        };
        let [negative, positive] =
            STYLES.map(|name| critic(name, (recipe.adversarial.rules(), recipe.optimizer.discriminator)));
        let classifier = (recipe.losses.style > 0.0).then(|| {
            let rules = Rules::plain(Objective::NON_SATURATING);
            critic("classifier", (rules, recipe.optimizer.classifier))
        });
        Ok(Self {
            phases: recipe.phases.of_run(setup.steps),
            autoencoder: Optimizer::new(recipe.optimizer.autoencoder, generator.weights())?,
            generator,
            negative: negative?,
            positive: positive?,
            classifier: classifier.transpose()?,
            vocabulary,
            setup: setup.clone(),
            reference: None,
            recipe,
        })
    }

    /// One step of writing changed lines again in their own style.
    fn autoencode(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let both = Both::of(&batch)?;
        let noisy = self.recipe.noise.of(&both.lines, &mut draw.stream("noise"))?;
        let (output, place) = (self.recipe.output, &self.setup.place);
        let loss = self.generator.train(|generator, pass| {
            let (source, target) =
                (generator.embed(pass, &noisy, place)?, generator.embed(pass, &both.lines, place)?);
            let memory = generator.encode(pass, &source, &both.own)?;
            let written = generator.follow(pass, &memory, &target)?;
            let likelihood = negative_log_likelihood(generator, pass, &written, &both.lines, place)?;
            Ok(match output {
                OutputRecipe::Words { .. } => likelihood,
                OutputRecipe::Vectors {} => likelihood.add(&distance(&written, &target.detached())?)?,
            })
        })?;
        turn.note(SAME, &loss);
        turn.descend(&mut [&mut self.generator.by(&mut self.autoencoder)], &loss)?;
        let rounds = if self.classifier.is_some() { self.recipe.classifier_steps } else { 0 };
        for round in 0..rounds {
            let draw = turn.draw(turn.step * rounds + round);
            let both = Both::of(&turn.batch(draw)?)?;
            let real = both.split(&self.real(&both)?)?;
            self.learn_styles(turn, draw, &real)?;
        }
        Ok(())
    }

    /// One step of the classifier, if there is one, on lines of both styles.
    fn learn_styles(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        [negative, positive]: &[Variable; 2],
    ) -> Result<()> {
        match &mut self.classifier {
            Some(classifier) => classifier.learn(turn, draw, positive, negative),
            None => Ok(()),
        }
    }

    /// One step of the discriminators, and of the classifier if there is one; the lines of the step, and as critics are given
    /// them.
    fn update_critics(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<(Both, [Variable; 2])> {
        let both = Both::of(&turn.batch(draw)?)?;
        let (output, relaxation) = (self.recipe.output, self.relaxation(turn.step));
        let (stream, place) = (&mut draw.stream("choices"), &self.setup.place);
        let made = without_recording(|| {
            self.generator.train(|generator, pass| {
                let source = generator.embed(pass, &both.lines, place)?;
                made(generator, pass, (&source, &both.other), (output, relaxation), (stream, place))
            })
        })?;
        let [to_positive, to_negative] = both.split(&made.for_critics()?)?;
        let real = both.split(&self.real(&both)?)?;
        self.negative.learn(turn, draw, &real[0], &to_negative)?;
        self.positive.learn(turn, draw, &real[1], &to_positive)?;
        self.learn_styles(turn, draw, &real)?;
        Ok((both, real))
    }

    /// Lines of the data as critics are given them.
    fn real(&mut self, both: &Both) -> Result<Variable> {
        let place = &self.setup.place;
        match self.recipe.output {
            OutputRecipe::Words { .. } => self.vocabulary.one_hot(&both.lines, place),
            OutputRecipe::Vectors {} => {
                let lines = &both.lines;
                let embed = || self.generator.train(|generator, pass| generator.embed(pass, lines, place));
                without_recording(embed)?.for_critic()
            }
        }
    }

    fn relaxation(&self, step: u64) -> Relaxation {
        match self.recipe.output {
            OutputRecipe::Words { relaxation } => relaxation.at(step as f64 / self.setup.steps.max(1) as f64),
            OutputRecipe::Vectors {} => Relaxation::Softmax,
        }
    }

    /// One step of each player.
    fn translate(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (output, relaxation) = (self.recipe.output, self.relaxation(turn.step));
        let (earlier, draw) = turn.rounds(self.recipe.discriminator_steps)?;
        for draw in earlier {
            self.update_critics(turn, draw)?;
        }
        let (both, [negative, positive]) = self.update_critics(turn, draw)?;
        let noisy = self.recipe.noise.of(&both.lines, &mut draw.stream("noise"))?;
        let (stream, place) = (&mut draw.stream("choices/generator"), &self.setup.place);
        match output {
            OutputRecipe::Words { .. } => {}
            OutputRecipe::Vectors {} => {
                let names = self.generator.weights().names().to_vec();
                let others = names.iter().map(String::as_str).filter(|name| !WORDS.contains(name));
                self.generator.restrict(Some(&others.collect::<Vec<_>>()));
            }
        }
        let again = |generator: &StyleGenerator, pass: &mut Pass<'_>, from: &Embedded, to: &Embedded| {
            let memory = generator.encode(pass, from, &both.own)?;
            let written = generator.follow(pass, &memory, to)?;
            match output {
                OutputRecipe::Words { .. } => {
                    negative_log_likelihood(generator, pass, &written, &both.lines, place)
                }
                OutputRecipe::Vectors {} => distance(&written, &to.detached()),
            }
        };
        let (fake, cycle, same) = self.generator.train(|generator, pass| {
            let source = generator.embed(pass, &both.lines, place)?;
            let made = made(generator, pass, (&source, &both.other), (output, relaxation), (stream, place))?;
            let cycle = again(generator, pass, &made.line()?, &source)?;
            let noisy = generator.embed(pass, &noisy, place)?;
            Ok((made.for_critics()?, cycle, again(generator, pass, &noisy, &source)?))
        })?;
        turn.note(CYCLE, &cycle);
        turn.note(SAME, &same);
        let losses = self.recipe.losses;
        let [to_positive, to_negative] = both.split(&fake)?;
        let adversarial = self.positive.loss_for(&positive, &to_positive, draw)?;
        let adversarial = adversarial.add(&self.negative.loss_for(&negative, &to_negative, draw)?)?;
        turn.note(GENERATOR_LOSS, &adversarial);
        let mut loss = adversarial.scale(losses.adversarial)?;
        loss = loss.add(&cycle.scale(losses.cycle)?)?.add(&same.scale(losses.same)?)?;
        if let Some(classifier) = &mut self.classifier {
            let masks = &mut draw.stream("classifier/dropout/generator");
            let scored = classifier.score(None, &fake, Mode::BatchStatistics, masks)?;
            let wanted = both.other.iter().map(|style| *style as f32).collect();
            let wanted = self.setup.place.numbers(wanted, &[both.other.len()])?;
            let wrong = binary_cross_entropy(scored.single()?, &wanted)?;
            turn.note(STYLE, &wrong);
            loss = loss.add(&wrong.scale(losses.style)?)?;
        }
        turn.descend(&mut [&mut self.generator], &loss)
    }
}

/// What becomes of the lines `source` in other `styles`.
fn made(
    generator: &StyleGenerator,
    pass: &mut Pass<'_>,
    (source, styles): (&Embedded, &[u32]),
    (output, relaxation): (OutputRecipe, Relaxation),
    (stream, place): (&mut Stream, &Place),
) -> Result<Made> {
    let memory = generator.encode(pass, source, styles)?;
    Ok(match output {
        OutputRecipe::Words { .. } => {
            let choose = |logits: &Variable| relaxed_choice(logits, relaxation, stream, place);
            let (choices, vectors) = generator.write_words(pass, &memory, place, choose)?;
            Made::Words(choices, vectors)
        }
        OutputRecipe::Vectors {} => {
            let words = generator.write_vectors(pass, &memory)?.mul(&source.present)?;
            Made::Vectors(Embedded { words, present: source.present.clone() })
        }
    })
}

/// The mean negative log-likelihood in nats of a token of `lines` where `written` `[batch, length, embedding]` was written for them.
/// What fills a line up after its end does not count.
fn negative_log_likelihood(
    generator: &StyleGenerator,
    pass: &mut Pass<'_>,
    written: &Variable,
    lines: &Indices,
    place: &Place,
) -> Result<Variable> {
    let counted = counted_tokens(lines)?;
    let tokens = f64::from(counted.iter().sum::<f32>().max(1.0));
    let logits = generator.logits(pass, written)?;
    let rows = [lines.values.len(), logits.shape()[2]];
    let found = log_probabilities_of(&logits.reshape(&rows)?, lines.values.clone(), place)?;
    let found = found.reshape(&lines.shape)?.mul(&place.numbers(counted, &lines.shape)?)?;
    Ok(found.sum_all()?.scale(-1.0 / tokens)?)
}

/// The mean squared distance of a number of what was `written` from those of the vectors of a line's words.
fn distance(written: &Variable, line: &Embedded) -> Result<Variable> {
    let size = written.shape().last().copied().unwrap_or(1) as f64;
    let squares = written.sub(&line.words)?.square()?.mul(&line.present)?.sum_all()?;
    Ok(squares.div(&line.present.sum_all()?)?.scale(1.0 / size)?)
}

impl System for TextStyle {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, autoencoder, negative, positive, classifier, phases)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        match self.phases.at(turn.step) {
            0 => self.autoencode(turn)?,
            _ => self.translate(turn)?,
        }
        if self.recipe.held_out.is_due(turn) {
            self.note_scores(turn)?;
        }
        Ok(())
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        Ok(vec![Exhibit { series: "samples".into(), content: Content::Text(self.table(showing.examples)?) }])
    }

    fn as_line_translator(&self) -> Option<&dyn LineTranslator> {
        Some(self)
    }
}
