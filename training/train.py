"""Trains the head detector on frames that `twin dataset` exported, and writes the model that the sensor's firmware runs.

    python training/train.py --data OUT/train --val OUT/val --minutes 60

Knows nothing of the simulator: only its exported files. The same seed, data and --epochs give the same training; with --minutes the schedule
follows the wall clock, so that the learning rate has come down by the end on a machine of any speed.
"""

import argparse
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import frames
import validation
from export import export
from network import Detector, Readout

BATCH = 16
LEARNING_RATE = 3e-3
WARM_UP = 0.05  # share of the schedule
AVERAGING = 0.998  # of the weights, a step
VALIDATE_EVERY = 400  # steps
PROGRESS_EVERY_S = 15.0


def arguments():
    parser = argparse.ArgumentParser(
        description="Train the head detector on frames exported by `twin dataset`.",
        epilog="example: python training/train.py --data ds/train --val ds/val --minutes 60",
    )
    parser.add_argument("--data", action="append", required=True, metavar="DIR", help="training frames; may be given more than once")
    parser.add_argument("--val", required=True, metavar="DIR", help="frames to judge by, of scenes that are not in --data")
    parser.add_argument("--out", type=Path, default=Path("analytics/models/detector.onnx"), metavar="FILE", help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=None, help="passes over --data; default 30, or no limit if --minutes is given")
    parser.add_argument("--minutes", type=float, default=None, help="stop after this time, whichever limit comes first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="that compute at once; default: %(default)s")
    parser.add_argument("--checkpoint", type=Path, default=Path("training/checkpoint.pt"), metavar="FILE", help="written at every validation; default: %(default)s")
    parser.add_argument("--resume", action="store_true", help="go on from --checkpoint; the limits count from the very beginning")
    arguments = parser.parse_args()
    if arguments.epochs is None and arguments.minutes is None:
        arguments.epochs = 30
    return arguments


def losses(raw, heat, counts, core, offset, near, near_weight, extent, room, seated):
    """The five terms of the loss. `raw`: the network's raw outputs; the rest: tensors of a frames.Batch."""
    raw_heat, raw_offset, raw_extent, raw_seated = (output.float() for output in raw)

    # CenterNet's focal loss: a peak one cell off is forgiven by the bell around it, an easy cell weighs little.
    logit = raw_heat[:, 0]
    probability = logit.sigmoid()
    presence = (1 - probability) ** 2 * -functional.logsigmoid(logit) * (heat == 1)
    absence = (1 - heat) ** 4 * probability**2 * -functional.logsigmoid(-logit) * counts
    cores = max(core.shape[1], 1)
    heat_loss = (presence + absence).sum() / cores

    frame, row, column = core
    offset_loss = (raw_offset[frame, :, row, column] - offset).abs().sum() / cores

    frame, row, column = near
    weight = near_weight / near_weight.sum().clamp(min=1.0)
    told = raw_extent[frame, :, row, column]
    extent_loss = ((told - extent).abs().mean(dim=1) * weight).sum()
    overlap_loss = ((1.0 - overlap(told, extent, room)) * weight).sum()
    seated_loss = (functional.binary_cross_entropy_with_logits(raw_seated[frame, 0, row, column], seated, reduction="none") * weight).sum()
    return torch.stack([heat_loss, offset_loss, extent_loss, overlap_loss, seated_loss])


def overlap(told, extent, room):
    """Intersection over union of boxes around the same heads, of what is in the view of each: [boxes, 4] as extents left, top, right, bottom."""

    def area(extent):
        return (extent[:, 0] + extent[:, 2]).clamp(min=0.0) * (extent[:, 1] + extent[:, 3]).clamp(min=0.0)

    told, extent = torch.minimum(told, room), torch.minimum(extent, room)
    both = area(torch.minimum(told, extent))
    return both / (area(told) + area(extent) - both).clamp(min=1e-3)


# The heat is learnt first and drowns the others if it weighs much more: extent and posture then stay at their means for thousands of frames.
LOSS_NAMES = ("heat", "offset", "extent", "overlap", "seated")
LOSS_WEIGHTS = torch.tensor([1.5, 0.7, 1.5, 1.0, 1.0])


class Training:
    """What a checkpoint holds: the network, its running average (which is what is exported), the optimizer and how far it has come."""

    def __init__(self, seed, threads):
        torch.manual_seed(seed)
        self.network = Detector().to(memory_format=torch.channels_last)
        # A thread each computes a share of the batch, and they meet once a step. PyTorch's own threads would meet at every layer, which halves
        # the speed instead of doubling it as soon as anything else runs on the machine. The weights are shared; the running statistics of batch
        # normalisation are those of the first share.
        self.replicas = [self.network] + [Detector().to(memory_format=torch.channels_last) for _ in range(threads - 1)]
        for replica in self.replicas:
            for parameter, shared in zip(replica.parameters(), self.network.parameters()):
                parameter.data = shared.data
        self.pool = ThreadPoolExecutor(threads)
        self.average = Detector().to(memory_format=torch.channels_last).eval()
        self.average.load_state_dict(self.network.state_dict())
        # Scales and biases do not decay: there is nothing to gain from small ones.
        weights = [p for p in self.network.parameters() if p.dim() > 1]
        others = [p for p in self.network.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW([{"params": weights, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}], LEARNING_RATE)
        self.step, self.seconds = 0, 0.0
        # Of what was exported, and by which frames it was judged.
        self.best_f1, self.judged_by = -1.0, None

    def save(self, file):
        state = {"step": self.step, "seconds": self.seconds, "best_f1": self.best_f1, "judged_by": self.judged_by}
        for name in ("network", "average", "optimizer"):
            state[name] = getattr(self, name).state_dict()
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)

    def load(self, file):
        try:
            state = torch.load(file, weights_only=True)
        except OSError as error:
            raise SystemExit(f"failed to read {file}: {error}; leave --resume out to train from the beginning") from error
        for name in ("network", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]
        self.best_f1, self.judged_by = state["best_f1"], state["judged_by"]

    def learn(self, shares, progress):
        """One step at `progress` (0..1) of the schedule; `shares`: a frames.Batch for each thread. Returns the loss terms."""
        rate = LEARNING_RATE * min(progress / WARM_UP + 0.01, 0.505 + 0.495 * np.cos(np.pi * progress))
        for group in self.optimizer.param_groups:
            group["lr"] = float(rate)
        terms = list(self.pool.map(gradient, self.replicas, shares))
        for parameter, *others in zip(*(replica.parameters() for replica in self.replicas[: len(shares)])):
            for other in others:
                parameter.grad += other.grad
            parameter.grad /= len(shares)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self.step += 1
        self.follow()
        return np.mean(terms, axis=0)

    @torch.no_grad()
    def follow(self):
        """Moves the average towards the network: faster in the beginning, when the average is of little."""
        share = 1.0 - min(AVERAGING, (1.0 + self.step) / (10.0 + self.step))
        for mean, new in zip(self.average.state_dict().values(), self.network.state_dict().values()):
            mean.lerp_(new, share) if mean.is_floating_point() else mean.copy_(new)


def gradient(network, batch):
    """Leaves the gradient of the batch's loss in `network`; returns the loss terms."""
    # Stored by pixel, channels last, already: the layout in which the processor's convolutions are fastest.
    pictures = torch.from_numpy(batch.pictures).permute(0, 3, 1, 2)
    truth = [torch.from_numpy(array) for name, array in vars(batch).items() if name != "pictures"]
    network.train().zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=HALF, cache_enabled=False):
        raw = network(pictures)
    terms = losses(raw, *truth)
    (terms * LOSS_WEIGHTS).sum().backward()
    return terms.detach().numpy()


