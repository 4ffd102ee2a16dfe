//! `brigand train`: training, and going on with it.

mod interrupt;

use std::path::{Path, PathBuf};

use brigand::files::FileError;
use brigand::hardware;
use brigand::measurements::HELD_OUT_ACCURACY;
use brigand::recipe::{Changes, Precision, Recipe, RecipeFile};
use brigand::registry;
use brigand::system::System;
use brigand::training::checkpoint::{self, CheckpointError};
use brigand::training::{Continuation, Event, Outcome, Prepared, Resumed, RunFolder, Training, open_data};

use crate::console;
use crate::data::{warn, write_list};
use crate::failure::Failure;
use crate::hardware::Hardware;
use crate::memory::data_that_fits;
use crate::progress::Steps;

const EXAMPLES: &str = "\
Examples:
  brigand train gan
  brigand train dcgan --data fashion-mnist --steps 2000
  brigand train dcgan --data folder:my-pictures --set data.size=32 --set training.batch=32
  brigand train gan --data ring8 --seed 3 --out runs/ring
  brigand train --resume runs/gan-1 --steps 20000

`brigand info SYSTEM` shows every key that --set changes. Ctrl-C finishes the step and writes a
checkpoint; a second Ctrl-C stops at once.";

/// Train a system, or go on with a run.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Name of the system, as in `brigand list`
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    system: Option<String>,
    /// Data to train on (`brigand data list` shows what there is); with --resume, where it is now
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Folder to write into [default: the first free runs/SYSTEM-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Steps in all; one step is one update of the generator
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Decides every random choice; the same seed gives the same run
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    seed: Option<u64>,
    /// How layers multiply: f32, or bf16, which is faster where the processor has AVX512-BF16; a run goes on in its own
    #[arg(long, value_name = "TYPE", conflicts_with = "resume")]
    precision: Option<String>,
    /// Recipe file in TOML; it may be partial
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Change one key of the recipe; may be given several times
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "resume")]
    set: Vec<String>,
    /// Go on with the run in this folder from its newest checkpoint
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// With --resume: go on although the data differs from what the run was trained on
    #[arg(long, requires = "resume")]
    accept_changed_data: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    hardware: Hardware,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let training = match &arguments.resume {
        Some(run) => resume(run, &arguments)?,
        None => start(&arguments)?,
    };
    match training {
        Some(training) => train(training, arguments.quiet),
        None => Ok(()),
    }
}

fn start(arguments: &Arguments) -> Result<Option<Training>, Failure> {
    let row = registry::find(arguments.system.as_deref().unwrap_or_default())?;
    let recipe = Recipe::resolve(row, &changes(arguments)?)?;
    if let Some(out) = &arguments.out {
        RunFolder::refuse_run(out)?;
    }
    let device = arguments.hardware.open()?;
    let data = data_that_fits(&recipe, &device, || {
        let data = open_data(&recipe)?;
        // Before the data can be refused: what was noticed may be why.
        warn(&data.notes);
        Ok(data)
    })?;
    let notes = data.notes.clone();
    let prepared = Prepared::with(recipe, data, &device)?;
    warn(prepared.held_out_notes());
    let training = Training::start(prepared, arguments.out.as_deref())?;
    write_list(&notes, &training.folder().unreadable())?;
    Ok(Some(training))
}

/// The recipe file, then the keys set, then the flags, which are short for keys.
fn changes(arguments: &Arguments) -> Result<Changes, Failure> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).map_err(FileError::when("read", path))?;
        Ok::<_, FileError>(RecipeFile { name: path.display().to_string(), text })
    };
    let file = arguments.config.as_ref().map(read).transpose()?;
    let mut assignments = arguments.set.clone();
    assignments.extend(arguments.data.iter().map(|spec| format!("data.source={spec}")));
    assignments.extend(arguments.steps.iter().map(|steps| format!("training.steps={steps}")));
    assignments.extend(arguments.seed.iter().map(|seed| format!("training.seed={seed}")));
    assignments.extend(arguments.precision.iter().map(|precision| format!("training.precision={precision}")));
    Ok(Changes { file, assignments })
}

/// The run to go on with; none when it is finished.
fn resume(run: &Path, arguments: &Arguments) -> Result<Option<Training>, Failure> {
    let continuation = Continuation {
        steps: arguments.steps,
        data: arguments.data.as_deref().map(str::parse).transpose()?,
        accept_changed_data: arguments.accept_changed_data,
    };
    let resumed = Training::resume(run, &continuation, &arguments.hardware.open()?)?;
    let Resumed { mut training, damaged, notes } = resumed;
    for note in notes {
        console::tell(&format!("note: {note}"));
    }
    for (path, reason) in damaged {
        console::tell(&format!("warning: {} is damaged and left out: {reason}", path.display()));
    }
    let steps = training.recipe().common.training.steps;
    if training.step() < steps {
        return Ok(Some(training));
    }
    training.draw_again()?;
    let more = console::command_line("train --resume", run);
    console::print(&format!(
        "this run has finished its {steps} steps; for more: {more} --steps {}",
        2 * steps
    ))?;
    Ok(None)
}

