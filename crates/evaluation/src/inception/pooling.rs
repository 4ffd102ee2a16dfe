//! The network's pools, all of windows of 3 x 3 pixels.

use super::maps::{Maps, Window};

/// Which pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    /// The largest pixel of every second window, no padding.
    LargestHalving,
    /// The largest pixel of every window; the size stays.
    Largest,
    /// The mean of every window's pixels inside the image; the size stays.
    Mean,
}

impl Pool {
    /// The shape of its output for an input of `shape`.
    pub(super) fn shape(self, [batch, channels, height, width]: [usize; 4]) -> [usize; 4] {
        match self {
            Self::LargestHalving => [batch, channels, (height - 3) / 2 + 1, (width - 3) / 2 + 1],
            Self::Largest | Self::Mean => [batch, channels, height, width],
        }
    }

    /// Writes its output for `input`.
    pub(super) fn write(self, input: &Maps, mut out: Window<'_>) {
        let [batch, channels, height, width] = input.shape;
        let [_, _, out_height, out_width] = self.shape(input.shape);
        let planes: Vec<&[f32]> = input.values.chunks_exact(height * width).collect();
        // A border of one pixel on both sides.
        let mut line = vec![if self == Self::Mean { 0.0 } else { f32::NEG_INFINITY }; width + 2];
        for image in 0..batch {
            let out = out.image(image, channels);
            let planes = &planes[image * channels..];
            for (plane, out) in planes.iter().zip(out.chunks_exact_mut(out_height * out_width)) {
                for (row, out) in out.chunks_exact_mut(out_width).enumerate() {
                    let rows = match self {
                        Self::LargestHalving => 2 * row..2 * row + 3,
                        Self::Largest | Self::Mean => row.saturating_sub(1)..(row + 2).min(height),
                    };
                    let count = rows.len();
                    self.join_rows(plane, rows, &mut line[1..=width]);
                    self.join_columns(&line, count, out);
                }
            }
        }
    }

    fn join_rows(self, plane: &[f32], rows: std::ops::Range<usize>, line: &mut [f32]) {
        let width = line.len();
        for (index, row) in rows.enumerate() {
            let pixels = line.iter_mut().zip(&plane[row * width..]);
            match self {
                _ if index == 0 => pixels.for_each(|(joint, &pixel)| *joint = pixel),
                Self::Mean => pixels.for_each(|(joint, &pixel)| *joint += pixel),
                Self::LargestHalving | Self::Largest => {
                    pixels.for_each(|(joint, &pixel)| *joint = if pixel > *joint { pixel } else { *joint });
                }
            }
        }
    }

    fn join_columns(self, line: &[f32], rows: usize, out: &mut [f32]) {
        let larger = |a: f32, b: f32| if a > b { a } else { b };
        let threes = line.windows(3);
        match self {
            Self::LargestHalving => {
                for (out, three) in out.iter_mut().zip(threes.skip(1).step_by(2)) {
                    *out = larger(larger(three[0], three[1]), three[2]);
                }
            }
            Self::Largest => {
                for (out, three) in out.iter_mut().zip(threes) {
                    *out = larger(larger(three[0], three[1]), three[2]);
                }
            }
            Self::Mean => {
                let (width, share) = (out.len(), |columns: usize| 1.0 / (rows * columns) as f32);
                let (inner, edge) = (share(3), share(width.min(2)));
                for (index, (out, three)) in out.iter_mut().zip(threes).enumerate() {
                    let share = if index == 0 || index + 1 == width { edge } else { inner };
                    *out = (three[0] + three[1] + three[2]) * share;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pool of random planes, beside the definition.
    #[test]
    fn pools_equal_their_definition() {
        let shape = [2, 3, 7, 9];
        let values: Vec<f32> =
            (0..2 * 3 * 63).map(|i: usize| (i * 2_654_435_761 % 1009) as f32 / 100.0 - 6.0).collect();
        let input = Maps { shape, values };
        for pool in [Pool::LargestHalving, Pool::Largest, Pool::Mean] {
            let [_, _, height, width] = pool.shape(shape);
            let (stride, padding) = if pool == Pool::LargestHalving { (2, 0) } else { (1, 1) };
            // Into the last three of five channels.
            let mut found = vec![f32::NAN; 2 * 5 * height * width];
            pool.write(&input, Window::new([2, 5, height, width], &mut found).from(2));
            for (image, channel, y, x) in (0..2 * 3 * height * width)
                .map(|i| (i / (3 * height * width), i / (height * width) % 3, i / width % height, i % width))
            {
                let pixels: Vec<f32> = (0..9)
                    .map(|tap| (y * stride + tap / 3, x * stride + tap % 3))
                    .filter(|&(y, x)| {
                        (padding..7 + padding).contains(&y) && (padding..9 + padding).contains(&x)
                    })
                    .map(|(y, x)| input.values[((image * 3 + channel) * 7 + y - padding) * 9 + x - padding])
                    .collect();
                let wanted = match pool {
                    Pool::Mean => pixels.iter().sum::<f32>() / pixels.len() as f32,
                    _ => pixels.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                };
                let found = found[((image * 5 + 2 + channel) * height + y) * width + x];
                assert!(
                    (found - wanted).abs() < 1e-5,
                    "{pool:?} at {image} {channel} {y} {x}: {found} {wanted}"
                );
            }
        }
    }
}
