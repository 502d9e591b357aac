"""What trains the four-stem network: examples, the loss, and going on where it was stopped."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "training/unet4"))

from mask_learning import SHARE, Training, loss_of
from stem_batches import FRAMES, LENGTH, Batch, described, drawn
from training_trial import ratio, table_of

from nodes.separation.streams.framing import spectra
from nodes.separation.unet4.bands import BANDS, edges, unbanded
from nodes.separation.unet4.network import STEMS, UNet4
from nodes.separation.unet4.weights import network_of, stored


@pytest.fixture(scope="module")
def pieces() -> list[np.ndarray]:
    generator = np.random.default_rng(5)
    made = (
        generator.standard_normal((3, len(STEMS), 2, LENGTH + 5000)) * np.array([3000, 900, 2000, 1500])[:, None, None]
    )
    return [np.clip(piece, -32767, 32767).astype(np.int16) for piece in made]


def stems_of(piece: np.ndarray) -> np.ndarray:
    return piece[..., :LENGTH].astype(np.float32) / 32767


def test_the_loss_of_bands_is_that_of_all_bins(pieces: list[np.ndarray]) -> None:
    stems = stems_of(pieces[0])
    batch = described([stems])
    generator = np.random.default_rng(2)
    masks = generator.dirichlet(np.ones(len(STEMS)), (2, FRAMES, BANDS)).transpose(3, 0, 1, 2).astype(np.float32)
    each = spectra(torch.from_numpy(stems)).numpy().astype(np.complex128)
    mix = each.sum(0)
    wide = np.repeat(masks, np.diff(edges()), axis=-1)
    error = np.abs(wide * mix - each) ** 2
    first = edges()[:-1]
    widths = np.diff(edges())

    def roots(energy: np.ndarray) -> np.ndarray:
        """Return the sum over bands of bins times the root mean square of a bin."""
        return np.sqrt(widths * np.add.reduceat(energy, first, -1)).sum((-3, -2, -1))

    energies = [energy.sum((-3, -2, -1)) for energy in (error, np.abs(mix) ** 2, np.abs(each) ** 2)]
    floor = SHARE * energies[1]
    ratios = np.log10((energies[0] + floor) / (energies[2] + floor))
    expected = 2 * (roots(error) / roots(np.abs(mix) ** 2)).mean() + 0.5 * ratios.mean()
    found = loss_of(torch.from_numpy(masks)[None], batch)
    assert float(found) == pytest.approx(expected, rel=2e-3)


def test_stems_count_as_much_as_is_said(pieces: list[np.ndarray]) -> None:
    batch = described([stems_of(pieces[0])])
    masks = torch.rand(1, len(STEMS), 2, FRAMES, BANDS).softmax(1)
    alone = [loss_of(masks, batch, [float(other == stem) for other in STEMS]).item() for stem in STEMS]
    assert loss_of(masks, batch).item() == pytest.approx(np.mean(alone), rel=1e-5)
    assert loss_of(masks, batch, (1, 1, 2, 1)).item() == pytest.approx(np.dot(alone, (1, 1, 2, 1)) / 5, rel=1e-5)


def test_a_training_goes_on_from_another_network(pieces: list[np.ndarray]) -> None:
    torch.manual_seed(4)
    first = stored(UNet4())
    training = Training(pieces, 4, 1, 1e-3, seed=7, start=network_of(first))
    before = stored(training.network())
    assert all(np.array_equal(before[name], tensor) for name, tensor in first.items())
    training.step()
    after = stored(training.network())
    assert any(not np.array_equal(after[name], tensor) for name, tensor in first.items())


def test_the_loss_of_silence_is_a_number() -> None:
    batch = described([np.zeros((len(STEMS), 2, LENGTH), np.float32)])
    masks = torch.full((1, len(STEMS), 2, FRAMES, BANDS), 0.25, requires_grad=True)
    loss = loss_of(masks, batch)
    loss.backward()
    assert abs(loss.item()) < 1
    assert torch.isfinite(masks.grad).all()


def test_true_shares_are_better_than_equal_ones(pieces: list[np.ndarray]) -> None:
    batch = described([stems_of(pieces[1])])
    equal = torch.full((1, len(STEMS), 2, FRAMES, BANDS), 0.25)
    shares = batch.own / batch.own.sum(1, keepdim=True)
    assert loss_of(shares, batch) < loss_of(equal, batch)


def test_examples_are_the_same_for_the_same_chance(pieces: list[np.ndarray]) -> None:
    one, other = (drawn(pieces, 2, np.random.default_rng(9)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert one.seen.shape == (2, 4, FRAMES, BANDS)
    third = drawn(pieces, 2, np.random.default_rng(10))
    assert not torch.equal(one.seen, third.seen)


def test_a_batch_holds_the_powers_of_its_stems(pieces: list[np.ndarray]) -> None:
    batch: Batch = described([stems_of(pieces[2])])
    whole = batch.shared.sum(1)
    torch.testing.assert_close(whole, batch.mixed, rtol=1e-3, atol=1e-4 * float(batch.mixed.max()))


def test_a_training_goes_on_to_the_bit(pieces: list[np.ndarray]) -> None:
    whole = Training(pieces, 4, 1, 1e-3, seed=7)
    losses = [whole.step() for _ in range(4)]
    begun = Training(pieces, 4, 1, 1e-3, seed=7)
    assert [begun.step() for _ in range(2)] == losses[:2]
    after = Training(pieces, 4, 1, 1e-3, seed=8)
    after._seed = 7
    after.restore(begun.state())
    assert [after.step() for _ in range(2)] == losses[2:]
    one, other = stored(whole.network()), stored(after.network())
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_training_learns_to_tell_levels_apart() -> None:
    """Stems that lie in bands of their own are told apart after two dozen batches."""
    generator = np.random.default_rng(1)
    spectrum = np.fft.rfft(generator.standard_normal((len(STEMS), 2, LENGTH)))
    at = np.linspace(0, 1, spectrum.shape[-1])
    for number, (low, high) in enumerate([(0.05, 0.1), (0.2, 1), (0, 0.05), (0.1, 0.2)]):
        spectrum[number] *= (at >= low) & (at < high)
    sound = np.fft.irfft(spectrum, LENGTH)
    sound *= 0.1 / np.sqrt(np.mean(sound**2, axis=(1, 2), keepdims=True))
    piece = (sound * 32767).astype(np.int16)
    training = Training([piece], 24, 1, 6e-3, seed=1)
    losses = [training.step() for _ in range(24)]
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])


def test_the_table_says_what_was_measured() -> None:
    torch.manual_seed(0)
    network = network_of(stored(UNet4().eval()))
    stems = np.random.default_rng(0).standard_normal((len(STEMS), 2, 6000)).astype(np.float32)
    csv, text = table_of(network, [("one", stems), ("two", stems[::-1].copy())])
    lines = [line.split(",") for line in csv.splitlines()]
    assert [line[0] for line in lines] == ["piece", "one", "two", "median"]
    assert float(lines[1][5]) == pytest.approx(ratio(stems[0], stems.sum(0)), abs=0.01)
    assert len(text.splitlines()) == 4


def test_masks_for_all_bins_are_those_of_bands_where_bands_are_bins() -> None:
    masks = torch.rand(BANDS)
    assert torch.equal(unbanded(masks)[:100], masks[:100])
