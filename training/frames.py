"""Frames and who is on them: reads what `twin dataset` exports, varies it, and draws the grids the network is to answer with.

Knows nothing of the network's insides. Pictures are uint8 or float32 arrays [height, width, 3]. A frame's people are one float32 array, a row
for each person, with the columns below, in pixels from the outer corner of the top left pixel.
"""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from network import EXTENT_UNIT_PX, GRID_HEIGHT, GRID_WIDTH, HEIGHT, STRIDE, WIDTH

HEAD_X, HEAD_Y, LEFT, TOP, RIGHT, BOTTOM, SEATED, IGNORED = range(8)
COLUMNS = 8
# Under a low ceiling people are in sight from the shoulders down whose heads are outside the view. Up to here they are learnt all the same,
# in the cell at the border nearest to the head.
BEYOND_PX = 40.0


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
        row = (head_x, head_y, x, y, x + width, y + height, annotation["posture"] == "seated", annotation["iscrowd"])
        people[annotation["image_id"]].append(row)
    return [
        (folder / image["file_name"], without_strangers(np.array(people[image["id"]], np.float32).reshape(-1, COLUMNS)))
        for image in document["images"]
    ]


def without_strangers(people):
    """Ignores those whose heads are too far outside the view: nothing in it is theirs to be told by."""
    people[:, IGNORED] = np.maximum(people[:, IGNORED], beyond(people) > BEYOND_PX)
    return people


def beyond(people):
    """How far outside the view heads are, pixels; negative inside."""
    x, y = people[:, HEAD_X], people[:, HEAD_Y]
    return np.max([-x, x - WIDTH, -y, y - HEIGHT], axis=0)


def tolerance(people):
    """How far from a head (pixels) a detection still means that person: a fifth of the body's size, at least two cells."""
    area = (people[:, RIGHT] - people[:, LEFT]) * (people[:, BOTTOM] - people[:, TOP])
    return np.maximum(0.2 * np.sqrt(np.maximum(area, 0.0)), 2.0 * STRIDE)


# Variation ----------------------------------------------------------------------------------------------------------------------------------


def varied(picture, people, rng, noise):
    """One frame as it might also have looked: float32 picture 0..1 and its people. `noise`: a bank from `noise_bank`."""
    picture, people = turned(picture, people, rng)
    if rng.random() < 0.3:
        picture, people = zoomed(picture, people, rng)
    picture = relit(picture, rng)
    people = covered(picture, people, rng)
    if rng.random() < 0.25:
        # Lenses are darker towards the corners.
        picture *= 1.0 - np.float32(rng.uniform(0.1, 0.7)) * FROM_MIDDLE[:, :, None]
    if rng.random() < 0.3:
        blur(picture, rng.uniform(0.2, 1.0))
    if rng.random() < 0.6:
        start = rng.integers(noise.size - picture.size)
        picture += noise[start : start + picture.size].reshape(picture.shape) * np.float32(rng.exponential(0.02))
    picture = np.clip(picture, 0.0, 1.0, out=picture)
    if rng.random() < 0.2:
        picture = compressed(picture, int(rng.integers(20, 85)))
    return picture, people


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


def zoomed(picture, people, rng):
    """Nearer or farther, about any point; what comes into view is of one grey, as around a letterboxed photograph."""
    scale = np.exp(rng.uniform(np.log(0.55), np.log(1.6)))
    width, height = round(WIDTH * scale), round(HEIGHT * scale)
    # Where the top left corner of the scaled picture goes.
    left, top = round(rng.uniform(0, 1) * (WIDTH - width)), round(rng.uniform(0, 1) * (HEIGHT - height))
    result = Image.new("RGB", (WIDTH, HEIGHT), (int(rng.integers(256)),) * 3)
    result.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR), (left, top))
    people = people.copy()
    whole = share_in_view(people)
    people[:, [HEAD_X, LEFT, RIGHT]] = people[:, [HEAD_X, LEFT, RIGHT]] * np.float32(width / WIDTH) + left
    people[:, [HEAD_Y, TOP, BOTTOM]] = people[:, [HEAD_Y, TOP, BOTTOM]] * np.float32(height / HEIGHT) + top
    if scale > 1.0:
        # Of whom half is cut off, it is undecided whether to find them.
        people[share_in_view(people) < 0.5 * whole, IGNORED] = 1.0
    return np.array(result), without_strangers(people)


