//! Padded phase planes: the pixels of an image sorted by row and column modulo the stride.
//!
//! In the planes a strided convolution is one of stride 1, so the pixels that one tap of the kernel meets along an
//! output row are neighbours and are copied, loaded or stored without masks or gathers.

use crate::element::Element;
use crate::runs::copy;
use crate::workspace::Workspace;

/// Numbers that may be read after the last plane: the widest tile.
const SLACK: usize = 128;
/// Pixels of one phase that are written at once; the last ones of a row may overrun it.
const PIECE: usize = 4;

/// How the planes of one block of output pixels lie in memory: channel, row phase, column
/// phase, image, row, column.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Distance of the phases of one plane.
    pub(super) stride: [usize; 2],
    /// The row and column phases that are kept.
    pub(super) phases: [Vec<usize>; 2],
    /// Images of a block, at most.
    pub(super) images: usize,
    /// Rows and columns of one plane of one image.
    pub(super) size: [usize; 2],
}

impl Layout {
    /// From one row of a plane to the next.
    pub(super) fn pitch(&self) -> usize {
        self.size[1]
    }

    /// From one channel to the next.
    pub(super) fn channel_stride(&self) -> usize {
        self.phases[0].len() * self.phases[1].len() * self.plane_stride()
    }

    /// From one image to the next.
    pub(super) fn image_stride(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// From one plane to the next: with room for an overrun, and so that large planes do not evict each other.
    fn plane_stride(&self) -> usize {
        let size = self.images * self.image_stride();
        size + PIECE + if size.is_multiple_of(256) { 16 } else { 0 }
    }

    /// Where a plane starts, given the positions of its phases among those kept.
    pub(super) fn plane(&self, row_phase: usize, column_phase: usize) -> usize {
        (row_phase * self.phases[1].len() + column_phase) * self.plane_stride()
    }

    /// Where the pixels of a block lie, in reading order: images, `rows`, `columns`.
    pub(super) fn pixels(&self, rows: usize, columns: usize) -> Vec<usize> {
        let row =
            |n: usize, y: usize| (0..columns).map(move |x| n * self.image_stride() + y * self.pitch() + x);
        (0..self.images).flat_map(|n| (0..rows).flat_map(move |y| row(n, y))).collect()
    }
}

/// Neighbouring channels of neighbouring images.
#[derive(Clone, Copy)]
pub(super) struct Images<T> {
    /// The first channel of the first image.
    pub(super) start: *const T,
    pub(super) images: usize,
    pub(super) image_stride: usize,
    pub(super) channels: usize,
    /// Rows and columns.
    pub(super) size: [usize; 2],
}

/// Makes the planes of `channels` channels, of which the images may lack the last; these are zero, as is the slack.
/// Row `r`, column `s` of plane `(p, q)` is the pixel `(origin[0] + r stride[0] + p, origin[1] + s stride[1] + q)`, or
/// zero outside the image.
///
/// # Safety
/// The images must be readable and no more than the layout's.
#[inline(always)]
pub(super) unsafe fn split<T: Element>(
    layout: &Layout,
    channels: usize,
    images: Images<T>,
    origin: [isize; 2],
) -> Workspace<T> {
    let mut planes = Workspace::<T>::take(channels * layout.channel_stride() + SLACK);
    planes.slice()[images.channels * layout.channel_stride()..].fill(T::default());
    let mut line = Workspace::<T>::take(layout.pitch().next_multiple_of(PIECE) * layout.stride[1]);
    line.slice().fill(T::default());
    for channel in 0..images.channels {
        for image in 0..images.images {
            let place = channel * layout.channel_stride() + image * layout.image_stride();
            // SAFETY: the caller's promise.
            unsafe {
                let from =
                    images.start.add(image * images.image_stride + channel * images.size[0] * images.size[1]);
                split_image(layout, from, images.size, origin, line.slice(), planes.pointer().add(place));
            }
        }
    }
    planes
}

/// Fills the planes of one channel of one image.
///
/// # Safety
/// The channel must be readable, and all its planes writable.
#[inline(always)]
unsafe fn split_image<T: Element>(
    layout: &Layout,
    image: *const T,
    size: [usize; 2],
    origin: [isize; 2],
    line: &mut [T],
    planes: *mut T,
) {
    let stride = layout.stride[1];
    let all = layout.phases[1].len() == stride;
    for (i, &p) in layout.phases[0].iter().enumerate() {
        for r in 0..layout.size[0] {
            let source = usize::try_from(origin[0] + (r * layout.stride[0] + p) as isize);
            // SAFETY: a row of the channel, if it is not outside, and the same row of all column phases' planes, with
            // what comes after each, which is written later or is slack.
            unsafe {
                let to = planes.add(layout.plane(i, 0) + r * layout.pitch());
                let row = match source {
                    Ok(source) if source < size[0] => {
                        std::slice::from_raw_parts(image.add(source * size[1]), size[1])
                    }
                    _ => &[],
                };
                match stride {
                    1 => pad_row(row, origin[1], to, layout.pitch()),
                    2 if all => split_row::<T, 2>(layout, row, origin[1], line, to),
                    4 if all => split_row::<T, 4>(layout, row, origin[1], line, to),
                    _ => {
                        for (j, &q) in layout.phases[1].iter().enumerate() {
                            let to = to.add(j * layout.plane_stride());
                            let to = std::slice::from_raw_parts_mut(to, layout.pitch());
                            spread(row, stride, origin[1] + q as isize, to);
                        }
                    }
                }
            }
        }
    }
}

/// Splits one row into its `STRIDE` column phases by way of `line`, which is zero where no row reaches. An empty row
/// stands for zeros.
///
/// # Safety
/// `to` must have room for a row of each plane and the slack after it.
#[inline(always)]
unsafe fn split_row<T: Element, const STRIDE: usize>(
    layout: &Layout,
    row: &[T],
    origin: isize,
    line: &mut [T],
    to: *mut T,
) {
    let zeros = [T::default(); PIECE];
    let lead = origin.min(0).unsigned_abs().min(line.len());
    let row_is_there = !row.is_empty();
    let row = row.get(origin.max(0) as usize..).unwrap_or_default();
    let count = row.len().min(line.len() - lead);
    // SAFETY: `count` numbers fit on both sides.
    unsafe { copy(row.as_ptr(), line[lead..].as_mut_ptr(), count) };
    let (line, _) = line.as_chunks::<STRIDE>();
    let (pieces, _) = line.as_chunks::<PIECE>();
    for (x, [a, b, c, d]) in pieces.iter().enumerate() {
        for q in 0..STRIDE {
            let piece = if row_is_there { [a[q], b[q], c[q], d[q]] } else { zeros };
            // SAFETY: the caller's promise.
            unsafe {
                to.add(q * layout.plane_stride() + x * PIECE).cast::<[T; PIECE]>().write_unaligned(piece)
            };
        }
    }
}

/// Copies one row with zeros where it does not reach.
///
/// # Safety
/// `to` must have room for `length` numbers.
#[inline(always)]
unsafe fn pad_row<T: Element>(row: &[T], origin: isize, to: *mut T, length: usize) {
    let lead = origin.min(0).unsigned_abs().min(length);
    let row = row.get(origin.max(0) as usize..).unwrap_or_default();
    let count = row.len().min(length - lead);
    // SAFETY: the three parts make up the row.
    unsafe {
        for i in 0..lead {
            *to.add(i) = T::default();
        }
        copy(row.as_ptr(), to.add(lead), count);
        for i in lead + count..length {
            *to.add(i) = T::default();
        }
    }
}

/// `to[x] = row[first + x stride]`, zero outside the row.
#[inline(always)]
fn spread<T: Element>(row: &[T], stride: usize, first: isize, to: &mut [T]) {
    let zeros = first.min(0).unsigned_abs().div_ceil(stride).min(to.len());
    let start = (first + (zeros * stride) as isize) as usize;
    let count = row.len().saturating_sub(start).div_ceil(stride).min(to.len() - zeros);
    to[..zeros].fill(T::default());
    let (inside, after) = to[zeros..].split_at_mut(count);
    after.fill(T::default());
    let row = row.get(start..).unwrap_or_default();
    inside.iter_mut().zip(row.iter().step_by(stride)).for_each(|(to, &from)| *to = from);
}
