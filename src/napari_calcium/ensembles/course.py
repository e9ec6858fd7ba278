"""The course's way to ensembles, and two others that cluster ensemble events by the neurons they share."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.ensembles.clustering import (
    clusters_of_size,
    communities,
    cut_tree,
    significant_components,
    silhouette_count,
    tree,
)
from napari_calcium.ensembles.event_clusters import Clusterer
from napari_calcium.ensembles.similarity import jaccard, overlap_scores
from napari_calcium.settings import Percent, Settings

__all__ = ["CourseEnsembles", "EventClusters", "SimilarityGraphEnsembles", "WardEnsembles"]


class EventClusters(Settings):
    """What the methods that cluster ensemble events have in common."""

    least_events: Annotated[int, Ge(2), Le(1000)] = Field(
        3,
        title="Least events",
        description="Clusters of fewer ensemble events are no ensembles; their events stay unassigned.",
    )
    core_participation: Annotated[float, Gt(0), Le(1)] = Field(
        0.75,
        title="Core participation",
        description="Members that contribute to at least this share of the events are core members.",
    )
    surrogates: Annotated[int, Ge(0), Le(1000)] = Field(
        20,
        title="Surrogates",
        description="Copies of the recording with every neuron shifted by its own lag; the same method on "
        "each of them tells how many ensembles chance gives. 0 leaves this out.",
    )
    seed: Annotated[int, Ge(0)] = Field(
        0, title="Seed", description="Start of the random numbers: equal seeds give equal results."
    )


class CourseEnsembles(EventClusters):
    """Hierarchical clustering of ensemble events by Jaccard similarity, as the course has it."""

    method: Literal["course"] = "course"
    linkage: Literal["average", "complete", "ward", "single"] = Field(
        "average",
        title="Linkage",
        description="How the distance of two clusters follows from that of their events.",
    )
    clusters: Literal["components", "silhouette"] = Field(
        "components",
        title="Number of clusters",
        description="components: one more than principal components of the events are stronger than "
        "chance, since k of them tell k + 1 clusters apart; none if no component is. silhouette: the number "
        "with the best separation, never fewer than two.",
    )
    member_share: Annotated[Percent, Gt(0)] = Field(
        50.0,
        title="Member share",
        description="A neuron is a member if it contributes to at least this share of a cluster's events.",
    )
    shuffles: Annotated[int, Ge(20), Le(10_000)] = Field(
        100,
        title="Shuffles",
        description="How often contributions are dealt anew to see how strong components are by chance.",
    )
    percentile: Annotated[Percent, Gt(0), Lt(100)] = Field(
        99.0,
        title="Percentile",
        description="A component counts if it is stronger than this percentile of the strongest by chance.",
    )
    most_clusters: Annotated[int, Ge(2), Le(500)] = Field(
        40, title="Most clusters", description="Largest number that the silhouette tries."
    )

    def clusterer(self) -> Clusterer:
        """Return the clustering with these settings."""
        return partial(_hierarchical, self)

    @property
    def limits(self) -> tuple[float, float]:
        """Least share of the events, and largest q-value, of a member."""
        return self.member_share / 100, 1.0


class WardEnsembles(EventClusters):
    """Ward's clustering of ensemble events by Jaccard similarity, with members tested for significance."""

    method: Literal["ward"] = "ward"
    most_clusters: Annotated[int, Ge(2), Le(500)] = Field(
        40,
        title="Most clusters",
        description="The number of clusters, from 2 to this, is the one with the best silhouette.",
    )
    member_share: Annotated[Percent, Gt(0)] = Field(
        30.0,
        title="Member share",
        description="A neuron is a member if it contributes to at least this share of a cluster's events "
        "and does so more often than its part in all events lets expect.",
    )

    def clusterer(self) -> Clusterer:
        """Return the clustering with these settings."""
        return partial(_ward, self.most_clusters)

    @property
    def limits(self) -> tuple[float, float]:
        """Least share of the events, and largest q-value, of a member."""
        return self.member_share / 100, 0.05


class SimilarityGraphEnsembles(EventClusters):
    """Communities in the graph of ensemble events that share more neurons than chance."""

    method: Literal["similarity_graph"] = "similarity_graph"
    deviations: Annotated[float, Gt(0), Le(20)] = Field(
        3.0,
        title="Link above",
        description="Two events are linked if they share so many standard deviations more neurons than "
        "chance, given their sizes and how busy the neurons are.",
    )
    member_share: Annotated[Percent, Gt(0)] = Field(
        20.0,
        title="Member share",
        description="A neuron is a member if it contributes to at least this share of a community's events "
        "and does so more often than its part in all events lets expect.",
    )

    def clusterer(self) -> Clusterer:
        """Return the clustering with these settings."""
        return partial(_graph, self.deviations)

    @property
    def limits(self) -> tuple[float, float]:
        """Least share of the events, and largest q-value, of a member."""
        return self.member_share / 100, 0.05


def _hierarchical(settings: CourseEnsembles, contributors: NDArray[np.float32]) -> NDArray[np.int64]:
    nowhere = np.full(len(contributors), -1)
    if len(contributors) < max(2, settings.least_events):
        return nowhere
    similarity = jaccard(contributors)
    joined = tree(similarity, settings.linkage)
    if settings.clusters == "silhouette":
        return cut_tree(joined, silhouette_count(similarity, joined, settings.most_clusters))
    number = significant_components(contributors, settings.shuffles, settings.percentile, settings.seed)
    if not number:
        return nowhere
    # So many components tell apart one more cluster.
    return cut_tree(joined, clusters_of_size(joined, number + 1, settings.least_events))


def _ward(most_clusters: int, contributors: NDArray[np.float32]) -> NDArray[np.int64]:
    if len(contributors) < 3:
        return np.full(len(contributors), -1)
    similarity = jaccard(contributors)
    joined = tree(similarity, "ward")
    return cut_tree(joined, silhouette_count(similarity, joined, most_clusters))


def _graph(deviations: float, contributors: NDArray[np.float32]) -> NDArray[np.int64]:
    shared, score = overlap_scores(contributors, contributors.sum(axis=0, dtype=np.float64))
    linked = (score > deviations) & (shared >= 2)
    size = np.sqrt(np.maximum(contributors.sum(axis=1), 1.0))
    cosine = shared / np.outer(size, size)
    return communities(np.where(linked, cosine, 0.0).astype(np.float64))
