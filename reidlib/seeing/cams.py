"""Which class activation map a figure shows, chosen by who draws it: how, and of what score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.seeing.arms import Arm, partner
from reidlib.seeing.attention import Seen, look
from reidlib.seeing.cam import METHODS, Score, clip_cam, identity, pooled_similarity, similarity

OTHER = "the person's tracklet in another camera"
TARGETS = {
    "similarity": f"of the similarity to {OTHER}, by dot product",
    "cosine": f"of the similarity to {OTHER}, by cosine",
    "pooled": f"of the cosine of {OTHER} and the clip's own pooling",
    "identity": "of the logit of the person's own class",
}


@dataclass(frozen=True)
class Cam:
    """A name of `cam.METHODS` and one of TARGETS; as they come, they are `arms.cam_maps`.

    "pooled" runs through the model's pooling of a tracklet, here of the one clip that is shown.
    Raises ReidError for names that do not exist.
    """

    method: str = "grad_cam"
    target: str = "similarity"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ReidError(f"no CAM method {self.method!r}; there are {', '.join(METHODS)}")
        if self.target not in TARGETS:
            raise ReidError(f"no CAM target {self.target!r}; there are {', '.join(TARGETS)}")

    @property
    def name(self) -> str:
        """As it is printed: "Grad-CAM"."""
        return METHODS[self.method].replace("GradCAM", "Grad-CAM").replace("PlusPlus", "++")

    @property
    def told(self) -> str:
        """For a caption: method, layer and score."""
        if self.method == "eigen_cam":
            return f"{self.name} at the last maps: their principal direction, of no score"
        return f"{self.name} at the last maps, {TARGETS[self.target]}"

    def check(self, dataset: TrackletDataset, people: Sequence[Tracklet]) -> None:
        """Raise a ReidError, before anything is computed, for people without a class."""
        unknown = [one for one in people if one not in dataset.train]
        if self.target == "identity" and unknown:
            raise ReidError(
                f"--target identity needs people of training; {len(unknown)} of the {len(people)} "
                "people of this figure are of the test, for whom the classifier has no row: use "
                "--target similarity, cosine or pooled"
            )

    def maps(self, arm: Arm, dataset: TrackletDataset, seen: Seen) -> Tensor:
        """Maps (m, t, h', w') of the clips of a tracklet, see `arms.gather`."""
        score = self._score(arm, dataset, seen)
        return clip_cam(arm.model, seen.clips, score, method=self.method)

    def _score(self, arm: Arm, dataset: TrackletDataset, seen: Seen) -> Score:
        if self.target == "identity":
            self.check(dataset, [seen.tracklet])
            return identity(torch.full((len(seen.clips),), seen.tracklet.pid))
        other = partner(dataset, seen.tracklet) or seen.tracklet
        how = (arm.recipe, arm.profile)
        alone = look(arm.model, dataset, other, *how, rule="evenly", with_truth=False)
        with torch.no_grad():
            embedding: Tensor = arm.model.pool(alone.output)  # type: ignore[operator]
        if self.target == "pooled":
            return pooled_similarity(arm.model, embedding)
        return similarity(embedding, "dot" if self.target == "similarity" else "cosine")


GRAD_CAM = Cam()
