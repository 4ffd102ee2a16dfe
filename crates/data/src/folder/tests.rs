use super::*;
use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn colour(&self, name: &str, width: u32, height: u32, rgb: [u8; 3]) {
        RgbImage::from_pixel(width, height, Rgb(rgb)).save(self.path(name)).unwrap();
    }

    fn grey(&self, name: &str, level: u8) {
        GrayImage::from_pixel(20, 20, Luma([level])).save(self.path(name)).unwrap();
    }

    fn bytes(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn load(&self, size: Option<usize>, channels: Option<usize>) -> Result<Dataset, DataError> {
        load(self.0.path(), &Options { size, channels, ..Options::default() })
    }
}

/// Mean level 0..255 of each channel of each sample.
fn means(set: &Dataset) -> Vec<Vec<f32>> {
    let area = set.shape()[1] * set.shape()[2];
    let channel = |plane: &[f32]| ((plane.iter().sum::<f32>() / area as f32 + 1.0) * 127.5).round();
    (0..set.len()).map(|i| set.get(&[i]).unwrap().values.chunks(area).map(channel).collect()).collect()
}

#[test]
fn sizes_and_formats_mix_and_sub_folders_are_classes() {
    let tree = Tree::new();
    tree.colour("cat/b.PNG", 90, 40, [200, 0, 10]);
    tree.colour("cat/deep/a.jpg", 10, 30, [10, 200, 10]);
    tree.colour("ant/z.webp", 64, 64, [0, 0, 255]);
    tree.colour("ant/.hidden.png", 4, 4, [9, 9, 9]);
    tree.bytes("ant/notes.txt", b"not an image");
    let set = tree.load(None, None).unwrap();
    assert_eq!((set.len(), set.shape()), (3, [3, 64, 64].as_slice()));
    assert_eq!(set.labels().unwrap().classes, ["ant", "cat"]);
    assert_eq!(
        (set.labels().unwrap().values.as_slice(), set.class_counts()),
        ([0, 1, 1].as_slice(), vec![1, 2])
    );
    let means = means(&set);
    assert_eq!(means[..2], [[0.0, 0.0, 255.0], [200.0, 0.0, 10.0]]);
    assert!(means[2].iter().zip([10.0, 200.0, 10.0]).all(|(a, b)| (a - b).abs() <= 3.0), "{means:?}");
    assert!(set.skipped().is_empty());
    assert_eq!(set.notes().others, BTreeMap::from([(".txt".to_owned(), 1)]));
}

/// One stray picture beside class folders dropped all labels without a word.
#[test]
fn images_beside_sub_folders_mean_no_labels_and_are_named() {
    let tree = Tree::new();
    tree.grey("x/b.png", 9);
    tree.grey("y/c.png", 9);
    assert!(tree.load(Some(16), None).unwrap().notes().sentences().is_empty());
    tree.grey("stray.png", 7);
    let set = tree.load(Some(16), None).unwrap();
    assert!(set.labels().is_none());
    assert_eq!(
        set.notes().sentences(),
        [
            "no class labels: 1 image lies beside the sub-folders: stray.png; move it into a sub-folder to have these as \
          classes"
        ]
    );
    let flat = Tree::new();
    flat.grey("a.png", 1);
    flat.grey("b.png", 1);
    assert!(flat.load(Some(16), None).unwrap().notes().sentences().is_empty());
}

/// Classes were in the order 0, 1, 10, 11, 2, so that label 2 was not class `2`.
#[test]
fn classes_are_in_natural_order() {
    let tree = Tree::new();
    for class in (0..12).rev() {
        tree.grey(&format!("{class}/a.png"), class * 10);
    }
    let set = tree.load(Some(8), None).unwrap();
    let labels = set.labels().unwrap();
    assert_eq!(labels.classes, (0..12).map(|class| class.to_string()).collect::<Vec<_>>());
    for (index, mean) in means(&set).iter().enumerate() {
        assert_eq!(mean[0], labels.values[index] as f32 * 10.0);
    }
}

/// lightweight-gan 129: one PNG beside 80 BMP, GIF and TIFF gave one sample.
#[test]
fn every_common_format_is_read_and_the_rest_is_counted() {
    let tree = Tree::new();
    let formats = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "qoi", "ppm"];
    for format in formats {
        tree.colour(&format!("a.{format}"), 20, 20, [200, 0, 10]);
    }
    tree.grey("b.pgm", 99);
    for (name, format) in [("noending", "jpg"), ("a.jpg_large", "png"), ("b.bin", "webp"), ("c.data", "tif")]
    {
        tree.colour(&format!("x.{format}"), 20, 20, [200, 0, 10]);
        std::fs::rename(tree.path(&format!("x.{format}")), tree.path(name)).unwrap();
    }
    tree.colour("x.jpg", 20, 20, [200, 0, 10]);
    std::fs::rename(tree.path("x.jpg"), tree.path("jpeg.png")).unwrap();
    for other in ["a.avif", "b.AVIF", "c.heic", "notes.txt", "LICENCE"] {
        tree.bytes(other, b"BM P5 not an image");
    }
    let set = tree.load(Some(8), None).unwrap();
    assert_eq!((set.len(), set.skipped()), (formats.len() + 6, [].as_slice()));
    let colour = means(&set)
        .into_iter()
        .filter(|mean| mean.iter().zip([200.0, 0.0, 10.0]).all(|(a, b)| (a - b).abs() <= 3.0));
    assert_eq!(colour.count(), formats.len() + 5);
    let sentence = set.notes().sentences().remove(0);
    assert!(sentence.starts_with("5 files left out"), "{sentence}");
    assert!(sentence.ends_with("2 .avif, 1 without an ending, 1 .heic, 1 .txt"), "{sentence}");
}

