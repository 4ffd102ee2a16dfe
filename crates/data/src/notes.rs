//! What a reader noticed in a folder that its user should know.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names in a sentence.
const NAMED: usize = 3;
/// Endings in a sentence.
const ENDINGS: usize = 8;

/// A file of which all or a part was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// What was left out, and why.
    pub reason: String,
}

/// What of a folder is no part of the data, or not as its user may think.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Images that could not be read.
    pub unreadable: Vec<Skipped>,
    /// How many files are no images of a kind that is read, by their endings in lower case with the dot; empty for
    /// files without one.
    pub others: BTreeMap<String, usize>,
    /// Images beside sub-folders with images. The data then has no labels.
    pub beside_classes: Vec<PathBuf>,
    /// Labels that a single image has, of those of which an image may have several. They are left out.
    pub rare_labels: Vec<String>,
    /// Sounds that could not be read or are silent, and of speech those that nothing can be recognised in.
    pub unusable_sounds: Vec<Skipped>,
    /// Files of text of which lines were left out.
    pub lines: Vec<Skipped>,
}

impl Notes {
    /// These and those of another folder.
    #[must_use]
    pub(crate) fn with(mut self, other: &Self) -> Self {
        self.unreadable.extend_from_slice(&other.unreadable);
        for (ending, count) in &other.others {
            *self.others.entry(ending.clone()).or_insert(0) += count;
        }
        self.beside_classes.extend_from_slice(&other.beside_classes);
        self.rare_labels.extend_from_slice(&other.rare_labels);
        self.unusable_sounds.extend_from_slice(&other.unusable_sounds);
        self.lines.extend_from_slice(&other.lines);
        self
    }

    /// A sentence for each kind of thing noticed.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.unreadable.is_empty() {
            let (count, noun) = counted(self.unreadable.len(), "unreadable image");
            sentences.push(format!("{count} {noun} skipped: {}", with_reasons(&self.unreadable)));
        }
        if !self.others.is_empty() {
            let (count, noun) = counted(self.others.values().sum(), "file");
            sentences.push(format!(
                "{count} {noun} left out that are no images of a kind that is read: {}",
                endings(&self.others)
            ));
        }
        if !self.beside_classes.is_empty() {
            let (count, noun) = counted(self.beside_classes.len(), "image");
            let (lie, move_it) = if count == 1 {
                ("lies", "move it into a sub-folder")
            } else {
                ("lie", "move them into sub-folders")
            };
            let names = named(self.beside_classes.iter());
            sentences.push(format!(
                "no class labels: {count} {noun} {lie} beside the sub-folders: {names}; {move_it} to have these as classes"
            ));
        }
        if !self.unusable_sounds.is_empty() {
            let (count, noun) = counted(self.unusable_sounds.len(), "sound");
            sentences.push(format!("{count} {noun} left out: {}", with_reasons(&self.unusable_sounds)));
        }
        if !self.rare_labels.is_empty() {
            let (count, noun) = counted(self.rare_labels.len(), "label");
            let names = some(self.rare_labels.iter().cloned());
            sentences.push(format!("{count} {noun} of a single image left out: {names}"));
        }
        sentences.extend(
            self.lines.iter().map(|file| format!("{}: {}; left out", file.path.display(), file.reason)),
        );
        sentences
    }

    /// Every image and sound that was left out with the reason, a line for each; none when the sentences name them all.
    pub fn list(&self) -> Option<String> {
        let line = |one: &Skipped| format!("{}\t{}\n", one.path.display(), one.reason.replace('\n', " "));
        let named = [&self.unreadable, &self.unusable_sounds].iter().all(|files| files.len() <= NAMED);
        (!named).then(|| self.unreadable.iter().chain(&self.unusable_sounds).map(line).collect())
    }
}

fn counted(count: usize, noun: &str) -> (usize, String) {
    (count, if count == 1 { noun.to_owned() } else { format!("{noun}s") })
}

/// The names of the first files, and how many more there are.
fn named<'a>(paths: impl ExactSizeIterator<Item = &'a PathBuf>) -> String {
    some(paths.map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()))
}

