//! Small systems: points, maps, two domains.

use brigand_autograd::{Activation, Variable};
use brigand_core::batch::{IMAGES, POINTS, SECOND};
use brigand_core::modules::{
    Activate, Chain, Convolution, Layer as _, Linear, Network, Norm, NormKind, NormPlan, Pass, Plan, Reshape,
    TransposedConvolution, Window,
};
use brigand_core::objectives::Objective;
use brigand_core::players::{
    AverageRecipe, Critic, HistoricalAverage, ImagePool, OptimizerRecipe, Orthogonal, Player, Rules, Scored,
    Scorer, Turn,
};
use brigand_core::system::{Parts, System};
use brigand_core::{Place, Result, Setup, parts};
use candle_core::{Device, Tensor};

use super::{ADAM, Make, PLAN};

/// Numbers in a latent.
const LATENT: usize = 4;

/// A stack whose last layer gives the scores.
pub(crate) struct Stack {
    pub(crate) features: Chain,
    pub(crate) last: Chain,
}

impl Scorer for Stack {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let features = self.features.run(pass, input)?.flatten_from_second()?;
        let scores = self.last.run(pass, &features)?.reshape(&[input.shape()[0]])?;
        Ok(Scored::new(scores, features))
    }

    fn couples_samples(&self) -> bool {
        self.features.couples_samples()
    }
}

/// How a system of the tests is set up.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) rules: Rules,
    pub(crate) optimizer: OptimizerRecipe,
    pub(crate) average: AverageRecipe,
    pub(crate) plan: Plan,
    /// Weights of historical averaging and of the orthogonal term.
    pub(crate) terms: (f64, f64),
    /// Whether both players learn from one pass.
    pub(crate) merged: bool,
    /// Unrolled steps, and whether they depend on the generator.
    pub(crate) unrolled: (u32, bool),
}

impl Options {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            optimizer: ADAM,
            average: AverageRecipe::OFF,
            plan: PLAN,
            terms: (0.0, 0.0),
            merged: false,
            unrolled: (0, false),
        }
    }
}

/// A generator and a discriminator of points or images.
pub(crate) struct Game {
    generator: Player<Chain>,
    discriminator: Critic<Stack>,
    place: Place,
    options: Options,
    images: bool,
}

const LEAKY: Activation = Activation::LeakyRelu(0.2);

impl Game {
    fn new(setup: &Setup, options: Options, (generator, stack): (Chain2, Stack2), images: bool) -> Self {
        let plan = options.plan;
        let generator = Network::build("generator", setup, |b| generator(b, &plan)).unwrap();
        let discriminator = Network::build("discriminator", setup, |b| stack(b, &plan)).unwrap();
        let generator = Player::new(generator, options.optimizer).unwrap().averaged(options.average);
        let history = HistoricalAverage::of(options.terms.0, generator.weights());
        let generator = generator.with_term(history).with_term(Orthogonal::of(options.terms.1));
        let player = Player::new(discriminator, options.optimizer).unwrap();
        let discriminator = Critic::new(player, options.rules).unwrap();
        Self { generator, discriminator, place: setup.place.clone(), options, images }
    }
}

type Chain2 = fn(&mut brigand_core::modules::Builder, &Plan) -> Result<Chain>;
type Stack2 = fn(&mut brigand_core::modules::Builder, &Plan) -> Result<Stack>;

impl System for Game {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let real = batch.numbers(if self.images { IMAGES } else { POINTS })?.clone();
        let place = self.place.clone();
        let latents =
            draw.rows("latent", real.shape()[0], |count, stream| place.normal(&[count, LATENT], stream))?;
        let fake = self.generator.train(|g, pass| g.run(pass, &latents))?;
        if self.options.merged {
            let none = |_: &Scored<()>, _: &Scored<()>| Ok([Vec::new(), Vec::new()]);
            let gradients = self.discriminator.learn_merged(turn, draw, (&real, &fake), none)?;
            let output = brigand_autograd::Output { variable: &fake, weight: gradients.first() };
            return turn.descend_outputs(&mut [&mut self.generator], &[output]);
        }
        self.discriminator.learn(turn, draw, &real, &fake)?;
        let sides = self.discriminator.sides((real, fake), "generator", draw)?;
        let (steps, full) = self.options.unrolled;
        let ahead = self.discriminator.unrolled((steps, full, 1.0), &sides, draw, |_, _| Ok(Vec::new()))?;
        let loss = self.discriminator.generator_loss(ahead.as_ref(), &sides, draw)?.loss;
        turn.note("generator_loss", &loss);
        turn.descend(&mut [&mut self.generator], &loss)
    }
}

