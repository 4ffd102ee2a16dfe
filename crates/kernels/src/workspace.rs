//! Scratch memory that is kept from call to call, because fresh pages cost more than the copies made in them.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::element::Element;

/// One cache line, the alignment of every workspace.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]); // Only ever read as numbers.

thread_local! {
    /// The workspaces of this thread that nobody uses at the moment.
    static IDLE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A 64-byte aligned scratch slice; dropping it keeps the memory for this thread's next one.
pub(crate) struct Workspace<T> {
    lines: Vec<Line>,
    length: usize,
    element: PhantomData<T>,
}

impl<T: Element> Workspace<T> {
    /// Scratch for `length` numbers with leftover values.
    pub(crate) fn take(length: usize) -> Self {
        let needed = (length * size_of::<T>()).div_ceil(64);
        let mut lines = IDLE.with_borrow_mut(|idle| {
            let fitting = (0..idle.len()).filter(|&i| idle[i].len() >= needed).min_by_key(|&i| idle[i].len());
            let any = || (0..idle.len()).max_by_key(|&i| idle[i].len());
            fitting.or_else(any).map(|i| idle.swap_remove(i)).unwrap_or_default()
        });
        if lines.len() < needed {
            drop(std::mem::take(&mut lines));
            lines = vec![Line([0; 64]); needed];
        }
        Self { lines, length, element: PhantomData }
    }

    /// The scratch numbers.
    #[inline(always)]
    pub(crate) fn slice(&mut self) -> &mut [T] {
        // SAFETY: the lines are initialised, aligned to 64 bytes and at least `length` numbers long, and any bits
        // are a number.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }

    /// Where the scratch numbers start.
    #[inline(always)]
    pub(crate) fn pointer(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast()
    }
}

impl<T> Drop for Workspace<T> {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // A thread that is ending has no idle list any more; the memory is freed then.
        let _ = IDLE.try_with(|idle| idle.borrow_mut().push(lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_kept() {
        let first = {
            let mut workspace = Workspace::<f32>::take(1000);
            workspace.slice().fill(1.0);
            workspace.pointer() as usize
        };
        assert_eq!(first % 64, 0);
        let mut smaller = Workspace::<f64>::take(500);
        assert_eq!(smaller.pointer() as usize, first);
        let mut other = Workspace::<f64>::take(500);
        assert_ne!(other.pointer(), smaller.pointer());
        assert_eq!(other.slice().len(), 500);
    }
}
