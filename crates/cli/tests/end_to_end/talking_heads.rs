//! `brigand adapt`, and `brigand translate --drive`.

use brigand::data::people::cartoon::{Part, write};

use crate::program::{Desk, names};

/// A short run, and a folder of people.
fn desk_with_run() -> Desk {
    let desk = Desk::new();
    write(&desk.path("people"), Part::HeldOut, 3, (16, 0)).unwrap();
    desk.succeed(
        "train talking-head --data identities:people --set data.size=16 --set data.frames=2 --set embedding=8 \
         --set embedder.width=4 --set generator.width=4 --set discriminator.width=4 --set training.batch=2 --steps 2 \
         --out run --quiet",
    );
    desk
}

#[test]
fn a_person_is_drawn_in_the_poses_of_landmarks_before_and_after_fine_tuning() {
    let desk = desk_with_run();
    assert!(desk.path("run/poses/step-00000002.png").is_file());
    desk.succeed("translate run --person people/person-1 --drive people/person-2 --out driven");
    let written = names(&desk.path("driven"));
    assert!(written.len() == 13 && written.contains(&"driven.gif".to_owned()), "{written:?}");
    assert_eq!(image::image_dimensions(desk.path("driven/0.png")).unwrap(), (16, 16));
    // Landmarks alone are in pixels of the person's frames.
    std::fs::copy(desk.path("people/person-2/landmarks.csv"), desk.path("poses.csv")).unwrap();
    std::fs::copy(desk.path("people/edges.csv"), desk.path("edges.csv")).unwrap();
    desk.succeed("translate run --person people/person-1 --drive poses.csv --out alone");
    let [driven, alone] =
        ["driven", "alone"].map(|at| std::fs::read(desk.path(&format!("{at}/7.png"))).unwrap());
    assert!(driven == alone);
    let said = desk.succeed("adapt run --person people/person-1 --steps 2 --out tuned --quiet");
    assert!(said.contains("translate tuned --drive DIR"), "{said}");
    desk.succeed("translate tuned --drive poses.csv --out after");
    assert!(std::fs::read(desk.path("after/7.png")).unwrap() != alone);
    desk.succeed("train --resume tuned --steps 4 --quiet");
    assert!(desk.path("tuned/person/step-00000004.png").is_file());
}

#[test]
fn what_cannot_be_drawn_is_refused_and_nothing_is_left() {
    let desk = desk_with_run();
    let cases: [(&str, &[&str]); 8] = [
        ("translate run --drive people/person-2 --out none", &["--person DIR"]),
        ("translate run --in people --out none", &["--drive PATH"]),
        ("translate run --out none", &["--in"]),
        ("translate run --person people --drive people/person-2 --out none", &["people", "no landmarks.csv"]),
        (
            "translate run --person people/person-1 --drive people --out none",
            &["landmarks.csv", "does not exist"],
        ),
        (
            "translate run --person people/person-1 --drive people/edges.csv --out none",
            &["edges.csv", "line 1"],
        ),
        ("adapt run --person people/nobody --out none", &["people/nobody", "does not exist"]),
        ("adapt run --person people/person-1 --steps 0 --out none", &["0"]),
    ];
    for (line, words) in cases {
        let ended = desk.run(line);
        assert!(ended.code != Some(0), "{line}");
        assert!(words.iter().all(|word| ended.err.contains(word)), "{line}: {}", ended.err);
        assert!(!desk.path("none").exists(), "{line}");
    }
    desk.refuse(
        "translate run --person people/person-1 --drive people/person-2 --out people/person-2",
        &["another folder for --out"],
    );
    desk.succeed("train gan --data ring8 --steps 1 --out points --quiet");
    desk.refuse("adapt points --person people/person-1 --out none", &["draws no people", "talking-head"]);
    desk.refuse("translate points --drive poses.csv --out none", &["draws no people"]);
    // Landmarks that stop fitting are refused before anything is trained.
    std::fs::remove_file(desk.path("people/person-0/landmarks.csv")).unwrap();
    desk.refuse("train talking-head --data identities:people --out none", &["person-0", "no landmarks.csv"]);
    assert!(!desk.path("none").exists());
}
