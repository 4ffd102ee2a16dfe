//! A run that goes on, and its data.

use crate::program::{Desk, Ended, tensors};
use crate::sources::write_png;

const TRAIN: &str = "train cgan --data folder:set --set data.size=8 --set training.batch=4 --quiet";

/// A set of two classes with three pictures each.
fn desk_with_set() -> Desk {
    let desk = Desk::new();
    for class in ["cats", "dogs"] {
        std::fs::create_dir_all(desk.path(&format!("set/{class}"))).unwrap();
        for (index, side) in [20, 24, 28].into_iter().enumerate() {
            write_png(&desk.path(&format!("set/{class}/{index}.png")), side, 20);
        }
    }
    desk
}

/// stylegan2-pytorch 232: a relative folder was looked for from the new working directory, and another one of that name
/// was trained on.
#[test]
fn a_run_resumed_from_another_working_directory_finds_its_data() {
    let desk = desk_with_set();
    desk.succeed(&format!("{TRAIN} --steps 3 --out run"));
    desk.succeed(&format!("{TRAIN} --steps 6 --out whole"));
    std::fs::create_dir_all(desk.path("elsewhere/set")).unwrap();
    write_png(&desk.path("elsewhere/set/other.png"), 20, 20);
    let line = "train --resume ../run --steps 6 --quiet";
    let ended = Ended::from(desk.command(line).current_dir(desk.path("elsewhere")).output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(tensors(&desk.path("run"), 6) == tensors(&desk.path("whole"), 6));
}

/// vision 714: more pictures went unnoticed, and a renamed class shifted the names of all classes.
#[test]
fn data_that_changed_stops_a_resumed_run_and_is_described() {
    let desk = desk_with_set();
    desk.succeed(&format!("{TRAIN} --steps 3 --out run"));
    let resume = "train --resume run --steps 6 --quiet";
    let recipe = std::fs::read(desk.path("run/recipe.toml")).unwrap();
    for index in 0..10 {
        write_png(&desk.path(&format!("set/dogs/new{index}.png")), 20, 20);
    }
    let flags = ["--data SPEC", "--accept-changed-data"];
    desk.refuse(resume, &["run was trained on other data", "16 samples instead of 6", flags[0], flags[1]]);
    for index in 0..10 {
        std::fs::remove_file(desk.path(&format!("set/dogs/new{index}.png"))).unwrap();
    }
    std::fs::rename(desk.path("set/cats"), desk.path("set/felines")).unwrap();
    desk.refuse(resume, &["classes that are new: `felines`", "classes that are gone: `cats`"]);
    std::fs::rename(desk.path("set/felines"), desk.path("set/cats")).unwrap();
    write_png(&desk.path("set/cats/0.png"), 60, 31);
    desk.refuse(resume, &["as many samples, but with other values"]);
    // Nothing of this changed the run.
    assert_eq!(std::fs::read(desk.path("run/recipe.toml")).unwrap(), recipe);
    let ended = desk.run(&format!("{resume} --accept-changed-data"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("training goes on with other data"), "{}", ended.err);
    // From then on this is its data.
    desk.succeed("train --resume run --steps 7 --quiet");
    std::fs::remove_file(desk.path("run/data.json")).unwrap();
    assert!(desk.run("train --resume run --steps 8 --quiet").err.contains("data.json is missing"));
    assert!(desk.path("run/data.json").exists());
}

#[test]
fn data_that_has_moved_is_given_with_resume() {
    let desk = desk_with_set();
    desk.succeed(&format!("{TRAIN} --steps 6 --out whole"));
    desk.succeed(&format!("{TRAIN} --steps 3 --out run"));
    std::fs::rename(desk.path("set"), desk.path("moved")).unwrap();
    let resume = "train --resume run --steps 6 --quiet";
    desk.refuse(resume, &["does not exist", "--data SPEC"]);
    desk.refuse(
        &format!("{resume} --data digits"),
        &["was trained on other data", "1797 samples instead of 6"],
    );
    desk.succeed(&format!("{resume} --data folder:moved"));
    assert!(tensors(&desk.path("run"), 6) == tensors(&desk.path("whole"), 6));
    // It is remembered.
    desk.succeed("train --resume run --steps 7 --quiet");
}

/// Other tokens of the same number took over the weights of those that were trained.
#[test]
fn text_with_another_vocabulary_is_refused_even_if_changed_data_is_accepted() {
    let desk = Desk::new();
    let lines = |line: &str| std::fs::write(desk.path("lines.txt"), format!("{line}\n").repeat(60)).unwrap();
    lines("abcabc");
    desk.succeed(
        "train text-gumbel --data lines:lines.txt --steps 2 --set training.batch=4 --quiet --out run",
    );
    desk.refuse("sample run -n 1000001", &["1000001 lines at once are too many", "1000000 or fewer"]);
    lines("xyzxyz");
    let resume = "train --resume run --steps 4 --quiet --accept-changed-data";
    desk.run(resume).assert_refused(
        resume,
        &["a vocabulary of 4 tokens, and the data has another of 4, for example `x`"],
    );
    lines("abccba");
    desk.succeed(resume);
}
