//! What can be read off a picture of a drawn face whose pose is known.

use super::cartoon::{Face, INSIDE, LIPS, MOUTH};

/// Places of the head where the skin is seen, and where the hair is.
const CHEEKS: [[f64; 2]; 4] = [[-0.42, 0.22], [0.42, 0.22], [-0.36, 0.32], [0.36, 0.32]];
const CROWN: [[f64; 2]; 3] = [[-0.25, -0.82], [0.0, -0.86], [0.25, -0.82]];
/// How far above and below its middle the mouth is looked for, and at how many places.
const REACH: (f64, usize) = (0.32, 33);

/// What was measured of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The colour of the skin, in [0, 1].
    pub skin: [f64; 3],
    /// The colour of the hair, in [0, 1].
    pub hair: [f64; 3],
    /// How far the mouth is open; 0 to 1 of drawn faces.
    pub mouth: f64,
}

/// The colours of cheeks and crown, and the height of the part between them that has the colour of a mouth's inside rather
/// than the skin's, of a picture `[3, size, size]` in [-1, 1] of `face`.
pub fn measure(picture: &[f32], size: usize, face: &Face) -> Measured {
    let colour = |place: [f64; 2]| colour(picture, size, face.pose.place(place));
    let mean = |places: &[[f64; 2]]| {
        let sum = places.iter().fold([0.0; 3], |sum, &place| {
            let found = colour(place);
            std::array::from_fn(|channel| sum[channel] + found[channel])
        });
        sum.map(|level| level / places.len() as f64)
    };
    let skin = mean(&CHEEKS);
    let contrast: [f64; 3] = std::array::from_fn(|channel| INSIDE[channel] - face.identity.skin[channel]);
    let length = contrast.iter().map(|level| level * level).sum::<f64>().max(1e-6);
    let (reach, places) = REACH;
    let openness = (0..places).map(|number| {
        let down = (2.0 * number as f64 / (places - 1) as f64 - 1.0) * reach;
        let found = [-0.08, 0.0, 0.08].map(|across| colour([MOUTH[0] + across, MOUTH[1] + down]));
        let share = found.iter().map(|found| {
            let along = (0..3).map(|c| (found[c] - face.identity.skin[c]) * contrast[c]).sum::<f64>();
            (along / length).clamp(0.0, 1.0)
        });
        share.sum::<f64>() / 3.0
    });
    let half_height = openness.sum::<f64>() / places as f64 * reach;
    Measured { skin, hair: mean(&CROWN), mouth: (half_height - LIPS[0]) / LIPS[1] }
}

/// The colour of a picture at a place, between its pixels.
fn colour(picture: &[f32], size: usize, place: [f64; 2]) -> [f64; 3] {
    let most = (size.max(2) - 1) as f64;
    let [x, y] = place.map(|share| (share * size as f64 - 0.5).clamp(0.0, most - 1e-6));
    let (column, row) = (x as usize, y as usize);
    let (right, below) = (x.fract(), y.fract());
    let level = |channel: usize, row: usize, column: usize| {
        let pixel = picture.get((channel * size + row) * size + column).copied().unwrap_or(0.0);
        (f64::from(pixel) + 1.0) / 2.0
    };
    std::array::from_fn(|channel| {
        let along = |row: usize| {
            (1.0 - right) * level(channel, row, column) + right * level(channel, row, column + 1)
        };
        (1.0 - below) * along(row) + below * along(row + 1)
    })
}
