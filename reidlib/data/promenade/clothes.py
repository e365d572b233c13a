"""What a figure wears, one garment a function, as strokes around the joints of a `Body`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reidlib.data.promenade.body import ARMS, BAG, FEET, HAIR, HEAD, LEGS, TORSO, Point

if TYPE_CHECKING:
    from reidlib.data.promenade.body import Body

_LEFT, _RIGHT = 0, 1


def _between(a: Point, b: Point, share: float | Tensor) -> Point:
    return tuple(p + (q - p) * share for p, q in zip(a, b))  # type: ignore[return-value]


def _moved(a: Point, forward: Tensor | float, up: Tensor | float, left: Tensor | float) -> Point:
    return a[0] + forward, a[1] + up, a[2] + left


def _legwise(a: Tensor, b: Tensor) -> Tensor:
    """Nearness of a leg, kept behind skirt and shirt however far it steps towards the viewer."""
    return (a * 0.4 + b * 0.6) * 0.15


def shadow(body: Body) -> None:
    """A soft pool of shade at the feet, drawn out away from the sun."""
    pen, tall, px = body.pen, body.tall, body.px
    zero = torch.zeros_like(tall)
    (x, y), _ = body.pose.project((zero, zero, zero))
    away = -pen.light[0] * 0.30 * tall * px
    half = 0.24 * tall * px
    thin = (0.030 + 1.0 * body.pose.sin_tilt) * 0.13 * tall * px
    black = torch.zeros(3, 1, device=tall.device)
    for reach, dark, soft in ((0.55, 0.30, 1.6), (1.0, 0.24, 3.2)):
        width = thin * (0.6 + 0.5 * reach)
        pen.stroke(
            (x - half * 0.5 * reach + away * 0.2, y), (x + half * 0.5 * reach + away * reach, y),
            (width, width, width), black, part=0, depth=-4.0, opacity=dark,
            sharp=1.0 / (soft * width).clamp(min=1.0), flat=0.0, ghost=True, caps=(0.6, 0.6),
        )  # fmt: skip


def legs(body: Body) -> None:
    """Thighs, calves, socks and shoes; trousers, shorts, or bare below a skirt."""
    pen, pose, person, px, girth = body.pen, body.pose, body.person, body.px, body.girth
    trousers = body.is_("lower", 0)
    shorts = body.is_("lower", 1)
    bare = 1.0 - trousers
    skin, cloth = person["skin_rgb"], person["lower_rgb"]
    leg = torch.where(trousers > 0, cloth, skin)
    a, near_a = pose.project(body.hip)
    b, near_b = pose.project(body.knee)
    c, near_c = pose.project(body.ankle)
    slim = 1.0 - 0.13 * bare
    thigh = (0.050 * girth * px, 0.047 * girth * px * slim, 0.036 * girth * px * slim)
    calf = (
        0.036 * girth * px * slim,
        0.035 * girth * px * slim,
        0.026 * girth * px * (1 - 0.2 * bare),
    )
    folds = _folds(body, leg)
    pen.stroke(
        a,
        b,
        thigh,
        leg,
        part=LEGS,
        depth=_legwise(near_a, near_b),
        fade=0.05,
        fabric=_only(folds, trousers),
    )
    pen.stroke(
        b,
        c,
        calf,
        leg,
        part=LEGS,
        depth=_legwise(near_b, near_c) - 0.002,
        fabric=_only(folds, trousers),
    )
    hem, _ = pose.project(_between(body.hip, body.knee, 0.86))
    wide = tuple(w * 1.18 for w in (thigh[0], thigh[1], thigh[1]))
    pen.stroke(a, hem, wide, cloth, part=LEGS, depth=_legwise(near_a, near_b) + 0.001,
               cut=0.0, opacity=shorts, caps=(1.0, 0.0))  # fmt: skip
    # Socks show on bare legs, and as a ring above the shoe under trousers.
    high = torch.where((bare > 0) & (person["sock_length"] > 0), 0.55, 0.22)
    top, _ = pose.project(_between(body.ankle, body.knee, high))
    ring = 0.027 * girth * px
    pen.stroke(c, top, (ring, ring, ring + 0.004 * girth * px * high), person["socks_rgb"],
               part=FEET, depth=_legwise(near_b, near_c) - 0.003 + 0.002 * bare, cut=0.0,
               opacity=bare, caps=(1.0, 0.0))  # fmt: skip
    e, near_e = pose.project(_moved(body.heel, 0.0, 0.018 * body.tall, 0.0))
    f, near_f = pose.project(_moved(body.toe, 0.0, 0.014 * body.tall, 0.0))
    sock, _ = pose.project(_between(body.ankle, body.knee, 0.10))
    pen.stroke(c, sock, (ring, ring, ring), person["socks_rgb"], part=FEET,
               depth=_legwise(near_b, near_c) - 0.003, cut=0.0, opacity=trousers, caps=(1.0, 0.0))  # fmt: skip
    depth = _legwise(near_b, near_c) - 0.0025
    shoe = (0.023 * girth * px, 0.024 * girth * px, 0.019 * girth * px)
    white = torch.where(person["sole"] > 0, 0.85, 0.16) + torch.zeros(3, 1, device=px.device)
    low = 0.010 * body.tall * px
    pen.stroke((e[0], e[1] + low), (f[0], f[1] + low), tuple(s * 0.75 for s in shoe), white,
               part=FEET, depth=depth - 0.0004)  # fmt: skip
    pen.stroke(e, f, shoe, person["shoes_rgb"], part=FEET, depth=depth)
    pen.stroke(c, e, (0.022 * girth * px, 0.023 * girth * px, shoe[0]), person["shoes_rgb"],
               part=FEET, depth=depth - 0.0002)  # fmt: skip


def _folds(body: Body, cloth: Tensor, deep: float = 0.16) -> dict[str, Tensor | float] | None:
    """Soft creases, darker cloth where two slanting families of waves meet; too fine for small frames."""
    if not body.fine:
        return None
    person, px, tall = body.person, body.px, body.tall
    dark = cloth * (1.0 - deep)
    wave = 1.0 / (0.085 * tall * px)
    return {
        "red2": dark[0], "green2": dark[1], "blue2": dark[2],
        "left_u": body.pose.sin, "left_n": -body.pose.cos,
        "across1": 0.55, "along1": wave, "phase1": person["fabric"], "share1": 0.25, "edge1": 2.0,
        "across2": -0.8, "along2": wave * 0.62, "phase2": person["phase"], "share2": 0.25, "edge2": 2.0,
        "both": 1.0, "decal_half": -9.0, "decal_cut": 1.0,
    }  # fmt: skip


def _fabric(body: Body, scale: float = 1.0) -> dict[str, Tensor | float]:
    """The weave of the upper garment, in its wearer's own axes so that it turns with the body."""
    person, px, tall = body.person, body.px, body.tall
    kind = person["pattern"]
    across = torch.zeros_like(tall)
    along = torch.zeros_like(tall)
    period = (0.034 + 0.02 * person["fabric"]) * tall * px  # pixels
    turns = 0.9 + 2.2 * person["fabric"]
    horizontal, vertical = body.is_("pattern", 1), body.is_("pattern", 2)
    checks, dots = body.is_("pattern", 3), body.is_("pattern", 4)
    block = body.is_("pattern", 5)
    grid = checks + dots
    along = (horizontal + grid) / period + block * 0.34 / (0.30 * tall * px)
    edge = torch.where(block > 0, 0.30 * tall * px, period)
    wrap = (vertical + grid) * turns * 2.0
    second = person["second_rgb"]
    return {
        "red2": second[0], "green2": second[1], "blue2": second[2],
        "left_u": body.pose.sin, "left_n": -body.pose.cos,
        "along1": along, "share1": 0.25, "edge1": edge * scale, "phase1": 0.02,
        "across2": wrap, "share2": 0.25, "phase2": 0.25,
        "edge2": (0.2 * tall * px / turns).clamp(min=0.5) * scale,
        "first": horizontal + block + 0.5 * checks, "second": vertical + 0.5 * checks,
        "both": dots,
        "decal_half": -9.0, "decal_cut": 1.0,
    }  # fmt: skip


