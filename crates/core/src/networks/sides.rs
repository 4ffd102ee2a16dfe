//! How the sides of maps shrink and their channels grow, in networks that halve an image again and again.

/// The smallest side at which a generator starts and a discriminator ends.
pub(super) const SMALLEST: usize = 4;

/// Heights and widths of maps from an image's down, each half the one before, as long as they stay whole and at least
/// [`SMALLEST`].
pub(super) fn halved((mut height, mut width): (usize, usize)) -> Vec<(usize, usize)> {
    let mut sides = vec![(height, width)];
    while height.is_multiple_of(2) && width.is_multiple_of(2) && height.min(width) >= 2 * SMALLEST {
        (height, width) = (height / 2, width / 2);
        sides.push((height, width));
    }
    sides
}

/// Channels after `halvings` of the image's side: `width`, doubled by each halving up to `widest` times as many.
pub(super) fn channels(width: usize, halvings: usize, widest: usize) -> usize {
    width * widest.min(1 << halvings.min(16))
}
