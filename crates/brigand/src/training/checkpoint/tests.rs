use super::*;
use crate::files::partial_path;
use proptest::prelude::*;
use std::ffi::OsString;
use std::fs;
use std::sync::OnceLock;

fn snapshot(step: u64, score: Option<f64>) -> Snapshot {
    let tensor =
        |shape: &[usize], values: &[f32]| StoredTensor { shape: shape.to_vec(), data: values.to_vec() };
    let tensors = BTreeMap::from([
        ("generator.0.weight".to_owned(), tensor(&[2, 2], &[step as f32, -0.0, f32::MIN_POSITIVE, f32::NAN])),
        ("discriminator.0.bias".to_owned(), tensor(&[], &[0.1])),
        ("nothing".to_owned(), tensor(&[0, 3], &[])),
    ]);
    let numbers = BTreeMap::from([("rate".to_owned(), 0.1 + 0.2), ("sum".to_owned(), f64::NEG_INFINITY)]);
    let counters = BTreeMap::from([("adam.step".to_owned(), u64::MAX)]);
    Snapshot {
        step,
        tensors,
        numbers,
        schema: Schema::of_samples(&[1, 8, 8], &[3.0, 4.0]),
        counters,
        score,
        recipe: "seed = 1\n[data]\nsource = \"digits\"\n".to_owned(),
    }
}

fn bits(snapshot: &Snapshot) -> Vec<(&String, &[usize], Vec<u32>)> {
    let bits = |tensor: &StoredTensor| tensor.data.iter().map(|value| value.to_bits()).collect();
    snapshot.tensors.iter().map(|(name, tensor)| (name, tensor.shape.as_slice(), bits(tensor))).collect()
}

fn steps(folder: &Path) -> Vec<u64> {
    let tensors: Vec<u64> = step_files(folder, TENSORS).unwrap().into_iter().map(|(step, _)| step).collect();
    let headers: Vec<u64> = step_files(folder, HEADER).unwrap().into_iter().map(|(step, _)| step).collect();
    assert_eq!(tensors, headers);
    headers
}

#[test]
fn what_is_saved_comes_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let saved = snapshot(1000, Some(1.0 / 3.0));
    let path = save(folder.path(), &saved, 3).unwrap();
    for path in [path.clone(), path.with_extension(TENSORS)] {
        let loaded = load(&path).unwrap();
        assert_eq!(bits(&loaded), bits(&saved));
        assert_eq!((loaded.step, loaded.score, &loaded.recipe), (1000, saved.score, &saved.recipe));
        assert_eq!((loaded.numbers, loaded.counters), (saved.numbers.clone(), saved.counters.clone()));
    }
    let first = (fs::read(&path).unwrap(), fs::read(path.with_extension(TENSORS)).unwrap());
    save(folder.path(), &saved, 3).unwrap();
    assert_eq!(first, (fs::read(&path).unwrap(), fs::read(path.with_extension(TENSORS)).unwrap()));
}

#[test]
fn the_newest_and_the_best_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (step, score) in
        [(1, Some(5.0)), (2, Some(0.5)), (3, None), (4, Some(f64::NAN)), (5, Some(0.5)), (6, None)]
    {
        save(folder.path(), &snapshot(step, score), 3).unwrap();
    }
    assert_eq!(steps(folder.path()), [2, 4, 5, 6]);
    assert_eq!(best(folder.path()).unwrap(), Some(folder.path().join("step-00000002.json")));
    save(folder.path(), &snapshot(7, Some(0.25)), 0).unwrap();
    assert_eq!(steps(folder.path()), [7]);
    assert_eq!(latest(folder.path()).unwrap().snapshot.step, 7);
}

#[test]
fn a_save_behind_later_checkpoints_keeps_itself_and_they_can_be_discarded() {
    let folder = tempfile::tempdir().unwrap();
    for step in [10, 20, 30, 5] {
        save(folder.path(), &snapshot(step, None), 1).unwrap();
    }
    assert_eq!(steps(folder.path()), [5, 30]);
    discard_after(folder.path(), 5).unwrap();
    assert_eq!(steps(folder.path()), [5]);
    assert_eq!(best(folder.path()).unwrap(), None);
}