def torso(body: Body) -> None:
    """The upper garment, the hips of the lower one, skirts and the neck."""
    pen, pose, person, px, tall = body.pen, body.pose, body.person, body.px, body.tall
    girth = body.girth
    upper, lower = person["upper_rgb"], person["lower_rgb"]
    coat, open_ = body.is_("upper", 4), body.is_("upper", 2)
    dress, skirt = body.is_("lower", 3), body.is_("lower", 2)
    hips = person["hips"]
    chest_w = pose.breadth(body.shoulder_out + 0.012 * girth, 0.056 * girth)
    waist_w = pose.breadth(0.085 * girth * (1 - 0.12 * hips), 0.048 * girth)
    hip_w = pose.breadth(0.086 * girth * (1 + 0.12 * hips), 0.051 * girth)
    n, _ = pose.project(_moved(body.neck, 0.0, -0.045 * tall, 0.0))
    (cx, cy), _ = pose.project(_moved(body.pelvis, 0.0, -0.075 * tall, 0.0))
    top, _ = pose.project(_moved(body.pelvis, 0.0, 0.03 * tall, 0.0))
    pen.stroke(top, (cx, cy), (waist_w, hip_w * 1.02, hip_w * 0.90), torch.where(dress > 0, upper, lower), part=LEGS,
               depth=-0.06, caps=(1.0, 1.6), fabric=_folds(body, lower))  # fmt: skip
    long = 0.17 * coat + 0.035 * open_
    hem, _ = pose.project(_moved(body.pelvis, 0.0, -(0.028 + long) * tall, 0.0))
    flare = hip_w * (1.06 + 0.20 * coat)
    fabric = _fabric(body)
    front = (pose.cos, pose.sin)
    shirt = torch.where(open_ > 0, person["second_rgb"], person["lower_rgb"])
    logo = person["logo"] * (1.0 - open_) * body.is_("upper", 0, 3)
    line = body.is_("upper", 1, 4) * (1.0 - logo)  # buttons or a zip
    third = torch.where(logo > 0, person["bag_rgb"] * 0.3 + 0.65, shirt)
    third = torch.where(line > 0, upper * 0.55, third)
    fabric.update({
        "red3": third[0], "green3": third[1], "blue3": third[2],
        "decal_u": front[0], "decal_n": front[1],
        "decal_0": torch.where(logo > 0, 0.86, 0.90) + 0.097 * line, "decal_edge": chest_w * (0.9 + 9.0 * line),
        "decal_at": torch.where(logo > 0, 0.07 * tall * px, 0.20 * tall * px),
        "decal_half": torch.where(logo > 0, 0.022 * tall * px, ((open_ + line) * 3.0 - 1.0) * tall * px),
        "decal_cut": 1.0,
    })  # fmt: skip
    pen.stroke(n, hem, (chest_w, waist_w * (1.02 + 0.06 * coat), flare), upper, part=TORSO,
               depth=0.10, caps=(chest_w / (0.056 * tall * px), 0.0), cut=0.0, fade=0.10,
               fabric=fabric)  # fmt: skip
    # A skirt hangs over both legs, however far they are apart.
    knee, _ = pose.project(body.knee)
    reach = (knee[0][_LEFT] - knee[0][_RIGHT]).abs() * 0.5 + 0.050 * girth * px
    bottom = torch.maximum(reach, hip_w * 1.28)
    middle = (knee[0][_LEFT] + knee[0][_RIGHT]) * 0.5
    _, low = pose.project(_moved(body.pelvis, 0.0, -0.245 * tall, 0.0))[0]
    skirt_rgb = torch.where(dress > 0, upper, lower)
    pen.stroke(top, (middle, low), (waist_w, hip_w * 1.10, bottom), skirt_rgb, part=LEGS,
               depth=0.095, cut=0.0, opacity=skirt + dress, caps=(1.5, 0.0), fade=0.08,
               fabric=_folds(body, skirt_rgb, 0.22))  # fmt: skip
    head0, _ = pose.project(_moved(body.neck, 0.004 * tall, 0.05 * tall, 0.0))
    wide = 0.030 * girth * px
    pen.stroke(n, head0, (wide, wide * 0.95, wide), person["skin_rgb"], part=HEAD, depth=0.09)
    collar = body.is_("upper", 1, 2, 4)
    c0, _ = pose.project(_moved(body.neck, 0.004 * tall, -0.014 * tall, 0.0))
    c1, _ = pose.project(_moved(body.neck, 0.006 * tall, 0.012 * tall, 0.0))
    band = 0.037 * girth * px
    pen.stroke(c0, c1, (band * 1.15, band, band * 0.95), upper * 0.86 + 0.05, part=TORSO,
               depth=0.105, cut=0.0, caps=(1.5, 0.0), opacity=collar)  # fmt: skip
    hood = body.is_("upper", 3)
    h, near = pose.project(_moved(body.neck, -0.035 * tall, -0.005 * tall, 0.0))
    pen.stroke(h, (h[0], h[1] + 0.02 * tall * px), (0.046 * girth * px,) * 3, upper * 0.9,
               part=TORSO, depth=0.10 + 2.0 * near, opacity=hood, caps=(1.8, 1.2))  # fmt: skip


