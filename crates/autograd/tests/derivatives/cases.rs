//! The list of operations and the points they are checked at.

use brigand_autograd::{Activation, Grouping, Products, Result, Sliding, Variable};
use candle_core::{DType, Device, Tensor};

/// Where an input's elements lie.
#[derive(Clone, Copy)]
pub(crate) enum Domain {
    /// -2 to 2
    Any,
    /// 0.5 to 2.5
    Positive,
    /// 0.1 to 2.1 on either side of 0, away from kinks and poles
    NonZero,
}

impl Domain {
    /// Spreads `unit`, in [0, 1), over the domain.
    pub(crate) fn place(self, unit: f64) -> f64 {
        let signed = 4.0 * unit - 2.0;
        match self {
            Domain::Any => signed,
            Domain::Positive => 0.5 + 2.0 * unit,
            Domain::NonZero => signed + 0.1 * signed.signum(),
        }
    }
}

type Function = Box<dyn Fn(&[Variable]) -> Result<Variable>>;

/// One check: a function of inputs with these shapes.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The public operations that this case checks.
    pub(crate) covers: Vec<&'static str>,
    pub(crate) inputs: Vec<(Vec<usize>, Domain)>,
    pub(crate) function: Function,
}

impl Case {
    /// A case named after the operation it checks; further ones follow after spaces.
    pub(crate) fn new(
        name: &'static str,
        inputs: &[(&[usize], Domain)],
        function: impl Fn(&[Variable]) -> Result<Variable> + 'static,
    ) -> Self {
        let inputs = inputs.iter().map(|(shape, domain)| (shape.to_vec(), *domain)).collect();
        let covers = name.split(':').next().unwrap().split(' ').collect();
        Self { name, covers, inputs, function: Box::new(function) }
    }
}

use Domain::{Any, NonZero, Positive};

