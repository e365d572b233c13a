"""How well queries find their people: distances, ranks, CMC, mAP, mINP."""

from reidlib.evaluation.distance import distances
from reidlib.evaluation.result import Score
from reidlib.evaluation.rules import Rules
from reidlib.evaluation.scoring import score, score_features

__all__ = ["Rules", "Score", "distances", "score", "score_features"]
