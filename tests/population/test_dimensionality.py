from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
import sklearn.decomposition
from sklearn.decomposition import PCA
from sklearn.decomposition import FactorAnalysis as SklearnFactors
from tests.population.neurons import activity, grouped, independent, odd_recordings

from napari_calcium.population import principal_components
from napari_calcium.population.dimensionality import (
    FactorAnalysis,
    IndependentComponents,
    NonNegativeFactors,
    PrincipalComponents,
    UmapPlane,
    reduce_dimensions,
)
from napari_calcium.population.factor_model import factor_model
from napari_calcium.population.principal_components import (
    chance_eigenvalues,
    independent_samples,
    leading_components,
    marchenko_pastur_edge,
    n_beyond_chance,
    participation_ratio,
)
from napari_calcium.population.row_shifting import cell_shifts, rolled
from napari_calcium.population.standardising import standardised

METHODS = (PrincipalComponents(), FactorAnalysis(), NonNegativeFactors(), IndependentComponents())


def white(n_rois, n_bins, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rois, n_bins)).astype(np.float32)


@pytest.mark.parametrize("shape", [(20, 300), (300, 20)])
def test_components_are_those_of_scikit_learn(shape):
    x = white(*shape) + white(1, shape[1], 1)
    z = standardised(x)
    values, cells, time = leading_components(z, 4)
    model = PCA(4).fit(z.T.astype(float) * np.sqrt(shape[1]))
    np.testing.assert_allclose(values, model.explained_variance_ * (shape[1] - 1) / shape[1], rtol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(model.components_ * cells.T, axis=1)), 1, atol=1e-3)
    np.testing.assert_allclose(time, z.T @ cells, atol=1e-4)
    assert (cells.sum(axis=0) >= 0).all()


def test_eigenvalues_are_those_of_the_correlation_matrix():
    z = standardised(grouped(n_rois=15, size=6))
    values, cells, _ = leading_components(z, 15)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(np.corrcoef(z))[::-1], atol=1e-4)
    np.testing.assert_allclose(cells.T @ cells, np.eye(15), atol=1e-5)


def test_iteration_finds_what_exact_eigenvalues_are(monkeypatch):
    z = standardised(grouped(n_rois=60, groups=3, size=15))
    exact = leading_components(z, 3)
    monkeypatch.setattr(principal_components, "_EXACT", 10)
    iterated = leading_components(z, 3)
    np.testing.assert_allclose(iterated[0], exact[0], rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(iterated[1] * exact[1], axis=0)), 1, atol=1e-2)


def test_participation_ratio_is_that_of_the_eigenvalues():
    z = standardised(grouped())
    values = np.linalg.eigvalsh(np.corrcoef(z))
    assert participation_ratio(z) == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-4)
    assert participation_ratio(standardised(np.ones((5, 1)) * white(1, 100))) == pytest.approx(1, rel=1e-4)
    assert np.isnan(participation_ratio(np.empty((0, 5), np.float32)))


def test_edge_holds_for_white_noise():
    z = standardised(white(200, 1000))
    assert independent_samples(z) == pytest.approx(1000, rel=0.02)
    edge = marchenko_pastur_edge(200, 1000)
    assert edge == pytest.approx((1 + np.sqrt(0.2)) ** 2)
    assert leading_components(z, 1)[0][0] == pytest.approx(edge, rel=0.05)


def test_lasting_activity_has_fewer_independent_samples():
    z = standardised(independent(0, memory_free := 30, 2000))
    assert memory_free == 30
    assert independent_samples(z) < 1000


@pytest.mark.parametrize("seed", range(8))
def test_cells_that_know_nothing_of_each_other_have_no_component(seed):
    found = reduce_dimensions(activity(independent(seed)), np.arange(40))
    assert found.n_significant <= 1


