//! Lines of text of a trained run.

use brigand::capability::SequenceSampler;
use brigand::files::write_atomically;
use brigand::random::Stream;

use crate::console;
use crate::failure::Failure;
use crate::sample::Arguments;

/// Prints sampled lines, or writes them into `--out`.
pub(crate) fn run(arguments: &Arguments, sampler: &dyn SequenceSampler) -> Result<(), Failure> {
    if !arguments.classes.is_empty() || arguments.truncation.is_some() {
        return Err(brigand::Error::Request(
            "--class and --truncation are for images and points; leave them out for text".into(),
        )
        .into());
    }
    let sequences = sampler.sequences(arguments.count, &mut Stream::new(arguments.seed, "sample", 0))?;
    let lines: Vec<String> = sequences.iter().map(|tokens| sampler.text(tokens)).collect();
    match &arguments.out {
        None => console::print(&lines.join("\n")),
        Some(path) => {
            write_atomically(path, format!("{}\n", lines.join("\n")).as_bytes())?;
            console::print(&path.display().to_string())
        }
    }
}