def arms(body: Body) -> None:
    """Skin first, sleeves over it, hands last."""
    pen, pose, person, px, girth = body.pen, body.pose, body.person, body.px, body.girth
    skin, cloth = person["skin_rgb"], person["upper_rgb"]
    long = person["sleeve"]
    a, near_a = pose.project(body.shoulder)
    b, near_b = pose.project(body.elbow)
    c, near_c = pose.project(body.wrist)
    d, near_d = pose.project(body.hand)
    thick = 1.0 + 0.16 * long + 0.10 * body.is_("upper", 2, 3, 4)
    depth_up, depth_low = near_a * 0.6 + near_b * 0.4 + 0.03, near_b * 0.3 + near_c * 0.7 + 0.075
    lower_arm = torch.where(long > 0, cloth, skin)
    upper_w = (0.0275 * girth * px * thick, 0.0275 * girth * px * thick, 0.022 * girth * px * thick)
    lower_w = (0.023 * girth * px * thick, 0.022 * girth * px * thick, 0.017 * girth * px * thick)
    pen.stroke(c, d, (0.016 * girth * px, 0.021 * girth * px, 0.014 * girth * px), skin, part=ARMS,
               depth=depth_low - 0.002 + (near_d - near_c) * 0.3)  # fmt: skip
    weave = _fabric(body)
    pen.stroke(a, b, upper_w, lower_arm, part=ARMS, depth=depth_up, fabric=_only(weave, long))
    pen.stroke(b, c, lower_w, lower_arm, part=ARMS, depth=depth_low, fabric=_only(weave, long))
    sleeve, _ = pose.project(_between(body.shoulder, body.elbow, 0.72))
    short = tuple(w * 1.22 for w in upper_w)
    pen.stroke(a, sleeve, short, cloth, part=ARMS, depth=depth_up + 0.004, cut=0.0,
               caps=(1.0, 0.0), opacity=1.0 - long, fabric=weave)  # fmt: skip


