//! A program of its own: threads that the test harness has started would have their memory already.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use brigand_kernels::memory::keep_freed_memory;

const BLOCK: usize = 96 << 20;
const PAGE: usize = 4096;

fn main() {
    let kept = keep_freed_memory();
    assert_eq!(kept, cfg!(all(target_os = "linux", target_env = "gnu")));
    if kept {
        a_large_block_is_paid_for_once();
        std::thread::spawn(a_large_block_is_paid_for_once).join().unwrap_or_else(|_| std::process::exit(1));
    }
}

fn a_large_block_is_paid_for_once() {
    touch_block();
    let before = page_faults();
    (0..4).for_each(|_| touch_block());
    let faults = page_faults() - before;
    assert!(faults < BLOCK / PAGE / 4, "{faults} page faults for 4 blocks of {} pages", BLOCK / PAGE);
}

fn touch_block() {
    let mut block: Vec<u8> = Vec::with_capacity(BLOCK);
    block.resize(BLOCK, 1);
    std::hint::black_box(&block);
}

/// The pages that this process has touched for the first time so far: the tenth entry of its line in /proc, the
/// eighth after its name.
fn page_faults() -> usize {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap()
}
