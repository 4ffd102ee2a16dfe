//! Structural similarity of images, at one scale (SSIM, Wang et al. 2004) and several (MS-SSIM, Wang et al. 2003).

use super::error::{Result, refused};

/// Side of the Gaussian window, in pixels; smaller on smaller images.
const WINDOW: usize = 11;
/// Its standard deviation for a window of full size, in pixels.
const WINDOW_DEVIATION: f64 = 1.5;
/// Weights of the scales, the finest first.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/// Images side by side in memory.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    values: &'a [f32],
    shape: [usize; 4],
    low: f64,
    high: f64,
}

impl<'a> Images<'a> {
    /// Takes row-major `values` of `shape`, `[count, channels, height, width]`, black at `range.0` and white at
    /// `range.1` (`(-1.0, 1.0)` for samples of a generator).
    ///
    /// # Errors
    /// If shape or range do not fit the values, or one is not finite.
    pub fn new(values: &'a [f32], shape: [usize; 4], range: (f64, f64)) -> Result<Self> {
        let (low, high) = range;
        if shape.iter().product::<usize>() != values.len()
            || values.is_empty()
            || (high - low).is_nan()
            || high <= low
        {
            return refused(format!(
                "{} values in the range {low} to {high} are no images of shape {shape:?}",
                values.len()
            ));
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return refused(format!(
                "image {} holds a value that is not finite",
                place * shape[0] / values.len()
            ));
        }
        Ok(Self { values, shape, low, high })
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.shape[0]
    }

    /// The shorter side, in pixels.
    fn side(&self) -> usize {
        self.shape[2].min(self.shape[3])
    }

    /// The channels of one image, scaled to `[0, 1]`.
    fn planes(&self, index: usize) -> Vec<Plane> {
        let [_, channels, height, width] = self.shape;
        let (size, span) = (channels * height * width, self.high - self.low);
        let image = self.values.get(index * size..(index + 1) * size).unwrap_or_default();
        image
            .chunks_exact(height * width)
            .map(|plane| Plane {
                values: plane.iter().map(|&value| (f64::from(value) - self.low) / span).collect(),
                width,
            })
            .collect()
    }

    /// How many scales these images are large enough for: the window must fit into the coarsest.
    pub fn scales(&self) -> usize {
        (1..=WEIGHTS.len()).rev().find(|scales| self.side() >> (scales - 1) >= WINDOW).unwrap_or(1)
    }
}

/// One channel in rows of `width`.
#[derive(Clone)]
struct Plane {
    values: Vec<f64>,
    width: usize,
}

impl Plane {
    fn height(&self) -> usize {
        self.values.len() / self.width
    }

    fn product(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a * b).collect();
        Self { values, width: self.width }
    }

    /// Half the size, of means of 2x2 pixels; an odd last row or column is left out.
    fn halved(&self) -> Self {
        let rows = self.values.chunks_exact(self.width);
        let pairs = rows.clone().step_by(2).zip(rows.skip(1).step_by(2));
        let mean = |(a, b): (&[f64], &[f64])| (a.iter().sum::<f64>() + b.iter().sum::<f64>()) / 4.0;
        let values = pairs
            .flat_map(|(above, below)| above.chunks_exact(2).zip(below.chunks_exact(2)).map(mean))
            .collect();
        Self { values, width: self.width / 2 }
    }

    /// Weighted means over the window wherever it fits.
    fn smoothed(&self, window: &[f64]) -> Self {
        let weighted = |values: &[f64]| values.iter().zip(window).map(|(v, w)| v * w).sum::<f64>();
        let across: Vec<f64> = self
            .values
            .chunks_exact(self.width)
            .flat_map(|row| row.windows(window.len()).map(weighted))
            .collect();
        let width = self.width + 1 - window.len();
        let mut values = vec![0.0; (self.height() + 1 - window.len()) * width];
        for (row, out) in values.chunks_exact_mut(width).enumerate() {
            for (line, weight) in across.chunks_exact(width).skip(row).zip(window) {
                out.iter_mut().zip(line).for_each(|(out, value)| *out += weight * value);
            }
        }
        Self { values, width }
    }
}

/// The similarity of two images, the mean over their channels and positions; 1 for equal ones.
///
/// With one scale it is SSIM. With more it is the product over the scales of contrast and structure, and of luminance
/// at the coarsest, each to its weight; weights of fewer than five scales are scaled up to their sum, and a negative
/// factor counts as 0. Values are taken relative to black.
///
/// # Errors
/// If an image does not exist, or the images are too small for the scales.
pub fn similarity(images: Images<'_>, pair: (usize, usize), scales: usize) -> Result<f64> {
    let most = images.scales();
    if scales == 0 || scales > most {
        return refused(format!(
            "images with a side of {} pixels are too small for {scales} scales; use 1 to {most}",
            images.side()
        ));
    }
    if pair.0.max(pair.1) >= images.count() {
        return refused(format!("images {pair:?} were asked for, there are {}", images.count()));
    }
    let (mut x, mut y) = (images.planes(pair.0), images.planes(pair.1));
    if scales == 1 {
        return Ok(compare(&x, &y).0);
    }
    let total: f64 = WEIGHTS.iter().take(scales).sum();
    let mut result = 1.0;
    for (scale, weight) in WEIGHTS.iter().take(scales).enumerate() {
        let (whole, structure) = compare(&x, &y);
        let factor = if scale + 1 == scales { whole } else { structure };
        result *= factor.max(0.0).powf(weight / total);
        x = x.iter().map(Plane::halved).collect();
        y = y.iter().map(Plane::halved).collect();
    }
    Ok(result)
}

