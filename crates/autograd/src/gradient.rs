//! The walk backwards: gradients of outputs by inputs, of any order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::buffer;
use crate::error::{Error, Result, internal_error, shape_error};
use crate::variable::{Backward, Node, Variable, agree, is_recording, with_recording};

/// How to differentiate.
#[derive(Clone, Copy, Debug, Default)]
pub struct GradientOptions {
    /// Record the backward pass itself, so that its results can be differentiated again.
    pub create_graph: bool,
    /// Keep what the operations saved, so that the same graph can be differentiated again.
    /// Implied by `create_graph`.
    pub retain_graph: bool,
    /// Return `None` for an input that no output depends on, instead of an error.
    pub allow_unused: bool,
}

/// An output to differentiate, and the weight of each of its elements (its cotangent).
pub struct Output<'a> {
    /// The differentiated variable.
    pub variable: &'a Variable,
    /// The weight of each element, of the same shape; `None` is 1 for a one-element output.
    pub weight: Option<&'a Variable>,
}

/// The gradients of one-element `output` by each of `inputs`, in their order and shapes.
///
/// With `create_graph` the gradients can be differentiated again and the graph is kept; without it,
/// the graph's saved values are released as the walk passes them. Only the paths that lead to the
/// inputs are visited.
///
/// # Errors
/// If the output has more than one element, or does not depend on one of the inputs.
pub fn grad(output: &Variable, inputs: &[&Variable], create_graph: bool) -> Result<Vec<Variable>> {
    let options = GradientOptions { create_graph, ..Default::default() };
    let gradients = grad_of(&[Output { variable: output, weight: None }], inputs, options)?;
    let present = |((index, input), gradient): ((usize, &&Variable), Option<Variable>)| {
        gradient.ok_or_else(|| Error::Unused { index, shape: input.shape().to_vec() })
    };
    inputs.iter().enumerate().zip(gradients).map(present).collect()
}

/// The gradients of `sum_k <weight_k, output_k>` by each of `inputs`.
///
/// # Errors
/// If a weight is missing for an output of several elements or has another shape, if an input is a
/// constant, if nothing leads from the outputs to an input (unless `allow_unused`), or if the graph
/// was released by an earlier gradient.
pub fn grad_of(
    outputs: &[Output<'_>],
    inputs: &[&Variable],
    options: GradientOptions,
) -> Result<Vec<Option<Variable>>> {
    let roots: Vec<Arc<Node>> = outputs.iter().filter_map(|output| output.variable.node.clone()).collect();
    let mut targets: HashMap<*const Node, Option<Variable>> = HashMap::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        match &input.node {
            Some(node) => targets.insert(Arc::as_ptr(node), None),
            None if options.allow_unused => continue,
            None => return Err(Error::NotALeaf { index, shape: input.shape().to_vec() }),
        };
    }
    let (order, needed) = needed_nodes(&roots, |node| targets.contains_key(&node));
    let mut pending: HashMap<*const Node, Accumulated> = HashMap::new();
    for output in outputs {
        if let Some(node) = &output.variable.node
            && needed[&Arc::as_ptr(node)]
        {
            accumulate(&mut pending, node, seed(output)?, false)?;
        }
    }
    let record = options.create_graph && is_recording();
    with_recording(record, || {
        for node in order.into_iter().rev() {
            let pointer = Arc::as_ptr(&node);
            let Some(gradient) = pending.remove(&pointer) else { continue };
            let gradient = gradient.variable;
            let walked = propagate(&node, &gradient, &needed, &mut pending)?;
            if walked && !options.create_graph && !options.retain_graph {
                node.release();
            }
            if let Some(slot) = targets.get_mut(&pointer) {
                *slot = Some(gradient);
            }
        }
        Ok::<(), Error>(())
    })?;
    let result = |(index, input): (usize, &&Variable)| {
        let gradient =
            input.node.as_ref().and_then(|node| targets.get(&Arc::as_ptr(node)).cloned().flatten());
        if gradient.is_none() && !options.allow_unused {
            return Err(Error::Unused { index, shape: input.shape().to_vec() });
        }
        Ok(gradient)
    };
    inputs.iter().enumerate().map(result).collect()
}

/// The weight that an output starts the walk with.
fn seed(output: &Output<'_>) -> Result<Variable> {
    match output.weight {
        Some(weight) if weight.shape() == output.variable.shape() => {
            agree("grad", output.variable, weight)?;
            Ok(weight.clone())
        }
        Some(weight) => Err(shape_error(
            "grad",
            format!(
                "an output of shape {:?} has a weight of shape {:?}",
                output.variable.shape(),
                weight.shape()
            ),
        )),
        None if output.variable.elements() == 1 => output.variable.full_like(1.0),
        None => Err(shape_error(
            "grad",
            format!(
                "an output of shape {:?} needs a weight for each element; reduce it with `sum` or `mean` first",
                output.variable.shape()
            ),
        )),
    }
}

/// The nodes reachable from `roots` in topological order (parents first), and for each whether it leads to a target.
type Needed = HashMap<*const Node, bool>;

