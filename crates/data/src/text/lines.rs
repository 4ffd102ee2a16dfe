//! From lines to sequences of equal length over a vocabulary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use brigand_core::batch::{
    END, HostBatch, HostField, IndexKey, Indices, Kind, MemorySource, Schema, TOKENS, UNKNOWN_WORD,
};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::grammar;
use super::oracle::{self, Oracle};
use crate::fingerprint::{Content, Fingerprint};
use crate::{DataError, Skipped};

/// What a token of a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// Each character of it (a Unicode scalar value), of any script.
    #[default]
    Characters,
    /// Each of its words: what stands between white space.
    Words,
}

impl Tokens {
    pub(crate) fn split(self, line: &str) -> Vec<String> {
        match self {
            Self::Characters => line.chars().map(String::from).collect(),
            Self::Words => line.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// What stands between two tokens when they are read as a line again.
    pub(crate) fn separator(self) -> &'static str {
        match self {
            Self::Characters => "",
            Self::Words => " ",
        }
    }
}

/// Sequences of equal length, and what was left out.
pub struct Lines {
    /// The sequences, as [`TOKENS`].
    pub source: MemorySource,
    /// What tells them from others.
    pub fingerprint: Fingerprint,
    /// How many lines were left out, and why.
    pub skipped: Vec<Skipped>,
}

/// Most different tokens: each is a column of everything that the networks read and write.
pub const MOST_TOKENS: usize = 20_000;

/// The lines of the UTF-8 file `path` with at most `length` tokens. Longer ones and empty ones are left out and counted in
/// `skipped`.
///
/// # Errors
/// If it cannot be read, is no UTF-8, or nothing remains.
pub fn lines_of_file(path: &Path, tokens: Tokens, length: usize) -> Result<Lines> {
    let (kept, skipped) = kept_lines(path, tokens, length)?;
    sequences(&kept, tokens, length, skipped)
}

/// The lines of the UTF-8 file `path` with at most `length` tokens, as their tokens, and how many were left out.
///
/// # Errors
/// As [`lines_of_file`].
pub(crate) fn kept_lines(
    path: &Path,
    tokens: Tokens,
    length: usize,
) -> Result<(Vec<Vec<String>>, Vec<Skipped>)> {
    let text = read_text(path)?;
    let all: Vec<Vec<String>> = text.lines().map(|line| tokens.split(line.trim_end())).collect();
    let total = all.len();
    let full = all.iter().filter(|line| !line.is_empty()).count();
    let kept: Vec<Vec<String>> =
        all.into_iter().filter(|line| !line.is_empty() && line.len() <= length).collect();
    if full == 0 {
        return Err(Error::Data(format!(
            "{} has no line that is not empty; give a file with a sequence on each line",
            path.display()
        )));
    }
    if kept.is_empty() {
        return Err(Error::Data(format!(
            "{} has {full} lines that are not empty, none of at most {length} tokens; give a larger data.length",
            path.display()
        )));
    }
    let left_out = [
        (full - kept.len(), format!("lines have more than {length} tokens (data.length)")),
        (total - full, "lines are empty".to_owned()),
    ];
    let skipped = left_out
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| Skipped { path: path.to_owned(), reason: format!("{count} of {total} {what}") });
    let skipped = skipped.collect();
    Ok((kept, skipped))
}

/// The text of the UTF-8 file `path`, without the mark of its encoding.
///
/// # Errors
/// If it cannot be read, or is no UTF-8, saying which line is not.
pub fn read_text(path: &Path) -> std::result::Result<String, DataError> {
    let bytes = std::fs::read(path).map_err(|source| DataError::io("read", path, source))?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count();
        DataError::NotUtf8 { path: path.to_owned(), line }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// The different tokens of `lines` in their order, behind `first`.
///
/// # Errors
/// If there are more than [`MOST_TOKENS`].
pub(crate) fn vocabulary<'a>(
    lines: impl Iterator<Item = &'a Vec<String>>,
    first: &[&str],
) -> Result<Vec<String>> {
    let words: BTreeSet<&String> = lines.flatten().collect();
    if words.len() > MOST_TOKENS {
        return Err(Error::Data(format!(
            "the lines have {} different tokens, at most {MOST_TOKENS} can be learned; give data.tokens=characters \
             or lines of fewer different words",
            words.len()
        )));
    }
    let first = first.iter().map(|word| (*word).to_owned());
    Ok(first.chain(words.into_iter().cloned()).collect())
}

