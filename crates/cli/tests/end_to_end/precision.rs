//! `--precision bf16`: training in bfloat16 products, and going on with it.

use crate::program::{Desk, Ended, tensors};

const TRAIN: &str = "train dcgan --set generator.width=8 --set discriminator.width=8 --set training.batch=16 \
                     --set checkpoint.every=10 --quiet";

#[test]
fn a_run_in_bfloat16_is_made_again_and_goes_on_to_the_byte() {
    let desk = Desk::new();
    for (options, out) in [
        ("--precision bf16 --steps 20", "whole"),
        ("--set training.precision=bf16 --steps 20", "again"),
        ("--precision bf16 --steps 10", "parts"),
        ("--steps 20", "single"),
    ] {
        desk.succeed(&format!("{TRAIN} {options} --out {out}"));
    }
    desk.succeed("train --resume parts --steps 20 --quiet");
    let last = |run: &str| tensors(&desk.path(run), 20);
    assert!(last("whole") == last("again") && last("whole") == last("parts"));
    // The same networks, weights and batches; only the rounding differs.
    assert!(last("whole") != last("single") && last("whole").len() == last("single").len());
    for number in [1, 2] {
        desk.succeed(&format!("sample whole -n 4 --out {number}.npy"));
    }
    assert_eq!(std::fs::read(desk.path("1.npy")).unwrap(), std::fs::read(desk.path("2.npy")).unwrap());
}

#[test]
fn another_precision_is_refused_when_a_run_goes_on() {
    let desk = Desk::new();
    desk.succeed(&format!("{TRAIN} --precision bf16 --steps 2 --out half"));
    assert_eq!(desk.run("train --resume half --precision f32").code, Some(2));
    let recipe = std::fs::read_to_string(desk.path("half/recipe.toml")).unwrap();
    assert!(recipe.contains("precision = \"bf16\""), "{recipe}");
    std::fs::write(desk.path("half/recipe.toml"), recipe.replace("bf16", "f32")).unwrap();
    desk.refuse(
        "train --resume half --steps 4",
        &["precision = f32", "trained with bf16", "set it back to bf16, or train a new run"],
    );
    desk.refuse_to_train("gan --precision f16", &["precision", "f32", "bf16"]);
}

/// The instruction sets besides the portable one, and whether this processor has them.
fn has() -> [(&'static str, bool); 2] {
    #[cfg(target_arch = "x86_64")]
    return [("avx2", is_x86_feature_detected!("avx2")), ("avx512", is_x86_feature_detected!("avx512f"))];
    #[cfg(not(target_arch = "x86_64"))]
    return [("avx2", false), ("avx512", false)];
}

#[test]
fn every_instruction_set_trains_the_same_up_to_rounding() {
    let desk = Desk::new();
    let losses = |instructions: &str, precision: &str| {
        let out = format!("{instructions}-{precision}");
        let line =
            format!("{TRAIN} --precision {precision} --set training.report_every=1 --steps 2 --out {out}");
        let ended =
            Ended::from(desk.command(&line).env("BRIGAND_INSTRUCTIONS", instructions).output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let warned = ended.err.contains("no AVX512-BF16");
        assert!(precision == "bf16" || !warned, "{}", ended.err);
        let text = std::fs::read_to_string(desk.path(&out).join("metrics.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        (last["discriminator_loss"].as_f64().unwrap(), warned)
    };
    let (single, _) = losses("portable", "f32");
    let (half, warned) = losses("portable", "bf16");
    assert!(warned && half != single && (half - single).abs() < 0.05, "{half} and {single}");
    for (instructions, is_there) in has() {
        if is_there {
            let (fast, _) = losses(instructions, "f32");
            assert!((fast - single).abs() < 1e-4, "{instructions}: {fast} and {single}");
        }
    }
    let line = format!("{TRAIN} --steps 1 --out never");
    let ended = Ended::from(desk.command(&line).env("BRIGAND_INSTRUCTIONS", "mmx").output().unwrap());
    ended.assert_refused(&line, &["BRIGAND_INSTRUCTIONS is mmx", "portable"]);
}
