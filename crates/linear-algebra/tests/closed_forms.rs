//! Claim: the computations give what closed forms give, and what is no covariance is refused.

#![allow(clippy::unwrap_used, reason = "a test")]

use brigand_linear_algebra::{add_gram, inner_products, trace_of_root_of_product};

fn trace(a: &[f64], b: &[f64], width: usize) -> f64 {
    trace_of_root_of_product(a, b, width).unwrap()
}

#[test]
fn the_root_of_a_product_has_the_trace_known_in_closed_form() {
    assert!((trace(&[2.0, 1.0, 1.0, 2.0], &[1.0, 0.0, 0.0, 3.0], 2) - 14f64.sqrt()).abs() < 1e-12);
    assert!((trace(&[9.0], &[4.0], 1) - 6.0).abs() < 1e-12);
    // Rank 1 with rank 2: the root of vᵀ B v.
    let (rank_one, b) = ([1.0, 2.0, 2.0, 4.0], [3.0, 1.0, 1.0, 2.0]);
    let expected = (3.0 + 2.0 * 2.0 + 4.0 * 2.0_f64).sqrt();
    assert!((trace(&rank_one, &b, 2) - expected).abs() < 1e-12);
    assert!((trace(&b, &rank_one, 2) - expected).abs() < 1e-7);
    assert_eq!(trace(&[0.0; 4], &b, 2), 0.0);
    assert_eq!(trace(&b, &[0.0; 4], 2), 0.0);
}

#[test]
fn what_is_no_covariance_is_refused() {
    let good = [1.0, 0.0, 0.0, 1.0];
    for bad in [[-1.0, 0.0, 0.0, 1.0], [1.0, 3.0, 3.0, 1.0], [f64::NAN, 0.0, 0.0, 1.0]] {
        assert!(trace_of_root_of_product(&bad, &good, 2).is_err(), "{bad:?}");
        assert!(trace_of_root_of_product(&good, &bad, 2).is_err(), "{bad:?}");
    }
}

#[test]
fn products_and_grams_are_sums_of_products() {
    let x: Vec<f64> = (0..15).map(|i| f64::from(i * i % 7)).collect();
    let at = |row: usize, column: usize| x[row * 3 + column];
    let mut products = [f64::NAN; 10];
    inner_products(&x, &x[..6], 3, &mut products);
    let mut gram = [100.0; 9];
    add_gram(&x, 3, &mut gram);
    for (place, &found) in products.iter().enumerate() {
        assert_eq!(found, (0..3).map(|k| at(place / 2, k) * at(place % 2, k)).sum::<f64>());
    }
    for (i, j) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)] {
        assert_eq!(gram[i * 3 + j], 100.0 + (0..5).map(|k| at(k, i) * at(k, j)).sum::<f64>());
    }
    assert_eq!([gram[3], gram[6], gram[7]], [100.0; 3]);
}
