//! Copies of short runs of numbers: straight, alternating and transposed.

use crate::element::Element;

/// Rows and columns that are transposed in registers.
const PIECE: usize = 4;

/// Copies a short run in pieces of constant length.
///
/// # Safety
/// `length` numbers must be readable and writable, and not overlap.
#[inline(always)]
pub(crate) unsafe fn copy<T: Element>(from: *const T, to: *mut T, length: usize) {
    let mut i = 0;
    // SAFETY: the caller's promise. (With references the compiler would call a slower general copy.)
    unsafe {
        while i + 16 <= length {
            to.add(i).cast::<[T; 16]>().write_unaligned(from.add(i).cast::<[T; 16]>().read_unaligned());
            i += 16;
        }
        while i + 4 <= length {
            to.add(i).cast::<[T; 4]>().write_unaligned(from.add(i).cast::<[T; 4]>().read_unaligned());
            i += 4;
        }
        while i < length {
            *to.add(i) = *from.add(i);
            i += 1;
        }
    }
}

/// Transposes `channels x pixels` numbers, channels lying `from_stride` apart, into rows of channels `to_stride`
/// apart.
///
/// # Safety
/// All numbers must be readable and writable, and not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose<T: Element>(
    from: *const T,
    from_stride: usize,
    [channels, pixels]: [usize; 2],
    to: *mut T,
    to_stride: usize,
) {
    let (whole_channels, whole_pixels) = (channels - channels % PIECE, pixels - pixels % PIECE);
    // SAFETY: the caller's promise.
    unsafe {
        for c in (0..whole_channels).step_by(PIECE) {
            for pixel in (0..whole_pixels).step_by(PIECE) {
                let line =
                    |i: usize| from.add((c + i) * from_stride + pixel).cast::<[T; PIECE]>().read_unaligned();
                let [a, b, d, e] = [line(0), line(1), line(2), line(3)];
                for i in 0..PIECE {
                    let to = to.add((pixel + i) * to_stride + c);
                    to.cast::<[T; PIECE]>().write_unaligned([a[i], b[i], d[i], e[i]]);
                }
            }
        }
        for c in 0..channels {
            let first = if c < whole_channels { whole_pixels } else { 0 };
            for pixel in first..pixels {
                *to.add(pixel * to_stride + c) = *from.add(c * from_stride + pixel);
            }
        }
    }
}

/// `to = even[0], odd[0], even[1], ...`; `even` may be longer by one.
#[inline(always)]
pub(crate) fn zip<T: Element>(even: &[T], odd: &[T], to: &mut [T]) {
    let (pairs, last) = to.as_chunks_mut::<2>();
    pairs.iter_mut().zip(even.iter().zip(odd)).for_each(|(pair, (&even, &odd))| *pair = [even, odd]);
    last.iter_mut().zip(even.last()).for_each(|(to, &even)| *to = even);
}
