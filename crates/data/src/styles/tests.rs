use brigand_core::batch::{HostField, TokenField};
use brigand_core::random::Stream;

use super::*;

fn texts(data: &RunData, place: usize) -> Vec<String> {
    let (source, key) = (&data.sources[place], FIELDS[place]);
    let schema = source.schema();
    let field: TokenField<'_> = schema.tokens(key).unwrap();
    let numbers: Vec<usize> = (0..source.count()).collect();
    let batch = source.get(&numbers, &mut Stream::new(0, "test", 0)).unwrap();
    let Some(HostField::Indices(indices)) = batch.get(key.0) else { panic!("no tokens") };
    indices.values.chunks(field.length).map(|row| field.text(row)).collect()
}

fn files(folder: &Path, negative: &str, positive: &str) -> StylesSpec {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    StylesSpec::Files { negative: write("negative.txt", negative), positive: write("positive.txt", positive) }
}

#[test]
fn two_files_share_a_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let spec = files(folder.path(), "a bad day\n\nвесьма bad\n", "a good day\na very long good day\n");
    let data = open(&spec, (Tokens::Words, 4)).unwrap();
    assert_eq!(
        (texts(&data, 0), texts(&data, 1)),
        (vec!["a bad day".to_owned(), "весьма bad".to_owned()], vec!["a good day".to_owned()])
    );
    let vocabulary =
        |place: usize| data.sources[place].schema().tokens(FIELDS[place]).unwrap().vocabulary.to_vec();
    assert_eq!(vocabulary(0), ["", "a", "bad", "day", "good", "весьма"]);
    assert_eq!(vocabulary(0), vocabulary(1));
    let reasons: Vec<String> = data.notes.lines.iter().map(|skipped| skipped.reason.clone()).collect();
    assert_eq!(reasons, ["1 of 3 lines are empty", "1 of 2 lines have more than 4 tokens (data.length)"]);
    // Characters, too.
    let data = open(&files(folder.path(), "ab\n", "cb\n"), (Tokens::Characters, 4)).unwrap();
    assert_eq!(data.sources[1].schema().tokens(SECOND_TOKENS).unwrap().vocabulary, ["", "a", "b", "c"]);
}

#[test]
fn held_out_files_are_read_over_the_vocabulary_of_the_others() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let trained = files(folder.path(), "a bad <unk>\n", "a good day\n");
    let named = files(other.path(), "a bad cat\n", "good\n");
    let data = open_beside(&named, &trained, (Tokens::Words, 4)).unwrap();
    assert_eq!(texts(&data, 0), ["a bad <unk>"]);
    let trained = files(folder.path(), "a bad\n", "a good day\n");
    let message = open_beside(&named, &trained, (Tokens::Words, 4)).err().unwrap().to_string();
    assert!(message.contains("`cat`") && message.contains("no line that is trained on"), "{message}");
}

#[test]
fn files_that_cannot_be_used_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |negative: &str, positive: &str| {
        open(&files(folder.path(), negative, positive), (Tokens::Words, 2)).err().unwrap().to_string()
    };
    assert!(refused("a\n", "\n\n").contains("positive.txt has no line that is not empty"));
    assert!(refused("a b c\n", "a\n").contains("negative.txt has 1 lines"));
    let short = open(&StylesSpec::Opinions, (Tokens::Words, 5)).err().unwrap().to_string();
    assert!(short.contains("data.length is 5"), "{short}");
    for text in ["", "a", "a,", ",b"] {
        assert_eq!(StylesSpec::of_files(text), None, "{text}");
    }
}
