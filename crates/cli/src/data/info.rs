//! `brigand data info SPEC`: what a source holds.

use std::path::{Path, PathBuf};

use brigand::Error;
use brigand::batch::{Field, IMAGES, Kind, LABELS, POINTS};
use brigand::data::{self, Background, Dataset, Options, RunData, Spec};
use brigand::files::refuse_missing_folder;
use brigand::sampling::draw_data;

use super::{warn, write_list};
use crate::console::{self, grouped};
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand data info digits
  brigand data info folder:my-pictures --size 32 --channels 1 --out seen.png";

/// Show what a source holds, and write a picture of some samples where it holds images or points.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A name of `brigand data list`, or files of yours in one of the forms that it lists
    spec: String,
    /// Resize and crop images to this side in pixels
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Most tokens of a line or caption
    #[arg(long, value_name = "N")]
    length: Option<usize>,
    /// 1 for grey, 3 for colour
    #[arg(long, value_name = "C")]
    channels: Option<usize>,
    /// What lies under the transparent parts of a folder's images: white, black, grey or #rrggbb
    #[arg(long, value_name = "COLOUR", default_value_t)]
    background: Background,
    /// Where to write the picture [default: a file in this folder called as the data]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let spec: Spec = arguments.spec.parse::<Spec>()?;
    let options = Options {
        size: arguments.size,
        channels: arguments.channels,
        length: arguments.length,
        background: arguments.background,
        ..Options::default()
    };
    let data = data::open(&spec, &options)?;
    // The frames of people are read in episodes; they are shown one by one.
    let frames = if data.shown().is_none() { data::load(&spec, &options).ok() } else { None };
    let shown = data.shown().or(frames.as_ref());
    if let Some(out) = &arguments.out {
        let why = if shown.is_none() {
            "there is no picture of such data; leave it out"
        } else if !out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
            "the picture is a PNG file; give a name such as seen.png"
        } else {
            ""
        };
        if !why.is_empty() {
            return Err(Error::Request(format!("--out is {}, and {why}", out.display())).into());
        }
        refuse_missing_folder(out)?;
    }
    warn(&data.notes);
    match &data.dataset {
        Some(set) => console::print(&facts(set))?,
        None => {
            console::print(&format!("data         {spec}"))?;
            if let Some(set) = shown {
                console::print(&format!("licence      {}", set.licence()))?;
            }
        }
    }
    for line in fields(&data) {
        console::print(&line)?;
    }
    let out = arguments.out.clone().unwrap_or_else(|| file_name(&arguments.spec).into());
    if let Some(set) = shown {
        draw_data(set)?.save_png(&out)?;
        console::print(&format!("picture      {}", out.display()))?;
    }
    write_list(&data.notes, &list_beside(&out))
}

/// A line for each source with its number of samples and one for each of its fields, besides what [`facts`] says.
fn fields(data: &RunData) -> Vec<String> {
    let said = |name: &str| data.dataset.is_some() && [IMAGES.0, POINTS.0, LABELS.0].contains(&name);
    let mut lines = Vec::new();
    for source in &data.sources {
        let schema = source.schema();
        if data.dataset.is_none() {
            lines.push(format!("samples      {}", grouped(source.count() as u64)));
        }
        let own = schema.fields.iter().filter(|(name, _)| !said(name));
        lines.extend(own.map(|(name, field)| format!("{name:<12} {}", of_field(field))));
    }
    lines
}

/// What a field holds, with the shape of one sample.
fn of_field(field: &Field) -> String {
    let shape: Vec<String> = field.shape.iter().map(ToString::to_string).collect();
    let name = field.kind.name();
    let what = if shape.is_empty() { name.to_owned() } else { format!("{name}, {}", shape.join("x")) };
    match &field.kind {
        Kind::LabelMap { labels } => {
            let names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
            format!("{what}: {}", names.join(", "))
        }
        Kind::Tags { names, .. } => format!("{what}: {}", names.join(", ")),
        Kind::Tokens { vocabulary, .. } => format!("{what} at most, {} different ones", vocabulary.len()),
        Kind::Class { counts } => {
            let counts: Vec<String> = counts.iter().map(|count| grouped(*count as u64)).collect();
            format!("{what}: {} of {} samples", counts.len(), counts.join(", "))
        }
        Kind::Spectrogram { rate, .. } | Kind::Features { rate } | Kind::Audio { rate } => match rate {
            0 => what,
            rate => format!("{what}, of sound at {} Hz", grouped(u64::from(*rate))),
        },
        Kind::Image {} | Kind::Frames {} | Kind::Points {} | Kind::Number {} => what,
    }
}

/// `seen.unreadable.txt` beside `seen.png`.
fn list_beside(picture: &Path) -> PathBuf {
    picture.with_extension("unreadable.txt")
}

fn facts(set: &Dataset) -> String {
    let shape: Vec<String> = set.shape().iter().map(ToString::to_string).collect();
    let kind = if set.is_image() { "images" } else { "points" };
    let axes = if set.is_image() { " (channels x height x width)" } else { " (coordinates)" };
    let (low, high) = set.value_range();
    let mut lines = vec![
        format!("data         {}", set.name()),
        format!("samples      {} {kind}", grouped(set.len() as u64)),
        format!("shape        {}{axes}", shape.join("x")),
        format!("value range  {low} to {high}"),
        format!("licence      {}", set.licence()),
    ];
    if let Some(labels) = set.labels() {
        let counts = labels.classes.iter().zip(set.class_counts());
        let classes: Vec<String> =
            counts.map(|(name, count)| format!("{name} ({})", grouped(count as u64))).collect();
        lines.push(format!("classes      {}: {}", classes.len(), classes.join(", ")));
    }
    lines.join("\n")
}

/// `folder:my/pictures` is `folder-my-pictures.png`.
fn file_name(spec: &str) -> String {
    let words = spec.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    format!("{}.png", words.collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_lies_beside_the_picture() {
        let beside = |out: &str| super::list_beside(out.as_ref()).display().to_string();
        assert_eq!(beside("folder-a.png"), "folder-a.unreadable.txt");
        assert_eq!(beside("x/seen.png"), "x/seen.unreadable.txt");
    }
}
