//! What to change in a recipe whose training diverged.

use crate::error::Error;
use crate::recipe::{Recipe, collect_leaves};

/// The last part of the keys of learning rates.
const RATE: &str = "learning_rate";

/// An error of a number that is no longer finite, with the keys of the learning rates that may be too high; any other as it is.
pub(super) fn with_keys(error: Error, recipe: &Recipe) -> Error {
    match error {
        Error::NotFinite { what, value, step, trained, keys: _ } => {
            let keys = match trained.is_empty() {
                // The name of what a network holds begins with that of the network.
                true => keys_of(std::slice::from_ref(&what), recipe),
                false => keys_of(&trained, recipe),
            };
            Error::NotFinite { what, value, step, trained, keys }
        }
        other => other,
    }
}

/// The keys of the learning rates of `networks`: those whose table has the name of one or the last part of it (`optimizer.encoders` is
/// that of a `caption_encoder`); all where a network has none of its own.
fn keys_of(networks: &[String], recipe: &Recipe) -> Vec<String> {
    // A recipe that trains can be laid out.
    let table = recipe.system.to_table().unwrap_or_default();
    let mut leaves = Vec::new();
    collect_leaves(&table, &mut Vec::new(), &mut leaves);
    let rates: Vec<Vec<String>> = leaves
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.last().is_some_and(|key| key == RATE))
        .collect();
    let is_of = |path: &[String], network: &str| {
        let owner = path.iter().rev().nth(1).map(|owner| owner.trim_end_matches('s'));
        owner.is_some_and(|owner| network.contains(owner))
    };
    let each_has_one = networks.iter().all(|network| rates.iter().any(|path| is_of(path, network)));
    let chosen =
        rates.iter().filter(|path| !each_has_one || networks.iter().any(|network| is_of(path, network)));
    chosen.map(|path| path.join(".")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Changes;
    use crate::registry;

    fn keys(system: &str, what: &str, trained: &[&str]) -> Vec<String> {
        let recipe = Recipe::resolve(registry::find(system).unwrap(), &Changes::default()).unwrap();
        let trained = trained.iter().map(ToString::to_string).collect();
        let error =
            Error::NotFinite { what: what.into(), value: f64::NAN, step: 3, trained, keys: Vec::new() };
        match with_keys(error, &recipe) {
            Error::NotFinite { keys, .. } => keys,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_keys_are_those_of_what_was_trained() {
        let key = |owner: &str| format!("optimizer.{owner}.learning_rate");
        let both = [key("discriminator"), key("generator")];
        assert_eq!(keys("gan", "generator_loss", &["discriminator", "generator"]), both);
        assert_eq!(keys("gan", "`optimizer.generator.first.layer0.weight`", &[]), [key("generator")]);
        let encoders = ["caption_encoder", "image_encoder"];
        assert_eq!(keys("text-to-image", "contrastive_loss", &encoders), [key("encoders")]);
        assert_eq!(keys("text-to-image", "`image_encoder.layer3.running_variance`", &[]), [key("encoders")]);
        assert_eq!(keys("stackgan", "loss", &["second_discriminator", "second_generator"]), both);
        // The generator has two optimizers, of other names.
        let all = ["discriminator", "likelihood", "policy"].map(key);
        assert_eq!(keys("seqgan", "generator_loss", &["generator"]), all);
    }
}
