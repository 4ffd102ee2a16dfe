//! The figures of `brigand lab`: each is computed on demand and gives pictures, a paragraph that explains them, and its
//! numbers.

mod curve;
mod digits;
mod dirac_gan;
mod generator_losses;
mod gradient_norms;
mod inverse_transform;
mod js_estimate;
mod js_saturation;
mod kl_direction;
mod mode_collapse;
mod moving_plans;
mod normal_1d;
mod optimal_discriminator;
mod training;

use crate::error::{Error, Result};
use crate::pictures::{AnimationStyle, Picture, animate};

/// A figure that can be made.
pub struct Figure {
    /// Its name, as in `brigand lab NAME`.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub summary: &'static str,
    make: fn() -> Result<FigureOutput>,
}

/// A figure that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureOutput {
    /// The pictures, each a file.
    pub plates: Vec<Plate>,
    /// Their explanation.
    pub text: String,
    /// The figure's numbers, each with its name.
    pub numbers: Vec<(String, f64)>,
}

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plate {
    /// Its name, ending in `.png` or `.gif`.
    pub file: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Plate {
    fn still(name: &str, picture: &Picture) -> Result<Self> {
        Ok(Self { file: format!("{name}.png"), bytes: picture.to_png()? })
    }

    /// Frames that last `seconds` in all.
    fn moving(name: &str, frames: &[Picture], seconds: f64) -> Result<Self> {
        let style = AnimationStyle { most_frames: 100, longest_side: 1400, seconds, hold: 2.0 };
        Ok(Self { file: format!("{name}.gif"), bytes: animate(frames, style)? })
    }
}

impl Figure {
    /// Every figure, in the order of a course.
    pub const ALL: &[Self] = &[
        Self {
            name: "generator-losses",
            summary: "ln(1 - D) against -ln D: the losses and their gradients",
            make: generator_losses::show,
        },
        Self {
            name: "js-saturation",
            summary: "JS, KL, TV and W1 of lines and discs that approach each other",
            make: js_saturation::show,
        },
        Self {
            name: "kl-direction",
            summary: "the normal nearest to two peaks, by KL, reverse KL and JS",
            make: kl_direction::show,
        },
        Self {
            name: "moving-plans",
            summary: "an optimal and a poor plan to move one histogram onto another",
            make: moving_plans::show,
        },
        Self {
            name: "dirac-gan",
            summary: "convergence of the one-point GAN: phase portraits of 12 pairs of losses",
            make: dirac_gan::show,
        },
        Self {
            name: "optimal-discriminator",
            summary: "discriminator and critic between two clusters, exact and trained",
            make: optimal_discriminator::show,
        },
        Self {
            name: "inverse-transform",
            summary: "from uniform noise to data: the inverse distribution function, and what G learns",
            make: inverse_transform::show,
        },
        Self {
            name: "normal-1d",
            summary: "a GAN learns a normal distribution: densities, D and G over time",
            make: normal_1d::show,
        },
        Self {
            name: "mode-collapse",
            summary: "the ring of eight modes under four systems, density by step",
            make: mode_collapse::show,
        },
        Self {
            name: "gradient-norms",
            summary: "the generator's gradient as the discriminator is trained longer",
            make: gradient_norms::show,
        },
        Self {
            name: "js-estimate",
            summary: "estimates of JS and W1 while a generator of digits is trained",
            make: js_estimate::show,
        },
    ];

    /// The figure called `name`.
    ///
    /// # Errors
    /// If there is none, naming those that are called alike.
    pub fn find(name: &str) -> Result<&'static Self> {
        Self::ALL.iter().find(|figure| figure.name == name).ok_or_else(|| {
            let mut near: Vec<&str> = Self::ALL.iter().map(|figure| figure.name).collect();
            near.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
            near.truncate(3);
            Error::Request(format!(
                "no figure is called `{name}`; nearest: {} (`brigand lab` shows all)",
                near.join(", ")
            ))
        })
    }

    /// Computes and draws it: the same pictures, words and numbers every time.
    ///
    /// # Errors
    /// If a computation or the drawing library fails.
    pub fn make(&self) -> Result<FigureOutput> {
        (self.make)()
    }
}

/// The number called `name`, for the tests of the figures.
#[cfg(test)]
fn number(output: &FigureOutput, name: &str) -> f64 {
    output.numbers.iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("no number {name}")).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_unknown_ones_bring_the_nearest() {
        for figure in Figure::ALL {
            assert_eq!(Figure::find(figure.name).unwrap().summary, figure.summary);
        }
        let message = Figure::find("kl_directions").err().unwrap().to_string();
        assert!(message.contains("`kl_directions`; nearest: kl-direction"), "{message}");
    }
}
