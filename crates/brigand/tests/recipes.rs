//! Claims: every recipe file in the folder `recipes` for small images builds and trains (the training checks have those for
//! large ones); renamed keys are refused with the new name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::support;

use brigand::recipe::{Changes, Recipe};
use brigand::registry;

#[test]
fn every_recipe_file_of_small_images_trains() {
    support::recipe_files::train_recipe_files(false);
}

/// On the command line and in the recipes of older runs.
#[test]
fn renamed_keys_are_refused_with_the_new_name() {
    for (system, old, new) in [
        ("adagan", "ensemble.judge_steps", "discriminator_steps"),
        ("mdgan", "techniques.encoder.judgement", "score"),
    ] {
        let resolve = |assignments: &[String]| {
            let changes = Changes { file: None, assignments: assignments.to_vec() };
            Recipe::resolve(registry::find(system).unwrap(), &changes)
        };
        let message = resolve(&[format!("{old}=1")]).unwrap_err().to_string();
        assert!(message.contains(&format!("no key `{old}`")) && message.contains(new), "{message}");
        let mut older = resolve(&[]).unwrap().to_table().unwrap();
        let (parents, key) = old.rsplit_once('.').unwrap();
        let inner = parents.split('.').fold(&mut older, |table, key| table[key].as_table_mut().unwrap());
        let value = inner.remove(new).unwrap();
        inner.insert(key.to_owned(), value);
        let older = toml::to_string(&older).unwrap();
        let message = Recipe::from_toml(&older, "an older run").unwrap_err().to_string();
        assert!(message.contains(&format!("`{key}`")) && message.contains(new), "{message}");
    }
}
