//! The great arc between two vectors (Shoemake 1985, Animating rotation with quaternion curves).

/// Below this sine of the angle between two vectors the arc is replaced by the straight line.
const NEARLY_PARALLEL: f64 = 1e-6;

/// What start and end weigh at `t` of the great arc between them, given their inner product and the product of their
/// squared lengths; those of the straight line where there is no arc.
pub fn arc_weights(inner: f64, squares: f64, t: f64) -> (f64, f64) {
    let cosine = if squares > 0.0 { (inner / squares.sqrt()).clamp(-1.0, 1.0) } else { 1.0 };
    let angle = cosine.acos();
    if angle.sin() < NEARLY_PARALLEL {
        return (1.0 - t, t);
    }
    (((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
}
