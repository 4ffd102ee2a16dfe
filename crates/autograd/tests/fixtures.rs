//! Values, first- and second-order gradients against PyTorch's, from `fixtures/make_fixtures.py`.
//!
//! `BRIGAND_FIXTURES` names another folder, made with another seed.
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a failed unwrap is a failure like any other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use brigand_autograd::{
    Activation, Error, GradientOptions, Grouping, Output, Result, Sliding, Variable, grad, grad_of,
};
use candle_core::{Device, Tensor};
use serde_json::Value;

/// The largest error allowed, relative to the value or a tenth of the tensor's largest value.
const TOLERANCE: f64 = 1e-4;

struct Fixtures {
    tensors: HashMap<String, Tensor>,
    notes: BTreeMap<String, Value>,
}

impl Fixtures {
    fn load(name: &str) -> Self {
        let folder = std::env::var_os("BRIGAND_FIXTURES").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")),
            PathBuf::from,
        );
        let tensors =
            candle_core::safetensors::load(folder.join(format!("{name}.safetensors")), &Device::Cpu).unwrap();
        let notes = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        Self { tensors, notes: serde_json::from_str(&notes).unwrap() }
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the fixtures have no {name}")).clone()
    }

    fn leaf(&self, name: &str) -> Variable {
        Variable::leaf(self.tensor(name))
    }

    /// The parameters `prefix.*`, by name.
    fn parameters(&self, prefix: &str) -> BTreeMap<String, Variable> {
        let named = |(name, tensor): (&String, &Tensor)| {
            Some((name.strip_prefix(prefix)?.to_owned(), Variable::leaf(tensor.clone())))
        };
        self.tensors.iter().filter_map(named).collect()
    }

    #[track_caller]
    fn compare(&self, name: &str, got: Option<&Variable>) {
        let want = Variable::constant(self.tensor(name));
        let zeros = want.full_like(0.0).unwrap();
        let got = got.unwrap_or(&zeros);
        assert_eq!(got.elements(), want.elements(), "{name}: {:?} for {:?}", got.shape(), want.shape());
        let (got, want) = (got.to_vec().unwrap(), want.to_vec().unwrap());
        let peak = want.iter().fold(0.0, |peak: f64, value| peak.max(value.abs()));
        for (index, (got, want)) in got.iter().zip(&want).enumerate() {
            let allowed = TOLERANCE * want.abs().max(0.1 * peak).max(1e-2);
            assert!((got - want).abs() <= allowed, "{name} at {index}: {got} for {want}");
        }
    }
}

fn number(note: &Value, key: &str) -> usize {
    note.get(key).and_then(Value::as_u64).map_or(if key == "groups" { 1 } else { 0 }, |value| value as usize)
}

type Parameters = BTreeMap<String, Variable>;

/// The layer that the fixture `name` was made with; an unknown name fails the test.
fn layer(name: &str, note: &Value, x: &Variable, p: &Parameters) -> Result<Variable> {
    let (w, b) = (p.get("w"), p.get("b"));
    let stride = number(note, "stride");
    let sliding = Sliding { groups: number(note, "groups"), ..Sliding::new(stride, number(note, "padding")) };
    let biased = |y: Variable| {
        let mut shape = vec![1; y.rank()];
        shape[1] = p["b"].elements();
        y.add(&p["b"].reshape(&shape)?)
    };
    let normalized = |grouping| x.normalize(grouping, w, b, 1e-5, Activation::Identity);
    match name {
        "linear" => x.linear(&p["w"], b),
        _ if name.starts_with("conv2d_") => biased(x.conv2d(&p["w"], sliding)?),
        _ if name.starts_with("conv_transpose2d_") => {
            biased(x.conv_transpose2d(&p["w"], sliding, [number(note, "output_padding"); 2])?)
        }
        _ if name.starts_with("conv1d_") => {
            biased(x.conv1d(&p["w"], stride, number(note, "padding"), 1, sliding.groups)?)
        }
        "batch_norm1d" | "batch_norm2d" => normalized(Grouping::Batch),
        "instance_norm2d" => normalized(Grouping::Instance),
        "layer_norm_chw" => normalized(Grouping::Layer),
        "group_norm" => normalized(Grouping::Channels(2)),
        "leaky_relu_02" => x.leaky_relu(0.2),
        "tanh" => x.tanh(),
        "sigmoid" => x.sigmoid(),
        "softplus" => x.softplus(),
        "elu" => x.elu(),
        "silu" => x.silu(),
        "gelu" => x.gelu(),
        "upsample_nearest_x2" => x.resize_nearest(2 * x.shape()[2], 2 * x.shape()[3]),
        "upsample_bilinear_x2" => x.resize_bilinear(2 * x.shape()[2], 2 * x.shape()[3]),
        "avg_pool2" => x.avg_pool2d(2, 2, 0),
        "max_pool2" => x.max_pool2d(2, 2, 0),
        "reflection_pad2" => x.pad_reflection(2, 2, 2)?.pad_reflection(3, 2, 2),
        "softmax_attention" => {
            let [q, k, v] = ["q", "k", "v"].map(|name| p[name].matmul(x));
            let scores = q?.transposed()?.matmul(&k?)?.softmax(2)?;
            x.add(&v?.matmul(&scores.transposed()?)?)
        }
        _ => panic!("no layer is known for the fixture {name}"),
    }
}

