"""Streaming embeddings: against whole tracklets at once, bounded, resumable, scored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reidlib.data.frames import StoredFrames
from reidlib.data.sampling import TEST_RULES
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.data.transforms import prepare
from reidlib.errors import ReidError
from reidlib.evaluation import distances, score
from reidlib.extraction import embed_tracklets, evaluate, extract, frames_seen, load
from reidlib.models.backbone import small
from reidlib.models.baseline import Baseline
from reidlib.models.initialise import initialise
from reidlib.models.output import Output
from reidlib.recipes.core import PROFILES, Recipe, Test

LENGTHS = (1, 9, 3, 4, 30, 2, 8, 17)


class Noise:
    """A frame source of seeded noise that remembers what was asked of it."""

    def __init__(self, size: tuple[int, int] = (8, 4)) -> None:
        self.size = size
        self.asked: list[tuple[int, int]] = []  # (row, frames)
        self.left = 10**9  # reads until the power fails

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> Tensor:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        assert len(set(indices)) == len(indices)
        self.asked.append((tracklet.row, len(indices)))
        rng = np.random.default_rng(tracklet.row)
        frames = rng.integers(0, 256, (min(len(tracklet), 100), 3, *self.size), dtype=np.uint8)
        return torch.from_numpy(frames[np.array(indices) % 100])


class Weighted(nn.Module):
    """Pools clips by a weight that is a map, remembers its batches, and has a BN to disturb."""

    pool_maps: tuple[str, ...] = ("clip_weights",)

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(3, 6), nn.BatchNorm1d(6)
        initialise(self, 0)
        self.batches: list[int] = []

    def forward(self, clips: Tensor) -> Output:
        self.batches.append(len(clips))
        mean = clips.mean(dim=(1, 3, 4))
        last = clips[:, -1].mean(dim=(2, 3))  # so that the order of frames counts
        weights = (5 * mean.sum(dim=1)).sigmoid()
        features = {"features": clips, "clip_weights": weights}
        return Output(self.norm(self.layer(mean + 2 * last)), maps=features)

    def pool(self, clips: Output) -> Tensor:
        assert set(clips.maps) == {"clip_weights"}
        weights = clips.maps["clip_weights"]
        return (weights[:, None] * clips.embedding).sum(dim=0) / weights.sum()


def tracklets(lengths: Sequence[int] = LENGTHS) -> tuple[Tracklet, ...]:
    return tuple(
        Tracklet(i, tuple(f"{i}/{k}.jpg" for k in range(n)), i % 3, i % 2, i % 3, i % 2 + 1)
        for i, n in enumerate(lengths)
    )


def dataset(
    source: Any = None, lengths: Sequence[int] = LENGTHS, **changes: Any
) -> TrackletDataset:
    items = tracklets(lengths)
    fields = {"query": items[:3], "gallery": items, "train": ()} | changes
    return TrackletDataset("noise", "1", "queries kept", frames=source or Noise(), **fields)


def whole(
    model: nn.Module, data: TrackletDataset, items: Sequence[Tracklet], t: int, test: Test
) -> Tensor:
    """Each tracklet's clips in one batch, nothing streamed."""
    out = []
    for item in items:
        clips = TEST_RULES[test.frames](len(item), t, test.stride, test.tail)
        frames = data.frames.read(item, list(range(len(item))))
        seen = model.eval()(prepare(torch.stack([frames[c] for c in clips]), (8, 4)))
        weights = {"clip_weights": seen.maps["clip_weights"]}
        out.append(model.pool(Output(seen.embedding, maps=weights)))  # type: ignore[operator]
    return torch.stack(out)


TRANSFORM = partial(prepare, size=(8, 4))


@pytest.mark.parametrize("rule", TEST_RULES)
@pytest.mark.parametrize("chunk", [1, 3, 32])
def test_as_whole_tracklets_at_once(rule: str, chunk: int) -> None:
    model, data, test = Weighted(), dataset(), Test(frames=rule)
    expected = whole(Weighted(), data, data.gallery, 4, test).detach()
    found = embed_tracklets(
        model, data, data.gallery, clip_length=4, transform=TRANSFORM, test=test, chunk=chunk
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert not found.is_inference()  # it may be trained upon
    number = sum(len(TEST_RULES[rule](n, 4, None, "cover")) for n in LENGTHS)
    full, rest = divmod(number, chunk)
    assert model.batches == [chunk] * full + [rest] * (rest > 0)  # short tracklets share a batch
    assert model.training
    assert (model.norm.running_mean == 0).all()


def test_independent_of_the_chunk_with_a_real_network() -> None:
    rng = np.random.default_rng(0)
    ends = np.cumsum((0, *LENGTHS))
    pixels = rng.integers(0, 256, (ends[-1], 3, 32, 16), dtype=np.uint8)
    data = dataset(StoredFrames(torch.from_numpy(pixels), torch.from_numpy(ends)))
    model = initialise(Baseline(small(), 5, frames=4, size=(64, 32)), 0)
    found = [
        embed_tracklets(
            model,
            data,
            data.gallery,
            clip_length=4,
            transform=partial(prepare, size=(64, 32)),
            chunk=chunk,
        )
        for chunk in (1, 5, 64)
    ]
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=0, atol=1e-5)
    assert found[0].std(dim=0).max() > 1e-3


