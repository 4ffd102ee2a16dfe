//! The colours of the regions of images that have one label, as measures of whether a translation shows what its map says in
//! the colours of its style.

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::batch::MapLabel;

/// Images in ordinary memory with the label of each pixel.
pub(super) struct Regions {
    channels: usize,
    area: usize,
    /// `[batch, channels, pixels]`.
    values: Vec<f32>,
    /// `[batch, pixels]`.
    labels: Vec<usize>,
}

/// The mean colour of each label of an image; none where it has no such pixel.
type Colours = Vec<Option<Vec<f64>>>;

impl Regions {
    /// Of `images` `[batch, channels, height, width]` under one-hot `maps` `[batch, labels, height, width]`.
    pub(super) fn of(images: &Variable, maps: &Variable) -> Result<Self> {
        let (_, channels, height, width) = images.dims4("images")?;
        Ok(Self { channels, area: height * width, values: images.to_vec_f32()?, labels: labels_of(maps)? })
    }

    /// The mean colour of each of so many labels in image `number`.
    pub(super) fn colours(&self, number: usize, labels: usize) -> Colours {
        let mut sums = vec![(vec![0.0; self.channels], 0.0); labels];
        for (pixel, &label) in self.labels(number).iter().enumerate() {
            if let Some((sum, count)) = sums.get_mut(label) {
                *count += 1.0;
                sum.iter_mut().zip(self.colour(number, pixel)).for_each(|(sum, value)| *sum += value);
            }
        }
        let mean = |(sum, count): (Vec<f64>, f64)| {
            (count > 0.0).then(|| sum.into_iter().map(|sum| sum / count).collect())
        };
        sums.into_iter().map(mean).collect()
    }

    /// The share of the pixels of image `number` that are nearer to the colour of their own label than to that of any other.
    pub(super) fn accuracy(&self, number: usize, colours: &Colours) -> f64 {
        let labels = self.labels(number);
        let own = labels.iter().enumerate().filter(|(pixel, label)| {
            let colour: Vec<f64> = self.colour(number, *pixel).collect();
            let distances = colours.iter().map(|known| {
                let apart = |known: &Vec<f64>| known.iter().zip(&colour).map(|(a, b)| (a - b).powi(2)).sum();
                known.as_ref().map_or(f64::INFINITY, apart)
            });
            let nearest = distances.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
            nearest.is_some_and(|(nearest, _)| nearest == **label)
        });
        own.count() as f64 / labels.len().max(1) as f64
    }

    fn labels(&self, number: usize) -> &[usize] {
        self.labels.chunks_exact(self.area.max(1)).nth(number).unwrap_or_default()
    }

    fn colour(&self, number: usize, pixel: usize) -> impl Iterator<Item = f64> + '_ {
        let size = self.channels * self.area;
        let image = self.values.get(number * size..(number + 1) * size).unwrap_or_default();
        image.iter().skip(pixel).step_by(self.area.max(1)).map(|&value| f64::from(value))
    }
}

/// The mean absolute difference, on [0, 1], of the colours that two images give the labels that both have; none where they share
/// no label.
pub(super) fn difference(found: &Colours, wanted: &Colours) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for (found, wanted) in found.iter().zip(wanted) {
        if let (Some(found), Some(wanted)) = (found, wanted) {
            sum += found.iter().zip(wanted).map(|(a, b)| (a - b).abs() / 2.0).sum::<f64>();
            count += found.len() as f64;
        }
    }
    (count > 0.0).then(|| sum / count)
}

/// The label of each pixel of one-hot maps, map after map.
fn labels_of(maps: &Variable) -> Result<Vec<usize>> {
    let (_, labels, height, width) = maps.dims4("label maps")?;
    let (values, area) = (maps.to_vec_f32()?, height * width);
    let label = |map: &[f32], pixel: usize| {
        let mut levels = map.iter().skip(pixel).step_by(area);
        levels.position(|&level| level > 0.5).unwrap_or(0)
    };
    let of = |map| (0..area).map(move |pixel| label(map, pixel));
    Ok(values.chunks_exact((labels * area).max(1)).flat_map(of).collect())
}

/// One-hot maps as pictures `[batch, 3, height, width]` in the colours of their labels.
pub(super) fn coloured(maps: &Variable, labels: &[MapLabel]) -> Result<Variable> {
    let (batch, _, height, width) = maps.dims4("label maps")?;
    let (found, area) = (labels_of(maps)?, height * width);
    let mut values = Vec::with_capacity(3 * found.len());
    for map in found.chunks_exact(area.max(1)) {
        for channel in 0..3 {
            let level = |label: &usize| labels.get(*label).map_or(0, |label| label.colour[channel]);
            values.extend(map.iter().map(|label| f32::from(level(label)) / 127.5 - 1.0));
        }
    }
    let pictures = Variable::from_slice(&values, &[batch, 3, height, width])?;
    Ok(pictures.to_dtype(maps.dtype())?.to_device(maps.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_the_mean_colour_of_their_pixels() {
        // Two pixels of label 0, one of label 1, one of label 0 again; grey.
        let maps =
            Variable::from_slice(&[1.0_f32, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], &[1, 2, 2, 2]).unwrap();
        let image = |values: [f32; 4]| Variable::from_slice(&values, &[1, 1, 2, 2]).unwrap();
        let real = Regions::of(&image([-1.0, -0.5, 1.0, 0.0]), &maps).unwrap();
        let colours = real.colours(0, 3);
        assert_eq!(colours, [Some(vec![-0.5]), Some(vec![1.0]), None]);
        // The last pixel is nearer to label 1 than to its own.
        let made = Regions::of(&image([-0.5, 0.2, 0.9, 0.3]), &maps).unwrap();
        assert_eq!(made.accuracy(0, &colours), 0.75);
        let other = made.colours(0, 3);
        assert!((difference(&other, &colours).unwrap() - (0.5 / 2.0 + 0.1 / 2.0) / 2.0).abs() < 1e-6);
        assert_eq!(difference(&colours, &vec![None; 3]), None);
        let label = |colour| MapLabel { name: String::new(), colour };
        let shown = coloured(&maps, &[label([255, 0, 0]), label([0, 0, 255])]).unwrap();
        let wanted = [1.0, 1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0];
        assert_eq!(shown.to_vec_f32().unwrap(), wanted);
    }
}
