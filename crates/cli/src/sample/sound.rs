//! Images of a sound, by a trained run.

use std::path::Path;

use brigand::capability::SoundSampler;
use brigand::data::sound::{LogMel, read_sound};
use brigand::random::Stream;
use brigand::recipe::Recipe;
use brigand::sampling::Destination;
use brigand::training::backdrop_for;
use brigand::{Error, batch::SampleShape};

use super::arguments::Arguments;
use crate::console;
use crate::failure::Failure;

/// Writes images of the sound in `file`, louder by the gain that is asked for.
pub(crate) fn run(
    arguments: &Arguments,
    file: &Path,
    (sampler, recipe): (&dyn SoundSampler, &Recipe),
    step: u64,
) -> Result<(), Failure> {
    if !arguments.classes.is_empty() || arguments.truncation.is_some() {
        let reason = "--class and --truncation are for latents; leave them out for images of a sound";
        return Err(Error::Request(reason.into()).into());
    }
    let gain = arguments.gain.unwrap_or(0.0);
    if !gain.is_finite() || gain.abs() > 120.0 {
        return Err(Error::Request(format!("--gain is {gain}; give decibels from -120 to 120")).into());
    }
    let sound = read_sound(file, Some(LogMel::RATE))?.beginning(LogMel::SAMPLES);
    if sound.is_silent() {
        console::tell(&format!("warning: the first second of {} is silent", file.display()));
    }
    let factor = 10.0_f32.powf(gain / 20.0);
    let wave: Vec<f32> = sound.samples.iter().map(|sample| factor * sample).collect();
    let [channels, height, width] = sampler.image();
    let shape = SampleShape::from([channels, height, width]);
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let louder = arguments.gain.map(|gain| format!("-gain-{gain}")).unwrap_or_default();
    let default = || arguments.run.join(format!("sound-{name}{louder}-seed{}.png", arguments.seed));
    let path = arguments.out.clone().unwrap_or_else(default);
    let destination = Destination::new(&path, shape)?;
    destination.check_count(arguments.count_of_one(), shape, None)?;
    let (field, count) = (sampler.spectrogram(), arguments.count_of_one());
    let one = sampler.place().numbers(LogMel::new()?.of(&wave)?, &[1, 1, field.bands, field.frames])?;
    let sounds = one.broadcast_to(&[count, 1, field.bands, field.frames]).map_err(Error::from)?;
    let noise = sampler.noise(count, &mut Stream::new(arguments.seed, "sample", 0))?;
    let images = sampler.images(&noise, &sounds)?;
    let caption = format!("step {step}, seed {}, {name}{louder}", arguments.seed);
    destination.write(&images, &backdrop_for(recipe, shape)?, &caption)?;
    console::print(&path.display().to_string())
}
