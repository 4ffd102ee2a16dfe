//! Parameter updates, one pass over parameter, gradient and state each.
//!
//! The new parameter goes to its own slice, because a recorded graph may still hold the old one; the state is updated
//! in place. The arithmetic is PyTorch's, scalar factors computed in double precision.
use crate::dispatch::vectorised;
use crate::elementwise::{in_blocks, in_chunks};
use crate::float::Float;

/// Elements one task updates.
const BLOCK: usize = 16_384;

/// The settings of one step of Adam (Kingma and Ba 2014, arXiv 1412.6980) or AdamW (Loshchilov and Hutter 2017,
/// arXiv 1711.05101).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the corrected second moment.
    pub epsilon: f64,
    /// The factor of weight decay.
    pub weight_decay: f64,
    /// Whether the decay acts on the parameter (AdamW) and not through the gradient (Adam with L2 regularisation).
    pub decoupled: bool,
    /// Number of this step, counted from 1.
    pub step: u64,
}

/// The settings of one step of RMSprop (Tieleman and Hinton 2012), not centred.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmspropStep {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the mean square.
    pub alpha: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Decay of the accumulated updates; 0 for none.
    pub momentum: f64,
    /// Factor of the L2 regularisation.
    pub weight_decay: f64,
}

/// The settings of one step of gradient descent, without dampening.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the accumulated gradients; 0 for none.
    pub momentum: f64,
    /// Whether to look ahead along the accumulated gradients (Sutskever et al. 2013).
    pub nesterov: bool,
    /// Factor of the L2 regularisation.
    pub weight_decay: f64,
    /// Whether this is the first step, which only stores the gradient in the buffer.
    pub first: bool,
}

/// The slices one task works on.
struct Piece<'a, T> {
    parameter: &'a [T],
    gradient: &'a [T],
    updated: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

/// Cuts the slices alike and updates the pieces, on several threads when they are large. A state that is not used is
/// empty.
fn update<T: Float>(whole: Piece<'_, T>, body: impl Fn(&mut Piece<'_, T>) + Sync) {
    let length = whole.updated.len();
    assert_eq!(whole.parameter.len(), length, "parameter and updated parameter differ in length");
    assert_eq!(whole.gradient.len(), length, "gradient and parameter differ in length");
    for state in [&whole.first, &whole.second] {
        assert!(state.is_empty() || state.len() == length, "state and parameter differ in length");
    }
    let (mut firsts, mut seconds) = (whole.first.chunks_mut(BLOCK), whole.second.chunks_mut(BLOCK));
    let read = whole.parameter.chunks(BLOCK).zip(whole.gradient.chunks(BLOCK));
    let mut pieces: Vec<Piece<'_, T>> = read
        .zip(whole.updated.chunks_mut(BLOCK))
        .map(|((parameter, gradient), updated)| Piece {
            parameter,
            gradient,
            updated,
            first: firsts.next().unwrap_or_default(),
            second: seconds.next().unwrap_or_default(),
        })
        .collect();
    in_chunks(length, &mut pieces, 1, |_, pieces| pieces.iter_mut().for_each(&body));
}

vectorised! {
    fn adam_piece<T: Float>(settings: AdamStep, piece: &mut Piece<'_, T>) {
        let AdamStep { learning_rate, beta1, beta2, epsilon, weight_decay, decoupled, step } = settings;
        let step = step as f64;
        let step_size = T::of(learning_rate / (1.0 - beta1.powf(step)));
        let root_correction = T::of((1.0 - beta2.powf(step)).sqrt());
        let (new_in_first, new_in_second) = (T::of(1.0 - beta1), T::of(1.0 - beta2));
        let (beta2, epsilon) = (T::of(beta2), T::of(epsilon));
        let shrink = T::of(if decoupled { 1.0 - learning_rate * weight_decay } else { 1.0 });
        let decay = T::of(if decoupled { 0.0 } else { weight_decay });
        let read = piece.parameter.iter().zip(piece.gradient);
        let written = piece.updated.iter_mut().zip(piece.first.iter_mut()).zip(piece.second.iter_mut());
        for ((&p, &g), ((updated, m), v)) in read.zip(written) {
            let g = g + decay * p;
            *m += (g - *m) * new_in_first;
            *v = *v * beta2 + g * g * new_in_second;
            let denominator = v.square_root() / root_correction + epsilon;
            *updated = p * shrink - step_size * *m / denominator;
        }
    }
}

vectorised! {
    fn rmsprop_piece<T: Float>(settings: RmspropStep, piece: &mut Piece<'_, T>) {
        let (rate, epsilon) = (T::of(settings.learning_rate), T::of(settings.epsilon));
        let (alpha, new) = (T::of(settings.alpha), T::of(1.0 - settings.alpha));
        let (momentum, decay) = (T::of(settings.momentum), T::of(settings.weight_decay));
        let read = piece.parameter.iter().zip(piece.gradient);
        let written = piece.updated.iter_mut().zip(piece.first.iter_mut());
        let next = |p: T, g: T, square: &mut T| {
            let g = g + decay * p;
            *square = *square * alpha + g * g * new;
            g / (square.square_root() + epsilon)
        };
        if piece.second.is_empty() {
            for ((&p, &g), (updated, square)) in read.zip(written) {
                *updated = p - rate * next(p, g, square);
            }
        } else {
            for (((&p, &g), (updated, square)), buffer) in read.zip(written).zip(piece.second.iter_mut()) {
                *buffer = momentum * *buffer + next(p, g, square);
                *updated = p - rate * *buffer;
            }
        }
    }
}

