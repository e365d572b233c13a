"""The plain network that every paper's table starts from: averages over space and time."""

from __future__ import annotations

from torch import Tensor, nn

from reidlib.models.backbone import Backbone, frame_average
from reidlib.models.classifiers import classifier
from reidlib.models.output import Output


class Baseline(nn.Module):
    """Average pooling in space and time, a classifier for clips and, if asked, one for frames.

    neck: a batch norm makes the embedding of the pooled features, as in SINet's head. Without it
        a network that starts from random weights soon maps all clips to one point: average-pooled
        activations differ little, and the triplet loss is content with no distance at all.
    """

    pool_maps: tuple[str, ...] = ()  # maps that `pool` needs beside the embedding

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        neck: bool = True,
        frame_classifier: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = nn.BatchNorm1d(backbone.out_channels) if neck else nn.Identity()
        self.classifier = classifier(backbone.out_channels, num_classes)
        self.frame_classifier = (
            classifier(backbone.out_channels, num_classes) if frame_classifier else None
        )

    def forward(self, clips: Tensor) -> Output:
        """(b, t, 3, h, w) -> embedding (b, c), heads "clip" and, if asked, "frame" (b, t, c)."""
        maps, seen = self.backbone(clips)
        frames = frame_average(maps)
        clip = self.neck(frames.mean(dim=1))
        heads: dict[str, tuple[Tensor, Tensor | None]] = {"clip": (clip, self.classifier(clip))}
        if self.frame_classifier is not None:
            heads["frame"] = (frames, self.frame_classifier(frames))
        return Output(clip, heads, maps={**seen, "features": maps})

    def pool(self, clips: Output) -> Tensor:
        """The clips of one tracklet, embedding (m, d) -> (d,)."""
        return clips.embedding.mean(dim=0)
