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
    // The last piece overlaps the one before it where the numbers are not a multiple.
    let pieces = |count: usize| (0..count).step_by(PIECE).map(move |i| i.min(count - PIECE));
    // SAFETY: the caller's promise.
    unsafe {
        if channels < PIECE || pixels < PIECE {
            for c in 0..channels {
                for pixel in 0..pixels {
                    *to.add(pixel * to_stride + c) = *from.add(c * from_stride + pixel);
                }
            }
            return;
        }
        for c in pieces(channels) {
            for pixel in pieces(pixels) {
                let from = from.add(c * from_stride + pixel);
                transpose_piece(from, from_stride, to.add(pixel * to_stride + c), to_stride);
            }
        }
    }
}

/// Transposes [`PIECE`] rows and columns.
///
/// # Safety
/// As [`transpose`].
#[inline(always)]
unsafe fn transpose_piece<T: Element>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
    // SAFETY: the caller's promise; numbers of this size are `f32`.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if size_of::<T>() == size_of::<f32>() {
            return transpose_single(from.cast(), from_stride, to.cast(), to_stride);
        }
        let line = |i: usize| from.add(i * from_stride).cast::<[T; PIECE]>().read_unaligned();
        let [a, b, c, d] = [line(0), line(1), line(2), line(3)];
        for i in 0..PIECE {
            to.add(i * to_stride).cast::<[T; PIECE]>().write_unaligned([a[i], b[i], c[i], d[i]]);
        }
    }
}

/// [`transpose_piece`] with the vectors that every x86-64 processor has: compilers move number by number.
///
/// # Safety
/// As [`transpose`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_single(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
    // SAFETY: the caller's promise.
    unsafe {
        let line = |i: usize| _mm_loadu_ps(from.add(i * from_stride));
        let [mut a, mut b, mut c, mut d] = [line(0), line(1), line(2), line(3)];
        _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
        for (i, line) in [a, b, c, d].into_iter().enumerate() {
            _mm_storeu_ps(to.add(i * to_stride), line);
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
