//! Workloads that are recipes of the program, on data of the same sizes that needs no files.

use std::sync::Arc;

use brigand::Place;
use brigand::batch::{IMAGES, Joined, Renamed, SECOND, Source};
use brigand::data::{Dataset, DatasetSource, Labels};
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe, TrainingRecipe};
use brigand::registry;
use brigand::session::{Session, Span};
use brigand::training::open_data;

use crate::Failure;

/// A recipe file and what is changed about it.
#[derive(Debug)]
pub(crate) struct RecipeFile {
    system: &'static str,
    text: &'static str,
    /// What stands in the step that the peer does not compute: measurements on held-out samples.
    changes: &'static [&'static str],
    data: Data,
}

/// What a recipe is trained on here.
#[derive(Clone, Copy, Debug)]
enum Data {
    /// One batch of random images of this side with so many classes.
    Classes { side: usize, classes: u32 },
    /// One batch of random images of this side for each of two domains.
    Domains { side: usize },
    /// One batch of pairs of random images of this side.
    Pairs { side: usize },
    /// What the recipe names.
    Own,
}

/// `recipes/sagan.toml`; `pytorch_sagan.py`.
pub(crate) const SAGAN: RecipeFile = RecipeFile {
    system: "sagan",
    text: include_str!("../../recipes/sagan.toml"),
    changes: &[],
    data: Data::Classes { side: 32, classes: 10 },
};

/// `recipes/biggan.toml`; `pytorch_biggan.py`.
pub(crate) const BIGGAN: RecipeFile =
    RecipeFile { system: "biggan", text: include_str!("../../recipes/biggan.toml"), ..SAGAN };

/// `recipes/pggan.toml`, fully grown; `pytorch_pggan.py`.
pub(crate) const PGGAN: RecipeFile = RecipeFile {
    system: "pggan",
    text: include_str!("../../recipes/pggan.toml"),
    changes: &["growth.until=0"],
    ..SAGAN
};

/// `recipes/cyclegan.toml`; `pytorch_cyclegan.py`.
pub(crate) const CYCLEGAN: RecipeFile = RecipeFile {
    system: "cyclegan",
    text: include_str!("../../recipes/cyclegan.toml"),
    changes: &["held_out.every=0"],
    data: Data::Domains { side: 64 },
};

/// `recipes/pix2pix.toml`; `pytorch_pix2pix.py`.
pub(crate) const PIX2PIX: RecipeFile = RecipeFile {
    system: "pix2pix",
    text: include_str!("../../recipes/pix2pix.toml"),
    data: Data::Pairs { side: 64 },
    ..CYCLEGAN
};

/// `recipes/text-gumbel.toml`; `pytorch_text.py`.
pub(crate) const LSTM_TEXT: RecipeFile = RecipeFile {
    system: "text-gumbel",
    text: include_str!("../../recipes/text-gumbel.toml"),
    changes: &["held_out.every=0"],
    data: Data::Own,
};

impl RecipeFile {
    /// The system, untrained, with its data.
    pub(crate) fn session(&self, seed: u64, place: &Place) -> Result<Session, Failure> {
        let mut assignments = vec![format!("training.seed={seed}")];
        assignments.extend(self.changes.iter().map(ToString::to_string));
        let changes = Changes { file: Some(self.text.into()), assignments };
        let recipe = Recipe::resolve(registry::find(self.system)?, &changes)?;
        let TrainingRecipe { steps, batch, .. } = recipe.common.training;
        let sources = self.sources(&recipe, batch, seed)?;
        Ok(Session::new(recipe.system.as_ref(), sources, Span { steps, batch, seed }, place)?)
    }

    fn sources(&self, recipe: &Recipe, batch: usize, seed: u64) -> Result<Vec<Box<dyn Source>>, Failure> {
        Ok(match self.data {
            Data::Classes { side, classes } => {
                let values = (0u32..).take(batch).map(|number| number % classes).collect();
                let labels =
                    Labels { classes: (0..classes).map(|class| class.to_string()).collect(), values };
                vec![Box::new(source(images(side, batch, seed, "images")?.with_labels(labels)?))]
            }
            Data::Domains { side } => {
                let (first, second) = domains(side, batch, seed)?;
                vec![Box::new(first), Box::new(second)]
            }
            Data::Pairs { side } => {
                let (first, second) = domains(side, batch, seed)?;
                vec![Box::new(Joined::new(first, second)?)]
            }
            Data::Own => open_data(recipe)?.boxed_sources(),
        })
    }
}

fn images(side: usize, count: usize, seed: u64, purpose: &str) -> Result<Dataset, Failure> {
    let values = Stream::new(seed, purpose, 0).uniform(count * 3 * side * side, -1.0, 1.0);
    Ok(Dataset::from_values("random images", values, &[3, side, side])?)
}

/// Random images of two domains.
fn domains(side: usize, count: usize, seed: u64) -> Result<(DatasetSource, Renamed<DatasetSource>), Failure> {
    let second = source(images(side, count, seed, "second")?);
    Ok((source(images(side, count, seed, "images")?), Renamed { source: second, from: IMAGES, to: SECOND }))
}

fn source(dataset: Dataset) -> DatasetSource {
    DatasetSource(Arc::new(dataset))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The peers' counts; a comparison checks them against the peers themselves.
    #[test]
    fn the_networks_have_as_many_parameters_as_the_peers() {
        let sizes = |of: &RecipeFile| {
            of.session(0, &Place::cpu()).unwrap().system_mut().sizes().into_iter().collect::<BTreeMap<_, _>>()
        };
        let counts = |of: &[(&str, usize)]| {
            of.iter().map(|&(name, count)| (name.to_owned(), count)).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(sizes(&SAGAN), counts(&[("generator", 3_601_796), ("discriminator", 4_869_314)]));
        assert_eq!(sizes(&BIGGAN), counts(&[("generator", 211_748), ("discriminator", 306_290)]));
        assert_eq!(sizes(&PGGAN), counts(&[("generator", 212_540), ("discriminator", 212_433)]));
        let (translator, patches) = (1_449_091, 168_033);
        assert_eq!(
            sizes(&CYCLEGAN),
            counts(&[
                ("to_second", translator),
                ("to_first", translator),
                ("first", patches),
                ("second", patches)
            ])
        );
        assert_eq!(sizes(&LSTM_TEXT), counts(&[("generator", 24_838), ("discriminator", 14_337)]));
    }
}
