"""Is what answers among what was found, and how far up?

Each takes a ranking (ids, best first, each once) and the ids that are relevant, and is between 0 and 1.
A query that a run does not answer has the empty ranking: it counts as zero and cannot vanish from a mean.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from eval.cases import Case
from rag.domain import Passage


def success_at(k: int, ranking: Sequence[str], relevant: Collection[str]) -> float:
    """1 if any of the first `k` is relevant (top-k accuracy in Karpukhin et al. 2020)."""
    return float(any(item in relevant for item in ranking[:k]))


def recall_at(k: int, ranking: Sequence[str], relevant: Collection[str]) -> float:
    """The share of what is relevant that is among the first `k` (Cleverdon 1967)."""
    return len(set(ranking[:k]) & set(relevant)) / len(relevant)


def reciprocal_rank_at(k: int, ranking: Sequence[str], relevant: Collection[str]) -> float:
    """1 / rank of the first that is relevant, 0 beyond `k`; its mean is MRR@k (Voorhees 1999, TREC-8)."""
    return next((1 / rank for rank, item in enumerate(ranking[:k], 1) if item in relevant), 0.0)


def ndcg_at(k: int, ranking: Sequence[str], gains: dict[str, float]) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002): gain / log2(rank + 1).

    `gains` holds the grade of each item that is relevant; the gain is the grade itself, as in trec_eval.
    """
    ideal = _discounted(sorted(gains.values(), reverse=True)[:k])
    return _discounted(gains.get(item, 0.0) for item in ranking[:k]) / ideal


def retrieval_measures(
    ranking: Sequence[str], gains: dict[str, float], cutoffs: Iterable[int]
) -> dict[str, float]:
    """All of the above at each cutoff, by name; nothing where nothing is relevant."""
    relevant = {item: gain for item, gain in gains.items() if gain > 0}
    if not relevant:
        return {}
    measures = {}
    for k in cutoffs:
        measures[f"success@{k}"] = success_at(k, ranking, relevant)
        measures[f"recall@{k}"] = recall_at(k, ranking, relevant)
        measures[f"mrr@{k}"] = reciprocal_rank_at(k, ranking, relevant)
        measures[f"ndcg@{k}"] = ndcg_at(k, ranking, relevant)
    return measures


def relevant_passages(case: Case, passages: Iterable[Passage]) -> dict[str, float]:
    """Gain 1 for each passage that holds at least half of a gold quote of the case."""
    return {
        passage.id: 1.0
        for passage in passages
        for gold in case.gold
        if gold.document_id == passage.document_id
        and 2 * (min(passage.end, gold.end) - max(passage.start, gold.start)) >= gold.end - gold.start
    }


def first_places(items: Iterable[str]) -> list[str]:
    """A ranking of documents from one of passages: each document at the place of its first passage."""
    return list(dict.fromkeys(items))


def _discounted(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
