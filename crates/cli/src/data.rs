//! `brigand data`: what there is to train on.

mod get;
mod info;
mod list;

pub(crate) use info::skipped_images;

use clap::Subcommand;

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
