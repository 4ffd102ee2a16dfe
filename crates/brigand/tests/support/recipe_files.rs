//! The recipe files, trained for a step on data that is part of the program.

use std::path::Path;

use brigand::recipe::{Changes, Recipe};
use brigand::registry;
use brigand::training::Prepared;
use candle_core::Device;
use toml::{Table, Value};

/// The side of images from which on a step takes seconds.
const LARGE: i64 = 64;

/// Images with two halves, for recipes of pairs, and images with label maps.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let save = |place: String, values: Vec<f32>, shape| {
        let path = folder.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        brigand::pictures::single_image(&values, shape).unwrap().save_png(&path).unwrap();
    };
    for number in 0..4 {
        let pixels =
            |count: usize| (0..count).map(|at| ((at * (number + 3)) as f32).sin()).collect::<Vec<f32>>();
        save(format!("halves/{number}.png"), pixels(3 * 8 * 16), [3, 8, 16]);
        save(format!("images/{number}.png"), pixels(3 * 8 * 8), [3, 8, 8]);
        let labels = (0..64).map(|at| ((at + number) % 3) as f32 / 127.5 - 1.0).collect();
        save(format!("maps/{number}.png"), labels, [1, 8, 8]);
    }
    folder
}

/// The size of the recipe's images, on digits that are part of the program, in small batches with one discriminator step;
/// the grammar and the oracle are part of it, too. Pairs and label maps are `files`.
fn on_digits(file: &Table, files: &Path) -> (Vec<String>, i64) {
    let data = |key: &str| file.get("data").and_then(|data| data.get(key)).cloned();
    let source = data("source");
    match source.as_ref().and_then(Value::as_str) {
        Some("grammar" | "cipher" | "opinions") => {
            let steps = file.get("discriminator_steps").map(|_| "discriminator_steps=1".into());
            return (steps.into_iter().chain(["training.batch=4".into()]).collect(), 0);
        }
        Some(speech) if speech.starts_with("speech:") => {
            let words = ["data.source=cipher", "segments=given", "discriminator_steps=1", "training.batch=4"];
            return (words.into_iter().map(str::to_owned).collect(), 0);
        }
        Some(lines) if lines.starts_with("unpaired-lines:") => {
            let words =
                ["data.source=opinions", "data.length=8", "discriminator_steps=1", "training.batch=4"];
            return (words.into_iter().map(str::to_owned).collect(), 0);
        }
        // Twelve thousand lines over the whole vocabulary take long to draw.
        Some("oracle") => return (vec!["data.source=oracle:20".into(), "training.batch=4".into()], 0),
        _ => {}
    }
    if source.as_ref().and_then(Value::as_str).is_some_and(|spec| spec.starts_with("image:")) {
        return (vec!["data.source=stones".into()], 0);
    }
    if source.as_ref().and_then(Value::as_str).is_some_and(|spec| spec.starts_with("identities:")) {
        let side = data("size").and_then(|size| size.as_integer()).unwrap_or(64);
        let words = ["data.source=cartoon-faces", "training.batch=1", "update.discriminator_steps=1"];
        let size = format!("data.size={side}");
        return (words.into_iter().map(str::to_owned).chain([size]).collect(), side);
    }
    for (beginning, embedded) in
        [("captions:", "caption-scenes"), ("tags:", "tagged-shapes"), ("sounds:", "tone-discs")]
    {
        if source.as_ref().and_then(Value::as_str).is_some_and(|spec| spec.starts_with(beginning)) {
            let side = data("size").and_then(|size| size.as_integer()).unwrap_or(64);
            let steps = file.get("update").and_then(|update| update.get("discriminator_steps"));
            let mut words = vec![format!("data.source={embedded}"), "training.batch=2".to_owned()];
            words.push(format!("data.size={side}"));
            words.extend(steps.map(|_| "update.discriminator_steps=1".to_owned()));
            return (words, side);
        }
    }
    let own = match source.as_ref().and_then(Value::as_str) {
        Some("mnist" | "fashion-mnist") => 28,
        Some("cifar10") => 32,
        _ => 64,
    };
    let side = data("size").and_then(|size| size.as_integer()).unwrap_or(own);
    let begins = |with| source.as_ref().and_then(Value::as_str).is_some_and(|spec| spec.starts_with(with));
    let number = |table: &str, key: &str| file.get(table).and_then(|table| table.get(key)?.as_integer());
    let few = if side > 64 || number("generator", "width") > Some(500) { 2 } else { 4 };
    let (source, batch) = match (begins("unpaired:"), begins("pairs:")) {
        (true, _) => ("unpaired:digits,digits".to_owned(), 1),
        (_, true) => (format!("pairs:{}/halves", files.display()), 1),
        _ if begins("labels:") => (format!("labels:{0}/images,{0}/maps", files.display()), few),
        _ => ("digits".to_owned(), few),
    };
    let mut words =
        vec![format!("data.size={side}"), format!("data.source={source}"), format!("training.batch={batch}")];
    words.extend(number("update", "discriminator_steps").map(|_| "update.discriminator_steps=1".to_owned()));
    (words, side)
}

/// Builds and trains each recipe file of large images, or of others.
pub(crate) fn train_recipe_files(large: bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (own, mut trained) = (self::files(), 0);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let table: Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let row = registry::find(table["system"].as_str().unwrap()).unwrap();
        let resolve =
            |assignments| Recipe::resolve(row, &Changes { file: Some(text.clone().into()), assignments });
        resolve(Vec::new()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (words, side) = on_digits(&table, own.path());
        if (side >= LARGE) != large {
            continue;
        }
        let mut session = Prepared::new(resolve(words).unwrap(), &Device::Cpu).unwrap().into_session();
        let report = session.advance().unwrap().read(1).unwrap();
        assert!(report.values().all(|value| value.is_finite()), "{}: {report:?}", path.display());
        trained += 1;
    }
    assert!(trained > 5, "{trained} recipe files were trained");
}
