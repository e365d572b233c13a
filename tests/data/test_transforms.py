"""Transforms: what is drawn, what is done with it, and that the two never meet."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from reidlib.data.sampling import generator
from reidlib.data.transforms import (
    DEVIATION,
    MEAN,
    augment,
    cut,
    draw,
    enlarged,
    erase,
    erasing_boxes,
    normalise,
    prepare,
    resize,
)
from reidlib.recipes.core import Augment

SIZE = (32, 16)
NOTHING = Augment(flip=0, crop=0, erase=0)
MODES = ("clip_same_box", "clip_same_place", "per_frame")


def noise(b=6, t=3, size=SIZE, seed=0):
    make = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (b, t, 3, *size), dtype=torch.uint8, generator=make)


def run(clips, how, seed=0, step=0, size=SIZE, slots=None):
    slots = range(len(clips)) if slots is None else slots
    return augment(clips, draw(how, slots, clips.shape[1], size, seed=seed, step=step), how, size)


# --- without chance -------------------------------------------------------------------------------


def test_testing_is_resize_unit_range_and_imagenet():
    clips = noise(2, 2)
    told = prepare(clips, SIZE)
    assert told.dtype == torch.float32
    for place in np.ndindex(*clips.shape):
        c = place[2]
        expected = (int(clips[place]) / 255 - MEAN[c]) / DEVIATION[c]
        assert abs(float(told[place]) - expected) < 1e-6


def test_no_probability_is_the_transform_for_testing():
    clips = noise()
    assert torch.equal(run(clips, NOTHING), prepare(clips, SIZE))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(48, 24), (20, 12), (36, 18)])
def test_resizing_agrees_with_an_image_library(interpolation, size):
    clips = noise(1, 2) // 4 + 96  # no overshoot: libraries clip between the two directions
    told = resize(clips, size, interpolation)
    assert told.dtype == torch.uint8
    for frame, ours in zip(clips[0], told[0]):
        picture = Image.fromarray(frame.permute(1, 2, 0).numpy())
        kernel = getattr(Image.Resampling, interpolation.upper())
        theirs = np.asarray(picture.resize(size[::-1], kernel)).astype(int)
        assert np.abs(ours.permute(1, 2, 0).numpy() - theirs).max() <= 1


def test_resizing_to_the_same_size_does_nothing():
    clips = noise()
    assert resize(clips, SIZE) is clips


def test_cut_takes_each_clips_own_window():
    clips = noise(3, 2, (36, 18))
    corner = torch.tensor([[0, 0], [4, 2], [3, 1]])
    told = cut(clips, corner, SIZE)
    for i, (y, x) in enumerate(corner.tolist()):
        for r in (0, 7, 31):
            for c in (0, 5, 15):
                assert torch.equal(told[i, :, :, r, c], clips[i, :, :, y + r, x + c])


def test_erase_fills_the_box_and_nothing_else():
    clips = normalise(noise(2, 3))
    box = torch.tensor([[[0, 0, 4, 5], [3, 2, 1, 1], [0, 0, 0, 0]], [[27, 11, 5, 5]] * 3])
    told = erase(clips, box, (1.0, 2.0, 3.0))
    for i, f, c, y, x in np.ndindex(*clips.shape):
        top, left, height, width = box[i, f].tolist()
        inside = top <= y < top + height and left <= x < left + width
        expected = (1.0, 2.0, 3.0)[c] if inside else float(clips[i, f, c, y, x])
        assert float(told[i, f, c, y, x]) == expected


def test_enlarged_is_an_eighth_more():
    assert [enlarged(s) for s in ((256, 128), (64, 32), (224, 112))] == [
        (288, 144), (72, 36), (252, 126),
    ]  # fmt: skip


# --- probabilities --------------------------------------------------------------------------------


def test_flip_always_is_a_mirror_and_twice_is_nothing():
    clips, how = noise(), replace(NOTHING, flip=1.0)
    assert torch.equal(run(clips, how), prepare(clips, SIZE).flip(-1))
    assert torch.equal(run(clips.flip(-1), how), prepare(clips, SIZE))


def test_crop_always_shows_a_window_of_the_enlarged_frame():
    clips, how = noise(40), replace(NOTHING, crop=1.0)
    draws = draw(how, range(40), 3, SIZE, seed=0, step=0)
    told, big = augment(clips, draws, how, SIZE), prepare(clips, (36, 18))
    for i, (y, x) in enumerate(draws.corner.tolist()):
        assert torch.equal(told[i], big[i, ..., y : y + 32, x : x + 16])
    assert set(draws.corner[:, 0].tolist()) == {0, 1, 2, 3, 4}
    assert set(draws.corner[:, 1].tolist()) == {0, 1, 2}


def test_crop_sometimes_leaves_the_others_alone():
    clips, how = noise(40), replace(NOTHING, crop=0.5)
    draws = draw(how, range(40), 3, SIZE, seed=0, step=0)
    told, plain = augment(clips, draws, how, SIZE), prepare(clips, SIZE)
    same = (told == plain).flatten(1).all(1)
    assert torch.equal(same, ~draws.crop)
    assert 5 < int(same.sum()) < 35


def test_a_frame_of_another_size_is_enlarged_once_not_twice():
    clips, how = noise(1, 1, (64, 32)), replace(NOTHING, crop=1.0)
    draws = draw(how, [0], 1, SIZE, seed=0, step=0)
    direct = cut(prepare(clips, (36, 18)), draws.corner, SIZE)
    assert torch.equal(augment(clips, draws, how, SIZE), direct)


@pytest.mark.parametrize("mode", MODES)
def test_erase_never_and_always(mode):
    clips = noise(30)
    how = replace(NOTHING, erase=1.0, erase_mode=mode, erase_fill=(9.0, 9.0, 9.0))
    covered = (run(clips, how) == 9.0).all(dim=2).float().mean(dim=(-2, -1))
    assert covered.min() > 0
    assert covered.max() < 0.5
    assert not (run(clips, replace(how, erase=0.0)) == 9.0).any()


def test_shares_are_the_probabilities():
    how = Augment(flip=0.3, crop=0.7, erase=0.5)
    draws = draw(how, range(4000), 1, SIZE, seed=0, step=0)
    erased = draws.box[:, 0, 2] > 0
    shares = [x.float().mean().item() for x in (draws.flip, draws.crop, erased)]
    assert np.abs(np.array(shares) - [0.3, 0.7, 0.5]).max() < 0.03
    table = torch.stack([draws.flip, draws.crop, erased]).float()
    assert np.abs(np.corrcoef(table.numpy()) - np.eye(3)).max() < 0.06  # independent of each other


# --- erasing boxes --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(256, 128), (64, 32), (8, 40)])
@pytest.mark.parametrize(("area", "aspect"), [((0.02, 0.4), (0.3, 3.3)), ((0.1, 0.2), (0.5, 1.5))])
def test_boxes_obey_area_aspect_and_border(mode, size, area, aspect):
    how = Augment(erase_mode=mode, erase_area=area, erase_aspect=aspect)
    boxes = np.concatenate([erasing_boxes(generator(0, 9, i), how, 4, size) for i in range(400)])
    top, left, height, width = boxes.T
    assert (height < size[0]).all()
    assert (width < size[1]).all()
    assert (height > 0).all()
    assert (width > 0).all()
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height <= size[0]).all()
    assert (left + width <= size[1]).all()
    # Rounding moves each side by at most half a pixel.
    whole = size[0] * size[1]
    assert ((height + 0.5) * (width + 0.5) >= area[0] * whole).all()
    assert ((height - 0.5) * (width - 0.5) <= area[1] * whole).all()
    assert ((height + 0.5) / (width - 0.5) >= aspect[0]).all()
    assert ((height - 0.5) / (width + 0.5) <= aspect[1]).all()


def test_boxes_reach_all_borders_and_areas():
    size = (64, 32)
    how = Augment(erase_mode="clip_same_box")
    boxes = [erasing_boxes(generator(1, 9, i), how, 1, size)[0] for i in range(2000)]
    top, left, height, width = np.array(boxes).T
    assert top.min() == left.min() == 0
    assert (top + height).max() == 64
    assert (left + width).max() == 32
    share = height * width / (64 * 32)
    assert share.min() < 0.03
    assert share.max() > 0.37


def test_what_the_modes_share():
    def boxes(mode):
        how = Augment(erase_mode=mode)
        return np.array([erasing_boxes(generator(2, 9, i), how, 5, (256, 128)) for i in range(50)])

    same = boxes("clip_same_box")
    assert (same == same[:, :1]).all()
    place = boxes("clip_same_place")
    assert (place[..., 2:] != place[:, :1, 2:]).any()

    def one_place(boxes):
        """Whether one pair of numbers in [0, 1) explains all frames' corners, clip by clip."""
        room = np.array([256, 128]) - boxes[..., 2:] + 1
        lowest, highest = boxes[..., :2] / room, (boxes[..., :2] + 1) / room
        return (lowest.max(axis=1) < highest.min(axis=1)).all(axis=1)

    assert one_place(place).all()
    free = boxes("per_frame")
    assert not one_place(free).any()
    assert (place[:, 0] == same[:, 0]).all()  # the first frame's box is the same in all modes
    assert (place[:, 0] == free[:, 0]).all()


