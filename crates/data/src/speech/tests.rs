use std::path::Path;

use brigand_core::Place;
use brigand_core::batch::{Batch, FRAME_COUNT, FRAMES, Feed, PHONES, SEGMENTS, TOKENS};

use crate::{Options, RunData, Spec, open};

/// `count` recordings of two tones with labels, and text of the same two phonemes.
fn written(folder: &Path, count: usize) -> Spec {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    for number in 0..count {
        let path = folder.join(format!("{number:02}.wav"));
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for sample in 0..3200 {
            let pitch = if sample < 1600 { 0.2 } else { 0.7 };
            writer.write_sample((8000.0 * (sample as f32 * pitch).sin()) as i16).unwrap();
        }
        writer.finalize().unwrap();
        std::fs::write(path.with_extension("lab"), "#\n0.1 125 low\n0.2 125 high\n").unwrap();
    }
    std::fs::write(folder.join("text.txt"), "low high low\nhigh low\n").unwrap();
    format!("speech:{},{}", folder.display(), folder.join("text.txt").display()).parse().unwrap()
}

fn refusal(spec: &Spec) -> String {
    open(spec, &Options::default()).err().unwrap().to_string()
}

fn first(data: &RunData) -> Batch {
    Feed::new(data.boxed_sources(), 1, 0, &Place::cpu()).unwrap().trained(FRAMES.0, 0..1).unwrap()
}

#[test]
fn recordings_have_frames_and_the_places_of_their_phonemes() {
    let folder = tempfile::tempdir().unwrap();
    let spec = written(folder.path(), 20);
    assert_eq!(spec.to_string().parse::<Spec>().unwrap(), spec);
    let data = open(&spec, &Options::default()).unwrap();
    assert_eq!(data.sources[0].count(), 20);
    let batch = first(&data);
    assert_eq!(batch.numbers(FRAMES).unwrap().shape(), [1, 21, 39]);
    assert_eq!(batch.indices(FRAME_COUNT).unwrap().values, [21]);
    let vocabulary = data.sources[1].schema().tokens(TOKENS).unwrap().vocabulary.to_vec();
    let phones = &batch.indices(PHONES).unwrap().values;
    let names: Vec<&str> = phones.iter().map(|&phone| vocabulary[phone as usize].as_str()).collect();
    assert_eq!(names, [["low"; 10].as_slice(), &["high"; 11]].concat());
    assert_eq!(batch.indices(SEGMENTS).unwrap().values, [[0; 10].as_slice(), &[1; 11]].concat());
    // Without the labels of one of them, none are given.
    std::fs::remove_file(folder.path().join("03.lab")).unwrap();
    let data = open(&spec, &Options::default()).unwrap();
    assert!(first(&data).indices(PHONES).is_err());
}

#[test]
fn what_is_left_out_is_noted_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let spec = written(folder.path(), 21);
    std::fs::write(folder.path().join("07.wav"), b"RIFFxxxxWAVE").unwrap();
    std::fs::write(folder.path().join("._08.wav"), b"of another system").unwrap();
    // Spaces of any kind separate phonemes.
    std::fs::write(folder.path().join("text.txt"), "low\u{a0}high\u{2003}low high\n\nhigh low\n").unwrap();
    let data = open(&spec, &Options::default()).unwrap();
    assert_eq!((data.sources[0].count(), data.sources[1].count()), (20, 2));
    assert_eq!(data.sources[1].schema().tokens(TOKENS).unwrap().length, 4);
    let notes = data.notes.sentences();
    assert!(notes[0].starts_with("1 sound left out: 07.wav ("), "{notes:?}");
    assert!(
        notes[1].ends_with("text.txt: 1 of 3 lines are empty; left out") && notes.len() == 2,
        "{notes:?}"
    );
    // A folder that leads back to itself is named.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let data = open(&spec, &Options::default()).unwrap();
        assert_eq!(data.sources[0].count(), 20);
        assert!(data.notes.sentences()[0].starts_with("2 sounds left out: loop ("));
    }
}

#[test]
fn what_nothing_can_be_learned_from_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spec = written(folder.path(), 20);
    std::fs::write(folder.path().join("07.lab"), "#\n0.1 125 low\n0.2 125 middle\n").unwrap();
    assert!(refusal(&spec).contains("lacks: middle"), "{}", refusal(&spec));
    std::fs::write(folder.path().join("07.lab"), "#\n0.2 125 low\n0.1 125 high\n").unwrap();
    assert!(refusal(&spec).contains("19 usable") && refusal(&spec).contains("line 3"), "{}", refusal(&spec));
    std::fs::remove_file(folder.path().join("07.lab")).unwrap();
    let silent = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    for (value, reason) in [(0, "is silent"), (32_767, "is clipped")] {
        let mut writer = hound::WavWriter::create(folder.path().join("07.wav"), silent).unwrap();
        (0..1600).for_each(|_| writer.write_sample(value).unwrap());
        writer.finalize().unwrap();
        assert!(refusal(&spec).contains(reason), "{}", refusal(&spec));
    }
    let one = tempfile::tempdir().unwrap();
    assert!(refusal(&written(one.path(), 1)).contains("1 usable recordings, at least 20"));
    let none = tempfile::tempdir().unwrap();
    assert!(refusal(&written(none.path(), 0)).contains("ends in .wav"));
    for broken in ["speech:a", "speech:,b", "speech:a,"] {
        assert!(broken.parse::<Spec>().is_err(), "{broken}");
    }
}

#[test]
fn the_cipher_has_three_clusters_for_each_symbol() {
    let data = open(&Spec::Speech(super::SpeechSpec::Cipher), &Options::default()).unwrap();
    let feed = Feed::new(data.boxed_sources(), 1, 0, &Place::cpu()).unwrap();
    let count = feed.trained_count(FRAMES.0).unwrap();
    let batch = feed.trained(FRAMES.0, 0..count).unwrap();
    let frames = batch.numbers(FRAMES).unwrap();
    let (longest, values) = (frames.shape()[1], frames.to_vec_f32().unwrap());
    let phones = &batch.indices(PHONES).unwrap().values;
    let mut clusters = vec![std::collections::BTreeSet::new(); 60];
    for (utterance, &length) in batch.indices(FRAME_COUNT).unwrap().values.iter().enumerate() {
        for frame in (0..length as usize).map(|frame| utterance * longest + frame) {
            let row = &values[frame * 60..(frame + 1) * 60];
            assert_eq!(row.iter().sum::<f32>(), 1.0);
            clusters[row.iter().position(|value| *value == 1.0).unwrap()].insert(phones[frame]);
        }
    }
    let phones_of_cluster: Vec<usize> = clusters.iter().map(std::collections::BTreeSet::len).collect();
    assert!(
        phones_of_cluster.iter().all(|&phones| phones <= 1) && phones_of_cluster.iter().sum::<usize>() > 50,
        "{phones_of_cluster:?}"
    );
}
