//! Windows of squares of 4 x 4 outputs, with the images of a batch side by side in the vectors.
//!
//! Windows of such large squares start too far apart in an image for vectors along its rows. But the same pixel of
//! neighbouring images makes a vector once a few rows have been transposed, and then every window is read without
//! shuffling, whatever the size of the images.

use super::super::blocks::{Block, Blocks};
use super::fours::{self, SQUARE, WINDOW};
use crate::element::Element;
use crate::runs::transpose;
use crate::vector::Vector;

/// The most images in a vector.
pub(super) const LANES: usize = 16;
/// Squares of a row that are computed at once, at most.
pub(super) const RUN: usize = 8;
/// Images that are transposed at a time.
pub(super) const IMAGES: usize = 4;

/// The images that windows are read from.
pub(in super::super) struct Source<'a, T> {
    pub(in super::super) start: &'a [T],
    /// Channels of a group, rows and columns.
    pub(in super::super) groups: usize,
    pub(in super::super) channels: usize,
    pub(in super::super) size: [usize; 2],
    /// The pixel where the pixels of the first square start.
    pub(in super::super) origin: [isize; 2],
    /// From one input of a window to the next, and how many pixels more than its squares cover a run of squares sees.
    pub(in super::super) step: [usize; 2],
    pub(in super::super) reach: [usize; 2],
}

impl<T: Element> Source<'_, T> {
    /// Rows and columns of the pixels that a run of squares sees, of which a row has so many.
    pub(super) fn span(&self, columns: usize) -> [usize; 2] {
        [SQUARE * self.step[0] + self.reach[0], SQUARE * columns.min(RUN) * self.step[1] + self.reach[1]]
    }

    /// The pixels that a run of squares sees in one channel: `[row, column, image]`.
    ///
    /// # Safety
    /// `to` must have room for the span, and the processor must have the vectors.
    #[inline(always)]
    pub(super) unsafe fn gather<V: Vector<Element = T>>(
        &self,
        run: &Run,
        group: usize,
        channel: usize,
        span: [usize; 2],
        to: *mut T,
    ) {
        let ([height, width], [rows, columns]) = (span, self.size);
        let top = self.origin[0] + (run.row * SQUARE * self.step[0]) as isize;
        let left = self.origin[1] + (run.column * SQUARE * self.step[1]) as isize;
        let (lead, skip) = (left.min(0).unsigned_abs().min(width), left.max(0) as usize);
        let count = columns.saturating_sub(skip).min(width - lead);
        let channels = self.groups * self.channels;
        let plane = (run.image * channels + group * self.channels + channel) * rows * columns;
        let inside = |r: usize| usize::try_from(top + r as isize).ok().filter(|&row| row < rows && count > 0);
        // SAFETY: the caller's promise; the rows and the columns of them that are read exist.
        unsafe {
            for r in 0..height {
                let to = to.add(r * width * V::LANES);
                if inside(r).is_none() || run.images < V::LANES {
                    to.write_bytes(0, width * V::LANES);
                    continue;
                }
                for x in (0..lead).chain(lead + count..width) {
                    V::zero().store(to.add(x * V::LANES));
                }
            }
            // A few images at a time, and all rows of them, which lie together.
            let image_stride = channels * rows * columns;
            for image in (0..run.images).step_by(IMAGES) {
                for r in 0..height {
                    let Some(row) = inside(r) else { continue };
                    let from = self.start.as_ptr().add(plane + image * image_stride + row * columns + skip);
                    let to = to.add((r * width + lead) * V::LANES + image);
                    transpose(from, image_stride, [IMAGES.min(run.images - image), count], to, V::LANES);
                }
            }
        }
    }
}

/// A run of neighbouring squares of one row, of a vector of images.
pub(super) struct Run {
    pub(super) image: usize,
    pub(super) images: usize,
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) squares: usize,
    /// The place of its first vector among all of the task.
    pub(super) vector: usize,
}

/// Cuts a batch into blocks of about `target` squares, whole groups of [`LANES`] images.
pub(super) fn blocks(batch: usize, rows: usize, columns: usize, target: usize) -> Blocks {
    let row = LANES * columns;
    if row * rows <= target {
        Blocks::cut(batch, rows, [target / (row * rows) * LANES, rows])
    } else {
        Blocks::cut(batch, rows, [LANES, (target / row).max(1)])
    }
}

/// The runs of a block of images, as many as make whole groups of `unit`, and rows of squares: images, rows, columns.
pub(super) fn runs(block: Block, columns: usize, lanes: usize, unit: usize) -> Vec<Run> {
    let (mut runs, mut vector) = (Vec::new(), 0);
    let last = block.first_image + block.images;
    for image in (block.first_image..block.first_image + block.images.next_multiple_of(unit)).step_by(lanes) {
        for row in block.first_row..block.first_row + block.rows {
            for column in (0..columns).step_by(RUN) {
                let squares = RUN.min(columns - column);
                runs.push(Run {
                    image,
                    images: lanes.min(last.saturating_sub(image)),
                    row,
                    column,
                    squares,
                    vector,
                });
                vector += squares;
            }
        }
    }
    runs
}

/// Reads a window, rows and columns of which are so far apart.
///
/// # Safety
/// All must be readable, and the processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn load<V: Vector>(from: *const V::Element, [row, column]: [usize; 2]) -> fours::Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut square = [[V::zero(); WINDOW]; WINDOW];
        for (i, vectors) in square.iter_mut().enumerate() {
            for (j, vector) in vectors.iter_mut().enumerate() {
                *vector = V::load(from.add(i * row + j * column));
            }
        }
        square
    }
}
