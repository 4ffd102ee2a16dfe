//! `brigand data`: what there is to train on.

mod get;
mod info;
mod list;

use std::path::Path;

use brigand::data::Notes;
use brigand::files::write_atomically;
use clap::Subcommand;

use crate::console;
use crate::failure::Failure;

/// Show and fetch data to train on.
#[derive(Subcommand)]
pub(crate) enum Command {
    List(list::Arguments),
    Info(info::Arguments),
    Get(get::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Info(arguments) => info::run(arguments),
        Command::Get(arguments) => get::run(arguments),
    }
}

/// Prints warnings about the data that was read.
pub(crate) fn warn(notes: &Notes) {
    for sentence in notes.sentences() {
        console::tell(&format!("warning: {sentence}"));
    }
}

/// Lists the images and sounds that were left out in `path` when there are more than [`warn`] names.
pub(crate) fn write_list(notes: &Notes, path: &Path) -> Result<(), Failure> {
    let Some(list) = notes.list() else { return Ok(()) };
    write_atomically(path, list.as_bytes())?;
    console::tell(&format!("the images and sounds that were left out are listed in {}", path.display()));
    Ok(())
}