vectorised! {
    fn sgd_piece<T: Float>(settings: SgdStep, piece: &mut Piece<'_, T>) {
        let (rate, decay) = (T::of(settings.learning_rate), T::of(settings.weight_decay));
        let momentum = T::of(settings.momentum);
        let read = piece.parameter.iter().zip(piece.gradient).map(|(&p, &g)| (p, g + decay * p));
        let written = piece.updated.iter_mut();
        if piece.first.is_empty() {
            read.zip(written).for_each(|((p, g), updated)| *updated = p - rate * g);
            return;
        }
        for (((p, g), updated), buffer) in read.zip(written).zip(piece.first.iter_mut()) {
            *buffer = if settings.first { g } else { momentum * *buffer + g };
            let direction = if settings.nesterov { g + momentum * *buffer } else { *buffer };
            *updated = p - rate * direction;
        }
    }
}

vectorised! {
    fn average_piece<T: Float>(decay: f64, average: &mut [T], value: &[T]) {
        let new = T::of(1.0 - decay);
        for (average, &value) in average.iter_mut().zip(value) {
            *average += (value - *average) * new;
        }
    }
}

/// One step of Adam or AdamW: with `g` the gradient, plus `weight_decay p` unless decoupled,
/// `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g^2`,
/// `updated = p - learning_rate m / (1 - beta1^step) / (sqrt(v) / sqrt(1 - beta2^step) + epsilon)`; decoupled, `p` is
/// first multiplied by `1 - learning_rate weight_decay`. Both moments start at 0.
///
/// # Panics
/// When the lengths differ.
pub fn adam<T: Float>(
    settings: &AdamStep,
    parameter: &[T],
    gradient: &[T],
    first_moment: &mut [T],
    second_moment: &mut [T],
    updated: &mut [T],
) {
    assert_eq!(first_moment.len(), updated.len(), "first moment and parameter differ in length");
    assert_eq!(second_moment.len(), updated.len(), "second moment and parameter differ in length");
    let whole = Piece { parameter, gradient, updated, first: first_moment, second: second_moment };
    update(whole, |piece| adam_piece(*settings, piece));
}

/// One step of RMSprop: with `g` the gradient plus `weight_decay p`, `s = alpha s + (1 - alpha) g^2`,
/// `updated = p - learning_rate g / (sqrt(s) + epsilon)`; with momentum, the quotient is added to `momentum buffer`
/// first. State starts at 0. Without momentum `buffer` must be empty.
///
/// # Panics
/// When the lengths differ.
pub fn rmsprop<T: Float>(
    settings: &RmspropStep,
    parameter: &[T],
    gradient: &[T],
    mean_square: &mut [T],
    buffer: &mut [T],
    updated: &mut [T],
) {
    assert_eq!(mean_square.len(), updated.len(), "mean square and parameter differ in length");
    check_buffer(settings.momentum, buffer, updated);
    let whole = Piece { parameter, gradient, updated, first: mean_square, second: buffer };
    update(whole, |piece| rmsprop_piece(*settings, piece));
}

/// One step of gradient descent: with `g` the gradient plus `weight_decay p`, `updated = p - learning_rate g`; with
/// momentum `buffer = momentum buffer + g` (at first `g`) takes the place of `g`, or `g + momentum buffer` does
/// (Nesterov). Without momentum `buffer` must be empty.
///
/// # Panics
/// When the lengths differ.
pub fn sgd<T: Float>(
    settings: &SgdStep,
    parameter: &[T],
    gradient: &[T],
    buffer: &mut [T],
    updated: &mut [T],
) {
    check_buffer(settings.momentum, buffer, updated);
    let whole = Piece { parameter, gradient, updated, first: buffer, second: &mut [] };
    update(whole, |piece| sgd_piece(*settings, piece));
}

/// Panics unless there is a buffer exactly when there is momentum.
fn check_buffer<T>(momentum: f64, buffer: &[T], updated: &[T]) {
    let wanted = if momentum == 0.0 { 0 } else { updated.len() };
    assert_eq!(
        buffer.len(),
        wanted,
        "the buffer must have the parameter's length with momentum and be empty without"
    );
}

