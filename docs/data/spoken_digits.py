"""Makes spoken digits with espeak-ng, each with pictures of the digit from MNIST.

    python spoken_digits.py LIBRARIES IMAGES LABELS OUT

LIBRARIES is the folder with libespeak-ng.so.1 and espeak-ng-data; IMAGES and LABELS are MNIST's IDX files, plain or gzip. OUT gets
sounds, pictures, train.tsv (voices to train on) and held-out.tsv (voices that are in no line of train.tsv).
"""

import gzip
import pathlib
import random
import struct
import sys
import wave
import zlib

from espeak_library import PITCH, RANGE, RATE, Synthesizer

VOICES = [f"{language}+{variant}" for language in ("en-us", "en-gb-scotland") for variant in
          ("m1", "m2", "m3", "m4", "m6", "f1", "f2", "f3", "f5")]
HELD_OUT = [f"{language}+{variant}" for language in ("en-us", "en-gb-scotland") for variant in ("m7", "f4")]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SPOKEN = 6  # times that a voice says a digit
PICTURES = 3  # pictures of each of them


def say(synthesizer, voice, word, rate, pitch):
    synthesizer.choose(voice)
    for parameter, value in ((RATE, rate), (PITCH, pitch), (RANGE, 50)):
        synthesizer.set(parameter, value)
    samples, _ = synthesizer.say(word)
    loud = [place for place, sample in enumerate(samples) if abs(sample) > 300]
    return samples[max(loud[0] - 200, 0):loud[-1] + 200]


def idx(path):
    raw = pathlib.Path(path).read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    sizes = struct.unpack(f">{raw[3]}I", raw[4:4 + 4 * raw[3]])
    return sizes, raw[4 + 4 * raw[3]:]


def png(pixels, side):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + pixels[row * side:(row + 1) * side] for row in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def main():
    libraries, images, labels, out = sys.argv[1:]
    out, draw = pathlib.Path(out), random.Random(1)
    (_, side, _), pixels = idx(images)
    _, digits = idx(labels)
    of_digit = {digit: [place for place, label in enumerate(digits) if label == digit] for digit in range(10)}
    for folder in ("sounds", "pictures"):
        (out / folder).mkdir(parents=True)
    synthesizer = Synthesizer(pathlib.Path(libraries))
    for table, voices in (("train.tsv", VOICES), ("held-out.tsv", HELD_OUT)):
        lines = []
        for voice in voices:
            for digit, word in enumerate(WORDS):
                for number in range(SPOKEN):
                    samples = say(synthesizer, voice, word, draw.randint(120, 200), draw.randint(25, 75))
                    level = 10 ** (draw.uniform(-12, 0) / 20)
                    noise = 10 ** (draw.uniform(-60, -40) / 20) * 32768
                    before = [0] * draw.randint(0, synthesizer.rate // 8)
                    samples = [level * sample + draw.gauss(0, noise) for sample in before + samples]
                    samples = [max(-32768, min(32767, round(sample))) for sample in samples]
                    sound = f"sounds/{voice}-{digit}-{number}.wav"
                    with wave.open(str(out / sound), "wb") as file:
                        file.setparams((1, 2, synthesizer.rate, 0, "NONE", ""))
                        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
                    for place in draw.sample(of_digit[digit], PICTURES if table == "train.tsv" else 1):
                        picture = f"pictures/{place}.png"
                        area = side * side
                        (out / picture).write_bytes(png(pixels[place * area:(place + 1) * area], side))
                        lines.append(f"{sound}\t{picture}\t{digit}")
        draw.shuffle(lines)
        (out / table).write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
