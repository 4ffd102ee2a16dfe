//! What the tests share: data, setups, and runs of small systems.
#![allow(dead_code, reason = "every test program uses a part of it")]

pub(crate) mod derivatives;
pub(crate) mod pairs;
pub(crate) mod systems;

use std::collections::BTreeMap;

use brigand_autograd::Products;
use brigand_autograd::Variable;
use brigand_core::batch::{
    Feed, Field, HostBatch, HostField, IMAGES, Indices, Kind, LABELS, MemorySource, NumberKey, POINTS,
    SECOND, Schema, Source,
};
use brigand_core::modules::Plan;
use brigand_core::objectives::{
    Hinge, LeastSquares, Objective, Relativistic, RelativisticAverage, RelativisticAverageHinge,
    RelativisticAverageLeastSquares, Wasserstein,
};
use brigand_core::players::{Gateway, Measurements, OptimizerRecipe, Turn};
use brigand_core::random::Stream;
use brigand_core::state::State;
use brigand_core::system::System;
use brigand_core::{Place, Setup, modules::Initialization};
use candle_core::DType;

pub(crate) const PLAN: Plan = Plan::new(Initialization::Glorot);
pub(crate) const ADAM: OptimizerRecipe = OptimizerRecipe::adam(1e-2, 0.5, 0.9);

/// The objectives of scores alone.
pub(crate) fn score_objectives() -> Vec<Objective> {
    vec![
        Objective::MINIMAX,
        Objective::NON_SATURATING,
        LeastSquares { a: 0.0, b: 1.0, c: 1.0 }.into(),
        Wasserstein {}.into(),
        Hinge {}.into(),
        Relativistic {}.into(),
        RelativisticAverage {}.into(),
        RelativisticAverageLeastSquares {}.into(),
        RelativisticAverageHinge {}.into(),
    ]
}

/// Double precision throughout.
pub(crate) fn double() -> Place {
    Place { storage: DType::F64, compute: DType::F64, ..Place::cpu() }
}

/// Weights in single precision, passes in bfloat16.
pub(crate) fn mixed() -> Place {
    Place { compute: DType::BF16, ..Place::cpu() }
}

/// Single precision, of which layers multiply numbers rounded to bfloat16.
pub(crate) fn narrow() -> Place {
    Place { products: Products::Bfloat16, ..Place::cpu() }
}

/// A setup for networks that read nothing of the data.
pub(crate) fn setup(place: Place) -> Setup {
    Setup { schema: Schema::default(), batch: 8, steps: 100, seed: 5, place }
}

/// Standard normal draws in single precision.
pub(crate) fn normal(shape: &[usize], seed: u64) -> Variable {
    Place::cpu().normal(shape, &mut Stream::new(seed, "a test", 0)).unwrap()
}

/// Standard normal draws in double precision, a leaf.
pub(crate) fn normal_double(shape: &[usize], seed: u64) -> Variable {
    Variable::leaf(double().normal(shape, &mut Stream::new(seed, "a test", 0)).unwrap().into_tensor())
}

/// One field of numbers in memory.
pub(crate) fn source(key: NumberKey, kind: Kind, shape: &[usize], values: Vec<f32>) -> MemorySource {
    let count = values.len() / shape.iter().product::<usize>();
    let fields = HostBatch::from([(key.0, HostField::Numbers(values, Vec::new()))]);
    MemorySource::new(count, Schema::default().with(key.0, kind, shape), fields).unwrap()
}

/// Points of one coordinate whose value is their number, from `first` on.
pub(crate) fn numbered(first: usize, count: usize) -> MemorySource {
    source(POINTS, Kind::Points {}, &[1], (first..first + count).map(|number| number as f32).collect())
}

/// The same with a label for each.
pub(crate) fn labelled(labels: Vec<u32>, classes: usize) -> MemorySource {
    let count = labels.len();
    let counts = (0..classes).map(|class| labels.iter().filter(|&&label| label as usize == class).count());
    let schema = Schema::of_samples(&[1], &counts.map(|count| count as f64).collect::<Vec<_>>());
    let points = HostField::Numbers((0..count).map(|number| number as f32).collect(), Vec::new());
    let labels = HostField::Indices(Indices { values: labels, shape: vec![count] });
    MemorySource::new(count, schema, HostBatch::from([(POINTS.0, points), (LABELS.0, labels)])).unwrap()
}

/// 64 points on a circle.
pub(crate) fn circle() -> Vec<Box<dyn Source>> {
    let point = |number: usize| (number as f32 / 64.0 * std::f32::consts::TAU).sin_cos();
    let values = (0..64).map(point).flat_map(|(sine, cosine)| [sine, cosine]).collect();
    vec![Box::new(source(POINTS, Kind::Points {}, &[2], values))]
}

