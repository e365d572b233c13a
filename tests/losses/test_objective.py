import pytest
import torch

from reidlib.losses.cross_entropy import cross_entropy
from reidlib.losses.objective import objective
from reidlib.losses.triplet import batch_hard_triplet
from reidlib.models.output import Output
from reidlib.recipes.core import Loss

LABELS = torch.tensor([0, 0, 1, 1])


def output(dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    return Output(
        draw(4, 6),
        heads={"clip": (draw(4, 6), draw(4, 3)), "frame": (draw(4, 5, 6), draw(4, 5, 3))},
        penalties={"spread": torch.tensor(0.7), "idle": torch.tensor(9.0)},
    )


def test_total_is_the_weighted_sum_and_readings_are_unweighted():
    out = output()
    losses = (
        Loss("cross_entropy", ("clip", "frame"), 2.0, {"smoothing": 0.1}),
        Loss("batch_hard_triplet", weight=0.5, options={"margin": 3.0}),
    )
    total, readings = objective(out, LABELS, losses, {"spread": 0.1})
    entropies = [cross_entropy(*out.heads[h], LABELS, smoothing=0.1)[0] for h in ("clip", "frame")]
    triplet, told = batch_hard_triplet(*out.heads["clip"], LABELS, margin=3.0)
    entropy = (entropies[0] + entropies[1]) / 2
    expected = 2 * entropy + 0.5 * triplet + 0.1 * 0.7
    torch.testing.assert_close(total, expected, rtol=0, atol=1e-6)  # 0.7 is single precision
    assert readings["loss"] == total
    assert readings["cross_entropy"] == entropy
    assert readings["batch_hard_triplet.active"] == told["active"]
    assert readings["penalty.idle"] == 9
    assert not any(r.requires_grad for r in readings.values())


def test_a_kind_that_comes_twice_is_told_by_its_heads():
    losses = (Loss("cross_entropy"), Loss("cross_entropy", ("frame",)))
    _, readings = objective(output(), LABELS, losses, {})
    assert {"cross_entropy@clip", "cross_entropy@frame"} <= set(readings)


def test_half_precision_is_lifted():
    out = output(torch.bfloat16)
    total, _ = objective(out, LABELS, (Loss("cross_entropy"),), {})
    single, _ = cross_entropy(out.embedding, out.heads["clip"][1].float(), LABELS)
    assert total.dtype == torch.float32
    assert total == single


@pytest.mark.parametrize(
    ("losses", "penalties", "message"),
    [
        ((Loss("cross_entropy", ("region",)),), {}, "no head 'region'; it has clip, frame"),
        ((Loss("cross_entropy"),), {"mi": 1.0}, "no penalty 'mi'; it has spread, idle"),
        ((), {}, "nothing to minimise"),
        ((Loss("hinge"),), {}, "no loss 'hinge'"),
    ],
)
def test_what_is_missing_is_named(losses, penalties, message):
    with pytest.raises(ValueError, match=message):
        objective(output(), LABELS, losses, penalties)
