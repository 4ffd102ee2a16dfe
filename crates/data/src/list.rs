//! What data there is to choose from.

use super::cache::Cache;
use super::caption_scenes;
use super::catalogue;
use super::digits;
use super::label_scenes;
use super::landscapes;
use super::people::cartoon;
use super::picture;
use super::scenes;
use super::sounds::tones;
use super::speech::cipher;
use super::styles::opinions;
use super::tagged_shapes;
use super::text::{grammar, oracle};
use super::toy::{POINTS, Toy};

/// A named source, as a table of them shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The SPEC that names it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// Samples for training.
    pub samples: usize,
    /// Samples for testing; 0 without a test split.
    pub test_samples: usize,
    /// Shape of one sample: `[channels, height, width]` or `[dimensions]`.
    pub shape: Vec<usize>,
    /// Number of classes; 0 without labels.
    pub classes: usize,
    /// Terms of use.
    pub licence: &'static str,
    /// Bytes to download in all; 0 for what is built in.
    pub download: u64,
    /// Whether it can be used now. Files are looked for, not verified.
    pub present: bool,
}

/// Every source with a name: the embedded digits, the downloadable sets, the toys.
pub fn list(cache: &Cache) -> Vec<Listed> {
    let digits = Listed {
        name: "digits",
        summary: "handwritten digits, embedded",
        samples: digits::COUNT,
        test_samples: 0,
        shape: vec![1, 8, 8],
        classes: 10,
        licence: digits::LICENCE,
        download: 0,
        present: true,
    };
    let drawn = Listed {
        name: "scenes",
        summary: "two domains of drawn pictures, day and night, without pairs",
        samples: scenes::COUNT,
        test_samples: scenes::PAIRS,
        shape: vec![3, scenes::SIDE, scenes::SIDE],
        classes: 0,
        licence: scenes::LICENCE,
        download: 0,
        present: true,
    };
    let pairs = Listed {
        name: "scene-pairs",
        summary: "the same drawn scenes by day and by night, in pairs, with stars at night",
        ..drawn.clone()
    };
    let landscapes = Listed {
        name: "landscapes",
        summary: "drawn landscapes as photographs and as illustrations, without pairs",
        shape: vec![3, landscapes::SIDE, landscapes::SIDE],
        ..drawn.clone()
    };
    let labelled = Listed {
        name: "label-scenes",
        summary: "drawn scenes by day, at dusk and in snow, with maps of five labels",
        samples: label_scenes::COUNT,
        test_samples: label_scenes::HELD_OUT,
        shape: vec![3, label_scenes::SIDE, label_scenes::SIDE],
        licence: label_scenes::LICENCE,
        ..drawn.clone()
    };
    let captioned = Listed {
        name: "caption-scenes",
        summary: "drawn shapes in colours, sizes and places, with captions",
        samples: caption_scenes::COUNT,
        test_samples: caption_scenes::HELD_OUT,
        shape: vec![3, caption_scenes::SIDE, caption_scenes::SIDE],
        licence: caption_scenes::LICENCE,
        ..drawn.clone()
    };
    let tagged = Listed {
        name: "tagged-shapes",
        summary: "drawn shapes in two colours, several in a picture, with ten labels and rules between them",
        samples: tagged_shapes::COUNT,
        test_samples: tagged_shapes::HELD_OUT,
        shape: vec![3, tagged_shapes::SIDE, tagged_shapes::SIDE],
        licence: tagged_shapes::LICENCE,
        ..labelled.clone()
    };
    let tones = Listed {
        name: "tone-discs",
        summary: "tones and drawn discs: the pitch is the hue, the level the size",
        samples: tones::COUNT,
        test_samples: tones::HELD_OUT,
        shape: vec![3, tones::SIDE, tones::SIDE],
        licence: tones::LICENCE,
        ..labelled.clone()
    };
    let stones = Listed {
        name: "stones",
        summary: "one drawn picture of paving stones",
        samples: 1,
        test_samples: 0,
        shape: vec![3, picture::SIDE, picture::SIDE],
        classes: 0,
        licence: picture::LICENCE,
        download: 0,
        present: true,
    };
    let people = Listed {
        name: "cartoon-faces",
        summary: "drawn faces of people in several poses, with landmarks",
        samples: cartoon::TRAINED * cartoon::FRAMES,
        test_samples: cartoon::HELD_OUT * cartoon::FRAMES,
        shape: vec![3, cartoon::SIDE, cartoon::SIDE],
        classes: cartoon::TRAINED,
        licence: cartoon::LICENCE,
        download: 0,
        present: true,
    };
    let downloads = catalogue::entries().iter().map(|entry| Listed {
        name: entry.name,
        summary: entry.summary,
        samples: entry.samples[0],
        test_samples: entry.samples[1],
        shape: entry.shape.to_vec(),
        classes: entry.classes.len(),
        licence: entry.licence,
        download: entry.all_files().iter().map(|remote| remote.bytes).sum(),
        present: entry.all_files().iter().all(|remote| cache.locate(entry, remote).is_some()),
    });
    let toys = Toy::ALL.into_iter().map(|toy| Listed {
        name: toy.name(),
        summary: toy.summary(),
        samples: POINTS,
        test_samples: POINTS,
        shape: vec![toy.dimensions()],
        classes: if toy.parts() > 1 { toy.parts() } else { 0 },
        licence: super::toy::LICENCE,
        download: 0,
        present: true,
    });
    let text = |(name, summary): (&'static str, &'static str), samples: usize, length: usize| Listed {
        name,
        summary,
        samples,
        test_samples: 0,
        shape: vec![length],
        classes: 0,
        licence: super::toy::LICENCE,
        download: 0,
        present: true,
    };
    let texts = [
        text(("grammar", "lines of arithmetic, as text"), grammar::LINES, grammar::LENGTH),
        text(
            ("cipher", "sequences of clusters for unknown symbols, and text of the symbols"),
            cipher::UTTERANCES,
            cipher::SIZE,
        ),
        text(
            (
                "opinions",
                "lines of a small grammar in two styles, with partners that are known and never trained on",
            ),
            opinions::LINES,
            opinions::LENGTH,
        ),
        text(("oracle", "lines of numbers from a random LSTM"), oracle::LINES, oracle::LENGTH),
    ];
    [digits, drawn, landscapes, stones, pairs, labelled, captioned, tagged, tones, people]
        .into_iter()
        .chain(downloads)
        .chain(toys)
        .chain(texts)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Spec, load};

    /// What the list says of the built-in sources is what loading them gives.
    #[test]
    fn the_list_tells_the_truth() {
        let place = tempfile::tempdir().unwrap();
        let listed = list(&Cache::at(place.path()));
        assert!(!listed.iter().find(|l| l.name == "mnist").unwrap().present);
        let sets = listed.iter().filter(|line| {
            let others = [
                "grammar",
                "oracle",
                "scenes",
                "landscapes",
                "scene-pairs",
                "label-scenes",
                "tagged-shapes",
                "tone-discs",
                "cipher",
                "opinions",
            ];
            line.download == 0 && !others.contains(&line.name)
        });
        for line in sets {
            let set = load(&line.name.parse::<Spec>().unwrap(), &Options::default()).unwrap();
            assert_eq!((set.len(), set.shape(), set.licence()), (line.samples, &*line.shape, line.licence));
            assert_eq!(set.class_counts().len(), line.classes, "{}", line.name);
        }
        let cifar = listed.iter().find(|l| l.name == "cifar10").unwrap();
        assert_eq!((cifar.download, cifar.test_samples), (170_052_171, 10_000));
    }
}
