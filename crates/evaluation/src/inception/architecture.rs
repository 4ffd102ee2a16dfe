//! The layers and how they are joined.

use brigand_kernels::memory::written_by;

use super::maps::{Maps, Window};
use super::pooling::Pool;
use super::unit::{Kernel, Unit};
use brigand_core::error::Result;

/// A step of the network.
pub(super) enum Node {
    Unit(Unit),
    Pool(Pool),
    /// Several ways from the same input, their channels one after another.
    Branches(Vec<Vec<Node>>),
}

impl Node {
    fn shape(&self, input: [usize; 4]) -> [usize; 4] {
        match self {
            Self::Unit(unit) => unit.shape(input),
            Self::Pool(pool) => pool.shape(input),
            Self::Branches(branches) => branches.iter().fold([0; 4], |[_, channels, ..], branch| {
                let [batch, more, height, width] = end(branch, input);
                [batch, channels + more, height, width]
            }),
        }
    }

    fn write(&self, input: &Maps, mut out: Window<'_>) {
        match self {
            Self::Unit(unit) => unit.write(input, out),
            Self::Pool(pool) => pool.write(input, out),
            Self::Branches(branches) => {
                let mut offset = 0;
                for branch in branches {
                    let Some((last, before)) = branch.split_last() else { continue };
                    let place = out.from(offset);
                    match before.split_first() {
                        None => last.write(input, place),
                        Some((first, rest)) => last.write(&pass(rest, produce(first, input)), place),
                    }
                    offset += end(branch, input.shape)[1];
                }
            }
        }
    }
}

/// The shape at the end of `nodes`.
fn end(nodes: &[Node], input: [usize; 4]) -> [usize; 4] {
    nodes.iter().fold(input, |shape, node| node.shape(shape))
}

/// The output of one node.
pub(super) fn produce(node: &Node, input: &Maps) -> Maps {
    let shape = node.shape(input.shape);
    let (values, ()) = written_by(shape.iter().product(), |out| node.write(input, Window::new(shape, out)));
    Maps { shape, values }
}

/// The output of nodes one after another.
pub(super) fn pass(nodes: &[Node], input: Maps) -> Maps {
    nodes.iter().fold(input, |maps, node| produce(node, &maps))
}

/// Where parameters come from, and the path in their names.
struct Maker<'a, G> {
    get: &'a mut G,
    block: String,
}

