//! What a run can do with images or label maps, of what is asked.

use std::path::Path;

use brigand::batch::{Batch, CODES, IMAGES, MapLabel};
use brigand::capability::{Direction, ScaleSampler, Translator};
use brigand::data::{Background, Original, Originals};
use brigand::random::Stream;
use brigand::system::System;
use brigand::{Error, Place};

use super::{Arguments, Domain};
use crate::failure::Failure;

/// What is done with every image.
pub(super) enum Way<'a> {
    /// From one domain to another, with what decides the style where a translation has one.
    Translate(&'a dyn Translator, &'a Direction, Batch),
    /// Through the scales from one on, with noise for a seed.
    Refine(&'a dyn ScaleSampler, usize, u64),
    /// Enlarged so many times, with noise for a seed.
    Enlarge(&'a dyn ScaleSampler, f64, u64),
}

impl<'a> Way<'a> {
    /// What the run of `name` can do of what is asked.
    pub(super) fn of(
        system: &'a dyn System,
        arguments: &Arguments,
        name: &str,
        reading: (&Place, Background),
    ) -> Result<Self, Failure> {
        let refused = |reason: String| Err(Error::Request(reason).into());
        let has_style = system.as_translator().is_some_and(|translator| translator.style().is_some());
        if arguments.style.is_some() && !has_style {
            return refused(format!(
                "--style is for runs of label maps, such as gaugan; `{name}` has no style to choose"
            ));
        }
        let wanted = match arguments.to {
            None => None,
            Some(Domain::A) => Some("b-to-a"),
            Some(Domain::B) => Some("a-to-b"),
            Some(Domain::Negative | Domain::Positive) => {
                return refused(format!(
                    "--to negative and --to positive are for lines of text, and {} translates images; give a or b",
                    arguments.run.display()
                ));
            }
        };
        let scales = [
            (arguments.start_scale.is_some(), "--start-scale"),
            (arguments.enlarge.is_some(), "--enlarge"),
            (arguments.seed.is_some() && !has_style, "--seed"),
        ];
        let asked = scales.into_iter().find_map(|(given, option)| given.then_some(option));
        let seed = arguments.seed.unwrap_or(0);
        match (system.as_translator(), system.as_scale_sampler()) {
            (Some(translator), _) => {
                if let Some(option) = asked {
                    return refused(format!(
                        "{option} is for systems of scales, such as singan; `{name}` has none"
                    ));
                }
                let mut directions = translator.directions().iter();
                let direction = directions.find(|direction| wanted.is_none_or(|name| direction.name == name));
                match (direction, translator.directions()) {
                    (Some(direction), _) => {
                        let style = style(translator, arguments.style.as_deref(), seed, reading)?;
                        Ok(Self::Translate(translator, direction, style))
                    }
                    (None, [only]) => {
                        refused(format!("`{name}` translates {} only; leave out --to", only.name))
                    }
                    (None, _) => refused(format!("`{name}` has no such direction; leave out --to")),
                }
            }
            (None, Some(_)) if arguments.to.is_some() => refused(format!(
                "`{name}` has no domains to choose with --to; give --start-scale or --enlarge"
            )),
            (None, Some(sampler)) => Ok(match arguments.enlarge {
                Some(times) => Self::Enlarge(sampler, times, seed),
                None => Self::Refine(sampler, arguments.start_scale.unwrap_or(1), seed),
            }),
            (None, None) if system.as_reenactor().is_some() => refused(format!(
                "{} draws people in given poses; give --drive PATH in place of --in",
                arguments.run.display()
            )),
            (None, None) => refused(format!(
                "{} is a run of `{name}`, which does not translate; give a run of a translator, for example of `brigand train \
                 cyclegan` or `lapgan`",
                arguments.run.display()
            )),
        }
    }

    /// Channels of the images that it takes.
    pub(super) fn channels(&self) -> usize {
        match self {
            Self::Translate(translator, direction, _) => translator.channels(direction),
            Self::Refine(sampler, ..) | Self::Enlarge(sampler, ..) => sampler.image_channels(),
        }
    }

    /// The labels of the maps that it takes, where it takes maps.
    pub(super) fn map_labels(&self) -> Option<&[MapLabel]> {
        match self {
            Self::Translate(translator, direction, _) => translator.map_labels(direction),
            Self::Refine(..) | Self::Enlarge(..) => None,
        }
    }

    /// What becomes of the image or map `[channels, height, width]` with these values: values and shape.
    pub(super) fn translate(
        &self,
        values: Vec<f32>,
        shape: [usize; 3],
        place: &Place,
    ) -> brigand::Result<Original> {
        let image = place.numbers(values, &[&[1], &shape[..]].concat())?;
        let noise = |seed: u64| Stream::new(seed, "translate", 0);
        let made = match self {
            Self::Translate(translator, direction, style) => {
                translator.translate(direction, &style.clone().with(direction.from, image))
            }
            Self::Refine(sampler, start, seed) => sampler.refine(&image, *start, &mut noise(*seed)),
            Self::Enlarge(sampler, times, seed) => sampler.enlarge(&image, *times, &mut noise(*seed)),
        }?;
        let (_, channels, height, width) = made.dims4("a translation")?;
        Ok(([channels, height, width], made.to_vec_f32()?))
    }
}

/// What decides the style of a translation that has one: the image in `file`, or a code drawn for `seed`.
fn style(
    translator: &dyn Translator,
    file: Option<&Path>,
    seed: u64,
    (place, background): (&Place, Background),
) -> Result<Batch, Failure> {
    let Some(style) = translator.style() else { return Ok(Batch::default()) };
    let Some(file) = file else {
        let code = place.normal(&[1, style.code], &mut Stream::new(seed, "translate/style", 0))?;
        return Ok(Batch::default().with(CODES, code));
    };
    let Some([channels, side, _]) = style.image else {
        return Err(Error::Request(
            "the run was trained with encoder.kind=none, so no image can give a translation its style; leave out --style, and \
             choose one of the styles at random with --seed"
                .into(),
        )
        .into());
    };
    let (shape, values) = Originals::of_file(file, (Some(channels), background))?.fitted(0, side)?;
    Ok(Batch::default().with(IMAGES, place.numbers(values, &[&[1], &shape[..]].concat())?))
}
