//! A variable: a tensor with a record of the operation that made it.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result, element_count, internal_error};

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
}

/// Whether operations of this thread are recorded for differentiation.
pub fn is_recording() -> bool {
    RECORDING.get()
}

/// Runs `body` with recording switched on or off, and restores the former state afterwards, also on a panic.
pub(crate) fn with_recording<R>(on: bool, body: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RECORDING.set(self.0);
        }
    }
    let _restore = Restore(RECORDING.replace(on));
    body()
}

/// Runs `body` without recording its operations: their results are constants.
pub fn without_recording<R>(body: impl FnOnce() -> R) -> R {
    with_recording(false, body)
}

/// What a backward rule is given.
pub struct Backward<'a> {
    /// The operation's name.
    pub operation: &'static str,
    /// The gradient of the differentiated quantity by this operation's output; the output's shape.
    pub gradient: &'a Variable,
    /// For each input, whether its gradient is needed.
    pub wanted: &'a [bool],
    pub(crate) saved: &'a [Variable],
    pub(crate) output: Option<Variable>,
}

impl<'a> Backward<'a> {
    /// The variables that the operation saved, in the order it named them.
    ///
    /// # Errors
    /// [`Error::Internal`] if it saved another number of them than the rule takes.
    pub fn saved<const N: usize>(&self) -> Result<&'a [Variable; N]> {
        self.saved.try_into().map_err(|_| {
            let what = format!("its rule takes {N} saved variables, it saved {}", self.saved.len());
            internal_error(self.operation, what)
        })
    }

    /// The gradient of input `index` from `rule` if it is needed, else nothing; `rule` then never runs.
    ///
    /// # Errors
    /// As `rule`, and [`Error::Internal`] if the operation has no such input.
    pub fn when(&self, index: usize, rule: impl FnOnce() -> Result<Variable>) -> Result<Option<Variable>> {
        match self.wanted.get(index) {
            Some(true) => rule().map(Some),
            Some(false) => Ok(None),
            None => {
                let what = format!("its rule has a gradient for input {index} of {}", self.wanted.len());
                Err(internal_error(self.operation, what))
            }
        }
    }

    /// The operation's own output.
    ///
    /// # Errors
    /// [`Error::Internal`] if the operation did not keep it.
    pub fn output(&self) -> Result<&Variable> {
        let missing = || internal_error(self.operation, "its rule reads the output, which it did not keep");
        self.output.as_ref().ok_or_else(missing)
    }
}

/// A backward rule: one gradient for each input, of the input's shape and dtype; `None` where it is not wanted.
pub type Rule = Box<dyn Fn(&Backward) -> Result<Vec<Option<Variable>>> + Send + Sync>;

/// What an operation left behind for its backward rule.
pub(crate) struct Memory {
    pub(crate) saved: Vec<Variable>,
    pub(crate) output: Option<Tensor>,
    pub(crate) rule: Rule,
}

pub(crate) struct Node {
    pub(crate) operation: &'static str,
    /// Of the value, and so of its gradient.
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    pub(crate) parents: Vec<Option<Arc<Node>>>,
    /// `None` for a leaf, and after the graph was released.
    pub(crate) memory: Mutex<Option<Arc<Memory>>>,
}

impl Node {
    fn new(
        operation: &'static str,
        value: &Tensor,
        parents: Vec<Option<Arc<Node>>>,
        memory: Option<Memory>,
    ) -> Arc<Self> {
        let memory = Mutex::new(memory.map(Arc::new));
        Arc::new(Self { operation, shape: value.dims().to_vec(), dtype: value.dtype(), parents, memory })
    }

    pub(crate) fn memory(&self) -> Option<Arc<Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn release(&self) {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(memory);
    }

    /// Moves everything this node keeps alive onto `pending`.
    fn dismantle(&mut self, pending: &mut Vec<Arc<Node>>) {
        pending.extend(self.parents.drain(..).flatten());
        let memory = self.memory.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(memory) = memory.and_then(Arc::into_inner) {
            pending.extend(memory.saved.into_iter().filter_map(|variable| variable.node));
        }
    }
}

impl Drop for Node {
    // A chain of thousands of nodes would overflow the stack if each dropped its parents recursively.
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.dismantle(&mut pending);
        while let Some(node) = pending.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                node.dismantle(&mut pending);
            }
        }
    }
}

/// A tensor with a record of the operation that made it, so that [`crate::grad`] can differentiate through it.
///
/// Cloning is cheap and shares both the values and the history.
#[derive(Clone)]
pub struct Variable {
    value: Tensor,
    pub(crate) node: Option<Arc<Node>>,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let made_by = self.node.as_ref().map_or("constant", |node| node.operation);
        write!(formatter, "Variable({made_by}, {:?})", self.value)
    }
}

impl Variable {
    /// A value that gradients are taken by: a parameter, or an input to differentiate by.
    pub fn leaf(value: Tensor) -> Self {
        let node = Node::new("leaf", &value, Vec::new(), None);
        Self { value, node: Some(node) }
    }

