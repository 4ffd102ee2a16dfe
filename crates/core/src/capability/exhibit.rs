//! What a system shows of itself.

use crate::batch::Batch;
use crate::random::Stream;
use brigand_autograd::Variable;

/// Output of a run for inspection, under the name of its series.
pub struct Exhibit {
    /// The series, for example `samples`.
    pub series: String,
    /// What it is.
    pub content: Content,
}

/// A kind of output. The trainer writes each in its format.
pub enum Content {
    /// Images `[n, channels, height, width]` in rows of so many, written as a picture.
    Images {
        /// The images.
        images: Variable,
        /// Images in a row.
        columns: usize,
    },
    /// Images in rows with a name beside each row, written as a picture and the names as lines of text.
    Rows {
        /// The images, row after row.
        images: Variable,
        /// The names of the rows.
        names: Vec<String>,
        /// Images in a row.
        columns: usize,
    },
    /// Images through time, written as a moving picture: each frame is `[n, channels, height, width]` in rows of so many.
    Animation {
        /// The frames.
        frames: Vec<Variable>,
        /// Images in a row.
        columns: usize,
    },
    /// Lines of text.
    Text(Vec<String>),
}

/// The inputs of [`crate::system::System::show`]: the same draws and real samples at every step, so that series can be
/// compared over time.
pub struct Showing<'a> {
    /// Of the run.
    pub seed: u64,
    /// Real samples, held-out ones where the system is measured on some.
    pub examples: &'a Batch,
    /// Samples to show.
    pub count: usize,
}

impl Showing<'_> {
    /// The same random numbers at every step.
    pub fn stream(&self, purpose: &str) -> Stream {
        Stream::new(self.seed, &format!("show/{purpose}"), 0)
    }
}
