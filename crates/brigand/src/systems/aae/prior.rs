//! The distribution that codes should follow.

use brigand_core::latent::Distribution;
use brigand_core::planar::Planar;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::files::path_of;
use crate::npy;

/// Components of a mixture where the data has no classes to count.
const COMPONENTS: usize = 10;

/// The distribution that codes are made to follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum PriorRecipe {
    /// Independent normal coordinates around 0.
    Normal {
        /// Their standard deviation.
        #[serde(default = "one")]
        deviation: f64,
    },
    /// Gaussians along the spokes of a wheel, in the plane.
    GaussianWheel {
        /// How many; 0 for one for each class, or ten where there are no classes.
        #[serde(default)]
        components: usize,
    },
    /// A roll of two turns, in the plane.
    SwissRoll {
        /// Intervals that it is cut into; 0 for one for each class, or ten where there are no classes.
        #[serde(default)]
        components: usize,
    },
    /// The rows of a file, drawn with replacement.
    Samples {
        /// A `.npy` file of floats `[n, size]`.
        #[serde(default)]
        file: String,
    },
}

fn one() -> f64 {
    1.0
}

impl PriorRecipe {
    /// Refuses what cannot be a prior of codes of `size` coordinates.
    pub(super) fn check(&self, size: usize) -> Result<()> {
        let reason = match self {
            Self::Normal { deviation } => (!(*deviation > 0.0 && deviation.is_finite()))
                .then(|| format!("prior.deviation is {deviation}; give a positive number")),
            Self::GaussianWheel { .. } | Self::SwissRoll { .. } if size != 2 => Some(format!(
                "latent.size is {size}, but gaussian-wheel and swiss-roll lie in the plane; give latent.size=2 or \
                 prior.kind=normal"
            )),
            Self::GaussianWheel { components } | Self::SwissRoll { components } => {
                (*components > 1000).then(|| format!("prior.components is {components}; give at most 1000"))
            }
            Self::Samples { file } => file
                .is_empty()
                .then(|| "prior.file is empty; name a .npy file of floats [n, latent.size]".to_owned()),
        };
        reason.map_or(Ok(()), |reason| Err(Error::Recipe(reason)))
    }

    /// The files that it names.
    pub(super) fn files(&mut self) -> Vec<&mut String> {
        match self {
            Self::Normal { .. } | Self::GaussianWheel { .. } | Self::SwissRoll { .. } => Vec::new(),
            Self::Samples { file } => vec![file],
        }
    }

    /// The distribution of codes of `size` coordinates, for data of `classes`: shapes in the plane have one component for
    /// each class where the recipe gives no number.
    ///
    /// # Errors
    /// If a file cannot be read or its rows have another size.
    pub(super) fn distribution(&self, size: usize, classes: usize) -> Result<Distribution> {
        let or_classes = |components: usize| match (components, classes) {
            (0, 0) => COMPONENTS,
            (0, classes) => classes,
            (components, _) => components,
        };
        Ok(match *self {
            Self::Normal { deviation } => Distribution::Normal { size, deviation },
            Self::GaussianWheel { components } => {
                Distribution::Planar(Planar::GaussianWheel { components: or_classes(components) })
            }
            Self::SwissRoll { components } => {
                Distribution::Planar(Planar::SwissRoll { components: or_classes(components) })
            }
            Self::Samples { ref file } => points_of(file, size)?,
        })
    }
}

fn points_of(file: &str, size: usize) -> Result<Distribution> {
    let array = npy::read(&path_of(file))?;
    match *array.shape {
        [count, found] if found == size && count > 0 => {
            let rows: Vec<f32> =
                array.numbers.get(0..array.numbers.len()).iter().map(|&value| value as f32).collect();
            if rows.iter().any(|value| !value.is_finite()) {
                return Err(Error::Recipe(format!(
                    "prior.file {file}: a number is not finite; leave such rows out"
                )));
            }
            Ok(Distribution::Points { size, rows: rows.into() })
        }
        ref other => Err(Error::Recipe(format!(
            "prior.file {file} has shape {other:?}; give one of shape [n, {size}], or set latent.size"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_follow_the_classes_unless_chosen() {
        for (chosen, classes, components) in [(0, 7, 7), (0, 0, 10), (4, 7, 4)] {
            let prior = PriorRecipe::SwissRoll { components: chosen };
            let expected = Distribution::Planar(Planar::SwissRoll { components });
            assert_eq!(prior.distribution(2, classes).unwrap(), expected);
        }
    }

    #[test]
    fn a_file_gives_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prior.npy");
        npy::write(&path, &[1.0, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
        let recipe = PriorRecipe::Samples { file: path.to_string_lossy().into_owned() };
        let expected = Distribution::Points { size: 2, rows: vec![1.0, 2.0, 3.0, 4.0].into() };
        assert_eq!(recipe.distribution(2, 0).unwrap(), expected);
        assert!(recipe.distribution(3, 0).unwrap_err().to_string().contains("[n, 3]"));
        npy::write(&path, &[1.0, f32::NAN], &[1, 2]).unwrap();
        assert!(recipe.distribution(2, 0).unwrap_err().to_string().contains("finite"));
        let absent = PriorRecipe::Samples { file: "nowhere.npy".into() };
        assert!(absent.distribution(2, 0).unwrap_err().to_string().contains("nowhere.npy"));
    }

    #[test]
    fn impossible_priors_are_refused() {
        let refusal = |prior: PriorRecipe, size: usize| prior.check(size).unwrap_err().to_string();
        assert!(refusal(PriorRecipe::Normal { deviation: 0.0 }, 2).contains("prior.deviation is 0"));
        assert!(refusal(PriorRecipe::GaussianWheel { components: 0 }, 3).contains("latent.size is 3"));
        assert!(refusal(PriorRecipe::SwissRoll { components: 1001 }, 2).contains("at most 1000"));
        assert!(refusal(PriorRecipe::Samples { file: String::new() }, 2).contains("prior.file"));
    }
}
