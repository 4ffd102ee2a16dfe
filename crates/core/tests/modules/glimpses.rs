//! Attention by Gaussian filters against the numbers of its paper, and DRAW's networks.

use brigand_autograd::Variable;
use brigand_core::modules::{Glimpse, Network};
use brigand_core::networks::{DrawDecoder, DrawNetworkRecipe};

use crate::support::derivatives::{first_order, second_order};
use crate::support::{double, normal_double, setup};

fn numbers(rows: &[[f64; 5]]) -> Variable {
    Variable::from_slice(&rows.concat(), &[rows.len(), 5]).unwrap()
}

/// The places of the filters that are narrow enough to be at one pixel, counted from 1, as means of the filters.
fn means(filters: &Variable) -> Vec<f64> {
    let side = filters.shape()[2];
    let mean = |row: &[f64]| row.iter().enumerate().map(|(at, value)| (at + 1) as f64 * value).sum();
    filters.to_vec().unwrap().chunks(side).map(mean).collect()
}

#[test]
fn centres_of_five_filters_on_28_pixels_are_those_of_the_paper() {
    // Place 0, and variance, spacing and intensity 1.
    let glimpse = Glimpse::new(&numbers(&[[0.0; 5]]), (5, [28, 28])).unwrap();
    let place = glimpse.places().unwrap()[0];
    assert_eq!((place.centre, place.side, place.deviation), ([14.5, 14.5], 27.0, 1.0));
    let (rows, columns) = glimpse.filters();
    assert_eq!((rows.shape(), columns.shape()), ([1, 5, 28].as_slice(), [1, 5, 28].as_slice()));
    // A filter's largest value is at its centre; the two at the border are cut off on one side.
    for filters in [rows, columns] {
        let found = means(filters);
        for (found, wanted) in found[1..4].iter().zip([7.75, 14.5, 21.25]) {
            assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
        }
        let values = filters.to_vec().unwrap();
        let ratio = |a: usize, b: usize| (values[a] / values[b]).ln();
        // exp(-(a - centre)^2 / 2) at the pixels 1 and 2 of the first filter, 28 and 27 of the last.
        assert!((ratio(0, 1) - 0.5).abs() < 1e-9 && (ratio(4 * 28 + 27, 4 * 28 + 26) - 0.5).abs() < 1e-9);
    }
}