def share_in_view(people):
    """The part of each body's box that is in the view."""
    wide = np.minimum(people[:, RIGHT], WIDTH) - np.maximum(people[:, LEFT], 0)
    high = np.minimum(people[:, BOTTOM], HEIGHT) - np.maximum(people[:, TOP], 0)
    whole = (people[:, RIGHT] - people[:, LEFT]) * (people[:, BOTTOM] - people[:, TOP])
    return np.maximum(wide, 0) * np.maximum(high, 0) / np.maximum(whole, 1e-6)


def compressed(picture, quality):
    """As JPEG gives it back."""
    file = io.BytesIO()
    Image.fromarray((picture * 255.0).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), np.float32) * np.float32(1.0 / 255.0)


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


# Squared distance from the middle of the view, 1 in its corners.
FROM_MIDDLE = sum(np.meshgrid(np.linspace(-1, 1, WIDTH, dtype=np.float32) ** 2, np.linspace(-1, 1, HEIGHT, dtype=np.float32) ** 2)) / 2.0


# Targets ------------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Batch:
    """What one training step takes. A *core* is the cell a head lies in; *near* cells are the 3x3 around it, where extent and posture are
    taught too, because a peak may come out one cell beside the head."""

    pictures: np.ndarray  # float32 [n, height, width, 3]
    heat: np.ndarray  # float32 [n, rows, columns]: 1 in a core, falling off as a bell around it
    counts: np.ndarray  # float32 [n, rows, columns]: 0 where neither presence nor absence of a head may be taught
    core: np.ndarray  # int64 [3, cores]: frame, row, column
    offset: np.ndarray  # float32 [cores, 2], in cells; out of 0..1 only for heads outside the view
    near: np.ndarray  # int64 [3, near cells]
    near_weight: np.ndarray  # float32 [near cells]
    extent: np.ndarray  # float32 [near cells, 4], in EXTENT_UNIT_PX
    room: np.ndarray  # float32 [near cells, 4]: from the head to the sides of the view, in EXTENT_UNIT_PX, negative behind a side
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
    cores, offsets, near, weights, extents, rooms, seats = [], [], [], [], [], [], []
    for frame, people in enumerate(everyone):
        for person, reach in zip(people, tolerance(people)):
            x, y = person[HEAD_X] / STRIDE, person[HEAD_Y] / STRIDE
            if person[IGNORED]:
                apart = (COLS + 0.5 - x) ** 2 + (ROWS + 0.5 - y) ** 2
                counts[frame][apart <= (reach / STRIDE) ** 2] = 0.0
                continue
            row, column = int(np.clip(y, 0, GRID_HEIGHT - 1)), int(np.clip(x, 0, GRID_WIDTH - 1))
            sigma = np.clip(0.3 * reach / STRIDE, 0.8, 2.0)
            bell = np.exp(-((COLS - column) ** 2 + (ROWS - row) ** 2) / (2.0 * sigma**2))
            np.maximum(heat[frame], bell, out=heat[frame])
            cores.append((frame, row, column))
            offsets.append((x - column, y - row))
            extent = (person[HEAD_X] - person[LEFT], person[HEAD_Y] - person[TOP], person[RIGHT] - person[HEAD_X], person[BOTTOM] - person[HEAD_Y])
            room = (person[HEAD_X], person[HEAD_Y], WIDTH - person[HEAD_X], HEIGHT - person[HEAD_Y])
            for i in range(max(row - 1, 0), min(row + 2, GRID_HEIGHT)):
                for j in range(max(column - 1, 0), min(column + 2, GRID_WIDTH)):
                    near.append((frame, i, j))
                    weights.append(bell[i, j])
                    extents.append(extent)
                    rooms.append(room)
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
        np.array(rooms, np.float32).reshape(-1, 4) / EXTENT_UNIT_PX,
        np.array(seats, np.float32),
    )