def _only(
    weave: dict[str, Tensor | float] | None, where: Tensor
) -> dict[str, Tensor | float] | None:
    """The weave where the limb is covered, plain skin elsewhere."""
    if weave is None:
        return None
    kept = dict(weave)
    for name in ("first", "second", "both"):
        kept[name] = weave.get(name, 0.0) * where
    return kept


def head(body: Body) -> None:
    """A ball with hair on it, a face in front, perhaps a hat."""
    pen, pose, person, px, tall = body.pen, body.pose, body.person, body.px, body.tall
    skin, hair = person["skin_rgb"], person["hair_rgb"]
    style = person["hairstyle"]
    centre = _moved(body.neck, 0.012 * tall, 0.098 * tall, 0.0)
    (x, y), _ = pose.project(centre)
    half = pose.breadth(0.050 * tall, 0.058 * tall)
    high = 0.068 * tall * px
    zero = torch.zeros_like(tall)
    bald = body.is_("hairstyle", 1)
    full = body.is_("hairstyle", 2, 3, 6)
    # Hair covers the ball above and behind a plane through it.
    fabric: dict[str, Tensor | float] = {
        "red3": hair[0], "green3": hair[1], "blue3": hair[2],
        "decal_u": -0.75 * pose.cos, "decal_n": -0.75 * pose.sin, "decal_v": -0.66,
        "decal_0": torch.where(bald > 0, 0.55, torch.where(full > 0, -0.24, -0.12)),
        "decal_edge": half * 0.9, "decal_half": 9.0 * tall * px, "decal_cut": 1.0,
    }  # fmt: skip
    volume = 1.04 + 0.10 * full + 0.08 * body.is_("hairstyle", 6)
    (bx, by), _ = pose.project(_moved(centre, -0.012 * tall, 0.010 * tall, 0.0))
    pen.stroke((bx, by), (bx, by), (half * volume,) * 3, hair, part=HAIR, depth=0.104,
               caps=(half / high, half / high), opacity=1.0 - bald, ball=1.0)  # fmt: skip
    pen.stroke((x, y), (x, y), (half,) * 3, skin, part=HEAD, depth=0.11,
               caps=(half / high, half / high), fabric=fabric, ball=1.0)  # fmt: skip
    _hair_behind(body, centre, style)
    _face(body, centre)
    _hat(body, centre, half, high)


