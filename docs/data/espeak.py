"""Makes speech of a small invented language with espeak-ng, with the place of every phoneme, and text of the same language.

    python espeak.py LIBRARIES OUT [UTTERANCES]

LIBRARIES is the folder with libespeak-ng.so.1 and espeak-ng-data. OUT gets speech/NNNN.wav, speech/NNNN.lab (the end of each
phoneme in seconds, a number, its name), matched.txt (the phonemes of the utterances in another order, one utterance a line) and
text.txt (phonemes of other utterances).
"""

import pathlib
import random
import sys
import wave

from espeak_library import PHONEME_INPUT, Synthesizer

VOWELS = ["a", "E", "i:", "u:", "O:", "3:"]
CONSONANTS = ["p", "t", "k", "b", "d", "m", "n", "s", "S", "f", "v", "l"]
WORDS = 60


def lexicon(draw):
    """Words of one to three syllables; some consonants begin them and others end them."""
    words = set()
    while len(words) < WORDS:
        word = []
        for _ in range(draw.choices([1, 2, 3], [2, 5, 2])[0]):
            word += [draw.choice(CONSONANTS[:10]), draw.choices(VOWELS, [6, 5, 4, 3, 2, 1])[0]]
        if draw.random() < 0.5:
            word.append(draw.choices(CONSONANTS[5:], [3, 5, 4, 1, 1, 1, 4])[0])
        words.add(tuple(word))
    return sorted(words)


def utterances(draw, words, count):
    """Utterances of two to four words, the frequent ones of which are far more frequent than others (Zipf)."""
    weights = [1 / (rank + 1) for rank in range(len(words))]
    return [draw.choices(words, weights, k=draw.randint(2, 4)) for _ in range(count)]


class Voice:
    def __init__(self, libraries):
        self.synthesizer = Synthesizer(libraries)
        self.synthesizer.choose("en")
        self.rate = self.synthesizer.rate

    def speak(self, words):
        """The samples of an utterance without the silence around it, and the end in samples and name of each phoneme."""
        spoken = " ".join("".join(word[:1]) + "'" + "".join(word[1:]) for word in words)
        samples, phonemes = self.synthesizer.say(f"[[{spoken}]]", PHONEME_INPUT)
        found = []
        for (start, name), (end, _) in zip(phonemes, phonemes[1:] + [(len(samples), "")]):
            if name in VOWELS or name in CONSONANTS:
                found.append([start, end, name])
            elif found and end > start and name not in ("_:", "_") and found[-1][1] == start:
                found[-1][1] = end  # a transition belongs to the phoneme before it
        first, last = found[0][0], found[-1][1]
        ends = [start - first for start, _, _ in found[1:]] + [last - first]
        return samples[first:last], list(zip(ends, [name for _, _, name in found]))


def main():
    libraries, out = map(pathlib.Path, sys.argv[1:3])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    draw = random.Random(1)
    words = lexicon(draw)
    spoken, others = utterances(draw, words, count), utterances(draw, words, 3000)
    voice = Voice(libraries)
    (out / "speech").mkdir(parents=True)
    for number, utterance in enumerate(spoken):
        samples, phones = voice.speak(utterance)
        wanted = [phone for word in utterance for phone in word]
        if [name for _, name in phones] != wanted:
            sys.exit(f"espeak-ng spoke {phones} for {wanted}")
        with wave.open(str(out / "speech" / f"{number:04}.wav"), "wb") as file:
            file.setparams((1, 2, voice.rate, 0, "NONE", ""))
            file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
        lines = [f"{end / voice.rate:.5f} 125 {name}" for end, name in phones]
        (out / "speech" / f"{number:04}.lab").write_text("#\n" + "\n".join(lines) + "\n", encoding="utf-8")

    def write(name, lines):
        text = "".join(" ".join(phone for word in line for phone in word) + "\n" for line in lines)
        (out / name).write_text(text, encoding="utf-8")

    write("text.txt", others)
    write("matched.txt", draw.sample(spoken, len(spoken)))


main()
