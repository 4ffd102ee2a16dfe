//! Padded phase planes: the pixels of an image sorted by row and column modulo the stride.
//!
//! In the planes a strided convolution is one of stride 1, so the pixels that one tap of the kernel meets along an
//! output row are neighbours and are copied, loaded or stored without masks or gathers.

use crate::element::Element;

/// Numbers that may be read after the last plane: the widest tile.
pub(super) const SLACK: usize = 128;

/// How the planes of one block of output pixels lie in memory: image, channel, row phase, column phase, row, column.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Distance of the phases of one plane.
    pub(super) stride: [usize; 2],
    /// The row and column phases that are kept.
    pub(super) phases: [Vec<usize>; 2],
    /// Rows and columns of one plane.
    pub(super) size: [usize; 2],
}

impl Layout {
    /// From one row of a plane to the next.
    pub(super) fn pitch(&self) -> usize {
        self.size[1]
    }

    /// From one channel to the next.
    pub(super) fn channel_stride(&self) -> usize {
        self.phases[0].len() * self.phases[1].len() * self.size[0] * self.size[1]
    }

    /// Where a plane starts, given the positions of its phases among those kept.
    pub(super) fn plane(&self, row_phase: usize, column_phase: usize) -> usize {
        (row_phase * self.phases[1].len() + column_phase) * self.size[0] * self.size[1]
    }

    /// Where pixels of a block lie, in reading order: `images`, `rows`, `columns`.
    pub(super) fn pixels(
        &self,
        image_stride: usize,
        images: usize,
        rows: usize,
        columns: usize,
    ) -> Vec<usize> {
        let row = |n: usize, y: usize| (0..columns).map(move |x| n * image_stride + y * self.pitch() + x);
        (0..images).flat_map(|n| (0..rows).flat_map(move |y| row(n, y))).collect()
    }
}

/// Fills the planes of `channels` neighbouring channels of one image. Row `r`, column `s` of plane `(p, q)` is the
/// pixel `(origin[0] + r stride[0] + p, origin[1] + s stride[1] + q)`, or zero outside the image.
///
/// # Safety
/// `image` must hold `channels` channels of `size`, and `planes` have room for their planes.
#[inline(always)]
pub(super) unsafe fn split<T: Element>(
    layout: &Layout,
    image: *const T,
    channels: usize,
    size: [usize; 2],
    origin: [isize; 2],
    planes: *mut T,
) {
    let [rows, pitch] = layout.size;
    let mut to = planes;
    // SAFETY: `to` walks through the planes in order; source rows and columns are clipped to the image.
    unsafe {
        for channel in 0..channels {
            let image = image.add(channel * size[0] * size[1]);
            for &p in &layout.phases[0] {
                for &q in &layout.phases[1] {
                    for r in 0..rows {
                        let source = origin[0] + (r * layout.stride[0] + p) as isize;
                        match usize::try_from(source) {
                            Ok(source) if source < size[0] => {
                                let row = std::slice::from_raw_parts(image.add(source * size[1]), size[1]);
                                let to = std::slice::from_raw_parts_mut(to, pitch);
                                spread(row, layout.stride[1], origin[1] + q as isize, to);
                            }
                            _ => to.write_bytes(0, pitch),
                        }
                        to = to.add(pitch);
                    }
                }
            }
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
    match stride {
        1 => inside.copy_from_slice(&row[..count]),
        2 => inside.iter_mut().zip(row.iter().step_by(2)).for_each(|(to, &from)| *to = from),
        _ => inside.iter_mut().zip(row.iter().step_by(stride)).for_each(|(to, &from)| *to = from),
    }
}
