//! The sets that can be downloaded: where from, how large, and the checksums their files must have.

use super::split::Split;

/// A downloadable set.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in a SPEC.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub summary: &'static str,
    /// Shape of one image, `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Number of images for training and for testing.
    pub samples: [usize; 2],
    /// Class names, in the order of the labels.
    pub classes: &'static [&'static str],
    /// Terms of use.
    pub licence: &'static str,
    /// The publication to cite.
    pub citation: &'static str,
    /// Base addresses, tried in this order; a file's name is appended.
    pub mirrors: &'static [&'static str],
    /// Folders where a system package puts the same files.
    pub(crate) system_folders: &'static [&'static str],
    /// Images and labels for training, or the archive of both splits.
    pub(crate) train: &'static [Remote],
    /// The same for testing.
    pub(crate) test: &'static [Remote],
}

impl Entry {
    /// The files that hold one split.
    pub(crate) fn files(&self, split: Split) -> &'static [Remote] {
        match split {
            Split::Train => self.train,
            Split::Test => self.test,
        }
    }

    /// Every file of the set, once.
    pub fn all_files(&self) -> Vec<&'static Remote> {
        let mut files: Vec<&Remote> = self.train.iter().chain(self.test).collect();
        files.dedup();
        files
    }
}

/// A file of a downloadable set.
#[derive(Debug, PartialEq, Eq)]
pub struct Remote {
    /// Name at the mirrors and in the cache.
    pub file: &'static str,
    /// Size as downloaded, in bytes.
    pub bytes: u64,
    /// What proves it to be the right one.
    pub(crate) pin: Pin,
}

/// The SHA-256 a file must have, in hexadecimal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// Of the decompressed content: a copy packed anew, or not packed, is as good.
    Content { sha256: &'static str, bytes: u64 },
    /// Of the file as it is.
    File { sha256: &'static str },
}

/// All downloadable sets.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// The downloadable set called `name`.
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

const fn idx(file: &'static str, bytes: u64, sha256: &'static str, unpacked: u64) -> Remote {
    Remote { file, bytes, pin: Pin::Content { sha256, bytes: unpacked } }
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte.gz";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte.gz";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte.gz";

const CIFAR10: &[Remote] = &[Remote {
    file: "cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    pin: Pin::File { sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd" },
}];

static ENTRIES: [Entry; 3] = [
    Entry {
        name: "mnist",
        summary: "handwritten digits",
        shape: [1, 28, 28],
        samples: [60_000, 10_000],
        classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        licence: "CC BY-SA 3.0, Y. LeCun and C. Cortes",
        citation: "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document \
                   recognition, Proceedings of the IEEE 86(11), 1998",
        mirrors: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ],
        system_folders: &[],
        train: &[
            idx(
                TRAIN_IMAGES,
                9_912_422,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                47_040_016,
            ),
            idx(
                TRAIN_LABELS,
                28_881,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                60_008,
            ),
        ],
        test: &[
            idx(
                TEST_IMAGES,
                1_648_877,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                7_840_016,
            ),
            idx(
                TEST_LABELS,
                4_542,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                10_008,
            ),
        ],
    },
    Entry {
        name: "fashion-mnist",
        summary: "articles of clothing",
        shape: [1, 28, 28],
        samples: [60_000, 10_000],
        classes: &[
            "t-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ],
        licence: "MIT, Zalando SE",
        citation: "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017",
        mirrors: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ],
        system_folders: &["/usr/share/datasets/fashion-mnist"],
        train: &[
            idx(
                TRAIN_IMAGES,
                26_421_880,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                47_040_016,
            ),
            idx(
                TRAIN_LABELS,
                29_515,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                60_008,
            ),
        ],
        test: &[
            idx(
                TEST_IMAGES,
                4_422_102,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                7_840_016,
            ),
            idx(
                TEST_LABELS,
                5_148,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                10_008,
            ),
        ],
    },
    Entry {
        name: "cifar10",
        summary: "small colour photographs",
        shape: [3, 32, 32],
        samples: [50_000, 10_000],
        classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        licence: "none stated by its authors",
        citation: "A. Krizhevsky: Learning multiple layers of features from tiny images, technical report, \
                   University of Toronto, 2009",
        mirrors: &[
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ],
        system_folders: &[],
        train: CIFAR10,
        test: CIFAR10,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_complete() {
        for entry in entries() {
            assert_eq!(super::entry(entry.name), Some(entry));
            assert_eq!(entry.classes.len(), 10);
            assert!(entry.mirrors.len() >= 2 && entry.mirrors.iter().all(|m| m.ends_with('/')));
            for remote in entry.all_files() {
                let (Pin::Content { sha256, .. } | Pin::File { sha256 }) = remote.pin;
                assert!(sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
        assert_eq!(entries().iter().map(|e| e.all_files().len()).collect::<Vec<_>>(), [4, 4, 1]);
    }
}
