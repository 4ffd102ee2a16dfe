use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, Feed};
use brigand::training::load_data;
use candle_core::Device;
use std::time::Instant;
fn main() {
    brigand::hardware::set_threads(1).unwrap();
    brigand::hardware::keep_freed_memory();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (toy, seeds, names) = (&args[0], args[1].parse::<u64>().unwrap(), &args[2]);
    let extra: Vec<String> = args[3..].to_vec();
    for name in names.split(',') {
        let entry = systems::find(name).unwrap();
        for seed in 0..seeds {
            let mut assignments = vec![format!("data.source={toy}"), format!("training.seed={seed}")];
            assignments.extend(extra.clone());
            let recipe = Recipe::resolve(entry, &Changes { file: None, assignments }).unwrap();
            let data = load_data(&recipe).unwrap();
            let began = Instant::now();
            let mut feed = Feed::new(data, recipe.common.training.batch, seed, &Device::Cpu).unwrap();
            let mut system = match entry
                .build(&recipe.parts, &recipe.common.setup(feed.sample_shape().unwrap(), &Device::Cpu))
            {
                Ok(s) => s,
                Err(e) => {
                    println!("{name}: {e}");
                    break;
                }
            };
            let centres: Vec<(f32, f32)> = if toy == "ring8" {
                (0..8)
                    .map(|k| {
                        let a = std::f32::consts::TAU * k as f32 / 8.0;
                        (2.0 * a.cos(), 2.0 * a.sin())
                    })
                    .collect()
            } else {
                (0..25).map(|k| ((k / 5) as f32 * 2.0 - 4.0, (k % 5) as f32 * 2.0 - 4.0)).collect()
            };
            let sd = if toy == "ring8" { 0.02 } else { 0.05 };
            let mut line = String::new();
            let steps = recipe.common.training.steps;
            for step in 0..steps {
                if let Err(e) = system.train_step(&mut feed, step) {
                    line += &format!(" {e}");
                    break;
                }
                if (step + 1) % (steps / 5) == 0 {
                    let s = system.sample(2500, 1).unwrap().to_vec_f32().unwrap();
                    let mut counts = vec![0; centres.len()];
                    for p in s.chunks(2) {
                        let (k, d) = centres
                            .iter()
                            .enumerate()
                            .map(|(k, c)| (k, ((p[0] - c.0).powi(2) + (p[1] - c.1).powi(2)).sqrt()))
                            .min_by(|a, b| a.1.total_cmp(&b.1))
                            .unwrap();
                        if d <= 3.0 * sd {
                            counts[k] += 1
                        }
                    }
                    let hq: usize = counts.iter().sum();
                    let kl: f64 = counts
                        .iter()
                        .filter(|&&c| c > 0)
                        .map(|&c| {
                            let p = c as f64 / hq as f64;
                            p * (p * centres.len() as f64).ln()
                        })
                        .sum();
                    line += &format!(
                        "  {:2}m {:4.1}% {:.2}",
                        counts.iter().filter(|&&c| c > 0).count(),
                        hq as f64 / 25.0,
                        kl
                    );
                }
            }
            println!("{name:12} seed {seed} {:6.1}s {line}", began.elapsed().as_secs_f64());
        }
    }
}