#[test]
fn fixture_layers_values_first_and_second_gradients() {
    let fixtures = Fixtures::load("layers");
    let named: BTreeSet<&str> = fixtures.tensors.keys().filter_map(|key| key.split('.').next()).collect();
    assert!(named.iter().eq(fixtures.notes.keys()), "notes and tensors name different layers");
    for (name, note) in &fixtures.notes {
        let x = fixtures.leaf(&format!("{name}.x"));
        let parameters = fixtures.parameters(&format!("{name}.param."));
        let y = layer(name, note, &x, &parameters).unwrap();
        fixtures.compare(&format!("{name}.y"), Some(&y));
        let keys: Vec<&str> = std::iter::once("x").chain(parameters.keys().map(String::as_str)).collect();
        let inputs: Vec<&Variable> = std::iter::once(&x).chain(parameters.values()).collect();
        let r = Variable::constant(fixtures.tensor(&format!("{name}.r")));
        let weighted = || [Output { variable: &y, weight: Some(&r) }];
        let options = GradientOptions { create_graph: true, allow_unused: true, ..Default::default() };
        let first = grad_of(&weighted(), &inputs, options).unwrap();
        for (key, got) in keys.iter().zip(&first) {
            fixtures.compare(&format!("{name}.first.{key}"), got.as_ref());
        }
        let q = first[0].as_ref().unwrap().square().unwrap().sum_all().unwrap().scale(0.5).unwrap();
        fixtures.compare(&format!("{name}.q"), Some(&q));
        let options = GradientOptions { allow_unused: true, retain_graph: true, ..Default::default() };
        let second = grad_of(&[Output { variable: &q, weight: None }], &inputs, options).unwrap();
        for (key, got) in keys.iter().zip(&second) {
            fixtures.compare(&format!("{name}.second.{key}"), got.as_ref());
        }
        // The same without recording: this is where the kernels' own backward passes run.
        let plain =
            grad_of(&weighted(), &inputs, GradientOptions { allow_unused: true, ..Default::default() });
        for (key, got) in keys.iter().zip(&plain.unwrap()) {
            fixtures.compare(&format!("{name}.first.{key}"), got.as_ref());
        }
    }
}

/// The scores `[batch]` of the fixtures' two critics.
fn critic(name: &str, p: &Parameters, x: &Variable) -> Result<Variable> {
    let scores = match name {
        "fc" => {
            let hidden = x.linear(&p["w1"], Some(&p["b1"]))?.tanh()?;
            let hidden = hidden.linear(&p["w2"], Some(&p["b2"]))?.leaky_relu(0.2)?;
            hidden.linear(&p["w3"], Some(&p["b3"]))?
        }
        "conv" => {
            let layer = |x: &Variable, number: usize, sliding| {
                let bias = &p[&format!("b{number}")];
                x.conv2d(&p[&format!("w{number}")], sliding)?.add(&bias.reshape(&[
                    1,
                    bias.elements(),
                    1,
                    1,
                ])?)
            };
            let hidden = layer(x, 1, Sliding::new(2, 1))?.leaky_relu(0.2)?;
            let hidden = layer(&hidden, 2, Sliding::new(2, 1))?.leaky_relu(0.2)?;
            layer(&hidden, 3, Sliding::default())?
        }
        _ => panic!("no critic is known for the fixture {name}"),
    };
    scores.reshape(&[x.shape()[0]])
}

