//! How lines that were brought to another style compare with the lines they were made from: their style by a classifier, the
//! content that is kept, and what simple rules reach.

use std::collections::{BTreeMap, BTreeSet};

use brigand_core::batch::UNKNOWN_WORD;

use brigand_data::styles::opinions::Opinions;

/// A line as its words.
pub(crate) type Line = Vec<String>;

/// Added to all counts of the classifier.
const SMOOTHING: f64 = 1.0;
/// The most frequent words, which count as function words.
const FUNCTION_WORDS: usize = 100;
/// Added to the counts of a word in both styles before they are compared, so that rare words are marked by no style.
const EVIDENCE: f64 = 5.0;
/// How many times more frequent a word of a style is in it than in the other.
const MARKED: f64 = 2.0;

/// Which of two styles a line has.
#[derive(Clone, Debug, PartialEq)]
pub enum StyleClassifier {
    /// By the words and the pairs of neighbouring words that it has, each counted once: multinomial naive Bayes (Wang and Manning
    /// 2012, ACL P12-2018). The logarithm of how many times more probable each is in the second style, and that of the style
    /// itself.
    Bayes {
        /// Of words and pairs.
        ratios: BTreeMap<String, f64>,
        /// Of the style.
        prior: f64,
    },
    /// By the words of the grammar of opinions.
    Opinions(Opinions),
}

/// How often each of what `of` makes of a line is in lines of either style.
fn counts<T: Ord, I: IntoIterator<Item = T>>(
    lines: [&[Line]; 2],
    of: impl Fn(&Line) -> I,
) -> BTreeMap<T, [f64; 2]> {
    let mut counts: BTreeMap<T, [f64; 2]> = BTreeMap::new();
    for (style, lines) in lines.into_iter().enumerate() {
        for found in lines.iter().flat_map(&of) {
            if let Some(count) = counts.entry(found).or_default().get_mut(style) {
                *count += 1.0;
            }
        }
    }
    counts
}

impl StyleClassifier {
    /// Naive Bayes of these lines of the first and of the second style.
    pub fn of(lines: [&[Line]; 2]) -> Self {
        let counts = counts(lines, |line| features(line));
        let kinds = counts.len() as f64;
        let [first, second] = [0, 1].map(|style: usize| {
            counts.values().filter_map(|both| both.get(style)).sum::<f64>() + SMOOTHING * kinds
        });
        let ratio = |[in_first, in_second]: [f64; 2]| {
            ((in_second + SMOOTHING) / second).ln() - ((in_first + SMOOTHING) / first).ln()
        };
        let prior = (lines[1].len().max(1) as f64 / lines[0].len().max(1) as f64).ln();
        Self::Bayes {
            ratios: counts.into_iter().map(|(feature, both)| (feature, ratio(both))).collect(),
            prior,
        }
    }

    /// The style of a line, 0 or 1; `None` where it has marks of both or of neither.
    pub fn style(&self, line: &[String]) -> Option<usize> {
        match self {
            Self::Bayes { ratios, prior } => {
                let sum: f64 = features(line).iter().filter_map(|feature| ratios.get(feature)).sum();
                Some(usize::from(prior + sum > 0.0))
            }
            Self::Opinions(opinions) => opinions.style(&line.join(" ")),
        }
    }
}

/// The different words and pairs of neighbouring words of a line.
fn features(line: &[String]) -> BTreeSet<String> {
    let pairs = line.windows(2).map(|pair| pair.join(" "));
    line.iter().filter(|word| *word != UNKNOWN_WORD).cloned().chain(pairs).collect()
}

/// Lines of two styles, and what their words say: which are content, and which are marks of a style.
pub struct StyleWords {
    /// All opinions, where the lines are such: everything is known of them.
    opinions: Option<Opinions>,
    /// The most frequent words.
    function: BTreeSet<String>,
    /// The words that are marks of a style, the strongest first.
    marks: [Vec<String>; 2],
}

impl StyleWords {
    /// What these lines of the first and of the second style say, which a system is trained on. `vocabulary` has all their words.
    pub fn of(lines: [&[Line]; 2], vocabulary: &[String]) -> Self {
        let mut counts = counts(lines, Line::clone);
        counts.remove(UNKNOWN_WORD);
        let mut frequent: Vec<(&String, f64)> =
            counts.iter().map(|(word, [first, second])| (word, first + second)).collect();
        frequent.sort_by(|a, b| b.1.total_cmp(&a.1));
        let opinions = Opinions::default();
        let mut ratios: Vec<(&String, f64)> = counts
            .iter()
            .map(|(word, [first, second])| (word, ((second + EVIDENCE) / (first + EVIDENCE)).ln()))
            .collect();
        ratios.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let marked = |sign: f64| {
            let of = ratios.iter().filter(|(_, ratio)| ratio * sign >= MARKED.ln());
            of.map(|(word, _)| (*word).clone()).collect()
        };
        Self {
            function: frequent.iter().take(FUNCTION_WORDS).map(|(word, _)| (*word).clone()).collect(),
            marks: [marked(-1.0), marked(1.0)],
            opinions: Some(opinions).filter(|opinions| opinions.has_vocabulary(vocabulary)),
        }
    }

    /// All opinions, where the lines are such.
    pub fn opinions(&self) -> Option<&Opinions> {
        self.opinions.as_ref()
    }

