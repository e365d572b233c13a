"""Legs, torso and arms with what they wear, as strokes around the joints of a `Body`.

The numbers given as depth only order the strokes of one figure: nearer is drawn later.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reidlib.data.promenade import cloth
from reidlib.data.promenade.body import (  # fmt: skip
    ARMS,
    FEET,
    HEAD,
    LEFT,
    LEGS,
    RIGHT,
    TORSO,
    Body,
    between,
    moved,
)
from reidlib.data.promenade.strokes import Widths

IN_FRONT = 0.060  # of the chest; what is nearer than this hides the torso


def shadow(body: Body) -> None:
    """A soft pool of shade at the feet, drawn out away from the sun."""
    pen, unit = body.pen, body.unit
    x, y = body.pose.spot(body.ground)
    away = -pen.light[0] * 0.30 * unit
    half = 0.24 * unit
    thin = (0.030 + body.pose.sin_tilt) * 0.13 * unit
    black = torch.zeros(3, 1, device=unit.device)
    for reach, dark, soft in ((0.55, 0.30, 1.6), (1.0, 0.24, 3.2)):
        width = thin * (0.6 + 0.5 * reach)
        pen.stroke(
            (x - half * 0.5 * reach + away * 0.2, y), (x + half * 0.5 * reach + away * reach, y),
            (width, width, width), black, part=0, depth=-4.0, opacity=dark,
            sharp=1.0 / (soft * width).clamp(min=1.0), flat=0.0, ghost=True, caps=(0.6, 0.6),
        )  # fmt: skip


def _legwise(a: Tensor, b: Tensor) -> Tensor:
    """Depth of a leg, kept behind skirt and shirt however far it steps towards the viewer."""
    return (a * 0.4 + b * 0.6) * 0.15


def _thick(size: Tensor, *widths: float) -> Widths:
    a, b, c = (width * size for width in widths)
    return a, b, c


def legs(body: Body) -> None:
    """Thighs and calves in trousers, below shorts, or bare below a skirt; then the feet."""
    pen, pose, person, bulk = body.pen, body.pose, body.person, body.bulk
    trousers, shorts = body.is_("lower", 0), body.is_("lower", 1)
    garment = person["lower_rgb"]
    colour = torch.where(trousers > 0, garment, person["skin_rgb"])
    hip, near_hip = pose.on_screen(body.hip)
    knee, near_knee = pose.on_screen(body.knee)
    ankle, near_ankle = pose.on_screen(body.ankle)
    slim = bulk * (0.87 + 0.13 * trousers)
    fabric = cloth.only(cloth.creases(body, colour), trousers)
    upper, lower = _legwise(near_hip, near_knee), _legwise(near_knee, near_ankle) - 0.002
    pen.stroke(hip, knee, (0.050 * bulk, 0.047 * slim, 0.036 * slim), colour, part=LEGS,
               depth=upper, fade=0.05, fabric=fabric)  # fmt: skip
    pen.stroke(knee, ankle, _thick(slim * (0.94 + 0.06 * trousers), 0.037, 0.036, 0.026), colour,
               part=LEGS, depth=lower, fabric=fabric)  # fmt: skip
    hem = pose.spot(between(body.hip, body.knee, 0.86))
    pen.stroke(hip, hem, _thick(bulk, 0.056, 0.052, 0.051), garment, part=LEGS,
               depth=upper + 0.001, cut=0.0, opacity=shorts, caps=(1.0, 0.0),
               fabric=cloth.creases(body, garment))  # fmt: skip
    _feet(body, trousers, lower)


def _feet(body: Body, trousers: Tensor, depth: Tensor) -> None:
    """Socks, which trousers hide but for a ring, and shoes with their soles."""
    pen, pose, person, bulk = body.pen, body.pose, body.person, body.bulk
    bare = 1.0 - trousers
    ankle = pose.spot(body.ankle)
    high = (
        torch.where((bare > 0) & (person["sock_length"] > 0), 0.55, 0.22) * bare + 0.10 * trousers
    )
    top = pose.spot(between(body.ankle, body.knee, high))
    pen.stroke(ankle, top, _thick(bulk, 0.027, 0.027, 0.028), person["socks_rgb"], part=FEET,
               depth=depth - 0.001 + 0.002 * bare, cut=0.0, caps=(1.0, 0.0))  # fmt: skip
    heel, toe = pose.spot(moved(body.heel, up=0.018)), pose.spot(moved(body.toe, up=0.014))
    depth = depth + 0.0015 * bare - 0.0015 * trousers  # trousers fall over the shoe
    sole = torch.where(person["sole"] > 0, 0.85, 0.16) + torch.zeros(3, 1, device=bulk.device)
    low = 0.010 * body.unit
    pen.stroke((heel[0], heel[1] + low), (toe[0], toe[1] + low), _thick(bulk, 0.017, 0.018, 0.014),
               sole, part=FEET, depth=depth - 0.0004)  # fmt: skip
    pen.stroke(ankle, heel, _thick(bulk, 0.022, 0.023, 0.023), person["shoes_rgb"], part=FEET,
               depth=depth - 0.0002)  # fmt: skip
    pen.stroke(heel, toe, _thick(bulk, 0.023, 0.025, 0.020), person["shoes_rgb"], part=FEET,
               depth=depth)  # fmt: skip


def torso(body: Body) -> None:
    """The upper garment over the hips of the lower one."""
    pen, pose, person, unit, build = (
        body.pen,
        body.pose,
        body.person,
        body.unit,
        body.person["build"],
    )
    upper, hips = person["upper_rgb"], person["hips"]
    coat, open_, dress = body.is_("upper", 4), body.is_("upper", 2), body.is_("lower", 3)
    chest = pose.breadth(body.shoulders + 0.012 * build, 0.056 * build)
    waist = pose.breadth(0.085 * build * (1 - 0.12 * hips), 0.048 * build)
    hip = pose.breadth(0.086 * build * (1 + 0.12 * hips), 0.051 * build)
    below = torch.where(dress > 0, upper, person["lower_rgb"])
    belt = pose.spot(moved(body.pelvis, up=0.03))
    pen.stroke(belt, pose.spot(moved(body.pelvis, up=-0.075)), (waist, hip * 1.02, hip * 0.90),
               below, part=LEGS, depth=-0.06, caps=(1.0, 1.6),
               fabric=cloth.creases(body, below))  # fmt: skip
    top = pose.spot(moved(body.neck, up=-0.045))
    hem = pose.spot(moved(body.pelvis, up=-0.028 - 0.17 * coat - 0.035 * open_))
    fabric = {**cloth.weave(body), **cloth.chest(body, chest)}
    pen.stroke(top, hem, (chest, waist * (1.02 + 0.06 * coat), hip * (1.06 + 0.20 * coat)), upper,
               part=TORSO, depth=IN_FRONT, caps=(chest / (0.056 * unit), 0.0), cut=0.0, fade=0.10,
               fabric=fabric)  # fmt: skip
    _skirt(body, belt, waist, hip, below)
    _neck(body, top)


def _skirt(
    body: Body, belt: tuple[Tensor, Tensor], waist: Tensor, hip: Tensor, colour: Tensor
) -> None:
    """A skirt, or the lower half of a dress, hangs over both legs, however far they are apart."""
    knee = body.pose.spot(body.knee)[0]
    apart = (knee[LEFT] - knee[RIGHT]).abs() * 0.5 + 0.050 * body.bulk
    hem = body.pose.spot(moved(body.pelvis, up=-0.245))[1]
    body.pen.stroke(
        belt, ((knee[LEFT] + knee[RIGHT]) * 0.5, hem),
        (waist, hip * 1.10, torch.maximum(apart, hip * 1.28)), colour, part=LEGS,
        depth=IN_FRONT - 0.003, cut=0.0, opacity=body.is_("lower", 2, 3),
        caps=(1.5, 0.0), fade=0.08,
        fabric=cloth.pleats(body, colour),
    )  # fmt: skip


def _neck(body: Body, top: tuple[Tensor, Tensor]) -> None:
    """The neck, and a collar or a hood around it."""
    pen, pose, person, bulk = body.pen, body.pose, body.person, body.bulk
    upper = person["upper_rgb"]
    pen.stroke(top, pose.spot(moved(body.neck, 0.004, 0.05)), _thick(bulk, 0.030, 0.0285, 0.030),
               person["skin_rgb"], part=HEAD, depth=IN_FRONT - 0.006)  # fmt: skip
    low, high = moved(body.neck, 0.004, -0.014), moved(body.neck, 0.006, 0.012)
    pen.stroke(pose.spot(low), pose.spot(high), _thick(bulk, 0.0425, 0.037, 0.035),
               upper * 0.86 + 0.05, part=TORSO, depth=IN_FRONT + 0.003, cut=0.0, caps=(1.5, 0.0),
               opacity=body.is_("upper", 1, 2, 4))  # fmt: skip
    (x, y), near = pose.on_screen(moved(body.neck, -0.035, -0.005))
    pen.stroke((x, y), (x, y + 0.02 * body.unit), _thick(bulk, 0.046, 0.046, 0.046), upper * 0.9,
               part=TORSO, depth=IN_FRONT + 2.0 * near, opacity=body.is_("upper", 3),
               caps=(1.8, 1.2))  # fmt: skip


def arms(body: Body) -> None:
    """Hands and arms, in long sleeves or with short ones over the skin."""
    pen, pose, person = body.pen, body.pose, body.person
    skin, garment, long = person["skin_rgb"], person["upper_rgb"], person["sleeve"]
    shoulder, near_a = pose.on_screen(body.shoulder)
    elbow, near_b = pose.on_screen(body.elbow)
    wrist, near_c = pose.on_screen(body.wrist)
    hand, near_d = pose.on_screen(body.hand)
    upper = near_a * 0.6 + near_b * 0.4 + 0.018
    lower = near_b * 0.3 + near_c * 0.7 + 0.045
    thick = body.bulk * (1.0 + 0.16 * long + 0.10 * body.is_("upper", 2, 3, 4))
    colour = torch.where(long > 0, garment, skin)
    fabric = cloth.weave(body)
    pen.stroke(wrist, hand, _thick(body.bulk, 0.016, 0.021, 0.014), skin, part=ARMS,
               depth=lower - 0.002 + (near_d - near_c) * 0.3)  # fmt: skip
    pen.stroke(shoulder, elbow, _thick(thick, 0.0275, 0.0275, 0.022), colour, part=ARMS,
               depth=upper, fabric=cloth.only(fabric, long))  # fmt: skip
    pen.stroke(elbow, wrist, _thick(thick, 0.023, 0.022, 0.017), colour, part=ARMS, depth=lower,
               fabric=cloth.only(fabric, long))  # fmt: skip
    hem = pose.spot(between(body.shoulder, body.elbow, 0.72))
    pen.stroke(shoulder, hem, _thick(thick, 0.0335, 0.0335, 0.027), garment, part=ARMS,
               depth=upper + 0.002, cut=0.0, caps=(1.0, 0.0), opacity=1.0 - long,
               fabric=fabric)  # fmt: skip