fn needed_nodes(roots: &[Arc<Node>], is_target: impl Fn(*const Node) -> bool) -> (Vec<Arc<Node>>, Needed) {
    let mut order = Vec::new();
    let mut needed = Needed::new();
    // (node, next parent to visit): an explicit stack, since graphs are deeper than the call stack.
    let mut stack: Vec<(Arc<Node>, usize)> = Vec::new();
    for root in roots {
        if needed.insert(Arc::as_ptr(root), false).is_none() {
            stack.push((root.clone(), 0));
        } else {
            continue;
        }
        while let Some((node, next)) = stack.last_mut() {
            if let Some(parent) = node.parents.get(*next) {
                *next += 1;
                if let Some(parent) = parent
                    && !needed.contains_key(&Arc::as_ptr(parent))
                {
                    needed.insert(Arc::as_ptr(parent), false);
                    let parent = parent.clone();
                    stack.push((parent, 0));
                }
                continue;
            }
            let pointer = Arc::as_ptr(node);
            let leads = is_target(pointer)
                || node
                    .parents
                    .iter()
                    .flatten()
                    .any(|parent| needed.get(&Arc::as_ptr(parent)) == Some(&true));
            needed.insert(pointer, leads);
            if let Some((node, _)) = stack.pop()
                && leads
            {
                order.push(node);
            }
        }
    }
    (order, needed)
}

/// A gradient being summed; `owned` when its buffer was made here and nothing else refers to it.
struct Accumulated {
    variable: Variable,
    owned: bool,
}

fn accumulate(
    pending: &mut HashMap<*const Node, Accumulated>,
    node: &Arc<Node>,
    gradient: Variable,
    in_place: bool,
) -> Result<()> {
    use std::collections::hash_map::Entry;
    match pending.entry(Arc::as_ptr(node)) {
        Entry::Vacant(slot) => {
            slot.insert(Accumulated { variable: gradient, owned: false });
        }
        Entry::Occupied(mut slot) => {
            let held = slot.get_mut();
            if held.owned && in_place && buffer::add_in_place(held.variable.tensor(), gradient.tensor())? {
                return Ok(());
            }
            *held = Accumulated { variable: held.variable.add(&gradient)?, owned: true };
        }
    }
    Ok(())
}

/// Runs a node's rule and hands its results to the parents that lead somewhere; whether there are any.
fn propagate(
    node: &Arc<Node>,
    gradient: &Variable,
    needed: &Needed,
    pending: &mut HashMap<*const Node, Accumulated>,
) -> Result<bool> {
    let leads = |parent: &Option<Arc<Node>>| {
        parent.as_ref().is_some_and(|parent| needed.get(&Arc::as_ptr(parent)) == Some(&true))
    };
    let wanted: Vec<bool> = node.parents.iter().map(leads).collect();
    if !wanted.contains(&true) {
        return Ok(false);
    }
    let operation = node.operation;
    let memory = node.memory().ok_or(Error::Released { operation })?;
    let output = memory.output.clone().map(|value| Variable::with_node(value, node.clone()));
    let arguments = Backward { operation, gradient, wanted: &wanted, saved: &memory.saved, output };
    let results = (memory.rule)(&arguments).map_err(|error| match error {
        Error::Tensor { source, .. } => Error::Tensor { operation, source },
        other => other,
    })?;
    if results.len() != node.parents.len() {
        let what = format!("its rule gave {} gradients for {} inputs", results.len(), node.parents.len());
        return Err(internal_error(operation, what));
    }
    for (index, ((parent, wanted), result)) in node.parents.iter().zip(&wanted).zip(results).enumerate() {
        let (Some(parent), true) = (parent, wanted) else { continue };
        let Some(result) = result else {
            let what = format!("its rule gave no gradient for input {index}, which was wanted");
            return Err(internal_error(operation, what));
        };
        if result.shape() != parent.shape || result.dtype() != parent.dtype {
            let what = format!(
                "its rule gave a gradient of {:?} {:?} for input {index} of {:?} {:?}",
                result.shape(),
                result.dtype(),
                parent.shape,
                parent.dtype
            );
            return Err(internal_error(operation, what));
        }
        accumulate(pending, parent, result, !is_recording())?;
    }
    Ok(true)
}

/// The gradients of a fused operation by its `inputs`, found from the same function composed of plain
/// operations, so that they can be differentiated again; zeros where the composition does not read an input.
///
/// Fast rules use this when [`is_recording`]: their kernels give numbers, the composition gives a graph.
pub fn through_composition(
    backward: &Backward<'_>,
    inputs: &[Variable],
    composition: impl FnOnce(&[Variable]) -> Result<Variable>,
) -> Result<Vec<Option<Variable>>> {
    if inputs.len() != backward.wanted.len() {
        let what = format!("its composition takes {} inputs, it has {}", inputs.len(), backward.wanted.len());
        return Err(internal_error(backward.operation, what));
    }
    // Stand-ins make the inputs independent of each other, so that the gradients are partial derivatives.
    let standins: Vec<Variable> = inputs.iter().map(Variable::alias).collect();
    let wanted = standins.iter().zip(backward.wanted).filter(|(_, wanted)| **wanted);
    let asked: Vec<&Variable> = wanted.map(|(input, _)| input).collect();
    if asked.iter().any(|input| !input.has_history()) {
        let what = "its composition runs unrecorded, or on an input that lost its history";
        return Err(internal_error(backward.operation, what));
    }
    let output = composition(&standins)?;
    let options = GradientOptions { create_graph: true, retain_graph: true, allow_unused: true };
    let weighted = Output { variable: &output, weight: Some(backward.gradient) };
    let mut found = asked.iter().zip(grad_of(&[weighted], &asked, options)?);
    let mut next = || {
        let missing = || internal_error(backward.operation, "its composition gave too few gradients");
        let (input, gradient) = found.next().ok_or_else(missing)?;
        gradient.map_or_else(|| input.full_like(0.0), Ok)
    };
    backward.wanted.iter().map(|&wanted| if wanted { next().map(Some) } else { Ok(None) }).collect()
}
