//! Images of captions of a trained run.

use std::path::{Path, PathBuf};

use brigand::capability::CaptionSampler;
use brigand::data::checksum::sha256;
use brigand::data::text::read_text;
use brigand::files::write_atomically;
use brigand::latent_tools::Choice;
use brigand::pictures::{Grid, Names, image_grid, with_row_names};
use brigand::sampling::{Backdrop, Destination};
use brigand::{Error, Result};

use super::arguments::Arguments;
use crate::console;
use crate::failure::Failure;

/// Captions of which a file is read at most.
const MOST_CAPTIONS: usize = 10_000;

impl Arguments {
    /// The captions that are asked for, if any are, and where each stands.
    pub(crate) fn captions(&self) -> Result<Option<Vec<Asked>>> {
        match (&self.text_file, self.text.as_slice()) {
            (None, []) => Ok(None),
            // A file of lines has a line for each.
            (None, given) => Ok(Some(
                given
                    .iter()
                    .map(|text| Asked { caption: text.replace(['\n', '\r'], " "), place: String::new() })
                    .collect(),
            )),
            (Some(path), _) => lines(path).map(Some),
        }
    }
}

/// A caption that images are asked for.
pub(crate) struct Asked {
    caption: String,
    /// The file and line that it stands in, as the beginning of a message.
    place: String,
}

/// The lines of a file that are not empty.
fn lines(path: &Path) -> Result<Vec<Asked>> {
    let text = read_text(path)?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let numbered = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
    let lines: Vec<Asked> = numbered
        .map(|(line, number)| Asked {
            caption: line.to_owned(),
            place: format!("{}: line {number}: ", path.display()),
        })
        .collect();
    match lines.len() {
        0 => Err(Error::Request(format!("{} has no caption; write one on each line", path.display()))),
        count if count > MOST_CAPTIONS => Err(Error::Request(format!(
            "{} has {count} captions; give at most {MOST_CAPTIONS}",
            path.display()
        ))),
        _ => Ok(lines),
    }
}

/// Writes `--count` images of each caption, the same noise for each caption; several captions come in rows of a picture, with
/// the captions beside them and in a file of lines with the same name.
pub(crate) fn run(
    arguments: &Arguments,
    step: u64,
    system: &dyn CaptionSampler,
    asked: &[Asked],
) -> std::result::Result<(), Failure> {
    let captions: &[String] = &asked.iter().map(|asked| asked.caption.clone()).collect::<Vec<_>>();
    if !arguments.classes.is_empty() {
        return Err(Error::Request(
            "--class chooses classes, and this run's images have captions; leave it out".into(),
        )
        .into());
    }
    let sampler = system.sampler();
    let shape = sampler.sample_shape();
    let truncated = arguments.truncation.map(|limit| format!("-truncation-{limit}")).unwrap_or_default();
    let name = format!("samples-seed{}-{}{truncated}.png", arguments.seed, short_name(captions));
    let path = arguments.out.clone().unwrap_or_else(|| arguments.run.join(name));
    let destination = Destination::new(&path, shape)?;
    if captions.len() > 1 {
        refuse_text(&beside(&path), arguments.text_file.as_deref())?;
    }
    let count = arguments.count_of_one();
    let columns = (captions.len() > 1).then_some(count);
    destination.check_count(count.saturating_mul(captions.len()), shape, columns)?;
    for Asked { caption, place } in asked {
        let unknown = system.unknown_words(caption).map_err(|error| match error {
            Error::Request(what) => Error::Request(format!("{place}{what}")),
            other => other,
        })?;
        if !unknown.is_empty() {
            console::tell(&format!(
                "{place}`{caption}`: the vocabulary of the run lacks {}; taken for {}",
                unknown.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
                if unknown.len() == 1 { "an unknown word" } else { "unknown words" }
            ));
        }
    }
    let choice = Choice { classes: Vec::new(), truncation: arguments.truncation };
    let latents = choice.latents(sampler, count, arguments.seed)?;
    let images = system.images(&latents, captions)?;
    match (&destination, captions) {
        (Destination::Picture(path), [_, _, ..]) => {
            let (all, channels, height, width) = images.dims4("samples")?;
            let layout = Grid { columns: Some(count), ..Grid::default() };
            let grid = image_grid(&images.to_vec_f32()?, [all, channels, height, width], layout)?;
            with_row_names(&grid, captions.len(), Names::Captions(captions))?.save_png(path)?;
        }
        _ => {
            let caption = format!("step {step}, seed {}", arguments.seed);
            destination.write(&images, &Backdrop::Images, &caption)?;
        }
    }
    if captions.len() > 1 {
        write_beside(&path, captions)?;
    }
    console::print(&path.display().to_string())
}

/// Refuses a file for the captions that cannot be one, or that they are read from.
fn refuse_text(path: &Path, given: Option<&Path>) -> Result<()> {
    let why = if path.is_dir() {
        "is a folder"
    } else if given.is_some_and(|given| is_same(given, path)) {
        "is the file that they are read from"
    } else {
        return Ok(());
    };
    Err(Error::Request(format!(
        "the captions of the rows would be written into {}, which {why}; give another --out",
        path.display()
    )))
}

/// Whether two paths lead to one file.
fn is_same(first: &Path, second: &Path) -> bool {
    matches!((first.canonicalize(), second.canonicalize()), (Ok(first), Ok(second)) if first == second)
}

/// Writes captions, a line for each, beside the samples in `path`.
pub(super) fn write_beside(path: &Path, captions: &[String]) -> std::result::Result<(), Failure> {
    Ok(write_atomically(&beside(path), format!("{}\n", captions.join("\n")).as_bytes())?)
}

/// The file of lines that belongs to a picture, an array or a folder.
fn beside(path: &Path) -> PathBuf {
    let path: PathBuf = path.components().collect();
    path.with_extension("txt")
}

/// Captions as a part of a file's name: a short one by itself, else the beginning of the first and a number that others do not have.
fn short_name(captions: &[String]) -> String {
    let plain = |symbol: char| if symbol.is_alphanumeric() { symbol } else { '-' };
    let first = captions.first().map(|caption| caption.to_lowercase()).unwrap_or_default();
    let beginning: String = first.chars().take(40).map(plain).collect();
    if captions.len() == 1 && first.chars().count() <= 40 {
        return beginning;
    }
    // Reading from memory does not fail.
    let digest = sha256(captions.join("\n").as_bytes()).unwrap_or_default();
    let own = digest.get(..8).unwrap_or(&digest);
    match captions {
        [_] => format!("{beginning}-{own}"),
        several => format!("{}-captions-{own}", several.len()),
    }
}
