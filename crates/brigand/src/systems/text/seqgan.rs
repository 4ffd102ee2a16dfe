//! `seqgan`: a language model as a policy that is rewarded where a discriminator takes its lines for real (Yu et al. 2016,
//! arXiv:1609.05473).

use brigand_core::batch::{Indices, Need, SampleKind, TOKENS};
use brigand_core::capability::SequenceSampler;
use brigand_core::limits::{above_zero, at_least_one};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{Initialization, Network, Part, Plan};
use brigand_core::objectives::Objective;
use brigand_core::players::{
    AverageRecipe, Critic, Draw, Optimizer, OptimizerRecipe, Player, Rules, Schedule, Scorer, SquaredWeights,
    Turn,
};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::HeldOutRecipe;
use super::super::phases::Phases;
use super::super::two_player::check_discriminator_steps;
use super::language::{Language, LanguageModelRecipe, Steps};
use super::phases::{DISCRIMINATOR_ALONE, Phase, PhasesRecipe};
use super::policy::{Baseline, advantages, expected_rewards, policy_loss};
use super::text_cnn::{SCORE, TextCnn, TextCnnRecipe};

/// Name of the mean probability of being real that the discriminator gives generated lines, which is their reward.
pub(super) const REWARD: &str = "reward";
/// Numbers in the one-hot lines that are scored at once.
const MOST_SCORED: usize = 4_000_000;

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "seqgan",
    family: Family::Sequences,
    summary: "lines of text from an LSTM policy, rewarded by a discriminator through rollouts",
    paper: "Yu et al. 2016, arXiv:1609.05473",
    data: "grammar",
    length: |_| Length { steps: 1000, batch: 64 },
    make: Make::of::<SeqganRecipe>(),
};

/// How the players step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeqganOptimizers {
    /// The generator's, up the likelihood.
    pub likelihood: OptimizerRecipe,
    /// The generator's, along the policy gradient.
    pub policy: OptimizerRecipe,
    /// The discriminator's.
    pub discriminator: OptimizerRecipe,
}

/// Everything that makes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeqganRecipe {
    /// The generator's network.
    pub generator: LanguageModelRecipe,
    /// The discriminator's network.
    pub discriminator: TextCnnRecipe,
    /// How long the phases before the policy gradient are.
    pub phases: PhasesRecipe,
    /// Continuations of every beginning of a line, of which the mean reward is taken.
    pub rollouts: usize,
    /// What is taken from the expected rewards.
    pub baseline: Baseline,
    /// Discriminator updates in a step, each on a fresh real and a freshly generated batch.
    pub discriminator_steps: u64,
    /// How they step.
    pub optimizer: SeqganOptimizers,
    /// The largest norm of the gradients of a step of the generator; longer ones are shortened to it.
    pub gradient_norm: f64,
    /// The average of the generator's weights that rollouts and samples are taken from.
    pub average: AverageRecipe,
    /// When samples are compared with held-out lines.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for SeqganRecipe {
    const NEEDS: &'static [Need] = &[Need::Indices(TOKENS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(Self {
            generator: LanguageModelRecipe { embedding: 16, hidden: 32 },
            discriminator: TextCnnRecipe {
                dropout: 0.25,
                weight_decay: 1e-3,
                ..TextCnnRecipe::of(16, &[1, 2, 3, 4, 6])
            },
            phases: PhasesRecipe { likelihood: 0.3, discriminator: 0.1 },
            rollouts: 4,
            baseline: Baseline::Batch,
            discriminator_steps: 3,
            optimizer: SeqganOptimizers {
                likelihood: OptimizerRecipe::adam(1e-2, 0.9, 0.999),
                policy: OptimizerRecipe::adam(1e-3, 0.9, 0.999),
                discriminator: OptimizerRecipe::adam(1e-3, 0.9, 0.999),
            },
            gradient_norm: 5.0,
            average: AverageRecipe { decay: 0.8 },
            held_out: HeldOutRecipe { every: 100 },
        })
    }

    fn check(&self) -> Result<()> {
        self.generator.check()?;
        self.discriminator.check()?;
        self.phases.check()?;
        at_least_one("rollouts", self.rollouts)?;
        self.average.check()?;
        above_zero("gradient_norm", self.gradient_norm, 5.0)?;
        self.optimizer.likelihood.check("likelihood")?;
        self.optimizer.policy.check("policy")?;
        self.optimizer.discriminator.check("discriminator")?;
        check_discriminator_steps("discriminator_steps", self.discriminator_steps)?;
        Ok(())
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        vec!["phases"]
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Seqgan::new(self.clone(), setup)?))
    }
}

/// A SeqGAN in training.
struct Seqgan {
    recipe: SeqganRecipe,
    phases: Phases,
    language: Language,
    /// Of the generator along the policy gradient.
    policy: Optimizer,
    discriminator: Critic<TextCnn>,
}

