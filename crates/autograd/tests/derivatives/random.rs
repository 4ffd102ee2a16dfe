//! The same checks at random shapes, strides, paddings, dilations, groups and broadcasts.

use brigand_autograd::{Activation, Grouping, Sliding};
use proptest::prelude::*;

use crate::cases::{Case, Domain};
use crate::check;

type Shaped<'a> = (&'a [usize], Domain);

fn verify(case: &Case) {
    check::first_order(case);
    check::second_order(case);
    check::recorded_equals_plain(case);
    check::layouts_agree(case);
}

fn pair(sizes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
    [sizes.clone(), sizes]
}

prop_compose! {
    fn sliding()(
        stride in pair(1..=3), padding in pair(0..=2), dilation in pair(1..=2), groups in 1usize..=2,
    ) -> Sliding {
        Sliding { stride, padding, dilation, groups, ..Sliding::default() }
    }
}

/// An image size that a kernel of this size fits into.
fn fitting(sliding: &Sliding, kernel: [usize; 2], more: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| {
        let extent = sliding.dilation[axis] * (kernel[axis] - 1) + 1;
        extent.saturating_sub(2 * sliding.padding[axis]).max(1) + more[axis]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn convolutions(
        sliding in sliding(), batch in 1usize..=2, inputs in 1usize..=2, outputs in 1usize..=2,
        kernel in pair(1..=3), more in pair(0..=3),
    ) {
        let [height, width] = fitting(&sliding, kernel, more);
        let image = [batch, inputs * sliding.groups, height, width];
        let weight = [outputs * sliding.groups, inputs, kernel[0], kernel[1]];
        let shapes: [Shaped; 2] = [(&image, Domain::Any), (&weight, Domain::Any)];
        verify(&Case::new("conv2d: random", &shapes, move |v| v[0].conv2d(&v[1], sliding)));
    }

    #[test]
    fn transposed_convolutions(
        sliding in sliding(), batch in 1usize..=2, inputs in 1usize..=2, outputs in 1usize..=2,
        kernel in pair(1..=3), size in pair(1..=4), extra in pair(0..=1),
    ) {
        let sizes = [0, 1].map(|axis| {
            let grown = (size[axis] - 1) * sliding.stride[axis] + sliding.dilation[axis] * (kernel[axis] - 1) + 1;
            grown + extra[axis]
        });
        prop_assume!((0..2).all(|axis| sizes[axis] > 2 * sliding.padding[axis]));
        prop_assume!((0..2).all(|axis| extra[axis] < sliding.stride[axis].max(sliding.dilation[axis])));
        let image = [batch, inputs * sliding.groups, size[0], size[1]];
        let weight = [inputs * sliding.groups, outputs, kernel[0], kernel[1]];
        let shapes: [Shaped; 2] = [(&image, Domain::Any), (&weight, Domain::Any)];
        verify(&Case::new("conv_transpose2d: random", &shapes, move |v| {
            let y = v[0].conv_transpose2d(&v[1], sliding, extra)?;
            assert_eq!(y.shape()[2..], [0, 1].map(|axis| sizes[axis] - 2 * sliding.padding[axis]));
            Ok(y)
        }));
    }

    #[test]
    fn broadcasts(
        (left, right) in prop::collection::vec((1usize..=3, 0u8..3), 0..=4)
            .prop_map(|dims| {
                let side = |shrunk| dims.iter().map(|&(size, who)| if who == shrunk { 1 } else { size }).collect::<Vec<_>>();
                (side(1), side(2))
            }),
        dropped in 0usize..=2, operation in 0usize..6,
    ) {
        // Leading dimensions of size 1 may also be absent.
        let drop = right.iter().take_while(|&&size| size == 1).count().min(dropped);
        let shapes: [Shaped; 2] = [(&left, Domain::NonZero), (&right[drop..], Domain::NonZero)];
        verify(&Case::new("arithmetic: random", &shapes, move |v| match operation {
            0 => v[0].add(&v[1])?.square(),
            1 => v[0].sub(&v[1])?.square(),
            2 => v[0].mul(&v[1]),
            3 => v[0].div(&v[1]),
            4 => v[1].maximum(&v[0])?.square(),
            _ => v[1].div(&v[0]),
        }));
    }

    #[test]
    fn products(
        lead in prop::collection::vec((1usize..=2, 0u8..3), 0..=2),
        rows in 1usize..=4, inner in 1usize..=4, columns in 1usize..=4, dropped in any::<bool>(),
    ) {
        let side = |shrunk, matrix: [usize; 2]| {
            let lead = lead.iter().map(|&(size, who)| if who == shrunk { 1 } else { size });
            lead.chain(matrix).collect::<Vec<_>>()
        };
        let (left, right) = (side(1, [rows, inner]), side(2, [inner, columns]));
        let right = if dropped { &right[right.len() - 2..] } else { &right[..] };
        let shapes: [Shaped; 2] = [(&left, Domain::Any), (right, Domain::Any)];
        verify(&Case::new("matmul: random", &shapes, |v| v[0].matmul(&v[1])));
    }

    #[test]
    fn reductions(
        shape in prop::collection::vec(1usize..=3, 1..=4), mask in 0usize..16, kind in 0usize..4,
    ) {
        let axes: Vec<usize> = (0..shape.len()).filter(|axis| mask >> axis & 1 == 1).collect();
        let shapes: [Shaped; 1] = [(&shape, Domain::Any)];
        verify(&Case::new("sum: random", &shapes, move |v| match kind {
            0 => v[0].sum(&axes)?.square(),
            1 => v[0].mean_keeping(&axes)?.square(),
            2 => v[0].variance(&axes),
            _ => v[0].norm(&axes),
        }));
    }

    #[test]
    fn pools_and_sizes(
        shape in [1usize..=2, 1usize..=2, 1usize..=6, 1usize..=6],
        kernel in 1usize..=3, stride in 1usize..=3, padding in 0usize..=1, to in pair(1..=7), kind in 0usize..5,
    ) {
        prop_assume!(shape[2].min(shape[3]) + 2 * padding >= kernel && 2 * padding <= kernel);
        let shapes: [Shaped; 1] = [(&shape, Domain::Any)];
        verify(&Case::new("avg_pool2d: random", &shapes, move |v| match kind {
            0 => v[0].avg_pool2d(kernel, stride, padding)?.square(),
            1 => v[0].max_pool2d(kernel, stride, padding)?.square(),
            2 => v[0].resize_nearest(to[0], to[1])?.square(),
            3 => v[0].adaptive_avg_pool2d(to[0], to[1])?.square(),
            _ => v[0].resize_bilinear(to[0], to[1])?.square(),
        }));
    }

    #[test]
    fn normalisations(
        batch in 2usize..=4, groups in 1usize..=2, width in 1usize..=2, inner in pair(1..=3),
        rank in 2usize..=4, kind in 0usize..4, slope in prop::sample::select(vec![0.0, 0.2, 1.0]), affine in 0usize..=3,
    ) {
        // Groups of two elements have normalised values of -1 and 1 whatever they hold.
        prop_assume!(width * inner[0] * inner[1] > 2 || rank == 2);
        let channels = if rank == 2 { 3 * groups } else { groups * width };
        let shape: Vec<usize> = [batch + 2, channels, inner[0] + 1, inner[1] + 2].into_iter().take(rank).collect();
        let grouping = match kind {
            0 => Grouping::Batch,
            1 if rank > 2 => Grouping::Instance,
            2 => Grouping::Layer,
            _ => Grouping::Channels(groups),
        };
        let vector = if kind == 2 { shape[1..].to_vec() } else { vec![channels] };
        let shapes: [Shaped; 3] = [(&shape, Domain::Any), (&vector, Domain::Any), (&vector, Domain::Any)];
        let activation = if slope == 1.0 { Activation::Identity } else { Activation::LeakyRelu(slope) };
        verify(&Case::new("normalize: random", &shapes, move |v| {
            let (scale, shift) = ((affine & 1 == 1).then_some(&v[1]), (affine & 2 == 2).then_some(&v[2]));
            v[0].normalize(grouping, scale, shift, 0.1, activation)
        }));
    }
}