def test_no_more_than_the_nominal_share_of_null_recordings_has_a_component():
    beyond = [reduce_dimensions(activity(independent(s)), np.arange(40)).n_significant > 0 for s in range(40)]
    assert sum(beyond) <= 7  # 5 % of 40, with room for chance and for the 95th percentile of 20 copies


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_as_many_components_as_groups(groups):
    found = reduce_dimensions(activity(grouped(groups=groups, seed=1)), np.arange(40))
    assert found.n_significant == groups


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_groups_are_found_by_every_method(method):
    x = grouped(groups=2, size=12)
    found = reduce_dimensions(activity(x), np.arange(40), method.replace(components=2))
    loading = np.abs(found.loadings[:24])
    if method.method == "pca":
        # Two groups of like strength share both components: the plane tells them apart.
        first, second = found.loadings[:12].mean(axis=0), found.loadings[12:24].mean(axis=0)
        assert np.linalg.norm(first - second) > 0.5
        return
    best = loading.argmax(axis=1)
    assert (best[:12] == best[0]).mean() > 0.9 and (best[12:] == best[12]).mean() > 0.9
    assert best[0] != best[12]


@pytest.mark.parametrize("method", [NonNegativeFactors(copies=0), IndependentComponents(copies=0)])
def test_a_fit_that_has_not_settled_is_told(method, monkeypatch):
    said = []
    reduce_dimensions(activity(grouped(groups=2)), np.arange(40), method, on_note=said.append)
    assert said == []
    for kind in ("NMF", "FastICA"):
        whole = getattr(sklearn.decomposition, kind)
        hasty = type(kind, (whole,), {"fit_transform": _hasty(whole)})
        monkeypatch.setattr(sklearn.decomposition, kind, hasty)
    reduce_dimensions(activity(grouped(groups=2)), np.arange(40), method, on_note=said.append)
    assert len(said) == 1 and "had not settled after 1 round" in said[0]


def _hasty(whole):
    def fit_transform(self, x):
        self.max_iter = 1
        return whole.fit_transform(self, x)

    return fit_transform


def test_factors_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    x = random.standard_normal((30, 3)) @ random.standard_normal((3, 3000))
    x += random.uniform(0.5, 3, 30)[:, None] * random.standard_normal((30, 3000))
    z = standardised(x.astype(np.float32))
    values, cells, _ = leading_components(z, 3)
    loadings, scores, noise = factor_model(z, cells * np.sqrt(values))
    samples = z.T.astype(float) * np.sqrt(3000)
    model = SklearnFactors(3, tol=1e-8, max_iter=5000, svd_method="lapack").fit(samples)
    np.testing.assert_allclose(noise, model.noise_variance_, atol=1e-3)
    np.testing.assert_allclose(loadings @ loadings.T, model.components_.T @ model.components_, atol=5e-3)
    theirs = model.transform(samples)
    for k in range(3):
        assert abs(np.corrcoef(theirs[:, k], scores[:, k])[0, 1]) > 0.999


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_scores_and_loadings_make_up_the_activity(method):
    x = grouped(groups=3, size=12)
    found = reduce_dimensions(activity(x), np.arange(40), method.replace(components=3))
    assert found.loadings.shape == (40, 3) and found.scores.shape == (1200, 3)
    z = standardised(x) * np.sqrt(1200)
    rebuilt = found.loadings @ np.linalg.lstsq(found.loadings, z, rcond=None)[0]
    assert ((z - rebuilt) ** 2).sum() < 0.8 * (z**2).sum()


def test_loadings_of_principal_components_are_correlations():
    x = grouped()
    found = reduce_dimensions(activity(x), np.arange(40))
    for k in range(found.loadings.shape[1]):
        r = [np.corrcoef(row, found.scores[:, k])[0, 1] for row in x]
        np.testing.assert_allclose(found.loadings[:, k], r, atol=1e-4)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_the_same_seed_gives_the_same_bytes(method):
    x = activity(grouped(n_bins=400))
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(3) as three:
        a, b = (reduce_dimensions(x, np.arange(40), method, executor=e) for e in (one, three))
    assert a == b


