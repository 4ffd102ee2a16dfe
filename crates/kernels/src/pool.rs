//! A tiny thread pool whose dispatch costs about two microseconds.
//!
//! The calling thread is worker 0; the other workers spin for a short while after each call and park only then,
//! because the loops of a small network are shorter than waking a parked thread. Tasks are pulled from one atomic
//! counter, so a core that a neighbour slows down takes fewer of them. A caller never waits for a worker that has
//! not joined in: when the tasks have run out the gate closes, and a late worker finds it shut.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};

/// How often an idle worker looks for work before it parks (a few hundred microseconds).
const SPINS_BEFORE_PARKING: usize = 10_000;
/// How often the caller looks whether the last worker is done before it yields its core.
const SPINS_BEFORE_YIELDING: usize = 2_000;

/// The gate holds `epoch << EPOCH_SHIFT | joined workers << 1 | open`.
const OPEN: usize = 1;
const WORKER: usize = 2;
const EPOCH_SHIFT: u32 = 16;
const WORKERS_MASK: usize = (1 << EPOCH_SHIFT) - WORKER;
const MAX_WORKERS: usize = 1 << 10;

type Body<'a> = &'a (dyn Fn(usize) + Sync);

/// One call of [`parallel`], read by the workers that joined it.
struct Job {
    body: *const (dyn Fn(usize) + Sync),
    tasks: usize,
}

struct Worker {
    parked: AtomicBool,
    thread: OnceLock<Thread>,
}

struct Pool {
    /// Held by the one caller whose job is in `job`.
    taken: AtomicBool,
    gate: AtomicUsize,
    /// The next task of the open job.
    next: AtomicUsize,
    /// How many workers may join the open job.
    seats: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    workers: Mutex<Vec<&'static Worker>>,
    running: AtomicUsize,
}

// SAFETY: `job` is written only by the caller that holds `taken` while the gate is shut and no worker is counted in
// it, and read only by workers counted in the gate; the gate's atomics order the two. The body behind the pointer is
// `Sync`, and `run` does not return before every counted worker has left.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool {
    taken: AtomicBool::new(false),
    gate: AtomicUsize::new(0),
    next: AtomicUsize::new(0),
    seats: AtomicUsize::new(0),
    job: UnsafeCell::new(None),
    panic: Mutex::new(None),
    workers: Mutex::new(Vec::new()),
    running: AtomicUsize::new(0),
};

/// The thread count chosen by [`set_threads`]; zero while nobody has chosen.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// How many threads [`parallel`] uses, the calling one included. By default the number of cores.
pub fn threads() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    match CHOSEN.load(Ordering::Relaxed) {
        0 => *CORES.get_or_init(|| thread::available_parallelism().map_or(1, |n| n.get().min(MAX_WORKERS))),
        chosen => chosen,
    }
}

/// Sets how many threads later calls use, the calling one included. Zero restores the default.
pub fn set_threads(count: usize) {
    CHOSEN.store(count.min(MAX_WORKERS), Ordering::Relaxed);
}

/// Runs `body(0)` to `body(tasks - 1)`, each exactly once, on up to [`threads`] threads, and returns when all are done.
///
/// Which thread runs a task is left to chance, so a body must write only what belongs to its task. The calls run one
/// after the other on the calling thread when there is one task or one thread, when the caller is itself a task, and
/// while another thread has the pool. If a body panics, tasks not yet started may be skipped and the panic goes on in
/// the caller.
pub fn parallel(tasks: usize, body: impl Fn(usize) + Sync) {
    let threads = threads().min(tasks);
    if threads <= 1 || INSIDE.get() || POOL.taken.swap(true, Ordering::Acquire) {
        return (0..tasks).for_each(body);
    }
    let outcome = POOL.run(threads, tasks, &body);
    if let Err(payload) = outcome {
        resume_unwind(payload);
    }
}

