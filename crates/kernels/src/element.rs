//! The two number types of the kernels, and the choice of instruction set at run time.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::sync::OnceLock;

use crate::vector::{Scalar, Work};
#[cfg(target_arch = "x86_64")]
use crate::vector::{avx2, avx512, pairs::Pairs};

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

/// How matrix products and convolutions of `f32` multiply. Those of `f64` always multiply the numbers as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Products {
    /// The numbers as they are.
    #[default]
    Full,
    /// Numbers rounded to bfloat16, which has 8 significant bits; products are added up in single precision. With minimal filtering
    /// the transformed numbers are rounded. Where a layer has too few channels for that to be faster it multiplies in full.
    ///
    /// A processor with AVX512-BF16 multiplies two pairs of numbers at once. On others both operands are rounded first and then
    /// multiplied in full, which is no faster and rounds a little less.
    Bfloat16,
}

impl Products {
    /// Whether this processor multiplies in bfloat16.
    pub fn are_native() -> bool {
        #[cfg(target_arch = "x86_64")]
        return is_x86_feature_detected!("avx512bf16")
            && is_x86_feature_detected!("avx512bw")
            && Path::best() == Path::Avx512;
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    /// Whether operands must be rounded before they are multiplied in full.
    pub(crate) fn round_first(self) -> bool {
        match self {
            Self::Full => false,
            Self::Bfloat16 => !Self::are_native(),
        }
    }
}

/// The environment variable that names the instruction set to compute with, for tests and comparisons: `avx512`, `avx2` or
/// `portable`. Without it, it is the fastest that the processor has.
pub const INSTRUCTIONS: &str = "BRIGAND_INSTRUCTIONS";

/// The path that [`INSTRUCTIONS`] names, if it does.
fn chosen() -> Result<Option<Path>, String> {
    let Some(given) = std::env::var_os(INSTRUCTIONS).filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let there: Vec<Path> = Path::available().collect();
    match there.iter().find(|path| given == path.name()) {
        Some(&path) => Ok(Some(path)),
        None => Err(format!(
            "{INSTRUCTIONS} is {}; this processor has {}",
            given.display(),
            there.into_iter().map(Path::name).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The instruction set that is computed with.
///
/// # Errors
/// If [`INSTRUCTIONS`] names one that is unknown or that the processor does not have; the fastest is used then.
pub fn instructions() -> Result<&'static str, String> {
    chosen().map(|_| Path::best().name())
}

/// The instruction sets the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// 512-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same with products of pairs of bfloat16 numbers.
    #[cfg(target_arch = "x86_64")]
    Pairs,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain loops, for every processor.
    Portable,
}

impl Path {
    /// All paths this processor can run that multiply in full, the fastest first.
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

    /// The fastest path of this processor, or the one that [`INSTRUCTIONS`] names.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Path> = OnceLock::new();
        let fastest = || Self::available().next().unwrap_or(Self::Portable);
        *BEST.get_or_init(|| chosen().ok().flatten().unwrap_or_else(fastest))
    }

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Pairs => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// The fastest path of this processor for such products; for bfloat16 where it has none, operands must be rounded first.
    pub(crate) fn of(products: Products) -> Self {
        match products {
            #[cfg(target_arch = "x86_64")]
            Products::Bfloat16 if Products::are_native() => Self::Pairs,
            Products::Full | Products::Bfloat16 => Self::best(),
        }
    }

    /// Whether tiles multiply pairs.
    pub(crate) fn has_pairs(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => false,
        }
    }

    /// The same path with products in full.
    pub(crate) fn in_full(self) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => Self::Avx512,
            other => other,
        }
    }
}

/// `value` rounded to the nearest number of bfloat16, to the even one of two; NaN stays NaN.
pub(crate) fn bfloat16(value: f32) -> f32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    if value.is_nan() { value } else { f32::from_bits(rounded) }
}

/// Declares [`Dispatch`] with a function for each kind of work, and implements it for both number types. The functions are not
/// generic, so that the loops are compiled once, in this crate, and not again in each crate that calls them. Work behind `in full`
/// has no products of pairs.
macro_rules! dispatch {
    (
        in pairs: $($paired:ident: $($paired_work:ident)::+),+;
        in full: $($name:ident: $($work:ident)::+),+;
    ) => {
        /// Runs work compiled for one instruction set, with the vectors of a path that must be one of [`Path::available`], or that
        /// of [`Path::of`].
        pub(crate) trait Dispatch: Sized {
            $(fn $paired(path: Path, work: crate::$($paired_work)::+<'_, Self>)
            where
                Self: Element;)+
            $(fn $name(path: Path, work: crate::$($work)::+<'_, Self>)
            where
                Self: Element;)+
            /// Rounded to bfloat16 where this is `f32`.
            fn rounded(self) -> Self;
        }

        impl Dispatch for f32 {
            $(fn $paired(path: Path, work: crate::$($paired_work)::+<'_, Self>) {
                #[cfg(target_arch = "x86_64")]
                if path == Path::Pairs {
                    #[target_feature(enable = "avx512f,avx512bw,avx512bf16,avx2,fma")]
                    fn pairs(work: impl Work<f32>) {
                        work.run::<Pairs, 4, 6>();
                    }
                    // SAFETY: the path is available, so the processor has these features.
                    return unsafe { pairs(work) };
                }
                single(path, work);
            })+
            $(fn $name(path: Path, work: crate::$($work)::+<'_, Self>) {
                single(path, work);
            })+

            #[inline(always)]
            fn rounded(self) -> Self {
                bfloat16(self)
            }
        }

        impl Dispatch for f64 {
            $(fn $paired(path: Path, work: crate::$($paired_work)::+<'_, Self>) {
                double(path, work);
            })+
            $(fn $name(path: Path, work: crate::$($work)::+<'_, Self>) {
                double(path, work);
            })+

            #[inline(always)]
            fn rounded(self) -> Self {
                self
            }
        }
    };
}

dispatch! {
    in pairs:
        pack_right: gemm::product::PackRight,
        pack_left: gemm::product::PackLeft,
        multiply_block: gemm::product::Block,
        convolve: convolution::forward::Task,
        input_gradient: convolution::input_gradient::Task,
        minimal_weights: convolution::winograd::weights::Pack,
        minimal_pass: convolution::winograd::pass::Task,
        minimal_gradients: convolution::winograd::output_gradients::Gradients,
        minimal_weight_gradient: convolution::winograd::weight_gradient::Task;
    in full:
        transpose_gradient: convolution::weight_gradient::Transpose,
        weight_gradient: convolution::weight_gradient::Task,
        minimal_weight_sums: convolution::winograd::weight_sums::Finish;
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
                Path::Avx512 | Path::Pairs => unsafe { wide(work) },
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
