//! The shape of a convolution, shared by its three kernels.

use std::fmt;

/// A two-dimensional convolution (cross-correlation) of `[batch, in_channels, in_height, in_width]` images:
/// `out[n, o, y, x] = sum over c, i, j of in[n, c, y stride - padding + i dilation, x ...] weight[o, c, i, j]`,
/// zero outside the image. Pairs are `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Channels of an input image.
    pub in_channels: usize,
    /// Rows of an input image.
    pub in_height: usize,
    /// Columns of an input image.
    pub in_width: usize,
    /// Channels of an output image.
    pub out_channels: usize,
    /// Size of the kernel.
    pub kernel: [usize; 2],
    /// Input pixels between neighbouring output pixels.
    pub stride: [usize; 2],
    /// Zero rows and columns added on every side.
    pub padding: [usize; 2],
    /// Input pixels between neighbouring taps of the kernel.
    pub dilation: [usize; 2],
    /// Output channels are cut into as many groups as input channels, and each group sees only its own.
    pub groups: usize,
}

/// Why a [`Geometry`] describes no convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeometryError {
    /// This field is zero and must not be.
    Zero(&'static str),
    /// The number of groups does not divide both channel counts.
    Groups {
        /// The number of groups.
        groups: usize,
        /// Channels of the input.
        in_channels: usize,
        /// Channels of the output.
        out_channels: usize,
    },
    /// The dilated kernel does not fit into the padded input.
    Kernel {
        /// `[height, width]` of the dilated kernel.
        extent: [usize; 2],
        /// `[height, width]` of the padded input.
        padded: [usize; 2],
    },
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(field) => write!(f, "convolution {field} is 0; it must be at least 1"),
            Self::Groups { groups, in_channels, out_channels } => write!(
                f,
                "{groups} convolution groups do not divide {in_channels} input and {out_channels} output channels; \
                 choose a common divisor"
            ),
            Self::Kernel { extent: [h, w], padded: [ph, pw] } => write!(
                f,
                "convolution kernel of {h} x {w} pixels (dilation included) is larger than the padded input of \
                 {ph} x {pw}; use more padding or a smaller kernel"
            ),
        }
    }
}

impl std::error::Error for GeometryError {}

impl Geometry {
    /// Rows of an output image: `(in_height + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down.
    pub fn out_height(&self) -> usize {
        self.out_size(0)
    }

    /// Columns of an output image.
    pub fn out_width(&self) -> usize {
        self.out_size(1)
    }

    /// Whether this is a convolution at all; the kernels panic if it is not.
    ///
    /// # Errors
    /// A kernel, stride, dilation or group count of zero, groups that do not divide the channels, or a kernel larger
    /// than the padded input.
    pub fn check(&self) -> Result<(), GeometryError> {
        let pairs = [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)];
        for (field, sizes) in pairs.into_iter().chain([("group count", [self.groups; 2])]) {
            if sizes.contains(&0) {
                return Err(GeometryError::Zero(field));
            }
        }
        let Self { groups, in_channels, out_channels, .. } = *self;
        if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(GeometryError::Groups { groups, in_channels, out_channels });
        }
        let (extent, padded) = ([self.extent(0), self.extent(1)], [self.padded(0), self.padded(1)]);
        if extent[0] > padded[0] || extent[1] > padded[1] {
            return Err(GeometryError::Kernel { extent, padded });
        }
        Ok(())
    }

    /// Input rows or columns a kernel spans.
    fn extent(&self, axis: usize) -> usize {
        self.dilation[axis] * self.kernel[axis].saturating_sub(1) + 1
    }

    fn padded(&self, axis: usize) -> usize {
        [self.in_height, self.in_width][axis] + 2 * self.padding[axis]
    }

    fn out_size(&self, axis: usize) -> usize {
        (self.padded(axis).saturating_sub(self.extent(axis))) / self.stride[axis].max(1) + 1
    }

    /// Input channels that one output channel sees.
    pub(super) fn group_inputs(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels that see the same input channels.
    pub(super) fn group_outputs(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Pixels of an input image.
    pub(super) fn in_pixels(&self) -> usize {
        self.in_height * self.in_width
    }

    /// Pixels of an output image.
    pub(super) fn out_pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// The numbers of elements of input, weight and output.
    pub(super) fn lengths(&self) -> [usize; 3] {
        [
            self.batch * self.in_channels * self.in_pixels(),
            self.out_channels * self.group_inputs() * self.taps(),
            self.batch * self.out_channels * self.out_pixels(),
        ]
    }

    /// Whether every output pixel sees the whole image, which makes the convolution one matrix product.
    pub(super) fn is_product(&self) -> bool {
        self.groups == 1
            && self.padding == [0, 0]
            && self.kernel == [self.in_height, self.in_width]
            && (self.dilation == [1, 1] || self.taps() == 1)
    }
}