def _hair_behind(body: Body, centre: Point, style: Tensor) -> None:
    pen, pose, person, px, tall = body.pen, body.pose, body.person, body.px, body.tall
    hair = person["hair_rgb"]
    long, tail, bun = (body.is_("hairstyle", k) for k in (3, 4, 5))
    bob = body.is_("hairstyle", 2)
    a, _ = pose.project(_moved(centre, -0.022 * tall, 0.005 * tall, 0.0))
    over = 0.10 - 0.09 * pose.sin
    b, _ = pose.project(_moved(centre, -0.050 * tall, -(0.05 + 0.105 * long) * tall, 0.0))
    wide = pose.breadth(0.056 * tall, 0.040 * tall)
    # Seen from behind the hair lies over collar and back, from the front behind them.
    pen.stroke(a, b, (wide, wide, wide * 0.85), hair, part=HAIR, depth=over,
               opacity=(long + bob).clamp(max=1.0), caps=(1.0, 1.6), fade=0.15)  # fmt: skip
    c, _ = pose.project(_moved(centre, -0.058 * tall, 0.030 * tall, 0.0))
    d, _ = pose.project(_moved(centre, -0.085 * tall, -0.085 * tall, 0.0))
    pen.stroke(c, d, (0.016 * tall * px, 0.022 * tall * px, 0.010 * tall * px), hair, part=HAIR,
               depth=over + 0.002, opacity=tail)  # fmt: skip
    e, _ = pose.project(_moved(centre, -0.060 * tall, 0.045 * tall, 0.0))
    pen.stroke(
        e, e, (0.028 * tall * px,) * 3, hair, part=HAIR, depth=over + 0.009, opacity=bun, ball=1.0
    )


def _face(body: Body, centre: Point) -> None:
    pen, pose, px, tall = body.pen, body.pose, body.px, body.tall
    dark = torch.tensor([[0.13], [0.09], [0.08]], device=tall.device)
    side = torch.tensor([[1.0], [-1.0]], device=tall.device)
    facing = pose.sin  # 1: looks at the camera
    eye = _moved(centre, 0.050 * tall, 0.004 * tall, side * 0.019 * tall)
    (x, y), _ = pose.project(eye)
    shown = ((pose.sin * 0.93 - side * 0.36 * pose.cos) * 3.0 - 0.3).clamp(0.0, 1.0)
    size = 0.0066 * tall * px
    pen.stroke((x, y), (x, y), (size,) * 3, dark, part=HEAD, depth=0.112, opacity=shown * 0.9)
    mouth = _moved(centre, 0.050 * tall, -0.036 * tall, side * 0.010 * tall)
    (mx, my), _ = pose.project(mouth)
    lips = body.person["skin_rgb"] * torch.tensor([[0.72], [0.50], [0.50]], device=tall.device)
    pen.stroke((mx[0], my[0]), (mx[1], my[1]), (0.004 * tall * px,) * 3, lips, part=HEAD,
               depth=0.112, opacity=(facing * 3.0 - 0.3).clamp(0.0, 0.9))  # fmt: skip
    nose, _ = pose.project(_moved(centre, 0.062 * tall, -0.012 * tall, 0.0))
    pen.stroke(nose, nose, (0.009 * tall * px,) * 3, body.person["skin_rgb"] * 0.97, part=HEAD,
               depth=0.111, opacity=(facing * 3.0 + 1.0).clamp(0.0, 1.0), caps=(0.7, 0.9))  # fmt: skip


def _hat(body: Body, centre: Point, half: Tensor, high: Tensor) -> None:
    pen, pose, person, px, tall = body.pen, body.pose, body.person, body.px, body.tall
    cloth = person["second_rgb"]
    cap, beanie, brimmed = (body.is_("hat", k) for k in (1, 2, 3))
    any_hat = cap + beanie + brimmed
    (x, y), _ = pose.project(_moved(centre, -0.004 * tall, 0.010 * tall, 0.0))
    pen.stroke((x, y), (x, y), (half * 1.12,) * 3, cloth, part=HAIR, depth=0.21,
               caps=(half / high, half / high), cut=-(0.22 - 0.10 * beanie) * high,
               opacity=any_hat, ball=1.0)  # fmt: skip
    a, near = pose.project(_moved(centre, 0.040 * tall, 0.030 * tall, 0.0))
    b, _ = pose.project(_moved(centre, 0.098 * tall, 0.018 * tall, 0.0))
    brim = pose.breadth(0.040 * tall, 0.010 * tall) * 0.5 + 0.004 * tall * px
    thin = 0.0085 * tall * px
    pen.stroke((a[0] - brim * pose.sin.abs(), a[1]), (b[0] + brim * pose.sin.abs(), b[1]),
               (thin,) * 3, cloth * 0.8, part=HAIR, depth=0.21 + near * 0.1, opacity=cap)  # fmt: skip
    wide = half * 1.9
    pen.stroke((x - wide, y - 0.20 * high), (x + wide, y - 0.20 * high), (thin, thin * 1.3, thin),
               cloth * 0.9, part=HAIR, depth=0.22, opacity=brimmed)  # fmt: skip


