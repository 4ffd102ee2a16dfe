//! What can go wrong, in sentences for people.

/// Every error of the library. Messages say what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A computation on tensors.
    #[error(transparent)]
    Autograd(#[from] brigand_autograd::Error),
    /// A recipe that cannot be followed: an unknown key, an impossible value or combination.
    #[error("{0}")]
    Recipe(String),
    /// A network that cannot be built for the data, or was given inputs that do not fit.
    #[error("{0}")]
    Network(String),
    /// Data that lacks what a system needs.
    #[error("{0}")]
    Data(String),
    /// A checkpoint that does not fit the system.
    #[error("{0}")]
    State(String),
    /// A loss or weight that is no longer a number.
    #[error(
        "{what} became {value} at step {step}; the last good checkpoint is kept. \
         Try a lower learning rate{}, a larger batch, or another objective",
        settings(keys)
    )]
    NotFinite {
        /// The quantity.
        what: String,
        /// What it became.
        value: f64,
        /// The step at which it happened.
        step: u64,
        /// The networks that the step trained; none where the quantity is a part of a network.
        trained: Vec<String>,
        /// The keys of the learning rates that may be too high, where the recipe is known.
        keys: Vec<String>,
    },
    /// A request that a trained system cannot fulfil.
    #[error("{0}")]
    Request(String),
    /// Something that must always hold does not.
    #[error("this is a fault of Brigand, not of its use; please report it: {0}")]
    Internal(String),
    /// An error of a layer above: of files, data, pictures, measurements.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// How `keys` are set, in brackets; nothing without any.
fn settings(keys: &[String]) -> String {
    let each: Vec<String> = keys.iter().map(|key| format!("--set {key}=...")).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}

impl Error {
    /// An error of a layer above.
    pub fn other(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Other(Box::new(error))
    }

    /// The error of a layer above, where it is of type `E`.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Other(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Autograd(error.into())
    }
}

/// `Result` with the library's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