/// `average = decay average + (1 - decay) value`, in place.
///
/// # Panics
/// When the lengths differ.
pub fn exponential_average<T: Float>(average: &mut [T], value: &[T], decay: f64) {
    assert_eq!(average.len(), value.len(), "average and value differ in length");
    in_blocks(average, |range, average| average_piece(decay, average, &value[range]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementwise::PARALLEL_FROM;

    fn values(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| ((i + seed * 7919) * 2_654_435_761 % 4001) as f64 / 1000.0 - 2.0).collect()
    }

    fn single(x: &[f64]) -> Vec<f32> {
        x.iter().map(|&x| x as f32).collect()
    }

    #[track_caller]
    fn close(got: &[f32], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        for (&got, &want) in got.iter().zip(want) {
            assert!((f64::from(got) - want).abs() <= 1e-6 * want.abs().max(0.1), "{got} for {want}");
        }
    }

    /// Sizes around a vector, a block and the parallel bound.
    const COUNTS: [usize; 5] = [0, 1, 17, 1000, PARALLEL_FROM + 5];

    #[test]
    fn adam_equals_the_published_formula() {
        for (count, decoupled) in COUNTS.into_iter().flat_map(|count| [(count, false), (count, true)]) {
            let (beta1, beta2, rate, decay) = (0.5, 0.99, 1e-2, 0.1);
            let mut p = values(count, 0);
            let (mut m, mut v) = (vec![0.0; count], vec![0.0; count]);
            let (mut got, mut got_m, mut got_v) = (single(&p), single(&m), single(&v));
            for step in 1..=3_u64 {
                let g = values(count, step as usize);
                for i in 0..count {
                    let g = g[i] + if decoupled { 0.0 } else { decay * p[i] };
                    p[i] *= if decoupled { 1.0 - rate * decay } else { 1.0 };
                    m[i] = beta1 * m[i] + (1.0 - beta1) * g;
                    v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
                    let corrected = v[i] / (1.0 - beta2.powi(step as i32));
                    p[i] -= rate * m[i] / (1.0 - beta1.powi(step as i32)) / (corrected.sqrt() + 1e-8);
                }
                let settings = AdamStep {
                    learning_rate: rate,
                    beta1,
                    beta2,
                    epsilon: 1e-8,
                    weight_decay: decay,
                    decoupled,
                    step,
                };
                let old = got.clone();
                got.fill(f32::NAN);
                adam(&settings, &old, &single(&g), &mut got_m, &mut got_v, &mut got);
            }
            close(&got, &p);
            close(&got_m, &m);
            close(&got_v, &v);
        }
    }

    #[test]
    fn rmsprop_equals_the_published_formula() {
        for (count, momentum) in COUNTS.into_iter().flat_map(|count| [(count, 0.0), (count, 0.9)]) {
            let mut p = values(count, 0);
            let (mut square, mut buffer) = (vec![0.0; count], vec![0.0; count]);
            let (mut got, mut got_square) = (single(&p), single(&square));
            let mut got_buffer = if momentum == 0.0 { vec![] } else { single(&buffer) };
            for step in 1..=3 {
                let g = values(count, step);
                for i in 0..count {
                    let g = g[i] + 0.1 * p[i];
                    square[i] = 0.9 * square[i] + 0.1 * g * g;
                    buffer[i] = momentum * buffer[i] + g / (square[i].sqrt() + 1e-8);
                    p[i] -= 1e-2 * buffer[i];
                }
                let settings = RmspropStep {
                    learning_rate: 1e-2,
                    alpha: 0.9,
                    epsilon: 1e-8,
                    momentum,
                    weight_decay: 0.1,
                };
                let old = got.clone();
                rmsprop(&settings, &old, &single(&g), &mut got_square, &mut got_buffer, &mut got);
            }
            close(&got, &p);
            close(&got_square, &square);
        }
    }

    #[test]
    fn sgd_equals_the_published_formula() {
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            for count in COUNTS {
                let (mut p, mut buffer) = (values(count, 0), vec![0.0; count]);
                let mut got = single(&p);
                let mut got_buffer = if momentum == 0.0 { vec![] } else { vec![f32::NAN; count] };
                for step in 1..=3 {
                    let g = values(count, step);
                    for i in 0..count {
                        let g = g[i] + 0.1 * p[i];
                        buffer[i] = momentum * buffer[i] + g;
                        p[i] -= 1e-2 * if nesterov { g + momentum * buffer[i] } else { buffer[i] };
                    }
                    let first = step == 1;
                    let settings =
                        SgdStep { learning_rate: 1e-2, momentum, nesterov, weight_decay: 0.1, first };
                    let old = got.clone();
                    sgd(&settings, &old, &single(&g), &mut got_buffer, &mut got);
                }
                close(&got, &p);
            }
        }
    }

    #[test]
    fn averages_approach_the_value() {
        for count in COUNTS {
            let (mut average, value) = (values(count, 1), values(count, 2));
            let before = average.clone();
            exponential_average(&mut average, &value, 0.75);
            for i in 0..count {
                assert!((average[i] - (0.75 * before[i] + 0.25 * value[i])).abs() < 1e-15);
            }
            exponential_average(&mut average, &value, 0.0);
            assert!(average.iter().zip(&value).all(|(a, v)| (a - v).abs() < 1e-15));
        }
    }
}
