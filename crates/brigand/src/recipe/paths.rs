//! The paths in a recipe.

use std::path::Path;

use super::Recipe;
use crate::data::Spec;
use crate::error::Result;
use crate::files::{FileError, path_of};

/// What stands before a path in `evaluation.features`.
const EXTRACTORS: [&str; 3] = ["classifier:", "inception:", "efficientnet:"];

impl Recipe {
    /// Makes every path that it names absolute, so that the run finds its files from any working directory.
    ///
    /// # Errors
    /// If the working directory is not known.
    pub fn make_paths_absolute(&mut self) -> Result<()> {
        let source = self.common.data.source.parse::<Spec>()?;
        self.common.data.source = source.absolute()?.to_string();
        if let Some(held_out) = self.common.data.held_out.as_mut().filter(|spec| !spec.is_empty()) {
            *held_out = held_out.parse::<Spec>()?.absolute()?.to_string();
        }
        let features = &mut self.common.evaluation.features;
        let kind = EXTRACTORS.into_iter().find(|kind| features.starts_with(kind));
        if let Some((kind, path)) = kind.and_then(|kind| Some((kind, features.strip_prefix(kind)?))) {
            *features = format!("{kind}{}", absolute(path)?);
        }
        for file in self.system.files() {
            *file = absolute(file)?;
        }
        Ok(())
    }
}

/// The absolute path; the same where it is no UTF-8.
fn absolute(text: &str) -> Result<String> {
    let found =
        std::path::absolute(path_of(text)).map_err(FileError::when("find the place of", Path::new(text)))?;
    Ok(found.to_str().map_or_else(|| text.to_owned(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Changes;
    use crate::registry;

    #[test]
    fn every_path_of_a_recipe_becomes_absolute() {
        let here = std::env::current_dir().unwrap().display().to_string();
        let of = |system: &str, words: &[&str]| {
            let assignments = words.iter().map(ToString::to_string).collect();
            let changes = Changes { file: None, assignments };
            let mut recipe = Recipe::resolve(registry::find(system).unwrap(), &changes).unwrap();
            recipe.make_paths_absolute().unwrap();
            recipe
        };
        let recipe = of("gan", &["data.source=folder:a", "evaluation.features=classifier:runs/c"]);
        assert_eq!(recipe.common.data.source, format!("folder:{here}/a"));
        assert_eq!(recipe.common.evaluation.features, format!("classifier:{here}/runs/c"));
        let recipe = of("pix2pix", &["data.source=pairs:a,b", "data.held_out=pairs:c,d"]);
        assert_eq!(recipe.common.data.held_out, Some(format!("pairs:{here}/c,{here}/d")));
        for kind in ["inception", "efficientnet"] {
            let recipe = of("gan", &[&format!("evaluation.features={kind}:i.pth")]);
            assert_eq!(recipe.common.evaluation.features, format!("{kind}:{here}/i.pth"));
        }
        let recipe = of("gan", &[]);
        assert_eq!(
            (recipe.common.data.source.as_str(), recipe.common.evaluation.features.as_str()),
            ("digits", "auto")
        );
        for system in ["aae", "aae-labels"] {
            let recipe = of(system, &["prior.kind=samples", "prior.file=p.npy"]);
            let table = recipe.system.to_table().unwrap();
            assert_eq!(table["prior"]["file"].as_str(), Some(format!("{here}/p.npy").as_str()));
        }
    }
}
