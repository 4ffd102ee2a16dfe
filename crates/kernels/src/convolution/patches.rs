//! Gathering the pixels of a block, which lie in short runs in the planes, side by side.

use crate::element::Element;

/// The longest piece copied at once.
pub(super) const PIECE: usize = 16;

/// The pixels of a block, in reading order: images, rows, columns.
#[derive(Clone, Copy)]
pub(super) struct Patches<T> {
    /// Where the first image's planes start.
    pub(super) planes: *const T,
    pub(super) image_stride: usize,
    pub(super) pitch: usize,
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Pixels cut into pieces of one length that are neighbours in the planes. A piece may overrun a row: what comes after
/// it is written later.
pub(super) struct Pieces {
    size: usize,
    /// Where each piece is in the planes, and where it goes.
    places: Vec<(usize, usize)>,
}

impl<T: Element> Patches<T> {
    /// Pixels of one image.
    #[inline(always)]
    pub(super) fn image_pixels(&self) -> usize {
        self.rows * self.columns
    }

    /// Pixels of all images.
    #[inline(always)]
    pub(super) fn pixels(&self) -> usize {
        self.images * self.image_pixels()
    }

    /// The pieces of `used` pixels from `start`.
    pub(super) fn pieces(&self, start: usize, used: usize) -> Pieces {
        let size = match self.columns.min(used) {
            0..=2 => 2,
            3..=4 => 4,
            5..=8 => 8,
            _ => PIECE,
        };
        let mut places = Vec::new();
        let mut column = 0;
        while column < used {
            let pixel = start + column;
            let (image, within) = (pixel / self.image_pixels(), pixel % self.image_pixels());
            let (row, x) = (within / self.columns, within % self.columns);
            let place = image * self.image_stride + row * self.pitch + x;
            let length = (self.columns - x).min(used - column);
            places.extend((0..length).step_by(size).map(|i| (place + i, column + i)));
            column += length;
        }
        Pieces { size, places }
    }

    /// Copies the pixels of `pieces`, shifted by each of `offsets`, into rows of `width` numbers.
    ///
    /// # Safety
    /// `to` must have room for the rows and one piece more, and the planes slack of one piece.
    #[inline(always)]
    pub(super) unsafe fn pack(&self, offsets: &[usize], pieces: &Pieces, width: usize, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe {
            match pieces.size {
                2 => self.pack_pieces::<2>(offsets, &pieces.places, width, to),
                4 => self.pack_pieces::<4>(offsets, &pieces.places, width, to),
                8 => self.pack_pieces::<8>(offsets, &pieces.places, width, to),
                _ => self.pack_pieces::<PIECE>(offsets, &pieces.places, width, to),
            }
        }
    }

    /// Copies in pieces of constant length.
    ///
    /// # Safety
    /// As [`Self::pack`].
    #[inline(always)]
    unsafe fn pack_pieces<const SIZE: usize>(
        &self,
        offsets: &[usize],
        places: &[(usize, usize)],
        width: usize,
        to: *mut T,
    ) {
        for (k, &offset) in offsets.iter().enumerate() {
            // SAFETY: the planes and the rows have slack for an overrun of one piece.
            unsafe {
                let (from, to) = (self.planes.add(offset), to.add(k * width));
                for &(place, column) in places {
                    std::ptr::copy_nonoverlapping(from.add(place), to.add(column), SIZE);
                }
            }
        }
    }
}
