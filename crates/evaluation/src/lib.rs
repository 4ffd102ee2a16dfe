//! Evaluation of generated samples: metrics on features and samples, and scores with the protocol of their measurement.
//!
//! Every metric takes [`Features`] (or what is computed from them: [`Moments`], [`Neighbourhoods`],
//! [`Probabilities`]) and gives a plain result. Together with a [`Setting`], which names the extractor of the features
//! and where both sets of samples came from, a result becomes one or more [`Score`]s. Scores of different protocols
//! refuse to be compared. All metrics are the rows of [`METRICS`].
//!
//! All arithmetic is in `f64`. No result depends on the batches the features came in or on the number of threads.

mod array_samples;
mod average;
mod bootstrap;
#[cfg(test)]
mod brightness;
mod class_match;
mod classes;
mod classification;
mod clusters;
mod data_samples;
mod density_coverage;
mod edit_distance;
pub mod efficientnet;
mod error;
pub mod extractors;
mod feature_file;
mod features;
mod fid;
mod frechet;
mod gathering;
mod generated_samples;
pub mod great_arc;
mod grouped_moments;
pub mod inception;
mod inception_score;
mod inputs;
mod kernel_distance;
mod latent_paths;
mod measuring;
mod memorisation;
mod metric;
mod metrics;
mod modes;
mod moments;
mod multi_label;
mod nearest_neighbour;
mod nearest_pairs;
mod need;
mod neighbours;
mod pair_errors;
mod pair_similarity;
mod parts;
mod parzen;
mod path_length;
pub mod pictures;
mod prdc;
mod precision_recall;
pub mod pretrained;
mod probabilities;
mod protocol;
mod recoloured;
mod reference;
mod report;
mod samples;
mod score;
pub mod sequences;
mod similarity;
mod single_image;
mod stacked_digits;
pub mod state_file;
mod tensor_file;
mod tournament;
mod train_classifier;

pub use array_samples::{ArraySamples, ValueRange};
pub use average::Average;
pub use bootstrap::bootstrap;
pub use classes::{ClassHistogram, ClassificationAccuracy, TrainedOn, kullback_leibler, total_variation};
pub use clusters::purity;
pub use data_samples::{DataSamples, OriginalSamples};
pub use density_coverage::DensityCoverage;
pub use edit_distance::Edits;
pub use error::EvaluationError;
pub use feature_file::{FeatureFile, read_features, write_features};
pub use features::Features;
pub use frechet::{FrechetDistance, bootstrap_frechet};
pub use gathering::features_of;
pub use gathering::{Progress, Side, make_features};
pub use generated_samples::GeneratedSamples;
pub use grouped_moments::{GroupedMoments, Groups};
pub use inception_score::{InceptionScore, ModeScore};
pub use inputs::{Inputs, Pair};
pub use kernel_distance::{KernelDistance, Subsets, squared_mmd};
pub use measuring::{Measured, Request, evaluate};
pub use memorisation::Memorisation;
pub use metric::{Available, Better, MetricRow, ScoreRow};
pub use metrics::{METRICS, find_metric};
pub use modes::ModeCoverage;
pub use moments::{Moments, RunningMoments};
pub use multi_label::{MultiLabelScores, best_threshold, broken_rules};
pub use nearest_neighbour::NearestNeighbourAccuracy;
pub use nearest_pairs::draw_pairs;
pub use need::Need;
pub use neighbours::{Neighbourhoods, nearest, nearest_few};
pub use pair_errors::{PairErrors, PairSource, pair_errors};
pub use pair_similarity::{PairSimilarity, Pairs};
pub use parzen::{ParzenLikelihood, log_likelihood, usual_bandwidths};
pub use path_length::{PathLength, PathSettings, Place, Space};
pub use precision_recall::PrecisionRecall;
pub use probabilities::Probabilities;
pub use protocol::{Extractor, Origin, Protocol, Setting, Source};
pub use recoloured::Recoloured;
pub use reference::{Reference, check_reference_name, read_reference, write_reference};
pub use report::{Comparison, Evaluation, EvaluationFile, compare};
pub use samples::{DrawnSamples, Samples, Shapes};
pub use score::{Interval, IntervalKind, Score, significant};
pub use similarity::{Images, similarity};
pub use stacked_digits::{MODES as STACKED_MODES, StackedDigits, expected_coverage};
pub use tournament::{Errors, MOST_UNEQUAL, Outcome, Ratio, Tournament, Undecided};
pub use train_classifier::{TrainClassifier, TrainedClassifier};
