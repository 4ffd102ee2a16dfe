//! Writes the classifier that a run trained as one safetensors file:
//! `cargo run --release -p brigand --example write_classifier RUN FILE`.

use std::path::PathBuf;

use brigand::error::{Error, Result};
use brigand::files::write_atomically;
use brigand::training::load_classifier;
use candle_core::Device;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(run), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err(Error::Request("give the folder of a classifier's run and the file to write".into()));
    };
    Ok(write_atomically(&file, &load_classifier(&run, &Device::Cpu)?.to_bytes()?)?)
}
