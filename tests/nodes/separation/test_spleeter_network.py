import numpy as np
import pytest
import torch
from torch import nn

from nodes.separation.spleeter.network import ARCHITECTURES, FILTERS, Architecture, Networks, UNet

SMALL = (3, 4, 5)


def same_convolution(values: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int, dilation: int = 1):
    """TensorFlow's padding 'same', from its definition: out = ceil(in / stride), the odd row of padding behind."""
    (_, high, wide), (outs, _, size, _) = values.shape, kernel.shape
    found = np.zeros((outs, -(-high // stride), -(-wide // stride)))
    reach = (size - 1) * dilation + 1
    fronts = [
        max((out - 1) * stride + reach - count, 0) // 2
        for out, count in zip(found.shape[1:], (high, wide), strict=True)
    ]
    for row, column in np.ndindex(found.shape[1:]):
        for i, j in np.ndindex(size, size):
            y, x = row * stride + i * dilation - fronts[0], column * stride + j * dilation - fronts[1]
            if 0 <= y < high and 0 <= x < wide:
                found[:, row, column] += kernel[:, :, i, j] @ values[:, y, x]
    return found + bias[:, None, None]


def same_transposed(values: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The adjoint of the convolution at stride 2 with padding 'same': one row in front is cropped."""
    (_, high, wide), (_, outs, size, _) = values.shape, kernel.shape
    found = np.zeros((outs, 2 * high, 2 * wide))
    for row, column in np.ndindex(high, wide):
        for i, j in np.ndindex(size, size):
            y, x = 2 * row + i - 1, 2 * column + j - 1
            if 0 <= y < 2 * high and 0 <= x < 2 * wide:
                found[:, y, x] += kernel[:, :, i, j].T @ values[:, row, column]
    return found + bias[:, None, None]


def naive_logits(network: UNet, values: np.ndarray, architecture: Architecture) -> np.ndarray:
    functions = {
        "LeakyReLU": lambda x: np.where(x > 0, x, 0.2 * x),
        "ReLU": lambda x: np.maximum(x, 0),
        "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    }
    down, up = functions[architecture.down], functions[architecture.up]

    def numbers(layer: nn.Module) -> list[np.ndarray]:
        return [layer.weight.detach().numpy().astype(float), layer.bias.detach().numpy().astype(float)]

    def normed(layer: nn.Module, x: np.ndarray) -> np.ndarray:
        (gamma, beta), mean, variance = numbers(layer), layer.running_mean.numpy(), layer.running_var.numpy()
        return ((x.T - mean) / np.sqrt(variance + 1e-3) * gamma + beta).T

    skips = []
    for level, layer in enumerate(network.convolutions):
        values = same_convolution(values, *numbers(layer), 2)
        skips.append(values)
        if level < len(network.convolutions) - 1:
            values = down(normed(network.norms[level], values))
    skips.pop()
    for layer, norm in zip(network.transposed, network.transposed_norms, strict=True):
        values = normed(norm, up(same_transposed(values, *numbers(layer))))
        values = np.concatenate([skips.pop(), values]) if skips else values
    return same_convolution(values, *numbers(network.last), 1, dilation=2)


def small_network(architecture: Architecture, seed: int) -> UNet:
    torch.manual_seed(seed)
    network = UNet(architecture, SMALL)
    for layer in (*network.norms, *network.transposed_norms):
        for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
            tensor.data.uniform_(0.3, 1.5)
    return network


@pytest.mark.parametrize("stems", [2, 4, 5])
@torch.inference_mode()
def test_every_layer_is_that_of_a_naive_convolution(stems: int) -> None:
    architecture = ARCHITECTURES[stems]
    network = small_network(architecture, stems)
    values = np.random.default_rng(0).uniform(0, 3, (2, 16, 24))
    found = network.logits(torch.tensor(values[None], dtype=torch.float32))[0].numpy()
    wanted = naive_logits(network, values, architecture)
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())
    assert np.ptp(wanted) > 0.1


@torch.inference_mode()
def test_estimates_are_logistic_or_a_softmax_over_stems() -> None:
    values = torch.rand(1, 2, 16, 24) * 4
    for stems, architecture in ARCHITECTURES.items():
        each = tuple(small_network(architecture, seed) for seed in range(stems))
        found = Networks(architecture, each).estimates(values)
        logits = torch.stack([network.logits(values) for network in each])
        masks = logits.softmax(0) if stems == 5 else logits.sigmoid()
        torch.testing.assert_close(found, masks * values)
        total = found.sum(0)
        assert torch.allclose(total, values, atol=1e-5) == (stems == 5)


def test_the_numbers_of_a_stem_are_as_many_as_published() -> None:
    network = UNet(ARCHITECTURES[2])
    count = sum(tensor.numel() for tensor in network.parameters())
    assert count == 9823749 - 2 * FILTERS[-1]  # less the normalisation that nothing depends on


@torch.inference_mode()
def test_what_is_given_is_not_changed() -> None:
    values = torch.rand(1, 2, 16, 24).contiguous(memory_format=torch.channels_last)
    before = values.clone()
    small_network(ARCHITECTURES[4], 0)(values)
    assert torch.equal(values, before)
