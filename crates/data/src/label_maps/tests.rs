use std::path::Path;

use brigand_core::random::Stream;
use png::{BitDepth, ColorType};

use super::*;
use crate::{Options, RunData, Spec, open, open_test_part};

/// Writes a PNG of rows that are packed as `kind` says.
fn write(
    path: &Path,
    (width, height): (u32, u32),
    (kind, depth): (ColorType, BitDepth),
    palette: &[[u8; 3]],
    bytes: &[u8],
) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), width, height);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette.concat());
    }
    encoder.write_header().unwrap().write_image_data(bytes).unwrap();
}

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const GREEN: [u8; 3] = [0, 255, 0];

fn labels() -> Vec<MapLabel> {
    let label = |name: &str, colour| MapLabel { name: name.into(), colour };
    vec![label("land", RED), label("sea", BLUE), label("lake", GREEN)]
}

/// Grey levels, indices of every depth and colours are read as labels; each fault names its pixel.
#[test]
fn every_kind_of_png_is_read_as_its_labels() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("map.png");
    let read = |kind, palette: &[[u8; 3]], bytes: &[u8]| {
        write(&path, (3, 2), kind, palette, bytes);
        read_map(&path).and_then(|map| map.labels(&labels()))
    };
    let eight = |kind| (kind, BitDepth::Eight);
    let wanted = [0, 1, 2, 2, 1, 0];
    assert_eq!(read(eight(ColorType::Grayscale), &[], &wanted).unwrap(), wanted);
    assert_eq!(read(eight(ColorType::Indexed), &[RED, BLUE, GREEN], &wanted).unwrap(), wanted);
    let two = (ColorType::Indexed, BitDepth::Two);
    // 0 1 2 and 2 1 0 in the high bits of a byte each.
    assert_eq!(read(two, &[RED, BLUE, GREEN], &[0b0001_1000, 0b1001_0000]).unwrap(), wanted);
    // The file numbers the colours in its own order.
    assert_eq!(read(eight(ColorType::Indexed), &[GREEN, BLUE, RED], &[2, 1, 0, 0, 1, 2]).unwrap(), wanted);
    let colours = [RED, BLUE, GREEN, GREEN, BLUE, RED].concat();
    assert_eq!(read(eight(ColorType::Rgb), &[], &colours).unwrap(), wanted);

    let message = read(eight(ColorType::Grayscale), &[], &[0, 1, 2, 2, 3, 0]).unwrap_err();
    assert!(message.contains("column 1 of row 1 has label 3, and there are 3 labels (0 to 2)"), "{message}");
    let message = read(eight(ColorType::Rgb), &[], &[9; 18]).unwrap_err();
    assert!(message.contains("column 0 of row 0 is #090909"), "{message}");
    let message = read(eight(ColorType::Indexed), &[RED, [1, 2, 3]], &[0, 0, 0, 0, 0, 1]).unwrap_err();
    assert!(message.contains("column 2 of row 1 is #010203"), "{message}");
    let sixteen = (ColorType::Grayscale, BitDepth::Sixteen);
    assert!(read(sixteen, &[], &[0; 12]).unwrap_err().contains("16 bits"));
    let message = read(eight(ColorType::Rgba), &[], &[0; 24]).unwrap_err();
    assert!(message.contains("transparent"), "{message}");
    std::fs::write(&path, b"no png").unwrap();
    assert!(read_map(&path).unwrap_err().contains("a label map is a PNG"));
}

