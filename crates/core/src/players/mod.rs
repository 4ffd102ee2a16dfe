//! Networks in training, and the one path from gradients to optimizers.

mod average;
mod comparison;
mod critic;
mod gateway;
mod input;
mod merged;
mod optimizer;
mod optimizer_recipe;
mod player;
mod pool;
mod precision;
mod report;
mod rules;
mod schedule;
mod scorer;
mod slopes;
mod turn;
mod unrolling;
mod weight_terms;

pub use average::AverageRecipe;
pub use comparison::{Compared, GeneratorLoss, Sides};
pub use critic::{Critic, DISCRIMINATOR};
pub use gateway::{AverageGradients, ClipNorm, Exchange, Gateway, GradientStage, LossScale, Permit};
pub use input::{Conditioned, Input, Pair};
pub use merged::Merged;
pub use optimizer::{Optimizer, UnrolledOptimizer};
pub use optimizer_recipe::OptimizerRecipe;
pub use player::{By, CLIPPED_WEIGHTS, Learner, Player};
pub use pool::ImagePool;
pub use report::{Measurements, Report, share_above};
pub use rules::{AdversarialRecipe, Rules};
pub use schedule::Schedule;
pub use scorer::{Scored, Scorer};
pub use turn::{Draw, Turn};
pub use weight_terms::{HistoricalAverage, Orthogonal, SquaredWeights, WeightTerm, off_diagonal_penalty};