/// Cuts `data` into pieces of `chunk` elements (the last may be shorter) and runs `body(index, piece)` for each in
/// [`parallel`]. A `chunk` of zero counts as one.
pub fn parallel_chunks<T: Send>(data: &mut [T], chunk: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let (length, chunk) = (data.len(), chunk.max(1));
    let start = AtomicPtr::new(data.as_mut_ptr());
    parallel(length.div_ceil(chunk), |index| {
        let from = index * chunk;
        // SAFETY: the pieces lie inside `data`, which is borrowed for the whole call, and do not overlap; every index
        // is run once, and `T: Send` lets another thread have its piece.
        let piece = unsafe {
            std::slice::from_raw_parts_mut(start.load(Ordering::Relaxed).add(from), chunk.min(length - from))
        };
        body(index, piece);
    });
}

impl Pool {
    /// Runs a job as its caller. `taken` must be held; it is released here.
    fn run(&'static self, threads: usize, tasks: usize, body: Body<'_>) -> Result<(), Box<dyn Any + Send>> {
        if self.running.load(Ordering::Relaxed) + 1 < threads {
            self.hire(threads - 1);
        }
        // SAFETY: only the lifetime is erased. The pointer is used by workers counted in the gate, and the wait below
        // lets none of them outlive this call.
        let body_of_any_life: *const (dyn Fn(usize) + Sync) =
            unsafe { std::mem::transmute::<Body<'_>, Body<'static>>(body) };
        // SAFETY: we hold `taken` and the gate is shut, so nobody else reads or writes the job.
        unsafe { *self.job.get() = Some(Job { body: body_of_any_life, tasks }) };
        self.next.store(0, Ordering::Relaxed);
        self.seats.store(threads - 1, Ordering::Relaxed);
        let epoch = (self.gate.load(Ordering::Relaxed) >> EPOCH_SHIFT).wrapping_add(1);
        self.gate.store(epoch << EPOCH_SHIFT | OPEN, Ordering::SeqCst);
        self.wake(threads - 1);

        INSIDE.set(true);
        self.work(body, tasks);
        INSIDE.set(false);

        self.gate.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0;
        while self.gate.load(Ordering::Acquire) & WORKERS_MASK != 0 {
            spins += 1;
            if spins < SPINS_BEFORE_YIELDING { std::hint::spin_loop() } else { thread::yield_now() }
        }
        let payload = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.taken.store(false, Ordering::Release);
        payload.map_or(Ok(()), Err)
    }