# Bfloat16 doubles the speed where the processor knows it, and only there.
HALF = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported() and torch.cpu._is_avx512_bf16_supported()


def validate(training, held_out):
    readout = Readout(training.average).eval()

    @torch.no_grad()
    def found(start):
        pictures = torch.from_numpy(held_out.pictures[start : start + BATCH]).permute(0, 3, 1, 2).float() / 255.0
        return [validation.read(*grids) for grids in zip(*(output.numpy() for output in readout(pictures)))]

    parts = training.pool.map(found, range(0, len(held_out.pictures), BATCH))
    return validation.judge([detections for part in parts for detections in part], held_out.people)


def batches(data, seed, step, shares):
    """Endless batches from `step` on, each cut into `shares`, in an order and with variations that depend on seed and step only. The next is made
    while one is learnt."""
    noise = frames.noise_bank(seed)
    count = len(data.pictures)

    def make(step):
        epoch, number = divmod(step, steps_per_epoch(data))
        order = np.random.default_rng([seed, epoch]).permutation(count)
        rng = np.random.default_rng([seed, epoch, number])
        parts = np.array_split(order[number * BATCH : (number + 1) * BATCH], shares)
        return [frames.batch(data, part, rng, noise) for part in parts if len(part)]

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(make, step)
        for later in itertools.count(step + 1):
            ready = following.result()
            following = pool.submit(make, later)
            yield ready