def test_no_box_fits_a_single_row():
    how = Augment(erase_mode="per_frame")
    assert (erasing_boxes(generator(0, 9, 0), how, 3, (1, 9))[:, 2:] == 0).all()


# --- one draw a clip ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_identical_frames_in_identical_frames_out(mode):
    clips = noise(20, 1).repeat(1, 4, 1, 1, 1)
    told = run(clips, Augment(flip=0.5, crop=0.5, erase=0.5, erase_mode=mode))
    identical = (told == told[:, :1]).flatten(1).all(1)
    if mode == "clip_same_box":
        assert identical.all()
    else:  # the shape is each frame's own; clips that are not erased stay identical
        how = Augment(flip=0.5, crop=0.5, erase=0.5, erase_mode=mode)
        erased = (draw(how, range(20), 4, SIZE, seed=0, step=0).box[..., 2] > 0).any(dim=1)
        assert torch.equal(identical, ~erased)
        assert erased.any()


def test_erasing_per_frame_is_decided_for_every_frame():
    how = Augment(flip=0.5, crop=0.5, erase=0.3, erase_mode="per_frame")
    draws = draw(how, range(3000), 4, SIZE, seed=0, step=0)
    erased = (draws.box[..., 2] > 0).float().numpy()
    assert np.abs(erased.mean(axis=0) - 0.3).max() < 0.03
    assert np.abs(np.corrcoef(erased.T) - np.eye(4)).max() < 0.06
    counts = np.bincount(erased.sum(axis=1).astype(int), minlength=5) / 3000
    binomial = [math.comb(4, k) * 0.3**k * 0.7 ** (4 - k) for k in range(5)]
    assert np.abs(counts - binomial).max() < 0.03