/// The number of each word of a vocabulary but the first `without`.
pub(crate) fn numbers(vocabulary: &[String], without: usize) -> BTreeMap<&String, u32> {
    vocabulary.iter().zip(0..).skip(without).collect()
}

/// Refuses lines of the program's own, called `what`, that do not fit into `length` tokens.
///
/// # Errors
/// [`Error::Recipe`], saying how long they are.
pub(crate) fn check_lengths<'a>(
    lines: impl Iterator<Item = &'a Vec<String>>,
    length: usize,
    what: &str,
) -> Result<()> {
    match lines.map(Vec::len).max() {
        Some(longest) if longest > length => Err(Error::Recipe(format!(
            "data.length is {length}, {what} have up to {longest} tokens; give at least that"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Lines of the arithmetic grammar, drawn by `seed`.
///
/// # Errors
/// If the longest of them do not fit into `length` tokens.
pub fn lines_of_grammar(seed: u64, length: usize) -> Result<Lines> {
    let lines = grammar::draw(grammar::LINES, &mut Stream::new(seed, "data/grammar", 0));
    let lines: Vec<Vec<String>> = lines.iter().map(|line| Tokens::Characters.split(line)).collect();
    check_lengths(lines.iter(), length, "the grammar's lines")?;
    sequences(&lines, Tokens::Characters, length, Vec::new())
}

/// Lines of the [`Oracle`] of `vocabulary` tokens, drawn by `seed`.
///
/// # Errors
/// If a computation fails.
pub fn lines_of_oracle(vocabulary: usize, seed: u64, length: usize) -> Result<Lines> {
    let oracle = Oracle::new(vocabulary)?;
    let lines = oracle.draw(oracle::LINES, length, &mut Stream::new(seed, "data/oracle", 0))?;
    let indices = Indices { values: lines.concat(), shape: vec![lines.len(), length] };
    over_vocabulary((TOKENS, Oracle::words(vocabulary)), Tokens::Words.separator(), indices, Vec::new())
}

/// The lines over their own vocabulary, in the order of its words, with [`END`] as its first token.
pub(crate) fn sequences(
    lines: &[Vec<String>],
    tokens: Tokens,
    length: usize,
    skipped: Vec<Skipped>,
) -> Result<Lines> {
    lines_over((TOKENS, &vocabulary(lines.iter(), &[""])?), lines, (tokens, length), skipped)
}

/// The lines over `vocabulary`, whose first word is that of [`END`], as the field `key`. Words that it lacks become
/// [`UNKNOWN_WORD`], if that is one of its words.
///
/// # Errors
/// If nothing stands for a word of a line.
pub(crate) fn lines_over(
    (key, vocabulary): (IndexKey, &[String]),
    lines: &[Vec<String>],
    (tokens, length): (Tokens, usize),
    skipped: Vec<Skipped>,
) -> Result<Lines> {
    let numbers = numbers(vocabulary, 1);
    let unknown = numbers.get(&UNKNOWN_WORD.to_owned()).copied();
    let mut values = Vec::with_capacity(lines.len() * length);
    for line in lines {
        let number = |word: &String| {
            let lacks = || {
                Error::Data(format!(
                    "`{word}` of the line `{}` is in no line that is trained on, and these have no `{UNKNOWN_WORD}` to stand for \
                     it; leave the line out",
                    line.join(tokens.separator())
                ))
            };
            numbers.get(word).copied().or(unknown).ok_or_else(lacks)
        };
        let own = line.iter().map(number).collect::<Result<Vec<u32>>>()?;
        values.extend(own.into_iter().chain(std::iter::repeat(END)).take(length));
    }
    let indices = Indices { values, shape: vec![lines.len(), length] };
    over_vocabulary((key, vocabulary.to_vec()), tokens.separator(), indices, skipped)
}

/// Sequences `[lines, length]` over `vocabulary`, whose first word is that of [`END`], as the field `key`.
fn over_vocabulary(
    (key, vocabulary): (IndexKey, Vec<String>),
    separator: &str,
    indices: Indices,
    skipped: Vec<Skipped>,
) -> Result<Lines> {
    let (samples, shape) = match indices.shape.as_slice() {
        [samples, rest @ ..] => (*samples, rest.to_vec()),
        [] => (0, Vec::new()),
    };
    let mut content = Content::default();
    vocabulary.iter().skip(1).for_each(|word| content.bytes(word.as_bytes()));
    content.indices(&indices.values);
    let fingerprint =
        Fingerprint { samples, shape: shape.clone(), classes: Vec::new(), sha256: content.finish() };
    let kind = Kind::Tokens { vocabulary, separator: separator.to_owned(), examples: Vec::new() };
    let schema = Schema::default().with(key.0, kind, &shape);
    let fields = HostBatch::from([(key.0, HostField::Indices(indices))]);
    Ok(Lines { source: MemorySource::new(samples, schema, fields)?, fingerprint, skipped })
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::Source;

    use super::*;

    fn read(text: &str, tokens: Tokens, length: usize) -> Result<Lines> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.txt");
        std::fs::write(&path, text).unwrap();
        lines_of_file(&path, tokens, length)
    }

    fn texts(lines: &Lines) -> Vec<String> {
        let schema = lines.source.schema();
        let field = schema.tokens(TOKENS).unwrap();
        let numbers: Vec<usize> = (0..lines.source.count()).collect();
        let batch = lines.source.get(&numbers, &mut Stream::new(0, "test", 0)).unwrap();
        let Some(HostField::Indices(indices)) = batch.get(TOKENS.0) else { panic!("no tokens") };
        indices.values.chunks(field.length).map(|row| field.text(row)).collect()
    }

    #[test]
    fn lines_of_any_script_come_back_as_they_were() {
        let lines = read("ab\n\nжук\r\n早上好\n🙂é\ntoolong\n", Tokens::Characters, 4).unwrap();
        assert_eq!(texts(&lines), ["ab", "жук", "早上好", "🙂é"]);
        let reasons: Vec<&str> = lines.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert_eq!(reasons, ["1 of 6 lines have more than 4 tokens (data.length)", "1 of 6 lines are empty"]);
        let words = read("a bad  day\na day\n", Tokens::Words, 3).unwrap();
        assert_eq!(texts(&words), ["a bad day", "a day"]);
        assert_eq!(words.source.schema().tokens(TOKENS).unwrap().vocabulary, ["", "a", "bad", "day"]);
    }

    #[test]
    fn files_without_a_usable_line_are_refused() {
        let message = |text: &str| read(text, Tokens::Characters, 2).err().unwrap().to_string();
        assert!(message("abc\n").contains("data.length"));
        for empty in ["", "\n\n", "  \n", "\u{feff}"] {
            assert!(message(empty).contains("no line that is not empty"), "{empty:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin.txt");
        std::fs::write(&path, b"ab\ncaf\xe9\n").unwrap();
        let refused = lines_of_file(&path, Tokens::Characters, 9).err().unwrap().to_string();
        assert!(refused.contains("line 2 is no UTF-8"), "{refused}");
        assert!(lines_of_file(Path::new("absent.txt"), Tokens::Words, 3).is_err());
        assert!(lines_of_grammar(1, 10).err().unwrap().to_string().contains("11 tokens"));
        let oracle = lines_of_oracle(20, 1, 7).unwrap();
        assert!(texts(&oracle).iter().all(|line| (1..8).contains(&line.split(' ').count())));
        assert!(texts(&lines_of_grammar(1, 12).unwrap()).iter().all(|line| grammar::is_valid(line)));
    }
}
