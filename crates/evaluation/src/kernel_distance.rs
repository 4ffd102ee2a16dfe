//! Kernel Inception Distance (Bińkowski et al. 2018).

use super::error::{Result, refused};
use super::features::Features;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::parts::Parts;
use super::protocol::Setting;
use super::score::Score;
use brigand_core::random::Stream;
use brigand_linear_algebra::inner_products;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "kid",
    summary: "maximum mean discrepancy of the features with a polynomial kernel; not biased by the number of samples",
    needs: &[Need::RealFeatures, Need::GeneratedFeatures],
    scores: &[ScoreRow { name: "kid", better: Better::Lower }],
    usual: true,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let (real, generated) = (inputs.real_features()?, inputs.generated_features()?);
    // Subsets of nearly all samples would be nearly equal, and their deviation meaningless.
    let half = real.count().min(generated.count()) / 2;
    let size = Subsets::default().size.min(half.max(2));
    let subsets = Subsets { size, ..Subsets::default() };
    let setting = inputs.setting();
    Ok(vec![KernelDistance::between(real, generated, subsets, setting.seed)?.score(setting)?])
}

/// What subsets are drawn for.
const PURPOSE: &str = "evaluation/kid";

/// Which subsets are compared. The defaults are the paper's and everybody's: 100 of 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsets {
    /// How many.
    pub count: usize,
    /// Samples of either side in each, drawn without replacement.
    pub size: usize,
}

impl Default for Subsets {
    fn default() -> Self {
        Self { count: 100, size: 1000 }
    }
}

/// The unbiased squared MMD of each pair of subsets.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelDistance {
    subsets: Subsets,
    parts: Parts,
}

impl KernelDistance {
    /// Compares random subsets of two sets. The draws depend on `seed` and on nothing else.
    ///
    /// # Errors
    /// If the dimensions differ, or a set is smaller than a subset.
    pub fn between(real: &Features, generated: &Features, subsets: Subsets, seed: u64) -> Result<Self> {
        real.check_dimensions(generated)?;
        let smaller = real.count().min(generated.count());
        if smaller < 2 {
            return refused(format!(
                "kid compares subsets of at least 2 samples, and there are {} real and {} generated ones; give at least \
                 2 on either side, and hundreds for a reliable distance",
                real.count(),
                generated.count()
            ));
        }
        if subsets.count == 0 || subsets.size < 2 || subsets.size > smaller {
            return refused(format!(
                "{} subsets of {} cannot be drawn from {} real and {} generated samples; \
                 ask for at least 1 subset, of 2 to {smaller} samples",
                subsets.count,
                subsets.size,
                real.count(),
                generated.count()
            ));
        }
        let value = |subset: usize| {
            let draw = |features: &Features, side: &str| {
                let purpose = format!("{PURPOSE}/{side}");
                let mut rows = Stream::new(seed, &purpose, subset as u64).permutation(features.count());
                rows.truncate(subsets.size);
                features.select(&rows)
            };
            squared_mmd(&draw(real, "real")?, &draw(generated, "generated")?)
        };
        Ok(Self { subsets, parts: Parts((0..subsets.count).map(value).collect::<Result<_>>()?) })
    }

    /// The metric; it can be negative.
    pub fn mean(&self) -> f64 {
        self.parts.mean()
    }

    /// The standard deviation over the subsets, with divisor `n`.
    pub fn deviation(&self) -> f64 {
        self.parts.deviation()
    }

    /// The distance as a score, with one standard deviation to either side.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, setting: &Setting) -> Result<Score> {
        let Subsets { count, size } = self.subsets;
        let parameters = [
            ("subsets", count.into()),
            ("subset_size", size.into()),
            ("kernel", "(x.y/d + 1)^3".into()),
            ("estimator", "unbiased".into()),
            ("drawn", format!("seeded permutations {PURPOSE}/real and {PURPOSE}/generated").into()),
        ];
        let mut warnings = Vec::new();
        if size < 100 {
            warnings.push(format!(
                "subsets of {size} samples leave the distance unbiased but scattered; 1000 are usual"
            ));
        }
        Score::new(self.mean(), Some(self.parts.interval()), setting.protocol("kid", parameters), warnings)
    }
}

