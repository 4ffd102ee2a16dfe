//! Folders of images: unreadable files, other kinds of files, several sizes.

use crate::program::{Desk, Ended, names};
use crate::sources::write_png;

const TRAIN: &str = "train gan --set data.size=8 --set training.batch=2 --steps 1 --quiet --out run";

/// Three unreadable files are named, the others counted, and all listed in a file.
#[test]
fn many_unreadable_images_are_counted_and_listed() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("bad")).unwrap();
    for index in 0..500 {
        std::fs::write(desk.path(&format!("bad/{index:03}.jpg")), b"torn").unwrap();
    }
    for index in 0..3 {
        write_png(&desk.path(&format!("bad/good{index}.png")), 20, 20);
    }
    let warning = "warning: 500 unreadable images skipped: 000.jpg, 001.jpg, 002.jpg (The image format could not be determined) and 497 more";
    let whole = |list: &str| {
        let text = std::fs::read_to_string(desk.path(list)).unwrap();
        assert_eq!(text.lines().count(), 500);
        assert!(text.lines().all(|line| line.starts_with("bad/") && line.contains(".jpg\t")), "{text}");
    };
    for (line, list) in [
        ("data info folder:bad".to_owned(), "folder-bad.unreadable.txt"),
        (TRAIN.replace("--steps", "--data folder:bad --steps"), "run/unreadable.txt"),
    ] {
        let ended = desk.run(&line);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(
            ended.err.contains(warning) && ended.err.contains(&format!("listed in {list}")),
            "{}",
            ended.err
        );
        whole(list);
    }
}

/// An escape sequence in the name of a file could change what the terminal shows.
#[cfg(unix)]
#[test]
fn control_characters_of_names_are_written_out() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("odd")).unwrap();
    write_png(&desk.path("odd/good.png"), 20, 20);
    std::fs::write(desk.path("odd/\u{1b}[2Jtorn.png"), "torn").unwrap();
    let ended = desk.run("data info folder:odd --out seen.png");
    assert!(ended.err.contains("\\u{1b}[2Jtorn.png") && !ended.err.contains('\u{1b}'), "{}", ended.err);
    desk.refuse("train gan --data folder:\u{1b}[2J", &["\\u{1b}[2J does not exist"]);
}

/// Files that are not read are counted in a warning (lightweight-gan issue 129).
#[test]
fn other_kinds_of_files_are_counted_by_their_ending() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("mixed")).unwrap();
    for ending in ["png", "bmp", "gif", "tiff", "qoi"] {
        write_png(&desk.path(&format!("mixed/a.{ending}")), 20, 20);
    }
    for name in ["a.avif", "b.avif", "captions.txt"] {
        std::fs::write(desk.path(&format!("mixed/{name}")), "no image that is read").unwrap();
    }
    let ended = desk.run("data info folder:mixed");
    assert!(ended.out.contains("samples      5 images"), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("3 files left out") && ended.err.contains("2 .avif, 1 .txt"), "{}", ended.err);
}

/// A batch of 1 was advised, and then refused.
#[test]
fn a_single_image_is_refused_with_how_many_are_needed() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("one")).unwrap();
    write_png(&desk.path("one/a.png"), 20, 20);
    let words = ["a single sample", "give at least 2", "train singan --data image:FILE"];
    desk.refuse_to_train("gan --data folder:one", &words);
    desk.refuse_to_train(
        "gan --data folder:one --set training.batch=1",
        &["for which the data needs as many"],
    );
    std::fs::write(desk.path("list.tsv"), "one/a.png\ta red circle\n").unwrap();
    desk.refuse_to_train("text-to-image --data captions:list.tsv", &words);
}

/// A shell replaces a tilde only at the beginning of a word.
#[test]
fn a_tilde_in_a_source_is_the_users_folder() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("photos")).unwrap();
    write_png(&desk.path("photos/a.png"), 20, 20);
    write_png(&desk.path("photos/b.png"), 20, 20);
    for line in ["data info folder:~/photos", &TRAIN.replace("--steps", "--data folder:~/photos --steps")] {
        let output = desk.command(line).env("HOME", desk.path("")).output().unwrap();
        let ended = Ended::from(output);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.err);
    }
}