/// Of several pictures in a GIF the first is taken, with white where it is transparent.
#[test]
fn an_animation_gives_its_first_frame() {
    use image::codecs::gif::GifEncoder;
    let tree = Tree::new();
    let mut bytes = Vec::new();
    let frame =
        |rgba| image::Frame::new(RgbaImage::from_fn(8, 8, |x, _| if x < 4 { rgba } else { Rgba([0; 4]) }));
    let mut encoder = GifEncoder::new(&mut bytes);
    encoder.encode_frames([frame(Rgba([0, 255, 0, 255])), frame(Rgba([255, 0, 0, 255]))]).unwrap();
    drop(encoder);
    tree.bytes("a.gif", &bytes);
    let set = tree.load(Some(8), Some(3)).unwrap();
    assert_eq!(means(&set), [[128.0, 255.0, 128.0]]);
}

/// Phones and editors append bytes to a JPEG: previews, films, padding. Other readers ignore them.
#[test]
fn a_jpeg_with_bytes_after_its_picture_is_read() {
    let tree = Tree::new();
    RgbImage::from_fn(99, 70, |x, y| Rgb([x as u8 * 2, y as u8, (x * y) as u8]))
        .save(tree.path("a.jpg"))
        .unwrap();
    let whole = std::fs::read(tree.path("a.jpg")).unwrap();
    let padding: [&[u8]; 6] =
        [&[0; 5000], &[0xff; 5000], b"ftypmp42", &whole, &whole[..300], &[0xff, 0xd8, 0xff, 0xe1, 0, 0]];
    for (index, after) in padding.iter().enumerate() {
        tree.bytes(&format!("b{index}.jpg"), &[&whole, *after].concat());
    }
    let set = tree.load(Some(32), None).unwrap();
    assert_eq!(set.skipped(), []);
    let first = set.get(&[0]).unwrap().values;
    for index in 1..=padding.len() {
        assert!(set.get(&[index]).unwrap().values == first, "{index}");
    }
    // What follows a picture that is cut does not make it whole, not even another one.
    for (index, after) in padding.iter().enumerate() {
        tree.bytes(&format!("b{index}.jpg"), &[&whole[..whole.len() / 2], *after].concat());
    }
    let set = tree.load(Some(32), None).unwrap();
    assert_eq!((set.len(), set.skipped().len()), (1, padding.len()));
}

#[test]
fn grey_when_all_are_and_colour_on_request() {
    let tree = Tree::new();
    tree.grey("a.png", 7);
    tree.colour("b.png", 30, 30, [90, 90, 90]);
    let set = tree.load(Some(16), None).unwrap();
    assert_eq!((set.shape(), means(&set)), ([1, 16, 16].as_slice(), vec![vec![7.0], vec![90.0]]));
    assert_eq!(means(&tree.load(Some(16), Some(3)).unwrap()), [[7.0; 3], [90.0; 3]]);
    tree.colour("c.png", 30, 30, [255, 0, 0]);
    assert_eq!(means(&tree.load(Some(16), None).unwrap()), [[7.0; 3], [90.0; 3], [255.0, 0.0, 0.0]]);
    assert_eq!(means(&tree.load(Some(16), Some(1)).unwrap())[2], [54.0]);
}

#[test]
fn transparency_is_laid_over_the_background() {
    let tree = Tree::new();
    RgbaImage::from_pixel(8, 8, Rgba([0, 100, 200, 0])).save(tree.path("a.png")).unwrap();
    RgbaImage::from_pixel(8, 8, Rgba([0, 100, 200, 51])).save(tree.path("b.png")).unwrap();
    let set = tree.load(Some(8), Some(3)).unwrap();
    assert_eq!(means(&set), [[255.0, 255.0, 255.0], [204.0, 224.0, 244.0]]);
    let background = "#0a6432".parse().unwrap();
    let options = Options { size: Some(8), channels: Some(3), background, ..Options::default() };
    let over_green = [[10.0, 100.0, 50.0], [8.0, 100.0, 80.0]];
    assert_eq!(means(&load(tree.0.path(), &options).unwrap()), over_green);
    // Images that are read in their own size, and single ones, are laid over the same colour.
    let originals = Originals::open(tree.0.path(), (Some(3), background), 9, |_| vec![]).unwrap();
    let single = Originals::of_file(&tree.path("b.png"), (Some(3), background)).unwrap();
    let mut stored = originals.get(&[0, 1]).unwrap();
    stored.extend(single.get(&[0]).unwrap());
    for ((_, values), wanted) in stored.iter().zip([over_green[0], over_green[1], over_green[1]]) {
        let found: Vec<f32> = values.chunks(64).map(|plane| (plane[0] + 1.0) * 127.5).collect();
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 0.01), "{found:?}");
    }
}

