"""Questions that are asked several times: ids of tables, clusters, and labels by question."""

from __future__ import annotations

import pytest

import flipcheck


def rows(answers, epochs=(1, 2)):
    """A row for each question and epoch; `answers` says what each answers."""
    return [f"q{n},{epoch},a,{answers(n, epoch)}" for n in range(8) for epoch in epochs]


def always(_number, _epoch):
    """A model that is always right."""
    return "a"


def sometimes(number, epoch):
    """A model that is wrong on some samples of every other question."""
    return "b" if number % 2 and epoch == 1 else "a"


@pytest.mark.parametrize("name", ["epoch", "seed", "repeat", "trial", "sample"])
def test_a_column_tells_the_samples_of_a_question_apart(table, name):
    """The pair is the id, and questions are the clusters, which a note says."""
    header = f"id,{name},label,prediction"
    report = flipcheck.compare(
        table("old.csv", header, *rows(always)), table("new.csv", header, *rows(sometimes)[::-1])
    )
    assert (report.tally.examples, report.tally.negative_flips) == (16, 4)
    assert (report.data.cluster, report.data.clusters) == ("question", 8)
    assert any("16 samples ask 8 questions again and again" in each for each in report.warnings)


def test_the_default_clusters_are_those_that_a_column_would_be(table):
    """Every interval is the one that --cluster gives with a column of the questions."""
    header = "id,epoch,label,prediction"
    files = table("o.csv", header, *rows(always)), table("n.csv", header, *rows(sometimes))
    named = "uid,question,label,prediction"
    again = [
        table(name, named, *(f"{n},{row.split(',')[0]},{row.split(',', 2)[2]}" for n, row in lines))
        for name, lines in (
            ("o2.csv", enumerate(rows(always))),
            ("n2.csv", enumerate(rows(sometimes))),
        )
    ]
    one = flipcheck.compare(*files)
    two = flipcheck.compare(*again, id="uid", cluster="question")
    for name in ("negative_flip_rate", "error_rate_change", "churn"):
        assert one.metrics[name].interval == two.metrics[name].interval


def test_a_cluster_that_was_named_is_taken(table):
    """The user's own clusters come before the default."""
    header = "id,epoch,label,prediction,topic"
    lines = [f"{row},{n // 4}" for n, row in enumerate(rows(sometimes))]
    path = table("old.csv", header, *lines)
    report = flipcheck.compare(path, path, cluster="topic")
    assert (report.data.cluster, report.data.clusters) == ("topic", 4)


def test_two_columns_that_could_tell_them_apart_are_an_error(table, command):
    """Which is meant is not guessed."""
    path = table("old.csv", "id,epoch,seed,label,prediction", "q,1,1,a,a", "q,2,2,a,a")
    run = command("compare", path, path)
    assert run.status == 2
    assert "'epoch', 'seed'" in run.err


def test_ids_that_repeat_without_such_a_column_are_an_error(table, command):
    """As they always were."""
    path = table("old.csv", "id,label,prediction", "q,a,a", "q,a,a")
    run = command("compare", path, path)
    assert run.status == 2
    assert "more than once" in run.err


def test_one_sample_against_several_is_an_error_that_says_so(table, command):
    """The side that asks more often is named, and what to do."""
    header = "id,epoch,label,prediction"
    old = table("old.csv", header, *rows(always))
    new = table("new.csv", header, *rows(always, epochs=(1,)))
    run = command("compare", old, new)
    assert run.status == 2
    assert "asks 8 questions 16 times" in run.err
    assert "ask as often on both sides" in run.err


def test_labels_by_question_are_those_of_every_sample(table):
    """A file of labels has each question once."""
    header = "id,epoch,prediction"

    def bare(lines):
        return [
            ",".join((row.split(",")[0], row.split(",")[1], row.split(",")[3])) for row in lines
        ]

    truth = table("truth.csv", "id,label", *(f"q{n},a" for n in range(8)))
    report = flipcheck.compare(
        table("old.csv", header, *bare(rows(always))),
        table("new.csv", header, *bare(rows(sometimes))),
        labels=truth,
    )
    assert (report.tally.examples, report.tally.negative_flips) == (16, 4)


def test_labels_by_question_bring_weights(table):
    """A sample weighs what its question does, as where each row brings the weight."""
    header = "id,epoch,label,prediction"
    files = table("o.csv", header, *rows(always)), table("n.csv", header, *rows(sometimes))
    labels = table("l.csv", "id,label,w", *(f"q{n},a,{1 + n % 3}" for n in range(8)))
    each = [
        table(name, f"{header},w", *(f"{row},{1 + int(row[1]) % 3}" for row in lines))
        for name, lines in (("o2.csv", rows(always)), ("n2.csv", rows(sometimes)))
    ]
    one = flipcheck.compare(*files, labels=labels, weight="w")
    two = flipcheck.compare(*each, weight="w")
    assert one.metrics == two.metrics
    assert one.data.weighted


@pytest.mark.parametrize(
    ("header", "right", "wrong", "options"),
    [
        ("prob_1", "0.9", "0.2", {}),
        ("p", "0.9", "0.2", {"probability": "p"}),
        ("prediction", "1", "0", {"multilabel": True}),
        ("prob_0,prob_1", "0.1,0.9", "0.8,0.2", {"top_k": 1}),
    ],
    ids=["one probability", "a named one", "sets", "ranks"],
)
def test_samples_of_other_tasks_are_told_apart(table, header, right, wrong, options):
    """However answers are read, ids that repeat are questions, and their samples are clustered."""
    old, new = (
        table(
            f"{name}.csv",
            f"id,epoch,label,{header}",
            *(
                f"q{n},{epoch},1,{wrong if name == 'new' and n % 2 and epoch == 1 else right}"
                for n in range(8)
                for epoch in (1, 2)
            ),
        )
        for name in ("old", "new")
    )
    report = flipcheck.compare(old, new, **options)
    assert (report.tally.examples, report.tally.negative_flips) == (16, 4)
    assert (report.data.cluster, report.data.clusters) == ("question", 8)
