//! `brigand evaluate --retrieval`: how well the images of a run of captions show held-out captions.

use brigand::capability::Retrieval;
use brigand::hardware::Device;
use brigand::recipe::Recipe;
use brigand::system::System;
use serde_json::json;

use super::{AUTOMATIC, Arguments, held_out_feed, refuse_options_of_sets, refused};
use crate::console::{self, grouped};
use crate::failure::Failure;

/// Images of each caption, unless --count says otherwise.
const DRAWS: u64 = 4;

/// Measures `system` on the captions of `--real`, or on those that its run holds out, and prints the shares.
pub(super) fn measure(
    system: &dyn System,
    arguments: &Arguments,
    (recipe, step): (&Recipe, u64),
    device: &Device,
) -> Result<(), Failure> {
    let sampler = system.as_caption_sampler().ok_or_else(|| {
        refused(&format!(
            "--retrieval is for systems that make images of captions, and this is a run of `{}`; leave it out, or give a run of \
             `brigand train text-to-image`",
            recipe.common.system
        ))
    })?;
    let also =
        [(arguments.features != AUTOMATIC, "--features"), (arguments.background.is_some(), "--background")];
    refuse_options_of_sets(arguments, &also, "the retrieval of captions")?;
    let (feed, are_apart) = held_out_feed(recipe, arguments, device)?;
    if !system.needs_held_out() && !are_apart {
        return Err(refused(
            "this run was trained on all captions of its data (held_out.every=0); give others as --real captions:LIST",
        ));
    }
    let draws = arguments.count.map_or(DRAWS, u64::from);
    let found = sampler.retrieval(&feed, arguments.seed, draws)?;
    let found = found.ok_or_else(|| {
        refused(
            "an image is compared with its own caption and nine others, and the held-out captions have fewer than ten different \
             meanings; give a list of more as --real captions:LIST",
        )
    })?;
    print(found, (draws, step), arguments.json)
}

fn print(found: Retrieval, (draws, step): (u64, u64), as_json: bool) -> Result<(), Failure> {
    let Retrieval { captions, made, real, random } = found;
    if as_json {
        return console::print_json(&json!({
            "step": step,
            "captions": captions,
            "images_of_each": draws,
            "retrieval": made,
            "real_retrieval": real,
            "random_retrieval": random,
        }));
    }
    let captions = captions as u64;
    let mut table = vec![["IMAGES", "NUMBER", "NEAREST TO THEIR CAPTION OF 10"].map(str::to_owned).to_vec()];
    for (name, number, share) in [
        ("of held-out captions", captions * draws, made),
        ("real", captions, real),
        ("of other captions", captions * draws, random),
    ] {
        table.push(vec![name.to_owned(), grouped(number), format!("{share:.3}")]);
    }
    console::print_table(&table)
}
