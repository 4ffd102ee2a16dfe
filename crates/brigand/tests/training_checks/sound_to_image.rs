//! Claim: of sounds that were kept from training, louder ones become larger discs and higher ones bluer ones; the size follows
//! from spectrograms at absolute level.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, trained};
use brigand::batch::SPECTROGRAM;
use brigand::capability::SoundSampler;
use brigand::latent_tools::spearman;
use brigand::random::Stream;
use brigand::systems::sound_to_image::{PITCH_LEVELS, level_strip, pitch_strip};

const STEPS: u64 = 700;
/// Held-out sounds whose level is raised.
const SOUNDS: usize = 12;
/// How far the channels of a pixel of a disc are apart, on the scale of the images.
const COLOURED: f32 = 0.6;

/// Pixels of the disc of each image `[n, 3, height, width]`, and the hue of their mean colour in degrees, from -60 to 300.
fn discs(values: &[f32], count: usize) -> Vec<(f64, f64)> {
    let disc = |image: &[f32]| {
        let planes: Vec<&[f32]> = image.chunks(image.len() / 3).collect();
        let (mut area, mut sums) = (0.0, [0.0; 3]);
        for ((red, green), blue) in planes[0].iter().zip(planes[1]).zip(planes[2]) {
            let colour = [*red, *green, *blue];
            let ends =
                colour.iter().fold((f32::MAX, f32::MIN), |(low, high), &of| (low.min(of), high.max(of)));
            if ends.1 - ends.0 > COLOURED {
                area += 1.0;
                sums.iter_mut().zip(colour).for_each(|(sum, of)| *sum += f64::from(of));
            }
        }
        let [red, green, blue] = sums;
        let hue = (3.0_f64.sqrt() * (green - blue)).atan2(2.0 * red - green - blue).to_degrees();
        (area, if hue < -60.0 { hue + 360.0 } else { hue })
    };
    values.chunks(values.len() / count).map(disc).collect()
}

/// What images show of sounds.
struct Shown {
    /// The mean rank correlation of level and area over held-out sounds.
    level: f64,
    /// How many times as large all their discs are at the highest level as at the lowest.
    growth: f64,
    /// The mean rank correlation of pitch and hue over levels.
    pitch: f64,
}

fn shown(words: &str) -> Shown {
    let session = trained("sound-to-image", &format!("training.steps={STEPS} {words}"));
    let sampler: &dyn SoundSampler = session.system().as_sound_sampler().unwrap();
    let noise = sampler.noise(1, &mut Stream::new(0, "a test", 0)).unwrap();
    let sounds = session.feed().held_out(0..SOUNDS).unwrap();
    let sounds = sounds.numbers(SPECTROGRAM).unwrap();
    let (mut levels, mut softest, mut loudest) = (0.0, 0.0, 0.0);
    for number in 0..SOUNDS {
        let (gains, images) = level_strip(sampler, &sounds.narrow(0, number, 1).unwrap(), &noise).unwrap();
        let areas: Vec<f64> =
            discs(&images.to_vec_f32().unwrap(), gains.len()).iter().map(|(area, _)| *area).collect();
        softest += areas[0];
        loudest += areas[areas.len() - 1];
        let gains: Vec<f64> = gains.into_iter().map(f64::from).collect();
        levels += spearman(&gains, &areas) / SOUNDS as f64;
    }
    let mut pitches = 0.0;
    for level in PITCH_LEVELS {
        let (pitch, images) = pitch_strip(sampler, level, &noise).unwrap();
        let hues: Vec<f64> =
            discs(&images.to_vec_f32().unwrap(), pitch.len()).iter().map(|(_, hue)| *hue).collect();
        let pitch: Vec<f64> = pitch.into_iter().map(f64::from).collect();
        pitches += spearman(&pitch, &hues) / PITCH_LEVELS.len() as f64;
    }
    let growth = loudest / softest;
    println!("{words}: level and area {levels:.3}, growth {growth:.2}, pitch and hue {pitches:.3}");
    Shown { level: levels, growth, pitch: pitches }
}

#[test]
fn louder_sounds_become_larger_and_higher_ones_bluer() {
    let Shown { level, growth, pitch } = shown("");
    assert!(level >= 0.8 && pitch >= 0.8 && growth >= 2.0, "{level} {growth} {pitch}");
    let without = shown("level=relative");
    assert!(without.growth < 1.2 && without.pitch >= 0.8, "{} {}", without.growth, without.pitch);
}

#[test]
fn what_is_no_sound_with_a_picture_is_refused() {
    for other in ["digits", "scenes", "tagged-shapes", "label-scenes"] {
        assert!(refusal("sound-to-image", &format!("data.source={other}")).contains("`spectrogram`"));
    }
    for system in ["gan", "cyclegan", "gaugan", "image-to-label"] {
        let message = refusal(system, "data.source=tone-discs");
        assert!(message.contains("sounds with pictures") && message.contains("sound-to-image"), "{message}");
    }
    assert!(refusal("sound-to-image", "sound.code=0").contains("sound.code is 0"));
    assert!(refusal("sound-to-image", "update.discriminator_steps=0").contains("discriminator_steps is 0"));
    let message = refusal("sound-to-image", "level=loud");
    assert!(message.contains("absolute") && message.contains("relative"), "{message}");
    assert!(
        refusal("sound-to-image", "discriminator.batch_norm=true penalty.kind=gradient")
            .contains("own gradient")
    );
}
