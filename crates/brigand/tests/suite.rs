//! The tests of the library, in one program, so that they are linked once and the processor's cores are used to the end.

mod support;

mod divergences;
mod efficientnet;
mod encoder_steps;
mod evaluation;
mod inception;
mod latent_tools;
mod metrics;
mod objectives;
mod readme;
mod real_data;
mod recipes;
mod registry;
mod runs;
mod sampling_statistics;
mod sound;
mod talking_head;
mod techniques;
mod training;
mod two_player;
mod updates;
