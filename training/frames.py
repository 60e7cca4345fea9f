"""Frames and who is on them: reads what `twin dataset` exports, varies it, and draws the grids the network is to answer with.

Knows nothing of the network's insides. Pictures are uint8 or float32 arrays [height, width, 3]. A frame's people are one float32 array, a row
for each person, with the columns below, in pixels from the outer corner of the top left pixel.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from network import EXTENT_UNIT_PX, GRID_HEIGHT, GRID_WIDTH, HEIGHT, STRIDE, WIDTH

HEAD_X, HEAD_Y, LEFT, TOP, RIGHT, BOTTOM, SEATED, IGNORED = range(8)
COLUMNS = 8


@dataclass
class Frames:
    pictures: np.ndarray  # uint8 [n, height, width, 3]
    people: list  # float32 [people of the frame, COLUMNS]


def load(folders):
    """Reads and decodes whole datasets into memory (230 kB a frame): decoding again in every epoch would cost as much as training."""
    entries = [entry for folder in folders for entry in annotated(Path(folder))]
    if not entries:
        raise SystemExit(f"no image is listed in {', '.join(map(str, folders))}")
    pictures = np.empty((len(entries), HEIGHT, WIDTH, 3), np.uint8)

    def decode(index):
        path = entries[index][0]
        try:
            with Image.open(path) as image:
                if image.size != (WIDTH, HEIGHT):
                    raise SystemExit(f"{path} is {image.size[0]}x{image.size[1]}: the network takes {WIDTH}x{HEIGHT}")
                pictures[index] = np.asarray(image.convert("RGB"))
        except OSError as error:
            raise SystemExit(f"failed to read {path}: {error}") from error

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(decode, range(len(entries)), chunksize=64):
            pass
    return Frames(pictures, [people for _, people in entries])


def annotated(folder):
    """Each image of a COCO keypoint file with its people: [(path, people)]."""
    file = folder / "annotations.json"
    try:
        document = json.loads(file.read_text())
    except OSError as error:
        raise SystemExit(f"failed to read {file}: {error}; `twin dataset` writes it last, when the export is complete") from error
    people = {image["id"]: [] for image in document["images"]}
    for annotation in document["annotations"]:
        x, y, width, height = annotation["whole_bbox"]
        head_x, head_y = annotation["head"]
        # A head outside the view has no cell to stand for it. Its owner may be in plain sight, so that place is no miss and no false alarm.
        hidden = annotation["iscrowd"] or not (0 <= head_x < WIDTH and 0 <= head_y < HEIGHT)
        row = (head_x, head_y, x, y, x + width, y + height, annotation["posture"] == "seated", hidden)
        people[annotation["image_id"]].append(row)
    return [
        (folder / image["file_name"], np.array(people[image["id"]], np.float32).reshape(-1, COLUMNS)) for image in document["images"]
    ]


def tolerance(people):
    """How far from a head (pixels) a detection still means that person: a fifth of the body's size, at least two cells."""
    area = (people[:, RIGHT] - people[:, LEFT]) * (people[:, BOTTOM] - people[:, TOP])
    return np.maximum(0.2 * np.sqrt(np.maximum(area, 0.0)), 2.0 * STRIDE)


# Variation ----------------------------------------------------------------------------------------------------------------------------------


def varied(picture, people, rng, noise):
    """One frame as it might also have looked: float32 picture 0..1 and its people. `noise`: a bank from `noise_bank`."""
    picture, people = turned(picture, people, rng)
    picture = relit(picture, rng)
    people = covered(picture, people, rng)
    if rng.random() < 0.3:
        blur(picture, rng.uniform(0.2, 1.0))
    if rng.random() < 0.7:
        start = rng.integers(noise.size - picture.size)
        picture += noise[start : start + picture.size].reshape(picture.shape) * np.float32(rng.exponential(0.02))
    return np.clip(picture, 0.0, 1.0, out=picture), people


def noise_bank(seed):
    """Drawing new normal numbers for every frame would cost more than all other variation; any window of a bank serves."""
    return np.random.default_rng([seed, 1]).standard_normal(4 * HEIGHT * WIDTH * 3, dtype=np.float32)


def turned(picture, people, rng):
    """Seen from the ceiling there is no up: mirrored and upside down are as likely as it is."""
    people = people.copy()
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        people[:, HEAD_X] = WIDTH - people[:, HEAD_X]
        people[:, [LEFT, RIGHT]] = WIDTH - people[:, [RIGHT, LEFT]]
    if rng.random() < 0.5:
        picture = picture[::-1]
        people[:, HEAD_Y] = HEIGHT - people[:, HEAD_Y]
        people[:, [TOP, BOTTOM]] = HEIGHT - people[:, [BOTTOM, TOP]]
    return np.ascontiguousarray(picture), people


