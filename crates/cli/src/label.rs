//! `brigand label RUN`: the labels that a run finds for images, as a table.

use std::path::{Path, PathBuf};

use brigand::batch::Batch;
use brigand::capability::{Tagger, UNMEASURED_THRESHOLD};
use brigand::data::{Originals, tag_table};
use brigand::files::{refuse_missing_folder, write_atomically};
use brigand::training::load_run;
use brigand::{Error, Place};

use crate::console;
use crate::failure::Failure;
use crate::hardware::Hardware;
use crate::untrained;

const EXAMPLES: &str = "\
Examples:
  brigand label runs/image-to-label-1 --in photos --out photos/labels.csv     every image of a folder
  brigand label runs/image-to-label-1 --in one.png --out one.csv              one image
  brigand label runs/image-to-label-1 --in photos --out all.csv --threshold 0.1   more labels, more of them wrong
  brigand train image-to-label --data tags:photos/labels.csv                  the table is data again";

/// Images whose labels are found at once.
const AT_ONCE: usize = 64;

/// Find the labels of images with a trained run: a CSV with a line of file,label|label for each.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// An image or a folder of images (PNG, JPEG, WebP...); their centre squares are scaled to the run's size
    #[arg(long = "in", value_name = "PATH")]
    input: PathBuf,
    /// The table; files stand in it as they lie below the folder of images
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Probability from which a label is found, from 0 to 1 [default: that of the best F1 on the held-out images when the run measured them last, 0.5 before]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    threshold: Option<f64>,
    #[command(flatten)]
    hardware: Hardware,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(threshold) = arguments.threshold.filter(|threshold| !(0.0..=1.0).contains(threshold)) {
        return Err(
            Error::Request(format!("--threshold is {threshold}; give a probability from 0 to 1")).into()
        );
    }
    if arguments.out.is_dir()
        || !arguments.out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
    {
        let out = arguments.out.display();
        return Err(Error::Request(format!(
            "--out is {out}, and labels are a table; give a file such as labels.csv"
        ))
        .into());
    }
    refuse_missing_folder(&arguments.out)?;
    let device = arguments.hardware.open()?;
    let (recipe, system, step) = load_run(&arguments.run, &device)?;
    untrained::note(system.as_ref(), step, &arguments.run);
    let tagger = system.as_tagger().ok_or_else(|| {
        Error::Request(format!(
            "{} is a run of `{}`, which finds no labels; give a run of `brigand train image-to-label`",
            arguments.run.display(),
            recipe.common.system
        ))
    })?;
    let reading = (Some(tagger.image()[0]), recipe.common.data.background.unwrap_or_default());
    let images = match arguments.input.is_dir() {
        true => Originals::open(&arguments.input, reading, usize::MAX, |count| (0..count).collect())?,
        false => Originals::of_file(&arguments.input, reading)?,
    };
    let threshold = match (arguments.threshold, tagger.threshold()) {
        (Some(given), _) | (None, Some(given)) => given,
        (None, None) => {
            console::tell(&format!(
                "the run has not measured a threshold on held-out images; {UNMEASURED_THRESHOLD} is taken (--threshold gives another)"
            ));
            UNMEASURED_THRESHOLD
        }
    };
    // Said before the labels are found, which may take long.
    tag_table(&images.paths().map(|path| (path.to_owned(), Vec::new())).collect::<Vec<_>>())?;
    let rows = labels(tagger, &images, threshold, (&arguments.input, &Place::on(&device)))?;
    write_atomically(&arguments.out, &tag_table(&rows)?)?;
    for skipped in images.skipped() {
        let left_out = format!("left out {}: {}", skipped.path.display(), skipped.reason);
        console::print(&console::shown(&left_out))?;
    }
    let found: usize = rows.iter().map(|(_, labels)| labels.len()).sum();
    console::print(&format!(
        "{found} labels of {} images, each with a probability of at least {threshold:.3}, in {}",
        rows.len(),
        arguments.out.display()
    ))
}

/// The labels of every image by its file below `root`.
fn labels<'a>(
    tagger: &'a dyn Tagger,
    images: &Originals,
    threshold: f64,
    (root, place): (&Path, &Place),
) -> Result<Vec<(PathBuf, Vec<&'a str>)>, Failure> {
    let [channels, side, _] = tagger.image();
    let below = |path: &Path| match path.strip_prefix(root) {
        Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
        _ => PathBuf::from(path.file_name().unwrap_or_default()),
    };
    let files: Vec<PathBuf> = images.paths().map(below).collect();
    let mut rows = Vec::with_capacity(files.len());
    for first in (0..files.len()).step_by(AT_ONCE) {
        let some = first..(first + AT_ONCE).min(files.len());
        let mut values = Vec::with_capacity(some.len() * channels * side * side);
        for number in some.clone() {
            values.extend(images.fitted(number, side)?.1);
        }
        let batch = Batch::of(place.numbers(values, &[some.len(), channels, side, side])?);
        let probabilities = tagger.probabilities(&batch)?.to_vec_f32().map_err(Error::from)?;
        for (file, own) in files.iter().skip(first).zip(probabilities.chunks(tagger.labels().len())) {
            let found = tagger.labels().iter().zip(own).filter(|(_, own)| f64::from(**own) >= threshold);
            rows.push((file.clone(), found.map(|(name, _)| name.as_str()).collect()));
        }
    }
    Ok(rows)
}
