//! The smallest GAN: the data is one point at 0, the generator one point at `theta`, the discriminator
//! `D(x) = psi x` (Mescheder et al. 2018, arXiv:1801.04406).
//!
//! As is customary for it, D is high on fakes: it ascends and the generator descends
//! `V = h(psi theta) + h(0)` with `h(t) = -ln(1 + e^-t)`. The equilibrium is the origin.

/// The losses of both players, and modifications that make the training converge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Game {
    /// Both players on `V`.
    Minimax,
    /// The generator's loss that does not saturate.
    NonSaturating,
    /// `V = psi theta`: the critic without a constraint.
    Wasserstein,
    /// Wasserstein with `psi` clipped to `[-limit, limit]` after each step.
    Clipping {
        /// The largest weight.
        limit: f64,
    },
    /// Wasserstein with `weight (|psi| - 1)²`: the slope of this critic is `psi` everywhere.
    GradientPenalty {
        /// The factor.
        weight: f64,
    },
    /// Wasserstein with `weight max(0, |psi| - 1)²`.
    LipschitzPenalty {
        /// The factor.
        weight: f64,
    },
    /// Minimax with `gamma / 2 psi²`: the squared slope at the real point.
    R1 {
        /// The factor.
        gamma: f64,
    },
    /// Minimax with normal noise added to the real and the generated point.
    InstanceNoise {
        /// The noise's standard deviation.
        deviation: f64,
    },
    /// Minimax where both players also descend `gamma / 2 |v|²` of the whole vector field (Mescheder et al. 2017,
    /// arXiv:1705.10461).
    Consensus {
        /// The factor.
        gamma: f64,
    },
    /// Minimax whose generator differentiates through some steps of the discriminator (Metz et al. 2017, arXiv:1611.02163).
    Unrolled {
        /// Unrolled steps.
        steps: usize,
        /// The size of each.
        rate: f64,
    },
}

/// The order of the two updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Both from the same point.
    Simultaneous,
    /// The discriminator first, then the generator against it.
    Alternating,
}

/// A one-point GAN trained by gradient steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiracGan {
    /// What is played.
    pub game: Game,
    /// How the players take turns.
    pub order: Order,
}

impl DiracGan {
    /// The directions `(theta', psi')` in which the players move at a point.
    pub fn field(&self, theta: f64, psi: f64) -> (f64, f64) {
        self.game.field(theta, psi)
    }

    /// The point `(theta, psi)` after one step of size `rate`.
    pub fn step(&self, (theta, psi): (f64, f64), rate: f64) -> (f64, f64) {
        let (along_theta, along_psi) = self.field(theta, psi);
        let moved = self.game.constrained(psi + rate * along_psi);
        let along_theta = match self.order {
            Order::Simultaneous => along_theta,
            Order::Alternating => self.field(theta, moved).0,
        };
        (theta + rate * along_theta, moved)
    }

    /// The `steps + 1` points from `start` on.
    pub fn trajectory(&self, start: (f64, f64), rate: f64, steps: usize) -> Vec<(f64, f64)> {
        std::iter::successors(Some(start), |&point| Some(self.step(point, rate))).take(steps + 1).collect()
    }

    /// The two eigenvalues, as real and imaginary parts, of the field's Jacobian at the origin (by central
    /// differences): it converges where both real parts are negative, and turns where there are imaginary ones.
    pub fn eigenvalues(&self) -> [(f64, f64); 2] {
        const REACH: f64 = 1e-5;
        let slope = |theta: f64, psi: f64| {
            let (ahead, behind) = (self.field(theta, psi), self.field(-theta, -psi));
            ((ahead.0 - behind.0) / (2.0 * REACH), (ahead.1 - behind.1) / (2.0 * REACH))
        };
        let ((a, c), (b, d)) = (slope(REACH, 0.0), slope(0.0, REACH));
        let (half_trace, determinant) = ((a + d) / 2.0, a * d - b * c);
        let root = (half_trace * half_trace - determinant).abs().sqrt();
        if half_trace * half_trace >= determinant {
            [(half_trace + root, 0.0), (half_trace - root, 0.0)]
        } else {
            [(half_trace, root), (half_trace, -root)]
        }
    }
}

