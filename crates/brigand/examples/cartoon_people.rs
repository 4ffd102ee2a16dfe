//! Writes drawn people, of whom no run has seen any, as frames with landmarks:
//! `cargo run --release -p brigand --example cartoon_people -- COUNT SIZE SEED OUT`.
//!
//! OUT becomes a folder with a folder for each person, as the data `identities:OUT` and `brigand translate --person` take
//! them. SEED is that of the run, so that they are its held-out people.

use brigand::data::people::cartoon::{Part, write};
use brigand::error::{Error, Result};
use brigand::files::path_of;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::Request("give COUNT SIZE SEED OUT".into());
    let [count, size, seed, out] = arguments.as_slice() else { return Err(usage()) };
    let count = count.parse().ok().filter(|&count: &usize| count > 0).ok_or_else(usage)?;
    let size = size.parse().ok().filter(|size| (8..=1024_usize).contains(size)).ok_or_else(usage)?;
    let seed = seed.parse().map_err(|_| usage())?;
    Ok(write(&path_of(out), Part::HeldOut, count, (size, seed))?)
}
