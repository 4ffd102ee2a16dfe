//! What can go wrong on the tape.

/// An operation that cannot be done, with the operation's name and the shapes, dtypes or devices it was given.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The shapes do not fit the operation.
    #[error("{operation}: {reason}")]
    Shape {
        /// The operation that refused.
        operation: &'static str,
        /// What does not fit, with the shapes.
        reason: String,
    },
    /// Two operands differ in dtype.
    #[error("{operation}: operands of different dtypes, {left} and {right}; convert one with `to_dtype`")]
    Dtype {
        /// The operation that refused.
        operation: &'static str,
        /// The first operand's dtype.
        left: String,
        /// The second operand's dtype.
        right: String,
    },
    /// Two operands live on different devices.
    #[error("{operation}: operands on different devices, {left} and {right}; move one with `to_device`")]
    Device {
        /// The operation that refused.
        operation: &'static str,
        /// The first operand's device.
        left: String,
        /// The second operand's device.
        right: String,
    },
    /// An input does not influence the output.
    #[error(
        "the output does not depend on input {index} (shape {shape:?}), so there is no gradient; \
         leave it out, or allow unused inputs to receive none"
    )]
    Unused {
        /// Position in the list of inputs asked for.
        index: usize,
        /// The input's shape.
        shape: Vec<usize>,
    },
    /// An input is a constant: nothing was recorded on it.
    #[error(
        "input {index} (shape {shape:?}) is a constant; make it with `Variable::leaf` to differentiate by it"
    )]
    NotALeaf {
        /// Position in the list of inputs asked for.
        index: usize,
        /// The input's shape.
        shape: Vec<usize>,
    },
    /// The graph behind an output was already consumed by an earlier gradient.
    #[error(
        "{operation}: its graph was already used for a gradient and released; retain the graph in the first gradient"
    )]
    Released {
        /// The operation whose saved values are gone.
        operation: &'static str,
    },
    /// A backward rule broke its contract; nothing that an operation was given can cause it.
    #[error("{operation}: {what}; this is a fault of Brigand and not of its input, please report it")]
    Internal {
        /// The operation whose rule is wrong.
        operation: &'static str,
        /// What was expected and what was found.
        what: String,
    },
    /// An error of the tensor library.
    #[error("{operation}: {source}")]
    Tensor {
        /// The operation during which it happened.
        operation: &'static str,
        /// candle's own error.
        source: candle_core::Error,
    },
}

impl From<candle_core::Error> for Error {
    fn from(source: candle_core::Error) -> Self {
        Self::Tensor { operation: "tensor", source }
    }
}

/// `Result` with the tape's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

pub(crate) fn shape_error(operation: &'static str, reason: impl Into<String>) -> Error {
    Error::Shape { operation, reason: reason.into() }
}

pub(crate) fn internal_error(operation: &'static str, what: impl Into<String>) -> Error {
    Error::Internal { operation, what: what.into() }
}

/// The number of elements of `shape`; an error where memory cannot hold that many.
pub(crate) fn element_count(operation: &'static str, shape: &[usize]) -> Result<usize> {
    let count = shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
    count
        .filter(|&count| count <= isize::MAX as usize / size_of::<f64>())
        .ok_or_else(|| shape_error(operation, format!("no memory holds the elements of {shape:?}")))
}
