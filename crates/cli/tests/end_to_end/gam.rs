//! `evaluate --gam`: two runs against each other.

use serde_json::Value;

use crate::program::Desk;

const SMALL: &str =
    "--steps 4 --quiet --set training.batch=16 --set generator.width=4 --set discriminator.width=4";

#[test]
fn two_runs_compete_on_held_out_data_and_each_others_samples() {
    let desk = Desk::new();
    desk.succeed(&format!("train dcgan --out a {SMALL}"));
    desk.succeed(&format!("train dcgan --out b --set training.seed=1 {SMALL}"));
    let line = "evaluate --gam a b --count 200";
    let table = desk.succeed(line);
    for part in ["r_test", "r_samples", "on the other's samples", "The first wins if r_samples < 1"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let found: Value = serde_json::from_str(&desk.succeed(&format!("{line} --json"))).unwrap();
    assert_eq!((found["first"].as_str(), found["real"]["count"].as_u64()), (Some("a"), Some(200)));
    let rates = |key: &str| [0, 1].map(|index| found[key][index].as_f64().unwrap());
    for rate in [rates("error_on_real"), rates("error_on_generated")].concat() {
        assert!((0.0..=1.0).contains(&rate), "{found}");
    }
    // The other way round, the ratios turn.
    let turned: Value = serde_json::from_str(&desk.succeed("evaluate --gam b a --count 200 --json")).unwrap();
    assert_eq!(found["error_on_real"][0], turned["error_on_real"][1]);
    assert_eq!(found["error_on_generated"][0], turned["error_on_generated"][1]);
    // A run against itself is a tie.
    let itself = desk.succeed("evaluate --gam a a --count 200 --json");
    assert!(itself.contains("tie"), "{itself}");
}

#[test]
fn runs_that_cannot_compete_are_refused() {
    let desk = Desk::new();
    desk.succeed(&format!("train dcgan --out a {SMALL}"));
    desk.succeed(&format!("train dcgan --out large --set data.size=16 {SMALL}"));
    desk.succeed("train vae --steps 2 --quiet --out vae");
    desk.succeed(&format!("train wgan --out wgan {SMALL}"));
    desk.succeed("train gan --data ring8 --steps 2 --quiet --out points");
    for (other, part) in [
        ("large", "the same data in the same shape"),
        ("points", "the same data in the same shape"),
        ("vae", "no discriminator that scores images alone"),
        ("wgan", "no score above which"),
        ("missing", "missing"),
    ] {
        let ended = desk.run(&format!("evaluate --gam a {other} --count 50"));
        assert!(ended.code != Some(0) && ended.err.contains(part), "{other}: {}", ended.err);
    }
    let ended = desk.run("evaluate --gam a --count 50");
    assert!(ended.code != Some(0), "{}", ended.out);
    let ended = desk.run("evaluate a --gam a a");
    assert!(ended.code != Some(0) && ended.err.contains("cannot be used with"), "{}", ended.err);
}
