//! The cipher: words of an invented language, whose symbols are replaced by clusters that nothing says the meaning of. Each symbol
//! has three clusters of its own. It is speech recognition without the difficulty of sound.

use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::utterances::{Utterance, Utterances};
use super::vocabulary;
use crate::sound::Rows;
use crate::text::{Lines, Tokens, lines_of};

/// Its symbols.
const SYMBOLS: usize = 20;
/// How they are written.
const NAMES: [&str; SYMBOLS] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];
/// Clusters of a symbol.
const CLUSTERS: usize = 3;
/// Numbers of a frame.
pub(crate) const SIZE: usize = SYMBOLS * CLUSTERS;
/// Frames of a symbol.
const LASTING: usize = 3;
/// Different words.
const WORDS: usize = 50;
/// Utterances.
pub(crate) const UTTERANCES: usize = 1200;
/// Lines of text.
const LINES: usize = 2400;
/// Of the language and of what the clusters stand for, which are the same in every run.
const SEED: u64 = 30;

/// The language: its words, from the most frequent on.
fn words() -> Vec<Vec<usize>> {
    let stream = &mut Stream::new(SEED, "data/cipher/words", 0);
    // The first six symbols are vowels. Some symbols are far more frequent than others, and only some end words.
    let skewed = |stream: &mut Stream, below: usize| {
        let share = stream.number(0.0, 1.0);
        ((share * share * below as f32) as usize).min(below - 1)
    };
    let mut found: Vec<Vec<usize>> = Vec::new();
    while found.len() < WORDS {
        let mut word = Vec::new();
        for _ in 0..1 + stream.index(3) {
            word.extend([6 + skewed(stream, SYMBOLS - 6), skewed(stream, 6)]);
        }
        if stream.index(2) == 0 {
            word.push(12 + skewed(stream, SYMBOLS - 12));
        }
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// `count` sequences of two to four words, the n-th most frequent of which is drawn in proportion to 1 / n.
fn sequences(words: &[Vec<usize>], count: usize, stream: &mut Stream) -> Result<Vec<Vec<usize>>> {
    let sums: Vec<f32> = (1..=words.len())
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f32;
            Some(*sum)
        })
        .collect();
    let total = sums.last().copied().unwrap_or(1.0);
    let word = |stream: &mut Stream| {
        let drawn = stream.number(0.0, total);
        let found = words.get(sums.partition_point(|sum| *sum <= drawn)).or(words.last());
        found.ok_or_else(|| Error::Internal("the cipher has no words".into()))
    };
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let mut line = Vec::new();
        for _ in 0..2 + stream.index(3) {
            line.extend_from_slice(word(stream)?);
        }
        all.push(line);
    }
    Ok(all)
}

fn name(symbol: usize) -> Result<&'static str> {
    let missing = || Error::Internal(format!("the cipher has no symbol {symbol}"));
    NAMES.get(symbol).copied().ok_or_else(missing)
}

/// The utterances as frames that are 1 at their cluster, and lines of other sequences, both drawn by `seed`.
pub(super) fn open(seed: u64) -> Result<(Utterances, Lines)> {
    let words = words();
    let written = sequences(&words, LINES, &mut Stream::new(seed, "data/cipher/text", 0))?;
    let named = |line: &Vec<usize>| line.iter().map(|&symbol| Ok(name(symbol)?.to_owned())).collect();
    let lines: Vec<Vec<String>> = written.iter().map(named).collect::<Result<_>>()?;
    let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
    let lines = lines_of(&lines, Tokens::Words, longest, Vec::new())?;
    let vocabulary = vocabulary(&lines.source)?;
    let meaning = Stream::new(SEED, "data/cipher/clusters", 0).permutation(SIZE);
    let spoken = sequences(&words, UTTERANCES, &mut Stream::new(seed, "data/cipher/spoken", 0))?;
    let stream = &mut Stream::new(seed, "data/cipher/speech", 0);
    let mut utterances = Vec::with_capacity(spoken.len());
    for line in spoken {
        let (mut values, mut phones) = (Vec::new(), Vec::new());
        for (place, symbol) in line.into_iter().enumerate() {
            let lacks = |what: &str| Error::Internal(format!("symbol {symbol} of the cipher has no {what}"));
            let cluster = meaning.get(symbol * CLUSTERS + stream.index(CLUSTERS)).copied();
            let cluster = cluster.ok_or_else(|| lacks("cluster"))?;
            for _ in 0..LASTING {
                values.extend((0..SIZE).map(|other| if other == cluster { 1.0 } else { 0.0 }));
            }
            let name = name(symbol)?;
            let number = vocabulary.iter().position(|word| word == name);
            phones.push(((place + 1) * LASTING, number.ok_or_else(|| lacks("token in the text"))? as u32));
        }
        utterances.push(Utterance { frames: Rows { values, columns: SIZE }, phones: Some(phones) });
    }
    Ok((Utterances::new(utterances, vocabulary, 0), lines))
}
