"""What is shown beside flipped examples: the columns of --show, and the text that models read."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

import flipcheck
from flipcheck.errors import UsageError
from flipcheck.report import Report

BROKEN = [3, 11, 17]
"""The rows, from 0, that the new side breaks."""
TEXTS = [f"what is {row} of these?" for row in range(20)]


def columns(*, new, **more):
    """Twenty answers; three of the new side's are wrong."""
    answers = ["no" if new and row in BROKEN else "yes" for row in range(20)]
    return {"label": ["yes"] * 20, "prediction": answers, **more}


def shown(report):
    """The texts of the listed flips, by id."""
    return {each.id: dict(each.shown) for each in report.negative_flips.examples}


IDS = {
    "text": [f"x{row}" for row in range(20)],
    "whole numbers": [7 * row for row in range(20)],  # which the report writes as text
    "negative numbers": [row - 10 for row in range(20)],
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_text_is_that_of_the_same_id(tmp_path, ids, suffix):
    """Whatever the order of rows; the new side has the column in another order than the old."""
    order = np.random.default_rng(1).permutation(20)
    old = pa.table({"id": ids, **columns(new=False)})
    new = pa.table({"id": ids, **columns(new=True, note=TEXTS)}).take(order)
    for table, name in ((old, "old"), (new, "new")):
        write = csv.write_csv if suffix == ".csv" else parquet.write_table
        write(table, tmp_path / f"{name}{suffix}")
    report = flipcheck.compare(tmp_path / f"old{suffix}", tmp_path / f"new{suffix}", show="note")
    assert shown(report) == {str(ids[row]): {"note": TEXTS[row]} for row in BROKEN}


def test_rows_without_ids_are_known_by_their_number(tmp_path):
    """From 1, as the report numbers them."""
    parquet.write_table(pa.table(columns(new=False)), tmp_path / "old.parquet")
    parquet.write_table(pa.table(columns(new=True, note=TEXTS)), tmp_path / "new.parquet")
    report = flipcheck.compare(tmp_path / "old.parquet", tmp_path / "new.parquet", show=["note"])
    assert shown(report) == {str(row + 1): {"note": TEXTS[row]} for row in BROKEN}


def test_arrays_have_columns_too(tmp_path):
    """An archive's one-dimensional arrays, numbers among them."""
    for side, new in (("old", False), ("new", True)):
        np.savez(tmp_path / f"{side}.npz", **columns(new=new, size=np.arange(20) / 4))
    report = flipcheck.compare(tmp_path / "old.npz", tmp_path / "new.npz", show=["size"])
    assert shown(report)["12"] == {"size": "2.75"}


def test_several_files_are_one_table(tmp_path):
    """Ids are found in whichever of them they are."""
    for side, new in (("old", False), ("new", True)):
        whole = pa.table({"id": IDS["text"], **columns(new=new, note=TEXTS)})
        (tmp_path / side).mkdir()
        for part in range(4):
            path = tmp_path / side / f"part-{part}.parquet"
            parquet.write_table(whole.slice(5 * part, 5), path)
    report = flipcheck.compare(tmp_path / "old", tmp_path / "new", show="note")
    assert shown(report) == {f"x{row}": {"note": TEXTS[row]} for row in BROKEN}


def test_samples_of_one_question_have_its_text(tmp_path):
    """Where an epoch tells repeated ids apart, the id in the report is both."""
    for side, new in (("old", False), ("new", True)):
        more = {
            "id": [f"q{row // 2}" for row in range(20)],
            "epoch": [row % 2 for row in range(20)],
        }
        parquet.write_table(
            pa.table(more | columns(new=new, note=TEXTS)), tmp_path / f"{side}.parquet"
        )
    report = flipcheck.compare(tmp_path / "old.parquet", tmp_path / "new.parquet", show="note")
    assert shown(report) == {f"q{row // 2}/{row % 2}": {"note": TEXTS[row]} for row in BROKEN}


def test_labels_judged_one_by_one_have_the_text_of_their_example(tmp_path):
    """With --per label an id is an example and a label."""
    for side, new in (("old", False), ("new", True)):
        rows = {"id": IDS["text"], "label": ["a|b"] * 20, "note": TEXTS}
        rows["prediction"] = ["a" if new and row in BROKEN else "a|b" for row in range(20)]
        parquet.write_table(pa.table(rows), tmp_path / f"{side}.parquet")
    report = flipcheck.compare(
        *(tmp_path / f"{side}.parquet" for side in ("old", "new")),
        multilabel=True,
        per="label",
        separator="|",
        show="note",
    )
    assert shown(report) == {f"x{row} [b]": {"note": TEXTS[row]} for row in BROKEN}


def test_columns_of_arrays_in_python():
    """Predictions made of arrays have their columns at hand."""
    sides = [
        flipcheck.Predictions.from_arrays(
            columns(new=new)["prediction"], ["yes"] * 20, ids=IDS["text"], columns={"note": TEXTS}
        )
        for new in (False, True)
    ]
    report = flipcheck.compare(*sides, show="note")
    assert shown(report)["x11"] == {"note": TEXTS[11]}


def test_a_file_of_labels_says_what_examples_are(tmp_path):
    """The texts are often with the labels, and not with the answers."""
    for side, new in (("old", False), ("new", True)):
        rows = {"id": IDS["text"], "prediction": columns(new=new)["prediction"]}
        parquet.write_table(pa.table(rows), tmp_path / f"{side}.parquet")
    labels = pa.table({"id": IDS["text"], "label": ["yes"] * 20, "note": TEXTS})
    parquet.write_table(labels, tmp_path / "labels.parquet")
    report = flipcheck.compare(
        tmp_path / "old.parquet",
        tmp_path / "new.parquet",
        labels=tmp_path / "labels.parquet",
        show=["note"],
    )
    assert shown(report)["x3"] == {"note": TEXTS[3]}


@pytest.fixture
def noted(tmp_path):
    """Both sides with a column of any values, as paths."""

    def write(values):
        for side, new in (("old", False), ("new", True)):
            rows = {"id": IDS["text"], **columns(new=new, note=values, other=TEXTS)}
            parquet.write_table(pa.table(rows), tmp_path / f"{side}.parquet")
        return tmp_path / "old.parquet", tmp_path / "new.parquet"

    return write


def test_long_texts_are_cut_and_empty_ones_are_left_out(noted):
    """300 characters with the sign that there was more; nothing for null and for nothing."""
    values: list = ["x" * 300] * 20
    values[3], values[11] = None, "y" * 301
    found = shown(flipcheck.compare(*noted(values), show="note"))
    assert found["x3"] == {}
    assert found["x11"] == {"note": "y" * 299 + "…"}
    assert found["x17"] == {"note": "x" * 300}


def test_several_columns_keep_the_order_that_was_asked_for(noted):
    """With commas, repeated, or both; and a name with a comma is one name where it is a column."""
    pair = noted(TEXTS)
    for asked in ("other,note", ["other", "note"], ["other, note"]):
        assert list(shown(flipcheck.compare(*pair, show=asked))["x3"]) == ["other", "note"]


def test_a_column_that_is_nowhere(noted):
    """The nearest one is named."""
    with pytest.raises(UsageError, match="no source has the column") as caught:
        flipcheck.compare(*noted(TEXTS), show="nite")
    assert "'note'" in caught.value.hint


def test_nothing_is_shown_unasked_of_tables(noted):
    """Not even the key is there, so that reports without texts are what they were."""
    written = flipcheck.compare(*noted(TEXTS)).to_dict()
    assert "shown" not in written["negative_flips"]["examples"][0]
    unwanted = flipcheck.compare(*noted(TEXTS), show="").to_dict()
    assert unwanted["negative_flips"] == written["negative_flips"]


def test_texts_go_through_json_unchanged(noted, tmp_path):
    """Control characters are kept raw in JSON; only what is displayed is cleaned."""
    values = [f"line\n\x1b[31m{row}\u202e\x00" for row in range(20)]
    report = flipcheck.compare(*noted(values), show="note")
    assert shown(report)["x3"] == {"note": values[3]}
    report.save(tmp_path / "r.json")
    again = Report.load(tmp_path / "r.json")
    assert again.to_dict() == report.to_dict()
    assert shown(again) == shown(report)
    for text in (str(again), str(report)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_texts_of_another_kind_are_no_report(noted):
    """What is no text by name is refused as damage."""
    written = flipcheck.compare(*noted(TEXTS), show="note").to_dict()
    for damage in (["note"], {"note": 7}, 7, None):
        written["negative_flips"]["examples"][0]["shown"] = damage
        with pytest.raises(flipcheck.FlipcheckError, match="damaged"):
            Report.from_dict(written)


def test_every_flip_has_its_text_in_the_table(noted, command, tmp_path):
    """Those that are not listed too, in --flips and to_frame."""
    pair = noted(TEXTS)
    report = flipcheck.compare(*pair, show="note", listed=1)
    assert len(shown(report)) == 1
    frame = report.to_frame("flips")
    assert dict(zip(frame["id"], frame["note"], strict=True)) == {
        f"x{row}": TEXTS[row] for row in BROKEN
    }
    done = command("compare", *pair, "--show", "note", "--flips", tmp_path / "f.csv")
    assert done.status == 0
    assert csv.read_csv(tmp_path / "f.csv")["note"].to_pylist() == [
        TEXTS[row] for row in sorted(BROKEN, key=lambda row: f"x{row}")
    ]
    assert f"    note: {TEXTS[3]}\n" in done.out


def test_a_column_of_the_table_of_flips_is_not_there_twice(noted):
    """A slice column and the truth are in it already."""
    frame = flipcheck.compare(*noted(TEXTS), by=["other"], show=["other", "id"]).to_frame("flips")
    assert list(frame.columns).count("other") == list(frame.columns).count("id") == 1


def test_models_of_text_show_what_they_read(tmp_path):
    """By default, of the column that they were fed; --show '' shows none."""
    pytest.importorskip("tokenizers")
    from test_text_models import TEXTS as SENTENCES
    from test_text_models import by_hand, embedding_bag, tokenizer

    tokenizer(tmp_path)
    old = embedding_bag(tmp_path / "old.onnx")
    truth = by_hand(SENTENCES)
    rows = [{"text": text, "label": each} for text, each in zip(SENTENCES, truth, strict=True)]
    rows = [row | {"label": "no"} for row in rows]  # so that the old model is wrong somewhere
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    other = tmp_path / "new.csv"
    answers = ["so" if row % 2 else "no" for row in range(len(rows))]
    other.write_text("prediction\n" + "\n".join(answers) + "\n", encoding="utf-8")
    report = flipcheck.compare(old, other, data)
    assert report.negative_flips.total
    for name, texts in shown(report).items():
        assert texts == {"text": SENTENCES[int(name) - 1]}
    assert not any(shown(flipcheck.compare(old, other, data, show="")).values())


def test_a_column_that_is_nowhere_is_told_before_models_run(sample, tmp_path):
    """A slip of the pen costs no minutes: nothing was run, and nothing cached."""
    data = tmp_path / "data.csv"
    data.write_text("a,label\n1,2\n", encoding="utf-8")
    steps = []
    with pytest.raises(UsageError, match="--show"):
        flipcheck.compare(
            sample / "old.onnx",
            sample / "new.onnx",
            data,
            show="b",
            progress=lambda *each: steps.append(each),
        )
    assert not steps


@pytest.mark.parametrize("suffix", [".feather", ".jsonl", ".table.json", ".parquet", ".csv"])
def test_every_kind_of_table_is_read_again(tmp_path, suffix):
    """A batch at a time where it can be; rows far apart are in different batches."""
    count, broken = 20_000, [0, 9_000, 19_999]
    for side in ("old", "new"):
        answers = ["no" if side == "new" and row in broken else "yes" for row in range(count)]
        rows = {"id": [f"x{row}" for row in range(count)], "label": ["yes"] * count}
        rows |= {"prediction": answers, "note": [f"note {row}" for row in range(count)]}
        path, table = tmp_path / f"{side}{suffix}", pa.table(rows)
        if suffix == ".feather":
            feather.write_feather(table, path)
        elif suffix == ".parquet":
            parquet.write_table(table, path)
        elif suffix == ".csv":
            csv.write_csv(table, path)
        elif suffix == ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        else:
            data = [list(row.values()) for row in table.to_pylist()]
            path.write_text(json.dumps({"_type": "table", "columns": [*rows], "data": data}))
    report = flipcheck.compare(
        tmp_path / f"old{suffix}", tmp_path / f"new{suffix}", show="note", resamples=0
    )
    assert shown(report) == {f"x{row}": {"note": f"note {row}"} for row in broken}


def test_folders_that_name_a_column_show_it(tmp_path):
    """Its value is in no file."""
    for side, new in (("old", False), ("new", True)):
        for part in ("EU", "US"):
            folder = tmp_path / side / f"region={part}"
            folder.mkdir(parents=True)
            ids = [f"{part}{row}" for row in range(20)]
            table = pa.table({"id": ids, **columns(new=new, note=TEXTS)})
            parquet.write_table(table, folder / "p.parquet")
    report = flipcheck.compare(tmp_path / "old", tmp_path / "new", show="region,note")
    assert shown(report)["US11"] == {"region": "US", "note": TEXTS[11]}
