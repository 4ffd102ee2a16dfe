//! Speech: `speech-recognition` trained on recordings, and `brigand transcribe`.

use std::path::Path;

use crate::program::Desk;

/// A WAV of 16 kHz: so many samples of silence, or of two sounds in turn.
fn write_wav(path: &Path, samples: u32, silent: bool) {
    let mut bytes = b"RIFF....WAVEfmt ".to_vec();
    bytes.extend(16u32.to_le_bytes());
    [1u16, 1].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    [16_000u32, 32_000].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    [2u16, 16].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes.extend(b"data");
    bytes.extend((2 * samples).to_le_bytes());
    for sample in 0..samples {
        let pitch = if (sample / 1600) % 2 == 0 { 0.2 } else { 0.9 };
        let level = if silent { 0.0 } else { 8000.0 * (sample as f32 * pitch).sin() };
        bytes.extend((level as i16).to_le_bytes());
    }
    let rest = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&rest);
    std::fs::write(path, bytes).unwrap();
}

/// A folder of recordings without label files, and text of their two phonemes.
fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("speech/deep")).unwrap();
    for number in 0..24u32 {
        write_wav(&desk.path(&format!("speech/{number:02}.wav")), 1600 * (3 + number % 4), false);
    }
    std::fs::write(desk.path("text.txt"), "low high low\n\nlow high low high\nlow high\n".repeat(8)).unwrap();
    desk
}

const TRAIN: &str = "train speech-recognition --data speech:speech,text.txt --set segments=found --set generator.count=4 \
                     --set training.batch=8 --set window=3 --set hmm.states=2 --steps 2 --quiet";

#[test]
fn recordings_are_transcribed() {
    let desk = desk();
    desk.succeed(&format!("{TRAIN} --out run"));
    for picture in ["utterance/step-00000002.png", "transcripts/step-00000002.txt"] {
        assert!(desk.path("run").join(picture).is_file(), "{picture}");
    }
    std::fs::create_dir_all(desk.path("in/deep")).unwrap();
    write_wav(&desk.path("in/deep/a.wav"), 6400, false);
    write_wav(&desk.path("in/b.wav"), 6400, true);
    let said = desk.succeed("transcribe run --in in --out found.txt");
    assert!(said.contains("b.wav is silent") && said.contains("1 transcript in found.txt"), "{said}");
    let found = std::fs::read_to_string(desk.path("found.txt")).unwrap();
    let (name, phones) = found.trim_end().split_once('\t').unwrap();
    assert_eq!(name, "deep/a.wav");
    assert!(phones.split(' ').all(|phone| ["low", "high"].contains(&phone)), "{found}");
}

#[test]
fn what_cannot_be_transcribed_is_refused() {
    let desk = desk();
    let line = TRAIN.trim_start_matches("train ");
    desk.refuse_to_train(&line.replace("--set segments=found", ""), &["segments=found"]);
    desk.refuse_to_train(&line.replace("text.txt", "absent.txt"), &["absent.txt", "does not exist"]);
    desk.succeed("train speech-recognition --set training.batch=4 --steps 1 --quiet --out cipher");
    std::fs::create_dir_all(desk.path("silent")).unwrap();
    write_wav(&desk.path("silent/a.wav"), 1600, true);
    desk.refuse("transcribe cipher --in speech --out found.txt", &["was not trained on sound"]);
    desk.succeed(&format!("{TRAIN} --out run"));
    desk.refuse("transcribe run --in silent --out found.txt", &["is silent"]);
    desk.refuse(
        "transcribe run --in speech --out no/found.txt",
        &["cannot write no/found.txt", "make the folder"],
    );
    desk.refuse("transcribe run --in run --out found.txt", &["ends in .wav"]);
    desk.succeed("train gan --steps 1 --quiet --out gan");
    desk.refuse("transcribe gan --in speech --out found.txt", &["transcribes no speech"]);
    assert!(!desk.path("found.txt").exists());
}