def steps_per_epoch(data):
    return -(-len(data.pictures) // BATCH)


def main():
    options = arguments()
    torch.set_num_threads(1)
    data, held_out = frames.load(options.data), frames.load([options.val])
    print(f"{len(data.pictures)} frames to learn, {len(held_out.pictures)} to judge by", flush=True)
    training = Training(options.seed, options.threads)
    if options.resume:
        training.load(options.checkpoint)
        if training.judged_by != options.val:
            # Figures of other frames cannot be compared: the first of these is the best so far.
            training.best_f1 = -1.0
        print(f"going on after step {training.step}, {training.seconds / 60:.1f} min, best F1 {training.best_f1:.3f}", flush=True)
    training.judged_by = options.val
    earlier, started = training.seconds, time.monotonic()

    def progress():
        training.seconds = earlier + time.monotonic() - started
        of_epochs = training.step / steps_per_epoch(data) / options.epochs if options.epochs else 0.0
        of_time = training.seconds / (options.minutes * 60.0) if options.minutes else 0.0
        return min(max(of_epochs, of_time), 1.0)

    terms, since, said = [], training.step, time.monotonic()
    if progress() >= 1.0:
        print("the limits are reached already: raise --epochs or --minutes to train longer", flush=True)
        return
    for batch in batches(data, options.seed, training.step, options.threads):
        terms.append(training.learn(batch, progress()))
        done = progress() >= 1.0
        if done or time.monotonic() - said >= PROGRESS_EVERY_S:
            speed = (training.step - since) * BATCH / (time.monotonic() - said)
            print(f"{progress():4.0%}  epoch {training.step / steps_per_epoch(data):.2f}  {speed:.0f} frames/s  {spelled(terms)}", flush=True)
            terms, since, said = [], training.step, time.monotonic()
        if done or training.step % VALIDATE_EVERY == 0:
            verdict = validate(training, held_out)
            progress()
            print(f"validation after {training.seconds / 60:.1f} min: {verdict}", flush=True)
            if verdict.f1 > training.best_f1:
                training.best_f1 = verdict.f1
                export(training.average, verdict, held_out.pictures, options.out)
                print(f"written to {options.out}: {options.out.stat().st_size / 1e6:.2f} MB", flush=True)
            training.save(options.checkpoint)
        if done:
            break


def spelled(terms):
    means = np.mean(terms, axis=0)
    return f"loss {means @ LOSS_WEIGHTS.numpy():.3f} ({', '.join(f'{name} {mean:.3f}' for name, mean in zip(LOSS_NAMES, means))})"


if __name__ == "__main__":
    main()
