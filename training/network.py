"""The detector: one convolutional network from a frame to a grid of heads.

An encoder goes down to a thirty-second of the frame, where half of the frame fits into the receptive field, and back up to a quarter, where
neighbours' heads stay apart. Knows nothing of data, losses or thresholds.

Grid cell (i, j) covers the pixels [4j, 4j+4) x [4i, 4i+4).
"""

import torch
from torch import nn
from torch.nn import functional

WIDTH, HEIGHT = 320, 240
STRIDE = 4
GRID_WIDTH, GRID_HEIGHT = WIDTH // STRIDE, HEIGHT // STRIDE
# The network counts extents in this many pixels, so that all outputs are of order one.
EXTENT_UNIT_PX = 32.0
OUTPUTS = ("heat", "offset", "extent", "seated")
CHANNELS = (1, 2, 4, 1)


def convolution(inputs, outputs, kernel=3, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def separable(inputs, outputs, stride=1):
    """Depthwise and pointwise: a plain 3x3 at a quarter of the frame would cost more than any other layer, and one to 128 channels weigh more."""
    return nn.Sequential(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), convolution(inputs, outputs, kernel=1))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return functional.relu(x + self.second(self.first(x)))


class Mixer(nn.Module):
    """Looks around in each channel by itself, then combines the channels in twice the width, and adds what comes of it (ConvNeXt's order;
    Liu et al., CVPR 2022). For the price of one plain 3x3 convolution it sees farther and has two layers."""

    def __init__(self, channels, kernel):
        super().__init__()
        around = [nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels, bias=False), nn.BatchNorm2d(channels)]
        narrow = [nn.Conv2d(2 * channels, channels, 1, bias=False), nn.BatchNorm2d(channels)]
        self.inner = nn.Sequential(*around, convolution(channels, 2 * channels, kernel=1), *narrow)

    def forward(self, x):
        return x + self.inner(x)


def upsample(x):
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        # Widths are multiples of 16: ONNX Runtime computes convolutions in such blocks.
        self.down4 = nn.Sequential(convolution(3, 16, stride=2), convolution(16, 32, stride=2))
        self.down8 = nn.Sequential(convolution(32, 48, stride=2), Residual(48))
        self.down16 = nn.Sequential(convolution(48, 64, stride=2), Residual(64), Residual(64))
        self.down32 = nn.Sequential(separable(64, 128, stride=2), Mixer(128, 5), Mixer(128, 5))
        self.lateral16 = convolution(128, 64, kernel=1)
        self.up16 = Mixer(64, 3)
        self.lateral8 = convolution(64, 48, kernel=1)
        self.up8 = Mixer(48, 3)
        self.lateral4 = convolution(48, 32, kernel=1)
        self.up4 = nn.Sequential(separable(32, 32), separable(32, 32))
        self.head = nn.Conv2d(32, sum(CHANNELS), 1)
        with torch.no_grad():
            self.head.bias.zero_()
            # Hardly any cell holds a head: starting from there spares the first steps.
            self.head.bias[0] = -4.0
            self.head.bias[3:7] = 1.0

    def forward(self, image):
        """`image`: [N, 3, 240, 320], RGB, sRGB-encoded, 0..1. Raw values, one tensor for each of OUTPUTS, which the losses take."""
        x4 = self.down4(image)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        # A sixteenth of 240 is odd: half of it, doubled, is a row too many.
        rows = x16.shape[2]
        x = self.up16(x16 + upsample(self.lateral16(self.down32(x16)))[:, :, :rows])
        x = self.up8(x8 + upsample(self.lateral8(x)))
        x = self.up4(x4 + upsample(self.lateral4(x)))
        return torch.split(self.head(x), CHANNELS, dim=1)


class Readout(nn.Module):
    """The detector with its outputs in the units of the model's contract: probabilities, cells, pixels. This is what is exported."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, image):
        heat, offset, extent, seated = self.detector(image)
        # The clamp belongs here and not into training: behind it a negative extent would have no gradient to leave by.
        return heat.sigmoid(), offset, extent.relu() * EXTENT_UNIT_PX, seated.sigmoid()
