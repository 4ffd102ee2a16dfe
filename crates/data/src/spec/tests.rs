use super::*;
use crate::files::path_of;

#[test]
fn every_form_is_read_and_printed_again() {
    for text in [
        "digits",
        "mnist",
        "fashion-mnist",
        "cifar10",
        "idx:a.gz",
        "idx:a,b,c",
        "folder:x y",
        "image:x, y.png",
        "stones",
        "swiss-roll",
        "lines:a b.txt",
        "grammar",
        "oracle",
        "oracle:100",
        "scenes",
        "unpaired:digits,mnist",
        "unpaired:idx:a,b,folder:x,y",
        "scene-pairs",
        "pairs:a b",
        "pairs:a,b/c",
        "label-scenes",
        "labels:a b,c",
        "labels:a,b,c,d",
        "caption-scenes",
        "captions:a b,c.tsv",
        "tagged-shapes",
        "tags:a, b.csv",
        "tone-discs",
        "sounds:a, b.tsv",
        "cartoon-faces",
        "identities:a, b",
        "person:a/b",
    ] {
        assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
    }
    assert_eq!(
        "idx:a,b,c".parse::<Spec>().unwrap(),
        Spec::Idx { images: "a".into(), labels: Some("b,c".into()) }
    );
    for name in Spec::names().into_iter().filter(|name| !name.contains(':')) {
        assert_eq!(name.parse::<Spec>().unwrap().to_string(), name);
    }
}

#[test]
fn absolute_paths_name_the_same_data_from_anywhere() {
    let here = std::env::current_dir().unwrap().display().to_string();
    let absolute = |text: &str| text.parse::<Spec>().unwrap().absolute().unwrap().to_string();
    assert_eq!(absolute("folder:a"), format!("folder:{here}/a"));
    assert_eq!(absolute("folder:/a/b"), "folder:/a/b");
    assert_eq!(absolute("idx:a,b/c"), format!("idx:{here}/a,{here}/b/c"));
    assert_eq!(absolute("image:a b.png"), format!("image:{here}/a b.png"));
    assert_eq!(absolute("lines:a b.txt"), format!("lines:{here}/a b.txt"));
    assert_eq!(absolute("unpaired:folder:a,digits"), format!("unpaired:folder:{here}/a,digits"));
    assert_eq!(absolute("pairs:a"), format!("pairs:{here}/a"));
    assert_eq!(absolute("pairs:a,/b"), format!("pairs:{here}/a,/b"));
    assert_eq!(absolute("labels:a,/b,c"), format!("labels:{here}/a,/b,{here}/c"));
    assert_eq!(absolute("captions:a"), format!("captions:{here}/a"));
    assert_eq!(absolute("tags:a.csv"), format!("tags:{here}/a.csv"));
    assert_eq!(absolute("identities:a"), format!("identities:{here}/a"));
    assert_eq!(absolute("person:/a"), "person:/a");
    let others = [
        "caption-scenes",
        "cartoon-faces",
        "label-scenes",
        "scene-pairs",
        "digits",
        "mnist",
        "ring8",
        "scenes",
    ];
    for same in others.into_iter().chain(["grammar", "oracle", "oracle:12"]) {
        assert_eq!(absolute(same), same);
    }
    // A comma in the path of IDX images has no form in a SPEC.
    let unwritable = Spec::Idx { images: "a,b".into(), labels: None };
    assert_eq!(unwritable.absolute().unwrap(), unwritable);
}

#[test]
fn a_tilde_is_the_users_folder_in_every_path() {
    let home = path_of("~");
    let folder: Spec = "folder:~/photos".parse().unwrap();
    assert_eq!(folder, Spec::Folder(home.join("photos")));
    assert_eq!(folder.to_string(), format!("folder:{}", home.join("photos").display()));
    assert_eq!(
        "idx:~/images,~/labels".parse::<Spec>().unwrap(),
        Spec::Idx { images: home.join("images"), labels: Some(home.join("labels")) }
    );
}

#[test]
fn an_unknown_name_brings_the_nearest() {
    let message = |text: &str| text.parse::<Spec>().unwrap_err().to_string();
    assert!(message("fasion_mnist").contains("`fasion_mnist`; the nearest names are fashion-mnist"));
    assert!(message("MNIST").contains("the nearest names are mnist"));
    assert!(message("ring").contains("the nearest names are ring8"));
    assert!(message("xyzzy").contains("there are digits, mnist,"));
    let here = std::env::temp_dir().display().to_string();
    assert!(message(&here).ends_with(&format!("folder:{here}")));
}

#[test]
fn a_form_without_its_path_is_incomplete() {
    for text in [
        "idx:",
        "idx:,labels",
        "idx:images,",
        "folder:",
        "lines:",
        "oracle:",
        "oracle:11",
        "oracle:20001",
        "oracle:many",
        "image:",
        "unpaired:digits,stones",
        "unpaired:digits",
        "unpaired:digits,",
        "unpaired:digits,scenes",
        "pairs:",
        "pairs:a,",
        "pairs:,b",
        "labels:a",
        "labels:a,",
        "labels:,b",
        "labels:a,b,",
        "captions:",
        "unpaired:digits,label-scenes",
        "unpaired:digits,tagged-shapes",
        "tags:",
        "sounds:",
        "unpaired:digits,tone-discs",
    ] {
        assert!(matches!(text.parse::<Spec>(), Err(DataError::IncompleteSpec { .. })), "{text}");
    }
}