@pytest.mark.parametrize("mode", MODES)
def test_with_a_draw_a_frame_every_frame_is_a_clip_of_its_own(mode):
    how = Augment(flip=0.5, crop=0.5, erase=0.5, erase_mode=mode, per_frame=True)
    clips = noise(40, 1, (40, 20)).repeat(1, 4, 1, 1, 1)
    draws = draw(how, range(40), 4, SIZE, seed=0, step=0)
    assert draws.box.shape == (160, 1, 4)
    told = run(clips, how)
    assert told.shape == (40, 4, 3, *SIZE)
    flips = draws.flip.view(40, 4).float()
    assert 0.4 < flips.mean() < 0.6
    assert (flips.std(dim=1) > 0).sum() > 20
    alone = replace(how, per_frame=False)
    first = draw(alone, range(40), 1, SIZE, seed=0, step=0)  # a clip of one frame is the same
    assert torch.equal(told[:, :1], augment(clips[:, :1], first, alone, SIZE))


@pytest.mark.parametrize(
    ("mode", "told"),
    [("clip_same_box", "25538b67879b6606"), ("clip_same_place", "3d52ed82028c83f7")],
)
def test_draws_are_those_that_records_were_made_with(mode, told):
    """`reidlib.harmless` says so of every mode but per_frame; the hashes are from before."""
    how = Augment(flip=0.5, crop=0.5, erase=0.5, erase_mode=mode)
    draws = draw(how, range(64), 4, (64, 32), seed=3, step=11)
    parts = (draws.flip, draws.crop, draws.corner, draws.box)
    raw = b"".join(x.numpy().astype("<i8").tobytes() for x in parts)
    assert hashlib.sha256(raw).hexdigest()[:16] == told


HOW = Augment(flip=0.5, crop=0.5, erase=0.5)


def test_same_seed_same_clip_and_other_seeds_differ():
    clips = noise()
    torch.manual_seed(1)
    first = run(clips, HOW, seed=3, step=7)
    torch.manual_seed(2)
    assert torch.equal(first, run(clips, HOW, seed=3, step=7))
    assert not torch.equal(first, run(clips, HOW, seed=4, step=7))
    assert not torch.equal(first, run(clips, HOW, seed=3, step=8))


def test_a_share_of_the_batch_gets_what_the_whole_gets():
    clips = noise(8)
    whole = run(clips, HOW)
    for part in ((0, 4), (4, 8), (7, 8)):
        assert torch.equal(run(clips[slice(*part)], HOW, slots=range(*part)), whole[slice(*part)])


def test_one_probability_does_not_stir_the_others():
    plain = draw(replace(HOW, erase=0.0), range(50), 3, SIZE, seed=0, step=0)
    other = draw(HOW, range(50), 5, SIZE, seed=0, step=0)  # erasing on, and longer clips
    assert torch.equal(plain.flip, other.flip)
    assert torch.equal(plain.crop, other.crop)
    assert torch.equal(plain.corner, other.corner)


def test_the_input_is_left_alone():
    clips = noise()
    before = clips.clone()
    run(clips, Augment(flip=1, crop=0.5, erase=1))
    prepare(clips, SIZE)
    assert torch.equal(clips, before)
    tones = clips.float()
    normalise(tones)
    assert torch.equal(tones, before.float())
