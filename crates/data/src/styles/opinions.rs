//! Opinions of films, meals, people, places and times: lines of a small grammar, each with its partner in the other style. What
//! has which style, and which words are content, is known of every line. The words that differ between the styles depend on what
//! the line is of, so that the partner can be found without pairs.

use std::collections::{BTreeMap, BTreeSet};

use brigand_core::random::Stream;

/// Tokens of a sequence: room for the longest line and its end.
pub const LENGTH: usize = 8;
/// Opinions, each in two styles.
pub const LINES: usize = 1080;
/// Of the order of the opinions, which is the same in every run.
const SEED: u64 = 29;
/// The last of so many opinions is held out.
const HELD_OUT_OF: usize = 6;

/// Things, and what is said of them in either style.
const THINGS: [([&str; 3], [&str; 2]); 5] = [
    (["film", "story", "song"], ["dull", "gripping"]),
    (["soup", "cake", "tea"], ["stale", "tasty"]),
    (["waiter", "doctor", "driver"], ["rude", "friendly"]),
    (["hotel", "beach", "room"], ["dirty", "clean"]),
    (["day", "evening", "trip"], ["bad", "good"]),
];
/// The verb of either style.
const VERBS: [&str; 2] = ["hate", "love"];
/// What only the first style has.
const NEGATION: [&str; 2] = ["not", ""];
/// What is recommended in either style; without [`NEGATION`] it is of the second.
const RECOMMEND: &str = "recommend";
const WHO: [&str; 4] = ["i", "we", "they", "you"];
const WHICH: [&str; 3] = ["the", "this", "that"];
const BE: [&str; 2] = ["is", "was"];
const HOW: [&str; 3] = ["", "really", "quite"];
const WHEN: [&str; 3] = ["", "today", "again"];

/// All opinions, in an order that is the same in every run.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinions {
    /// Each in both styles, the first style first.
    pairs: Vec<[String; 2]>,
    /// The words that only lines of a style have.
    marks: [BTreeSet<&'static str>; 2],
    /// The partner of each line.
    partners: BTreeMap<String, String>,
}

impl Default for Opinions {
    fn default() -> Self {
        let pairs = all();
        let order = Stream::new(SEED, "data/opinions", 0).permutation(pairs.len());
        let pairs: Vec<[String; 2]> =
            order.into_iter().filter_map(|place| pairs.get(place).cloned()).collect();
        let both = |[first, second]: &[String; 2]| {
            [(first.clone(), second.clone()), (second.clone(), first.clone())]
        };
        let marked = THINGS.iter().map(|(_, adjectives)| adjectives).chain([&VERBS, &NEGATION]);
        let mark = |style: usize| marked.clone().filter_map(move |words| words.get(style).copied());
        let marks = [0, 1].map(|style| mark(style).filter(|word| !word.is_empty()).collect());
        Self { partners: pairs.iter().flat_map(both).collect(), marks, pairs }
    }
}

/// Every opinion in both styles.
fn all() -> Vec<[String; 2]> {
    let mut pairs = Vec::new();
    let mut add = |words: &[[&str; 2]]| {
        let line = |style: usize| {
            let words = words.iter().filter_map(|word| word.get(style)).filter(|word| !word.is_empty());
            words.copied().collect::<Vec<_>>().join(" ")
        };
        pairs.push([line(0), line(1)]);
    };
    let same = |word: &'static str| [word, word];
    for (things, adjectives) in THINGS {
        for thing in things {
            for be in BE {
                for which in WHICH {
                    for how in HOW {
                        add(&[same(which), same(thing), same(be), same(how), adjectives]);
                    }
                }
                for when in WHEN {
                    add(&[same("it"), same(be), same("a"), adjectives, same(thing), same(when)]);
                }
            }
            for who in WHO {
                for which in WHICH {
                    add(&[same(who), same("would"), NEGATION, same(RECOMMEND), same(which), same(thing)]);
                    for when in WHEN {
                        add(&[same(who), VERBS, same(which), same(thing), same(when)]);
                    }
                }
            }
        }
    }
    pairs
}

