//! Resizing of images to the input size of the network.

/// Where along one axis a pixel of the result comes from: two pixels and the share of the second.
struct Place {
    low: usize,
    high: usize,
    share: f32,
}

/// Pixel centres at half integers, no antialiasing.
fn places(from: usize, to: usize) -> Vec<Place> {
    let place = |at: usize| {
        let centre = ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let low = (centre as usize).min(from - 1);
        Place { low, high: (low + 1).min(from - 1), share: (centre - low as f64) as f32 }
    };
    (0..to).map(place).collect()
}

/// Writes `images` with values in [0, 1] as `[batch, 3, side, side]` with values in [-1, 1]; one channel is repeated.
pub(super) fn resize(images: &[f32], [_, channels, height, width]: [usize; 4], side: usize, out: &mut [f32]) {
    let (rows, columns) = (places(height, side), places(width, side));
    let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
    for (index, out) in out.chunks_exact_mut(side * side).enumerate() {
        let source = index / 3 * channels + index % 3 % channels;
        let plane = &images[source * height * width..][..height * width];
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(side)) {
            let (above, below) = (&plane[row.low * width..][..width], &plane[row.high * width..][..width]);
            for (column, out) in columns.iter().zip(out) {
                let top = mix(above[column.low], above[column.high], column.share);
                let bottom = mix(below[column.low], below[column.high], column.share);
                *out = 2.0 * mix(top, bottom, row.share) - 1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_grey_is_repeated() {
        let image: Vec<f32> = (0..12).map(|i| i as f32 / 11.0).collect();
        let mut out = vec![f32::NAN; 12];
        resize(&image, [1, 3, 2, 2], 2, &mut out);
        assert!(out.iter().zip(&image).all(|(out, value)| (out - (2.0 * value - 1.0)).abs() < 1e-6));
        resize(&image[..4], [1, 1, 2, 2], 2, &mut out);
        assert!(out[..4] == out[4..8] && out[..4] == out[8..]);
    }

    /// Two pixels to four: weights 0, 1/4, 3/4, 1 of the second, as PyTorch's `align_corners=False` has them.
    #[test]
    fn centres_lie_at_half_integers() {
        let mut out = vec![f32::NAN; 3 * 16];
        resize(&[0.0, 1.0, 0.0, 1.0], [1, 1, 2, 2], 4, &mut out);
        assert_eq!(out[..4], [-1.0, -0.5, 0.5, 1.0]);
        assert_eq!(out[12..16], out[..4]);
    }
}
