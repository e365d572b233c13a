"""The plain network that every paper's table starts from: averages over space and time."""

from __future__ import annotations

from torch import Tensor, nn

from reidlib.models.backbone import Backbone, frame_average
from reidlib.models.output import Output


def classifier(features: int, classes: int, bias: bool = False) -> nn.Linear:
    """A linear layer over identities; its weights start near zero (normal, 0.001)."""
    layer = nn.Linear(features, classes, bias=bias)

    def reset() -> None:
        nn.init.normal_(layer.weight, std=0.001)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)

    layer.reset_parameters = reset  # type: ignore[method-assign]
    reset()
    return layer


class Baseline(nn.Module):
    """Average pooling in space and time, a classifier for clips and, if asked, one for frames."""

    pool_maps: tuple[str, ...] = ()

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        frame_classifier: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier(backbone.out_channels, num_classes)
        self.frame_classifier = (
            classifier(backbone.out_channels, num_classes) if frame_classifier else None
        )

    def forward(self, clips: Tensor) -> Output:
        """(b, t, 3, h, w) -> embedding (b, c), heads "clip" and, if asked, "frame" (b, t, c)."""
        maps, seen = self.backbone(clips)
        frames = frame_average(maps)
        clip = frames.mean(dim=1)
        heads: dict[str, tuple[Tensor, Tensor | None]] = {"clip": (clip, self.classifier(clip))}
        if self.frame_classifier is not None:
            heads["frame"] = (frames, self.frame_classifier(frames))
        return Output(clip, heads, maps={**seen, "features": maps})

    def pool(self, clips: Output) -> Tensor:
        """The clips of one tracklet, embedding (m, d) -> (d,)."""
        return clips.embedding.mean(dim=0)
