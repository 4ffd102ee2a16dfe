//! `brigand lab FIGURE`: the figures of the theory.

use std::path::PathBuf;

use brigand::files::{FileError, write_atomically};
use brigand::theory::figures::{Figure, FigureOutput};
use serde_json::{Map, Value, json};

use crate::console;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand lab                               what figures there are
  brigand lab js-saturation                 pictures in lab/, their explanation on the screen
  brigand lab dirac-gan --out talk --json   the same with the numbers for a script";

/// Make a figure of GAN theory: pictures, an explanation, and the numbers in them.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Name of the figure; none lists them
    figure: Option<String>,
    /// Folder for the pictures
    #[arg(long, value_name = "DIR", default_value = "lab", requires = "figure")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(name) = &arguments.figure else { return list(arguments.json) };
    let figure = Figure::find(name)?;
    let folder = &arguments.out;
    std::fs::create_dir_all(folder).map_err(FileError::when("create", folder))?;
    let shown = figure.make()?;
    for plate in &shown.plates {
        write_atomically(&folder.join(&plate.file), &plate.bytes)?;
    }
    let files: Vec<String> =
        shown.plates.iter().map(|plate| folder.join(&plate.file).display().to_string()).collect();
    if arguments.json { print_json(&shown, &files) } else { print(&shown, &files) }
}

fn list(json: bool) -> Result<(), Failure> {
    if json {
        let entry = |figure: &Figure| json!({ "name": figure.name, "summary": figure.summary });
        return console::print_json(&Figure::ALL.iter().map(entry).collect());
    }
    let header = ["FIGURE", "WHAT IT SHOWS"].map(str::to_owned).to_vec();
    let rows = Figure::ALL.iter().map(|figure| vec![figure.name.to_owned(), figure.summary.to_owned()]);
    console::print_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

fn print(shown: &FigureOutput, files: &[String]) -> Result<(), Failure> {
    console::print(&format!("{}\n", wrapped(&shown.text, WIDTH)))?;
    let rows: Vec<Vec<String>> =
        shown.numbers.iter().map(|(name, value)| vec![name.clone(), rounded(*value)]).collect();
    console::print_table(&rows)?;
    console::print(&format!("\n{}", files.join("\n")))
}

fn print_json(shown: &FigureOutput, files: &[String]) -> Result<(), Failure> {
    // JSON has no infinity: a number that is none is written as text.
    let number = |value: f64| if value.is_finite() { json!(value) } else { json!(value.to_string()) };
    let numbers: Map<String, Value> =
        shown.numbers.iter().map(|(name, value)| (name.clone(), number(*value))).collect();
    console::print_json(&json!({ "text": shown.text, "numbers": numbers, "files": files }))
}

/// Columns of the paragraph.
const WIDTH: usize = 100;

/// The words of `text` in lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// A number with six digits, or in powers of ten when it is small.
fn rounded(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-4 { format!("{value:.3e}") } else { format!("{value:.6}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_between_words() {
        assert_eq!(wrapped("one two  three\nfour", 9), "one two\nthree\nfour");
        assert_eq!(wrapped("unbreakable", 4), "unbreakable");
        assert_eq!([rounded(0.5), rounded(-2e-7), rounded(0.0)], ["0.500000", "-2.000e-7", "0.000000"]);
    }
}
