//! `sample` and `interpolate` on trained runs.

use std::path::Path;

use crate::program::{Desk, names};

fn trained(data: &str) -> Desk {
    let desk = Desk::new();
    desk.succeed(&format!("train gan --data {data} --steps 5 --set training.batch=16 --out run --quiet"));
    desk
}

/// The shape in the header of a `.npy` file, and its numbers.
pub(crate) fn read_npy(path: &Path) -> (String, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes[..8], *b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..end].to_vec()).unwrap();
    assert!(header.contains("'descr': '<f4', 'fortran_order': False"), "{header}");
    let shape = header.split(['(', ')']).nth(1).unwrap().to_owned();
    let numbers = bytes[end..].as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
    (shape, numbers)
}

#[test]
fn samples_come_as_picture_numbers_and_single_files() {
    let desk = trained("digits");
    assert_eq!(desk.succeed("sample run --seed 3").trim(), "run/samples-seed3.png");
    let grid = image::open(desk.path("run/samples-seed3.png")).unwrap();
    // 8 tiles of 8x8 pixels, five times enlarged, with gaps of 2.
    assert_eq!((grid.width(), grid.height()), (8 * 42 + 2, 8 * 42 + 2));
    desk.succeed("sample run -n 5 --seed 3 --out a.npy");
    desk.succeed("sample run -n 5 --seed 3 --out b.npy");
    desk.succeed("sample run -n 5 --seed 4 --out c.npy");
    let (shape, numbers) = read_npy(&desk.path("a.npy"));
    assert_eq!((shape.as_str(), numbers.len()), ("5,1,8,8,", 5 * 64));
    assert!(
        numbers.iter().all(|number| number.abs() <= 1.0)
            && numbers.iter().any(|number| *number != numbers[0])
    );
    assert_eq!(numbers, read_npy(&desk.path("b.npy")).1);
    assert_ne!(numbers, read_npy(&desk.path("c.npy")).1);
    desk.succeed("sample run -n 3 --seed 3 --out single/");
    assert_eq!(names(&desk.path("single")), ["sample-00000.png", "sample-00001.png", "sample-00002.png"]);
    let first = image::open(desk.path("single/sample-00000.png")).unwrap().into_luma8();
    let expected: Vec<u8> = numbers[..64].iter().map(|value| ((value + 1.0) * 127.5).round() as u8).collect();
    assert_eq!(first.into_raw(), expected);
}

#[test]
fn points_come_as_scatter_plot_and_numbers() {
    let desk = trained("ring8");
    desk.succeed("sample run --out points.png");
    assert!(desk.path("points.png").is_file());
    desk.succeed("sample run -n 7 --out points.npy");
    assert_eq!(read_npy(&desk.path("points.npy")).0, "7,2,");
    desk.refuse("sample run --out points/", &["points/", ".png or .npy"]);
}

#[test]
fn impossible_samples_are_refused() {
    let desk = trained("digits");
    desk.refuse("sample run -n 0", &["0 samples"]);
    desk.refuse("sample run -n 99999999999", &["too many: they take about 71526 GiB of memory", "ask for"]);
    desk.refuse("sample run -n 18446744073709551615", &["too many", "ask for"]);
    let started = std::time::Instant::now();
    desk.refuse(
        "sample run -n 2500000",
        &["samples-seed0.png: ", "pixels; draw fewer, or write them to a file ending in .npy"],
    );
    assert!(started.elapsed().as_secs() < 20, "they were made first");
    desk.refuse("sample run --out x.jpg", &["x.jpg", ".png or .npy"]);
    for line in [
        "sample run --out absent/x.png",
        "sample run --out absent/x.npy",
        "interpolate run --out absent/x.png",
    ] {
        desk.refuse(line, &["cannot write absent/x.", "make the folder that it is to lie in first"]);
    }
    desk.refuse("sample run --out run/", &["run/", "not empty"]);
    desk.refuse("sample absent", &["absent", "no run folder"]);
    desk.refuse("interpolate run --out x.gif", &["x.gif", ".png"]);
    std::fs::write(desk.path("file"), "x").unwrap();
    desk.refuse("sample run --out file/x/", &["file"]);
    assert_eq!(names(&desk.path("")), ["file", "run"]);
}

#[test]
fn walks_come_as_grids_and_animations() {
    let desk = trained("digits");
    let out = desk.succeed("interpolate run --rows 2 --columns 5");
    for way in ["linear", "spherical"] {
        let picture = format!("run/interpolation-seed0-{way}.png");
        assert!(out.contains(&picture), "{out}");
        let grid = image::open(desk.path(&picture)).unwrap();
        assert_eq!((grid.width(), grid.height()), (5 * 42 + 2, 2 * 42 + 2));
        let animation = std::fs::read(desk.path(&picture).with_extension("gif")).unwrap();
        assert_eq!(animation[..6], *b"GIF89a");
    }
    desk.succeed("interpolate run --rows 2 --columns 5 --spherical --out walk.png");
    assert_eq!(names(&desk.path("")), ["run", "walk.gif", "walk.png"]);
    let bytes = |name: &str| std::fs::read(desk.path(name)).unwrap();
    assert_eq!(bytes("walk.png"), bytes("run/interpolation-seed0-spherical.png"));
    assert_ne!(bytes("walk.png"), bytes("run/interpolation-seed0-linear.png"));
}

#[test]
fn walks_between_points_are_drawn_too() {
    let desk = trained("ring8");
    desk.succeed("interpolate run --rows 2 --linear --out walk.png");
    assert!(desk.path("walk.png").is_file() && desk.path("walk.gif").is_file());
}
