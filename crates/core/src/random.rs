//! Seeded random streams. Every draw in Brigand comes from a [`Stream`], and a stream is a pure function of
//! what it is for: seed, purpose and step. Nothing about it needs saving, so a run that stops and resumes at
//! any step draws exactly what it would have drawn, and switching one consumer on or off (a snapshot, an
//! evaluation) never shifts the numbers another one sees.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use sha2::{Digest, Sha256};

/// A counter-based generator (ChaCha with 8 rounds) keyed by SHA-256 of `(seed, purpose, step)`.
///
/// Equal triples give equal draws on every machine; triples that differ anywhere give unrelated ones. Two
/// consumers must therefore not share a purpose at the same step: name the purpose after the consumer
/// (`"latent"`, `"data"`, `"weights/generator.linear1"`).
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream for `purpose` at `step` of the run seeded with `seed`.
    pub fn new(seed: u64, purpose: &str, step: u64) -> Self {
        let mut key = Sha256::new();
        key.update(b"brigand stream 1");
        key.update(seed.to_le_bytes());
        key.update(step.to_le_bytes());
        key.update(purpose.as_bytes());
        Self { generator: ChaCha8Rng::from_seed(key.finalize().into()) }
    }

    /// `n` numbers uniform on `[low, high)`, with 24 random bits each (rounding can reach `high` when the
    /// span is tiny beside its ends).
    pub fn uniform(&mut self, n: usize, low: f32, high: f32) -> Vec<f32> {
        (0..n).map(|_| self.number(low, high)).collect()
    }

    /// One number uniform on `[low, high)`, as [`Stream::uniform`] draws them.
    pub fn number(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.generator.random::<f32>()
    }

    /// `n` independent draws from the standard normal, mean 0 and variance 1.
    pub fn normal(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.generator.sample(StandardNormal)).collect()
    }

    /// A whole number uniform on `0..below`; 0 when `below` is 0.
    pub fn index(&mut self, below: usize) -> usize {
        // Drawn as u64 so that 32-bit machines draw the same numbers.
        match below as u64 {
            0 => 0,
            below => self.generator.random_range(0..below) as usize,
        }
    }

    /// The numbers `0..n` in uniformly random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut self.generator);
        order
    }

    /// One item of `items`, all equally likely; `None` when there are none.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.choose(&mut self.generator)
    }

    /// The generator itself, for distributions of `rand` and `rand_distr` not wrapped here.
    pub fn generator(&mut self) -> &mut impl Rng {
        &mut self.generator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen first draws: a change here (an update of `rand`, say) means old runs no longer repeat.
    #[test]
    fn first_draws_are_frozen() {
        assert_eq!(Stream::new(0, "golden", 0).generator().next_u64(), 1_085_776_724_067_775_951);
        assert_eq!(Stream::new(1, "golden", 2).uniform(3, -1.0, 1.0), [0.5787419, -0.59306884, -0.13027024]);
        assert_eq!(Stream::new(1, "golden", 3).normal(3), [2.5058498, -0.3047015, 1.2227852]);
        assert_eq!(Stream::new(1, "golden", 4).permutation(8), [5, 0, 7, 6, 1, 3, 2, 4]);
        let mut stream = Stream::new(1, "golden", 5);
        assert_eq!([(); 4].map(|()| stream.index(1000)), [798, 359, 314, 319]);
        assert_eq!(Stream::new(1, "golden", 6).choose(b"brigand"), Some(&b'r'));
    }

    #[test]
    fn seed_purpose_and_step_each_matter() {
        let draw = |seed, purpose, step| Stream::new(seed, purpose, step).normal(4);
        let first = draw(7, "latent", 3);
        assert_eq!(first, draw(7, "latent", 3));
        for other in [draw(8, "latent", 3), draw(7, "latents", 3), draw(7, "latent", 4), draw(3, "latent", 7)]
        {
            assert!(first.iter().zip(&other).all(|(a, b)| a != b), "{first:?} {other:?}");
        }
    }

    #[test]
    fn neighbouring_steps_are_uncorrelated() {
        let n = 20_000;
        let a = Stream::new(0, "latent", 0).normal(n);
        let b = Stream::new(0, "latent", 1).normal(n);
        let correlation: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum::<f32>() / n as f32;
        assert!(correlation.abs() < 4.0 / (n as f32).sqrt(), "{correlation}");
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let n = 100_000usize;
        let moment = |x: &[f32], p: i32| x.iter().map(|&v| f64::from(v).powi(p)).sum::<f64>() / n as f64;
        let normal = Stream::new(5, "moments", 0).normal(n);
        assert!(moment(&normal, 1).abs() < 0.013);
        assert!((moment(&normal, 2) - 1.0).abs() < 0.02);
        assert!(moment(&normal, 3).abs() < 0.05);
        assert!((moment(&normal, 4) - 3.0).abs() < 0.13);
        let uniform = Stream::new(5, "moments", 1).uniform(n, -1.0, 3.0);
        assert!(uniform.iter().all(|&v| (-1.0..3.0).contains(&v)));
        assert!((moment(&uniform, 1) - 1.0).abs() < 0.015);
        assert!((moment(&uniform, 2) - 1.0 - 4.0 / 3.0).abs() < 0.025);
    }

    #[test]
    fn index_is_even_and_safe_at_zero() {
        let mut stream = Stream::new(5, "index", 0);
        let mut counts = [0usize; 5];
        for _ in 0..50_000 {
            counts[stream.index(5)] += 1;
        }
        assert!(counts.iter().all(|&c| (9_600..10_400).contains(&c)), "{counts:?}");
        assert_eq!(stream.index(0), 0);
        assert_eq!(stream.choose::<u8>(&[]), None);
    }

    #[test]
    fn permutation_holds_each_number_once() {
        let mut order = Stream::new(5, "order", 0).permutation(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