/// A JPEG of a black left and a white right half, whose EXIF block says "turn by 90 degrees clockwise".
#[test]
fn the_cameras_rotation_is_applied() {
    let tree = Tree::new();
    let halves = GrayImage::from_fn(32, 32, |x, _| Luma([if x < 16 { 0 } else { 255 }]));
    halves.save(tree.path("plain.jpg")).unwrap();
    let jpeg = std::fs::read(tree.path("plain.jpg")).unwrap();
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let mut turned = [&jpeg[..2], &[0xff, 0xe1], &length].concat();
    turned.append(&mut exif);
    turned.extend_from_slice(&jpeg[2..]);
    tree.bytes("turned.jpg", &turned);
    let set = tree.load(Some(32), None).unwrap();
    let [plain, turned] = [0, 1].map(|i| set.get(&[i]).unwrap().values);
    assert!(plain[32 * 16 + 4] < -0.9 && plain[32 * 16 + 28] > 0.9);
    assert!(turned[32 * 4 + 16] < -0.9 && turned[32 * 28 + 16] > 0.9);
}

#[test]
fn unreadable_images_are_left_out_and_named() {
    let tree = Tree::new();
    tree.colour("good.png", 30, 30, [1, 2, 3]);
    for format in ["bmp", "gif", "jpg", "png", "qoi", "tif", "webp"] {
        let whole = tree.path(&format!("whole.{format}"));
        RgbImage::from_fn(99, 99, |x, y| Rgb([x as u8 * 2, y as u8, (x * y) as u8])).save(&whole).unwrap();
        let bytes = std::fs::read(&whole).unwrap();
        std::fs::remove_file(whole).unwrap();
        tree.bytes(&format!("cut.{format}"), &bytes[..bytes.len() * 9 / 10]);
    }
    tree.bytes("empty.webp", b"");
    tree.bytes("text.jpeg", b"this is no image");
    let set = tree.load(Some(8), None).unwrap();
    assert_eq!(set.len(), 1);
    let names: Vec<_> = set.skipped().iter().map(|s| s.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "cut.bmp",
            "cut.gif",
            "cut.jpg",
            "cut.png",
            "cut.qoi",
            "cut.tif",
            "cut.webp",
            "empty.webp",
            "text.jpeg"
        ]
    );
    assert!(set.skipped().iter().all(|s| !s.reason.is_empty()));
    std::fs::remove_file(tree.path("good.png")).unwrap();
    let message = tree.load(Some(8), None).unwrap_err().to_string();
    assert!(message.contains("none of the 9 images") && message.contains("cut.bmp"), "{message}");
}

/// A PNG header of 60,000 x 60,000 pixels is refused before any memory is taken.
#[test]
fn a_decompression_bomb_is_left_out() {
    let tree = Tree::new();
    tree.grey("good.png", 1);
    let mut png = std::fs::read(tree.path("good.png")).unwrap();
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    tree.bytes("bomb.png", &png);
    let set = tree.load(Some(8), None).unwrap();
    assert_eq!((set.len(), set.skipped().len()), (1, 1));
    assert!(set.skipped()[0].reason.to_lowercase().contains("limit"), "{:?}", set.skipped());
}

#[test]
fn an_empty_or_missing_folder_says_what_is_looked_for() {
    let tree = Tree::new();
    tree.bytes("readme.txt", b"nothing here");
    let message = tree.load(None, None).unwrap_err().to_string();
    assert!(message.contains(".png, .jpg, ") && message.ends_with("there are 1 .txt"), "{message}");
    assert!(matches!(load(Path::new("/no/such"), &Options::default()), Err(DataError::NotFound(_))));
    let file = tree.path("readme.txt");
    assert!(matches!(load(&file, &Options::default()), Err(DataError::NotAFolder(path)) if path == file));
}

/// A folder that is linked into itself ends, and its images come once.
#[cfg(unix)]
#[test]
fn a_loop_of_links_ends() {
    let tree = Tree::new();
    tree.grey("a/x.png", 1);
    std::os::unix::fs::symlink(tree.0.path(), tree.path("a/loop")).unwrap();
    let set = tree.load(Some(8), None).unwrap();
    assert_eq!((set.len(), set.skipped().len()), (1, 1));
}
