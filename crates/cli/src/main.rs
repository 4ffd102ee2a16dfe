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
mod sample_captions;
mod sample_scales;
mod sample_sound;
mod sample_text;
mod train;
mod transcribe;
mod translate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

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
    failure::announce_panics();
    let program = Program::parse();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(program.command)));
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.report(),
        Err(_) => ExitCode::from(failure::FAILED),
    }
}

fn run(command: Command) -> Result<(), Failure> {
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