/// A system of points with fully connected networks.
pub(crate) fn points(options: Options) -> Make {
    Box::new(move |setup| {
        let generator: Chain2 = |b, plan| {
            let mut chain = Chain::new();
            chain.push(b, |b| Linear::new(b, LATENT, 16, plan))?;
            chain.push_plain(Activate(LEAKY));
            chain.push(b, |b| Linear::new(b, 16, 2, plan))?;
            Ok(chain)
        };
        let stack: Stack2 = |b, plan| {
            let mut features = Chain::new();
            features.push(b, |b| Linear::new(b, 2, 16, plan))?;
            features.push_plain(Activate(LEAKY));
            let mut last = Chain::new();
            last.push_named(b, "score", |b| Linear::new(b, 16, 1, plan))?;
            Ok(Stack { features, last })
        };
        Box::new(Game::new(setup, options, (generator, stack), false))
    })
}

/// A system of images 8x8 with convolutions, batch normalisation in the generator.
pub(crate) fn maps(options: Options) -> Make {
    Box::new(move |setup| {
        let generator: Chain2 = |b, plan| {
            let mut chain = Chain::new();
            chain.push(b, |b| Linear::new(b, LATENT, 6 * 16, plan))?;
            chain.push_plain(Reshape(vec![6, 4, 4]));
            let norm = NormPlan::new(NormKind::Batch, Activation::Relu);
            chain.push(b, |b| Norm::new(b, norm, 6))?;
            chain.push(b, |b| TransposedConvolution::new(b, (6, 1), Window::HALVING, plan))?;
            chain.push_plain(Activate(Activation::Tanh));
            Ok(chain)
        };
        let stack: Stack2 = |b, plan| {
            let mut features = Chain::new();
            features.push(b, |b| Convolution::new(b, (1, 6), Window::HALVING, plan))?;
            features.push_plain(Activate(LEAKY));
            features.push(b, |b| Convolution::new(b, (6, 8), Window::HALVING, plan))?;
            features.push_plain(Activate(LEAKY));
            let mut last = Chain::new();
            last.push_named(b, "score", |b| Linear::new(b, 32, 1, plan))?;
            Ok(Stack { features, last })
        };
        Box::new(Game::new(setup, options, (generator, stack), true))
    })
}

/// A discriminator of patches: a map of scores.
struct Patches(Convolution);

impl Scorer for Patches {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let map = self.0.run(pass, input)?;
        Ok(Scored::new(map.clone(), map))
    }
}

/// One translator between two unaligned domains, with a pool of earlier translations.
pub(crate) struct Domains {
    translator: Player<Convolution>,
    discriminator: Critic<Patches>,
    pool: ImagePool,
}

impl System for Domains {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, translator, discriminator, pool)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let (from, to) = (batch.numbers(IMAGES)?, batch.numbers(SECOND)?);
        let made = self.translator.train(|t, pass| Ok(t.run(pass, from)?.tanh()?))?;
        let loss = self.discriminator.loss_for(to, &made, draw)?;
        turn.note("translator_loss", &loss);
        turn.descend(&mut [&mut self.translator], &loss)?;
        let earlier = self.pool.exchange(&made, &mut draw.stream("pool"))?;
        self.discriminator.learn(turn, draw, to, &earlier)
    }
}

/// The translator's system.
pub(crate) fn translation() -> Make {
    Box::new(|setup| {
        let convolution = |name: &str, window: Window| {
            Network::build(name, setup, |b| Convolution::new(b, (1, 1), window, &PLAN)).unwrap()
        };
        let translator = convolution("translator", Window::same(3).reflecting());
        let patches = Network::build("discriminator", setup, |b| {
            Ok(Patches(Convolution::new(b, (1, 1), Window::HALVING, &PLAN)?))
        });
        let rules = Rules::plain(Objective::LeastSquares(brigand_core::objectives::LeastSquares {
            a: 0.0,
            b: 1.0,
            c: 1.0,
        }));
        let player = Player::new(patches.unwrap(), ADAM).unwrap();
        let like = Tensor::zeros((1, 8, 8), setup.place.compute, &Device::Cpu).unwrap();
        Box::new(Domains {
            translator: Player::new(translator, ADAM).unwrap(),
            discriminator: Critic::new(player, rules).unwrap(),
            pool: ImagePool::new(10, &like),
        })
    })
}
