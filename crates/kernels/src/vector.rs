//! Vector registers behind one trait, so that a kernel is written once and compiled for each instruction set.

use crate::element::Element;
use crate::tile::Tile;

/// Work that is generic over the vector register.
pub(crate) trait Work<T> {
    /// Does the work with tiles `NARROW` vectors wide (or `WIDE`, where a tile has very few rows). The
    /// implementation must be `#[inline(always)]`, as must all it calls that uses `V`: only so is it compiled with
    /// the instructions of `V`.
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self);
}

/// A register of `LANES` numbers.
///
/// # Safety
/// All functions may only run on a processor that has the register's instruction set.
pub(crate) trait Vector: Copy {
    /// The type of the numbers.
    type Element: Element;
    /// How many there are.
    const LANES: usize;
    /// Whether tiles multiply pairs of bfloat16 numbers, see [`crate::pairs`].
    const PAIRS: bool = false;
    /// All zero.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn zero() -> Self;
    /// All equal to `value`.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn splat(value: Self::Element) -> Self;
    /// Reads `LANES` numbers from any address.
    ///
    /// # Safety
    /// See the trait; the numbers must be readable.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Writes `LANES` numbers to any address.
    ///
    /// # Safety
    /// See the trait; the numbers must be writable.
    unsafe fn store(self, to: *mut Self::Element);
    /// `self + other`.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn subtract(self, other: Self) -> Self;
    /// `self + a b`, rounded once where the processor can.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn multiply_add(self, a: Self, b: Self) -> Self;
    /// What a tile adds up: `self + a b`; of pairs the sum of both products.
    ///
    /// # Safety
    /// See the trait.
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { self.multiply_add(a, b) }
    }
    /// Pairs of the numbers of two rows: pair `i` has number `i` of each. Only where there are [`Vector::PAIRS`].
    ///
    /// # Safety
    /// See the trait.
    #[inline(always)]
    unsafe fn pair_rows(self, _below: Self) -> Self {
        self
    }
    /// Pairs of neighbouring numbers: those of this vector, then those of the next. Only where there are [`Vector::PAIRS`].
    ///
    /// # Safety
    /// See the trait.
    #[inline(always)]
    unsafe fn pair_neighbours(self, _next: Self) -> Self {
        self
    }
    /// The places that so many numbers of the depth take: half as many, rounded up, where there are [`Vector::PAIRS`].
    #[inline(always)]
    fn places(numbers: usize) -> usize {
        if Self::PAIRS { numbers.div_ceil(2) } else { numbers }
    }
    /// Writes numbers `k` and after of a row of the left operand, in pairs where there are [`Vector::PAIRS`].
    ///
    /// # Safety
    /// See the trait; the numbers must be writable.
    #[inline(always)]
    unsafe fn store_along(self, row: *mut Self::Element, k: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.store(row.add(k)) }
    }
    /// Writes one number of a row of the left operand.
    ///
    /// # Safety
    /// See [`Vector::store_along`].
    #[inline(always)]
    unsafe fn put(value: Self::Element, row: *mut Self::Element, k: usize) {
        // SAFETY: the caller's promise.
        unsafe { *row.add(k) = value }
    }
    /// Writes a vector of row `k` of a panel of the right operand, whose columns begin at `column`: where there are
    /// [`Vector::PAIRS`] one half of each pair, the other one stays.
    ///
    /// # Safety
    /// See the trait; the place must be readable and writable.
    #[inline(always)]
    unsafe fn store_row(self, column: *mut Self::Element, k: usize, width: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.store(column.add(k * width)) }
    }
    /// [`crate::tile::rows`] as a function of its own, so that it is compiled once for all who use it.
    ///
    /// # Safety
    /// See there.
    unsafe fn tile<const ROWS: usize, const WIDTH: usize, const LEFT: u8, const RIGHT_STEPS: bool>(
        tile: &Tile<'_, Self::Element>,
    );
}

/// Implements [`Vector`] for a register with one intrinsic per operation.
#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($name:ident, $features:literal, $type:ty, $lanes:literal, $register:ty, $zero:ident, $splat:ident, $load:ident, $store:ident, $add:ident, $subtract:ident, $fma:ident $(, { $($more:item)* })?) => {
        /// A register of one x86-64 vector extension.
        #[derive(Clone, Copy)]
        pub(crate) struct $name($register);

        impl crate::vector::Vector for $name {
            type Element = $type;
            const LANES: usize = $lanes;
            $($($more)*)?

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller's processor has the instruction.
                Self(unsafe { $zero() })
            }

            #[inline(always)]
            unsafe fn splat(value: $type) -> Self {
                // SAFETY: the caller's processor has the instruction.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn load(from: *const $type) -> Self {
                // SAFETY: the caller's processor has the instruction and the numbers are readable.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                // SAFETY: the caller's processor has the instruction and the numbers are writable.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: the caller's processor has the instruction.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn subtract(self, other: Self) -> Self {
                // SAFETY: the caller's processor has the instruction.
                Self(unsafe { $subtract(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
                // SAFETY: the caller's processor has the instruction.
                Self(unsafe { $fma(a.0, b.0, self.0) })
            }

            #[inline(always)]
            unsafe fn tile<const ROWS: usize, const WIDTH: usize, const LEFT: u8, const RIGHT_STEPS: bool>(
                tile: &crate::tile::Tile<'_, $type>,
            ) {
                #[inline(never)]
                #[target_feature(enable = $features)]
                unsafe fn compiled<
                    const ROWS: usize,
                    const WIDTH: usize,
                    const LEFT: u8,
                    const RIGHT_STEPS: bool,
                >(
                    tile: &crate::tile::Tile<'_, $type>,
                ) {
                    // SAFETY: the caller's promise.
                    unsafe { crate::tile::rows::<$name, ROWS, WIDTH, LEFT, RIGHT_STEPS>(tile) }
                }
                // SAFETY: the caller's promise.
                unsafe { compiled::<ROWS, WIDTH, LEFT, RIGHT_STEPS>(tile) }
            }
        }
    };
}