/// The mean similarity, and that of contrast and structure alone.
fn compare(x: &[Plane], y: &[Plane]) -> (f64, f64) {
    const C1: f64 = 0.01 * 0.01;
    const C2: f64 = 0.03 * 0.03;
    let (mut whole, mut structure, mut count) = (0.0, 0.0, 0);
    for (x, y) in x.iter().zip(y) {
        let window = window(x.width.min(x.height()));
        let smooth = |plane: &Plane| plane.smoothed(&window).values;
        let means = smooth(x).into_iter().zip(smooth(y));
        let squares = smooth(&x.product(x)).into_iter().zip(smooth(&y.product(y)));
        for (((mx, my), (xx, yy)), xy) in means.zip(squares).zip(smooth(&x.product(y))) {
            let luminance = (2.0 * mx * my + C1) / (mx * mx + my * my + C1);
            let contrast = (2.0 * (xy - mx * my) + C2) / (xx - mx * mx + yy - my * my + C2);
            structure += contrast;
            whole += luminance * contrast;
            count += 1;
        }
    }
    (whole / f64::from(count), structure / f64::from(count))
}

/// A Gaussian window as wide as the image allows, summing to 1.
fn window(side: usize) -> Vec<f64> {
    let size = WINDOW.min(side);
    let deviation = WINDOW_DEVIATION * size as f64 / WINDOW as f64;
    let centre = (size - 1) as f64 / 2.0;
    let weight = |i: usize| (-((i as f64 - centre) / deviation).powi(2) / 2.0).exp();
    let total: f64 = (0..size).map(weight).sum();
    (0..size).map(|i| weight(i) / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::random::Stream;

    fn constant(side: usize, values: [f32; 2]) -> Vec<f32> {
        values.iter().flat_map(|&value| vec![value; side * side]).collect()
    }

    fn noise(count: usize, side: usize) -> Vec<f32> {
        Stream::new(1, "images", 0).uniform(count * side * side, 0.0, 1.0)
    }

    fn images(values: &[f32], side: usize) -> Images<'_> {
        Images::new(values, [values.len() / side / side, 1, side, side], (0.0, 1.0)).unwrap()
    }

    #[test]
    fn constants_differ_in_luminance_alone() {
        let values = constant(176, [0.25, 0.75]);
        let found = images(&values, 176);
        assert_eq!(found.scales(), 5);
        assert!((similarity(found, (0, 1), 1).unwrap() - 0.600064).abs() < 1e-5);
        assert!((similarity(found, (0, 1), 5).unwrap() - 0.934187).abs() < 1e-5);
        // The same images in [-1, 1].
        let values = constant(32, [-0.5, 0.5]);
        let found = Images::new(&values, [2, 1, 32, 32], (-1.0, 1.0)).unwrap();
        assert!((similarity(found, (1, 0), 1).unwrap() - 0.600064).abs() < 1e-5);
    }

    #[test]
    fn equal_images_are_alike_at_every_scale_and_others_are_not() {
        let values = noise(2, 64);
        let found = images(&values, 64);
        assert_eq!(found.scales(), 3);
        for scales in 1..=3 {
            assert!((similarity(found, (1, 1), scales).unwrap() - 1.0).abs() < 1e-12);
            let there = similarity(found, (0, 1), scales).unwrap();
            let back = similarity(found, (1, 0), scales).unwrap();
            assert!(there < 0.6 && (there - back).abs() < 1e-12);
        }
    }

    /// Expected values: the definition with SciPy's two-dimensional convolution.
    #[test]
    fn textures_have_the_values_of_the_definition() {
        let texture = |bump: usize| {
            (0..26 * 24).map(move |place| {
                let (i, j) = (place / 24, place % 24);
                ((3 * i + 5 * j + bump * (i * j % 3)) % 7) as f32 / 8.0
            })
        };
        let values: Vec<f32> = texture(0).chain(texture(1)).collect();
        let found = Images::new(&values, [2, 1, 26, 24], (0.0, 1.0)).unwrap();
        assert!((similarity(found, (0, 1), 1).unwrap() - 0.562_416_401_9).abs() < 1e-9);
        assert!((similarity(found, (0, 1), 2).unwrap() - 0.382_169_609_3).abs() < 1e-9);
    }

    #[test]
    fn small_images_have_a_small_window_and_one_scale() {
        let values = noise(2, 8);
        let found = images(&values, 8);
        assert_eq!(found.scales(), 1);
        assert!((similarity(found, (0, 0), 1).unwrap() - 1.0).abs() < 1e-12);
        let message = similarity(found, (0, 1), 2).unwrap_err().to_string();
        assert!(message.contains("a side of 8 pixels are too small for 2 scales"), "{message}");
        assert!((window(8).iter().sum::<f64>() - 1.0).abs() < 1e-12 && window(8).len() == 8);
        assert_eq!((images(&noise(1, 28), 28).scales(), images(&noise(1, 32), 32).scales()), (2, 2));
    }

    #[test]
    fn halving_averages_and_drops_the_odd_edge() {
        let plane = Plane { values: (0..15).map(f64::from).collect(), width: 5 };
        let halved = plane.halved();
        assert_eq!((halved.width, &*halved.values), (2, &[3.0, 5.0][..]));
    }

    #[test]
    fn what_are_no_images_is_refused() {
        assert!(Images::new(&[0.0; 5], [1, 1, 2, 2], (0.0, 1.0)).is_err());
        assert!(Images::new(&[0.0; 4], [1, 1, 2, 2], (1.0, 1.0)).is_err());
        assert!(
            Images::new(&[0.0, f32::NAN], [2, 1, 1, 1], (0.0, 1.0))
                .unwrap_err()
                .to_string()
                .contains("image 1")
        );
    }
}