/// The names of the first files with their reasons, a reason that several share behind the last of them, and how many more there are.
fn with_reasons(skipped: &[Skipped]) -> String {
    let mut shown = String::new();
    let named = skipped.get(..NAMED).unwrap_or(skipped);
    for (number, one) in named.iter().enumerate() {
        let name = one.path.file_name().unwrap_or_default().to_string_lossy();
        let separator = if number == 0 { "" } else { ", " };
        shown.push_str(&format!("{separator}{name}"));
        if named.get(number + 1).is_none_or(|next| next.reason != one.reason) {
            shown.push_str(&format!(" ({})", one.reason));
        }
    }
    match skipped.len() - named.len() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The first names, and how many more there are.
fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let names = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// `80 .avif, 2 .txt`, the most frequent first.
pub(crate) fn endings(counts: &BTreeMap<String, usize>) -> String {
    let mut ranked: Vec<(&String, usize)> = counts.iter().map(|(ending, count)| (ending, *count)).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let rest: usize = ranked.iter().skip(ENDINGS).map(|(_, count)| count).sum();
    let mut parts: Vec<String> = ranked
        .into_iter()
        .take(ENDINGS)
        .map(|(ending, count)| {
            format!("{count} {}", if ending.is_empty() { "without an ending" } else { ending })
        })
        .collect();
    if rest > 0 {
        parts.push(format!("{rest} others"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(count: usize) -> Notes {
        let one = |index| Skipped { path: format!("a/{index}.png").into(), reason: format!("torn\n{index}") };
        Notes { unreadable: (0..count).map(one).collect(), ..Notes::default() }
    }

    #[test]
    fn three_are_named_the_rest_counted_and_all_listed() {
        assert!(Notes::default().sentences().is_empty() && Notes::default().list().is_none());
        assert_eq!(unreadable(1).sentences(), ["1 unreadable image skipped: 0.png (torn\n0)"]);
        let three = "3 unreadable images skipped: 0.png (torn\n0), 1.png (torn\n1), 2.png (torn\n2)";
        assert!(unreadable(3).sentences() == [three] && unreadable(3).list().is_none());
        let mut alike = unreadable(4);
        alike.unreadable.iter_mut().for_each(|one| one.reason = "empty".into());
        assert_eq!(
            alike.sentences(),
            ["4 unreadable images skipped: 0.png, 1.png, 2.png (empty) and 1 more"]
        );
        let many = unreadable(500);
        let words =
            "500 unreadable images skipped: 0.png (torn\n0), 1.png (torn\n1), 2.png (torn\n2) and 497 more";
        assert_eq!(many.sentences(), [words]);
        let list = many.list().unwrap();
        assert_eq!((list.lines().count(), list.lines().last()), (500, Some("a/499.png\ttorn 499")));
        let sounds = Notes { unusable_sounds: many.unreadable, ..unreadable(1) };
        assert_eq!(sounds.list().unwrap().lines().count(), 501);
        assert!(sounds.sentences()[1].starts_with("500 sounds left out: 0.png"), "{:?}", sounds.sentences());
    }

    #[test]
    fn notes_of_two_folders_are_added() {
        let of = |count, beside: &str| Notes {
            others: BTreeMap::from([(".txt".to_owned(), count)]),
            beside_classes: vec![beside.into()],
            ..unreadable(2)
        };
        let both = of(1, "a").with(&of(4, "b"));
        assert_eq!((both.unreadable.len(), both.others[".txt"], both.beside_classes.len()), (4, 5, 2));
    }

    #[test]
    fn other_files_are_counted_by_ending() {
        let others = BTreeMap::from([(String::new(), 1), (".avif".to_owned(), 80), (".txt".to_owned(), 2)]);
        let sentence = Notes { others, ..Notes::default() }.sentences().remove(0);
        assert!(sentence.starts_with("83 files left out"), "{sentence}");
        assert!(sentence.ends_with("80 .avif, 2 .txt, 1 without an ending"), "{sentence}");
        let many = (0..12).map(|index| (format!(".{index:02}"), 1)).collect();
        assert!(endings(&many).ends_with("1 .07, 4 others"), "{}", endings(&many));
    }
}
