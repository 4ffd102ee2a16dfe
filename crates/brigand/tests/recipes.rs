//! Claims: every recipe file in the folder `recipes` builds and trains; renamed keys are refused with the new name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::Path;

use brigand::recipe::{Changes, Recipe};
use brigand::registry;
use brigand::training::Prepared;
use candle_core::Device;
use toml::{Table, Value};

/// Images with two halves, for recipes of pairs.
fn halves() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..4 {
        let pixels: Vec<f32> = (0..3 * 8 * 16).map(|at| ((at * (number + 3)) as f32).sin()).collect();
        let picture = brigand::pictures::single_image(&pixels, [3, 8, 16]).unwrap();
        picture.save_png(&folder.path().join(format!("{number}.png"))).unwrap();
    }
    folder
}

/// The size of the recipe's images, on digits that are part of the program, in small batches with one discriminator step;
/// the grammar is part of it, too. Pairs are the `halves`.
fn on_digits(file: &Table, halves: &Path) -> Vec<String> {
    let data = |key: &str| file.get("data").and_then(|data| data.get(key)).cloned();
    let source = data("source");
    if source.as_ref().and_then(Value::as_str) == Some("grammar") {
        return vec!["training.batch=4".into()];
    }
    if source.as_ref().and_then(Value::as_str).is_some_and(|spec| spec.starts_with("image:")) {
        return vec!["data.source=stones".into()];
    }
    let side = match source.as_ref().and_then(Value::as_str) {
        Some("mnist" | "fashion-mnist") => 28,
        Some("cifar10") => 32,
        _ => data("size").and_then(|size| size.as_integer()).unwrap_or(64),
    };
    let begins = |with| source.as_ref().and_then(Value::as_str).is_some_and(|spec| spec.starts_with(with));
    let number = |table: &str, key: &str| file.get(table).and_then(|table| table.get(key)?.as_integer());
    let few = if side > 64 || number("generator", "width") > Some(500) { 2 } else { 4 };
    let (source, batch) = match (begins("unpaired:"), begins("pairs:")) {
        (true, _) => ("unpaired:digits,digits".to_owned(), 1),
        (_, true) => (format!("pairs:{}", halves.display()), 1),
        _ => ("digits".to_owned(), few),
    };
    let mut words =
        vec![format!("data.size={side}"), format!("data.source={source}"), format!("training.batch={batch}")];
    words.extend(number("update", "discriminator_steps").map(|_| "update.discriminator_steps=1".to_owned()));
    words
}

#[test]
fn every_recipe_file_trains() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let halves = halves();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let table: Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let row = registry::find(table["system"].as_str().unwrap()).unwrap();
        let resolve = |assignments| Recipe::resolve(row, &Changes { file: Some(text.clone()), assignments });
        resolve(Vec::new()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let recipe = resolve(on_digits(&table, halves.path())).unwrap();
        let mut session = Prepared::new(recipe, &Device::Cpu).unwrap().into_session();
        let report = session.advance().unwrap().read(1).unwrap();
        assert!(report.values().all(|value| value.is_finite()), "{}: {report:?}", path.display());
    }
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
