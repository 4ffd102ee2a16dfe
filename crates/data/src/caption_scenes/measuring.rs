//! What a picture shows, by its pixels: the drawn shape that it is most like, and the colour of the pixels there.

use super::{Attributes, COLOURS, MOVED};

/// A drawn shape without its colour: where it is, and its mask less the mask's mean.
struct Template {
    attributes: Attributes,
    mask: Vec<f32>,
    centred: Vec<f32>,
    norm: f32,
}

/// Every shape, size and place, each at a few positions around it.
fn templates(side: usize) -> Vec<Template> {
    let steps = [-MOVED, 0.0, MOVED];
    let moves = || steps.into_iter().flat_map(|across| steps.into_iter().map(move |down| [across, down]));
    let colourless = Attributes::all().filter(|one| one.colour == 0);
    colourless
        .flat_map(|attributes| {
            moves().map(move |by| {
                let mask = attributes.mask(side, by);
                let centred = centred(&mask);
                let norm = centred.iter().map(|value| value * value).sum::<f32>().sqrt();
                Template { attributes, mask, centred, norm }
            })
        })
        .collect()
}

fn centred(values: &[f32]) -> Vec<f32> {
    let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
    values.iter().map(|value| value - mean).collect()
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The attributes of each of `pictures`, colour pictures `[n, 3, side, side]` in [-1, 1]: the shape, size and place whose
/// drawn mask correlates best with how far each pixel is from the ground, which is the median colour, and the colour that
/// is nearest to the mean of the pixels under that mask.
pub fn measure(pictures: &[f32], side: usize) -> Vec<Attributes> {
    let (templates, area) = (templates(side), side * side);
    pictures.chunks_exact((3 * area).max(1)).filter_map(|picture| found(picture, area, &templates)).collect()
}

fn found(picture: &[f32], area: usize, templates: &[Template]) -> Option<Attributes> {
    let planes: Vec<&[f32]> = picture.chunks_exact(area).collect();
    let ground: Vec<f32> = planes.iter().map(|plane| median(plane.to_vec())).collect();
    let distance = |pixel: usize| {
        let squares = planes.iter().zip(&ground).map(|(plane, ground)| (plane[pixel] - ground).powi(2));
        squares.sum::<f32>().sqrt()
    };
    let distances = centred(&(0..area).map(distance).collect::<Vec<_>>());
    let likeness = |template: &Template| {
        let products = template.centred.iter().zip(&distances).map(|(a, b)| a * b);
        products.sum::<f32>() / template.norm.max(1e-6)
    };
    let best = templates.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    let total = best.mask.iter().sum::<f32>().max(1e-6);
    let mean = |plane: &&[f32]| {
        let sum: f32 = plane.iter().zip(&best.mask).map(|(level, share)| (level + 1.0) * 127.5 * share).sum();
        sum / total
    };
    let mean: Vec<f32> = planes.iter().map(mean).collect();
    let far = |colour: &[f32; 3]| colour.iter().zip(&mean).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let nearest = (0..COLOURS.len()).min_by(|a, b| far(&COLOURS[*a].1).total_cmp(&far(&COLOURS[*b].1)))?;
    Some(Attributes { colour: nearest, ..best.attributes })
}