/// The norm `[batch]` of the critic's gradient by its input, differentiable again.
fn gradient_norm(name: &str, p: &Parameters, x: &Variable) -> Result<Variable> {
    let total = critic(name, p, x)?.sum_all()?;
    let gradients = grad(&total, &[x], true)?;
    gradients.first().ok_or(Error::Released { operation: "critic" })?.sample_norm()
}

/// Where and what each penalty of the fixtures asks.
fn penalty(kind: &str, fixtures: &Fixtures, name: &str, p: &Parameters) -> Result<Variable> {
    let input = |key: &str| Variable::constant(fixtures.tensor(&format!("{name}.{key}")));
    let (real, fake, noise) = (input("x_real"), input("x_fake"), input("noise"));
    let mut shape = vec![1; real.rank()];
    shape[0] = real.shape()[0];
    let alpha = input("alpha").reshape(&shape)?;
    let rest = alpha.affine(-1.0, 1.0)?;
    let mixed = alpha.mul(&real)?.add(&rest.mul(&fake)?)?;
    let norm = |point: &Variable| gradient_norm(name, p, &Variable::leaf(point.tensor().clone()));
    match kind {
        "gp" => norm(&mixed)?.affine(1.0, -1.0)?.square()?.mean_all(),
        "lp" => norm(&mixed)?.affine(1.0, -1.0)?.relu()?.square()?.mean_all(),
        "r1" => norm(&real)?.square()?.mean_all(),
        "r2" => norm(&fake)?.square()?.mean_all(),
        "div" => norm(&mixed)?.powf(6.0)?.mean_all(),
        "dragan" => {
            let all: Vec<usize> = (0..real.rank()).collect();
            let deviation = real.variance_keeping(&all)?.sqrt()?;
            let point = real.add(&rest.scale(0.5)?.mul(&deviation)?.mul(&noise)?)?;
            norm(&point)?.affine(1.0, -1.0)?.square()?.mean_all()
        }
        _ => panic!("no penalty is known for the fixture {kind}"),
    }
}

/// The gradient-normalised critics: GN-GAN and GraN-GAN.
fn normalised(kind: &str, name: &str, p: &Parameters, x: &Variable) -> Result<Variable> {
    let (value, norm) = (critic(name, p, x)?, gradient_norm(name, p, x)?);
    match kind {
        "gn" => value.div(&norm.add(&value.abs()?)?),
        _ => value.mul(&norm)?.div(&norm.square()?.affine(1.0, 0.1)?),
    }
}

#[test]
fn fixture_penalties_values_and_parameter_gradients() {
    let fixtures = Fixtures::load("penalties");
    let critics: Vec<&String> = fixtures.notes.keys().filter(|name| *name != "spectral").collect();
    assert_eq!(critics, ["conv", "fc"]);
    for name in critics {
        let p = fixtures.parameters(&format!("{name}.param."));
        let inputs: Vec<&Variable> = p.values().collect();
        let options = GradientOptions { allow_unused: true, ..Default::default() };
        for kind in ["gp", "lp", "r1", "r2", "div", "dragan"] {
            let value = penalty(kind, &fixtures, name, &p).unwrap();
            fixtures.compare(&format!("{name}.{kind}"), Some(&value));
            let gradients = grad_of(&[Output { variable: &value, weight: None }], &inputs, options).unwrap();
            for (key, got) in p.keys().zip(&gradients) {
                fixtures.compare(&format!("{name}.{kind}.grad.{key}"), got.as_ref());
            }
        }
        for kind in ["gn", "gran"] {
            let x = fixtures.leaf(&format!("{name}.x_real"));
            let y = normalised(kind, name, &p, &x).unwrap();
            fixtures.compare(&format!("{name}.{kind}"), Some(&y));
            let inputs: Vec<&Variable> = p.values().chain([&x]).collect();
            let total = y.sum_all().unwrap();
            let gradients = grad_of(&[Output { variable: &total, weight: None }], &inputs, options).unwrap();
            for (key, got) in p.keys().map(String::as_str).chain(["x"]).zip(&gradients) {
                fixtures.compare(&format!("{name}.{kind}.grad.{key}"), got.as_ref());
            }
        }
    }
    let known = [
        "gp", "lp", "r1", "r2", "div", "dragan", "gn", "gran", "param", "x_real", "x_fake", "alpha", "noise",
    ];
    for key in fixtures.tensors.keys().filter(|key| !key.starts_with("spectral.")) {
        let kind = key.split('.').nth(1).unwrap();
        assert!(known.contains(&kind), "no penalty is known for the fixture {key}");
    }
}
