//! Cutting the pixels of a batch into blocks, the tasks of the convolutions.

/// A block of pixels: whole images, or a band of rows of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first_image: usize,
    pub(super) images: usize,
    pub(super) first_row: usize,
    pub(super) rows: usize,
}

/// All blocks of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    batch: usize,
    height: usize,
    /// Images and rows of every block but the last ones.
    pub(super) images: usize,
    pub(super) rows: usize,
}

impl Blocks {
    /// Cuts `batch` images of `height x width` pixels into blocks of about `target` pixels.
    pub(super) fn new(batch: usize, height: usize, width: usize, target: usize) -> Self {
        let pixels = (height * width).max(1);
        if pixels > target {
            let bands = pixels.div_ceil(target).min(height.max(1));
            return Self { batch, height, images: 1, rows: height.div_ceil(bands) };
        }
        Self { batch, height, images: (target / pixels).clamp(1, batch.max(1)), rows: height }
    }

    /// Cuts `batch` images of `height` rows into blocks of so many images and rows.
    pub(super) fn cut(batch: usize, height: usize, [images, rows]: [usize; 2]) -> Self {
        Self { batch, height, images, rows }
    }

    fn bands(&self) -> usize {
        self.height.div_ceil(self.rows)
    }

    pub(super) fn count(&self) -> usize {
        self.batch.div_ceil(self.images) * self.bands()
    }

    pub(super) fn block(&self, index: usize) -> Block {
        let (first_image, first_row) = (index / self.bands() * self.images, index % self.bands() * self.rows);
        Block {
            first_image,
            images: self.images.min(self.batch - first_image),
            first_row,
            rows: self.rows.min(self.height - first_row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_row_of_every_image_once() {
        for (batch, height, width, target) in [
            (64, 4, 4, 256),
            (5, 7, 7, 100),
            (3, 64, 64, 256),
            (1, 1, 1, 256),
            (2, 5, 1000, 256),
            (9, 33, 20, 64),
        ] {
            let blocks = Blocks::new(batch, height, width, target);
            let mut seen = vec![0; batch * height];
            for index in 0..blocks.count() {
                let block = blocks.block(index);
                for n in block.first_image..block.first_image + block.images {
                    for row in block.first_row..block.first_row + block.rows {
                        seen[n * height + row] += 1;
                    }
                }
            }
            assert!(seen.iter().all(|&times| times == 1), "{batch} of {height} x {width}: {seen:?}");
        }
    }
}
