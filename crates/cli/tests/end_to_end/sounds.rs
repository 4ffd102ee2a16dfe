//! Images from sounds: `sound-to-image` trained on a table, `brigand sample --sound`.

use std::path::Path;

use crate::program::Desk;
use crate::sources::write_png;

/// A 16-bit WAV of a sine with this many samples in a second and channels.
fn write_wav(path: &Path, level: f32, rate: u32, channels: u16) {
    let sample = |at: u32| ((level * 30_000.0 * (at as f32 * 0.2).sin()) as i16).to_le_bytes();
    let samples: Vec<u8> = (0..rate / 2).flat_map(|at| sample(at).repeat(usize::from(channels))).collect();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * 2 * u32::from(channels)).to_le_bytes());
    bytes.extend((2 * channels).to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((samples.len() as u32).to_le_bytes());
    bytes.extend(samples);
    std::fs::write(path, bytes).unwrap();
}

const TRAIN: &str = "train sound-to-image --set data.size=16 --set generator.width=2 --set discriminator.width=2 \
                     --set sound.width=2 --set training.batch=4 --set held_out.every=2 --steps 2 --quiet";

#[test]
fn sounds_of_any_rate_are_trained_on_and_become_images() {
    let desk = Desk::new();
    let mut lines = String::new();
    for index in 0..12_u32 {
        write_png(&desk.path(&format!("{index}.png")), 16, 16);
        let (rate, channels) = if index % 2 == 0 { (16_000, 1) } else { (44_100, 2) };
        write_wav(&desk.path(&format!("{index}.wav")), 0.5, rate, channels);
        lines.push_str(&format!("{index}.wav\t{index}.png\n"));
    }
    write_wav(&desk.path("silent.wav"), 0.0, 8000, 1);
    std::fs::write(desk.path("broken.wav"), "RIFF").unwrap();
    lines.push_str("silent.wav\t0.png\nbroken.wav\t0.png\n");
    std::fs::write(desk.path("sounds.tsv"), &lines).unwrap();
    let ended = desk.run(&format!("{TRAIN} --data sounds:sounds.tsv --out run"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("2 sounds left out: silent.wav (its first second is silent), broken.wav ("),
        "{}",
        ended.err
    );
    for series in ["sounds", "levels", "pitches"] {
        assert!(desk.path(&format!("run/{series}/step-00000002.png")).is_file(), "{series}");
    }
    let bytes = |name: &str| std::fs::read(desk.path(name)).unwrap();
    for (out, gain) in [("loud.png", "0"), ("soft.png", "-20"), ("again.png", "0")] {
        desk.succeed(&format!("sample run --sound 1.wav --gain {gain} -n 2 --out {out}"));
    }
    assert!(bytes("loud.png") == bytes("again.png") && bytes("loud.png") != bytes("soft.png"));
    desk.succeed("sample run --sound 1.wav --gain -6 -n 1");
    assert!(desk.path("run/sound-1-gain--6-seed0.png").is_file());
    desk.refuse("sample run", &["--sound FILE.wav"]);
    desk.refuse("sample run --sound 0.png", &["0.png"]);
    desk.refuse("sample run --sound none.wav", &["none.wav does not exist"]);
    desk.refuse("sample run --sound 1.wav --gain 500", &["-120 to 120"]);
    desk.refuse("sample run --sound 1.wav --class 1", &["--class"]);
    for other in ["--text bell", "--text-file t.txt"] {
        let ended = desk.run(&format!("sample run --sound 1.wav {other}"));
        assert!(ended.code == Some(2) && ended.err.contains("cannot be used with"), "{}", ended.err);
    }
    desk.succeed("train gan --steps 1 --quiet --out gan");
    desk.refuse("sample gan --sound 1.wav", &["sound-to-image"]);

    for (line, words) in
        [("12.wav\t0.png", "12.wav"), ("1.wav\t0.png\t7", "line 15 has a class"), ("1.wav", "line 15")]
    {
        std::fs::write(desk.path("sounds.tsv"), format!("{lines}{line}\n")).unwrap();
        desk.refuse("train sound-to-image --data sounds:sounds.tsv --steps 1 --out refused", &[words]);
        assert!(!desk.path("refused").exists());
    }
}
