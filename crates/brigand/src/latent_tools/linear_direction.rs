//! Which way in a space leads from what lacks an attribute to what has it.

/// Weight of the squared length of a logistic direction: keeps it finite where a plane parts the points cleanly.
const DECAY: f64 = 1e-2;
const ITERATIONS: usize = 300;
/// A direction of which less than this share is left points nowhere.
const LEAST_LEFT: f64 = 1e-3;

/// From the mean of the points without the attribute to the mean of those with it, of length 1; `None` if one of the
/// two kinds is missing or the means agree. `points` are rows of `width` numbers.
pub fn mean_difference(points: &[f64], width: usize, has: &[bool]) -> Option<Vec<f64>> {
    let mean = |wanted: bool| {
        let mut sum = vec![0.0; width];
        let mut count = 0.0;
        for (row, _) in points.chunks_exact(width.max(1)).zip(has).filter(|(_, has)| **has == wanted) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        sum.iter_mut().for_each(|sum| *sum /= count);
        (count > 0.0).then_some(sum)
    };
    let (with, without) = (mean(true)?, mean(false)?);
    unit(with.iter().zip(&without).map(|(a, b)| a - b).collect())
}

/// The normal of the plane that logistic regression puts between points with and without the attribute, towards those
/// with it, of length 1; `None` if one of the two kinds is missing. `points` are rows of `width` numbers of about unit
/// variance. Both kinds weigh the same, however rare one is; the squared length is penalised by 0.01.
pub fn logistic(points: &[f64], width: usize, has: &[bool]) -> Option<Vec<f64>> {
    let (all, with) = (has.len() as f64, has.iter().filter(|has| **has).count() as f64);
    if with == 0.0 || with == all || width == 0 {
        return None;
    }
    let (mut weights, mut bias) = (vec![0.0; width], 0.0);
    let mut previous = vec![0.0; width + 1];
    // Nesterov's momentum; the loss is smooth with a constant of about a quarter, so steps of 1 are safe.
    for iteration in 0..ITERATIONS {
        let momentum = iteration as f64 / (iteration as f64 + 3.0);
        let ahead: Vec<f64> = weights.iter().zip(&previous).map(|(w, step)| w + momentum * step).collect();
        let ahead_bias = bias + momentum * previous[width];
        let mut slope: Vec<f64> = ahead.iter().map(|weight| DECAY * weight).collect();
        let mut bias_slope = 0.0;
        for (row, &has) in points.chunks_exact(width).zip(has) {
            let score = ahead_bias + row.iter().zip(&ahead).map(|(x, w)| x * w).sum::<f64>();
            let share = if has { 0.5 / with } else { 0.5 / (all - with) };
            let miss = share * (1.0 / (1.0 + (-score).exp()) - f64::from(u8::from(has)));
            slope.iter_mut().zip(row).for_each(|(slope, x)| *slope += miss * x);
            bias_slope += miss;
        }
        for ((weight, ahead), (slope, step)) in
            weights.iter_mut().zip(&ahead).zip(slope.iter().zip(&mut previous))
        {
            let next = ahead - slope;
            *step = next - *weight;
            *weight = next;
        }
        let next = ahead_bias - bias_slope;
        previous[width] = next - bias;
        bias = next;
    }
    unit(weights)
}

/// What is left of `direction` when everything it shares with `others` is taken away (Gram and Schmidt), of length 1;
/// `None` if it lies within them.
pub fn orthogonal_to(direction: &[f64], others: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(others.len());
    for other in others {
        basis.extend(remainder(other, &basis));
    }
    remainder(direction, &basis)
}

fn remainder(direction: &[f64], basis: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut left = unit(direction.to_vec())?;
    for axis in basis {
        let shared: f64 = left.iter().zip(axis).map(|(a, b)| a * b).sum();
        left.iter_mut().zip(axis).for_each(|(left, axis)| *left -= shared * axis);
    }
    if length(&left) > LEAST_LEFT { unit(left) } else { None }
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn unit(mut values: Vec<f64>) -> Option<Vec<f64>> {
    let length = length(&values);
    values.iter_mut().for_each(|value| *value /= length);
    (length > 0.0 && length.is_finite()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    const WIDTH: usize = 5;
    const TRUE: [f64; WIDTH] = [0.6, 0.0, -0.8, 0.0, 0.0];

    /// Normal points, of which those beyond `threshold` along [`TRUE`] have the attribute, with noise.
    fn labelled(threshold: f64) -> (Vec<f64>, Vec<bool>) {
        let mut stream = Stream::new(1, "a test", 0);
        let points: Vec<f64> = stream.normal(4000 * WIDTH).into_iter().map(f64::from).collect();
        let noise = stream.normal(4000);
        let has = points
            .chunks(WIDTH)
            .zip(noise)
            .map(|(row, noise)| dot(row, &TRUE) + 0.3 * f64::from(noise) > threshold);
        let has = has.collect();
        (points, has)
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn both_methods_find_the_direction_that_decides() {
        for threshold in [0.0, 1.3] {
            let (points, has) = labelled(threshold);
            for method in [mean_difference, logistic] {
                let found = method(&points, WIDTH, &has).unwrap();
                assert!((length(&found) - 1.0).abs() < 1e-12);
                assert!(dot(&found, &TRUE) > 0.99, "{threshold} {found:?}");
            }
        }
    }

    #[test]
    fn one_kind_alone_has_no_direction() {
        for method in [mean_difference, logistic] {
            assert_eq!(method(&[1.0, 2.0], 1, &[true, true]), None);
            assert_eq!(method(&[1.0, 2.0], 1, &[false, false]), None);
        }
    }

    #[test]
    fn what_is_left_is_orthogonal() {
        let others = vec![vec![1.0, 1.0, 0.0], vec![2.0, 2.0, 1e-9], vec![0.0, 1.0, 0.0]];
        let left = orthogonal_to(&[3.0, -1.0, 2.0], &others).unwrap();
        assert!(others.iter().all(|other| dot(&left, other).abs() < 1e-6) && (left[2] - 1.0).abs() < 1e-9);
        assert_eq!(orthogonal_to(&[5.0, 5.0, 0.0], &others), None);
        let alone = orthogonal_to(&[3.0, 4.0], &[]).unwrap();
        assert!((alone[0] - 0.6).abs() < 1e-12 && (alone[1] - 0.8).abs() < 1e-12);
    }
}