pub(crate) fn train(mut training: Training, quiet: bool) -> Result<(), Failure> {
    let stop = interrupt::install()?;
    let folder = training.folder().clone();
    let recipe = &training.recipe().common.training;
    let (first, steps) = (training.step(), recipe.steps);
    if recipe.precision == Precision::Bf16 && !hardware::has_bfloat16() {
        console::tell(
            "note: numbers are rounded to bfloat16 and then multiplied in single precision, which is no faster than --precision f32: \
             there is no AVX512-BF16, or BRIGAND_INSTRUCTIONS leaves it unused",
        );
    }
    let mut progress = Steps::new(first, steps, recipe.batch, quiet);
    if !quiet {
        progress.tell(&format!("training in {}", folder.path().display()));
    }
    let mut held_out = None;
    let outcome = training.run(stop, &mut |event| match event {
        Event::Step { step } => progress.advance(*step),
        Event::Measured { step, measurements } => {
            held_out = measurements.get(HELD_OUT_ACCURACY).copied().or(held_out);
            progress.measured(*step, measurements);
        }
        Event::SetAside(path) => progress.tell(&format!(
            "warning: the scores measured so far were damaged and are set aside as {}",
            path.display()
        )),
        Event::Checkpoint(_) | Event::Samples(_) => {}
    });
    progress.end();
    let resume = console::command_line("train --resume", folder.path());
    match outcome {
        Ok(Outcome::Finished) => {
            let shown = results(training.system(), &folder, steps, held_out);
            console::print(&format!("finished after {steps} steps\n{shown}"))
        }
        Ok(Outcome::Stopped { step }) => {
            console::print(&format!("stopped after step {step} of {steps}; continue with\n  {resume}"))?;
            Err(Failure::Interrupted)
        }
        Err(error) => Err(Failure::Midway(error, what_is_left(&folder, &resume))),
    }
}

/// Where a finished run's results are, and the command that makes more of them.
fn results(system: &dyn System, folder: &RunFolder, steps: u64, held_out: Option<f64>) -> String {
    let history = format!("history  {}", folder.history().display());
    let pictures = |label: &str, series: &str| {
        let (animation, last) = (folder.animation(series), folder.picture(series, steps));
        format!("{label:<8} {}\n         {}\n", animation.display(), last.display())
    };
    let sample = console::command_line("sample", folder.path());
    let (mut shown, mut more) = (String::new(), Vec::new());
    if let Some(translator) = system.as_translator() {
        shown
            .extend(translator.directions().iter().map(|direction| pictures(direction.name, direction.name)));
        let translate = console::command_line("translate", folder.path());
        let maps = translator.directions().iter().any(|way| translator.map_labels(way).is_some());
        let input = if maps { "MAPS" } else { "IMAGES" };
        more.push(format!("{translate} --in {input} --out DIR"));
    }
    if let Some(reenactor) = system.as_reenactor() {
        let person = if reenactor.is_of_one_person() { "" } else { " --person DIR" };
        let translate = console::command_line("translate", folder.path());
        more.push(format!("{translate}{person} --drive DIR --out DIR"));
        if !reenactor.is_of_one_person() {
            more.push(format!("{} --person DIR", console::command_line("adapt", folder.path())));
        }
    }
    if system.as_sampler().is_some() {
        shown.push_str(&pictures("samples", "samples"));
        more.push(format!("{sample} -n 64 --seed 1"));
    }
    if system.as_sound_sampler().is_some() {
        more.push(format!("{sample} --sound FILE.wav"));
    }
    if system.as_tagger().is_some() {
        more.push(format!("{} --in IMAGES --out labels.csv", console::command_line("label", folder.path())));
    }
    shown.push_str(&other_series(folder, &shown));
    if !more.is_empty() {
        format!("{shown}{history}\nmore     {}", more.join("\n         "))
    } else if system.as_sequence_sampler().is_some() {
        let lines = folder.text("samples", steps);
        format!("samples  {}\n{shown}{history}\nmore     {sample} -n 20 --seed 1", lines.display())
    } else {
        let right = held_out.map_or_else(String::new, |share| {
            format!("right    {:.2}% of the held-out samples\n", 100.0 * share)
        });
        format!("{right}{shown}{history}")
    }
}

/// The folders of the series of pictures that `shown` does not name.
fn other_series(folder: &RunFolder, shown: &str) -> String {
    let has_pictures = |path: &PathBuf| {
        let mut files = std::fs::read_dir(path).into_iter().flatten().flatten();
        files.any(|file| file.path().extension().is_some_and(|ending| ending == "png" || ending == "gif"))
    };
    // A folder that cannot be listed is missing here and nowhere else.
    let all = folder.all_pictures().unwrap_or_default();
    let paths = all.iter().filter(|path| has_pictures(path)).map(|path| path.display().to_string());
    let others: Vec<String> = paths.filter(|path| !shown.contains(&format!("{path}/"))).collect();
    if others.is_empty() { String::new() } else { format!("pictures {}\n", others.join("\n         ")) }
}

/// What a run that failed can be continued from, as its folder is now.
fn what_is_left(folder: &RunFolder, resume: &str) -> String {
    let path = folder.path().display();
    if RunFolder::open(folder.path()).is_err() {
        return format!(
            "{path} is no run folder any more, so nothing is left to continue from; begin a new run"
        );
    }
    match checkpoint::latest(&folder.checkpoints()) {
        Ok(found) => {
            let step = found.snapshot.step;
            format!("the checkpoint of step {step} is whole; continue from it with {resume}")
        }
        Err(CheckpointError::NoneUsable { skipped, .. }) if skipped.is_empty() => {
            format!("there is no checkpoint; begin again with {resume}")
        }
        Err(reason) => reason.to_string(),
    }
}
