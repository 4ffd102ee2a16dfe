//! The figures of the theory.

use serde_json::Value;

use crate::program::{Desk, names};

#[test]
fn figures_are_listed_for_people_and_for_scripts() {
    let desk = Desk::new();
    let table = desk.succeed("lab");
    let listed: Value = serde_json::from_str(&desk.succeed("lab --json")).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(table.lines().count(), listed.len() + 1, "{table}");
    for (line, figure) in table.lines().skip(1).zip(listed) {
        assert!(line.starts_with(figure["name"].as_str().unwrap()), "{line}");
        assert!(line.ends_with(figure["summary"].as_str().unwrap()), "{line}");
    }
}

#[test]
fn a_figure_is_explained_and_its_files_named() {
    let desk = Desk::new();
    let printed = desk.succeed("lab generator-losses");
    assert!(printed.contains("-ln D at D=0.01") && printed.contains("4.605170"), "{printed}");
    assert!(printed.lines().all(|line| line.chars().count() <= 100), "{printed}");
    assert_eq!(printed.lines().last(), Some("lab/generator-losses.png"));
    assert_eq!(names(&desk.path("lab")), ["generator-losses.png"]);
    let again = desk.succeed("lab generator-losses --out talk/first");
    assert!(again.ends_with("talk/first/generator-losses.png\n"), "{again}");
    let bytes = |name: &str| std::fs::read(desk.path(name)).unwrap();
    assert_eq!(bytes("lab/generator-losses.png"), bytes("talk/first/generator-losses.png"));
}

#[test]
fn a_moving_figure_comes_with_its_numbers_as_json() {
    let desk = Desk::new();
    let printed: Value = serde_json::from_str(&desk.succeed("lab js-saturation --json")).unwrap();
    assert_eq!(printed["numbers"]["KL of lines at theta=0.5"], "inf");
    let js = printed["numbers"]["JS of lines at theta=0.5"].as_f64().unwrap();
    assert!((js - std::f64::consts::LN_2).abs() < 1e-9);
    for file in printed["files"].as_array().unwrap() {
        assert!(desk.path(file.as_str().unwrap()).is_file(), "{file}");
    }
    let mut head = std::fs::read(desk.path("lab/js-saturation.gif")).unwrap();
    head.truncate(6);
    assert_eq!(head, b"GIF89a");
}

#[test]
fn unknown_figures_and_impossible_folders_are_refused() {
    let desk = Desk::new();
    desk.refuse("lab js-saturatoin", &["`js-saturatoin`", "nearest: js-saturation", "brigand lab"]);
    assert!(names(&desk.path("lab")).is_empty());
    std::fs::write(desk.path("file"), "x").unwrap();
    desk.refuse("lab generator-losses --out file/below", &["file/below", "choose another folder"]);
}
