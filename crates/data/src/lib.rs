//! Where real samples come from: a SPEC names a source, [`load`] reads it into a [`Dataset`], a [`Sampler`]
//! says which samples make up which batch.
//!
//! ```
//! use brigand_data::{Options, Sampler, Spec};
//!
//! let digits = brigand_data::load(&"digits".parse::<Spec>()?, &Options::default())?;
//! let mut sampler = Sampler::new(digits.len(), 64, 0)?;
//! let batch = digits.get(&sampler.indices(0))?;
//! assert_eq!(batch.shape, [64, 1, 8, 8]);
//! # Ok::<(), brigand_core::Error>(())
//! ```

mod augmentation;
mod background;
mod beside;
mod cache;
pub mod caption_scenes;
pub mod captions;
mod catalogue;
pub mod checksum;
mod cifar;
mod compressed;
mod dataset;
mod digits;
mod domains;
mod download;
mod error;
pub mod files;
mod fingerprint;
mod folder;
mod idx;
mod label_maps;
mod label_scenes;
mod landscapes;
mod list;
mod load;
mod natural;
mod notes;
pub mod npy;
pub mod numbers;
mod open;
mod options;
mod parallel;
pub mod people;
mod picture;
mod pixels;
mod run_data;
mod scenes;
pub mod sound;
pub mod sounds;
mod source;
mod spec;
pub mod speech;
mod split;
pub mod styles;
mod table_lines;
mod tagged_shapes;
mod tags;
pub mod text;
mod toy;
mod transfer;

pub use augmentation::{Augmentation, Augmented};
pub use background::Background;
pub use brigand_core::batch::Sampler;
pub use cache::Cache;
pub use catalogue::{Entry, Remote, entries, entry};
pub use dataset::{Batch, Dataset, Labels, Modes};
pub use download::{Download, Obtained, Progress};
pub use error::DataError;
pub use fingerprint::Fingerprint;
pub use folder::{Original, Originals};
pub use label_maps::MapFiles;
pub use list::{Listed, list};
pub use load::load;
pub use notes::{Notes, Skipped};
pub use open::{open, open_beside, open_test_part};
pub use options::{LONGEST, Options};
pub use pixels::LARGEST_SIZE;
pub use run_data::RunData;
pub use source::DatasetSource;
pub use spec::Spec;
pub use split::Split;
pub use tags::tag_table;
pub use text::Tokens;
pub use toy::{POINTS, Toy};
