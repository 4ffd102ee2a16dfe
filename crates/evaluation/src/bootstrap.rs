//! Intervals from resampled samples (Efron 1979).

use super::error::{Result, refused};
use super::score::{Interval, IntervalKind};
use brigand_core::random::Stream;

/// Draws `resamples` sets of `count` of the samples `0..count` with replacement and takes `statistic` of each.
///
/// The interval holds the middle 95 percent of those values, moved so that their mean lies on `value`: a statistic
/// that is biased for few distinct samples, as FID is, would otherwise lie outside its own interval.
///
/// # Errors
/// If there are fewer than two resamples, or the statistic fails.
pub fn bootstrap(
    value: f64,
    count: usize,
    resamples: usize,
    stream: &mut Stream,
    mut statistic: impl FnMut(&[usize]) -> Result<f64>,
) -> Result<Interval> {
    if resamples < 2 {
        return refused(format!("{resamples} resamples make no interval; ask for at least 2, better 100"));
    }
    let mut rows = vec![0; count];
    let mut values = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        rows.iter_mut().for_each(|row| *row = stream.index(count));
        values.push(statistic(&rows)?);
    }
    values.sort_by(f64::total_cmp);
    let shift = value - values.iter().sum::<f64>() / resamples as f64;
    let kind = IntervalKind::Bootstrap { resamples };
    Ok(Interval { low: quantile(&values, 0.025) + shift, high: quantile(&values, 0.975) + shift, kind })
}

/// The value below which a share of the sorted `values` lies, interpolated between neighbours; NaN of none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share * values.len().saturating_sub(1) as f64;
    let at = |place: f64| values.get(place as usize).copied().unwrap_or(f64::NAN);
    at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal() {
        let values: Vec<f64> = Stream::new(1, "values", 0).normal(400).into_iter().map(f64::from).collect();
        let mean = |rows: &[usize]| Ok(rows.iter().map(|&row| values[row]).sum::<f64>() / 400.0);
        let interval = bootstrap(0.25, 400, 2000, &mut Stream::new(1, "resamples", 0), mean).unwrap();
        assert!((interval.low + 0.098 - 0.25).abs() < 0.015, "{interval:?}");
        assert!((interval.high - 0.098 - 0.25).abs() < 0.015, "{interval:?}");
        assert!(bootstrap(0.0, 3, 1, &mut Stream::new(1, "r", 0), |_| Ok(0.0)).is_err());
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0, 2.0], 1.0), 2.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
