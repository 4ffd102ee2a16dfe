//! `brigand data list`: every source with a name.

use brigand::data::{Cache, Listed};
use serde_json::json;

use crate::console::{self, grouped};
use crate::failure::Failure;

const NOTE: &str = "
Besides these: folder:DIR (PNG, JPEG, WebP, BMP, GIF, TIFF, QOI, PNM), idx:IMAGES[,LABELS] (gzip or plain), image:FILE (one
picture), lines:FILE (text, a sequence in each line), unpaired:SPEC,SPEC (two domains of images), pairs:DIR,DIR and pairs:DIR
(images with partners), labels:IMAGES,MAPS[,PALETTE] (images with label maps), captions:TSV and captions:CSV (images with captions),
tags:FILE.csv (images with several labels each), sounds:FILE.tsv (sounds with pictures), identities:DIR and person:DIR (frames of
people with landmarks), unpaired-lines:NEGATIVE,POSITIVE (lines of text in two
styles), oracle:TOKENS and speech:DIR,PHONES.txt (recordings and text of phonemes). The SHAPE of text is its most
tokens.";

/// Show the data there is, its size, classes and licence.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let listed = brigand::data::list(&Cache::standard()?);
    if arguments.json {
        return console::print_json(&listed.iter().map(as_json).collect());
    }
    let header = ["DATA", "WHAT IT IS", "SAMPLES", "SHAPE", "CLASSES", "HERE", "LICENCE"];
    let rows = listed.iter().map(|line| {
        let shape: Vec<String> = line.shape.iter().map(ToString::to_string).collect();
        vec![
            line.name.to_owned(),
            line.summary.to_owned(),
            grouped(line.samples as u64),
            shape.join("x"),
            if line.classes == 0 { "-".to_owned() } else { line.classes.to_string() },
            if line.present { "yes".to_owned() } else { to_get(line) },
            line.licence.to_owned(),
        ]
    });
    let table: Vec<_> = std::iter::once(header.map(str::to_owned).to_vec()).chain(rows).collect();
    console::print_table(&table)?;
    console::print(NOTE)
}

fn to_get(line: &Listed) -> String {
    format!("no: brigand data get {} ({} MB)", line.name, line.download.div_ceil(1_000_000))
}

fn as_json(line: &Listed) -> serde_json::Value {
    json!({
        "name": line.name,
        "summary": line.summary,
        "samples": line.samples,
        "test_samples": line.test_samples,
        "shape": line.shape,
        "classes": line.classes,
        "licence": line.licence,
        "download_bytes": line.download,
        "present": line.present,
    })
}
