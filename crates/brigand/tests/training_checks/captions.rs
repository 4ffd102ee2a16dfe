//! Claims: pictures show what their captions say, of combinations of words that were never trained on, because the
//! discriminator is also given real pictures with captions of others; the second stage of StackGAN is sharper than the first
//! one enlarged, and shows the same.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, session, trained};
use brigand::data::caption_scenes::{Attributes, measure};
use brigand::random::Stream;
use brigand::session::Session;
use brigand_autograd::Variable;

const SIDE: usize = 16;
/// Samples of each caption.
const EACH: usize = 14;
/// The run of the checks.
const RUN: &str = "data.size=16 training.steps=1500 held_out.every=0";

/// Colour, shape, size, place.
type Found = [usize; 4];

fn values(attributes: &Attributes) -> Found {
    let Attributes { colour, shape, size, place } = *attributes;
    [colour, shape, size, place]
}

/// What the pictures of each caption show, of the same noise for every caption.
fn shown(session: &Session, captions: &[String], side: usize) -> Vec<Found> {
    let system = session.system().as_caption_sampler().unwrap();
    let latents = system.sampler().latents(EACH, &mut Stream::new(5, "captions", 0)).unwrap();
    let pictures = system.images(&latents, captions).unwrap().to_vec_f32().unwrap();
    measure(&pictures, side).iter().map(values).collect()
}

/// The shares of pictures of held-out combinations that show each attribute as their caption says.
fn right(session: &Session, side: usize) -> [f64; 4] {
    let wanted: Vec<Attributes> = Attributes::all().filter(Attributes::is_held_out).collect();
    let captions: Vec<String> = wanted.iter().map(Attributes::caption).collect();
    let found = shown(session, &captions, side);
    std::array::from_fn(|which| {
        let pairs = found.iter().enumerate().map(|(at, found)| (found, values(&wanted[at / EACH])));
        pairs.filter(|(found, wanted)| found[which] == wanted[which]).count() as f64 / found.len() as f64
    })
}

fn ready(system: &str, words: &str) -> Session {
    let mut session = trained(system, words);
    session.estimate_statistics(20).unwrap();
    session
}

#[test]
fn pictures_have_colour_and_place_of_combinations_that_were_never_trained_on() {
    let [colour, shape, size, place] = right(&ready("text-to-image", RUN), SIDE);
    println!("colour {colour:.3} shape {shape:.3} size {size:.3} place {place:.3}");
    assert!(colour >= 0.90 && place >= 0.80, "{colour} {place}");
}

/// The mean absolute difference of neighbouring pixels.
fn gradient_energy(pictures: &Variable) -> f64 {
    let (_, _, height, width) = pictures.dims4("a test").unwrap();
    let difference = |axis: usize, size: usize| {
        let later = pictures.narrow(axis, 1, size - 1).unwrap();
        later.sub(&pictures.narrow(axis, 0, size - 1).unwrap()).unwrap().square().unwrap().mean_all().unwrap()
    };
    difference(2, height).add(&difference(3, width)).unwrap().scalar().unwrap()
}

#[test]
fn the_second_stage_is_sharper_and_shows_the_same() {
    let words = "data.size=32 training.steps=2400 held_out.every=0";
    let mut session = session("stackgan", words).unwrap();
    let wanted: Vec<String> =
        Attributes::all().filter(Attributes::is_held_out).map(|one| one.caption()).collect();
    let pictures = |session: &Session| {
        let system = session.system().as_caption_sampler().unwrap();
        let latents = system.sampler().latents(EACH, &mut Stream::new(5, "captions", 0)).unwrap();
        system.images(&latents, &wanted).unwrap()
    };
    let mut stage = |end: u64| {
        session.advance_to(end).unwrap();
        session.estimate_statistics(20).unwrap();
        (pictures(&session), shown(&session, &wanted, 32), right(&session, 32))
    };
    // The last step of the first stage, whose pictures are enlarged, and the last of the second.
    let (first, found_first, shares) = stage(1440);
    let (second, found_second, _) = stage(2400);
    let agree: [f64; 4] = std::array::from_fn(|which| {
        let same = found_first.iter().zip(&found_second).filter(|(one, other)| one[which] == other[which]);
        same.count() as f64 / found_first.len() as f64
    });
    let batch = session.feed().samples(&(0..500).collect::<Vec<_>>()).unwrap();
    let energies = [&first, &second, batch.samples().unwrap()].map(gradient_energy);
    println!("stage I {shares:.3?}, agreement {agree:.3?}, gradient energies {energies:.4?}");
    assert!(shares[0] >= 0.85, "{shares:?}");
    let [blurred, sharp, real] = energies;
    assert!(sharp > blurred && (real - sharp).abs() < (real - blurred).abs(), "{energies:?}");
    let [colour, _, size, place] = agree;
    // Shapes are not right in the first stage yet, and change: 0.62 agree.
    assert!([colour, size, place].iter().all(|share| *share >= 0.85), "{agree:?}");
}

#[test]
fn what_is_no_image_with_a_caption_is_refused() {
    for other in ["digits", "label-scenes", "grammar"] {
        let message = refusal("text-to-image", &format!("data.source={other}"));
        assert!(message.contains("caption") && message.contains("captions:TSV"), "{message}");
    }
    assert!(refusal("stackgan", "data.size=25").contains("second.doublings is 1"));
    assert!(refusal("stackgan", "second.doublings=5").contains("second.doublings is 5"));
    assert!(refusal("text-to-image", "phases.encoders=2").contains("phases.encoders is 2"));
    assert!(refusal("text-to-image", "pairs.interpolated=-1").contains("pairs.interpolated is -1"));
    assert!(refusal("text-to-image", "matching.temperature=0").contains("matching.temperature is 0"));
    assert!(refusal("text-to-image", "caption_encoder.hidden=0").contains("caption_encoder.hidden is 0"));
}
