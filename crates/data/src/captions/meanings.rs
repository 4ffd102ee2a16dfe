//! Which images mean the same: those that share a caption, directly or through others.

use std::collections::BTreeMap;

/// A number for each image, by the captions of each; equal where images are joined by equal captions. The order of a
/// caption's words does not count.
pub(crate) fn of_shared_captions(captions: &[Vec<Vec<String>>]) -> Vec<u32> {
    let mut parents: Vec<usize> = (0..captions.len()).collect();
    let mut first_with: BTreeMap<Vec<&String>, usize> = BTreeMap::new();
    for (image, own) in captions.iter().enumerate() {
        for caption in own {
            let mut words: Vec<&String> = caption.iter().collect();
            words.sort();
            let other = *first_with.entry(words).or_insert(image);
            let (one, other) = (root(&mut parents, image), root(&mut parents, other));
            if let Some(parent) = parents.get_mut(one.max(other)) {
                *parent = one.min(other);
            }
        }
    }
    (0..captions.len()).map(|image| root(&mut parents, image) as u32).collect()
}

/// The first image that `image` is joined with; the way to it is shortened.
fn root(parents: &mut [usize], mut image: usize) -> usize {
    while let Some(&parent) = parents.get(image).filter(|&&parent| parent != image) {
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(own) = parents.get_mut(image) {
            *own = above;
        }
        image = parent;
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_joined_by_equal_captions_in_any_order_of_words() {
        let images: Vec<Vec<Vec<String>>> = [&["a b", "c"][..], &["d"], &["b a"], &["e", "c"], &["d e"]]
            .iter()
            .map(|own| own.iter().map(|text| text.split(' ').map(str::to_owned).collect()).collect())
            .collect();
        assert_eq!(of_shared_captions(&images), [0, 1, 0, 0, 4]);
    }
}
