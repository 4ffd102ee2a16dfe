//! Training runs of seconds to minutes, each with a bound that fails when the idea of its system is switched off.

#[path = "../support/mod.rs"]
mod support;

mod adversarial_autoencoders;
mod attention;
mod captions;
mod clusters_and_likelihood;
mod combinations;
mod conditional;
mod cyclegan;
mod drawing;
mod encoders;
mod ganilla;
mod gaugan;
mod image_to_label;
mod lapgan;
mod large_recipes;
mod named_systems;
mod nice_gan;
mod pggan;
mod pix2pix;
mod residual;
mod singan;
mod sound_to_image;
mod speech;
mod talking_head;
mod text;
mod text_style;
