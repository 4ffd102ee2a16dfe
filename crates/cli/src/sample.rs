//! `brigand sample RUN`: samples of a trained run.

mod arguments;
mod captions;
mod scales;
mod sound;
mod text;

pub(crate) use arguments::Arguments;

use brigand::capability::{CaptionSampler, Sampler};
use brigand::latent_tools::{Choice, find_class};
use brigand::recipe::Recipe;
use brigand::sampling::Destination;
use brigand::training::{Which, backdrop_for, load_run_at};

use crate::console;
use crate::failure::Failure;
use crate::untrained;

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = arguments.hardware.open()?;
    let which = if arguments.best { Which::Best } else { Which::Newest };
    let (recipe, system, step) = load_run_at(&arguments.run, which, &device)?;
    untrained::note(system.as_ref(), step, &arguments.run);
    if let Some(option) = arguments.of_scales() {
        let sampler = system.as_scale_sampler().ok_or_else(|| {
            brigand::Error::Request(format!(
                "{option} is for systems that make images through scales, and {} is a run of `{}`; leave it out, or give a run \
                 of `brigand train singan`",
                arguments.run.display(),
                recipe.common.system
            ))
        })?;
        return scales::run(arguments, sampler, step);
    }
    if let Some(captions) = arguments.captions()? {
        let sampler = system.as_caption_sampler().ok_or_else(|| {
            brigand::Error::Request(format!(
                "captions are for systems that make images of them, and {} is a run of `{}`; leave them out, or give a run of \
                 `brigand train text-to-image`",
                arguments.run.display(),
                recipe.common.system
            ))
        })?;
        return captions::run(arguments, step, sampler, &captions);
    }
    if let Some(file) = &arguments.sound {
        let sampler = system.as_sound_sampler().ok_or_else(|| {
            brigand::Error::Request(format!(
                "--sound is for runs of `brigand train sound-to-image`, and {} is a run of `{}`; leave it out",
                arguments.run.display(),
                recipe.common.system
            ))
        })?;
        return sound::run(arguments, file, (sampler, &recipe), step);
    }
    match (system.as_sampler(), system.as_sequence_sampler()) {
        (Some(sampler), _) => sample_images(arguments, &recipe, (sampler, system.as_caption_sampler()), step),
        (None, Some(sequences)) => text::run(arguments, sequences),
        (None, None) if system.as_sound_sampler().is_some() => Err(brigand::Error::Request(format!(
            "{} makes images of sounds; give one: --sound FILE.wav",
            arguments.run.display()
        ))
        .into()),
        (None, None) => Err(brigand::Error::Request(format!(
            "{} is a run of `{}`, which makes no samples",
            arguments.run.display(),
            recipe.common.system
        ))
        .into()),
    }
}

fn sample_images(
    arguments: &Arguments,
    recipe: &Recipe,
    (sampler, captions): (&dyn Sampler, Option<&dyn CaptionSampler>),
    step: u64,
) -> Result<(), Failure> {
    let shape = sampler.sample_shape();
    let chosen = arguments.classes.iter().map(|class| format!("-class-{}", file_name(class)));
    let truncated = arguments.truncation.map(|limit| format!("-truncation-{limit}"));
    let chosen: String = chosen.chain(truncated).collect();
    let name = format!("samples-seed{}{chosen}.png", arguments.seed);
    let path = arguments.out.clone().unwrap_or_else(|| arguments.run.join(name));
    let destination = Destination::new(&path, shape)?;
    destination.check_count(arguments.count(), shape, None)?;
    let number = |class: &String| find_class(&recipe.common.data.classes, sampler.space(), class);
    let classes = arguments.classes.iter().map(number).collect::<Result<_, _>>()?;
    let choice = Choice { classes, truncation: arguments.truncation };
    let latents = choice.latents(sampler, arguments.count(), arguments.seed)?;
    let samples = choice.samples_of(sampler, &latents)?;
    let caption = format!("step {step}, seed {}", arguments.seed);
    destination.write(&samples, &backdrop_for(recipe, shape)?, &caption)?;
    if let Some(captions) = captions {
        captions::write_beside(&path, &captions.captions(&latents)?)?;
    }
    console::print(&path.display().to_string())
}

/// A class's name as a part of a file's name.
fn file_name(class: &str) -> String {
    class.chars().map(|symbol| if symbol.is_alphanumeric() { symbol } else { '_' }).collect()
}
