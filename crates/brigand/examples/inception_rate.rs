//! How many images a second the Inception network takes: `cargo run --release -p brigand --example inception_rate`.
#![allow(clippy::print_stdout)]
use brigand::networks::inception::Inception;
use std::time::Instant;
fn main() -> brigand::Result<()> {
    brigand::hardware::keep_freed_memory();
    let n: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(16);
    let network = Inception::from_parameters(|name, shape| {
        let count: usize = shape.iter().product();
        let fan: usize = shape.iter().skip(1).product();
        let bound = (6.0 / fan.max(1) as f32).sqrt();
        Ok((0..count).map(|i| if name.contains("running_var") { 1.0 } else { ((i * 2654435761 % 1000) as f32 / 500.0 - 1.0) * bound }).collect())
    })?;
    let images: Vec<f32> = (0..n * 3 * 299 * 299).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
    for _ in 0..6 {
        let t = Instant::now();
        network.forward(&images, [n, 3, 299, 299])?;
        println!("{:.1} ms", t.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}
