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

/// Declares [`Dispatch`] with a function for each kind of work, and implements it for both number types. The functions are not
/// generic, so that the loops are compiled once, in this crate, and not again in each crate that calls them.
macro_rules! dispatch {
    ($($name:ident: $($work:ident)::+),+ $(,)?) => {
        /// Runs work compiled for one instruction set, with the vectors of a path that must be one of [`Path::available`].
        pub(crate) trait Dispatch: Sized {
            $(fn $name(path: Path, work: crate::$($work)::+<'_, Self>)
            where
                Self: Element;)+
        }

        impl Dispatch for f32 {
            $(fn $name(path: Path, work: crate::$($work)::+<'_, Self>) {
                single(path, work);
            })+
        }

        impl Dispatch for f64 {
            $(fn $name(path: Path, work: crate::$($work)::+<'_, Self>) {
                double(path, work);
            })+
        }
    };
}

dispatch! {
    pack_right: gemm::product::PackRight,
    multiply_block: gemm::product::Block,
    convolve: convolution::forward::Task,
    input_gradient: convolution::input_gradient::Task,
    transpose_gradient: convolution::weight_gradient::Transpose,
    weight_gradient: convolution::weight_gradient::Task,
    minimal_weights: convolution::winograd::weights::Pack,
    minimal_pass: convolution::winograd::pass::Task,
    minimal_gradients: convolution::winograd::output_gradients::Gradients,
    minimal_weight_gradient: convolution::winograd::weight_gradient::Task,
    minimal_weight_sums: convolution::winograd::weight_sums::Finish,
}

/// Runs work with the vectors of a path, which must be one of [`Path::available`]. Tiles of six rows, or three where they are
/// wide, leave registers for what is multiplied.
macro_rules! run {
    ($name:ident, $type:ty, $wide:ty, $narrow_tile:literal, $wide_tile:literal, $medium:ty) => {
        fn $name(path: Path, work: impl Work<$type>) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn wide(work: impl Work<$type>) {
                work.run::<$wide, $narrow_tile, $wide_tile>();
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn medium(work: impl Work<$type>) {
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
    };
}

run!(single, f32, avx512::Single, 4, 6, avx2::Single);
// Double precision checks gradients, for which a third set of code would not pay.
run!(double, f64, avx2::Double, 2, 3, avx2::Double);
