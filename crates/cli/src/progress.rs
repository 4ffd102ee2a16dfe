//! How far something has come, on standard error: a bar for a terminal, a line now and then for a file.

use std::time::{Duration, Instant};

use brigand::measurements::{
    ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS, HELD_OUT_ACCURACY,
};
use brigand::players::Measurements;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::console::{self, grouped};

/// Without a terminal a line is written after this share of the steps, or after this time.
const LINES: u64 = 10;
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
const UPDATES_PER_SECOND: u8 = 8;

/// The steps of a run.
pub(crate) struct Steps {
    bar: Option<ProgressBar>,
    lines: bool,
    batch: usize,
    steps: u64,
    first: u64,
    began: Instant,
    last_line: (u64, Instant),
}

impl Steps {
    pub(crate) fn new(first: u64, steps: u64, batch: usize, quiet: bool) -> Self {
        let now = Instant::now();
        let bar = (!quiet && console::is_terminal()).then(|| step_bar(first, steps, batch));
        Self { lines: !quiet && bar.is_none(), bar, batch, steps, first, began: now, last_line: (first, now) }
    }

    /// A step is done.
    pub(crate) fn advance(&mut self, step: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(step);
        }
    }

    /// What a step reported was read.
    pub(crate) fn measured(&mut self, step: u64, measurements: &Measurements) {
        if let Some(bar) = &self.bar {
            bar.set_message(in_words(measurements));
        }
        let due = step - self.last_line.0 >= self.steps.div_ceil(LINES)
            || self.last_line.1.elapsed() > LONGEST_SILENCE;
        if self.lines && (due || step == self.steps) {
            self.last_line = (step, Instant::now());
            let rate = (step - self.first) as f64 / self.began.elapsed().as_secs_f64();
            let left = Duration::from_secs_f64((self.steps - step) as f64 / rate);
            console::tell(&format!(
                "step {step}/{}  {}  {} samples/s  {} left",
                self.steps,
                in_words(measurements),
                grouped((rate * self.batch as f64) as u64),
                clock(left),
            ));
        }
    }

    /// Says something above the bar.
    pub(crate) fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| console::tell(text)),
            None => console::tell(text),
        }
    }

    /// Leaves the bar as it stands.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

fn step_bar(first: u64, steps: u64, batch: usize) -> ProgressBar {
    let speed = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A failure here would be a failure to format a number.
        let _ = write!(out, "{}", grouped((state.per_sec() * batch as f64) as u64));
    };
    let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{}", clock(state.eta()));
    };
    let bar =
        ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(UPDATES_PER_SECOND));
    let style = styled("step {pos}/{len} [{wide_bar}] {speed} samples/s  {left} left\n{msg}");
    bar.set_style(style.with_key("speed", speed).with_key("left", left));
    bar.set_position(first);
    bar.reset_eta();
    bar
}

/// The bytes of a file on its way.
pub(crate) struct Bytes {
    bar: Option<ProgressBar>,
    file: &'static str,
}

impl Bytes {
    pub(crate) fn new() -> Self {
        let bar = console::is_terminal().then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(UPDATES_PER_SECOND);
            let bar = ProgressBar::with_draw_target(None, target);
            bar.set_style(styled("{msg} [{bar:20}] {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"));
            bar
        });
        Self { bar, file: "" }
    }

    pub(crate) fn advance(&mut self, progress: &brigand::data::Progress) {
        let another = self.file != progress.file;
        self.file = progress.file;
        match &self.bar {
            Some(bar) => {
                if another {
                    bar.set_message(progress.file);
                    bar.set_position(progress.done);
                    bar.reset_eta();
                }
                bar.set_length(progress.total.unwrap_or(progress.done));
                bar.set_position(progress.done);
            }
            None if another => console::tell(&format!("fetching {}", progress.file)),
            None => {}
        }
    }

    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The parts of an evaluation, one after another. Shown on a terminal only.
pub(crate) struct Parts {
    bar: Option<ProgressBar>,
}

impl Parts {
    pub(crate) fn new() -> Self {
        let bar = console::is_terminal().then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(UPDATES_PER_SECOND);
            let bar = ProgressBar::with_draw_target(None, target);
            bar.set_style(styled("{msg} [{wide_bar}] {pos}/{len}  {eta} left"));
            bar
        });
        Self { bar }
    }

    pub(crate) fn advance(&self, progress: &brigand::evaluation::Progress) {
        let Some(bar) = &self.bar else { return };
        if bar.message() != progress.what {
            bar.set_message(progress.what);
            bar.reset_eta();
        }
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    }

    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Losses and accuracies in a few words.
fn in_words(measurements: &Measurements) -> String {
    let mut parts = Vec::new();
    for (name, label) in [(DISCRIMINATOR_LOSS, "D loss"), (GENERATOR_LOSS, "G loss"), ("loss", "loss")] {
        if let Some(value) = measurements.get(name) {
            parts.push(format!("{label} {value:.3}"));
        }
    }
    if parts.is_empty() {
        // A phase of a run may have losses of its own.
        let losses = measurements.iter().filter(|(name, _)| name.ends_with("loss")).take(2);
        parts.extend(losses.map(|(name, value)| format!("{} {value:.3}", name.replace('_', " "))));
    }
    for (name, label) in [("accuracy", "accuracy"), (HELD_OUT_ACCURACY, "held-out accuracy")] {
        if let Some(value) = measurements.get(name) {
            parts.push(format!("{label} {:.1}%", 100.0 * value));
        }
    }
    if let (Some(real), Some(fake)) = (measurements.get(ACCURACY_ON_REAL), measurements.get(ACCURACY_ON_FAKE))
    {
        parts.push(format!("D accuracy real {:.0}% fake {:.0}%", 100.0 * real, 100.0 * fake));
    }
    parts.join("  ")
}

/// `m:ss`, or `h:mm:ss` from an hour on.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_a_clock() {
        assert_eq!(
            [0, 59, 61, 3600, 7325].map(|s| clock(Duration::from_secs(s))),
            ["0:00", "0:59", "1:01", "1:00:00", "2:02:05"]
        );
    }

    #[test]
    fn a_report_without_accuracies_shows_its_losses() {
        let measured = Measurements::from([(GENERATOR_LOSS.to_owned(), 0.4567)]);
        assert_eq!(in_words(&measured), "G loss 0.457");
        let measured = Measurements::from([("contrastive_loss".to_owned(), 0.5), ("other".to_owned(), 1.0)]);
        assert_eq!(in_words(&measured), "contrastive loss 0.500");
    }
}