def relit(picture, rng):
    """Another exposure, tone curve, white balance and saturation (down to none)."""
    tone = np.linspace(0.0, 1.0, 256) ** np.exp(rng.normal(0.0, 0.25))
    tone = (tone - 0.5) * np.exp(rng.normal(0.0, 0.25)) + 0.5 + rng.normal(0.0, 0.08)
    picture = np.take(tone.astype(np.float32), picture)
    saturation = 0.0 if rng.random() < 0.1 else np.exp(rng.normal(0.0, 0.3))
    grey = np.full((3, 3), 1.0 / 3.0) * (1.0 - saturation)
    balance = np.exp(rng.normal(0.0, 0.08, 3))
    return picture @ ((np.eye(3) * saturation + grey) * balance).astype(np.float32)


def covered(picture, people, rng):
    """Up to three flat patches hide something. A person whose head is hidden becomes ignored: whether to find them is undecided."""
    people = people.copy()
    for _ in range(rng.integers(4)):
        width, height = np.exp(rng.uniform(np.log(6), np.log(64), 2)).astype(int)
        left, top = rng.integers(WIDTH - width), rng.integers(HEIGHT - height)
        picture[top : top + height, left : left + width] = rng.random(3)
        inside_x = (people[:, HEAD_X] >= left) & (people[:, HEAD_X] < left + width)
        inside_y = (people[:, HEAD_Y] >= top) & (people[:, HEAD_Y] < top + height)
        people[inside_x & inside_y, IGNORED] = 1.0
    return people


def blur(picture, strength):
    """Moves each pixel towards the mean of its neighbours, in place: by rows, then by columns."""
    side = np.float32(strength / 3.0)
    for near, middle, far in ((picture[:-2], picture[1:-1], picture[2:]), (picture[:, :-2], picture[:, 1:-1], picture[:, 2:])):
        middle += side * (near + far - 2.0 * middle)


# Targets ------------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Batch:
    """What one training step takes. A *core* is the cell a head lies in; *near* cells are the 3x3 around it, where extent and posture are
    taught too, because a peak may come out one cell beside the head."""

    pictures: np.ndarray  # float32 [n, height, width, 3]
    heat: np.ndarray  # float32 [n, rows, columns]: 1 in a core, falling off as a bell around it
    counts: np.ndarray  # float32 [n, rows, columns]: 0 where neither presence nor absence of a head may be taught
    core: np.ndarray  # int64 [3, cores]: frame, row, column
    offset: np.ndarray  # float32 [cores, 2], in cells
    near: np.ndarray  # int64 [3, near cells]
    near_weight: np.ndarray  # float32 [near cells]
    extent: np.ndarray  # float32 [near cells, 4], in EXTENT_UNIT_PX
    seated: np.ndarray  # float32 [near cells]


ROWS, COLS = np.mgrid[0:GRID_HEIGHT, 0:GRID_WIDTH].astype(np.float32)


def batch(frames, indices, rng, noise):
    pictures = np.empty((len(indices), HEIGHT, WIDTH, 3), np.float32)
    everyone = []
    for position, index in enumerate(indices):
        pictures[position], people = varied(frames.pictures[index], frames.people[index], rng, noise)
        everyone.append(people)
    return Batch(pictures, *targets(everyone))


def targets(everyone):
    """The grids and lists of a Batch for the people of each of its frames."""
    heat = np.zeros((len(everyone), GRID_HEIGHT, GRID_WIDTH), np.float32)
    counts = np.ones_like(heat)
    cores, offsets, near, weights, extents, seats = [], [], [], [], [], []
    for frame, people in enumerate(everyone):
        for person, reach in zip(people, tolerance(people)):
            x, y = person[HEAD_X] / STRIDE, person[HEAD_Y] / STRIDE
            if person[IGNORED]:
                apart = (COLS + 0.5 - x) ** 2 + (ROWS + 0.5 - y) ** 2
                counts[frame][apart <= (reach / STRIDE) ** 2] = 0.0
                continue
            row, column = min(int(y), GRID_HEIGHT - 1), min(int(x), GRID_WIDTH - 1)
            sigma = np.clip(0.3 * reach / STRIDE, 0.8, 2.0)
            bell = np.exp(-((COLS - column) ** 2 + (ROWS - row) ** 2) / (2.0 * sigma**2))
            np.maximum(heat[frame], bell, out=heat[frame])
            cores.append((frame, row, column))
            offsets.append((x - column, y - row))
            extent = (person[HEAD_X] - person[LEFT], person[HEAD_Y] - person[TOP], person[RIGHT] - person[HEAD_X], person[BOTTOM] - person[HEAD_Y])
            for i in range(max(row - 1, 0), min(row + 2, GRID_HEIGHT)):
                for j in range(max(column - 1, 0), min(column + 2, GRID_WIDTH)):
                    near.append((frame, i, j))
                    weights.append(bell[i, j])
                    extents.append(extent)
                    seats.append(person[SEATED])
    # A head in plain sight beside one that is ignored must be learnt all the same.
    counts[heat == 1.0] = 1.0
    return (
        heat,
        counts,
        np.array(cores, np.int64).reshape(-1, 3).T,
        np.array(offsets, np.float32).reshape(-1, 2),
        np.array(near, np.int64).reshape(-1, 3).T,
        np.array(weights, np.float32),
        np.maximum(np.array(extents, np.float32).reshape(-1, 4), 0.0) / EXTENT_UNIT_PX,
        np.array(seats, np.float32),
    )
