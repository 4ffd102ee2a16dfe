"""Reads the event files of a run folder with the real TensorBoard (pip install tensorboard).

    python3 check_tensorboard.py RUN

Prints every tag with its number of values and its steps. Fails when there is no scalar or no picture,
when steps do not rise, when the scalars disagree with metrics.jsonl, or when a picture is no PNG of the
size its event states.
"""

import json
import pathlib
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import IMAGES, SCALARS, EventAccumulator


def check(run):
    events = EventAccumulator(str(run), size_guidance={SCALARS: 0, IMAGES: 0})
    events.Reload()
    tags = events.Tags()
    assert tags["scalars"], f"no scalar in {run}"
    assert tags["images"], f"no picture in {run}"

    measured = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record.items():
            measured.setdefault(name, {})[record["step"]] = float(value)

    for tag in tags["scalars"]:
        values = events.Scalars(tag)
        rising(tag, values)
        for value in values:
            expected = measured.get(tag, {}).get(value.step)
            if expected is not None and expected == expected:
                error = abs(value.value - expected)
                assert error <= 1e-6 * abs(expected) or value.value == expected, (tag, value, expected)
    for tag in tags["images"]:
        pictures = events.Images(tag)
        rising(tag, pictures)
        for picture in pictures:
            png = picture.encoded_image_string
            assert png.startswith(b"\x89PNG\r\n\x1a\n"), f"{tag} at step {picture.step} is no PNG"
            size = struct.unpack(">II", png[16:24])
            assert size == (picture.width, picture.height), (tag, picture.step, size)


def rising(tag, values):
    steps = [value.step for value in values]
    assert all(a < b for a, b in zip(steps, steps[1:])), f"steps of {tag} do not rise: {steps}"
    print(f"{tag}: {len(steps)} values, steps {steps[0]} to {steps[-1]}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check(pathlib.Path(sys.argv[1]))