/// Along each axis the label at the centre of each new pixel; of what is not square the middle.
#[test]
fn maps_are_resized_without_interpolation() {
    let map = [0, 0, 3, 3, 1, 1, 0, 0, 3, 3, 1, 1];
    assert_eq!(fit(&map, [2, 6], 2), [3, 3, 3, 3]);
    assert_eq!(fit(&map, [2, 6], 4), [3; 16]);
    assert_eq!(fit(&[0, 7, 5, 2], [2, 2], 4), [0, 0, 7, 7, 0, 0, 7, 7, 5, 5, 2, 2, 5, 5, 2, 2]);
    assert_eq!(fit(&[0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 3], 1), [4]);
    let large: Vec<u8> = (0..100).map(|place| place % 10 / 5 * 9).collect();
    assert!(fit(&large, [10, 10], 7).iter().all(|label| [0, 9].contains(label)));
    assert_eq!(one_hot(&[2, 0], 3).collect::<Vec<_>>(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn palettes_are_read_and_faults_name_the_line() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("palette.txt");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_palette(&path).map_err(|error| error.to_string())
    };
    let found = read("#ff0000 dry land\n\n#0000FF\n").unwrap();
    let names: Vec<(&str, [u8; 3])> = found.iter().map(|of| (of.name.as_str(), of.colour)).collect();
    assert_eq!(names, [("dry land", RED), ("1", BLUE)]);
    for (text, part) in [
        ("#ff0000 a\nred b\n", "line 2 begins with `red`"),
        ("#ff0000 a\n#FF0000 b\n", "line 2: label 0 has the colour #FF0000 already"),
        ("\n", "is empty"),
    ] {
        let message = read(text).unwrap_err();
        assert!(message.contains(part) && message.contains("palette.txt"), "{message}");
    }
    let many: String = (0..257).map(|number| format!("#{number:06x}\n")).collect();
    assert!(read(&many).unwrap_err().contains("257 labels"));
    assert_eq!(
        [0, 1, 2, 3, 8].map(default_colour),
        [[0; 3], [128, 0, 0], [0, 128, 0], [128, 128, 0], [64, 0, 0]]
    );
}

/// Folders of images and maps.
struct Desk(tempfile::TempDir);

impl Desk {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// An image of one grey level, and its map in its own palette's colours.
    fn add(&self, name: &str, palette: &[[u8; 3]], map: &[u8; 16]) {
        let grey = (ColorType::Grayscale, BitDepth::Eight);
        write(&self.path(&format!("images/{name}.png")), (4, 4), grey, &[], &[map[0]; 16]);
        let kind = (ColorType::Indexed, BitDepth::Eight);
        write(&self.path(&format!("maps/{name}.png")), (4, 4), kind, palette, map);
    }

    fn open(&self, rest: &str) -> std::result::Result<RunData, String> {
        let (images, maps) = (self.path("images"), self.path("maps"));
        let spec = format!("labels:{},{}{rest}", images.display(), maps.display());
        let options = Options { size: Some(4), ..Options::default() };
        open(&spec.parse::<Spec>().unwrap(), &options).map_err(|error| error.to_string())
    }
}

const MAP: [u8; 16] = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1];

fn desk() -> Desk {
    let desk = Desk(tempfile::tempdir().unwrap());
    desk.add("a/1", &[RED, BLUE, GREEN], &MAP);
    desk.add("2", &[RED, BLUE, GREEN], &[1; 16]);
    desk
}

