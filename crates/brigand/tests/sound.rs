//! Claim: mel spectrograms and cepstral coefficients equal librosa's. Origin: `fixtures/make_sound_fixture.py`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::HashMap;

use brigand::data::sound::{Frames, MelSpectrogram, Mels, Mfcc, Rows, deltas};
use candle_core::{Device, Tensor};

const RATE: u32 = 16_000;

fn fixture() -> HashMap<String, Tensor> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sound.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn values(fixture: &HashMap<String, Tensor>, name: &str) -> Vec<f32> {
    fixture[name].flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_close(what: &str, found: &Rows, expected: &[f32], tolerance: f32) {
    assert_eq!(found.values.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.values.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{what} {place}: {found} instead of {expected}");
    }
}

#[test]
fn features_of_sound_equal_those_of_librosa() {
    let fixture = fixture();
    let wave = values(&fixture, "wave");
    let of = |bands, lowest, highest| {
        MelSpectrogram::new(RATE, Frames::of_speech(RATE), Mels { bands, lowest, highest }).unwrap()
    };
    let power = values(&fixture, "power");
    let loudest = power.iter().copied().fold(0.0, f32::max);
    let mels = of(40, 0.0, 8000.0);
    assert_close("power", &mels.power(&wave).unwrap(), &power, 1e-5 * loudest);
    let narrow = of(20, 100.0, 4000.0).power(&wave).unwrap();
    assert_close("narrow bands", &narrow, &values(&fixture, "narrow_power"), 1e-5 * loudest);
    assert_close("decibels", &mels.decibels(&wave).unwrap(), &values(&fixture, "decibels"), 5e-3);
    let mfcc = Mfcc::new(RATE, 13, 40).unwrap().coefficients(&wave).unwrap();
    assert_close("coefficients", &mfcc, &values(&fixture, "mfcc"), 1e-2);
    let first = deltas(&mfcc);
    assert_close("deltas", &first, &values(&fixture, "delta"), 5e-3);
    assert_close("their deltas", &deltas(&first), &values(&fixture, "delta_of_delta"), 5e-3);
}
