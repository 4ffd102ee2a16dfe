//! The one innermost loop: a register tile of a matrix product.

use crate::vector::Vector;

/// `left[r][k]` is at `left + rows[r] + k`.
pub(crate) const ROWS: u8 = 0;
/// `left[r][k]` is at `left + rows[r] + left_steps[k]`.
pub(crate) const STEPS: u8 = 1;

/// The most rows a tile has.
pub(crate) const TILE_ROWS: usize = 6;

/// One tile `out[r][c] (+)= sum over k < depth of left[r][k] right[k][c]`. With vectors of pairs both operands are pairs, see
/// [`crate::pairs`], and `k` counts these.
///
/// Where `left[r][k]` is depends on the mode: [`ROWS`] or [`STEPS`]. The row `right[k]` at
/// `right + k * width`, or at `right + right_steps[k]`; vector `v` of `out[r]` at `out + r * out_stride + vectors[v]`.
pub(crate) struct Tile<'a, T> {
    pub(crate) left: *const T,
    pub(crate) rows: &'a [usize],
    pub(crate) left_steps: *const usize,
    pub(crate) right: *const T,
    pub(crate) right_steps: *const usize,
    pub(crate) depth: usize,
    pub(crate) out: *mut T,
    pub(crate) out_stride: usize,
    pub(crate) vectors: &'a [usize],
    pub(crate) accumulate: bool,
}

/// Computes a tile of one to [`TILE_ROWS`] rows and `WIDTH` vectors. `RIGHT_STEPS` says whether
/// that table is read.
///
/// # Safety
/// All addresses a [`Tile`] names must be readable, there must be as many vectors as the tile is wide, its output writable and unshared, and the processor must have
/// the vectors.
#[inline(always)]
pub(crate) unsafe fn multiply_tile<V: Vector, const WIDTH: usize, const LEFT: u8, const RIGHT_STEPS: bool>(
    tile: &Tile<'_, V::Element>,
) {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        match tile.rows.len() {
            6 => V::tile::<6, WIDTH, LEFT, RIGHT_STEPS>(tile),
            5 => V::tile::<5, WIDTH, LEFT, RIGHT_STEPS>(tile),
            4 => V::tile::<4, WIDTH, LEFT, RIGHT_STEPS>(tile),
            3 => V::tile::<3, WIDTH, LEFT, RIGHT_STEPS>(tile),
            2 => V::tile::<2, WIDTH, LEFT, RIGHT_STEPS>(tile),
            _ => V::tile::<1, WIDTH, LEFT, RIGHT_STEPS>(tile),
        }
    }
}

/// The vectors of a tile side by side.
#[inline(always)]
pub(crate) fn adjacent<V: Vector>() -> [usize; 8] {
    std::array::from_fn(|v| v * V::LANES)
}

/// Computes a tile of exactly `ROWS` rows.
///
/// # Safety
/// As [`multiply_tile`], and the tile has at least `ROWS` rows.
#[inline(always)]
pub(crate) unsafe fn rows<
    V: Vector,
    const ROWS: usize,
    const WIDTH: usize,
    const LEFT: u8,
    const RIGHT_STEPS: bool,
>(
    tile: &Tile<'_, V::Element>,
) {
    // SAFETY: the caller's promise covers every address computed here.
    unsafe {
        let mut left = [tile.left; ROWS];
        for (r, start) in left.iter_mut().enumerate() {
            *start = tile.left.add(*tile.rows.get_unchecked(r));
        }
        let mut sums = [[V::zero(); WIDTH]; ROWS];
        for k in 0..V::places(tile.depth) {
            let right_step = if RIGHT_STEPS { *tile.right_steps.add(k) } else { k * (WIDTH * V::LANES) };
            let left_step = match LEFT {
                STEPS => *tile.left_steps.add(k),
                _ => k,
            };
            let from = tile.right.add(right_step);
            let mut right = [V::zero(); WIDTH];
            for (v, vector) in right.iter_mut().enumerate() {
                *vector = V::load(from.add(v * V::LANES));
            }
            for r in 0..ROWS {
                let factor = V::splat(*left[r].add(left_step));
                for v in 0..WIDTH {
                    sums[r][v] = sums[r][v].add_product(factor, right[v]);
                }
            }
        }
        for (r, row) in sums.iter().enumerate() {
            for (v, &sum) in row.iter().enumerate() {
                let to = tile.out.add(r * tile.out_stride + *tile.vectors.get_unchecked(v));
                let total = if tile.accumulate { V::load(to).add(sum) } else { sum };
                total.store(to);
            }
        }
    }
}

/// How columns are cut into panels: as many as possible of the tile's width, then single vectors, of which the last
/// may be partly empty. A packed panel stores its rows one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels {
    columns: usize,
    wide: usize,
    lanes: usize,
}

impl Panels {
    #[inline(always)]
    pub(crate) fn new<V: Vector, const WIDTH: usize>(columns: usize) -> Self {
        Self { columns, wide: WIDTH * V::LANES, lanes: V::LANES }
    }

    #[inline(always)]
    fn full(&self) -> usize {
        self.columns / self.wide
    }

    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.full() + (self.columns % self.wide).div_ceil(self.lanes)
    }

    /// The first column of a panel; for the panel after the last, the padded number of columns.
    #[inline(always)]
    pub(crate) fn start(&self, panel: usize) -> usize {
        if panel <= self.full() {
            panel * self.wide
        } else {
            self.full() * self.wide + (panel - self.full()) * self.lanes
        }
    }

    /// All columns, the empty ones of the last panel included.
    #[inline(always)]
    pub(crate) fn padded(&self) -> usize {
        self.start(self.count())
    }

    #[inline(always)]
    pub(crate) fn is_wide(&self, panel: usize) -> bool {
        panel < self.full()
    }

    /// The panel of a column.
    #[inline(always)]
    pub(crate) fn containing(&self, column: usize) -> usize {
        let full = self.full() * self.wide;
        if column < full { column / self.wide } else { self.full() + (column - full) / self.lanes }
    }

    /// The columns of a panel that are not empty.
    #[inline(always)]
    pub(crate) fn used(&self, panel: usize) -> usize {
        (self.start(panel + 1) - self.start(panel)).min(self.columns - self.start(panel))
    }

    #[inline(always)]
    pub(crate) fn width(&self, panel: usize) -> usize {
        self.start(panel + 1) - self.start(panel)
    }
}