    /// Whether a word is content. Of opinions that is known; of other lines every word with a letter or digit that is neither a mark
    /// of a style (at least twice as frequent in it as in the other) nor one of the hundred most frequent words, nor stands for
    /// unknown words.
    pub fn is_content(&self, word: &str) -> bool {
        if self.opinions.is_some() {
            return Opinions::is_content(word);
        }
        word != UNKNOWN_WORD
            && word.chars().any(char::is_alphanumeric)
            && !self.function.contains(word)
            && !self.marks.iter().flatten().any(|mark| mark == word)
    }

    /// The line with each mark of the other style replaced by the equally strong mark of style `to`: what a rule on
    /// single words reaches.
    pub fn replaced(&self, line: &[String], to: usize) -> Line {
        let (Some(own), Some(other)) = (self.marks.get(1 - to.min(1)), self.marks.get(to)) else {
            return line.to_vec();
        };
        let changed = |word: &String| {
            let place = own.iter().position(|mark| mark == word)?;
            other.get(place % other.len().max(1)).cloned()
        };
        line.iter().map(|word| changed(word).unwrap_or_else(|| word.clone())).collect()
    }
}

/// A line, what was made of it, and the style that was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// The line.
    pub source: Line,
    /// What was made of it.
    pub made: Line,
    /// The wanted style, 0 or 1.
    pub to: usize,
}

/// How transferred lines compare with what was wanted, as shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransferScores {
    /// The lines whose style is the wanted one.
    pub style: f64,
    /// The content words of the sources that what was made of them has as well.
    pub content: f64,
    /// The lines that are the partners of their sources; only of opinions.
    pub partners: Option<f64>,
}

impl TransferScores {
    /// Of these lines.
    pub fn of(lines: &[Transferred], classifier: &StyleClassifier, words: &StyleWords) -> Self {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let wanted = lines.iter().filter(|line| classifier.style(&line.made) == Some(line.to)).count();
        let (mut kept, mut content) = (0, 0);
        for Transferred { source, made, .. } in lines {
            let mut left: Vec<&String> = made.iter().collect();
            for word in source.iter().filter(|word| words.is_content(word)) {
                content += 1;
                if let Some(place) = left.iter().position(|other| *other == word) {
                    left.swap_remove(place);
                    kept += 1;
                }
            }
        }
        let partners = |opinions: &Opinions| {
            let is_partner = |line: &&Transferred| {
                opinions.partner(&line.source.join(" ")) == Some(line.made.join(" ").as_str())
            };
            share(lines.iter().filter(is_partner).count(), lines.len())
        };
        Self {
            style: share(wanted, lines.len()),
            content: share(kept, content),
            partners: words.opinions().map(partners),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<Line> {
        text.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    /// Two lines in each style, three words and two pairs: `bad` is in one line of the first style and in none of the second.
    #[test]
    fn the_classifier_is_naive_bayes() {
        let (first, second) = (lines(&["a bad", "a"]), lines(&["a good"]));
        let StyleClassifier::Bayes { ratios, prior } = StyleClassifier::of([&first, &second]) else {
            panic!()
        };
        // Features: a, bad, good, `a bad`, `a good`; 4 in the first style (a twice), 3 in the second.
        assert!((ratios["bad"] - ((1.0 / 8.0f64) / (2.0 / 9.0)).ln()).abs() < 1e-12);
        assert!((ratios["a"] - ((2.0 / 8.0f64) / (3.0 / 9.0)).ln()).abs() < 1e-12);
        assert!((prior - 0.5f64.ln()).abs() < 1e-12);
        let classifier = StyleClassifier::Bayes { ratios, prior };
        let style = |line: &str| classifier.style(&lines(&[line])[0]);
        assert_eq!((style("bad"), style("a good good")), (Some(0), Some(1)));
    }

    #[test]
    fn opinions_are_measured_exactly() {
        let opinions = Opinions::default();
        let [first, second] = opinions.training();
        let of = |lines: &[String]| -> Vec<Line> {
            lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
        };
        let (first, second) = (of(&first), of(&second));
        let vocabulary: BTreeSet<String> =
            first.iter().chain(&second).flatten().cloned().chain([String::new()]).collect();
        let words = StyleWords::of([&first, &second], &vocabulary.into_iter().collect::<Vec<_>>());
        assert!(words.opinions().is_some());
        let line = |source: &str, made: &str| Transferred {
            source: source.split(' ').map(str::to_owned).collect(),
            made: made.split(' ').map(str::to_owned).collect(),
            to: 1,
        };
        let made = [
            line("i hate the film", "i love the film"),
            line("i hate the film", "i love the cake"),
            line("i hate the film", "i hate the film"),
            line("the film is dull", "the film is tasty"),
        ];
        let scores = TransferScores::of(&made, &StyleClassifier::Opinions(opinions), &words);
        assert_eq!((scores.style, scores.partners), (0.75, Some(0.25)));
        assert!((scores.content - 6.0 / 7.0).abs() < 1e-12, "{scores:?}");
    }

    #[test]
    fn marks_are_replaced_by_marks_of_the_other_style() {
        let first = lines(&vec!["the dull plot of a bad film"; 20]);
        let second = lines(&vec!["the good plot of a film"; 20]);
        let words = StyleWords::of([&first, &second], &[]);
        assert_eq!(words.marks[1], ["good"]);
        assert_eq!(words.replaced(&first[0], 1).join(" "), "the good plot of a good film");
        assert_eq!(words.replaced(&first[0], 0), first[0]);
        assert!(words.opinions().is_none() && !words.is_content("dull") && !words.is_content("film"));
        assert!(words.is_content("story") && !words.is_content(",") && !words.is_content(UNKNOWN_WORD));
    }
}
