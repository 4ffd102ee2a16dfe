//! What was measured so far, as curves whose size does not grow with the run.

use std::collections::BTreeMap;

use super::metrics::Record;

/// Most stretches of a curve. Of more, neighbours become one.
const MOST: usize = 1200;

/// Every measurement of a run by name. A short run keeps each value; of a longer one, stretches of equally many values
/// with their mean, lowest and highest value, so that it takes the same room however long it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves(BTreeMap<String, Curve>);

impl Curves {
    /// Adds what was measured at a step, which comes after all that were added before.
    pub fn push(&mut self, record: &Record) {
        for (name, &value) in &record.values {
            if !self.0.contains_key(name) {
                self.0.insert(name.clone(), Curve::default());
            }
            if let Some(curve) = self.0.get_mut(name) {
                curve.push((record.step as f64, value));
            }
        }
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The curve of a measurement.
    pub fn get(&self, name: &str) -> Option<&Curve> {
        self.0.get(name)
    }

    /// The names of all measurements, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<'a> FromIterator<&'a Record> for Curves {
    fn from_iter<I: IntoIterator<Item = &'a Record>>(records: I) -> Self {
        let mut curves = Self::default();
        records.into_iter().for_each(|record| curves.push(record));
        curves
    }
}

/// The values of one measurement over the steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    stretches: Vec<Stretch>,
    /// Values in each stretch, but for the last, which may still have less.
    width: usize,
    count: usize,
}

impl Default for Curve {
    fn default() -> Self {
        Self { stretches: Vec::new(), width: 1, count: 0 }
    }
}

/// Values one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    first: f64,
    last: f64,
    /// Step and value; a value that is no number is the highest.
    lowest: (f64, f64),
    highest: (f64, f64),
    /// Of the finite values.
    sum: f64,
    finite: usize,
    count: usize,
}

impl Stretch {
    fn of(point: (f64, f64)) -> Self {
        let finite = point.1.is_finite();
        Self {
            first: point.0,
            last: point.0,
            lowest: point,
            highest: point,
            sum: if finite { point.1 } else { 0.0 },
            finite: usize::from(finite),
            count: 1,
        }
    }

    /// This stretch and the one after it.
    fn and(self, next: Self) -> Self {
        Self {
            first: self.first,
            last: next.last,
            lowest: if next.lowest.1.total_cmp(&self.lowest.1).is_lt() { next.lowest } else { self.lowest },
            highest: if next.highest.1.total_cmp(&self.highest.1).is_gt() {
                next.highest
            } else {
                self.highest
            },
            sum: self.sum + next.sum,
            finite: self.finite + next.finite,
            count: self.count + next.count,
        }
    }
}

impl Curve {
    fn push(&mut self, point: (f64, f64)) {
        self.count += 1;
        let next = Stretch::of(point);
        match self.stretches.last_mut() {
            Some(last) if last.count < self.width => *last = last.and(next),
            Some(_) | None => self.stretches.push(next),
        }
        if self.stretches.len() > MOST {
            let halved =
                self.stretches.chunks(2).filter_map(|pair| pair.iter().copied().reduce(Stretch::and));
            self.stretches = halved.collect();
            self.width *= 2;
        }
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The values themselves, `(step, value)`; of each stretch of a long run the lowest and the highest, in order.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let mut points = Vec::with_capacity(2 * self.stretches.len());
        for &Stretch { lowest, highest, .. } in &self.stretches {
            match lowest.0.total_cmp(&highest.0) {
                std::cmp::Ordering::Less => points.extend([lowest, highest]),
                std::cmp::Ordering::Equal => points.push(lowest),
                std::cmp::Ordering::Greater => points.extend([highest, lowest]),
            }
        }
        points
    }

    /// At each stretch the mean of the finite values within `window / 2` values before and after it; NaN where a value of
    /// the stretch itself is not finite, so that a gap stays a gap.
    pub fn moving_mean(&self, window: usize) -> Vec<(f64, f64)> {
        let reach = window / 2 / self.width;
        let mean = |(index, stretch): (usize, &Stretch)| {
            let end = (index + reach + 1).min(self.stretches.len());
            let around = self.stretches.get(index.saturating_sub(reach)..end).unwrap_or_default();
            let sum: f64 = around.iter().map(|stretch| stretch.sum).sum();
            let finite: usize = around.iter().map(|stretch| stretch.finite).sum();
            let whole = stretch.finite == stretch.count;
            ((stretch.first + stretch.last) / 2.0, if whole { sum / finite as f64 } else { f64::NAN })
        };
        self.stretches.iter().enumerate().map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: impl IntoIterator<Item = f64>) -> Curve {
        let mut curve = Curve::default();
        values.into_iter().enumerate().for_each(|(step, value)| curve.push((step as f64, value)));
        curve
    }

    #[test]
    fn the_mean_smooths_noise_keeps_slopes_and_gaps() {
        let smooth = curve((0..50).map(|i| 2.0 * f64::from(i))).moving_mean(9);
        assert!(smooth[4..46].iter().all(|(x, y)| (y - 2.0 * x).abs() < 1e-9));
        assert_eq!((smooth[0].1, smooth[49].1), (4.0, 94.0));
        let noise = (0..50).map(|i| if i == 25 { f64::NAN } else { f64::from(i % 2) });
        let smooth = curve(noise).moving_mean(9);
        assert!(smooth[25].1.is_nan());
        assert!(smooth[10..40].iter().filter(|p| p.1.is_finite()).all(|p| (0.37..0.56).contains(&p.1)));
    }

    #[test]
    fn a_short_run_keeps_every_value() {
        let values: Vec<f64> = (0..MOST).map(|i| (i as f64).sin()).collect();
        let points: Vec<f64> = curve(values.clone()).points().into_iter().map(|point| point.1).collect();
        assert_eq!(points, values);
    }

    #[test]
    fn a_long_run_keeps_extremes_means_and_its_size() {
        let mut values = vec![0.5; 100_000];
        (values[777], values[55_555], values[90_000]) = (9.0, -9.0, f64::NAN);
        let long = curve(values);
        assert_eq!((long.count(), long.width), (100_000, 128));
        assert!((MOST / 2..=MOST).contains(&long.stretches.len()));
        let points = long.points();
        assert!(points.contains(&(777.0, 9.0)) && points.contains(&(55_555.0, -9.0)));
        assert!(points.iter().any(|point| point.0 == 90_000.0 && point.1.is_nan()));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let mean = long.moving_mean(500);
        assert!((mean[6].1 - (0.5 + 8.5 / 384.0)).abs() < 1e-12, "{:?}", mean[6]);
        assert_eq!(mean.iter().filter(|point| point.1.is_nan()).count(), 1);
    }

    /// A resumed run reads the records that a straight one has pushed.
    #[test]
    fn the_same_records_give_the_same_curves() {
        let records: Vec<Record> = (0..5000)
            .map(|step| Record { step, time: None, values: BTreeMap::from([("loss".into(), step as f64)]) })
            .collect();
        let mut pushed: Curves = records[..1700].iter().collect();
        records[1700..].iter().for_each(|record| pushed.push(record));
        assert_eq!(pushed, records.iter().collect());
        assert_eq!(pushed.names().collect::<Vec<_>>(), ["loss"]);
    }
}
