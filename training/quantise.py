"""Makes an int8 model of a float32 one that `export.py` wrote: the same contract, a third of the bytes, not two thirds of the time with ONNX Runtime.

    python training/quantise.py FLOAT.onnx --data ds/train --val ds/val --out int8.onnx

Weights become int8, and between layers there are pairs of QuantizeLinear and DequantizeLinear, which ONNX Runtime melts into integer convolutions and
tract computes as they stand. Of eight bits weights use seven, since processors without VNNI add two products of bytes in 16 bits.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import frames
import validation
from network import OUTPUTS

CALIBRATION_FRAMES = 200
# The layers that stay float32: ONNX Runtime computes them as fast, and they are what decides where a head is.
FLOAT = ("down4.0", "lateral4", "up4", "head")
# And in the exported graph what follows the last int8 layer.
AFTER = ("Resize_2", "Add_2", "Split", "Concat")


class Calibration(CalibrationDataReader):
    def __init__(self, pictures):
        self.pictures = iter(pictures)

    def get_next(self):
        picture = next(self.pictures, None)
        return None if picture is None else {"image": planes(picture)}


def planes(picture):
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / np.float32(255.0)


def quantise(source, target, pictures):
    prepared = target.with_suffix(".prepared")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    names = [node.name for node in onnx.load(prepared).graph.node]

    def is_float(name):
        if not name.startswith("/detector/"):
            return True
        # /detector/down4/down4.0/... and /detector/Resize_2
        return any(part.startswith(FLOAT) for part in name.split("/")[2:-1]) or name.split("/")[2] in AFTER

    quantize_static(
        str(prepared), str(target), Calibration(pictures), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, nodes_to_exclude=[name for name in names if is_float(name)],
        extra_options={"QDQKeepRemovableActivations": True},
    )  # fmt: skip
    prepared.unlink()


def detections(file, pictures):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return [validation.read(*(grid[0] for grid in session.run(list(OUTPUTS), {"image": planes(picture)}))) for picture in pictures]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="FLOAT.onnx")
    parser.add_argument("--data", action="append", required=True, metavar="DIR", help="training frames, to measure ranges with; may be given more than once")
    parser.add_argument("--val", required=True, metavar="DIR", help="frames to find the threshold with")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    pictures = frames.load(options.data[:1]).pictures
    some = np.random.default_rng(1).permutation(len(pictures))[:CALIBRATION_FRAMES]
    quantise(options.source, options.out, pictures[some])
    held_out = frames.load([options.val])
    verdict = validation.judge(detections(options.out, held_out.pictures), held_out.people)
    model = onnx.load(options.out)
    onnx.helper.set_model_props(
        model,
        {
            "confidence_threshold": f"{verdict.threshold:.4f}",
            "validation": f"precision {verdict.precision:.4f} recall {verdict.recall:.4f} F1 {verdict.f1:.4f}",
        },
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB, {verdict}")


if __name__ == "__main__":
    main()
