"""Real exports of scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from flipcheck.sources.onnx.graph import read_graph
from flipcheck.sources.onnx.model import open_model
from flipcheck.sources.spec import SideSpec

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype(np.float32)
PLACE = (X[:, 0] + 0.3 * RNG.normal(size=120) > 0).astype(int) + (X[:, 1] > 0.5)


@pytest.mark.parametrize("zipmap", [True, False, "columns"])
@pytest.mark.parametrize(
    "classes",
    [
        np.array(["eel", "cat", "dog"]),  # text
        np.array([0, 1, 2]),  # the usual numbers
        np.array([3, 9, 5]),  # numbers that are not the places
        np.array([-1, 1, 0]),  # negative ones
    ],
)
@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(5, random_state=0),
        DecisionTreeClassifier(random_state=0),
        MLPClassifier((4,), max_iter=1000, tol=1e-2, random_state=0),
    ],
    ids=lambda each: type(each).__name__,
)
def test_answers_are_those_of_scikit_learn(tmp_path, archive, answered, estimator, classes, zipmap):
    """Whatever the form of the outputs, the answers are those of predict()."""
    estimator.fit(X, classes[PLACE])
    model = tmp_path / "m.onnx"
    options = {"zipmap": zipmap}
    model.write_bytes(to_onnx(estimator, X[:1], options=options).SerializeToString())
    found = answered(model, archive(x=X, y=classes[PLACE]))
    same = np.array(found.answers.texts()) == estimator.predict(X).astype(str)
    assert same.mean() > 0.99  # 32 bits decide a tie otherwise
    assert np.allclose(found.confidence, estimator.predict_proba(X).max(axis=1), atol=1e-3)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # skl2onnx looks at what sklearn leaves
def test_machine_without_probabilities(tmp_path, archive, answered):
    """A support vector machine's label comes before its scores."""
    estimator = SVC().fit(X, np.array(["a", "b", "c"])[PLACE])
    (tmp_path / "m.onnx").write_bytes(to_onnx(estimator, X[:1]).SerializeToString())
    found = answered(tmp_path / "m.onnx", archive(x=X))
    assert (np.array(found.answers.texts()) == estimator.predict(X)).mean() > 0.99


@pytest.mark.parametrize("large", [False, True], ids=["read as a tensor", "read as maps"])
def test_maps_are_read_as_the_tensor_they_are_made_of(
    tmp_path, archive, answered, monkeypatch, large
):
    """ZipMap's dicts need not be made; where a model is too large to be changed, they are read."""
    if large:
        monkeypatch.setattr("flipcheck.sources.onnx.model.LARGEST_COPY", 0)
    estimator = LogisticRegression().fit(X, np.array(["eel", "cat", "dog"])[PLACE])
    path = tmp_path / "m.onnx"
    path.write_bytes(to_onnx(estimator, X[:1]).SerializeToString())
    model = open_model(path, SideSpec())
    assert [port.name for port in model.outputs] == ["output_label", "output_probability"]
    assert dict(model.tensors) == ({} if large else {"output_probability": "probabilities"})
    found = answered(path, archive(x=X))
    assert found.answers.texts() == estimator.predict(X).tolist()
    assert np.allclose(found.confidence, estimator.predict_proba(X).max(axis=1), atol=1e-6)
    assert found.facts["output"] == "label output 'output_label'"


def test_a_tensor_that_the_maps_are_not_made_of(tmp_path, archive, answered):
    """Only a tensor that holds the maps' own scores stands for them."""
    estimator = LogisticRegression().fit(X, PLACE)
    path = tmp_path / "m.onnx"
    path.write_bytes(to_onnx(estimator, X[:1]).SerializeToString())
    honest = answered(path, archive(x=X)).confidence
    lying = read_graph(path)
    other = replace(lying, mapped={"output_probability": "label"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flipcheck.sources.onnx.model.read_graph", lambda _path: other)
        assert np.array_equal(answered(path, archive(x=X)).confidence, honest)
