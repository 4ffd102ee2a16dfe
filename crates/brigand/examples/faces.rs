//! Draws faces of 64x64 pixels from the DCGAN generator of the Python package gan-face-generate 1.1.1:
//! `cargo run --release -p brigand --example faces -- WEIGHTS COUNT SEED OUT`.
//!
//! WEIGHTS is the package's `weights.tar`. OUT is a folder, for a PNG of each face, or `x.npy`, for all of them as
//! `[COUNT, 3, 64, 64]` numbers in [-1, 1]. The latents, `[COUNT, 100]`, are written beside it as `OUT.latents.npy`.

use std::path::{Path, PathBuf};

use brigand::batch::{SampleShape, Schema};
use brigand::error::{Error, Result};
use brigand::files::path_of;
use brigand::modules::{Network, Part};
use brigand::pictures::single_image;
use brigand::random::Stream;
use brigand::state::State;
use brigand::{Place, Setup, npy, state_file};
use brigand_core::networks::{DcganRecipe, Generator, GeneratorOptions, NetworkRecipe};

const LATENT: usize = 100;
const IMAGE: [usize; 3] = [3, 64, 64];
/// Faces that are made at once.
const BATCH: usize = 100;
/// The table of the file that holds the generator.
const TABLE: &str = "netG_state_dict";
const NAME: &str = "generator";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::Request("give WEIGHTS COUNT SEED OUT".into());
    let [weights, count, seed, out] = arguments.as_slice() else { return Err(usage()) };
    let count: usize = count.parse().ok().filter(|&count| count > 0).ok_or_else(usage)?;
    let seed: u64 = seed.parse().map_err(|_| usage())?;
    let (out, generator) = (path_of(out), generator(&path_of(weights))?);
    let latents = Stream::new(seed, "faces", 0).normal(count * LATENT);
    let as_array = out.extension().is_some_and(|ending| ending == "npy");
    if !as_array {
        std::fs::create_dir_all(&out).map_err(|reason| {
            Error::Request(format!("cannot make the folder {}: {reason}", out.display()))
        })?;
    }
    let mut faces = Vec::new();
    for (number, latents) in latents.chunks(BATCH * LATENT).enumerate() {
        let made = latents.len() / LATENT;
        let input = Place::cpu().numbers(latents.to_vec(), &[made, LATENT])?;
        let images = generator.sample(None, &input, |network, pass| network.forward(pass, &input, None))?;
        let images = images.to_vec_f32()?;
        if as_array {
            faces.extend(images);
            continue;
        }
        for (index, face) in images.chunks(IMAGE.iter().product()).enumerate() {
            let file = out.join(format!("face-{:06}.png", number * BATCH + index));
            single_image(face, IMAGE)?.save_png(&file)?;
        }
    }
    if as_array {
        npy::write(&out, &faces, &[count, IMAGE[0], IMAGE[1], IMAGE[2]])?;
    }
    Ok(npy::write(&beside(&out), &latents, &[count, LATENT])?)
}

/// `faces.latents.npy` beside the folder `faces` or the file `faces.npy`.
fn beside(out: &Path) -> PathBuf {
    out.with_extension("latents.npy")
}

/// The published generator, which is a DCGAN generator of this library; parameters are in the same order.
fn generator(weights: &Path) -> Result<Network<Generator>> {
    let tensors = state_file::read(weights, Some(TABLE))?;
    let sample = SampleShape::of(&IMAGE)?;
    let schema = Schema::of_samples(&IMAGE, &[]);
    let setup = Setup { schema, batch: BATCH, steps: 1, seed: 0, place: Place::cpu() };
    let recipe = NetworkRecipe::Dcgan(DcganRecipe::default());
    let mut network = recipe.generator(NAME, &setup, GeneratorOptions::new(LATENT, sample))?;
    let stored = |parts: &[&str], norm: &[&str]| -> Vec<String> {
        let layers = (0..5).map(|layer| 3 * layer);
        let of_layer = |layer: usize| {
            let own = parts.iter().map(move |part| format!("main.{layer}.{part}"));
            // The last layer has no normalisation.
            let norm = norm.iter().filter(move |_| layer < 12);
            own.chain(norm.map(move |part| format!("main.{}.{part}", layer + 1))).collect::<Vec<_>>()
        };
        layers.flat_map(of_layer).collect()
    };
    let (weight_names, buffer_names) =
        (stored(&["weight"], &["weight", "bias"]), stored(&[], &["running_mean", "running_var"]));
    let parameters = network.parameters();
    let own = parameters.weights().names().iter().chain(parameters.buffers().names());
    let mut state = State::default();
    for (own, stored) in own.zip(weight_names.iter().chain(&buffer_names)) {
        let tensor = tensors
            .get(stored)
            .ok_or_else(|| Error::Network(format!("{} has no `{stored}` in `{TABLE}`", weights.display())))?;
        state.put(format!("{NAME}.{own}"), tensor)?;
    }
    network.restore(NAME, &mut state)?;
    Ok(network)
}