#[test]
fn rows_sum_to_one_and_a_constant_image_is_read_as_its_intensity() {
    let chosen = numbers(&[[0.3, -0.4, 0.5, -0.7, 0.2], [-0.4, 0.4, -0.2, -0.3, -1.5]]);
    let glimpse = Glimpse::new(&chosen, (4, [10, 12])).unwrap();
    for (filters, side) in [(glimpse.filters().0, 10), (glimpse.filters().1, 12)] {
        for row in filters.to_vec().unwrap().chunks(side) {
            let sum: f64 = row.iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
    }
    let constant = chosen.full_like(0.6).unwrap().narrow(1, 0, 1).unwrap().reshape(&[2, 1, 1, 1]).unwrap();
    let read = glimpse.read(&constant.broadcast_to(&[2, 3, 10, 12]).unwrap()).unwrap();
    assert_eq!(read.shape(), [2, 3, 4, 4]);
    for (number, value) in read.to_vec().unwrap().into_iter().enumerate() {
        let intensity = if number < 48 { 0.2_f64.exp() } else { (-1.5_f64).exp() };
        assert!((value - 0.6 * intensity).abs() < 1e-6, "{value}");
    }
}

#[test]
fn reading_and_writing_are_their_products() {
    let glimpse = Glimpse::new(&numbers(&[[0.2, -0.1, 0.3, -0.2, 0.7]]), (3, [5, 4])).unwrap();
    let (rows, columns) = glimpse.filters();
    let (rows, columns) = (rows.to_vec().unwrap(), columns.to_vec().unwrap());
    let (image, patch) = (normal_double(&[1, 2, 5, 4], 1), normal_double(&[1, 2, 3, 3], 2));
    let (read, written) = (glimpse.read(&image).unwrap(), glimpse.write(&patch).unwrap());
    let (image, patch) = (image.to_vec().unwrap(), patch.to_vec().unwrap());
    let (read, written) = (read.to_vec().unwrap(), written.to_vec().unwrap());
    for channel in 0..2 {
        for (i, j) in (0..9).map(|at| (at / 3, at % 3)) {
            let term =
                |b: usize, a: usize| rows[i * 5 + b] * image[channel * 20 + b * 4 + a] * columns[j * 4 + a];
            let wanted: f64 = (0..20).map(|at| term(at / 4, at % 4)).sum::<f64>() * 0.7_f64.exp();
            assert!((read[channel * 9 + i * 3 + j] - wanted).abs() < 1e-12);
        }
        for (b, a) in (0..20).map(|at| (at / 4, at % 4)) {
            let term =
                |i: usize, j: usize| rows[i * 5 + b] * patch[channel * 9 + i * 3 + j] * columns[j * 4 + a];
            let wanted: f64 = (0..9).map(|at| term(at / 3, at % 3)).sum::<f64>() / 0.7_f64.exp();
            assert!((written[channel * 20 + b * 4 + a] - wanted).abs() < 1e-12);
        }
    }
}

#[test]
fn gradients_equal_differences_twice() {
    let inputs = [
        numbers(&[[0.2, -0.1, 0.3, -0.2, 0.7], [-0.3, 0.4, 0.1, 0.2, -0.5]]),
        normal_double(&[2, 1, 4, 5], 1),
        normal_double(&[2, 1, 2, 2], 2),
    ];
    let inputs = inputs.map(|input| Variable::leaf(input.into_tensor()));
    let loss = |inputs: &[Variable]| {
        let glimpse = Glimpse::new(&inputs[0], (2, [4, 5]))?;
        let read = glimpse.read(&inputs[1])?.square()?.sum_all()?;
        Ok(glimpse.write(&inputs[2])?.square()?.sum_all()?.add(&read)?)
    };
    first_order(&inputs, loss);
    second_order(&inputs, loss);
}

#[test]
fn a_place_far_outside_and_extreme_numbers_stay_finite() {
    let chosen = [[50.0, -50.0, -9.0, 0.0, 0.0], [0.0, 0.0, 1e6, -1e6, 1e6], [0.0, 0.0, -1e6, 1e6, -1e6]];
    let glimpse = Glimpse::new(&numbers(&chosen), (5, [8, 8])).unwrap();
    let image = normal_double(&[3, 1, 8, 8], 1);
    let (read, written) = (
        glimpse.read(&image).unwrap(),
        glimpse.write(&image.narrow(2, 0, 5).unwrap().narrow(3, 0, 5).unwrap()).unwrap(),
    );
    assert!(read.to_vec().unwrap().iter().chain(&written.to_vec().unwrap()).all(|value| value.is_finite()));
    assert!(read.to_vec().unwrap()[..25].iter().all(|value| *value == 0.0));
}

#[test]
fn what_is_written_is_added_to_the_canvas() {
    for attention in [0, 2] {
        let recipe = DrawNetworkRecipe { hidden: 3, attention };
        let network =
            Network::build("decoder", &setup(double()), |b| DrawDecoder::new(b, recipe, 2, [1, 4, 5]))
                .unwrap();
        let codes = [normal_double(&[3, 2], 1), normal_double(&[3, 2], 2)];
        network
            .evaluate(None, |decoder, pass| {
                let start = decoder.start(pass, &codes[0])?;
                assert_eq!(start.canvas.to_vec()?, vec![0.0; 60]);
                let (first, glimpse) = decoder.step(pass, &codes[0], &start)?;
                assert_eq!(
                    (glimpse.is_some(), first.canvas.shape()),
                    (attention > 0, [3, 1, 4, 5].as_slice())
                );
                let (second, _) = decoder.step(pass, &codes[1], &first)?;
                // The same step from a moved canvas: what is written does not depend on the canvas.
                let mut moved = first.clone();
                moved.canvas = first.canvas.affine(1.0, 2.0)?;
                let (after, _) = decoder.step(pass, &codes[1], &moved)?;
                let apart = after.canvas.sub(&second.canvas)?.to_vec()?;
                assert!(apart.iter().all(|value| (value - 2.0).abs() < 1e-12));
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn sizes_that_no_network_has_are_refused() {
    let refusal =
        |hidden, attention| DrawNetworkRecipe { hidden, attention }.check("decoder").unwrap_err().to_string();
    assert!(refusal(0, 5).contains("decoder.hidden is 0"));
    assert!(refusal(8, 1).contains("decoder.attention is 1"));
    assert!(refusal(8, 65).contains("2 to 64"));
    assert!(DrawNetworkRecipe { hidden: 8, attention: 0 }.check("decoder").is_ok());
}
