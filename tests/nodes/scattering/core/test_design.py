import pytest
import torch

from nodes.scattering.core.chunks import Chunks
from nodes.scattering.core.design import Design
from nodes.scattering.core.transform import Transform


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "bogus"),
        ("boundary", "zero"),
        ("sampling", "half"),
        ("wavelet", "haar"),
        ("orders", 3),
        ("averaging", 3000),
        ("averaging", -1),
        ("band_averaging", 3),
        ("octaves", 1),
    ],
)
def test_a_design_that_no_transform_can_have_is_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} cannot be"):
        Design(**{field: value})


@pytest.mark.parametrize("transform", [Transform(Design(octaves=6, quality=4, averaging=64), 1000),
                                       Chunks(Design(octaves=6, quality=4, averaging=64), 1000, 512)])  # fmt: skip
@pytest.mark.parametrize("shape", [(1000,), (1, 999), (1, 1001), (2, 1, 1000)])
def test_samples_of_another_shape_are_refused(transform, shape):
    with pytest.raises(ValueError, match="batch × 1000"):
        transform.forward(torch.zeros(shape))
