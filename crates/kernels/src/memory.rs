//! Memory for results: not cleared before it is written, and kept for the next step when it is freed.
//!
//! glibc takes every block above 32 MiB from the operating system and gives it back when freed, so that a training
//! step that needs the same blocks again pays for their pages again: a tenth of the processor time of a
//! convolutional network's step.

use crate::element::Element;

/// A vector of `count` elements that `write` fills, and what `write` answers. `write` must write every element
/// before it reads it, as every kernel of this crate does with its output; what it finds there is arbitrary.
///
/// Clearing results first cost an eighth of the time of a fully connected network's step.
pub fn written_by<T: Element, R>(count: usize, write: impl FnOnce(&mut [T]) -> R) -> (Vec<T>, R) {
    let mut values = Vec::<T>::with_capacity(count);
    // SAFETY: the spare capacity holds at least `count` elements, aligned and owned by `values`, and `T` is `f32` or
    // `f64`, for which every bit pattern is a number. The tests of the kernels prefill outputs with NaN, which
    // shows that they write all of it.
    let room = unsafe {
        std::slice::from_raw_parts_mut(values.spare_capacity_mut().as_mut_ptr().cast::<T>(), count)
    };
    let answer = write(room);
    // SAFETY: as above; the capacity is at least `count`.
    unsafe { values.set_len(count) };
    (values, answer)
}

/// Makes the C library keep what is freed, for the rest of the process, and share it between threads. Answers
/// whether it does: elsewhere than on Linux with glibc there is nothing to set.
///
/// To be called once, at the beginning of `main`: a thread that has memory of its own already keeps to it. The
/// process then never grows smaller.
pub fn keep_freed_memory() -> bool {
    imp::keep_freed_memory()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod imp {
    use std::ffi::c_int;

    /// The numbers of `malloc.h`, and what each is set to.
    const SETTINGS: [(c_int, c_int); 4] = [
        (-1, -1),      // M_TRIM_THRESHOLD: never give back the top of the heap
        (-2, 1 << 26), // M_TOP_PAD: grow the heap by 64 MiB at a time
        (-4, 0),       // M_MMAP_MAX: no block outside the heap
        (-8, 1),       // M_ARENA_MAX: one heap for all threads
    ];

    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }

    pub(super) fn keep_freed_memory() -> bool {
        // SAFETY: `mallopt` takes two numbers by value, may be called at any time and from any thread, and refuses
        // what it does not know by returning 0.
        SETTINGS.iter().all(|&(parameter, value)| unsafe { mallopt(parameter, value) } == 1)
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod imp {
    pub(super) fn keep_freed_memory() -> bool {
        false
    }
}
