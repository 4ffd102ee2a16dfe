//! Pictures of a clustering: regions of the plane, and the most probable images of each cluster.

use plotters::prelude::*;

use super::canvas::{INK, colour, px};
use super::grid::{Grid, image_grid};
use super::heat::SQUARES;
use super::picture::{Picture, PictureError};
use super::scatter::Scatter;

/// The value of a tile for which its cluster has no image: the middle of [-1, 1].
const EMPTY: f32 = 0.0;

impl Scatter {
    /// Which of several clusters each of [`Scatter::places`] most probably belongs to, `probabilities`
    /// `[SQUARES², clusters]`: a colour for each cluster, the paler the less certain, under the real points.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when there are no clusters, or not a row for every place.
    pub fn draw_regions(
        &self,
        probabilities: &[f32],
        clusters: usize,
        caption: &str,
    ) -> Result<Picture, PictureError> {
        let most_probable = most_probable(probabilities, clusters, SQUARES * SQUARES)?;
        let chance = 1.0 / clusters as f32;
        let shade = |index: usize| {
            let (cluster, probability) = most_probable[index];
            let certainty = f64::from((probability - chance) / (1.0 - chance).max(1e-6)).clamp(0.0, 1.0);
            pale(colour(cluster), 0.1 + 0.6 * certainty)
        };
        self.drawn_squares(caption, |chart| {
            self.fill(chart, shade, |_| true)?;
            let dot = INK.mix(0.6).filled();
            chart.draw_series(self.data.iter().map(|&point| Circle::new(point, px(1), dot)))?;
            Ok(())
        })
    }
}

/// `colour` on white, with this share of itself.
fn pale(colour: RGBColor, share: f64) -> RGBColor {
    let mix = |channel: u8| (255.0 + share * (f64::from(channel) - 255.0)).round() as u8;
    RGBColor(mix(colour.0), mix(colour.1), mix(colour.2))
}

/// A row for each cluster: up to `columns` of those `images` `[n, channels, height, width]` (values in [-1, 1]) that
/// belong to it most probably by `probabilities` `[n, clusters]`, the most probable first; grey tiles where it has
/// fewer.
///
/// # Errors
/// [`PictureError::Shape`] when there are no clusters, not a row for every image, or the images cannot be drawn.
pub fn cluster_montage(
    images: &[f32],
    shape: [usize; 4],
    (probabilities, clusters): (&[f32], usize),
    columns: usize,
) -> Result<Picture, PictureError> {
    let [count, channels, height, width] = shape;
    let most_probable = most_probable(probabilities, clusters, count)?;
    let elements = channels * height * width;
    let columns = columns.max(1);
    let mut tiles = Vec::with_capacity(clusters * columns * elements);
    for cluster in 0..clusters {
        let mut own: Vec<(f32, usize)> = most_probable
            .iter()
            .enumerate()
            .filter(|(_, (of, _))| *of == cluster)
            .map(|(image, &(_, probability))| (probability, image))
            .collect();
        own.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let shown = own
            .into_iter()
            .take(columns)
            .filter_map(|(_, image)| images.get(image * elements..(image + 1) * elements));
        shown.for_each(|image| tiles.extend_from_slice(image));
        tiles.resize((cluster + 1) * columns * elements, EMPTY);
    }
    let layout = Grid { columns: Some(columns), scale: None };
    image_grid(&tiles, [clusters * columns, channels, height, width], layout)
}

/// The most probable cluster of each of `count` rows, the first of equals, and its probability.
fn most_probable(
    probabilities: &[f32],
    clusters: usize,
    count: usize,
) -> Result<Vec<(usize, f32)>, PictureError> {
    if clusters == 0 || probabilities.len() != count * clusters {
        return Err(PictureError::Shape(format!(
            "{} numbers are no probabilities of {clusters} clusters for {count} samples",
            probabilities.len()
        )));
    }
    let better =
        |best: (usize, f32), next: (usize, &f32)| if *next.1 > best.1 { (next.0, *next.1) } else { best };
    Ok(probabilities
        .chunks_exact(clusters)
        .map(|row| row.iter().enumerate().fold((0, 0.0), better))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_the_colour_of_their_cluster() {
        let scatter = Scatter::new(&[-1.0, -1.0, 1.0, 1.0]).unwrap();
        let right = |place: &[f32]| if place[0] > 0.0 { [0.0, 1.0] } else { [1.0, 0.0] };
        let probabilities: Vec<f32> = scatter.places().chunks(2).flat_map(right).collect();
        let picture = scatter.draw_regions(&probabilities, 2, "step 0").unwrap();
        // The first colour is a blue, the second an orange.
        let (left, right) = (picture.pixel(120, 160).unwrap(), picture.pixel(420, 360).unwrap());
        assert!(left[2] > left[0] && right[0] > right[2], "{left:?} {right:?}");
        let unsure = scatter.draw_regions(&vec![0.5; probabilities.len()], 2, "").unwrap();
        assert!(unsure.pixel(120, 160).unwrap()[0] > left[0] + 50);
        assert!(scatter.draw_regions(&probabilities[2..], 2, "").is_err());
        assert!(scatter.draw_regions(&[], 0, "").is_err());
    }

    #[test]
    fn a_montage_shows_the_most_probable_of_each_cluster() {
        // Four images of one pixel; the second cluster has one, the third none.
        let images = [-1.0, -0.5, 0.5, 1.0];
        let rows = [0.6, 0.4, 0.0, 0.9, 0.1, 0.0, 0.2, 0.8, 0.0, 0.7, 0.3, 0.0];
        let picture = cluster_montage(&images, [4, 1, 1, 1], (&rows, 3), 2).unwrap();
        let tile = |row: usize, column: usize| picture.pixel(20 + 42 * column, 20 + 42 * row).unwrap()[0];
        assert_eq!([tile(0, 0), tile(0, 1)], [64, 255]);
        assert_eq!([tile(1, 0), tile(1, 1), tile(2, 0), tile(2, 1)], [191, 128, 128, 128]);
        assert!(cluster_montage(&images, [4, 1, 1, 1], (&rows, 2), 2).is_err());
    }
}
