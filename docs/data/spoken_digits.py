"""Makes spoken digits with espeak-ng, each with pictures of the digit from MNIST.

    python spoken_digits.py LIBRARIES IMAGES LABELS OUT

LIBRARIES is the folder with libespeak-ng.so.1 and espeak-ng-data; IMAGES and LABELS are MNIST's IDX files, plain or gzip. OUT gets
sounds, pictures, train.tsv (voices to train on) and held-out.tsv (voices that are in no line of train.tsv).
"""

import ctypes
import gzip
import pathlib
import random
import struct
import sys
import wave
import zlib

VOICES = [f"{language}+{variant}" for language in ("en-us", "en-gb-scotland") for variant in
          ("m1", "m2", "m3", "m4", "m6", "f1", "f2", "f3", "f5")]
HELD_OUT = [f"{language}+{variant}" for language in ("en-us", "en-gb-scotland") for variant in ("m7", "f4")]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SPOKEN = 6  # times that a voice says a digit
PICTURES = 3  # pictures of each of them
RATE, PITCH, RANGE = 1, 3, 4  # numbers of espeak's parameters
SYNCHRONOUS, UTF8 = 2, 1


class Speaker:
    def __init__(self, libraries):
        self.library = ctypes.CDLL(str(libraries / "libespeak-ng.so.1"))
        self.rate = self.library.espeak_Initialize(SYNCHRONOUS, 0, str(libraries).encode(), 0)
        if self.rate <= 0:
            sys.exit(f"espeak-ng finds no espeak-ng-data in {libraries}")
        self.samples = []
        self.callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int,
                                         ctypes.c_void_p)(self.receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def receive(self, samples, count, _):
        if samples:
            self.samples.extend(samples[:count])
        return 0

    def say(self, voice, word, rate, pitch):
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            sys.exit(f"espeak-ng has no voice {voice}")
        for parameter, value in ((RATE, rate), (PITCH, pitch), (RANGE, 50)):
            self.library.espeak_SetParameter(parameter, value, 0)
        self.samples = []
        text = word.encode()
        self.library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8, None, None)
        self.library.espeak_Synchronize()
        loud = [place for place, sample in enumerate(self.samples) if abs(sample) > 300]
        return self.samples[max(loud[0] - 200, 0):loud[-1] + 200]


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
    speaker = Speaker(pathlib.Path(libraries))
    for table, voices in (("train.tsv", VOICES), ("held-out.tsv", HELD_OUT)):
        lines = []
        for voice in voices:
            for digit, word in enumerate(WORDS):
                for number in range(SPOKEN):
                    samples = speaker.say(voice, word, draw.randint(120, 200), draw.randint(25, 75))
                    level = 10 ** (draw.uniform(-12, 0) / 20)
                    noise = 10 ** (draw.uniform(-60, -40) / 20) * 32768
                    before = [0] * draw.randint(0, speaker.rate // 8)
                    samples = [level * sample + draw.gauss(0, noise) for sample in before + samples]
                    samples = [max(-32768, min(32767, round(sample))) for sample in samples]
                    sound = f"sounds/{voice}-{digit}-{number}.wav"
                    with wave.open(str(out / sound), "wb") as file:
                        file.setparams((1, 2, speaker.rate, 0, "NONE", ""))
                        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
                    for place in draw.sample(of_digit[digit], PICTURES if table == "train.tsv" else 1):
                        picture = f"pictures/{place}.png"
                        area = side * side
                        (out / picture).write_bytes(png(pixels[place * area:(place + 1) * area], side))
                        lines.append(f"{sound}\t{picture}\t{digit}")
        draw.shuffle(lines)
        (out / table).write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
