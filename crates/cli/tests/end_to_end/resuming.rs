//! Stopping and going on give what never stopping gives.

use crate::program::{Desk, checkpoints, tensors};

const TRAIN: &str = "train gan --set training.batch=16 --set checkpoint.every=10 --quiet";

#[test]
fn a_run_extended_from_17_to_30_steps_equals_one_of_30() {
    for system in ["gan", "dcgan --set generator.width=8 --set discriminator.width=8"] {
        let desk = Desk::new();
        let train = TRAIN.replace("gan", system);
        desk.succeed(&format!("{train} --steps 30 --out whole"));
        desk.succeed(&format!("{train} --steps 17 --out parts"));
        assert!(desk.succeed("train --resume parts").contains("finished its 17 steps"));
        desk.succeed("train --resume parts --steps 30 --quiet");
        assert!(tensors(&desk.path("whole"), 30) == tensors(&desk.path("parts"), 30), "{system}");
        for run in ["whole", "parts"] {
            desk.succeed(&format!("sample {run} -n 9 --out {run}.npy"));
        }
        let samples = |run: &str| std::fs::read(desk.path(run)).unwrap();
        assert_eq!(samples("whole.npy"), samples("parts.npy"));
    }
}

#[test]
fn a_torn_checkpoint_is_named_and_the_one_before_it_used() {
    let desk = Desk::new();
    desk.succeed(&format!("{TRAIN} --steps 30 --out whole"));
    desk.succeed(&format!("{TRAIN} --steps 30 --out torn"));
    let newest = desk.path("torn/checkpoints/step-00000030.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    let ended = desk.run("train --resume torn --quiet");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("step-00000030") && ended.err.contains("damaged"), "{}", ended.err);
    assert!(tensors(&desk.path("whole"), 30) == tensors(&desk.path("torn"), 30));
    for step in checkpoints(&desk.path("torn")) {
        std::fs::write(desk.path(&format!("torn/checkpoints/step-{step:08}.json")), "{").unwrap();
    }
    for command in ["train --resume torn", "sample torn"] {
        desk.refuse(command, &["no usable checkpoint", "step-00000030.json"]);
    }
}

/// Other phases were ignored, and another length of lines led to advice about where the data is.
#[test]
fn keys_that_a_checkpoint_fixes_are_named_when_they_were_changed() {
    let desk = Desk::new();
    desk.succeed("train seqgan --steps 4 --set training.batch=4 --set held_out.every=0 --quiet --out run");
    let recipe = std::fs::read_to_string(desk.path("run/recipe.toml")).unwrap();
    for (key, before, now) in [
        ("data.length", "length = 12", "length = 4"),
        ("phases.likelihood", "likelihood = 0.3", "likelihood = 0.5"),
    ] {
        assert!(recipe.contains(before), "{recipe}");
        std::fs::write(desk.path("run/recipe.toml"), recipe.replace(before, now)).unwrap();
        let (_, value) = before.split_once(" = ").unwrap();
        desk.refuse(
            "train --resume run --steps 6 --quiet",
            &["run/recipe.toml says", key, &format!("set it back to {value}, or train a new run")],
        );
    }
    std::fs::write(desk.path("run/recipe.toml"), recipe).unwrap();
    desk.succeed("train --resume run --steps 6 --quiet");
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let desk = Desk::new();
    desk.succeed(&format!("{TRAIN} --steps 5 --out run"));
    desk.refuse("train --resume run --steps 4", &["5 steps already", "--steps 5"]);
    desk.refuse("train --resume run --steps 0", &["5 steps already"]);
    desk.refuse("train --resume absent", &["absent", "no run folder"]);
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.refuse("train --resume empty", &["empty", "recipe.toml is missing"]);
    let recipe = std::fs::read_to_string(desk.path("run/recipe.toml")).unwrap();
    std::fs::write(desk.path("run/recipe.toml"), recipe.replace("steps = 5", "steps = 'many'")).unwrap();
    desk.refuse("train --resume run", &["run/recipe.toml", "many"]);
    std::fs::write(desk.path("run/recipe.toml"), "steps = = 5").unwrap();
    desk.refuse("train --resume run", &["run/recipe.toml", "line 1"]);
}
