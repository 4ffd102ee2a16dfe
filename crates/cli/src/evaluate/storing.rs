//! The files that an evaluation is kept in: looked at before anything is measured, written afterwards.

use std::fs::File;
use std::path::{Path, PathBuf};

use brigand::evaluation::{
    Evaluation, EvaluationFile, Measured, MetricRow, Need, Samples, check_reference_name, draw_pairs,
    write_reference,
};
use brigand::files::{FileError, refuse_missing_folder, remove_if_there};
use brigand::training::RunFolder;

use super::sources::Opened;
use super::{Arguments, refused};
use crate::console;
use crate::failure::Failure;

/// Where an evaluation is kept.
pub(super) struct Storing {
    statistics: Option<PathBuf>,
    /// Of the run, and of the folder that was asked for.
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Storing {
    /// Refuses whatever could not be written after the measurement.
    pub(super) fn check(arguments: &Arguments, metrics: &[&'static MetricRow]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        if let Some(run) = &arguments.run {
            files.push(RunFolder::open(run)?.evaluations());
        }
        if let Some(folder) = &arguments.out {
            if folder.exists() && !folder.is_dir() {
                return Err(refused(&format!("{} is a file; give a folder with --out", folder.display())));
            }
            files.push(folder.join("evaluation.json"));
        }
        for file in &files {
            check_writable(file)?;
            if let Some(reason) = EvaluationFile::check(file)? {
                console::tell(&format!(
                    "warning: {}: {reason}; it will be set aside beside the new one",
                    file.display()
                ));
            }
        }
        if let Some(path) = &arguments.save_stats {
            if !metrics.iter().any(|metric| metric.needs(Need::Moments)) {
                return Err(refused(
                    "--save-stats keeps the statistics that fid compares; add fid to --metrics",
                ));
            }
            check_reference_name(path)?;
            refuse_missing_folder(path)?;
            check_writable(path)?;
        }
        Ok(Self { statistics: arguments.save_stats.clone(), files, folder: arguments.out.clone() })
    }

    /// Writes everything that was asked for.
    pub(super) fn store(
        &self,
        measured: &Measured,
        evaluation: &Evaluation,
        train: Option<&dyn Samples>,
        [real, generated]: [&Opened<'_>; 2],
    ) -> Result<(), Failure> {
        if let (Some(path), Some(reference)) = (&self.statistics, &measured.reference) {
            write_reference(path, reference)?;
        }
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder).map_err(FileError::when("create", folder))?;
        }
        for file in &self.files {
            if let Some(aside) = EvaluationFile::append(file, evaluation)? {
                let (file, aside) = (file.display(), aside.display());
                console::tell(&format!("note: {file} was damaged and is now {aside}"));
            }
        }
        let Some(folder) = &self.folder else { return Ok(()) };
        if let (Some(train), Some(generated)) = (train.or_else(|| real.samples()), generated.samples())
            && !measured.nearest.is_empty()
            && train.shapes() == generated.shapes()
            && generated.shape().is_ok_and(|shape| shape.len() == 3)
        {
            draw_pairs(&measured.nearest, generated, train)?.save_png(&folder.join("nearest-pairs.png"))?;
        }
        Ok(())
    }
}

/// Refuses a path that no file can be written to, by writing beside it, or into the nearest folder above it that is
/// there.
fn check_writable(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(refused(&format!("{} is a folder, and a file is to be written there", path.display())));
    }
    let above = path.ancestors().skip(1).map(|folder| match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    });
    let Some(folder) = above.into_iter().find(|folder| folder.exists()) else { return Ok(()) };
    let trial = folder.join(format!(".brigand-can-write-{}", std::process::id()));
    File::create(&trial).map_err(FileError::when("write", path))?;
    Ok(remove_if_there(&trial)?)
}