fn squares(purpose: &str, key: NumberKey, sign: f32) -> MemorySource {
    let mut stream = Stream::new(1, purpose, 0);
    let mut values = Vec::new();
    for _ in 0..32 {
        let (top, left) = (stream.index(5), stream.index(5));
        let inside = |at: usize, start: usize| (start..start + 3).contains(&at);
        let pixel = |at: usize| if inside(at / 8, top) && inside(at % 8, left) { sign } else { -sign };
        values.extend((0..64).map(pixel));
    }
    source(key, Kind::Image {}, &[1, 8, 8], values)
}

/// 32 grey images 8x8 with a bright square.
pub(crate) fn bright() -> Vec<Box<dyn Source>> {
    vec![Box::new(squares("bright", IMAGES, 1.0))]
}

/// Bright squares and, unaligned, dark ones.
pub(crate) fn domains() -> Vec<Box<dyn Source>> {
    vec![Box::new(squares("bright", IMAGES, 1.0)), Box::new(squares("dark", SECOND, -1.0))]
}

/// A schema with one field.
pub(crate) fn only(name: &str, kind: Kind, shape: &[usize]) -> Schema {
    let field = Field { kind, shape: shape.to_vec(), group: 0 };
    Schema { fields: [(name.to_owned(), field)].into_iter().collect() }
}

/// What a turn needs around a player that is tested alone.
pub(crate) struct Stage {
    pub(crate) feed: Feed,
    pub(crate) gateway: Gateway,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let feed = Feed::new(circle(), 8, 1, &Place::cpu()).unwrap();
        Self { feed, gateway: Gateway::default() }
    }

    /// Step `step` of 100.
    pub(crate) fn turn(&mut self, step: u64) -> Turn<'_> {
        Turn::new((step, 100), 1, (0, 1), &mut self.feed, &mut self.gateway)
    }
}

/// How a system of the tests is made for its data.
pub(crate) type Make = Box<dyn Fn(&Setup) -> Box<dyn System>>;

/// A system in training.
pub(crate) struct Run {
    pub(crate) system: Box<dyn System>,
    pub(crate) feed: Feed,
    pub(crate) gateway: Gateway,
    pub(crate) step: u64,
    shard: (usize, usize),
}

impl Run {
    /// One process.
    pub(crate) fn new(sources: Vec<Box<dyn Source>>, make: &Make, batch: usize, place: Place) -> Self {
        Self::sharded(sources, make, batch, place, (0, 1))
    }

    /// One of several processes that share every batch.
    pub(crate) fn sharded(
        sources: Vec<Box<dyn Source>>,
        make: &Make,
        batch: usize,
        place: Place,
        shard: (usize, usize),
    ) -> Self {
        let feed = Feed::sharded(sources, batch, 5, &place, shard).unwrap();
        let (schema, batch) = (feed.schema().clone(), feed.batch_size());
        let system = make(&Setup { schema, batch, steps: 100, seed: 5, place });
        Self { system, feed, gateway: Gateway::default(), step: 0, shard }
    }

    /// `count` steps; what each reported.
    pub(crate) fn steps(&mut self, count: u64) -> Vec<Measurements> {
        let mut reports = Vec::new();
        for _ in 0..count {
            let mut turn = Turn::new((self.step, 100), 5, self.shard, &mut self.feed, &mut self.gateway);
            self.system.train_step(&mut turn).unwrap();
            reports.push(turn.report.read(self.step).unwrap());
            self.step += 1;
        }
        reports
    }

    /// Everything that training changed.
    pub(crate) fn values(&mut self) -> Values {
        values(&self.system.save().unwrap())
    }
}

/// Named numbers.
pub(crate) type Values = BTreeMap<String, Vec<f64>>;

/// The tensors and counters of a state.
pub(crate) fn values(state: &State) -> Values {
    let numbers = |tensor: &candle_core::Tensor| Variable::constant(tensor.clone()).to_vec().unwrap();
    let tensors = state.tensors.iter().map(|(name, tensor)| (name.clone(), numbers(tensor)));
    tensors.chain(state.counters.iter().map(|(name, &count)| (name.clone(), vec![count as f64]))).collect()
}

/// The largest difference between two lists of the same names.
pub(crate) fn apart(a: &Values, b: &Values) -> f64 {
    assert!(a.keys().eq(b.keys()));
    let pairs = a.values().zip(b.values()).flat_map(|(a, b)| {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b)
    });
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Fails unless two variables have the same shape and values up to `tolerance`.
pub(crate) fn assert_near(found: &Variable, wanted: &Variable, tolerance: f64) {
    assert_eq!(found.shape(), wanted.shape());
    let (found, wanted) = (found.to_vec().unwrap(), wanted.to_vec().unwrap());
    let apart = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart <= tolerance, "apart by {apart}: {found:?} {wanted:?}");
}
