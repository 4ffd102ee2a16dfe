//! Generated images beside the one real image that they were learned from: the single-image Fréchet distance and the variety of
//! pixels (Shaham et al. 2019, arXiv:1905.01164).

use brigand_autograd::{Activation, Sliding, Variable, without_recording};
use brigand_core::error::Result;
use brigand_core::random::Stream;
use candle_core::{Device, Tensor};

use super::average::Average;
use super::error::EvaluationError;
use super::features::Features;
use super::frechet::FrechetDistance;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::moments::Moments;
use super::need::Need;
use super::score::Score;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "sifid",
    summary: "of one real image: distance of each sample's patches to its patches, and how much pixels vary",
    needs: &[Need::OneRealImage, Need::RealSamples, Need::GeneratedSamples],
    scores: &[
        ScoreRow { name: "sifid", better: Better::Lower },
        ScoreRow { name: "sifid-of-shuffled-pixels", better: Better::Neither },
        ScoreRow { name: "pixel-diversity", better: Better::Neither },
    ],
    usual: true,
    slow: false,
    measure,
};

/// Random orders of the real image's pixels that samples are compared beside.
const SHUFFLES: usize = 5;
/// Output channels of the convolutions; the features of a position are those of the last.
const WIDTHS: [usize; 3] = [16, 32, 32];
/// Height and width of an image of which at least four positions are left.
const SMALLEST: usize = 12;
/// How a protocol names the features.
const FEATURES: &str = "positions of fixed random convolutions 3x3 (16, 32), mean 2x2, 3x3 (32)";

fn measure(inputs: &Inputs<'_>) -> Result<Vec<Score>> {
    let real = inputs.needed(inputs.real_samples(), "the real image itself")?;
    let generated = inputs.needed(inputs.generated_samples(), "the generated images themselves")?;
    let shape @ [channels, height, width] = match *real.shape()? {
        [channels, height, width] if height.min(width) >= SMALLEST => [channels, height, width],
        ref other => {
            return Err(EvaluationError::Input(format!(
                "sifid compares images of at least {SMALLEST}x{SMALLEST} pixels, these samples have the shape {other:?}"
            ))
            .into());
        }
    };
    if generated.count() < 2 {
        return Err(EvaluationError::Input(
            "pixel-diversity needs at least two generated images; give --count 2 or more".into(),
        )
        .into());
    }
    let network = FixedConvolutions::new(channels)?;
    let picture = inputs.values(real, &[0])?;
    let own = network.moments(&picture, shape)?;
    let distance = |image: &[f32]| {
        Ok::<_, brigand_core::Error>(FrechetDistance::between(&own, &network.moments(image, shape)?)?.value)
    };
    let (mut distances, mut pixels) = (Vec::new(), PixelVariances::new(picture.len()));
    for place in 0..generated.count() {
        let image = inputs.values(generated, &[place])?;
        distances.push(distance(&image)?);
        pixels.add(&image);
    }
    let shuffled = (0..SHUFFLES).map(|number| {
        let order = inputs.permutation(&format!("pixels/{number}"), height * width);
        let planes = picture.chunks_exact(height * width);
        let shuffled: Vec<f32> = planes
            .flat_map(|plane| order.iter().map(move |&place| plane.get(place).copied().unwrap_or_default()))
            .collect();
        distance(&shuffled)
    });
    let shuffled: Vec<f64> = shuffled.collect::<Result<_>>()?;
    let setting = inputs.setting_of_pixels(FEATURES);
    let plain = inputs.setting_of_pixels("none");
    Ok(vec![
        Average::new(distances)?.score(setting.protocol("sifid", []), vec![])?,
        Average::new(shuffled)?.score(
            setting.protocol("sifid-of-shuffled-pixels", [("drawn", inputs.drawn("pixels"))]),
            vec![],
        )?,
        Score::new(
            pixels.mean_deviation() / deviation(&picture),
            None,
            plain.protocol("pixel-diversity", []),
            vec![],
        )?,
    ])
}

/// Three convolutions without padding whose weights are the same for everyone.
struct FixedConvolutions(Vec<Variable>);

