//! Claim: lines of text learn to change their style without pairs. The style comes from the discriminators: without them it stays.
//! That a line can be found again comes from the cycle: without it, it cannot. Runs resume exactly in every phase, with either kind of output.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use crate::support::{assert_resumes_exactly, recipe, refusal, session, trained};

use brigand::batch::Indices;
use brigand::players::Measurements;
use brigand::systems::text_style::{BACK_KEPT, CONTENT_KEPT, PARTNERS_FOUND, STYLE_ACCURACY};
use brigand::training::{Prepared, Training, load_run};
use candle_core::Device;

/// What is measured after so many steps.
fn measured(steps: u64, words: &str) -> Measurements {
    let words = format!("training.seed=1 training.steps={steps} held_out.every={steps} {words}");
    let found = session("text-style", &words).unwrap().advance_to(steps).unwrap();
    println!("{words}: {found:?}");
    found
}

#[test]
fn opinions_change_their_style_and_keep_their_content() {
    let found = measured(400, "");
    assert!(found[STYLE_ACCURACY] >= 0.85 && found[CONTENT_KEPT] >= 0.80, "{found:?}");
    assert!(found[BACK_KEPT] >= 0.9 && found[PARTNERS_FOUND] >= 0.4, "{found:?}");
}

#[test]
fn vectors_change_their_style_and_keep_their_content() {
    let found = measured(700, "output.kind=vectors");
    assert!(found[STYLE_ACCURACY] >= 0.85 && found[CONTENT_KEPT] >= 0.80, "{found:?}");
    assert!(found[BACK_KEPT] >= 0.9, "{found:?}");
}

#[test]
fn without_discriminators_the_style_stays() {
    let found = measured(200, "losses.adversarial=0");
    assert!(found[STYLE_ACCURACY] <= 0.3 && found[CONTENT_KEPT] >= 0.80, "{found:?}");
}

/// Where nothing else teaches it to keep what a line says: neither lines written again in their own style, nor a phase of that. Many
/// content words stay even then, because the vector of the word that is looked at is a part of what is written.
#[test]
fn without_a_cycle_lines_do_not_come_back() {
    let alone = "losses.same=0 phases.autoencoder=0";
    let found = measured(200, alone);
    assert!(found[BACK_KEPT] >= 0.9 && found[CONTENT_KEPT] >= 0.80, "{found:?}");
    let without = measured(200, &format!("{alone} losses.cycle=0"));
    assert!(without[BACK_KEPT] <= 0.6 && without[CONTENT_KEPT] < found[CONTENT_KEPT], "{without:?}");
}

#[test]
fn text_style_resumes_exactly_in_every_phase() {
    for output in ["output.kind=words losses.style=1", "output.kind=vectors"] {
        let words = format!(
            "training.steps=6 training.batch=8 held_out.every=2 phases.autoencoder=0.5 noise.shuffle=2 average.decay=0.9 {output}"
        );
        assert_resumes_exactly("text-style", &words, 1..6);
    }
}

/// A line is translated as it is alone, whatever stands beside it and however much fills it up.
#[test]
fn what_fills_lines_up_changes_nothing() {
    for output in ["words", "vectors"] {
        let session =
            trained("text-style", &format!("training.steps=20 training.batch=8 output.kind={output}"));
        let translator = session.system().as_line_translator().unwrap();
        let field = translator.lines();
        let lines: Vec<Vec<u32>> =
            ["i hate the film", "it was a clean beach again", "you would not recommend that tea"]
                .iter()
                .map(|line| field.tokens(line).unwrap())
                .collect();
        let together = Indices { values: lines.concat(), shape: vec![3, field.length] };
        let together = translator.transfer(&together, 1).unwrap();
        for (line, made) in lines.into_iter().zip(&together) {
            let alone = Indices { values: line, shape: vec![1, field.length] };
            assert_eq!(translator.transfer(&alone, 1).unwrap()[0], *made, "{output}");
        }
        assert!(translator.transfer(&Indices { values: vec![1, 0], shape: vec![1, 2] }, 1).is_err());
        assert!(translator.transfer(&Indices { values: vec![1; 8], shape: vec![1, 8] }, 2).is_err());
        for (line, reason) in
            [("", "is empty"), ("i i i i i i i i i", "at most 8"), ("i hate zebras", "`zebras`")]
        {
            let message = field.tokens(line).err().unwrap().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }
}

#[test]
fn a_run_on_two_files_translates_without_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let file = |name: &str, word: &str| {
        let path = folder.path().join(name);
        let lines: String = (0..60).map(|line| format!("весьма {word} {} <unk>\n", line % 7)).collect();
        std::fs::write(&path, lines).unwrap();
        path
    };
    let (negative, positive) = (file("negative.txt", "bad"), file("positive.txt", "good"));
    let words = format!(
        "data.source=unpaired-lines:{},{} training.steps=4 training.batch=8 held_out.every=2",
        negative.display(),
        positive.display()
    );
    let prepared = Prepared::new(recipe("text-style", &words).unwrap(), &Device::Cpu).unwrap();
    let mut training = Training::start(prepared, Some(&out)).unwrap();
    training.run(&false.into(), &mut |_| {}).unwrap();
    let table = std::fs::read_to_string(out.join("samples/step-00000004.txt")).unwrap();
    assert!(
        table.starts_with("source") && table.contains("transferred") && table.contains("весьма"),
        "{table}"
    );
    std::fs::remove_file(&negative).unwrap();
    std::fs::remove_file(&positive).unwrap();
    let (_, system, _) = load_run(&out, &Device::Cpu).unwrap();
    let translator = system.as_line_translator().unwrap();
    assert_eq!(translator.styles(), ["negative", "positive"]);
    let line = translator.lines().tokens("весьма bad kitten").unwrap();
    let made = translator.transfer(&Indices { shape: vec![1, line.len()], values: line }, 1).unwrap();
    assert!(!translator.lines().text(&made[0]).is_empty());
}

#[test]
fn impossible_values_are_refused() {
    assert!(refusal("text-style", "data.source=grammar").contains("unpaired-lines:NEGATIVE,POSITIVE"));
    assert!(refusal("text-style", "data.length=5").contains("up to 6 tokens"));
    assert!(refusal("text-style", "output.relaxation.first=0").contains("relaxation.first is 0"));
    assert!(refusal("text-style", "noise.drop=1").contains("noise.drop is 1"));
    assert!(refusal("text-style", "losses.cycle=-1").contains("losses.cycle is -1"));
    assert!(refusal("text-style", "phases.autoencoder=2").contains("phases.autoencoder is 2"));
    assert!(refusal("text-style", "generator.hidden=0").contains("generator.hidden is 0"));
    assert!(refusal("text-style", "discriminator_steps=0").contains("discriminator_steps is 0"));
    assert!(
        refusal("text-style", "data.source=unpaired-lines:a.txt")
            .contains("unpaired-lines:NEGATIVE,POSITIVE")
    );
}