impl Game {
    fn field(self, theta: f64, psi: f64) -> (f64, f64) {
        let slope = falling(psi * theta);
        match self {
            Self::Minimax => (-psi * slope, theta * slope),
            Self::NonSaturating => (-psi * falling(-psi * theta), theta * slope),
            Self::Wasserstein | Self::Clipping { .. } => (-psi, theta),
            Self::GradientPenalty { weight } => {
                let direction = if psi == 0.0 { 0.0 } else { psi.signum() };
                (-psi, theta - 2.0 * weight * (psi.abs() - 1.0) * direction)
            }
            Self::LipschitzPenalty { weight } => {
                (-psi, theta - 2.0 * weight * (psi.abs() - 1.0).max(0.0) * psi.signum())
            }
            Self::R1 { gamma } => (-psi * slope, theta * slope - gamma * psi),
            Self::InstanceNoise { deviation } => noisy(theta, psi, deviation),
            Self::Consensus { gamma } => consensus(theta, psi, gamma),
            Self::Unrolled { steps, rate } => (unrolled_pull(theta, psi, steps, rate), theta * slope),
        }
    }

    fn constrained(self, psi: f64) -> f64 {
        match self {
            Self::Clipping { limit } => psi.clamp(-limit, limit),
            _ => psi,
        }
    }
}

/// `h'(t) = 1 / (1 + e^t)`.
fn falling(t: f64) -> f64 {
    1.0 / (1.0 + t.exp())
}

/// `h''(t) = -h'(t) h'(-t)`.
fn bend(t: f64) -> f64 {
    -falling(t) * falling(-t)
}

/// Means over the noise: D ascends `E h(psi (theta + e)) + E h(-psi e)`.
fn noisy(theta: f64, psi: f64, deviation: f64) -> (f64, f64) {
    const PLACES: i32 = 40;
    let (mut along_theta, mut along_psi, mut total) = (0.0, 0.0, 0.0);
    for place in -PLACES..=PLACES {
        let z = 5.0 * f64::from(place) / f64::from(PLACES);
        let (weight, noise) = ((-0.5 * z * z).exp(), deviation * z);
        let slope = falling(psi * (theta + noise));
        along_theta -= weight * psi * slope;
        along_psi += weight * ((theta + noise) * slope - noise * falling(-psi * noise));
        total += weight;
    }
    (along_theta / total, along_psi / total)
}

/// Minimax's field minus `gamma` times the gradient of half its squared length, `h'² (theta² + psi²) / 2`.
fn consensus(theta: f64, psi: f64, gamma: f64) -> (f64, f64) {
    let (slope, bend) = (falling(psi * theta), bend(psi * theta));
    let square = theta * theta + psi * psi;
    let down = |own: f64, other: f64| slope * bend * other * square + slope * slope * own;
    (-psi * slope - gamma * down(theta, psi), theta * slope - gamma * down(psi, theta))
}

