//! Functions as points.

/// `count + 1` equally spaced numbers from `low` to `high`.
pub(super) fn spaced(low: f64, high: f64, count: u32) -> impl Iterator<Item = f64> + Clone {
    (0..=count).map(move |index| low + (high - low) * f64::from(index) / f64::from(count.max(1)))
}

/// The graph of `function` over `count` intervals from `low` to `high`.
pub(super) fn graph(low: f64, high: f64, count: u32, function: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    spaced(low, high, count).map(|x| (x, function(x))).collect()
}

/// The points joined to their values.
pub(super) fn zipped(x: impl IntoIterator<Item = f64>, y: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
    x.into_iter().zip(y).collect()
}
