//! `brigand transcribe RUN`: the phonemes of recordings.

use std::path::{Path, PathBuf};

use brigand::batch::{Batch, FRAME_COUNT, FRAMES, Indices};
use brigand::capability::Transcriber;
use brigand::data::sound::Mfcc;
use brigand::data::speech::{RATE, Recordings, coefficients, features};
use brigand::files::{refuse_missing_folder, write_atomically};
use brigand::training::load_run;
use brigand::{Error, Place};

use crate::console;
use crate::failure::{Failure, with_causes};
use crate::hardware::Hardware;

const EXAMPLES: &str = "\
Examples:
  brigand transcribe runs/speech-recognition-1 --in recordings --out transcripts.txt";

/// Write the phonemes of recordings with a trained run: a line with the file's name and its phonemes for each.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// Folder with recordings (WAV, FLAC, Ogg Vorbis)
    #[arg(long = "in", value_name = "DIR")]
    input: PathBuf,
    /// File for the transcripts
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    hardware: Hardware,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    refuse_missing_folder(&arguments.out)?;
    let device = arguments.hardware.open()?;
    let (recipe, system, _) = load_run(&arguments.run, &device)?;
    let name = &recipe.common.system;
    let transcriber = system.as_transcriber().ok_or_else(|| {
        Error::Request(format!(
            "`{name}` transcribes no speech; give a run of `brigand train speech-recognition`"
        ))
    })?;
    if transcriber.features().1 != RATE {
        return Err(Error::Request(format!(
            "{} was not trained on sound; give a run on --data speech:DIR,PHONES.txt",
            arguments.run.display()
        ))
        .into());
    }
    let recordings = Recordings::below(&arguments.input)?;
    let (place, coefficients) = (Place::on(&device), coefficients()?);
    let mut lines = Vec::new();
    let mut refused: Vec<String> = recordings.unreadable().iter().map(|one| one.reason.clone()).collect();
    for path in recordings.paths() {
        match transcribed(transcriber, &coefficients, path, &place) {
            Ok(phones) => {
                let name = path.strip_prefix(&arguments.input).unwrap_or(path);
                lines.push(format!("{}\t{phones}\n", name.display()));
            }
            Err(error) => refused.push(with_causes(&error)),
        }
    }
    if lines.is_empty() {
        let first = refused.first().cloned().unwrap_or_default();
        return Err(Error::Request(format!("no recording could be transcribed; the first: {first}")).into());
    }
    write_atomically(&arguments.out, lines.concat().as_bytes())?;
    for reason in &refused {
        console::print(&console::shown(&format!("left out: {reason}")))?;
    }
    let transcripts = if lines.len() == 1 { "transcript" } else { "transcripts" };
    console::print(&format!("{} {transcripts} in {}", lines.len(), arguments.out.display()))
}

/// The phonemes of the recording at `path`.
fn transcribed(
    transcriber: &dyn Transcriber,
    coefficients: &Mfcc,
    path: &Path,
    place: &Place,
) -> Result<String, Error> {
    let frames = features(coefficients, path)?;
    let count = frames.count();
    let batch = Batch::default()
        .with(FRAMES, place.numbers(frames.values, &[1, count, frames.columns])?)
        .with_indices(FRAME_COUNT, Indices { values: vec![count as u32], shape: vec![1] });
    Ok(transcriber.transcribe(&batch)?.concat())
}