/// Every operation at least once. Text after a colon tells apart the cases of one operation.
pub(crate) fn all() -> Vec<Case> {
    [
        arithmetic(),
        activations(),
        shapes(),
        indices(),
        reductions(),
        products(),
        convolutions(),
        images(),
        norms(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn arithmetic() -> Vec<Case> {
    let two: [(&[usize], Domain); 2] = [(&[2, 3, 4], NonZero), (&[3, 1], NonZero)];
    let channels: [(&[usize], Domain); 2] = [(&[2, 3, 2, 2], NonZero), (&[1, 3, 1, 1], NonZero)];
    let scalar: [(&[usize], Domain); 2] = [(&[], NonZero), (&[2, 3], NonZero)];
    let outer: [(&[usize], Domain); 2] = [(&[4, 1], NonZero), (&[1, 3], NonZero)];
    let one: [(&[usize], Domain); 1] = [(&[3, 4], Any)];
    let apart: [(&[usize], Domain); 1] = [(&[3, 4], NonZero)];
    let positive: [(&[usize], Domain); 1] = [(&[3, 4], Positive)];
    vec![
        Case::new("add", &two, |v| v[0].add(&v[1])?.square()),
        Case::new("add: channels", &channels, |v| v[0].add(&v[1])?.square()),
        Case::new("add: scalar", &scalar, |v| v[0].add(&v[1])?.square()),
        Case::new("add: outer", &outer, |v| v[0].add(&v[1])?.square()),
        Case::new("add: itself", &one, |v| v[0].add(&v[0])?.square()),
        Case::new("sub", &two, |v| v[0].sub(&v[1])?.square()),
        Case::new("sub: channels", &channels, |v| v[1].sub(&v[0])?.square()),
        Case::new("sub: scalar", &scalar, |v| v[0].sub(&v[1])?.square()),
        Case::new("sub: outer", &outer, |v| v[0].sub(&v[1])?.square()),
        Case::new("mul", &two, |v| v[0].mul(&v[1])),
        Case::new("mul: channels", &channels, |v| v[0].mul(&v[1])),
        Case::new("mul: scalar", &scalar, |v| v[0].mul(&v[1])),
        Case::new("mul: outer", &outer, |v| v[0].mul(&v[1])),
        Case::new("mul: itself", &one, |v| v[0].mul(&v[0])?.mul(&v[0])),
        Case::new("div", &two, |v| v[0].div(&v[1])),
        Case::new("div: channels", &channels, |v| v[0].div(&v[1])),
        Case::new("div: by scalar", &scalar, |v| v[1].div(&v[0])),
        Case::new("div: outer", &outer, |v| v[0].div(&v[1])),
        Case::new("maximum", &two, |v| v[0].maximum(&v[1])?.square()),
        Case::new("minimum", &channels, |v| v[0].minimum(&v[1])?.square()),
        Case::new("affine", &one, |v| v[0].affine(2.0, -1.0)?.square()),
        Case::new("scale", &one, |v| v[0].scale(-3.0)?.square()),
        Case::new("neg", &one, |v| v[0].neg()?.square()),
        Case::new("square", &one, |v| v[0].square()),
        Case::new("powf", &positive, |v| v[0].powf(1.7)),
        Case::new("powf: whole", &apart, |v| v[0].powf(4.0)),
        Case::new("powf: square", &one, |v| v[0].powf(2.0)),
        Case::new("powf: negative", &positive, |v| v[0].powf(-0.5)),
        Case::new("pow", &[(&[2, 3], Positive), (&[3], Any)], |v| v[0].pow(&v[1])),
        Case::new("exp", &one, |v| v[0].exp()),
        Case::new("safe_exp", &apart, |v| v[0].safe_exp(1.0)),
        Case::new("log", &positive, |v| v[0].log()),
        Case::new("safe_log", &apart, |v| v[0].safe_log(0.05)),
        Case::new("sqrt", &positive, |v| v[0].sqrt()),
        Case::new("safe_sqrt", &positive, |v| v[0].safe_sqrt()),
        Case::new("recip", &apart, |v| v[0].recip()),
        Case::new("abs", &apart, |v| v[0].abs()?.square()),
        Case::new("sin", &one, |v| v[0].sin()),
        Case::new("cos", &one, |v| v[0].cos()),
        Case::new("clamp", &one, |v| v[0].clamp(-0.7, 1.1)?.square()),
        Case::new("select", &[(&[2, 3], Any), (&[2, 3], Any), (&[2, 3], Any)], |v| {
            v[0].detach().greater(&v[0].full_like(0.0)?)?.select(&v[1].square()?, &v[2].exp()?)
        }),
        Case::new("select: broadcast", &[(&[2, 1, 3], Any), (&[], Any)], |v| {
            let mask = Variable::constant(Tensor::new(&[[1u8, 0, 1], [0, 0, 1]], &Device::Cpu)?);
            mask.select(&v[0], &v[1])?.square()
        }),
        // Its gradient is by intention not that of its value; here both are the same function.
        Case::new("straight_through", &one, |v| v[0].square()?.detach().straight_through(&v[0].square()?)),
    ]
}

fn activations() -> Vec<Case> {
    let one: [(&[usize], Domain); 1] = [(&[4, 5], NonZero)];
    let mut cases = vec![
        Case::new("activate: identity", &one, |v| v[0].activate(Activation::Identity)?.square()),
        Case::new("activate: steep elu", &one, |v| v[0].activate(Activation::Elu(1.5))),
        Case::new("activate: falling elu", &one, |v| v[0].activate(Activation::Elu(-0.5))),
        Case::new("activate: falling leaky relu", &one, |v| {
            v[0].activate(Activation::LeakyRelu(-0.3))?.square()
        }),
        Case::new("relu", &one, |v| v[0].relu()?.square()),
        Case::new("leaky_relu", &one, |v| v[0].leaky_relu(0.2)?.square()),
        Case::new("elu", &one, |v| v[0].elu()),
        Case::new("silu", &one, |v| v[0].silu()),
        Case::new("gelu", &one, |v| v[0].gelu()),
        Case::new("tanh", &one, |v| v[0].tanh()),
        Case::new("sigmoid", &one, |v| v[0].sigmoid()),
        Case::new("softplus", &one, |v| v[0].softplus()),
        Case::new("log_sigmoid", &one, |v| v[0].log_sigmoid()),
        Case::new("erf", &one, |v| v[0].erf()),
    ];
    for (name, axis) in [("softmax", 0), ("softmax: middle", 1), ("softmax: last", 2)] {
        cases.push(Case::new(name, &[(&[2, 3, 4], Any)], move |v| v[0].softmax(axis)));
    }
    for (name, axis) in [("log_softmax", 0), ("log_softmax: middle", 1), ("log_softmax: last", 2)] {
        cases.push(Case::new(name, &[(&[2, 3, 4], Any)], move |v| v[0].log_softmax(axis)));
    }
    for (name, axis) in [("log_sum_exp_keeping", 0), ("log_sum_exp_keeping: last", 1)] {
        cases.push(Case::new(name, &[(&[3, 4], Any)], move |v| v[0].log_sum_exp_keeping(axis)));
    }
    cases
}

fn shapes() -> Vec<Case> {
    let one: [(&[usize], Domain); 1] = [(&[2, 3, 4], Any)];
    let two: [(&[usize], Domain); 2] = [(&[2, 3, 2], Any), (&[2, 1, 2], Any)];
    vec![
        Case::new("alias", &one, |v| v[0].alias().square()),
        Case::new("to_dtype", &one, |v| v[0].to_dtype(v[0].dtype())?.square()?.to_dtype(DType::F64)),
        Case::new("reshape", &one, |v| v[0].reshape(&[4, 6])?.square()),
        Case::new("flatten_from_second", &one, |v| v[0].flatten_from_second()?.square()),
        Case::new("permute", &one, |v| v[0].permute(&[2, 0, 1])?.square()),
        Case::new("transpose", &one, |v| v[0].transpose(0, 2)?.square()),
        Case::new("transposed", &one, |v| v[0].transposed()?.square()),
        Case::new("broadcast_to", &[(&[3, 1], Any)], |v| v[0].broadcast_to(&[2, 3, 4])?.square()),
        Case::new("broadcast_to: scalar", &[(&[], Any)], |v| v[0].broadcast_to(&[2, 3])?.square()),
        Case::new("sum_to", &one, |v| v[0].sum_to(&[3, 1])?.square()),
        Case::new("narrow", &one, |v| v[0].narrow(2, 1, 2)?.square()),
        Case::new("pad_zeros", &one, |v| v[0].pad_zeros(1, 1, 2)?.square()?.exp()),
        Case::new("pad_reflection", &one, |v| v[0].pad_reflection(2, 3, 2)?.square()),
        Case::new("pad_reflect", &one, |v| v[0].pad_reflect([2, 0], [1, 3])?.square()),
        Case::new("split", &one, |v| {
            let parts = v[0].split(2, &[1, 0, 3])?;
            parts[0].mul(&parts[2])?.sub(&parts[1].sum_all()?)
        }),
        Case::new("concatenate", &two, |v| Variable::concatenate(&[&v[0], &v[1], &v[0]], 1)?.square()),
        Case::new("stack", &[(&[2, 3], Any), (&[2, 3], Any)], |v| {
            Variable::stack(&[&v[0], &v[1]], 1)?.square()
        }),
        Case::new("unsqueeze", &one, |v| v[0].unsqueeze(3)?.square()),
        Case::new("squeeze", &[(&[2, 1, 3], Any)], |v| v[0].squeeze(1)?.square()),
    ]
}

fn indices() -> Vec<Case> {
    let picked = || Tensor::new(&[[2u32, 0], [1, 1], [0, 3]], &Device::Cpu);
    vec![
        Case::new("index_select", &[(&[2, 4, 2], Any)], |v| v[0].index_select(1, &[3, 0, 3])?.square()),
        Case::new("index_add", &[(&[4, 2], Any), (&[3, 2], Any)], |v| {
            v[0].index_add(0, &[3, 0, 3], &v[1])?.square()
        }),
        Case::new("gather", &[(&[3, 4], Any)], move |v| v[0].gather(1, &picked()?)?.square()),
        Case::new("scatter_add", &[(&[3, 4], Any), (&[3, 2], Any)], move |v| {
            v[0].scatter_add(1, &picked()?, &v[1])?.square()
        }),
        Case::new("embedding", &[(&[5, 3], Any)], move |v| v[0].embedding(&picked()?)?.square()),
        Case::new("embedding: one row", &[(&[5, 3], Any)], |v| {
            v[0].embedding(&Tensor::new(4u32, &Device::Cpu)?)?.square()
        }),
    ]
}

fn reductions() -> Vec<Case> {
    let one: [(&[usize], Domain); 1] = [(&[2, 3, 2, 2], Any)];
    vec![
        Case::new("sum_all", &one, |v| v[0].square()?.sum_all()?.square()),
        Case::new("mean_all", &one, |v| v[0].square()?.mean_all()?.square()),
        Case::new("sum_keeping", &one, |v| v[0].sum_keeping(&[0, 2])?.square()),
        Case::new("sum", &one, |v| v[0].sum(&[3, 1])?.square()),
        Case::new("mean_keeping", &one, |v| v[0].mean_keeping(&[0, 2, 3])?.square()),
        Case::new("mean", &one, |v| v[0].mean(&[1])?.square()),
        Case::new("mean: several", &one, |v| v[0].mean(&[0, 2, 3])?.square()),
        Case::new("variance_keeping", &one, |v| v[0].variance_keeping(&[0, 3])),
        Case::new("variance", &one, |v| v[0].variance(&[1, 2])),
        Case::new("norm_keeping", &one, |v| v[0].norm_keeping(&[2, 3])),
        Case::new("norm", &one, |v| v[0].norm(&[0, 1])),
        Case::new("sample_norm", &one, |v| v[0].sample_norm()),
        Case::new("sample_square", &one, |v| v[0].sample_square()?.square()),
        Case::new("max", &one, |v| v[0].max(1)?.square()),
        Case::new("min", &one, |v| v[0].min(3)?.square()),
    ]
}

fn products() -> Vec<Case> {
    vec![
        Case::new("matmul", &[(&[3, 4], Any), (&[4, 2], Any)], |v| v[0].matmul(&v[1])),
        Case::new("matmul: batched", &[(&[3, 2, 3], Any), (&[3, 3, 2], Any)], |v| v[0].matmul(&v[1])),
        Case::new("matmul: broadcast right", &[(&[2, 2, 3], Any), (&[3, 2], Any)], |v| v[0].matmul(&v[1])),
        Case::new("matmul: broadcast left", &[(&[2, 3], Any), (&[2, 1, 3, 2], Any)], |v| v[0].matmul(&v[1])),
        Case::new("matmul: both broadcast", &[(&[2, 1, 2, 3], Any), (&[3, 3, 2], Any)], |v| {
            v[0].matmul(&v[1])
        }),
        Case::new("matmul: transposed", &[(&[2, 4, 3], Any), (&[2, 2, 4], Any)], |v| {
            v[0].transposed()?.matmul(&v[1].transposed()?)
        }),
        Case::new("matmul: itself", &[(&[3, 3], Any)], |v| v[0].matmul(&v[0])?.matmul(&v[0].transposed()?)),
        Case::new(
            "matmul: causal attention",
            &[(&[2, 3, 2], Any), (&[2, 3, 2], Any), (&[2, 3, 2], Any)],
            |v| {
                let seen = Tensor::tril2(3, DType::U8, &Device::Cpu)?;
                let hidden = Variable::full(f64::NEG_INFINITY, &[], v[0].dtype(), v[0].device())?;
                let scores = v[0].matmul(&v[1].transposed()?)?.scale(0.5_f64.sqrt())?;
                Variable::constant(seen).select(&scores, &hidden)?.softmax(2)?.matmul(&v[2])
            },
        ),
        Case::new("linear", &[(&[3, 4], Any), (&[2, 4], Any), (&[2], Any)], |v| {
            v[0].linear(&v[1], Some(&v[2]))?.tanh()
        }),
        Case::new("matmul_by", &[(&[3, 4], Any), (&[4, 2], Any)], |v| {
            v[0].matmul_by(&v[1], Products::Full)?.tanh()
        }),
        Case::new("linear_by", &[(&[3, 4], Any), (&[2, 4], Any)], |v| {
            v[0].linear_by(&v[1], None, Products::Full)?.tanh()
        }),
        Case::new("linear: positions", &[(&[2, 3, 4], Any), (&[2, 4], Any)], |v| v[0].linear(&v[1], None)),
    ]
}

fn convolutions() -> Vec<Case> {
    let grouped =
        Sliding { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2, ..Sliding::default() };
    vec![
        Case::new("conv2d", &[(&[2, 2, 5, 4], Any), (&[3, 2, 3, 2], Any)], |v| {
            v[0].conv2d(&v[1], Sliding::new(2, 1))
        }),
        Case::new("conv2d: grouped", &[(&[2, 4, 5, 4], Any), (&[2, 2, 2, 2], Any)], move |v| {
            v[0].conv2d(&v[1], grouped)
        }),
        Case::new("conv_transpose2d", &[(&[2, 2, 3, 2], Any), (&[2, 3, 4, 4], Any)], |v| {
            v[0].conv_transpose2d(&v[1], Sliding::new(2, 1), [0, 0])
        }),
        Case::new("conv_transpose2d: grouped", &[(&[2, 4, 3, 3], Any), (&[4, 1, 2, 2], Any)], move |v| {
            v[0].conv_transpose2d(&v[1], grouped, [1, 0])
        }),
        Case::new("conv1d", &[(&[2, 2, 7], Any), (&[3, 2, 3], Any)], |v| v[0].conv1d(&v[1], 2, 1, 1, 1)),
        Case::new("conv_transpose1d", &[(&[2, 2, 4], Any), (&[2, 3, 3], Any)], |v| {
            v[0].conv_transpose1d(&v[1], 2, 1, 1, 1, 1)
        }),
    ]
}

fn images() -> Vec<Case> {
    let image: [(&[usize], Domain); 1] = [(&[2, 2, 4, 6], Any)];
    vec![
        Case::new("avg_pool2d", &image, |v| v[0].avg_pool2d(2, 2, 0)?.square()),
        Case::new("avg_pool2d: overlapping", &image, |v| v[0].avg_pool2d(3, 2, 1)?.square()),
        Case::new("adaptive_avg_pool2d", &image, |v| v[0].adaptive_avg_pool2d(3, 4)?.square()),
        Case::new("max_pool2d", &image, |v| v[0].max_pool2d(2, 2, 0)?.square()),
        Case::new("max_pool2d: overlapping", &image, |v| v[0].max_pool2d(3, 2, 1)?.square()),
        Case::new("resize_nearest", &image, |v| v[0].resize_nearest(8, 18)?.square()),
        Case::new("resize_nearest: any size", &image, |v| v[0].resize_nearest(3, 7)?.square()),
        Case::new("resize_bilinear", &image, |v| v[0].resize_bilinear(8, 12)?.square()),
        Case::new("resize_antialiased", &image, |v| v[0].resize_antialiased(2, 9)?.square()),
        Case::new("resize_bilinear: any size", &image, |v| v[0].resize_bilinear(3, 7)?.square()),
    ]
}

fn norms() -> Vec<Case> {
    let shape: (&[usize], Domain) = (&[3, 4, 2, 2], Any);
    let vector: (&[usize], Domain) = (&[4], Any);
    let per_sample: (&[usize], Domain) = (&[3, 4], Any);
    let sample: (&[usize], Domain) = (&[4, 2, 2], Any);
    let normalize = |grouping, activation| {
        move |v: &[Variable]| v[0].normalize(grouping, v.get(1), v.get(2), 1e-5, activation)
    };
    let batch =
        |activation| move |v: &[Variable]| Ok(v[0].batch_normalize(v.get(1), v.get(2), 1e-3, activation)?.0);
    let (identity, leaky) = (Activation::Identity, Activation::LeakyRelu(0.2));
    vec![
        Case::new("normalize: batch", &[shape, vector, vector], normalize(Grouping::Batch, leaky)),
        Case::new("normalize: instance", &[shape, vector, vector], normalize(Grouping::Instance, leaky)),
        Case::new("normalize: layer", &[shape, sample, sample], normalize(Grouping::Layer, identity)),
        Case::new(
            "normalize: group",
            &[shape, vector, vector],
            normalize(Grouping::Channels(2), Activation::Relu),
        ),
        Case::new("normalize: group alone", &[shape], normalize(Grouping::Channels(2), Activation::Silu)),
        Case::new(
            "normalize: adaptive instance",
            &[shape, per_sample, per_sample],
            normalize(Grouping::Instance, leaky),
        ),
        Case::new("batch_normalize", &[shape, vector, vector], batch(identity)),
        Case::new("batch_normalize: leaky", &[shape, vector, vector], batch(leaky)),
        Case::new("batch_normalize: rows", &[(&[5, 4], Any), vector, vector], batch(Activation::Relu)),
        Case::new("batch_normalize: alone", &[shape], batch(leaky)),
        Case::new("batch_normalize: tanh", &[shape, vector, vector], batch(Activation::Tanh)),
        Case::new("batch_normalize: conditional", &[shape, per_sample, per_sample], batch(leaky)),
        Case::new("normalize_with", &[shape, vector, (&[4], Positive), vector, vector], move |v| {
            v[0].normalize_with(&v[1], &v[2], Some(&v[3]), Some(&v[4]), 1e-3, leaky)
        }),
        Case::new(
            "normalize_with: conditional",
            &[shape, vector, (&[4], Positive), per_sample, per_sample],
            move |v| v[0].normalize_with(&v[1], &v[2], Some(&v[3]), Some(&v[4]), 1e-3, identity),
        ),
    ]
}