impl Opinions {
    /// The lines that are trained on in either style: no opinion is in both.
    pub fn training(&self) -> [Vec<String>; 2] {
        let own = |style: usize| {
            let numbered = self.pairs.iter().enumerate().filter(|(place, _)| {
                place % HELD_OUT_OF != HELD_OUT_OF - 1 && place % HELD_OUT_OF % 2 == style
            });
            numbered.filter_map(|(_, pair)| pair.get(style).cloned()).collect()
        };
        [own(0), own(1)]
    }

    /// The lines that are held out, in either style: line `n` of one is the partner of line `n` of the other.
    pub fn held_out(&self) -> [Vec<String>; 2] {
        let pairs = self.pairs.iter().skip(HELD_OUT_OF - 1).step_by(HELD_OUT_OF);
        pairs.cloned().map(|[first, second]| (first, second)).unzip::<_, _, Vec<_>, Vec<_>>().into()
    }

    /// Whether a vocabulary has the words of opinions and no others, after the end of a line.
    pub fn has_vocabulary(&self, vocabulary: &[String]) -> bool {
        let own: BTreeSet<&str> = self.partners.keys().flat_map(|line| line.split(' ')).collect();
        own.into_iter().eq(vocabulary.iter().skip(1).map(String::as_str))
    }

    /// The style of a line, 0 or 1, by the words that only one style has; `None` of one with words of both, or of neither.
    pub fn style(&self, line: &str) -> Option<usize> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [first, second] = [0, 1].map(|style: usize| {
            self.marks.get(style).is_some_and(|marks| words.iter().any(|word| marks.contains(word)))
        });
        let recommends = words.contains(&RECOMMEND) && !words.contains(&NEGATION[0]);
        match (first, second || recommends) {
            (true, false) => Some(0),
            (false, true) => Some(1),
            (true, true) | (false, false) => None,
        }
    }

    /// The same opinion in the other style; `None` of a line that is no opinion.
    pub fn partner(&self, line: &str) -> Option<&str> {
        self.partners.get(line).map(String::as_str)
    }

    /// Whether a word is content: whose opinion it is, of what, and when.
    pub fn is_content(word: &str) -> bool {
        let things = THINGS.iter().flat_map(|(things, _)| things);
        things.chain(&WHO).chain(&WHEN).any(|content| *content == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_style_and_its_partner() {
        let opinions = Opinions::default();
        assert_eq!(opinions.pairs.len(), LINES);
        assert_eq!(LINES, 15 * (2 * (9 + 3) + 4 * 3 * (1 + 3)));
        // No line twice.
        assert_eq!(opinions.partners.len(), 2 * opinions.pairs.len());
        for [first, second] in &opinions.pairs {
            assert_eq!(
                (opinions.style(first), opinions.style(second)),
                (Some(0), Some(1)),
                "{first} / {second}"
            );
            assert_eq!(opinions.partner(opinions.partner(first).unwrap()), Some(first.as_str()));
            let content = |line: &str| {
                line.split(' ')
                    .filter(|word| Opinions::is_content(word))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert!(!content(first).is_empty() && content(first) == content(second), "{first} / {second}");
            assert!(first.split(' ').count() < LENGTH && second.split(' ').count() < LENGTH);
        }
        assert_eq!(opinions.style("the film is"), None);
        assert_eq!(opinions.style("i hate this tasty cake"), None);
        assert_eq!(opinions.partner("i hate this tasty cake"), None);
        assert_eq!(opinions.partner("you would not recommend the tea"), Some("you would recommend the tea"));
    }

    #[test]
    fn training_has_no_pair_and_no_held_out_opinion() {
        let opinions = Opinions::default();
        let ([negative, positive], held_out) = (opinions.training(), opinions.held_out());
        assert_eq!([negative.len(), positive.len()], [540, 360]);
        assert_eq!(held_out.each_ref().map(Vec::len), [180; 2]);
        let positive: BTreeSet<&str> = positive.iter().map(String::as_str).collect();
        assert!(negative.iter().all(|line| !positive.contains(opinions.partner(line).unwrap())));
        for (first, second) in held_out[0].iter().zip(&held_out[1]) {
            assert_eq!(opinions.partner(first), Some(second.as_str()));
            assert!(!negative.contains(first) && !positive.contains(second.as_str()));
        }
    }
}
