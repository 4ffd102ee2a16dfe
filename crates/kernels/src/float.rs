//! The scalar arithmetic of the kernels: `f32` with branch-free elementary functions that a compiler can
//! turn into vector code, `f64` with the standard library's.
use crate::element::Element;
use std::ops::{Div, MulAssign, Neg, Sub};

/// `f32` or `f64`.
///
/// The `f32` functions are within about 3 units in the last place, take infinities to their limits and keep
/// NaN.
pub trait Float:
    Element + PartialOrd + Sub<Output = Self> + Div<Output = Self> + Neg<Output = Self> + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Minus infinity, the neutral element of the maximum.
    const LOWEST: Self;

    /// The nearest value of this type.
    fn of(value: f64) -> Self;
    /// The same value in double precision.
    fn double(self) -> f64;
    /// The square root.
    fn square_root(self) -> Self;
    /// The absolute value.
    fn magnitude(self) -> Self;
    /// `e^x`.
    fn exponential(self) -> Self;
    /// `e^x - 1` without cancellation, for `x <= 80`.
    fn exponential_minus_one(self) -> Self;
    /// The natural logarithm.
    fn logarithm(self) -> Self;
    /// `ln(1 + x)` without cancellation, for `x` in [0, 1].
    fn logarithm_of_one_plus(self) -> Self;
    /// `self^exponent`.
    fn power(self, exponent: Self) -> Self;
    /// `P(X <= x)` for a standard normal `X`, with a small relative error in the lower tail too.
    fn normal_distribution(self) -> Self;

    /// The larger of two; NaN if this one is.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The smaller of two; NaN if this one is.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// The hyperbolic tangent.
    #[inline(always)]
    fn hyperbolic_tangent(self) -> Self {
        let grown = (self.magnitude() + self.magnitude()).smaller(Self::of(40.0)).exponential_minus_one();
        let size = grown / (grown + Self::of(2.0));
        if self < Self::ZERO { -size } else { size.with_sign_of_zero(self) }
    }

    /// This value, or `zero` itself where that is a zero: keeps the sign of -0.
    #[inline(always)]
    fn with_sign_of_zero(self, zero: Self) -> Self {
        if zero == Self::ZERO { zero } else { self }
    }

    /// `1 / (1 + e^-x)`.
    #[inline(always)]
    fn logistic(self) -> Self {
        let decayed = (-self.magnitude()).exponential();
        let numerator = if self < Self::ZERO { decayed } else { Self::ONE };
        numerator / (Self::ONE + decayed)
    }

    /// `ln(1 + e^x)`.
    #[inline(always)]
    fn soft_plus(self) -> Self {
        self.larger(Self::ZERO) + (-self.magnitude()).exponential().logarithm_of_one_plus()
    }
}

/// The high part of `ln 2` has 9 significant bits, so its products with exponents are exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `e^r - 1` by a minimax polynomial, `|r| <= ln(2) / 2`.
#[inline(always)]
fn expm1_reduced(r: f32) -> f32 {
    let q = 0.001_395_171_7_f32;
    let q = q * r + 0.008_369_599;
    let q = q * r + 0.041_666_187;
    let q = q * r + 0.166_665_12;
    let q = q * r + 0.5;
    r * r * q + r
}

/// Splits `x + rest` into `n ln 2 + r`; returns `(n, r)`. `|x| < 1000`, `rest` much smaller.
#[inline(always)]
fn reduce(x: f32, rest: f32) -> (i32, f32) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const ROUNDER: f32 = 12_582_912.0;
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = rounded - ROUNDER;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW + rest;
    (rounded.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32, r)
}