def test_permuting_cells_permutes_what_is_found():
    x, order = grouped(), np.random.default_rng(0).permutation(40)
    found = reduce_dimensions(activity(x), np.arange(40))
    permuted = reduce_dimensions(activity(x[order]), order)
    np.testing.assert_allclose(permuted.loadings, found.loadings[order], atol=1e-4)
    np.testing.assert_allclose(permuted.spectrum.chance, found.spectrum.chance, rtol=1e-4)
    assert permuted.n_significant == found.n_significant


def test_shifts_belong_to_cells_and_keep_their_course():
    shifts = cell_shifts(np.array([5, 9, 2]), 50, 4, seed=1)
    np.testing.assert_array_equal(cell_shifts(np.array([2, 5]), 50, 4, seed=1), shifts[:, [2, 0]])
    z = white(3, 50)
    moved = rolled(z, shifts[0])
    for row in range(3):
        np.testing.assert_array_equal(moved[row], np.roll(z[row], shifts[0][row]))


def test_counting_stops_at_the_first_that_chance_gives():
    assert n_beyond_chance(np.array([5.0, 3, 1, 4]), np.array([2.0, 2, 2, 2])) == 2
    assert n_beyond_chance(np.array([5.0, 3]), np.array([2.0, 2])) == 2
    assert n_beyond_chance(np.array([1.0]), np.array([2.0])) == 0


def test_without_copies_chance_is_not_known():
    found = reduce_dimensions(activity(grouped()), np.arange(40), PrincipalComponents(copies=0))
    assert np.isnan(found.spectrum.chance).all() and found.n_significant == 0
    assert chance_eigenvalues(standardised(grouped()), np.arange(40), 3, n_copies=0).shape == (3,)


def test_gaps_of_all_cells_leave_gaps_in_the_scores():
    x = grouped()
    x[:, 100:110] = np.nan
    x[3] = 1.0
    found = reduce_dimensions(activity(x), np.arange(40))
    assert np.isnan(found.scores[100:110]).all() and np.isfinite(found.scores[:100]).all()
    assert np.isnan(found.loadings[3]).all()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_odd_recordings_are_results(method):
    for odd in odd_recordings():
        found = reduce_dimensions(odd, np.arange(len(odd.values)), method.replace(copies=3))
        assert len(found.loadings) == len(odd.values) and len(found.scores) == odd.n_bins


@pytest.fixture
def umap():
    """Skip where the extra is not installed; its own warnings on loading are not ours."""
    if find_spec("umap") is None:
        pytest.skip("UMAP is not installed")


@pytest.mark.usefixtures("umap")
def test_umap_lays_groups_apart_and_is_the_same_again():
    found = reduce_dimensions(activity(grouped()), np.arange(40), UmapPlane(copies=3))
    again = reduce_dimensions(activity(grouped()), np.arange(40), UmapPlane(copies=3))
    assert found == again
    assert found.loadings.shape == (40, 2)
    assert found.scores.shape[1] == 2
    three = reduce_dimensions(activity(grouped()), np.arange(40), UmapPlane(copies=0, dimensions=3))
    assert three.loadings.shape == (40, 3)


@pytest.mark.usefixtures("umap")
def test_umap_of_odd_recordings_is_a_result():
    """Few points, none, constants: UMAP itself refuses them."""
    for odd in odd_recordings():
        found = reduce_dimensions(odd, np.arange(len(odd.values)), UmapPlane(copies=3))
        assert len(found.loadings) == len(odd.values)
        assert len(found.scores) == odd.n_bins
    for n in (1, 3, 5, 9, 11):
        assert (
            len(reduce_dimensions(activity(grouped()[:n]), np.arange(n), UmapPlane(copies=0)).loadings) == n
        )
