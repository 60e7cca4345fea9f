"""Judges a network on frames it was not trained on: reads people off its grids, pairs them with the truth, finds the best threshold.

Knows nothing of training. The reading follows the model's contract, as the Rust decoder does: 3x3 maxima of the heat, and of two peaks
that are close for the size of the stronger one's body only that.
"""

from dataclasses import dataclass

import numpy as np

from frames import BOTTOM, HEAD_X, HEAD_Y, IGNORED, LEFT, RIGHT, SEATED, TOP, tolerance
from network import GRID_HEIGHT, GRID_WIDTH, HEIGHT, STRIDE, WIDTH

SEPARATION = 0.25  # of the square root of the stronger peak's box
SEPARATION_PX = (6.0, 40.0)  # whatever the box
# Peaks below are never worth a look, whatever the threshold.
CONFIDENCE_MIN = 0.05


def read(heat, offset, extent, seated):
    """One frame's grids ([channels, rows, columns]) as an array, strongest first: confidence, x, y, left, top, right, bottom, seated."""
    heat = heat[0]
    padded = np.pad(heat, 1, constant_values=-1.0)
    around = np.max([padded[i : i + GRID_HEIGHT, j : j + GRID_WIDTH] for i in range(3) for j in range(3)], axis=0)
    rows, columns = np.nonzero((heat >= around) & (heat >= CONFIDENCE_MIN))
    order = np.argsort(-heat[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    x = (columns + offset[0, rows, columns]) * STRIDE
    y = (rows + offset[1, rows, columns]) * STRIDE
    left, top, right, bottom = extent[:, rows, columns]
    reach = np.clip(SEPARATION * np.sqrt((left + right) * (top + bottom)), *SEPARATION_PX)
    kept = []
    for peak in range(len(rows)):
        if all(np.hypot(x[peak] - x[other], y[peak] - y[other]) >= reach[other] for other in kept):
            kept.append(peak)
    table = np.stack([heat[rows, columns], x, y, x - left, y - top, x + right, y + bottom, seated[0, rows, columns]], axis=1)
    return table[kept]


@dataclass
class Verdict:
    threshold: float
    precision: float
    recall: float
    f1: float
    count_exact: float  # share of frames whose number of people is right
    count_error: float  # mean absolute error of that number, people
    head_error_px: float
    box_iou: float
    seated_accuracy: float

    def __str__(self):
        return (
            f"precision {self.precision:.3f}  recall {self.recall:.3f}  F1 {self.f1:.3f} at {self.threshold:.2f}  "
            f"count exact {self.count_exact:.3f} off by {self.count_error:.2f}  "
            f"head {self.head_error_px:.1f} px  box IoU {self.box_iou:.2f}  seated {self.seated_accuracy:.3f}"
        )


def judge(found, people):
    """`found`: what `read` returned for each frame; `people`: the truth of each."""
    hits = [pair(detections, truth) for detections, truth in zip(found, people)]
    confidence = np.concatenate([f[:, 0] for f in found])
    frame = np.concatenate([np.full(len(f), i) for i, f in enumerate(found)]).astype(int)
    matched = np.concatenate([h for h, _ in hits])
    counted = ~np.concatenate([dropped for _, dropped in hits])
    present = np.array([np.sum(truth[:, IGNORED] == 0) for truth in people])
    threshold = best_threshold(confidence[counted], matched[counted] >= 0, present.sum())

    kept = counted & (confidence >= threshold)
    true = np.sum(matched[kept] >= 0)
    precision, recall = true / max(kept.sum(), 1), true / max(present.sum(), 1)
    off = np.abs(np.bincount(frame[kept], minlength=len(people)) - present)
    table = np.concatenate(found)[kept & (matched >= 0)]
    owner = matched[kept & (matched >= 0)]
    truth = np.array([people[f][o] for f, o in zip(frame[kept & (matched >= 0)], owner)]).reshape(-1, 8)
    head_error = np.hypot(table[:, 1] - truth[:, HEAD_X], table[:, 2] - truth[:, HEAD_Y])
    right_posture = (table[:, 7] >= 0.5) == (truth[:, SEATED] == 1.0)
    return Verdict(
        threshold=threshold,
        precision=float(precision),
        recall=float(recall),
        f1=float(2 * precision * recall / max(precision + recall, 1e-9)),
        count_exact=float(np.mean(off == 0)),
        count_error=float(np.mean(off)),
        head_error_px=mean(head_error),
        box_iou=mean(iou(seen(table[:, 3:7]), seen(truth[:, [LEFT, TOP, RIGHT, BOTTOM]]))),
        seated_accuracy=mean(right_posture),
    )


def pair(detections, truth):
    """For each detection the index of its person or -1, and whether it is dropped: it lies where an ignored person is. The strongest
    detection chooses first, so the pairs above a threshold are the same whatever the threshold."""
    matched = np.full(len(detections), -1)
    dropped = np.zeros(len(detections), bool)
    reach = tolerance(truth)
    free = truth[:, IGNORED] == 0
    for index, detection in enumerate(detections):
        distance = np.hypot(truth[:, HEAD_X] - detection[1], truth[:, HEAD_Y] - detection[2])
        candidates = np.nonzero(free & (distance <= reach))[0]
        if len(candidates):
            matched[index] = candidates[np.argmin(distance[candidates])]
            free[matched[index]] = False
        else:
            dropped[index] = np.any((truth[:, IGNORED] == 1) & (distance <= reach))
    return matched, dropped


def best_threshold(confidence, true, present):
    """The confidence with the best F1, or rather the middle of the range where F1 is as good as best (within 0.002): its very peak is luck."""
    if not len(confidence) or not present:
        return 0.5
    order = np.argsort(-confidence, kind="stable")
    confidence, hits = confidence[order], np.cumsum(true[order])
    f1 = 2.0 * hits / (np.arange(len(hits)) + 1 + present)
    good = confidence[f1 >= f1.max() - 0.002]
    return float((good[0] + good[-1]) / 2.0)


def seen(boxes):
    """The part of boxes that is in the picture, which is all that the decoder gives."""
    return np.clip(boxes, 0.0, (WIDTH, HEIGHT, WIDTH, HEIGHT))


def iou(a, b):
    """Intersection over union of boxes, row by row: left, top, right, bottom."""
    overlap = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0.0).prod(axis=1)
    area = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1)
    return overlap / np.maximum(area - overlap, 1e-9)


def mean(values):
    return float(np.mean(values)) if len(values) else float("nan")