/// `2^n`, `-126 <= n <= 127`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `e^(x + rest)`.
#[inline(always)]
fn exp_with_rest(x: f32, rest: f32) -> f32 {
    let (n, r) = reduce(x.larger(-104.0).smaller(89.0), rest);
    let half = n >> 1;
    (expm1_reduced(r) + 1.0) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `2 atanh(d / 2) = ln((2 + d) / (2 - d))`, `|d| <= 2/3`.
#[inline(always)]
fn twice_atanh_of_half(d: f32) -> f32 {
    let square = 0.25 * d * d;
    let w = 0.140_156_48_f32;
    let w = w * square + 0.139_989_3;
    let w = w * square + 0.200_108_86;
    let w = w * square + 0.333_332_06;
    d * square * w + d
}

impl Float for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = f32::NEG_INFINITY;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn double(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn square_root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn exponential(self) -> Self {
        exp_with_rest(self, 0.0)
    }

    #[inline(always)]
    fn exponential_minus_one(self) -> Self {
        let (n, r) = reduce(self.larger(-30.0).smaller(80.0), 0.0);
        let scale = power_of_two(n);
        let result = scale * expm1_reduced(r) + (scale - 1.0);
        result.with_sign_of_zero(self)
    }

    #[inline(always)]
    fn logarithm(self) -> Self {
        // Subnormal numbers are first brought into the normal range.
        let tiny = self < f32::MIN_POSITIVE;
        let x = if tiny { self * 8_388_608.0 } else { self };
        // The exponent that leaves a mantissa in [sqrt(1/2), sqrt(2)).
        let n = (x.to_bits().wrapping_sub(0x3f35_04f3) as i32) >> 23;
        let mantissa = f32::from_bits(x.to_bits().wrapping_sub((n << 23) as u32));
        let excess = mantissa - 1.0;
        let d = (excess + excess) / (mantissa + 1.0);
        let n = n as f32 - if tiny { 23.0 } else { 0.0 };
        let finite = n * LN_2_HIGH + (twice_atanh_of_half(d) + n * LN_2_LOW);
        let positive = if x == f32::INFINITY { x } else { finite };
        let other = if self == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
        if self > 0.0 { positive } else { other }
    }

    #[inline(always)]
    fn logarithm_of_one_plus(self) -> Self {
        twice_atanh_of_half((self + self) / (self + 2.0))
    }

    #[inline(always)]
    fn power(self, exponent: Self) -> Self {
        self.powf(exponent)
    }

    #[inline(always)]
    fn normal_distribution(self) -> Self {
        let size = self.abs().smaller(15.0);
        // The square's high part is exact: `high` keeps 12 bits of the mantissa.
        let high = f32::from_bits(size.to_bits() & 0xffff_f000);
        let decay = exp_with_rest(-0.5 * high * high, -0.5 * (size - high) * (size + high));
        // Mills' ratio over sqrt(2 pi), as t times a minimax polynomial in t.
        let t = 1.0 / (1.0 + 0.35 * size);
        let m = -0.029_163_9_f32;
        let m = m * t + 0.144_060_7;
        let m = m * t - 0.255_901_66;
        let m = m * t + 0.159_392_73;
        let m = m * t - 0.023_263_734;
        let m = m * t + 0.105_574_764;
        let m = m * t + 0.119_815_506;
        let m = m * t + 0.139_864_34;
        let m = m * t + 0.139_621_26;
        let tail = decay * t * m;
        if self > 0.0 { 1.0 - tail } else { tail }
    }
}

impl Float for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = f64::NEG_INFINITY;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn double(self) -> f64 {
        self
    }

    #[inline(always)]
    fn square_root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn exponential(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn exponential_minus_one(self) -> Self {
        self.exp_m1()
    }

    #[inline(always)]
    fn logarithm(self) -> Self {
        self.ln()
    }

    #[inline(always)]
    fn logarithm_of_one_plus(self) -> Self {
        self.ln_1p()
    }

    #[inline(always)]
    fn power(self, exponent: Self) -> Self {
        self.powf(exponent)
    }

    /// Near zero the series `1/2 + density (x + x^3/3 + x^5/15 + ...)`, in the tails the continued fraction
    /// of Mills' ratio.
    fn normal_distribution(self) -> Self {
        let size = self.abs();
        let density = (-0.5 * size * size).exp() / std::f64::consts::TAU.sqrt();
        let tail = if size < 3.0 {
            let (mut term, mut sum) = (size, size);
            for odd in (3..150).step_by(2) {
                term *= size * size / f64::from(odd);
                sum += term;
            }
            0.5 - density * sum
        } else if size.is_infinite() {
            0.0
        } else {
            density / (1..100).rev().fold(size, |below, k| size + f64::from(k) / below)
        };
        if self > 0.0 { 1.0 - tail } else { tail }
    }
}

#[cfg(test)]
mod tests {
    use super::Float;

    /// The largest relative error of an `f32` function against a double-precision one over [low, high].
    fn worst(low: f64, high: f64, single: impl Fn(f32) -> f32, double: impl Fn(f64) -> f64) -> f64 {
        (0..=200_000)
            .map(|i| (low + (high - low) * f64::from(i) / 200_000.0) as f32)
            .map(|x| {
                let (got, want) = (f64::from(single(x)), double(f64::from(x)));
                // One and a half units of a subnormal number are not small beside it.
                ((got - want).abs() - 2.11e-45).max(0.0) / want.abs().max(1e-300)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn single_precision_functions_follow_double_precision_ones() {
        let bound = 4e-7;
        assert!(worst(-100.0, 88.7, f32::exponential, f64::exp) < bound);
        assert!(worst(-1.0, 1.0, f32::exponential_minus_one, f64::exp_m1) < bound);
        assert!(worst(-100.0, 80.0, f32::exponential_minus_one, f64::exp_m1) < bound);
        assert!(worst(-100.0, 100.0, Float::hyperbolic_tangent, f64::tanh) < bound);
        assert!(worst(-0.01, 0.01, Float::hyperbolic_tangent, f64::tanh) < bound);
        assert!(worst(-100.0, 100.0, Float::logistic, |x| 1.0 / (1.0 + (-x).exp())) < bound);
        assert!(worst(-100.0, 100.0, Float::soft_plus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()) < bound);
        assert!(worst(1e-3, 3.0, f32::logarithm, f64::ln) < bound);
        assert!(worst(1.0, 1e30, f32::logarithm, f64::ln) < bound);
        assert!(worst(1e-44, 1e-37, f32::logarithm, f64::ln) < bound);
        assert!(worst(0.0, 1.0, f32::logarithm_of_one_plus, f64::ln_1p) < bound);
        assert!(worst(-100.0, 100.0, f32::normal_distribution, f64::normal_distribution) < bound);
    }

    #[test]
    fn double_precision_normal_distribution_has_its_known_values() {
        for (x, value) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_05),
            (-2.999_999, 1.349_902_463_485_294e-3),
            (-3.0, 1.349_898_031_630_094_5e-3),
            (-8.0, 6.220_960_574_271_784e-16),
            (-30.0, 4.906_713_927_148_187e-198),
        ] {
            let got = f64::normal_distribution(x);
            assert!((got - value).abs() <= 1e-12 * value, "{x}: {got} for {value}");
        }
    }

    #[test]
    fn limits_and_nan() {
        let infinity = f32::INFINITY;
        assert_eq!([infinity.exponential(), (-infinity).exponential()], [infinity, 0.0]);
        assert_eq!([infinity.hyperbolic_tangent(), (-infinity).hyperbolic_tangent()], [1.0, -1.0]);
        assert_eq!([infinity.logistic(), (-infinity).logistic()], [1.0, 0.0]);
        assert_eq!([infinity.soft_plus(), (-infinity).soft_plus()], [infinity, 0.0]);
        assert_eq!([infinity.logarithm(), 0f32.logarithm()], [infinity, -infinity]);
        assert_eq!([infinity.normal_distribution(), (-infinity).normal_distribution()], [1.0, 0.0]);
        assert_eq!((-infinity).exponential_minus_one(), -1.0);
        assert!((-1f32).logarithm().is_nan());
        assert!((-0f32).hyperbolic_tangent().is_sign_negative());
        for function in [
            f32::exponential,
            f32::exponential_minus_one,
            f32::logarithm,
            f32::logarithm_of_one_plus,
            f32::normal_distribution,
            Float::hyperbolic_tangent,
            Float::logistic,
            Float::soft_plus,
        ] {
            assert!(function(f32::NAN).is_nan());
        }
        assert!(f64::NAN.normal_distribution().is_nan());
    }
}
