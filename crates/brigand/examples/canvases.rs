//! Writes the canvas after each step of a run that draws in steps, for `brigand evaluate`:
//! `cargo run --release -p brigand --example canvases -- RUN COUNT OUT`.
//!
//! `OUT/canvas-1.npy` has the canvases after the first step, the last of these files the finished images. Image number `n` of
//! each is of the same latents. COUNT is rounded up to a multiple of what the run shows at once.

use std::path::PathBuf;

use brigand::batch::Batch;
use brigand::capability::{Content, Showing};
use brigand::error::{Error, Result};
use brigand::hardware::Device;
use brigand::sampling::{Backdrop, Destination};
use brigand::system::System;
use brigand::training::{Which, load_run_at};
use brigand_autograd::Variable;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = || Error::Request("give RUN COUNT OUT: a run folder, how many images, and a folder".into());
    let run = arguments.next().map(PathBuf::from).ok_or_else(usage)?;
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).ok_or_else(usage)?;
    let out = arguments.next().map(PathBuf::from).ok_or_else(usage)?;
    let (recipe, system, _) = load_run_at(&run, Which::Newest, &Device::Cpu)?;
    let sampler = system.as_sampler().ok_or_else(|| not_in_steps(&recipe.common.system))?;
    let shape = sampler.sample_shape();
    let dims = [&[1], shape.dims().as_slice()].concat();
    let blank = Batch::of(Variable::from_slice(&vec![0.0_f32; shape.elements()], &dims)?);
    let mut canvases: Vec<Vec<Variable>> = Vec::new();
    let mut seed = 0;
    while canvases.first().is_none_or(|first| first.len() < count) {
        let showing = Showing { seed, examples: &blank, count: 1 };
        let (images, steps) =
            shown(system.as_ref(), &showing)?.ok_or_else(|| not_in_steps(&recipe.common.system))?;
        canvases.resize(steps, Vec::new());
        for number in 0..images.shape()[0] {
            canvases[number % steps].push(images.narrow(0, number, 1)?);
        }
        seed += 1;
    }
    std::fs::create_dir_all(&out)
        .map_err(|reason| Error::Request(format!("cannot make the folder {}: {reason}", out.display())))?;
    for (step, images) in canvases.iter().enumerate() {
        let all = Variable::concatenate(&images.iter().collect::<Vec<_>>(), 0)?;
        let path = out.join(format!("canvas-{}.npy", step + 1));
        Destination::new(&path, shape)?.write(&all, &Backdrop::Images, "")?;
    }
    Ok(())
}

/// The images of the series `canvas`, a row for each sample, and the number of steps.
fn shown(system: &dyn System, showing: &Showing<'_>) -> Result<Option<(Variable, usize)>> {
    for exhibit in system.show(showing)? {
        match exhibit.content {
            Content::Images { images, columns } if exhibit.series == "canvas" => {
                return Ok(Some((images, columns)));
            }
            Content::Images { .. } | Content::Rows { .. } | Content::Animation { .. } | Content::Text(_) => {}
        }
    }
    Ok(None)
}

fn not_in_steps(system: &str) -> Error {
    Error::Request(format!(
        "`{system}` shows no canvases; give a run of `brigand train gran` or `brigand train draw`"
    ))
}