/// The unbiased estimate of the squared maximum mean discrepancy with the kernel `(x·y/d + 1)³`:
/// `sum_{i≠j} k(x_i, x_j) / (m (m-1)) + sum_{i≠j} k(y_i, y_j) / (n (n-1)) - 2 mean k(x_i, y_j)`.
///
/// All at once, in memory for the kernel matrix of all pairs.
///
/// # Errors
/// If the dimensions differ or a set has only one sample.
pub fn squared_mmd(x: &Features, y: &Features) -> Result<f64> {
    x.check_dimensions(y)?;
    let (m, n) = (x.count(), y.count());
    if m < 2 || n < 2 {
        return refused(format!("{m} and {n} samples make no unbiased distance; give at least 2 of each"));
    }
    let within = |x: &Features, n: usize| kernel_sum(x, x, true) / (n * (n - 1)) as f64;
    Ok(within(x, m) + within(y, n) - 2.0 * kernel_sum(x, y, false) / (m * n) as f64)
}

fn kernel_sum(x: &Features, y: &Features, without_diagonal: bool) -> f64 {
    let (m, n, width) = (x.count(), y.count(), x.dimensions());
    let mut products = vec![0.0; m * n];
    inner_products(&x.rows(0..m), &y.rows(0..n), width, &mut products);
    let kernel = |product: &f64| (product / width as f64 + 1.0).powi(3);
    let row_sum = |(row, products): (usize, &[f64])| {
        let own = products.get(row).filter(|_| without_diagonal).map_or(0.0, kernel);
        products.iter().map(kernel).sum::<f64>() - own
    };
    products.chunks_exact(n).enumerate().map(row_sum).sum()
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::super::score::IntervalKind;
    use super::*;

    fn random(count: usize, shift: f32, seed: u64) -> Features {
        let values: Vec<f32> =
            Stream::new(seed, "features", 0).normal(count * 4).iter().map(|v| v + shift).collect();
        Features::new(values, 4).unwrap()
    }

    #[test]
    fn the_small_example_and_its_symmetry() {
        let (x, y) = (Features::new(vec![0.0, 1.0], 1).unwrap(), Features::new(vec![1.0, 2.0], 1).unwrap());
        assert!((squared_mmd(&x, &y).unwrap() - 9.5).abs() < 1e-12);
        assert!((squared_mmd(&y, &x).unwrap() - 9.5).abs() < 1e-12);
        // The whole set as its only subset.
        let whole = KernelDistance::between(&x, &y, Subsets { count: 1, size: 2 }, 0).unwrap();
        assert!((whole.mean() - 9.5).abs() < 1e-12 && whole.deviation() == 0.0);
    }

    #[test]
    fn equal_distributions_scatter_about_zero() {
        let subsets = Subsets { count: 50, size: 200 };
        let same = KernelDistance::between(&random(1000, 0.0, 1), &random(1000, 0.0, 2), subsets, 0).unwrap();
        let other =
            KernelDistance::between(&random(1000, 0.0, 1), &random(1000, 0.5, 2), subsets, 0).unwrap();
        assert!(same.mean().abs() < 0.05, "{}", same.mean());
        assert!(same.parts.0.iter().any(|&value| value < 0.0));
        assert!(other.mean() > 0.5 && other.deviation() < 0.5, "{}", other.mean());
    }

    #[test]
    fn seed_decides_the_subsets_and_order_of_samples_does_not_matter_to_the_whole() {
        let (x, y) = (random(50, 0.0, 1), random(40, 0.2, 2));
        let at = |seed| KernelDistance::between(&x, &y, Subsets { count: 3, size: 20 }, seed).unwrap();
        assert_eq!(at(1), at(1));
        assert_ne!(at(1).mean(), at(2).mean());
        let turned = x.select(&Stream::new(1, "order", 0).permutation(50)).unwrap();
        assert!((squared_mmd(&x, &y).unwrap() - squared_mmd(&turned, &y).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn impossible_subsets_are_refused() {
        let (x, y) = (random(50, 0.0, 1), random(40, 0.2, 2));
        let message = KernelDistance::between(&x, &y, Subsets::default(), 0).unwrap_err().to_string();
        assert!(message.contains("of 2 to 40 samples"), "{message}");
        let one = Features::new(vec![0.0; 4], 4).unwrap();
        assert!(squared_mmd(&x, &one).is_err());
        assert!(squared_mmd(&x, &Features::new(vec![0.0; 6], 3).unwrap()).is_err());
    }

    #[test]
    fn the_score_tells_its_subsets() {
        let distance = KernelDistance::between(
            &random(50, 0.0, 1),
            &random(50, 1.0, 2),
            Subsets { count: 3, size: 20 },
            0,
        );
        let score = distance.unwrap().score(&setting(50, 50)).unwrap();
        assert_eq!(score.protocol.parameters["subset_size"], 20);
        assert!(score.warnings[0].contains("subsets of 20"));
        assert_eq!(score.interval.unwrap().kind, IntervalKind::Deviation { parts: 3 });
    }
}
