//! Feature maps, read and written.

/// Maps of some images, `[batch, channels, height, width]`.
pub(super) struct Maps {
    pub(super) shape: [usize; 4],
    pub(super) values: Vec<f32>,
}

impl Maps {
    /// Pixels of one channel of one image.
    pub(super) fn pixels(&self) -> usize {
        self.shape[2] * self.shape[3]
    }
}

/// Some channels of maps that are being written.
pub(super) struct Window<'a> {
    shape: [usize; 4],
    values: &'a mut [f32],
    first: usize,
}

impl<'a> Window<'a> {
    /// All channels of maps of `shape`.
    pub(super) fn new(shape: [usize; 4], values: &'a mut [f32]) -> Self {
        Self { shape, values, first: 0 }
    }

    /// The same maps from channel `offset` of this window on.
    pub(super) fn from(&mut self, offset: usize) -> Window<'_> {
        Window { shape: self.shape, values: self.values, first: self.first + offset }
    }

    /// The first `channels` channels of the window in image `index`.
    pub(super) fn image(&mut self, index: usize, channels: usize) -> &mut [f32] {
        let [_, all, height, width] = self.shape;
        let pixels = height * width;
        &mut self.values[(index * all + self.first) * pixels..][..channels * pixels]
    }
}