type Step = (&'static str, Kernel);

const fn kernel(to: usize, size: [usize; 2], stride: usize, padding: [usize; 2]) -> Kernel {
    Kernel { to, size, stride, padding }
}

/// 1 x 1.
const fn point(to: usize) -> Kernel {
    kernel(to, [1, 1], 1, [0, 0])
}

/// 3 x 3, the size stays.
const fn three(to: usize) -> Kernel {
    kernel(to, [3, 3], 1, [1, 1])
}

/// 3 x 3 at every second pixel, no padding.
const fn halving(to: usize) -> Kernel {
    kernel(to, [3, 3], 2, [0, 0])
}

/// A row of `length` pixels, the size stays.
const fn row(to: usize, length: usize) -> Kernel {
    kernel(to, [1, length], 1, [0, length / 2])
}

/// A column of `length` pixels, the size stays.
const fn column(to: usize, length: usize) -> Kernel {
    kernel(to, [length, 1], 1, [length / 2, 0])
}

impl<G: FnMut(&str, &[usize]) -> Result<Vec<f32>>> Maker<'_, G> {
    /// The maker of the units inside a block.
    fn within(&mut self, block: &str) -> Maker<'_, G> {
        Maker { get: self.get, block: format!("Mixed_{block}.") }
    }

    /// Units one after another, starting from `from` channels.
    fn chain(&mut self, mut from: usize, steps: &[Step]) -> Result<Vec<Node>> {
        let mut nodes = Vec::with_capacity(steps.len());
        for &(name, kernel) in steps {
            nodes.push(Node::Unit(Unit::new(&format!("{}{name}", self.block), from, kernel, self.get)?));
            from = kernel.to;
        }
        Ok(nodes)
    }

    /// A pool, then a 1 x 1 unit.
    fn pooled(&mut self, pool: Pool, from: usize, to: usize) -> Result<Vec<Node>> {
        let mut nodes = self.chain(from, &[("branch_pool", point(to))])?;
        nodes.insert(0, Node::Pool(pool));
        Ok(nodes)
    }

    /// 35 x 35 maps: 1 x 1, 5 x 5, 3 x 3 twice, mean.
    fn block_a(&mut self, from: usize, pooled: usize) -> Result<Node> {
        Ok(Node::Branches(vec![
            self.chain(from, &[("branch1x1", point(64))])?,
            self.chain(from, &[("branch5x5_1", point(48)), ("branch5x5_2", kernel(64, [5, 5], 1, [2, 2]))])?,
            self.chain(
                from,
                &[
                    ("branch3x3dbl_1", point(64)),
                    ("branch3x3dbl_2", three(96)),
                    ("branch3x3dbl_3", three(96)),
                ],
            )?,
            self.pooled(Pool::Mean, from, pooled)?,
        ]))
    }

    /// From 35 x 35 to 17 x 17.
    fn block_b(&mut self, from: usize) -> Result<Node> {
        Ok(Node::Branches(vec![
            self.chain(from, &[("branch3x3", halving(384))])?,
            self.chain(
                from,
                &[
                    ("branch3x3dbl_1", point(64)),
                    ("branch3x3dbl_2", three(96)),
                    ("branch3x3dbl_3", halving(96)),
                ],
            )?,
            vec![Node::Pool(Pool::LargestHalving)],
        ]))
    }

    /// 17 x 17 maps: 1 x 1, 7 x 7 as row and column, the same twice, mean.
    fn block_c(&mut self, from: usize, between: usize) -> Result<Node> {
        Ok(Node::Branches(vec![
            self.chain(from, &[("branch1x1", point(192))])?,
            self.chain(
                from,
                &[
                    ("branch7x7_1", point(between)),
                    ("branch7x7_2", row(between, 7)),
                    ("branch7x7_3", column(192, 7)),
                ],
            )?,
            self.chain(
                from,
                &[
                    ("branch7x7dbl_1", point(between)),
                    ("branch7x7dbl_2", column(between, 7)),
                    ("branch7x7dbl_3", row(between, 7)),
                    ("branch7x7dbl_4", column(between, 7)),
                    ("branch7x7dbl_5", row(192, 7)),
                ],
            )?,
            self.pooled(Pool::Mean, from, 192)?,
        ]))
    }

    /// From 17 x 17 to 8 x 8.
    fn block_d(&mut self, from: usize) -> Result<Node> {
        Ok(Node::Branches(vec![
            self.chain(from, &[("branch3x3_1", point(192)), ("branch3x3_2", halving(320))])?,
            self.chain(
                from,
                &[
                    ("branch7x7x3_1", point(192)),
                    ("branch7x7x3_2", row(192, 7)),
                    ("branch7x7x3_3", column(192, 7)),
                    ("branch7x7x3_4", halving(192)),
                ],
            )?,
            vec![Node::Pool(Pool::LargestHalving)],
        ]))
    }

    /// 8 x 8 maps: 1 x 1, 3 x 3 as row beside column, the same after another 3 x 3, a pool.
    fn block_e(&mut self, from: usize, pool: Pool) -> Result<Node> {
        let mut once = self.chain(from, &[("branch3x3_1", point(384))])?;
        once.push(self.row_beside_column(384, "branch3x3_2a", "branch3x3_2b")?);
        let mut twice =
            self.chain(from, &[("branch3x3dbl_1", point(448)), ("branch3x3dbl_2", three(384))])?;
        twice.push(self.row_beside_column(384, "branch3x3dbl_3a", "branch3x3dbl_3b")?);
        Ok(Node::Branches(vec![
            self.chain(from, &[("branch1x1", point(320))])?,
            once,
            twice,
            self.pooled(pool, from, 192)?,
        ]))
    }

    fn row_beside_column(&mut self, from: usize, a: &'static str, b: &'static str) -> Result<Node> {
        Ok(Node::Branches(vec![
            self.chain(from, &[(a, row(384, 3))])?,
            self.chain(from, &[(b, column(384, 3))])?,
        ]))
    }
}

/// All layers up to the last pool.
pub(super) fn layers(get: &mut impl FnMut(&str, &[usize]) -> Result<Vec<f32>>) -> Result<Vec<Node>> {
    let mut maker = Maker { get, block: String::new() };
    let valid = |to| kernel(to, [3, 3], 1, [0, 0]);
    let mut nodes = maker.chain(
        3,
        &[("Conv2d_1a_3x3", halving(32)), ("Conv2d_2a_3x3", valid(32)), ("Conv2d_2b_3x3", three(64))],
    )?;
    nodes.push(Node::Pool(Pool::LargestHalving));
    nodes.extend(maker.chain(64, &[("Conv2d_3b_1x1", point(80)), ("Conv2d_4a_3x3", valid(192))])?);
    nodes.push(Node::Pool(Pool::LargestHalving));
    nodes.push(maker.within("5b").block_a(192, 32)?);
    nodes.push(maker.within("5c").block_a(256, 64)?);
    nodes.push(maker.within("5d").block_a(288, 64)?);
    nodes.push(maker.within("6a").block_b(288)?);
    nodes.push(maker.within("6b").block_c(768, 128)?);
    nodes.push(maker.within("6c").block_c(768, 160)?);
    nodes.push(maker.within("6d").block_c(768, 160)?);
    nodes.push(maker.within("6e").block_c(768, 192)?);
    nodes.push(maker.within("7a").block_d(768)?);
    nodes.push(maker.within("7b").block_e(1280, Pool::Mean)?);
    nodes.push(maker.within("7c").block_e(2048, Pool::Largest)?);
    Ok(nodes)
}