/// 512-bit registers.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub(crate) mod avx512 {
    use std::arch::x86_64::*;
    register!(Single, "avx512f,avx2,fma", f32, 16, __m512, _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_fmadd_ps);
}

/// 512-bit registers of single precision, whose tiles read each number as a pair of bfloat16 numbers.
#[cfg(target_arch = "x86_64")]
pub(crate) mod pairs {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use crate::element::bfloat16;

    /// Where the words of two rows of 16 go when they become pairs.
    const ALTERNATING: [u16; 32] = {
        let mut places = [0; 32];
        let mut i = 0;
        while i < 16 {
            places[2 * i] = i as u16;
            places[2 * i + 1] = 16 + i as u16;
            i += 1;
        }
        places
    };

    #[rustfmt::skip]
    register!(Pairs, "avx512f,avx512bw,avx512bf16,avx2,fma", f32, 16, __m512, _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_fmadd_ps, {
        const PAIRS: bool = true;

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the caller's processor has the instruction, and registers of numbers have the size of those of pairs.
            Self(unsafe {
                _mm512_dpbf16_ps(self.0, transmute::<__m512, __m512bh>(a.0), transmute::<__m512, __m512bh>(b.0))
            })
        }

        #[inline(always)]
        unsafe fn pair_rows(self, below: Self) -> Self {
            // SAFETY: as above.
            unsafe {
                let words = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(below.0, self.0));
                let places = transmute::<[u16; 32], __m512i>(ALTERNATING);
                Self(_mm512_castsi512_ps(_mm512_permutexvar_epi16(places, words)))
            }
        }

        #[inline(always)]
        unsafe fn pair_neighbours(self, next: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { transmute::<__m512bh, __m512>(_mm512_cvtne2ps_pbh(next.0, self.0)) })
        }

        #[inline(always)]
        unsafe fn store_along(self, row: *mut f32, k: usize) {
            // SAFETY: as above; the words of the numbers are writable.
            unsafe {
                let words = transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(self.0));
                _mm256_storeu_si256(row.cast::<u16>().add(k).cast(), words);
            }
        }

        #[inline(always)]
        unsafe fn put(value: f32, row: *mut f32, k: usize) {
            // SAFETY: the word of the number is writable.
            unsafe { *row.cast::<u16>().add(k) = (bfloat16(value).to_bits() >> 16) as u16 }
        }

        #[inline(always)]
        unsafe fn store_row(self, column: *mut f32, k: usize, width: usize) {
            // SAFETY: as above; the pairs are readable and writable.
            unsafe {
                let words = _mm512_cvtepu16_epi32(transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(self.0)));
                let pairs: *mut __m512i = column.add(k / 2 * width).cast();
                let (before, lower) = (_mm512_loadu_si512(pairs), _mm512_set1_epi32(0xffff));
                let after = if k.is_multiple_of(2) {
                    _mm512_or_si512(_mm512_andnot_si512(lower, before), words)
                } else {
                    _mm512_or_si512(_mm512_and_si512(lower, before), _mm512_slli_epi32::<16>(words))
                };
                _mm512_storeu_si512(pairs, after);
            }
        }
    });
}

/// 256-bit registers.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub(crate) mod avx2 {
    use std::arch::x86_64::*;
    register!(Single, "avx2,fma", f32, 8, __m256, _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_fmadd_ps);
    register!(Double, "avx2,fma", f64, 4, __m256d, _mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_sub_pd, _mm256_fmadd_pd);
}

/// Four numbers in plain Rust, which every compiler turns into whatever vectors it has.
#[derive(Clone, Copy)]
pub(crate) struct Scalar<T>([T; 4]);

impl<T: Element> Vector for Scalar<T> {
    type Element = T;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([T::default(); 4])
    }

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's four numbers are readable.
        Self(unsafe { from.cast::<[T; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's four numbers are writable.
        unsafe { to.cast::<[T; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a + e, b + f, c + g, d + h])
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a - e, b - f, c - g, d - h])
    }

    #[inline(always)]
    unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
        let ([s0, s1, s2, s3], [a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, a.0, b.0);
        Self([s0 + a0 * b0, s1 + a1 * b1, s2 + a2 * b2, s3 + a3 * b3])
    }

    #[inline(never)]
    unsafe fn tile<const ROWS: usize, const WIDTH: usize, const LEFT: u8, const RIGHT_STEPS: bool>(
        tile: &Tile<'_, T>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { crate::tile::rows::<Self, ROWS, WIDTH, LEFT, RIGHT_STEPS>(tile) }
    }
}