#[test]
fn left_overs_of_a_killed_save_are_passed_over_and_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), &snapshot(1, None), 3).unwrap();
    fs::write(folder.path().join(".step-00000002.json.77.partial"), "{").unwrap();
    fs::write(folder.path().join("step-00000002.safetensors"), "tensors of a save without its JSON").unwrap();
    assert_eq!(latest(folder.path()).unwrap().snapshot.step, 1);
    save(folder.path(), &snapshot(3, None), 3).unwrap();
    assert_eq!(steps(folder.path()), [1, 3]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn foreign_empty_and_newer_files_have_their_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let message = latest(folder.path()).unwrap_err().to_string();
    assert!(message.contains("it has none"), "{message}");
    for (content, expected) in [
        ("", "EOF"),
        ("{\"a\": 1}", "unknown field"),
        ("[]", "invalid length"),
        ("{\"format\":\"x\",\"version\":2,\"digest\":\"\",\"body\":null}", "its format is \"x\""),
        ("{\"format\":\"brigand-checkpoint\",\"version\":2,\"digest\":\"\",\"body\":null}", "its digest"),
    ] {
        let path = folder.path().join("step-00000009.json");
        fs::write(&path, content).unwrap();
        let message = load(&path).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("step-00000009.json"), "{message}");
        let message = latest(folder.path()).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("start a new run"), "{message}");
    }
}

#[test]
fn a_newer_version_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), &snapshot(1, None), 3).unwrap();
    let newer = format::sealed(3, serde_json::json!({"anything": 1})).unwrap();
    fs::write(folder.path().join("step-00000002.json"), newer).unwrap();
    let message = latest(folder.path()).unwrap_err().to_string();
    assert!(message.contains("version 3") && message.contains("newer release"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_earlier_checkpoints_and_no_rubbish() {
    for extension in [TENSORS, HEADER] {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &snapshot(1, None), 1).unwrap();
        let beside = partial_path(&folder.path().join(step_file_name(2, extension)));
        std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
        let message = write_pair(folder.path(), &snapshot(2, None)).unwrap_err().to_string();
        assert!(message.contains("free some space") && message.contains(extension), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(steps(folder.path()), [1]);
        assert_eq!(latest(folder.path()).unwrap().snapshot.step, 1);
    }
}

#[test]
fn unfit_shapes_and_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut unfit = snapshot(1, None);
    unfit.tensors.insert("w".to_owned(), StoredTensor { shape: vec![2, 2], data: vec![1.0; 3] });
    let message = save(folder.path(), &unfit, 3).unwrap_err().to_string();
    assert_eq!(message, "tensor \"w\" of shape [2, 2] cannot have 3 values");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let message = save(&file, &snapshot(1, None), 3).unwrap_err().to_string();
    assert!(message.contains(&file.display().to_string()), "{message}");
}

/// Names and bytes of the files of two whole checkpoints, of steps 1 and 2.
fn two_checkpoints() -> &'static [(OsString, Vec<u8>)] {
    static FILES: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &snapshot(1, None), 3).unwrap();
        save(folder.path(), &snapshot(2, Some(0.5)), 3).unwrap();
        let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
    })
}

/// What is found among two checkpoints when `damage` has changed a file of the second.
fn after_damage(extension: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Found {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in two_checkpoints() {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = folder.path().join(step_file_name(2, extension));
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
    latest(folder.path()).unwrap()
}

#[test]
fn every_truncation_falls_back_to_the_one_before() {
    for extension in [TENSORS, HEADER] {
        let mut cut = 0;
        loop {
            let mut whole = 0;
            let found = after_damage(extension, |bytes| {
                whole = bytes.len();
                bytes.truncate(cut);
            });
            if cut >= whole {
                assert_eq!((found.snapshot.step, found.skipped.len()), (2, 0));
                break;
            }
            assert_eq!((found.snapshot.step, found.skipped.len()), (1, 1), "{extension} cut at {cut}");
            cut += 3.min(whole - cut);
        }
    }
}

proptest! {
    #[test]
    fn no_flipped_byte_goes_unnoticed(tensors in any::<bool>(), place in any::<prop::sample::Index>(), flip in 1_u8..) {
        let extension = if tensors { TENSORS } else { HEADER };
        let found = after_damage(extension, |bytes| {
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
        });
        // Space between the JSON's entries may change into other space: the content is the same.
        let sound = snapshot(2, Some(0.5));
        let harmless = !tensors && found.snapshot.step == 2 && found.snapshot.numbers == sound.numbers
            && found.snapshot.counters == sound.counters && found.snapshot.score == sound.score
            && found.snapshot.recipe == sound.recipe && bits(&found.snapshot) == bits(&sound);
        prop_assert!(harmless || found.snapshot.step == 1, "step {}", found.snapshot.step);
    }

    #[test]
    fn random_files_never_panic(header in proptest::collection::vec(any::<u8>(), 0..300)) {
        let found = after_damage(HEADER, |bytes| *bytes = header);
        prop_assert_eq!(found.snapshot.step, 1);
    }
}