def test_a_long_tracklet_is_streamed() -> None:
    source, model = Noise(), Weighted()
    data = dataset(source, (9324,))
    found = embed_tracklets(
        model, data, data.gallery, clip_length=4, transform=TRANSFORM, chunk=16, progress=False
    )
    assert found.shape == (1, 6)
    assert sum(frames for _, frames in source.asked) == 9324
    assert max(frames for _, frames in source.asked) == 64
    assert sum(model.batches) == 2331
    assert max(model.batches) == 16


def test_frames_in_several_clips_are_read_once() -> None:
    source = Noise()
    data = dataset(source, (32,))
    test = Test(frames="overlap", stride=1)
    embed_tracklets(
        Weighted(), data, data.gallery, clip_length=8, transform=TRANSFORM, test=test, chunk=100
    )
    assert source.asked == [(0, 32)]
    again = Test(frames="overlap", stride=1, length=2)  # the test's own length goes first
    model = Weighted()
    embed_tracklets(model, data, data.gallery, clip_length=8, transform=TRANSFORM, test=again)
    assert sum(model.batches) == 31


def test_frames_of_different_sizes_meet_after_the_transform() -> None:
    class Mixed(Noise):
        def read(self, tracklet: Tracklet, indices: Sequence[int]) -> Tensor:
            return Noise((8, 4) if tracklet.row % 2 else (20, 9)).read(tracklet, indices)

    model, data = Weighted(), dataset(Mixed())
    found = embed_tracklets(model, data, data.gallery, clip_length=4, transform=TRANSFORM)
    one_by_one = embed_tracklets(
        model, data, data.gallery, clip_length=4, transform=TRANSFORM, chunk=1
    )
    torch.testing.assert_close(found, one_by_one, rtol=0, atol=1e-6)


def test_bad_models_tracklets_and_rules() -> None:
    data = dataset()
    how: dict[str, Any] = {"clip_length": 4, "transform": TRANSFORM}
    with pytest.raises(ReidError, match="no frame rule 'all'"):
        embed_tracklets(Weighted(), data, data.gallery, test=Test(frames="all"), **how)
    with pytest.raises(ReidError, match=r"tracklet 2 \(identity 2\) has no frames"):
        embed_tracklets(Weighted(), data, tracklets((4, 4, 0)), **how)
    model = Weighted()
    with torch.no_grad():
        model.layer.weight[0, 0] = torch.nan
    with pytest.raises(ReidError, match=r"tracklet 0 \(0/0.jpg, ...\) is not finite"):
        embed_tracklets(model, data, data.gallery, **how)
    assert model.training
    assert embed_tracklets(Weighted(), data, (), **how).shape == (0, 0)


# --- kept on disk -------------------------------------------------------------------------------

HOW: dict[str, Any] = {"clip_length": 4, "transform": TRANSFORM, "chunk": 3, "part": 3}


def test_interrupted_and_resumed_to_the_same_bits(tmp_path: Path) -> None:
    straight = extract(Weighted(), dataset(), tracklets(), tmp_path / "straight", **HOW)
    expected = embed_tracklets(
        Weighted(), dataset(), tracklets(), clip_length=4, transform=TRANSFORM
    )
    torch.testing.assert_close(straight.embeddings, expected, rtol=0, atol=1e-6)
    source = Noise()
    data, folder = dataset(source), tmp_path / "stopped"
    tries = 0
    for allowed in (0, 4, 5, 6, 7, 100):
        source.left = allowed
        tries += 1
        try:
            resumed = extract(Weighted(), data, tracklets(), folder, **HOW, threads=1)
            break
        except KeyboardInterrupt:
            assert not (folder / "embeddings.safetensors").exists()
            assert not list(folder.glob(".*"))  # nothing half-written
    assert tries > 2
    assert torch.equal(resumed.embeddings, straight.embeddings)
    assert [p.name for p in sorted(folder.iterdir())] == ["embeddings.safetensors", "record.json"]
    assert resumed.rows.tolist() == list(range(8))
    assert resumed.pids.tolist() == [i % 3 for i in range(8)]
    assert resumed.camids.tolist() == [i % 2 for i in range(8)]
    # What is there is not made again, and can be loaded alone.
    source.left = 0
    assert torch.equal(extract(Weighted(), data, tracklets(), folder, **HOW)[0], straight[0])
    assert torch.equal(load(folder).embeddings, straight.embeddings)
    record = json.loads((folder / "record.json").read_text())
    assert record == load(folder).record
    assert record["transform"] == ["prepare", {"size": [8, 4]}]
    assert record["model"] == "Weighted"
    assert len(record["weights"]) == 64


