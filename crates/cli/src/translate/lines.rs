//! `brigand translate` of a run of text: lines in one style as the run brings them to the other.

use std::path::Path;

use brigand::Error;
use brigand::batch::{Indices, TokenField, UNKNOWN_WORD};
use brigand::capability::LineTranslator;
use brigand::data::text::read_text;
use brigand::files::{refuse_missing_folder, write_atomically};

use super::{Arguments, Domain, is_same_file};
use crate::console;
use crate::failure::Failure;

/// Lines that cannot be translated of which the reason is printed.
const NAMED: usize = 5;

/// Translates the lines of the file `input` and writes as many into the file `--out`.
pub(super) fn run(
    arguments: &Arguments,
    translator: &dyn LineTranslator,
    input: &Path,
) -> Result<(), Failure> {
    let refused = |reason: String| Err(Error::Request(reason).into());
    let others = [
        (arguments.style.is_some(), "--style"),
        (arguments.start_scale.is_some(), "--start-scale"),
        (arguments.enlarge.is_some(), "--enlarge"),
        (arguments.seed.is_some(), "--seed"),
    ];
    if let Some((_, option)) = others.iter().find(|(given, _)| *given) {
        return refused(format!(
            "{option} is for images, and this run translates lines of text; leave it out"
        ));
    }
    let to = match arguments.to {
        Some(Domain::A | Domain::Negative) => 0,
        None | Some(Domain::B | Domain::Positive) => 1,
    };
    let out = &arguments.out;
    if input.is_dir() || out.is_dir() {
        let folder = if input.is_dir() { input } else { out };
        return refused(format!(
            "{} is a folder, and this run translates lines of text; give files",
            folder.display()
        ));
    }
    if is_same_file(out, input) {
        return refused(format!("{} would be written over; give another file for --out", input.display()));
    }
    refuse_missing_folder(out)?;
    let text = read_text(input)?;
    let field = translator.lines();
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    for (line, number) in text.lines().zip(1..) {
        match field.tokens(line) {
            Ok(tokens) => values.extend(tokens),
            Err(error) => wrong.push(format!("line {number}: {error}")),
        }
    }
    if values.is_empty() && wrong.is_empty() {
        return refused(format!("{} has no line; give a file with a line of text in each", input.display()));
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(NAMED);
        wrong.truncate(NAMED);
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        return refused(format!("{} cannot be translated:\n{}{more}", input.display(), wrong.join("\n")));
    }
    let lines = Indices { shape: vec![values.len() / field.length.max(1), field.length], values };
    let made = translator.transfer(&lines, to)?;
    let texts: Vec<String> =
        text.lines().zip(&made).map(|(line, made)| with_unknown_words(&field, line, made)).collect();
    write_atomically(out, format!("{}\n", texts.join("\n")).as_bytes())?;
    let lines = if texts.len() == 1 { "line" } else { "lines" };
    let style = translator.styles().get(to).copied().unwrap_or_default();
    console::print(&format!("{} {style} {lines} in {}", texts.len(), out.display()))
}

/// `made` as text, with the words of `line` that the vocabulary lacks in place of its unknown words, in their order.
fn with_unknown_words(field: &TokenField<'_>, line: &str, made: &[u32]) -> String {
    // The unknown word itself may stand in the line, too: then it stays in its place.
    let mut unknown =
        line.split_whitespace().filter(|word| *word == UNKNOWN_WORD || field.token(word).is_none());
    let restored = field
        .words(made)
        .into_iter()
        .map(|word| if word == UNKNOWN_WORD { unknown.next().map_or(word, str::to_owned) } else { word });
    restored.collect::<Vec<_>>().join(field.separator)
}