def bag(body: Body) -> None:
    """A backpack with its straps, a bag over the shoulder, or one in the hand."""
    pen, pose, person, px, tall = body.pen, body.pose, body.person, body.px, body.tall
    colour = person["bag_rgb"]
    pack, sling, hand = (body.is_("bag", k) for k in (1, 2, 3))
    side = torch.tensor([[1.0], [-1.0]], device=tall.device)
    top, near = pose.project(_moved(body.neck, -0.085 * tall, -0.055 * tall, 0.0))
    low, _ = pose.project(_moved(body.pelvis, -0.095 * tall, 0.055 * tall, 0.0))
    wide = pose.breadth(0.083 * tall, 0.046 * tall)
    pen.stroke(top, low, (wide * 0.9, wide * 1.05, wide), colour, part=BAG,
               depth=0.10 + near * 1.5, caps=(2.0, 2.4), opacity=pack)  # fmt: skip
    pocket, _ = pose.project(_moved(body.pelvis, -0.118 * tall, 0.105 * tall, 0.0))
    pen.stroke(pocket, (pocket[0], pocket[1] + 0.04 * tall * px), (wide * 0.66,) * 3, colour * 0.82,
               part=BAG, depth=0.101 + near * 1.5, caps=(2.4, 2.4), opacity=pack)  # fmt: skip
    s0, _ = pose.project(_moved(body.neck, 0.035 * tall, -0.012 * tall, side * 0.062 * tall))
    s1, _ = pose.project(_moved(body.pelvis, 0.058 * tall, 0.095 * tall, side * 0.072 * tall))
    strap = 0.0115 * tall * px
    shown = (pose.sin * 4.0 + 0.8).clamp(0.0, 1.0)
    pen.stroke(s0, s1, (strap,) * 3, colour * 0.85, part=BAG, depth=0.105, opacity=pack * shown)
    at = _moved(body.pelvis, 0.0, -0.020 * tall, 0.112 * tall)
    q, q_near = pose.project(at)
    front = torch.where(pose.sin >= 0, 0.060, -0.060) * tall
    t0, _ = pose.project(_moved(body.neck, front * 0.5, -0.018 * tall, -0.070 * tall))
    t1, _ = pose.project(_moved(body.pelvis, front, 0.030 * tall, 0.080 * tall))
    pen.stroke(t0, t1, (strap * 0.8,) * 3, colour * 0.7, part=BAG, depth=0.106, opacity=sling)
    size = pose.breadth(0.030 * tall, 0.072 * tall)
    pen.stroke((q[0], q[1] - 0.02 * tall * px), (q[0], q[1] + 0.045 * tall * px), (size,) * 3, colour,
               part=BAG, depth=q_near + 0.06, caps=(2.5, 2.5), opacity=sling)  # fmt: skip
    (hx, hy), h_near = pose.project(body.hand)
    hx, hy, h_near = hx[_RIGHT], hy[_RIGHT], h_near[_RIGHT]
    size = pose.breadth(0.028 * tall, 0.070 * tall)
    drop = 0.045 * tall * px
    pen.stroke((hx, hy), (hx, hy + drop), (strap * 0.7,) * 3, colour * 0.7, part=BAG,
               depth=h_near + 0.03, opacity=hand)  # fmt: skip
    pen.stroke((hx, hy + drop), (hx, hy + drop + 0.06 * tall * px), (size * 0.9, size, size * 1.05),
               colour, part=BAG, depth=h_near + 0.031, caps=(2.6, 2.6), opacity=hand)  # fmt: skip


__all__ = ["arms", "bag", "head", "legs", "shadow", "torso"]