    /// Pulls tasks until none is left. A panic is kept for the caller and ends the job early.
    fn work(&self, body: Body<'_>, tasks: usize) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let task = self.next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    break;
                }
                body(task);
            }
        }));
        if let Err(payload) = outcome {
            self.next.store(tasks, Ordering::Relaxed);
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(payload);
        }
    }

    /// Starts workers until there are `count`. Where the system refuses a thread, the pool runs with fewer.
    fn hire(&'static self, count: usize) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        while workers.len() < count {
            let worker: &'static Worker =
                Box::leak(Box::new(Worker { parked: AtomicBool::new(false), thread: OnceLock::new() }));
            let name = format!("kernels-{}", workers.len() + 1);
            if thread::Builder::new().name(name).spawn(move || self.serve(worker)).is_err() {
                break;
            }
            workers.push(worker);
        }
        self.running.store(workers.len(), Ordering::Relaxed);
    }

    /// Wakes up to `count` parked workers.
    fn wake(&self, count: usize) {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for worker in workers.iter().take(count) {
            if worker.parked.swap(false, Ordering::SeqCst)
                && let Some(thread) = worker.thread.get()
            {
                thread.unpark();
            }
        }
    }

    /// The life of a worker: wait for a gate it has not passed yet, join, work, leave.
    fn serve(&'static self, worker: &'static Worker) {
        INSIDE.set(true);
        let _ = worker.thread.set(thread::current());
        let mut seen = 0;
        loop {
            let gate = self.wait(worker, seen);
            seen = gate >> EPOCH_SHIFT;
            let joined = (gate & WORKERS_MASK) / WORKER;
            if joined >= self.seats.load(Ordering::Relaxed) {
                continue;
            }
            if self.gate.compare_exchange(gate, gate + WORKER, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                seen = seen.wrapping_sub(1);
                continue;
            }
            // SAFETY: this worker is counted in an open gate, so the caller has written the job, leaves it alone and
            // keeps the body alive until the count falls.
            if let Some((body, tasks)) =
                unsafe { (*self.job.get()).as_ref().map(|job| (&*job.body, job.tasks)) }
            {
                self.work(body, tasks);
            }
            self.gate.fetch_sub(WORKER, Ordering::AcqRel);
        }
    }

    /// Waits for an open gate whose epoch is not `seen`, spinning first and parked later.
    fn wait(&self, worker: &Worker, seen: usize) -> usize {
        let fresh = |gate: usize| gate & OPEN != 0 && gate >> EPOCH_SHIFT != seen;
        loop {
            for _ in 0..SPINS_BEFORE_PARKING {
                let gate = self.gate.load(Ordering::Acquire);
                if fresh(gate) {
                    return gate;
                }
                std::hint::spin_loop();
            }
            worker.parked.store(true, Ordering::SeqCst);
            if !fresh(self.gate.load(Ordering::SeqCst)) {
                thread::park();
            }
            worker.parked.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_task_runs_once() {
        for tasks in [0, 1, 2, 3, 7, 64, 1000] {
            let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            parallel(tasks, |i| {
                counts[i].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1), "{tasks} tasks");
        }
    }

    #[test]
    fn chunks_cover_the_slice_without_overlap() {
        for (length, chunk) in [(0, 3), (1, 3), (10, 3), (12, 4), (5, 0), (5, 100)] {
            let mut data = vec![0_usize; length];
            parallel_chunks(&mut data, chunk, |index, piece| {
                for (offset, value) in piece.iter_mut().enumerate() {
                    *value += 1 + index * chunk.max(1) + offset;
                }
            });
            assert!(data.iter().enumerate().all(|(i, &v)| v == i + 1), "{length} by {chunk}");
        }
    }

    #[test]
    fn nested_calls_run_inline_and_finish() {
        let sum = AtomicU64::new(0);
        parallel(8, |i| {
            parallel(8, |j| {
                sum.fetch_add((i * 8 + j) as u64, Ordering::Relaxed);
            });
        });
        assert_eq!(sum.load(Ordering::Relaxed), 63 * 64 / 2);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        for bad in [0, 5, 99] {
            let outcome = catch_unwind(|| parallel(100, |i| assert!(i != bad, "task {bad} fails")));
            let payload = outcome.unwrap_err();
            assert_eq!(payload.downcast_ref::<String>().unwrap(), &format!("task {bad} fails"));
            every_task_runs_once();
        }
        assert!(!INSIDE.get());
    }

    #[test]
    fn many_tiny_dispatches_add_up() {
        let sum = AtomicU64::new(0);
        for round in 0..50_000_u64 {
            parallel(2, |i| {
                sum.fetch_add(round + i as u64, Ordering::Relaxed);
            });
        }
        assert_eq!(sum.load(Ordering::Relaxed), 2 * (49_999 * 50_000 / 2) + 50_000);
    }

    #[test]
    fn callers_on_several_threads_do_not_mix() {
        thread::scope(|scope| {
            for caller in 0..4_u64 {
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        let sum = AtomicU64::new(0);
                        parallel(5, |i| {
                            sum.fetch_add(caller * 100 + i as u64, Ordering::Relaxed);
                        });
                        assert_eq!(sum.load(Ordering::Relaxed), caller * 500 + 10);
                    }
                });
            }
        });
    }
}
