"""How well queries find their people: distances, ranks, CMC, mAP, mINP."""

from reidlib.evaluation.distance import distances
from reidlib.evaluation.rules import Rules
from reidlib.evaluation.scoring import Score, score, score_features

__all__ = ["Rules", "Score", "distances", "score", "score_features"]
