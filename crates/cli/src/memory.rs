//! How much memory a run takes, before it begins.
//!
//! The program's allocator can count what it gives. Two trials in smaller batches are counted, and the run's own batch
//! follows along the line through them: memory is what networks, optimizers and data take, and a share for each sample of
//! a batch.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use brigand::data::RunData;
use brigand::hardware::{Device, in_gibibytes, memory};
use brigand::recipe::Recipe;
use brigand::training::trial;

use crate::console;
use crate::failure::{FAILED, Failure};

/// Batches up to this are tried as they are.
const SMALL: usize = 16;
/// The most samples in the smaller trial, so that trials of large batches take no longer than training begins to.
const FEW: usize = 256;

/// The system's allocator, which counts while it is asked to.
pub(crate) struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
/// Whether a trial is in progress, which ends the program where it takes more than there is.
static TRIES: AtomicBool = AtomicBool::new(false);
/// Bytes given and not yet taken back since the count began. What was given before and is taken back meanwhile makes it
/// smaller than it is, but not below 0.
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

fn gives(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        let live = LIVE.fetch_add(bytes as u64, Ordering::Relaxed).saturating_add(bytes as u64);
        PEAK.fetch_max(live, Ordering::Relaxed);
        if live > LIMIT.load(Ordering::Relaxed) && TRIES.load(Ordering::Relaxed) {
            refuse(live);
        }
    }
}

/// What the system gave. Where it gave nothing, a trial has taken all there is, which may be less than its limit: the
/// program itself takes some.
fn given(block: *mut u8) -> *mut u8 {
    if block.is_null() && TRIES.load(Ordering::Relaxed) {
        refuse(LIVE.load(Ordering::Relaxed));
    }
    block
}

fn takes(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        let less = |live: u64| Some(live.saturating_sub(bytes as u64));
        // The closure always answers a number.
        let _ = LIVE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// Ends the program: an allocation that fails cannot be answered in any other way.
#[cold]
fn refuse(needed: u64) -> ! {
    COUNTS.store(false, Ordering::Relaxed);
    TRIES.store(false, Ordering::Relaxed);
    console::tell(&format!(
        "error: this run needs {} of memory or more, and {} is all there is; {ADVICE}",
        in_gibibytes(needed),
        in_gibibytes(LIMIT.load(Ordering::Relaxed))
    ));
    std::process::exit(FAILED.into());
}

const ADVICE: &str =
    "make training.batch, data.size or the networks smaller (brigand info SYSTEM shows their keys)";

#[allow(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: every method passes its arguments on to the system's allocator and answers what that answers, or ends the
// program; counting changes nothing about them, and does not unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        gives(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        given(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        gives(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        given(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        gives(size);
        takes(layout.size());
        // SAFETY: the caller keeps the contract of `realloc`.
        given(unsafe { System.realloc(block, layout, size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        takes(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Counts until it is dropped, from 0 on.
struct Count;

impl Count {
    fn begin(limit: u64) -> Self {
        LIVE.store(0, Ordering::Relaxed);
        LIMIT.store(limit, Ordering::Relaxed);
        COUNTS.store(true, Ordering::Relaxed);
        Self
    }

    /// The most that is held at once while `work` is done.
    fn peak(&self, work: impl FnOnce() -> brigand::Result<()>) -> brigand::Result<u64> {
        PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
        TRIES.store(true, Ordering::Relaxed);
        let done = work();
        TRIES.store(false, Ordering::Relaxed);
        done?;
        Ok(PEAK.load(Ordering::Relaxed))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        COUNTS.store(false, Ordering::Relaxed);
    }
}

/// What reads the data, and then refuses a run that takes more memory than there is. On another device than the processor
/// nothing is known.
pub(crate) fn data_that_fits(
    recipe: &Recipe,
    device: &Device,
    read: impl FnOnce() -> Result<RunData, Failure>,
) -> Result<RunData, Failure> {
    let limit = match device {
        Device::Cpu => available(),
        Device::Cuda(_) | Device::Metal(_) => None,
    };
    let Some(limit) = limit else { return read() };
    let count = Count::begin(limit);
    let data = read()?;
    let batch = recipe.common.training.batch;
    if data.sources.iter().any(|source| source.count() < batch) {
        // The run itself refuses that, naming the number of samples.
        return Ok(data);
    }
    let peak = |batch| count.peak(|| trial(recipe, &data, batch, device));
    let estimate = if batch <= SMALL {
        peak(batch).map(|bytes| Estimate { fixed: bytes as f64, each: 0.0 })
    } else {
        let few = (batch / 8).min(FEW);
        let more = 2 * few;
        peak(few).and_then(|low| Ok(Estimate::through((few, low), (more, peak(more)?))))
    };
    // What is wrong with the run itself is said when it begins; a trial may also fail because its batch is small.
    let Ok(estimate) = estimate else { return Ok(data) };
    drop(count);
    estimate.refuse_beyond(limit, batch)?;
    Ok(data)
}

/// Bytes that a run takes: always, and for each sample of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Estimate {
    fixed: f64,
    each: f64,
}

impl Estimate {
    /// From the bytes of two batches.
    fn through((few, low): (usize, u64), (more, high): (usize, u64)) -> Self {
        let each = high.saturating_sub(low) as f64 / (more - few).max(1) as f64;
        Self { fixed: high as f64 - each * more as f64, each }
    }

    fn refuse_beyond(self, limit: u64, batch: usize) -> Result<(), Failure> {
        let needed = self.fixed + self.each * batch as f64;
        if needed <= limit as f64 {
            return Ok(());
        }
        let fits = ((limit as f64 - self.fixed) / self.each).floor();
        let fits = if fits >= 2.0 { format!(" (about {fits} fit)") } else { String::new() };
        Err(Failure::Library(brigand::Error::Request(format!(
            "this run needs about {} of memory in batches of {batch}{fits}, and {} is all there is; {ADVICE}",
            in_gibibytes(needed as u64),
            in_gibibytes(limit)
        ))))
    }
}

/// What this process can have: the machine's memory, or less where its user has set a limit.
fn available() -> Option<u64> {
    [memory(), limit_of_process()].into_iter().flatten().min()
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "the standard library does not know limits")]
fn limit_of_process() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `getrlimit` writes to `limit` alone, which is large enough for it.
    let found = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    (found == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

#[cfg(not(unix))]
fn limit_of_process() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_two_batches_leads_to_the_third() {
        let estimate = Estimate::through((16, 1_160_000_000), (32, 1_320_000_000));
        assert_eq!(estimate, Estimate { fixed: 1e9, each: 1e7 });
        assert!(estimate.refuse_beyond(1_640_000_000, 64).is_ok());
        let refused = estimate.refuse_beyond(1_639_999_999, 64).err();
        let Some(Failure::Library(error)) = refused else { unreachable!("it fits") };
        let message = error.to_string();
        assert!(message.contains("about 1.5 GiB of memory in batches of 64 (about 63 fit)"), "{message}");
        // Where memory does not grow with the batch, a smaller one is no way out.
        let flat = Estimate::through((16, 5), (32, 5));
        let Some(Failure::Library(error)) = flat.refuse_beyond(4, 64).err() else { unreachable!("it fits") };
        assert!(!error.to_string().contains("fit)"), "{error}");
    }
}
