//! What computes: the device that tensors live on, and how many threads the processor's loops use.

use std::str::FromStr;

pub use candle_core::Device;

use crate::error::{Error, Result};

/// A device by its name on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processor {
    /// The processor, with all its cores: `cpu`.
    #[default]
    Cpu,
    /// The first NVIDIA card: `cuda`.
    Cuda,
    /// Apple's graphics processor: `metal`.
    Metal,
}

impl FromStr for Processor {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            "metal" => Ok(Self::Metal),
            other => Err(Error::Request(format!("there is no device `{other}`; there are cpu, cuda, metal"))),
        }
    }
}

impl Processor {
    /// Makes the device ready.
    ///
    /// # Errors
    /// If this build cannot use it (naming the feature to build with) or the machine has none.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda if !cfg!(feature = "cuda") => Err(not_built("cuda")),
            Self::Metal if !cfg!(feature = "metal") => Err(not_built("metal")),
            Self::Cuda => Device::new_cuda(0).map_err(|reason| unusable("cuda", &reason)),
            Self::Metal => Device::new_metal(0).map_err(|reason| unusable("metal", &reason)),
        }
    }
}

fn not_built(feature: &str) -> Error {
    Error::Request(format!(
        "this program was built without {feature}; build it with `cargo build --release --features {feature}`, \
         or use --device cpu"
    ))
}

fn unusable(name: &str, reason: &candle_core::Error) -> Error {
    let reason = reason.to_string();
    let first = reason.lines().next().unwrap_or_default();
    Error::Request(format!("the device `{name}` cannot be used: {first}; use --device cpu"))
}

/// Refuses a name of an instruction set in [`brigand_kernels::element::INSTRUCTIONS`] that this processor does not have.
///
/// # Errors
/// [`Error::Request`], with those that it has.
pub fn check_instructions() -> Result<()> {
    brigand_kernels::element::instructions().map(|_| ()).map_err(Error::Request)
}

/// Whether this processor multiplies in bfloat16 (AVX512-BF16), so that `training.precision=bf16` is faster.
pub fn has_bfloat16() -> bool {
    brigand_kernels::element::Products::are_native()
}

/// Makes training faster by keeping freed memory for the next step, for the whole process and for good; see
/// [`brigand_kernels::memory::keep_freed_memory`]. A program that trains calls it at its beginning.
pub fn keep_freed_memory() {
    // Where it cannot be had, training is slower and otherwise the same.
    let _ = brigand_kernels::memory::keep_freed_memory();
}

/// Bytes of memory that this process can have at most: the machine's, or less where a control group limits it. `None`
/// where the system does not say.
pub fn memory() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let limits = system.cgroup_limits().map(|limits| limits.total_memory);
    [Some(system.total_memory()), limits].into_iter().flatten().filter(|&bytes| bytes > 0).min()
}

/// A number of bytes in words: `1.5 GiB`.
pub fn in_gibibytes(bytes: u64) -> String {
    let gibibytes = bytes as f64 / f64::from(1 << 30);
    if gibibytes >= 100.0 { format!("{gibibytes:.0} GiB") } else { format!("{gibibytes:.1} GiB") }
}

/// Lets all computation on the processor use `count` threads. To be called once, before anything computes.
///
/// # Errors
/// If `count` is 0, or something has computed already.
pub fn set_threads(count: usize) -> Result<()> {
    if count == 0 {
        return Err(Error::Request("0 threads compute nothing; ask for at least 1".into()));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .build_global()
        .map_err(|reason| Error::Request(format!("cannot compute with {count} threads: {reason}")))?;
    brigand_kernels::pool::set_threads(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_and_others_are_refused_with_the_list() {
        assert!(matches!("cpu".parse::<Processor>().unwrap().open().unwrap(), Device::Cpu));
        assert_eq!("metal".parse::<Processor>().unwrap(), Processor::Metal);
        let message = "gpu".parse::<Processor>().unwrap_err().to_string();
        assert!(message.contains("`gpu`") && message.contains("cpu, cuda, metal"), "{message}");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_built_in_names_its_feature() {
        let message = Processor::Cuda.open().unwrap_err().to_string();
        assert!(message.contains("--features cuda"), "{message}");
    }

    #[test]
    fn the_machine_has_memory() {
        assert!(memory().is_some_and(|bytes| bytes > 1 << 26));
    }

    #[test]
    fn no_threads_are_refused() {
        assert!(set_threads(0).is_err());
    }
}