def test_a_folder_of_other_embeddings_is_refused(tmp_path: Path) -> None:
    extract(Weighted(), dataset(), tracklets(), tmp_path, **HOW)
    other = Weighted()
    with torch.no_grad():
        other.layer.weight[0, 0] += 1e-6
    with pytest.raises(ReidError, match="differ in weights: name another folder"):
        extract(other, dataset(), tracklets(), tmp_path, **HOW)
    with pytest.raises(ReidError, match="differ in tracklets, clip length:"):
        extract(Weighted(), dataset(), tracklets((5, 5)), tmp_path, **HOW | {"clip_length": 5})
    extract(Weighted(), dataset(), tracklets(), tmp_path, **HOW | {"chunk": 9})  # may differ
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(ReidError, match=r"record\.json is broken"):
        extract(Weighted(), dataset(), tracklets(), tmp_path, **HOW)
    with pytest.raises(ReidError, match="name a folder of embeddings"):
        load(tmp_path / "nowhere")
    with pytest.raises(ReidError, match="no tracklets"):
        extract(Weighted(), dataset(), (), tmp_path / "new", **HOW)


def test_a_broken_part_is_named(tmp_path: Path) -> None:
    source = Noise()
    source.left = 5
    with pytest.raises(KeyboardInterrupt):
        extract(Weighted(), dataset(source), tracklets(), tmp_path, **HOW, threads=1)
    part = tmp_path / "part-0000000.safetensors"
    part.write_bytes(part.read_bytes()[:40])
    with pytest.raises(ReidError, match=r"part-0000000\.safetensors cannot be read"):
        extract(Weighted(), dataset(), tracklets(), tmp_path, **HOW)


# --- scored -------------------------------------------------------------------------------------

RECIPE = Recipe("noise", "a test", "baseline", test=Test(frames="overlap", distance="euclidean"))
PROFILE = replace(PROFILES["smoke"], height=8, width=4)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_evaluate(tmp_path: Path, distance: Any) -> None:
    source = Noise()
    data = dataset(source, junk_pids=(2,), query=tracklets()[:2])
    recipe = replace(RECIPE, test=replace(RECIPE.test, distance=distance))
    found = evaluate(Weighted(), data, recipe, PROFILE)
    assert sorted({row for row, _ in source.asked}) == list(range(8))
    clips = sum(len(TEST_RULES["overlap"](n, 4, None, "cover")) for n in LENGTHS)
    model = Weighted()
    evaluate(model, data, recipe, PROFILE, chunk=1)
    assert len(model.batches) == clips  # queries in the gallery are embedded once
    embeddings = whole(Weighted(), data, data.gallery, 4, recipe.test).detach()
    pids, camids = (torch.tensor([getattr(t, n) for t in data.gallery]) for n in ("pid", "camid"))
    matrix = distances(embeddings[:2], embeddings, distance)
    expected = score(matrix, pids[:2], pids, camids[:2], camids, junk_pids=(2,))
    np.testing.assert_allclose(found.ap, expected.ap)
    assert (found.gallery, found.junk, found.protocol) == (6, 2, "queries kept")
    assert found.frames == "overlap, clips of 4, stride 2, tail cover"
    kept = evaluate(
        Weighted(), data, recipe, PROFILE, folder=tmp_path / distance, tie="pessimistic"
    )
    np.testing.assert_allclose(kept.ap, expected.ap)
    assert kept.rules.tie == "pessimistic"
    assert load(tmp_path / distance).rows.tolist() == list(range(8))


def test_a_data_set_may_ask_for_a_camera_rule() -> None:
    data = dataset(settings={"camera_rule": "none"})
    assert evaluate(Weighted(), data, RECIPE, PROFILE).rank(1) == 1  # each query finds itself
    assert evaluate(Weighted(), dataset(), RECIPE, PROFILE).rank(1) < 1
    asked = evaluate(Weighted(), data, RECIPE, PROFILE, camera_rule="exclude_camera")
    assert asked.rules.camera_rule == "exclude_camera"


def test_frames_seen() -> None:
    assert frames_seen(Test(), 4) == "all_frames_strided, clips of 4"
    assert (
        frames_seen(Test("overlap", 8, 4, "drop"), 4) == "overlap, clips of 8, stride 4, tail drop"
    )


def test_an_empty_query_set_is_named() -> None:
    with pytest.raises(ReidError, match="query set is empty"):
        evaluate(Weighted(), dataset(query=()), RECIPE, PROFILE)