#[test]
fn images_and_maps_of_equal_names_belong_together() {
    let desk = desk();
    write(&desk.path("images/alone.png"), (4, 4), (ColorType::Grayscale, BitDepth::Eight), &[], &[0; 16]);
    let data = desk.open("").unwrap();
    assert_eq!(data.notes.unreadable.len(), 1);
    let schema = data.sources[0].schema();
    assert_eq!(schema.shape(LABEL_MAP).unwrap(), [3, 4, 4]);
    let found: Vec<[u8; 3]> =
        schema.map_labels(LABEL_MAP).unwrap().iter().map(|label| label.colour).collect();
    assert_eq!(found, [RED, BLUE, GREEN]);
    let batch = data.sources[0].get(&[1, 0], &mut Stream::new(0, "a test", 0)).unwrap();
    let HostField::Numbers(planes, shape) = &batch[LABEL_MAP.0] else { unreachable!() };
    assert_eq!(shape, &[2, 3, 4, 4]);
    let labels: Vec<u8> =
        (0..16).map(|at| (0..3).find(|label| planes[label * 16 + at] == 1.0).unwrap() as u8).collect();
    // `2` sorts before `a/1`.
    assert_eq!((labels.as_slice(), planes.iter().sum::<f32>()), (&MAP[..], 32.0));
    let before = data.fingerprints();
    desk.add("2", &[RED, BLUE, GREEN], &[2; 16]);
    let differences = before[1].differences(&desk.open("").unwrap().fingerprints()[1]);
    assert!(differences[0].contains("other values"), "{differences:?}");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let desk = desk();
    std::fs::write(desk.path("two.txt"), "#ff0000 land\n#0000ff sea\n").unwrap();
    let palette = format!(",{}", desk.path("two.txt").display());
    let message = desk.open(&palette).err().unwrap();
    assert!(
        message.contains("1.png") && message.contains("#00ff00") && message.contains("2 labels"),
        "{message}"
    );
    std::fs::write(desk.path("two.txt"), "#0000ff sea\n#ff0000 land\n#00ff00 lake\n").unwrap();
    let data = desk.open(&palette).unwrap();
    assert_eq!(data.sources[0].schema().map_labels(LABEL_MAP).unwrap()[0].name, "sea");
    assert!(desk.open(",/nowhere").err().unwrap().contains("/nowhere"));

    desk.add("3", &[BLUE, RED], &[1; 16]);
    let message = desk.open("").err().unwrap();
    assert!(
        message.contains("3.png")
            && message.contains("label 1 another colour")
            && message.contains("PALETTE"),
        "{message}"
    );
    // Colours tell the labels even so.
    assert!(desk.open(&palette).is_ok());

    let indexed = (ColorType::Indexed, BitDepth::Eight);
    write(&desk.path("maps/3.png"), (2, 4), indexed, &[RED], &[0; 8]);
    let message = desk.open("").err().unwrap();
    assert!(message.contains("it is 2x4") && message.contains("is 4x4"), "{message}");
    let colours = (ColorType::Rgb, BitDepth::Eight);
    write(&desk.path("maps/3.png"), (4, 4), colours, &[], &[0; 48]);
    assert!(desk.open("").err().unwrap().contains("its pixels are colours"));

    std::fs::remove_dir_all(desk.path("maps")).unwrap();
    assert!(desk.open("").err().unwrap().contains("maps"));
    std::fs::create_dir(desk.path("maps")).unwrap();
    assert!(desk.open("").err().unwrap().contains("no images below"));
    desk.add("b", &[RED], &[0; 16]);
    std::fs::remove_file(desk.path("images/b.png")).unwrap();
    let message = desk.open("").err().unwrap();
    assert!(message.contains("no image of the same name"), "{message}");
}

#[test]
fn drawn_scenes_have_their_labels_colours() {
    let options = Options::default();
    let data = open(&Spec::LabelScenes, &options).unwrap();
    let parts = open_test_part(&Spec::LabelScenes, &options).unwrap();
    let held_out = parts[0].as_ref().unwrap();
    assert_eq!((data.sources[0].count(), held_out.count()), (2000, 200));
    let stream = &mut Stream::new(0, "a test", 0);
    let all: Vec<usize> = (0..200).collect();
    let batch = held_out.get(&all, stream).unwrap();
    let (HostField::Numbers(images, _), HostField::Numbers(maps, shape)) =
        (&batch["images"], &batch["label_map"])
    else {
        unreachable!()
    };
    assert_eq!(shape, &[200, 5, 32, 32]);
    let planes = |label: usize, at: usize| maps[at / 1024 * 5 * 1024 + label * 1024 + at % 1024];
    let shares: Vec<f32> = (0..5).map(|label| (0..200 * 1024).map(|at| planes(label, at)).sum()).collect();
    assert!(shares.iter().all(|&pixels| pixels > 200.0 * 5.0), "{shares:?}");
    // Beside the light of its sky the colour of a house tells the three styles apart: red, purple and brown.
    let mut styles = [0; 3];
    for number in 0..200 {
        let house = (0..1024).find(|&at| planes(2, number * 1024 + at) == 1.0);
        let Some(at) = house else { continue };
        let red = ((images[number * 3072 + at] + 1.0) * 127.5).round() as u8;
        styles[[195, 150, 125].iter().position(|&level| level == red).unwrap()] += 1;
    }
    assert!(styles.iter().all(|&count| count > 45), "{styles:?}");
    let small = open(&Spec::LabelScenes, &Options { size: Some(16), ..options }).unwrap();
    assert_eq!(small.sources[0].schema().shape(LABEL_MAP).unwrap(), [5, 16, 16]);
}
