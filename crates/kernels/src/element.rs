//! The two number types of the kernels, and the choice of instruction set at run time.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Sub};

use crate::vector::{Scalar, Work};
#[cfg(target_arch = "x86_64")]
use crate::vector::{avx2, avx512};

/// `f32` or `f64`: what the matrix products and convolutions compute with.
#[allow(private_bounds)] // Nobody else can implement it.
pub trait Element:
    Dispatch
    + Copy
    + Default
    + Debug
    + Send
    + Sync
    + PartialEq
    + From<f32>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + 'static
{
}

impl Element for f32 {}
impl Element for f64 {}

/// The instruction sets the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// 512-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain loops, for every processor.
    Portable,
}

impl Path {
    /// All paths this processor can run, the fastest first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = [
            (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma")).then_some(Self::Avx512),
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self::Avx2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors: [Option<Self>; 0] = [];
        vectors.into_iter().flatten().chain([Self::Portable])
    }

    /// The fastest path of this processor. The standard library remembers what the processor answered.
    pub(crate) fn best() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }
}

/// Runs generic work compiled for one instruction set.
pub(crate) trait Dispatch: Sized {
    /// Runs `work` with the vectors of `path`, which must be one of [`Path::available`].
    fn dispatch<W: Work<Self>>(path: Path, work: W);
}

/// Tiles of six rows, or three where they are wide, leave registers for what is multiplied.
macro_rules! dispatch {
    ($type:ty, $wide:ty, $narrow_tile:literal, $wide_tile:literal, $medium:ty) => {
        impl Dispatch for $type {
            fn dispatch<W: Work<Self>>(path: Path, work: W) {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn wide<W: Work<$type>>(work: W) {
                    work.run::<$wide, $narrow_tile, $wide_tile>();
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                fn medium<W: Work<$type>>(work: W) {
                    work.run::<$medium, 2, 3>();
                }
                match path {
                    // SAFETY: the path is available, so the processor has these features.
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx512 => unsafe { wide(work) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx2 => unsafe { medium(work) },
                    Path::Portable => work.run::<Scalar<$type>, 2, 3>(),
                }
            }
        }
    };
}

dispatch!(f32, avx512::Single, 4, 6, avx2::Single);
// Double precision checks gradients, for which a third set of code would not pay.
dispatch!(f64, avx2::Double, 2, 3, avx2::Double);