/// Minus the whole derivative by `theta` of the value after the discriminator's `steps` ascents.
fn unrolled_pull(theta: f64, psi: f64, steps: usize, rate: f64) -> f64 {
    let (mut ahead, mut by_theta) = (psi, 0.0);
    for _ in 0..steps {
        let t = ahead * theta;
        let turned = falling(t) + theta * bend(t) * (ahead + theta * by_theta);
        (ahead, by_theta) = (ahead + rate * theta * falling(t), by_theta + rate * turned);
    }
    -falling(ahead * theta) * (ahead + theta * by_theta)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gan(game: Game, order: Order) -> DiracGan {
        DiracGan { game, order }
    }

    fn radius_after(game: Game, order: Order, steps: usize) -> f64 {
        let end = gan(game, order).trajectory((1.0, 1.0), 0.1, steps).pop().unwrap();
        end.0.hypot(end.1)
    }

    #[test]
    fn eigenvalues_at_the_equilibrium() {
        for (gamma, expected) in [
            (0.0, [(0.0, 0.5), (0.0, -0.5)]),
            (0.3, [(-0.15, 0.476970), (-0.15, -0.476970)]),
            (1.0, [(-0.5, 0.0), (-0.5, 0.0)]),
            (2.0, [(-0.133975, 0.0), (-1.866025, 0.0)]),
        ] {
            let found = gan(Game::R1 { gamma }, Order::Simultaneous).eigenvalues();
            for (found, expected) in found.into_iter().zip(expected) {
                // A double root is found to the square root of the precision of the entries.
                let tolerance = if gamma == 1.0 { 1e-4 } else { 1e-6 };
                assert!((found.0 - expected.0).abs() < tolerance, "{gamma}: {found:?}");
                assert!((found.1 - expected.1).abs() < tolerance, "{gamma}: {found:?}");
            }
        }
        for same in [Game::Minimax, Game::NonSaturating] {
            assert!((gan(same, Order::Simultaneous).eigenvalues()[0].1 - 0.5).abs() < 1e-6);
        }
    }

    #[test]
    fn radii_after_500_steps() {
        for (gamma, simultaneous, alternating) in
            [(0.0, 2.253579, 1.414272), (0.3, 9.196e-4, 5.023e-4), (1.0, 2.28e-10, 4.12e-9)]
        {
            let game = Game::R1 { gamma };
            for (order, expected) in [(Order::Simultaneous, simultaneous), (Order::Alternating, alternating)]
            {
                let found = radius_after(game, order, 500);
                let tolerance = if gamma == 0.0 { 1e-6 } else { 2e-3 };
                assert!((found / expected - 1.0).abs() < tolerance, "{gamma} {order:?}: {found}");
            }
        }
    }

    #[test]
    fn simultaneous_steps_spiral_out_and_alternating_ones_turn_near_the_origin() {
        let near = (1e-3, 0.0);
        let out = gan(Game::Minimax, Order::Simultaneous).step(near, 0.1);
        assert!((out.0.hypot(out.1) / 1e-3 - 1.001249).abs() < 1e-6);
        let turn = gan(Game::Minimax, Order::Alternating).trajectory(near, 0.1, 10_000);
        assert!(turn.iter().all(|point| (0.9e-3..1.1e-3).contains(&point.0.hypot(point.1))));
    }

    #[test]
    fn who_converges() {
        let order = Order::Alternating;
        for game in [
            Game::InstanceNoise { deviation: 1.0 },
            Game::R1 { gamma: 0.3 },
            Game::Consensus { gamma: 1.0 },
            Game::Unrolled { steps: 5, rate: 0.3 },
        ] {
            assert!(radius_after(game, order, 2000) < 1e-2, "{game:?}");
            assert!(gan(game, order).eigenvalues()[0].0 < -0.05, "{game:?}");
        }
        for game in [
            Game::Minimax,
            Game::NonSaturating,
            Game::Wasserstein,
            Game::Clipping { limit: 1.0 },
            Game::GradientPenalty { weight: 1.0 },
            Game::LipschitzPenalty { weight: 1.0 },
        ] {
            let found = radius_after(game, order, 2000);
            assert!((0.1..3.0).contains(&found), "{game:?}: {found}");
        }
    }

    #[test]
    fn fields_are_derivatives() {
        // Unrolling through no step is minimax; without noise so is instance noise.
        let (theta, psi) = (0.7, -1.2);
        let plain = Game::Minimax.field(theta, psi);
        for same in [
            Game::Unrolled { steps: 0, rate: 1.0 },
            Game::InstanceNoise { deviation: 0.0 },
            Game::Consensus { gamma: 0.0 },
        ] {
            let found = same.field(theta, psi);
            assert!((found.0 - plain.0).abs() < 1e-12 && (found.1 - plain.1).abs() < 1e-12, "{same:?}");
        }
        let half_square = |theta: f64, psi: f64| {
            let (along_theta, along_psi) = Game::Minimax.field(theta, psi);
            0.5 * (along_theta * along_theta + along_psi * along_psi)
        };
        let h = 1e-6;
        let down = (
            (half_square(theta + h, psi) - half_square(theta - h, psi)) / (2.0 * h),
            (half_square(theta, psi + h) - half_square(theta, psi - h)) / (2.0 * h),
        );
        let found = Game::Consensus { gamma: 1.0 }.field(theta, psi);
        assert!((found.0 - plain.0 + down.0).abs() < 1e-8 && (found.1 - plain.1 + down.1).abs() < 1e-8);
        let ahead = |theta: f64| {
            let look = (0..3).fold(psi, |psi, _| psi + 0.2 * theta * falling(psi * theta));
            -super::super::discriminator_bound::softplus(-look * theta)
        };
        let slope = (ahead(theta + h) - ahead(theta - h)) / (2.0 * h);
        let found = Game::Unrolled { steps: 3, rate: 0.2 }.field(theta, psi).0;
        assert!((found + slope).abs() < 1e-8, "{found} {slope}");
    }
}