impl Seqgan {
    fn new(recipe: SeqganRecipe, setup: &Setup) -> Result<Self> {
        let steps = Steps {
            optimizer: recipe.optimizer.likelihood,
            schedule: Schedule::Constant {},
            average: recipe.average,
            longest: recipe.gradient_norm,
        };
        let language = Language::new(recipe.generator, steps, setup)?;
        let (vocabulary, plan) =
            (setup.schema.tokens(TOKENS)?.vocabulary.len(), Plan::new(Initialization::Glorot));
        let network = Network::build("discriminator", setup, |b| {
            TextCnn::new(b, &recipe.discriminator, vocabulary, &plan)
        })?;
        let decay = SquaredWeights::of(recipe.discriminator.weight_decay, &[SCORE]);
        let player = Player::new(network, recipe.optimizer.discriminator)?.with_term(decay);
        Ok(Self {
            phases: recipe.phases.of_run(setup.steps),
            policy: Optimizer::new(recipe.optimizer.policy, language.generator.weights())?,
            language,
            discriminator: Critic::new(player, Rules::plain(Objective::NON_SATURATING))?,
            recipe,
        })
    }

    /// The first draw of a step.
    fn first_draw(&self, turn: &Turn<'_>) -> Draw {
        turn.draw(turn.step * self.recipe.discriminator_steps)
    }

    /// Steps of the discriminator, each on a fresh real and a freshly generated batch.
    fn discriminate(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (earlier, last) = turn.rounds(self.recipe.discriminator_steps)?;
        for draw in earlier.into_iter().chain([last]) {
            let batch = turn.batch(draw)?;
            let real = self.language.one_hot(batch.indices(TOKENS)?)?;
            let count = self.language.setup().batch;
            let fake = self.language.draw(count, &mut draw.stream("lines/discriminator"))?;
            let fake = self.language.one_hot(&fake)?;
            self.discriminator.learn(turn, draw, &real, &fake)?;
        }
        Ok(())
    }

    /// The probability of being real that the discriminator gives each of `lines`.
    fn rewards(&self, lines: &Indices) -> Result<Vec<f32>> {
        let length = lines.row_length()?;
        let portion = (MOST_SCORED / (length * self.language.vocabulary().len()).max(1)).max(1);
        let mut rewards = Vec::with_capacity(lines.values.len() / length);
        for lines in lines.portions(portion)? {
            let rows = self.language.one_hot(&lines)?;
            let scored = self.discriminator.player().sample(&rows, |cnn, pass| cnn.score(pass, &rows))?;
            rewards.extend(scored.single()?.sigmoid()?.to_vec_f32()?);
        }
        Ok(rewards)
    }

    /// One step of the generator along the policy gradient.
    fn improve_policy(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = self.first_draw(turn);
        let count = self.language.setup().batch;
        let lines = self.language.draw(count, &mut draw.stream("lines/policy"))?;
        let mut stream = draw.stream("rollouts");
        let roll = |_| self.language.rollouts(&lines, &mut stream);
        let expected = expected_rewards(&lines, self.recipe.rollouts, roll, |lines| self.rewards(lines))?;
        let advantages = advantages(&expected, &lines, self.recipe.baseline)?;
        let own = self.rewards(&lines)?;
        turn.report.note_number(REWARD, f64::from(own.iter().sum::<f32>()) / own.len().max(1) as f64);
        let advantages = self.language.setup().place.numbers(advantages, &lines.shape)?;
        let loss = policy_loss(&self.language.log_probabilities(&lines)?, &advantages)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.language.generator.by(&mut self.policy)], &loss)
    }
}

impl System for Seqgan {
    fn parts(&mut self) -> Parts<'_> {
        vec![
            ("generator", &mut self.language.generator as &mut dyn Part),
            ("policy", &mut self.policy),
            ("discriminator", &mut self.discriminator),
            ("phases", &mut self.phases),
        ]
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        match Phase::at(&self.phases, turn.step) {
            Phase::Likelihood => self.language.maximise_likelihood(turn, self.first_draw(turn))?,
            Phase::Discriminator => self.discriminate(turn)?,
            Phase::Adversarial => {
                self.improve_policy(turn)?;
                self.discriminate(turn)?;
            }
        }
        if self.recipe.held_out.is_due(turn) {
            self.language.note_scores(turn)?;
        }
        Ok(())
    }

    /// The discriminator's, where no likelihood was maximised before it.
    fn untrained_phase(&self, step: u64) -> Option<&'static str> {
        self.phases.so_far(DISCRIMINATOR_ALONE, step)
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn as_sequence_sampler(&self) -> Option<&dyn SequenceSampler> {
        Some(&self.language)
    }
}