#[test]
fn a_picture_beside_class_folders_is_named_and_there_are_no_labels() {
    let desk = Desk::new();
    for folder in ["set", "set/cat", "set/dog"] {
        std::fs::create_dir(desk.path(folder)).unwrap();
        write_png(&desk.path(&format!("{folder}/a.png")), 20, 20);
    }
    let warning = "no class labels: 1 image lies beside the sub-folders: a.png";
    assert!(desk.run("data info folder:set").err.contains(warning));
    // A system that needs the labels is refused, and the reason stands beside it.
    let line = TRAIN.replace("gan --set", "cgan --data folder:set --set");
    let ended = desk.run(&line);
    assert!(
        ended.code == Some(1) && ended.err.contains(warning) && ended.err.contains("label"),
        "{}",
        ended.err
    );
}

#[test]
fn a_failed_start_leaves_an_empty_folder_where_it_was() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("run")).unwrap();
    // The first checkpoint does not fit into a file of this size.
    let line = "train gan --set training.batch=16 --quiet --steps 9 --out";
    let run = |out: &str| {
        Ended::from(desk.in_shell("trap '' XFSZ; ulimit -f 1", &format!("{line} {out}")).output().unwrap())
    };
    for out in ["run", "new/run"] {
        let ended = run(out);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
    }
    assert!(desk.path("run").is_dir() && names(&desk.path("run")).is_empty());
    assert!(!desk.path("new").exists());
    desk.succeed(&format!("{line} run"));
}

/// One sample normalised by itself is nothing but zeros.
#[test]
fn a_batch_of_one_with_batch_normalisation_is_refused() {
    let desk = Desk::new();
    desk.refuse_to_train("dcgan --set training.batch=1", &["training.batch is 1", "training.batch=2"]);
    desk.refuse_to_train(
        "gan --set training.batch=1 --set generator.normalization=before-activation",
        &["batch"],
    );
    let without = "--set generator.normalization=none --set discriminator.normalization=none";
    desk.succeed(&format!("train gan --set training.batch=1 {without} --steps 2 --quiet --out run"));
}

/// Half-transparent pictures are laid over one colour, wherever a folder is read.
#[test]
fn transparent_pictures_lie_over_the_chosen_colour_everywhere() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("set")).unwrap();
    for index in 0..6_u8 {
        let picture = image::RgbaImage::from_fn(8, 8, |x, _| {
            image::Rgba([200, 30 * index, 10, if x < 4 { 255 } else { 0 }])
        });
        picture.save(desk.path(&format!("set/{index}.png"))).unwrap();
    }
    desk.succeed("data info folder:set --size 8 --out white.png");
    desk.succeed("data info folder:set --size 8 --background #0a3264 --out blue.png");
    let has = |file: &str, colour: [u8; 3]| {
        let picture = image::open(desk.path(file)).unwrap().into_rgb8();
        picture.pixels().any(|pixel| pixel.0 == colour)
    };
    assert!(has("blue.png", [10, 50, 100]) && !has("white.png", [10, 50, 100]));
    let train = TRAIN.replace("--steps", "--data folder:set --set data.background=black --steps");
    desk.succeed(&train);
    let recipe = std::fs::read_to_string(desk.path("run/recipe.toml")).unwrap();
    assert!(recipe.contains("background = \"black\""), "{recipe}");
    // A run's own data, and a folder that is compared with it, are read as for its training.
    let protocol =
        |line: &str| desk.succeed(&format!("evaluate {line} --metrics kid --features pixels --json"));
    for line in ["run", "--real folder:set --fake run"] {
        assert!(protocol(line).contains("transparent parts over black"), "{line}");
    }
    assert!(!protocol("--real folder:set --fake folder:set").contains("transparent"));
    let chosen = protocol("--real folder:set --fake folder:set --background #0a3264");
    assert!(chosen.contains("transparent parts over #0a3264"), "{chosen}");
    desk.refuse(
        "train gan --data folder:set --set data.background=red --out red",
        &["data.background", "white, black, grey or a colour as #rrggbb"],
    );
    desk.refuse("train gan --set data.background=black --out red", &["no key `data.background`"]);
    assert!(!desk.path("red").exists());
}
