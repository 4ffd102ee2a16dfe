//! Claims: divergences and transport equal SciPy's. Origin: `fixtures/make_fixtures.py`, seed 1, or the folder in
//! `BRIGAND_FIXTURES`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::PathBuf;

use brigand::theory::{
    Costs, Points, earth_mover, js, kl, optimal_plan, reverse_kl, total_variation, wasserstein,
};
use candle_core::{DType, Device, Tensor};
use serde_json::Value;

/// How many points of each cloud SciPy matched.
const MATCHED: usize = 64;

struct Fixture {
    tensors: HashMap<String, Tensor>,
    numbers: Value,
}

impl Fixture {
    fn load() -> Self {
        let folder = std::env::var_os("BRIGAND_FIXTURES")
            .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures").into(), PathBuf::from);
        let tensors =
            candle_core::safetensors::load(folder.join("metrics.safetensors"), &Device::Cpu).unwrap();
        let numbers = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
        Self { tensors, numbers: serde_json::from_str(&numbers).unwrap() }
    }

    fn values(&self, name: &str) -> Vec<f64> {
        self.tensors[name].flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
    }

    /// The fixture's numbers were computed in double precision and its tensors stored in single.
    #[track_caller]
    fn assert_close(&self, name: &str, found: f64) {
        let expected = self.numbers[name].as_f64().unwrap();
        assert!((found / expected - 1.0).abs() < 2e-6, "{name}: {found} instead of {expected}");
    }
}

#[test]
fn fixture_histograms() {
    let fixture = Fixture::load();
    let exact = |name| {
        let values = fixture.values(name);
        let sum: f64 = values.iter().sum();
        values.into_iter().map(|value| value / sum).collect::<Vec<f64>>()
    };
    let (p, q) = (exact("p"), exact("q"));
    fixture.assert_close("kl_pq", kl(&p, &q).unwrap());
    fixture.assert_close("kl_qp", reverse_kl(&p, &q).unwrap());
    fixture.assert_close("js_pq", js(&p, &q).unwrap());
    fixture.assert_close("tv_pq", total_variation(&p, &q).unwrap());
}

#[test]
fn fixture_transport_on_the_line() {
    let fixture = Fixture::load();
    fixture.assert_close("w1_1d", wasserstein(&fixture.values("u"), &fixture.values("v"), 1.0).unwrap());
}

#[test]
fn fixture_transport_in_space() {
    let fixture = Fixture::load();
    let dimensions = fixture.tensors["a"].dims2().unwrap().1;
    let (a, b) = (fixture.values("a"), fixture.values("b"));
    let first = |values| Points::new(values, dimensions).unwrap();
    let (a, b) = (first(&a[..MATCHED * dimensions]), first(&b[..MATCHED * dimensions]));
    fixture.assert_close("emd_64", earth_mover(a, b).unwrap());
    let equal = vec![1.0 / MATCHED as f64; MATCHED];
    let costs = Costs::euclidean(a, b, 1.0).unwrap();
    fixture.assert_close("emd_64", optimal_plan(&costs, &equal, &equal).unwrap().cost);
}
