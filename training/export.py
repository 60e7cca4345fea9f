"""Writes the trained network as ONNX and makes sure that ONNX Runtime computes from the file what PyTorch computes.

Opset 17 and no operator beyond Conv, Relu, Sigmoid, Add, Mul, Resize (nearest), Slice and Split, since the file must also run on tract.
"""

import copy
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

from network import HEIGHT, OUTPUTS, WIDTH, Readout

OPSET = 17
DISAGREEMENT_MAX = 1e-4


def export(network, verdict, pictures, file):
    """`verdict` supplies the confidence threshold, kept in the file's metadata; `pictures` (uint8) are what the two runtimes are compared on."""
    # The exporter folds batch normalisation into the convolutions of a network in evaluation mode.
    readout = Readout(copy.deepcopy(network)).eval()
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    with warnings.catch_warnings():
        # PyTorch's newer exporter needs one more package (onnxscript) for nothing that this network has.
        warnings.simplefilter("ignore", DeprecationWarning)
        example = torch.zeros(1, 3, HEIGHT, WIDTH)
        torch.onnx.export(readout, example, unfinished, opset_version=OPSET, dynamo=False, input_names=["image"], output_names=list(OUTPUTS))
    model = onnx.load(unfinished)
    onnx.helper.set_model_props(
        model,
        {
            "confidence_threshold": f"{verdict.threshold:.4f}",
            "validation": f"precision {verdict.precision:.4f} recall {verdict.recall:.4f} F1 {verdict.f1:.4f}",
        },
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, unfinished)
    compare(readout, unfinished, pictures[:8])
    unfinished.replace(file)


def compare(readout, file, pictures):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for picture in pictures:
        image = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255.0
        with torch.no_grad():
            expected = readout(torch.from_numpy(image))
        for name, ours, theirs in zip(OUTPUTS, expected, session.run(list(OUTPUTS), {"image": image})):
            if not np.allclose(theirs, ours.numpy(), rtol=DISAGREEMENT_MAX, atol=DISAGREEMENT_MAX):
                worst = np.abs(theirs - ours.numpy()).max()
                raise SystemExit(f"ONNX Runtime's `{name}` differs from PyTorch's by up to {worst:g}: {file} is not to be used")
