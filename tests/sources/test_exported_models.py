"""Real exports: the answers are those of the framework's own predict() on the same data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from flipcheck.errors import ModelError

pytestmark = pytest.mark.filterwarnings("ignore")  # converters look at what frameworks leave

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 4)).astype(np.float32)
PLACE = (X[:, 0] + 0.3 * RNG.normal(size=300) > 0).astype(int) + (X[:, 1] > 0.5)
ANIMALS = np.array(["eel", "cat", "dog"])[PLACE]
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(18, 90, 300).astype(np.int64),
        "income": RNG.normal(3e4, 9e3, 300).round(2),
        "city": RNG.choice(["Bonn", "Rome", "Oslo", "São Paulo"], 300),
        "member": RNG.choice(["yes", "no"], 300),
    }
)
DECISION = np.where((FRAME.age > 50) ^ (FRAME.city == "Rome"), "buys", "leaves")


def written_model(path, model):
    """Write a converted model, and return its path."""
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        SVC(probability=True, random_state=0),
        SVC(decision_function_shape="ovo"),
        LinearSVC(random_state=0),
        SGDClassifier(random_state=0),  # scores without bounds
        RidgeClassifier(),
        KNeighborsClassifier(5),
        GaussianNB(),
        LinearDiscriminantAnalysis(),
        AdaBoostClassifier(n_estimators=5, random_state=0),
        ExtraTreesClassifier(5, random_state=0),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        RandomForestClassifier(20, random_state=0),
        OneVsRestClassifier(LogisticRegression()),
        CalibratedClassifierCV(LinearSVC(random_state=0), cv=2),
        VotingClassifier(
            [("a", GaussianNB()), ("b", LogisticRegression())],
            voting="soft",
            flatten_transform=False,
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_scikit_learn(tmp_path, archive, answered, estimator, zipmap):
    """Whatever the estimator, its answers come back."""
    estimator.fit(X, ANIMALS)
    options = None if isinstance(estimator, RidgeClassifier | LinearSVC) else {"zipmap": zipmap}
    model = written_model(tmp_path / "m.onnx", to_onnx(estimator, X[:1], options=options))
    found = answered(model, archive(x=X, y=ANIMALS))
    expected = estimator.predict(X.astype(np.float64)).astype(str)
    # Trees compare in 32 bits what scikit-learn compares in 64: 100 % where nothing is on the edge.
    assert (np.array(found.answers.texts()) == expected).mean() == 1


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_column_transformer_takes_a_column_for_each_input(tmp_path, answered, kind):
    """Text and numbers of a table reach the inputs of their names, in any order of columns."""
    steps = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["city", "member"]),
            ("numbers", StandardScaler(), ["age", "income"]),
        ]
    )
    pipeline = make_pipeline(steps, DecisionTreeClassifier(max_depth=5, random_state=0))
    pipeline.fit(FRAME, DECISION)
    types = [
        ("age", Int64TensorType([None, 1])),
        ("income", FloatTensorType([None, 1])),
        ("city", StringTensorType([None, 1])),
        ("member", StringTensorType([None, 1])),
    ]
    model = written_model(tmp_path / "m.onnx", to_onnx(pipeline, initial_types=types))
    data = tmp_path / f"data.{kind}"
    table = FRAME[["member", "income", "city", "age"]].assign(label=DECISION, note="x")
    {
        "csv": lambda: table.to_csv(data, index=False),
        "parquet": lambda: table.to_parquet(data, index=False),
        "jsonl": lambda: table.to_json(data, orient="records", lines=True),
    }[kind]()
    found = answered(model, data)
    assert found.answers.texts() == pipeline.predict(FRAME).tolist()
    assert found.truth is not None
    assert found.facts["features"] == ["age", "income", "city", "member"]


def test_names_that_the_exporter_rewrites(tmp_path, answered):
    """An exporter writes 'capital gain' as capital_gain: the column is still found."""
    names = {"age": "capital gain", "income": "hours-per-week", "city": "where / when"}
    frame = FRAME.rename(columns=names)[list(names.values())]
    steps = ColumnTransformer(
        [
            ("words", OneHotEncoder(), ["where / when"]),
            ("numbers", "passthrough", ["capital gain", "hours-per-week"]),
        ]
    )
    pipeline = make_pipeline(steps, DecisionTreeClassifier(max_depth=4, random_state=0))
    pipeline.fit(frame, DECISION)
    types = [
        ("capital gain", Int64TensorType([None, 1])),
        ("hours-per-week", FloatTensorType([None, 1])),
        ("where / when", StringTensorType([None, 1])),
    ]
    model = written_model(tmp_path / "m.onnx", to_onnx(pipeline, initial_types=types))
    frame.assign(label=DECISION).to_csv(tmp_path / "d.csv", index=False)
    found = answered(model, tmp_path / "d.csv")
    assert found.answers.texts() == pipeline.predict(frame).tolist()
    assert found.facts["features"] == ["capital gain", "hours-per-week", "where / when"]
    twice = frame.assign(**{"capital-gain": 0})
    twice.to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(ModelError, match="no column for the input 'capital_gain'"):
        answered(model, tmp_path / "twice.csv")  # which of the two is not known


def test_a_column_transformer_takes_arrays_by_name(tmp_path, archive, answered):
    """The same from an archive with an array for each input."""
    steps = ColumnTransformer(
        [("words", OneHotEncoder(), ["city"]), ("numbers", "passthrough", ["age"])]
    )
    pipeline = make_pipeline(steps, RandomForestClassifier(5, random_state=0))
    pipeline.fit(FRAME[["city", "age"]], DECISION)
    types = [("city", StringTensorType([None, 1])), ("age", Int64TensorType([None, 1]))]
    model = written_model(tmp_path / "m.onnx", to_onnx(pipeline, initial_types=types))
    data = archive(
        age=FRAME.age.to_numpy()[:, None],
        city=FRAME.city.to_numpy().astype(str)[:, None],
        labels=DECISION,
    )
    assert (
        answered(model, data).answers.texts() == pipeline.predict(FRAME[["city", "age"]]).tolist()
    )


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [
        (DoubleTensorType, np.float64),
        (FloatTensorType, np.float64),  # the runtime wants 32 bits of a table of 64
        (Int64TensorType, np.int64),
        (BooleanTensorType, np.bool_),
    ],
)
def test_types_of_features(tmp_path, parquet_file, archive, answered, declared, dtype):
    """A table and an archive become the type that the export declares."""
    values = (X > 0).astype(dtype) if dtype != np.float64 else X.astype(dtype)
    estimator = LogisticRegression().fit(values, PLACE)
    types = [("x", declared([None, 4]))]
    model = written_model(
        tmp_path / "m.onnx", to_onnx(estimator, initial_types=types, options={"zipmap": False})
    )
    table = parquet_file(**{name: values[:, at] for at, name in enumerate("abcd")}, label=PLACE)
    expected = estimator.predict(values).astype(str).tolist()
    assert answered(model, table).answers.texts() == expected
    assert answered(model, archive(x=values, y=PLACE)).answers.texts() == expected


def test_a_text_vectoriser(tmp_path, written, answered):
    """A pipeline that counts words itself takes the text as it stands."""
    texts = [" ".join(RNG.choice(["good", "bad", "dull", "fun", "film"], 6)) for _ in range(80)]
    labels = ["up" if text.count("good") + text.count("fun") > 2 else "down" for text in texts]
    pipeline = make_pipeline(CountVectorizer(lowercase=False), LogisticRegression()).fit(
        texts, labels
    )
    types = [("words", StringTensorType([None, 1]))]
    converted = to_onnx(pipeline, initial_types=types, options={"zipmap": False})
    model = written_model(tmp_path / "m.onnx", converted)
    rows = "".join(f"{text},{label},7\n" for text, label in zip(texts, labels, strict=True))
    found = answered(model, written("data.csv", f"text,label,n\n{rows}"))
    assert found.answers.texts() == pipeline.predict(texts).tolist()


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("labels", [PLACE, PLACE > 0, ANIMALS, PLACE + 7], ids=str)
def test_lightgbm(tmp_path, archive, answered, labels, zipmap):
    """LightGBM declares one label, and gives one for each example."""
    lightgbm = pytest.importorskip("lightgbm", reason="the extra 'dev' is not installed")
    tools = pytest.importorskip("onnxmltools", reason="the extra 'dev' is not installed")
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats

    labels = labels.astype(int) if labels.dtype == bool else labels
    estimator = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(X, labels)
    converted = tools.convert_lightgbm(
        estimator, initial_types=[("input", Floats([None, 4]))], zipmap=zipmap, target_opset=15
    )
    model = written_model(tmp_path / "m.onnx", converted)
    found = answered(model, archive(x=X, y=labels))
    assert found.answers.texts() == estimator.predict(X).astype(str).tolist()
    assert np.allclose(found.confidence, estimator.predict_proba(X).max(axis=1), atol=1e-4)


@pytest.mark.parametrize("labels", [PLACE, (PLACE > 0).astype(int)], ids=["three", "two"])
def test_xgboost(tmp_path, archive, answered, labels):
    """XGBoost's labels are places, and its probabilities a matrix."""
    xgboost = pytest.importorskip("xgboost", reason="the extra 'dev' is not installed")
    tools = pytest.importorskip("onnxmltools", reason="the extra 'dev' is not installed")
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats

    estimator = xgboost.XGBClassifier(n_estimators=10, n_jobs=1).fit(X, labels)
    converted = tools.convert_xgboost(
        estimator, initial_types=[("input", Floats([None, 4]))], target_opset=15
    )
    model = written_model(tmp_path / "m.onnx", converted)
    found = answered(model, archive(x=X, y=labels))
    assert found.answers.texts() == estimator.predict(X).astype(str).tolist()
    assert np.allclose(found.confidence, estimator.predict_proba(X).max(axis=1), atol=1e-4)


def test_a_pipeline_of_scikit_learn_and_lightgbm(tmp_path, written, answered):
    """A gradient booster behind a scaler, as teams ship it, with its classes' names."""
    lightgbm = pytest.importorskip("lightgbm", reason="the extra 'dev' is not installed")
    tools = pytest.importorskip("onnxmltools", reason="the extra 'dev' is not installed")
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    assert tools
    update_registered_converter(
        lightgbm.LGBMClassifier, "LightGbm", calculate_linear_classifier_output_shapes,
        convert_lightgbm, options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )  # fmt: skip
    booster = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)
    pipeline = make_pipeline(StandardScaler(), booster).fit(X, ANIMALS)
    converted = to_onnx(pipeline, X[:1], target_opset={"": 15, "ai.onnx.ml": 3})
    model = written_model(tmp_path / "m.onnx", converted)
    lines = [",".join(map(repr, map(float, row))) for row in X]
    found = answered(model, written("data.csv", "a,b,c,d\n" + "\n".join(lines) + "\n"))
    assert (np.array(found.answers.texts()) == pipeline.predict(X)).mean() == 1
