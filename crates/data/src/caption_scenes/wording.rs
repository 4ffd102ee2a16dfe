//! Captions of drawn scenes in several wordings.

use super::{Attributes, COLOURS, PLACES, SHAPES, SIZES};

/// The four words of the attributes: size, colour, shape, place.
fn words(attributes: &Attributes) -> [&'static str; 4] {
    let Attributes { colour, shape, size, place } = *attributes;
    [
        SIZES.get(size).map_or("", |size| size.0),
        COLOURS.get(colour).map_or("", |colour| colour.0),
        SHAPES.get(shape).copied().unwrap_or_default(),
        PLACES.get(place).map_or("", |place| place.0),
    ]
}

/// The plainest wording.
pub(super) fn plain(attributes: &Attributes) -> String {
    let [size, colour, shape, place] = words(attributes);
    format!("a {size} {colour} {shape} at the {place}")
}

/// Every wording.
pub(super) fn all(attributes: &Attributes) -> Vec<String> {
    let [size, colour, shape, place] = words(attributes);
    let other_size = if attributes.size == 0 { "little" } else { "big" };
    vec![
        plain(attributes),
        format!("a {size} {shape} in {colour} at the {place}"),
        format!("at the {place} there is a {size} {colour} {shape}"),
        format!("the {place} shows a {other_size} {colour} {shape}"),
        format!("{colour} {shape}, {other_size}, {place}"),
    ]
}