    /// A value without history.
    pub fn constant(value: Tensor) -> Self {
        Self { value, node: None }
    }

    /// A constant from numbers in row-major order, on the CPU.
    pub fn from_slice<T: candle_core::WithDType>(values: &[T], shape: &[usize]) -> Result<Self> {
        Ok(Self::constant(Tensor::from_slice(values, shape, &Device::Cpu)?))
    }

    pub(crate) fn with_node(value: Tensor, node: Arc<Node>) -> Self {
        Self { value, node: Some(node) }
    }

    /// The result of an operation: records `rule` if recording is on and an input has a history.
    ///
    /// `saved` are the variables the rule needs again; `keep_output` lets it have the result itself
    /// (saving the result among `saved` would be a cycle).
    pub fn record(
        operation: &'static str,
        value: Tensor,
        inputs: &[&Variable],
        saved: &[&Variable],
        keep_output: bool,
        rule: impl Fn(&Backward) -> Result<Vec<Option<Variable>>> + Send + Sync + 'static,
    ) -> Self {
        if !is_recording() || inputs.iter().all(|input| input.node.is_none()) {
            return Self::constant(value);
        }
        let memory = Memory {
            saved: saved.iter().map(|&variable| variable.clone()).collect(),
            output: keep_output.then(|| value.clone()),
            rule: Box::new(rule),
        };
        let parents = inputs.iter().map(|input| input.node.clone()).collect();
        let node = Node::new(operation, &value, parents, Some(memory));
        Self { value, node: Some(node) }
    }

    /// The values.
    pub fn tensor(&self) -> &Tensor {
        &self.value
    }

    /// Gives up the history and returns the values.
    pub fn into_tensor(self) -> Tensor {
        self.value.clone()
    }

    /// The same values without history: gradients stop here.
    pub fn detach(&self) -> Self {
        Self::constant(self.value.clone())
    }

    /// Whether gradients can flow into this variable.
    pub fn has_history(&self) -> bool {
        self.node.is_some()
    }

    /// The sizes of the dimensions.
    pub fn shape(&self) -> &[usize] {
        self.value.dims()
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.value.rank()
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.value.elem_count()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.value.dtype()
    }

    /// Where the values live.
    pub fn device(&self) -> &Device {
        self.value.device()
    }

    /// The size of dimension `axis`; an error naming `operation` if there is no such dimension.
    pub(crate) fn size(&self, operation: &'static str, axis: usize) -> Result<usize> {
        self.shape().get(axis).copied().ok_or_else(|| {
            crate::error::shape_error(operation, format!("no dimension {axis} in shape {:?}", self.shape()))
        })
    }

    /// The four sizes of `[batch, channels, height, width]`.
    pub fn dims4(&self, operation: &'static str) -> Result<(usize, usize, usize, usize)> {
        match *self.shape() {
            [batch, channels, height, width] => Ok((batch, channels, height, width)),
            ref other => Err(crate::error::shape_error(
                operation,
                format!("expected [batch, channels, height, width], got {other:?}"),
            )),
        }
    }

    /// The single number of a scalar or one-element variable.
    pub fn scalar(&self) -> Result<f64> {
        if self.elements() != 1 {
            return Err(crate::error::shape_error(
                "scalar",
                format!("expected one element, got shape {:?}", self.shape()),
            ));
        }
        let flat = self.value.flatten_all()?.to_dtype(DType::F64)?;
        Ok(flat.get(0)?.to_scalar::<f64>()?)
    }

    /// All elements in row-major order, as `f64`.
    pub fn to_vec(&self) -> Result<Vec<f64>> {
        Ok(self.value.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?)
    }

    /// All elements in row-major order, as `f32`.
    pub fn to_vec_f32(&self) -> Result<Vec<f32>> {
        Ok(self.value.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?)
    }

    /// A constant of the same shape, dtype and device, filled with `value`.
    pub fn full_like(&self, value: f64) -> Result<Self> {
        Self::full(value, self.shape(), self.dtype(), self.device())
    }

    /// A constant filled with `value`.
    pub fn full(value: f64, shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        let count = element_count("full", shape)?;
        let tensor = match (dtype, device) {
            (DType::F32, Device::Cpu) => Tensor::from_vec(vec![value as f32; count], shape, device)?,
            (DType::F64, Device::Cpu) => Tensor::from_vec(vec![value; count], shape, device)?,
            _ => Tensor::full(value, shape, device)?.to_dtype(dtype)?,
        };
        Ok(Self::constant(tensor))
    }
}

/// Refuses operands of different dtypes or devices, naming the operation.
pub(crate) fn agree(operation: &'static str, left: &Variable, right: &Variable) -> Result<()> {
    if left.dtype() != right.dtype() {
        let (left, right) = (format!("{:?}", left.dtype()), format!("{:?}", right.dtype()));
        return Err(Error::Dtype { operation, left, right });
    }
    if !left.device().same_device(right.device()) {
        let (left, right) = (format!("{:?}", left.device()), format!("{:?}", right.device()));
        return Err(Error::Device { operation, left, right });
    }
    Ok(())
}
