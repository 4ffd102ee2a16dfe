//! What a panel shows: lines, areas, dots, arrows and words, and their colours.

use plotters::prelude::*;

use super::canvas::{INK, QUIET, colour};

/// What a mark is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// One of the numbered colours of all charts.
    Hue(usize),
    /// A colour for each of any number of classes.
    Class {
        /// Which.
        index: usize,
        /// How many there are.
        of: usize,
    },
    /// Black, for what is exact.
    Dark,
    /// Grey, for what only guides the eye.
    Quiet,
}

impl Ink {
    /// Its colour.
    pub(super) fn colour(self) -> RGBAColor {
        match self {
            Self::Hue(index) => colour(index).to_rgba(),
            Self::Class { index, of } => class_colour(index, of),
            Self::Dark => INK.to_rgba(),
            Self::Quiet => QUIET.mix(0.6),
        }
    }
}

/// Evenly spaced hues; neighbours differ in lightness too.
fn class_colour(index: usize, of: usize) -> RGBAColor {
    let lightness = if index.is_multiple_of(2) { 0.36 } else { 0.58 };
    HSLColor(index as f64 / of.max(1) as f64, 0.8, lightness).to_rgba()
}

/// What is drawn. Places are `(x, y)` in the panel's coordinates; what lies outside its axes is left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points; one that is not finite interrupts it.
    Line(Vec<(f64, f64)>),
    /// A dashed line.
    Dashed(Vec<(f64, f64)>),
    /// What lies between a line and the horizontal axis.
    Area(Vec<(f64, f64)>),
    /// Columns from the horizontal axis up: middle and height of each, and the width of all.
    Columns(Vec<(f64, f64)>, f64),
    /// Dots of a radius in pixels.
    Dots(Vec<(f64, f64)>, u32),
    /// Arrows from a place to another.
    Arrows(Vec<[(f64, f64); 2]>),
    /// Coloured squares of side 1 around whole-numbered places, each with its strength from 0 to 1.
    Cells(Vec<(f64, f64, f64)>),
    /// Words that begin (right of it) at a place.
    Words(f64, f64, String),
}

/// A shape, its colour, and its name in the legend (none if empty).
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What is drawn.
    pub shape: Shape,
    /// With what.
    pub ink: Ink,
    /// Its name in the legend; no entry if empty.
    pub label: String,
}

impl Mark {
    /// A mark without a name.
    pub fn new(ink: Ink, shape: Shape) -> Self {
        Self { shape, ink, label: String::new() }
    }

    /// A mark that the legend names.
    pub fn named(label: impl Into<String>, ink: Ink, shape: Shape) -> Self {
        Self { shape, ink, label: label.into() }
    }
}
