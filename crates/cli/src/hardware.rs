//! `--device` and `--threads`, for every command that computes.

use brigand::hardware::{Device, Processor, keep_freed_memory, set_threads};

use crate::failure::Failure;

/// What is to compute.
#[derive(clap::Args)]
pub(crate) struct Hardware {
    /// What computes: cpu, cuda or metal
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Threads that compute [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Hardware {
    /// Makes it ready.
    pub(crate) fn open(&self) -> Result<Device, Failure> {
        keep_freed_memory();
        if let Some(threads) = self.threads {
            set_threads(threads)?;
        }
        Ok(self.device.parse::<Processor>()?.open()?)
    }
}
