//! `brigand data info SPEC`: what a source holds.

use std::path::{Path, PathBuf};

use brigand::data::{self, Background, Dataset, Options, Spec};
use brigand::sampling::draw_data;

use super::{warn, write_list};
use crate::console::{self, grouped};
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand data info digits
  brigand data info folder:my-pictures --size 32 --channels 1 --out seen.png";

/// Show what a source holds, and write a picture of some samples.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A name of `brigand data list`, `folder:DIR`, `image:FILE` or `idx:IMAGES[,LABELS]`
    spec: String,
    /// Resize and crop images to this side in pixels
    #[arg(long, value_name = "N")]
    size: Option<usize>,
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
        background: arguments.background,
        ..Options::default()
    };
    let set = data::load(&spec, &options)?;
    warn(set.notes());
    console::print(&facts(&set))?;
    let out = arguments.out.clone().unwrap_or_else(|| file_name(&arguments.spec).into());
    draw_data(&set)?.save_png(&out)?;
    console::print(&format!("picture      {}", out.display()))?;
    write_list(set.notes(), &list_beside(&out))
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
