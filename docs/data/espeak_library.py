"""espeak-ng's library, as samples and phonemes of what it says."""

import ctypes
import sys

END_OF_LIST, PHONEME = 0, 7
SYNCHRONOUS, PHONEME_EVENTS = 2, 1
UTF8, PHONEME_INPUT = 1, 0x100
RATE, PITCH, RANGE = 1, 3, 4  # numbers of its parameters


class Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text", ctypes.c_int), ("length", ctypes.c_int),
                ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", Id)]


class Synthesizer:
    """Of the folder with libespeak-ng.so.1 and espeak-ng-data. `rate` is the samples in a second of all that it says."""

    def __init__(self, libraries):
        self.library = ctypes.CDLL(str(libraries / "libespeak-ng.so.1"))
        self.rate = self.library.espeak_Initialize(SYNCHRONOUS, 0, str(libraries).encode(), PHONEME_EVENTS)
        if self.rate <= 0:
            sys.exit(f"espeak-ng finds no espeak-ng-data in {libraries}")
        self.samples, self.phonemes = [], []
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
        self.callback = callback(self.receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def receive(self, samples, count, events):
        if samples:
            self.samples.extend(samples[:count])
        while events.contents.type != END_OF_LIST:
            if events.contents.type == PHONEME:
                self.phonemes.append((events.contents.sample, events.contents.id.string.decode()))
            events = ctypes.cast(ctypes.addressof(events.contents) + ctypes.sizeof(Event), ctypes.POINTER(Event))
        return 0

    def choose(self, voice):
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            sys.exit(f"espeak-ng has no voice {voice}")

    def set(self, parameter, value):
        self.library.espeak_SetParameter(parameter, value, 0)

    def say(self, text, flags=0):
        """The samples of `text`, and where each phoneme begins with its name."""
        self.samples, self.phonemes = [], []
        text = text.encode()
        self.library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8 | flags, None, None)
        self.library.espeak_Synchronize()
        return self.samples, self.phonemes
