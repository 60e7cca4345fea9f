"""Writes the little models that the tests of the ONNX detector use, beside this file.

    pip install onnx==1.23.2 && python make_models.py

Each is one convolution that averages the cells of the grid, so that what a model says of a picture can be worked out by
hand: heat is the cell's mean red, the head's offset in it mean green and mean blue, the body's box 10, 20, 30 and 40
pixels plus 100 times mean green to each side, and seated mean blue.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, external_data_helper, helper, numpy_helper, save

HERE = Path(__file__).parent
RED, GREEN, BLUE = range(3)
OUTPUTS = {"heat": 1, "offset": 2, "extent": 4, "seated": 1}


def model(name, *, height=240, width=320, batch=1, names=None, seated_type=TensorProto.FLOAT, log_heat=False, threshold=None, spoil=None):
    """One model; the keywords are the ways in which one can be wrong."""
    names = names or list(OUTPUTS)
    mean = np.full((4, 4), 1 / 16, np.float32)
    weights = np.zeros((8, 3, 4, 4), np.float32)
    for channel, (colour, scale) in enumerate([(RED, 1), (GREEN, 1), (BLUE, 1), *[(GREEN, 100)] * 4, (BLUE, 1)]):
        weights[channel, colour] = scale * mean
    bias = np.array([0, 0, 0, 10, 20, 30, 40, 0], np.float32)
    sizes = np.array(list(OUTPUTS.values()), np.int64)

    parts = [f"{part}_part" for part in OUTPUTS]
    nodes = [
        helper.make_node("Conv", ["image", "weights", "bias"], ["all"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Split", ["all", "sizes"], parts, axis=1),
    ]
    for part, output in zip(parts, names):
        if log_heat and output == "heat":
            nodes.append(helper.make_node("Log", [part], [output]))
        elif seated_type != TensorProto.FLOAT and output == "seated":
            nodes.append(helper.make_node("Cast", [part], [output], to=seated_type))
        else:
            nodes.append(helper.make_node("Identity", [part], [output]))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, height, width])],
        [
            helper.make_tensor_value_info(
                output, seated_type if output == "seated" else TensorProto.FLOAT, [batch, size, height // 4, width // 4]
            )
            for output, size in zip(names, OUTPUTS.values())
        ],
        [numpy_helper.from_array(array, n) for array, n in [(weights, "weights"), (bias, "bias"), (sizes, "sizes")]],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if threshold is not None:
        helper.set_model_props(made, {"confidence_threshold": threshold})
    if spoil is None:
        checker.check_model(made, full_check=True)
    else:
        spoil(made.graph)
    save(made, HERE / f"{name}.onnx")


def loosen_output(graph):
    del graph.node[-1]


def move_weights_out(graph):
    external_data_helper.set_external_data(graph.initializer[0], "weights.data")
    graph.initializer[0].ClearField("raw_data")


def make_weights_inputs(graph):
    graph.input.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, [8, 3, 4, 4]))


model("colours")
model("colours_threshold", threshold="0.25")
model("bad_threshold", threshold="high")
model("big_picture", height=480, width=640)
model("any_batch", batch="batch")
model("other_names", names=["heat", "offset", "size", "seated"])
model("seated_double", seated_type=TensorProto.DOUBLE)
model("log_heat", log_heat=True)
model("loose_output", spoil=loosen_output)
model("external", spoil=move_weights_out)
model("weight_inputs", spoil=make_weights_inputs)
