//! `brigand data info SPEC`: what a source holds.

use std::path::PathBuf;

use brigand::data::{self, Dataset, Options, Spec};
use brigand::sampling::draw_data;

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
    /// A name of `brigand data list`, `folder:DIR` or `idx:IMAGES[,LABELS]`
    spec: String,
    /// Resize and crop images to this side in pixels
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// 1 for grey, 3 for colour
    #[arg(long, value_name = "C")]
    channels: Option<usize>,
    /// Where to write the picture [default: a file in this folder called as the data]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let spec: Spec = arguments.spec.parse::<Spec>()?;
    let options = Options { size: arguments.size, channels: arguments.channels, ..Options::default() };
    let set = data::load(&spec, &options)?;
    if let Some(warning) = skipped_images(set.skipped()) {
        console::tell(&warning);
    }
    console::print(&facts(&set))?;
    let out = arguments.out.clone().unwrap_or_else(|| file_name(&arguments.spec).into());
    draw_data(&set)?.save_png(&out)?;
    console::print(&format!("picture      {}", out.display()))
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

/// How many images were left out, and the first of them with the reason.
pub(crate) fn skipped_images(skipped: &[data::Skipped]) -> Option<String> {
    let first = skipped.first()?;
    let names: Vec<String> = skipped
        .iter()
        .take(3)
        .map(|one| one.path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let more = if skipped.len() > names.len() { ", ..." } else { "" };
    let plural = if skipped.len() == 1 { "image" } else { "images" };
    let count = skipped.len();
    Some(format!(
        "warning: {count} unreadable {plural} skipped: {}{more} ({})",
        names.join(", "),
        first.reason
    ))
}
