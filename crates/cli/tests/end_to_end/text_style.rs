//! Lines of text in two styles: `text-style` trained on two files, `brigand translate` and `brigand evaluate`.

use crate::program::Desk;

const TRAIN: &str = "train text-style --data unpaired-lines:negative.txt,positive.txt --set generator.hidden=8 \
                     --set generator.embedding=8 --set training.batch=4 --set held_out.every=2 --set data.length=6 --steps 2 --quiet";

/// Lines of the two styles, of which one negative line is empty and one positive line too long.
fn desk() -> Desk {
    let desk = Desk::new();
    let lines = |word: &str| -> String {
        (0..30).map(|line| format!("a {word} <unk> of thing{}\n", line % 5)).collect()
    };
    std::fs::write(desk.path("negative.txt"), lines("bad") + "\n").unwrap();
    std::fs::write(desk.path("positive.txt"), lines("good") + "a good day is a good day\n").unwrap();
    desk
}

#[test]
fn lines_are_translated_and_measured() {
    let desk = desk();
    let ended = desk.run(&format!("{TRAIN} --out run"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("negative.txt: 1 of 31 lines are empty; left out"), "{}", ended.err);
    assert!(ended.err.contains("positive.txt: 1 of 31 lines have more than 6 tokens"), "{}", ended.err);
    let table = std::fs::read_to_string(desk.path("run/samples/step-00000002.txt")).unwrap();
    assert!(table.starts_with("source") && table.contains("transferred"), "{table}");

    std::fs::write(desk.path("in.txt"), "a bad thing1\na zebra of <unk>\n").unwrap();
    for (style, words) in [("", "positive"), (" --to negative", "negative")] {
        let said = desk.succeed(&format!("translate run --in in.txt --out out.txt{style}"));
        assert!(said.contains(&format!("2 {words} lines in out.txt")), "{said}");
        assert_eq!(std::fs::read_to_string(desk.path("out.txt")).unwrap().lines().count(), 2);
    }
    desk.refuse("translate run --in in.txt --out in.txt", &["in.txt", "another file"]);
    desk.refuse("translate run --in in.txt --out .", &["is a folder"]);
    desk.refuse("translate run --in in.txt --out no/x.txt", &["cannot write no/x.txt", "make the folder"]);
    desk.refuse("translate run --in none.txt --out out.txt", &["none.txt does not exist"]);
    desk.refuse("translate run --in in.txt --out out.txt --style in.txt", &["--style is for images"]);
    std::fs::write(desk.path("wrong.txt"), "a bad day\n\na b c d e f g\n").unwrap();
    let ended = desk.run("translate run --in wrong.txt --out never.txt");
    assert_eq!(ended.code, Some(1));
    for words in ["line 2: the line is empty", "line 3: the line has 7 tokens"] {
        assert!(ended.err.contains(words), "{}", ended.err);
    }
    assert!(!desk.path("never.txt").exists());

    let said = desk.succeed("evaluate run");
    for words in ["transferred", "copied", "marks replaced", "positive"] {
        assert!(said.contains(words), "{said}");
    }
    std::fs::write(desk.path("more.txt"), "a good good zebra\n".repeat(9)).unwrap();
    desk.succeed("evaluate run --classifier unpaired-lines:negative.txt,more.txt");
    desk.succeed("evaluate run --real unpaired-lines:negative.txt,more.txt --json");
    desk.refuse("evaluate run --classifier digits", &["unpaired-lines:NEGATIVE,POSITIVE"]);
    desk.refuse("evaluate run --metrics fid", &["--metrics", "lines in two styles"]);
    desk.refuse("evaluate run --count 7", &["--count", "lines in two styles"]);

    // Numbers of tokens would mean other words.
    std::fs::write(desk.path("positive.txt"), "another word\n".repeat(30)).unwrap();
    desk.refuse("evaluate run", &["vocabulary", "train a new run"]);
}

#[test]
fn what_is_no_text_in_two_styles_is_refused() {
    let desk = desk();
    std::fs::write(desk.path("latin.txt"), b"caf\xe9\n").unwrap();
    for (data, words) in [
        ("unpaired-lines:negative.txt", "NEGATIVE,POSITIVE"),
        ("unpaired-lines:negative.txt,none.txt", "none.txt does not exist"),
        ("unpaired-lines:negative.txt,latin.txt", "line 1 is no UTF-8"),
        ("lines:negative.txt", "two styles"),
        ("digits", "two styles"),
    ] {
        desk.refuse_to_train(&format!("text-style --data {data} --steps 1"), &[words]);
    }
    desk.refuse_to_train("gan --data opinions --steps 1", &["opinions"]);
}
