//! Lines of text of a trained run.

use brigand::capability::SequenceSampler;
use brigand::files::{refuse_missing_folder, write_atomically};
use brigand::random::Stream;

use super::arguments::Arguments;
use crate::console;
use crate::failure::Failure;

/// Lines that are sampled at once at most: they are held until all are there.
const MOST_LINES: usize = 1_000_000;

/// Prints sampled lines, or writes them into the file `--out`.
pub(crate) fn run(arguments: &Arguments, sampler: &dyn SequenceSampler) -> Result<(), Failure> {
    if !arguments.classes.is_empty() || arguments.truncation.is_some() {
        return Err(brigand::Error::Request(
            "--class and --truncation are for images and points; leave them out for text".into(),
        )
        .into());
    }
    if let Some(path) = &arguments.out {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir()
            || path.as_os_str().to_string_lossy().ends_with('/')
            || ["png", "npy"].contains(&&*ending)
        {
            return Err(brigand::Error::Request(format!(
                "{}: this run generates text, which is written as lines; give a file such as lines.txt",
                path.display()
            ))
            .into());
        }
        refuse_missing_folder(path)?;
    }
    if arguments.count() > MOST_LINES {
        return Err(brigand::Error::Request(format!(
            "{} lines at once are too many; ask for {MOST_LINES} or fewer, several times with other seeds",
            arguments.count()
        ))
        .into());
    }
    let sequences = sampler.sequences(arguments.count(), &mut Stream::new(arguments.seed, "sample", 0))?;
    let lines: Vec<String> = sequences.iter().map(|tokens| sampler.text(tokens)).collect();
    match &arguments.out {
        None => console::print(&lines.join("\n")),
        Some(path) => {
            write_atomically(path, format!("{}\n", lines.join("\n")).as_bytes())?;
            console::print(&path.display().to_string())
        }
    }
}
