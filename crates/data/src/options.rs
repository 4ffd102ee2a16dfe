//! How data is to be read.

use super::background::Background;
use super::cache::Cache;
use super::split::Split;
use super::text::Tokens;

/// The most tokens of a line or caption that [`Options::length`] may be.
pub const LONGEST: usize = 65_536;

/// How data is to be read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Side length of the images in pixels: the centre square of each is scaled to it, whatever the source; of one picture the
    /// longer side, and all of it is kept. Without it images stay as stored, a folder's become 64, and one picture's
    /// longer side at most 48.
    pub size: Option<usize>,
    /// 1 for grey, 3 for colour. Without it as stored; a folder is grey when all its images are.
    pub channels: Option<usize>,
    /// What lies under the transparent parts of a folder's images.
    pub background: Background,
    /// Seed of toy points.
    pub seed: u64,
    /// The part to read. Catalogue sets have both; a toy draws fresh points; the others have no test part.
    pub split: Split,
    /// What a token of a line of text is; without it a character, of captions a word.
    pub tokens: Option<Tokens>,
    /// Most tokens of a line of text; without it 32, 12 of the grammar's, 20 of the oracle's and of two styles, 8 of opinions and 16 of a
    /// caption.
    pub length: Option<usize>,
    /// Of people: other frames beside the target in an episode; without it 4.
    pub frames: Option<usize>,
    /// Where downloaded sets lie; without it [`Cache::standard`].
    pub cache: Option<Cache>,
}
