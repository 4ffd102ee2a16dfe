//! The pictures of a whole run: its history, and its animations.

use brigand_core::measurements::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};
use brigand_core::system::TheoryLine;

use super::Training;
use super::history::{self, Panel, Reference};
use crate::error::Result;
use crate::pictures::{AnimationStyle, animate_step_files};

impl Training {
    /// Draws `history.png` and the animations anew: a run that was killed after its last checkpoint may lack them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn draw_again(&mut self) -> Result<()> {
        self.draw_history()?;
        self.draw_animations()
    }

    /// Draws `history.png`.
    pub(super) fn draw_history(&mut self) -> Result<()> {
        self.events.flush()?;
        let references: Vec<Reference> = self.session.system().theory().into_iter().map(reference).collect();
        let picture = history::draw(&self.curves, &references)?;
        Ok(picture.save_png(&self.folder.history())?)
    }

    /// Makes the animations from the pictures in the folder. It takes longer than many a step, so it is done at the end only: a run
    /// that is killed before has the pictures, and makes the whole animations when it goes on.
    pub(super) fn draw_animations(&self) -> Result<()> {
        for pictures in self.folder.all_pictures()? {
            let Some(series) = pictures.file_name().and_then(|name| name.to_str()) else { continue };
            animate_step_files(&pictures, &self.folder.animation(series), AnimationStyle::default())?;
        }
        Ok(())
    }
}

fn reference(line: TheoryLine) -> Reference {
    let panel = match line.metric {
        DISCRIMINATOR_LOSS | GENERATOR_LOSS => Panel::Losses,
        other => Panel::Measurement(other.to_owned()),
    };
    Reference { label: line.label.to_owned(), panel, value: line.value }
}
