//! The program `brigand`: parses, checks, calls the library and prints.

mod adapt;
mod console;
mod data;
mod drive;
mod evaluate;
mod failure;
mod hardware;
mod info;
mod lab;
mod label;
mod latent;
mod list;
mod memory;
mod progress;
mod sample;
mod train;
mod transcribe;
mod translate;
mod untrained;

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::{FAILED, Failure, INTERRUPTED, with_causes};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const EXAMPLES: &str = "\
Examples:
  brigand train gan                               handwritten digits appear in about a minute
  brigand train dcgan --data folder:my-pictures   on your own images
  brigand sample runs/gan-1 -n 100 --out new.png  more samples of a run
  brigand evaluate runs/gan-1                     how good its samples are, in numbers
  brigand data list                               what there is to train on";

/// Train, sample, evaluate and explore generative adversarial networks.
#[derive(Parser)]
#[command(name = "brigand", version, after_help = EXAMPLES, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Arguments),
    Info(info::Arguments),
    Train(Box<train::Arguments>),
    Sample(sample::Arguments),
    Translate(Box<translate::Arguments>),
    Label(label::Arguments),
    Transcribe(transcribe::Arguments),
    Adapt(adapt::Arguments),
    Interpolate(latent::interpolate::Arguments),
    Arithmetic(latent::arithmetic::Arguments),
    Manifold(latent::manifold::Arguments),
    Traverse(latent::traverse::Arguments),
    Directions(latent::directions::Arguments),
    Truncation(latent::truncation::Arguments),
    Reconstruct(latent::reconstruct::Arguments),
    Evaluate(Box<evaluate::Arguments>),
    Lab(lab::Arguments),
    #[command(subcommand)]
    Data(data::Command),
}

fn main() -> ExitCode {
    announce_panics();
    let program = Program::parse();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(program.command)));
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => report(failure),
        Err(_) => ExitCode::from(FAILED),
    }
}

/// Makes a panic say that it is our fault, in two lines.
fn announce_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let reason = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no reason given");
        let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
        console::tell(&format!(
            "error: this is a bug in brigand {}: {reason}{}\nplease report it with the command you gave",
            env!("CARGO_PKG_VERSION"),
            place.unwrap_or_default()
        ));
    }));
}

/// Prints why a command did not succeed on standard error.
fn report(failure: Failure) -> ExitCode {
    match failure {
        Failure::Library(error) => console::tell(&format!("error: {}", with_causes(&error))),
        Failure::Midway(error, advice) => {
            console::tell(&format!("error: {}\n{advice}", with_causes(&error)));
        }
        Failure::Interrupted => return ExitCode::from(INTERRUPTED),
        // The reader of the output has closed it, as in `brigand list | head -1`.
        Failure::Output(reason) if reason.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Failure::Output(reason) => console::tell(&format!("error: cannot write the output: {reason}")),
    }
    ExitCode::from(FAILED)
}

fn run(command: Command) -> Result<(), Failure> {
    brigand::hardware::check_instructions()?;
    match command {
        Command::List(arguments) => list::run(&arguments),
        Command::Info(arguments) => info::run(arguments),
        Command::Train(arguments) => train::run(*arguments),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Translate(arguments) => translate::run(&arguments),
        Command::Label(arguments) => label::run(&arguments),
        Command::Transcribe(arguments) => transcribe::run(&arguments),
        Command::Adapt(arguments) => adapt::run(&arguments),
        Command::Interpolate(arguments) => latent::interpolate::run(&arguments),
        Command::Arithmetic(arguments) => latent::arithmetic::run(&arguments),
        Command::Manifold(arguments) => latent::manifold::run(&arguments),
        Command::Traverse(arguments) => latent::traverse::run(&arguments),
        Command::Directions(arguments) => latent::directions::run(&arguments),
        Command::Truncation(arguments) => latent::truncation::run(&arguments),
        Command::Reconstruct(arguments) => latent::reconstruct::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Lab(arguments) => lab::run(&arguments),
        Command::Data(command) => data::run(&command),
    }
}