impl FixedConvolutions {
    fn new(channels: usize) -> Result<Self> {
        let mut from = channels;
        let weights = WIDTHS.iter().enumerate().map(|(number, &to)| {
            let mut stream = Stream::new(0, "evaluation/sifid/weights", number as u64);
            let scale = (2.0 / (9 * from) as f32).sqrt();
            let values: Vec<f32> =
                stream.normal(to * from * 9).into_iter().map(|draw| draw * scale).collect();
            let weight = Variable::from_slice(&values, &[to, from, 3, 3])?;
            from = to;
            Ok(weight)
        });
        Ok(Self(weights.collect::<Result<_>>()?))
    }

    /// Mean and covariance of the features of all positions of an image.
    fn moments(&self, image: &[f32], [channels, height, width]: [usize; 3]) -> Result<Moments> {
        let tensor = Tensor::from_slice(image, (1, channels, height, width), &Device::Cpu)?;
        let maps = without_recording(|| {
            let mut maps = Variable::constant(tensor);
            for (number, weight) in self.0.iter().enumerate() {
                if number == self.0.len() - 1 {
                    maps = maps.avg_pool2d(2, 2, 0)?;
                }
                maps = maps.conv2d(weight, Sliding::default())?.activate(Activation::Relu)?;
            }
            let positions = maps.shape()[2] * maps.shape()[3];
            maps.reshape(&[maps.shape()[1], positions])?.transposed()?.to_vec_f32()
        })?;
        let width = WIDTHS.last().copied().unwrap_or(1);
        Ok(Moments::of(&Features::new(maps, width)?)?)
    }
}

/// The variance of each pixel over images.
struct PixelVariances {
    count: f64,
    sums: Vec<(f64, f64)>,
}

impl PixelVariances {
    fn new(size: usize) -> Self {
        Self { count: 0.0, sums: vec![(0.0, 0.0); size] }
    }

    fn add(&mut self, image: &[f32]) {
        self.count += 1.0;
        for ((sum, squares), value) in self.sums.iter_mut().zip(image) {
            *sum += f64::from(*value);
            *squares += f64::from(*value).powi(2);
        }
    }

    /// The mean over pixels and channels of the standard deviation over images.
    fn mean_deviation(&self) -> f64 {
        let deviations = self.sums.iter().map(|(sum, squares)| {
            let mean = sum / self.count;
            ((squares / self.count - mean * mean).max(0.0) * self.count / (self.count - 1.0)).sqrt()
        });
        deviations.sum::<f64>() / self.sums.len().max(1) as f64
    }
}

/// The standard deviation of all values of an image.
fn deviation(image: &[f32]) -> f64 {
    let count = image.len().max(1) as f64;
    let mean = image.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    (image.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [1, 16, 16];

    fn stripes(phase: usize) -> Vec<f32> {
        (0..256).map(|place| if ((place % 16 + phase) / 2).is_multiple_of(2) { -0.8 } else { 0.8 }).collect()
    }

    #[test]
    fn patches_decide_the_distance_and_not_their_places() {
        let network = FixedConvolutions::new(1).unwrap();
        let of = |image: &[f32]| network.moments(image, SHAPE).unwrap();
        let distance = |image: &[f32]| FrechetDistance::between(&of(&stripes(0)), &of(image)).unwrap().value;
        let order = Stream::new(1, "a test", 0).permutation(256);
        let shuffled: Vec<f32> = order.iter().map(|&place| stripes(0)[place]).collect();
        assert!(distance(&stripes(0)) < 1e-6);
        let (moved, shuffled) = (distance(&stripes(2)), distance(&shuffled));
        assert!(moved < 0.05 * shuffled, "{moved} {shuffled}");
    }

    #[test]
    fn the_diversity_of_two_images_is_that_of_their_pixels() {
        // Pixel 0 has -1 and 1, a deviation of sqrt 2; pixel 1 does not vary.
        let mut pixels = PixelVariances::new(2);
        pixels.add(&[-1.0, 0.5]);
        pixels.add(&[1.0, 0.5]);
        assert!((pixels.mean_deviation() - 2.0_f64.sqrt() / 2.0).abs() < 1e-9);
        assert_eq!(deviation(&[-1.0, 1.0, 1.0, -1.0]), 1.0);
    }
}
