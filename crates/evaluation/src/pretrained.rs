//! Networks whose weights were trained elsewhere, on images that each of them brings to its own size.

use brigand_core::error::{Error, Result};
use brigand_kernels::element::Products;
use brigand_kernels::gemm::{Matrix, multiply};
use brigand_kernels::pool::{parallel_chunks, threads};

/// Images that go through a network together on one thread: enough to use every weight several times while it is
/// near, few enough that the maps stay in the cache.
const GROUP: usize = 8;

/// An image in a size of its own.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// Row-major values in [0, 1].
    pub values: &'a [f32],
    /// `[channels, height, width]`.
    pub shape: [usize; 3],
}

/// What a network gives for a batch of images.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOutput {
    /// The means of the last maps, `[batch, features]`, row after row.
    pub features: Vec<f32>,
    /// The scores of the classes before softmax, `[batch, classes]`, row after row.
    pub logits: Vec<f32>,
}

/// A network in evaluation mode, on the processor.
pub trait PretrainedNetwork: Send + Sync {
    /// Features and logits of images that may have different sizes, each resized by itself; grey ones are repeated to
    /// three channels. An image's output does not depend on the others of its batch.
    ///
    /// # Errors
    /// If there is no image, or one does not have its shape or neither 1 nor 3 channels.
    fn forward_each(&self, images: &[Image<'_>]) -> Result<NetworkOutput>;
}

/// Refuses images that `network` cannot read.
///
/// # Errors
/// As [`PretrainedNetwork::forward_each`].
pub(crate) fn check_images(network: &str, images: &[Image<'_>]) -> Result<()> {
    let unfit = |image: &&Image<'_>| {
        image.values.is_empty()
            || image.values.len() != image.shape.iter().product::<usize>()
            || ![1, 3].contains(&image.shape[0])
    };
    if let Some(image) = images.iter().find(unfit) {
        return Err(Error::Request(format!(
            "{network} needs images [1 or 3, height, width], got {} numbers as {:?}",
            image.values.len(),
            image.shape
        )));
    }
    if images.is_empty() {
        return Err(Error::Request(format!("{network} needs at least one image")));
    }
    Ok(())
}

/// The features of `images`, `size` of each, which `compute(group, features)` writes for a few images at a time on
/// every thread.
pub(crate) fn features_of_groups(
    images: &[Image<'_>],
    size: usize,
    compute: impl Fn(&[Image<'_>], &mut [f32]) + Sync,
) -> Vec<f32> {
    // Equal shares for all threads.
    let share = images.len().div_ceil(threads()).max(1);
    let group = share.div_ceil(share.div_ceil(GROUP));
    let mut features = vec![0.0; images.len() * size];
    parallel_chunks(&mut features, group * size, |index, features| {
        let own = images.chunks(group).nth(index).unwrap_or_default();
        compute(own, features);
    });
    features
}

/// The last layer: from features to the logits of classes.
pub(crate) struct LastLayer {
    /// `[classes, features]`.
    weight: Vec<f32>,
    /// `[classes]`.
    bias: Vec<f32>,
    features: usize,
}

impl LastLayer {
    /// The layer called `name`; `get(name, shape)` returns its parameters.
    ///
    /// # Errors
    /// As `get`.
    pub(crate) fn new(
        name: &str,
        [classes, features]: [usize; 2],
        get: &mut impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let weight = get(&format!("{name}.weight"), &[classes, features])?;
        Ok(Self { weight, bias: get(&format!("{name}.bias"), &[classes])?, features })
    }

    /// The logits of `[batch, features]`, row after row.
    pub(crate) fn logits(&self, features: &[f32]) -> Vec<f32> {
        let (count, classes) = (features.len() / self.features, self.bias.len());
        let mut logits: Vec<f32> = self.bias.iter().copied().cycle().take(count * classes).collect();
        let weight = Matrix::row_major(&self.weight, classes, self.features).transposed();
        multiply(
            Products::Full,
            Matrix::row_major(features, count, self.features),
            weight,
            &mut logits,
            true,
        );
        logits
    }
}

/// `get`, which must return as many numbers as the shape it is given has.
pub(crate) fn of_length(
    mut get: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
) -> impl FnMut(&str, &[usize]) -> Result<Vec<f32>> {
    move |name: &str, shape: &[usize]| {
        let (values, count) = (get(name, shape)?, shape.iter().product::<usize>());
        if values.len() == count {
            return Ok(values);
        }
        Err(Error::Network(format!("`{name}` has {} numbers, {shape:?} needs {count}", values.len())))
    }
}
