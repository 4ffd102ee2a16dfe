//! What a run shows: grids of samples, animations, scatter plots and line charts, as plain 8-bit
//! pictures. Nothing here depends on tensors, systems or training.

mod animation;
mod canvas;
mod clusters;
mod codes;
mod grid;
mod heat;
mod marks;
mod panels;
mod picture;
mod plot;
mod row_names;
mod scatter;
mod timeline;

pub use animation::{AnimationStyle, animate, animate_step_files};
pub use clusters::cluster_montage;
pub use codes::code_scatter;
pub use grid::{Grid, image_grid, single_image};
pub use heat::SQUARES;
pub use marks::{Ink, Mark, Shape};
pub use panels::{Panel, Sheet};
pub use picture::{Picture, PictureError};
pub use plot::{LineChart, LineStyle, ReferenceLine, Series};
pub use row_names::{Names, with_row_names};
pub use scatter::{Histogram, Scatter};
pub use timeline::{Lane, Timeline};
