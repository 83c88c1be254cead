"""Models of text: a table's column through the tokenizer beside the model."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import ML, port, save

import flipcheck
from flipcheck.errors import FlipcheckError, ModelError, UsageError
from flipcheck.sources import tokenizer as tokenizing

tokenizers = pytest.importorskip("tokenizers", reason="the extra 'text' is not installed")

WORDS = ["good", "fine", "great", "bad", "awful", "poor", "film", "plot", "the", "a"]
UNKNOWN = "[UNK]"
VOCABULARY = {
    word: place for place, word in enumerate(["[PAD]", UNKNOWN, "[CLS]", "[SEP]", *WORDS])
}
RNG = np.random.default_rng(7)
WEIGHTS = RNG.normal(size=(len(VOCABULARY), 3)).astype(np.float32)
KINDS = RNG.normal(size=(2, 3)).astype(np.float32)
PLACES = RNG.normal(size=(64, 3)).astype(np.float32)
TEXTS = [" ".join(RNG.choice([*WORDS, "unheard"], size=RNG.integers(1, 12))) for _ in range(100)]
SECOND = [" ".join(RNG.choice(WORDS, size=RNG.integers(1, 9))) for _ in range(100)]


def tokenizer(folder, **settings):
    """Write a tokenizer of whole words, with the usual special tokens, into a folder."""
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(VOCABULARY, unk_token=UNKNOWN))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    if "padding" in settings:
        made.enable_padding(**settings["padding"])
    if "truncation" in settings:
        made.enable_truncation(**settings["truncation"])
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    if "config" in settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings["config"]))
    return folder


def embedding_bag(
    path, inputs=("input_ids", "attention_mask"), dtype=np.int64, shape=(None, None), masked=True
):
    """A classifier whose logits are the sum of its tokens' weights; what is masked counts not."""
    path.parent.mkdir(exist_ok=True)
    nodes = [helper.make_node("Gather", ["weights", inputs[0]], ["tokens"])]
    total = "tokens"
    tables = {"token_type_ids": "kinds", "position_ids": "places"}
    for name, table in tables.items():
        if name in inputs:
            nodes.append(helper.make_node("Gather", [table, name], [f"{name}_"]))
            nodes.append(helper.make_node("Add", [total, f"{name}_"], [f"{name}_sum"]))
            total = f"{name}_sum"
    if "attention_mask" in inputs and masked:
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["wide"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["wide", "last"], ["column"]),
            helper.make_node("Mul", [total, "column"], ["kept"]),
        ]
        total = "kept"
    elif "attention_mask" in inputs:
        nodes.append(helper.make_node("Identity", ["attention_mask"], ["unused"]))
    nodes.append(helper.make_node("ReduceSum", [total, "middle"], ["logits"], keepdims=0))
    constants = {
        "weights": WEIGHTS,
        "kinds": KINDS,
        "places": PLACES,
        "last": np.array([-1]),
        "middle": np.array([1]),
    }
    ports = [port(name, dtype, shape) for name in inputs]
    outputs = [port("logits", np.float32, [shape[0], 3])]
    return save(path, nodes, ports, outputs, constants, {"classes": "no,so,yes"})


def by_hand(texts, seconds=None, *, kinds=False, places=False, longest=None):
    """The answers by a loop over words."""
    answers = []
    for row, text in enumerate(texts):
        tokens = ["[CLS]", *text.split(), "[SEP]"]
        sides = [0] * len(tokens)
        if seconds is not None:
            more = [*seconds[row].split(), "[SEP]"]
            tokens, sides = tokens + more, sides + [1] * len(more)
        if longest is not None and len(tokens) > longest:
            tokens = [*tokens[: longest - 1], "[SEP]"]
        total = np.zeros(3)
        for place, token in enumerate(tokens):
            total += WEIGHTS[VOCABULARY.get(token, 1)]
            total += KINDS[sides[place]] if kinds else 0
            total += PLACES[place] if places else 0
        answers.append(("no", "so", "yes")[int(total.argmax())])
    return answers


@pytest.fixture
def jsonl(written):
    """Write columns as JSONL, and return the path."""

    def write(name="data.jsonl", **columns):
        rows = zip(*columns.values(), strict=True)
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
        return written(name, "\n".join(lines) + "\n")

    return write


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_tables_of_text(tmp_path, written, parquet_file, jsonl, answered, kind):
    """The answers are those of a loop over words, whatever file the text is in."""
    made = {
        "csv": lambda: written(
            "data.csv", "id,text,n\n" + "".join(f"{i},{t},1\n" for i, t in enumerate(TEXTS))
        ),
        "jsonl": lambda: jsonl(id=range(100), text=TEXTS, n=[1] * 100),
        "parquet": lambda: parquet_file(id=list(range(100)), text=TEXTS, n=[1] * 100),
    }
    tokenizer(tmp_path)
    found = answered(embedding_bag(tmp_path / "m.onnx"), made[kind]())
    assert found.answers.texts() == by_hand(TEXTS)
    assert found.facts["text"] == ["text"]
    assert found.facts["batch"] == 32
    assert not found.warnings


ALL = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


@pytest.mark.parametrize(
    ("inputs", "dtype", "shape"),
    [
        (("input_ids", "attention_mask"), np.int64, (None, None)),  # DistilBERT
        (("input_ids", "attention_mask", "token_type_ids"), np.int64, (None, None)),  # BERT
        (ALL, np.int64, (None, None)),
        (ALL, np.int32, (None, None)),
        (ALL, np.int32, (None, 40)),  # one length
        (ALL, np.int64, (1, None)),  # one at a time
        (ALL, np.int64, (8, 40)),  # eight at a time, with a remainder
        (("input_ids:0", "attention_mask")[::1], np.int64, (None, None)),  # TensorFlow's name
    ],
)
def test_inputs_by_their_names(tmp_path, jsonl, answered, inputs, dtype, shape):
    """Every usual input, type and shape gets what the tokenizer gives."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx", inputs, dtype, shape)
    found = answered(model, jsonl(text=TEXTS, other=SECOND), text=("text",))
    more = {"kinds": "token_type_ids" in inputs, "places": "position_ids" in inputs}
    assert found.answers.texts() == by_hand(TEXTS, **more)


def test_pairs_of_texts(tmp_path, jsonl, answered):
    """Two columns are one example, the second text of its own kind."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx", ALL)
    found = answered(model, jsonl(premise=TEXTS, hypothesis=SECOND), text=("premise", "hypothesis"))
    assert found.answers.texts() == by_hand(TEXTS, SECOND, kinds=True, places=True)


@pytest.mark.parametrize(
    ("settings", "shape", "longest"),
    [
        ({"truncation": {"max_length": 6}}, (None, None), 6),  # by the tokenizer
        ({"config": {"model_max_length": 5}}, (None, None), 5),  # by its configuration
        ({"config": {"model_max_length": 1e30}}, (None, None), None),  # which may say: no limit
        ({"truncation": {"max_length": 6}, "config": {"model_max_length": 5}}, (None, None), 6),
        ({}, (None, 7), 7),  # by the model
        ({"truncation": {"max_length": 9}}, (None, 7), 7),
    ],
)
def test_long_texts_are_cut(tmp_path, jsonl, answered, settings, shape, longest):
    """The tokenizer says how long a text may be, else its configuration; the model always."""
    tokenizer(tmp_path, **settings)
    model = embedding_bag(tmp_path / "m.onnx", ALL, shape=shape)
    found = answered(model, jsonl(text=TEXTS))
    assert found.answers.texts() == by_hand(TEXTS, kinds=True, places=True, longest=longest)
    assert found.facts["tokenizer"]["max_length"] == longest
    told = (f"{tmp_path / 'm.onnx'}: texts of more than {longest} tokens were cut",)
    assert found.warnings == (told if longest else ())


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": {"direction": "right"}},
        {"padding": {"direction": "left"}},
        {"padding": {"length": 40}},  # always as long
        {"padding": {"pad_to_multiple_of": 8}},
        {"padding": {"pad_id": 5, "pad_token": "fine"}},  # hidden by the mask
        {"config": {"padding_side": "left", "pad_token": "[UNK]"}},
        {"config": {"pad_token": {"content": "[PAD]"}}},
    ],
)
def test_padding_changes_no_answer_of_a_masked_model(tmp_path, jsonl, answered, settings):
    """However short texts are filled up, a model that minds its mask answers the same."""
    tokenizer(tmp_path, **settings)
    model = embedding_bag(tmp_path / "m.onnx", ALL)
    found = answered(model, jsonl(text=TEXTS))
    assert found.answers.texts() == by_hand(TEXTS, kinds=True, places=True)
    assert found.facts["batch"] == 32


def test_a_model_that_ignores_its_mask_is_run_one_by_one(tmp_path, jsonl, answered):
    """Padding would count as words: each text is run alone, and that is told."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx", masked=False)
    found = answered(model, jsonl(text=TEXTS))
    assert found.answers.texts() == by_hand(TEXTS)
    assert found.facts["batch"] == 1
    assert "one example at a time" in found.warnings[0]


def test_the_mask_is_tried_even_where_all_first_texts_are_as_long(tmp_path, jsonl, answered):
    """Padding that only comes later is tried at the start."""
    tokenizer(tmp_path)
    texts = ["good film", "bad plot"] * 20 + TEXTS
    found = answered(embedding_bag(tmp_path / "m.onnx", masked=False), jsonl(text=texts))
    assert found.answers.texts() == by_hand(texts)
    assert found.facts["batch"] == 1


def test_a_model_that_takes_no_longer_texts(tmp_path, jsonl, answered):
    """Padding by more than the model has places for is not held against it."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx", ALL)
    words = [" ".join(["good"] * 62), " ".join(["bad"] * 62)]  # with [CLS] and [SEP] 64
    found = answered(model, jsonl(text=words + TEXTS))
    assert found.answers.texts() == by_hand(words + TEXTS, kinds=True, places=True)
    assert found.facts["batch"] == 32


def test_without_a_padding_token_nothing_is_padded(tmp_path, jsonl, answered):
    """A model without a mask whose tokenizer names no padding is run one text at a time."""
    tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text().replace("[PAD]", "nothing"))
    found = answered(embedding_bag(tmp_path / "m.onnx", ("input_ids",)), jsonl(text=TEXTS))
    assert found.answers.texts() == by_hand(TEXTS)
    assert found.facts["batch"] == 1


def test_a_single_input_of_any_name(tmp_path, jsonl, answered):
    """With --text the only input of whole numbers holds the tokens, whatever it is called."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx", ("x",))
    assert answered(model, jsonl(text=TEXTS), text=("text",)).answers.texts() == by_hand(TEXTS)


def test_parts_of_words(tmp_path, jsonl, answered):
    """A byte-pair encoding that was learned: the answers of its own tokens, one text at a time."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=UNKNOWN))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel()
    special = ["[PAD]", UNKNOWN]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(TEXTS, trainer)
    made.save(str(tmp_path / "tokenizer.json"))
    weights = RNG.normal(size=(made.get_vocab_size(), 3)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["tokens"]),
        helper.make_node("Cast", ["attention_mask"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["wide", "last"], ["column"]),
        helper.make_node("Mul", ["tokens", "column"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["logits"], keepdims=0),
    ]
    ports = [port(name, np.int64, [None, None]) for name in ("input_ids", "attention_mask")]
    model = save(
        tmp_path / "m.onnx", nodes, ports, [port("logits", np.float32, [None, 3])],
        {"weights": weights, "last": np.array([-1]), "middle": np.array([1])},
    )  # fmt: skip
    texts = [*TEXTS, "Größe – 東京 🙂", "  two  spaces ", "ALL\tCAPS\nand lines"]
    found = answered(model, jsonl(text=texts))
    expected = [str(weights[made.encode(text).ids].sum(axis=0).argmax()) for text in texts]
    assert found.answers.texts() == expected


def test_each_model_has_its_own_tokenizer(tmp_path, jsonl):
    """Old and new are read through the file beside each; the report names both."""
    for name, limit in (("old", 4), ("new", 60)):
        tokenizer(tmp_path / name, truncation={"max_length": limit})
        embedding_bag(tmp_path / name / "m.onnx")
    labels = by_hand(TEXTS, longest=4)
    data = jsonl(text=TEXTS, label=labels)
    report = flipcheck.compare(tmp_path / "old/m.onnx", tmp_path / "new/m.onnx", data)
    now = by_hand(TEXTS)
    assert report.tally.negative_flips == sum(
        one != two for one, two in zip(labels, now, strict=True)
    )
    digests = {side.facts["tokenizer"]["sha256"] for side in (report.old, report.new)}
    assert len(digests) == 2


def test_the_exporter_s_folder(tmp_path, jsonl, answered):
    """A model in the folder `onnx` finds its tokenizer one folder above."""
    tokenizer(tmp_path)
    (tmp_path / "config.json").write_text('{"id2label": {"0": "no", "1": "so", "2": "yes"}}')
    found = answered(embedding_bag(tmp_path / "onnx" / "model.onnx"), jsonl(text=TEXTS))
    assert found.answers.texts() == by_hand(TEXTS)
    assert found.facts["classes_from"] == "the model's metadata"
    model = onnx.load(tmp_path / "onnx" / "model.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "onnx" / "bare.onnx")
    found = answered(tmp_path / "onnx" / "bare.onnx", tmp_path / "data.jsonl")
    assert found.answers.texts() == by_hand(TEXTS)
    assert found.facts["classes_from"] == "config.json"


def test_a_label_for_each_token_is_no_answer(tmp_path, jsonl, answered):
    """A tagger is found out even where every text of the first batch is one word."""
    tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": None}))
    node = helper.make_node("Gather", ["weights", "input_ids"], ["logits"])
    ports = [port("input_ids", np.int64, [None, None])], [port("logits", np.float32, None)]
    model = save(tmp_path / "m.onnx", [node], *ports, {"weights": WEIGHTS})
    with pytest.raises(ModelError, match="a label for each token"):
        answered(model, jsonl(text=["good"] * 40 + ["a good film"] * 40))
    with pytest.raises(ModelError, match="3 rows of values for each example: tokens"):
        answered(model, jsonl("more.jsonl", text=["a good film"] * 40))


def test_stopping_early_reads_texts_in_any_order(tmp_path, jsonl):
    """Texts in random order have the answers that they have in a row."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx")
    data = jsonl(id=range(1000), text=TEXTS * 10, label=by_hand(TEXTS) * 10)
    report = flipcheck.compare(
        model, model, data, gates=["negative_flip_rate <= 5%"], stop_early=True
    )
    assert report.early_stop is not None
    assert report.tally.both_right == report.data.examples < 1000


@pytest.mark.parametrize("shape", [[None], [None, 1]])
def test_raw_text(tmp_path, jsonl, answered, shape):
    """A model that takes text itself gets the column as it stands, with no tokenizer."""
    words = {"keys_strings": ["Yes", "nO"], "values_strings": ["yes", "no"]}
    nodes = [
        helper.make_node(
            "LabelEncoder", ["words"], ["answer"], domain=ML, default_string="?", **words
        )
    ]
    ports = [port("words", object, shape)], [port("answer", object, shape)]
    model = save(tmp_path / "m.onnx", nodes, *ports)
    data = jsonl(text=["Yes", "nO", "YES"], lang=["nO", "x", "Yes"], n=[1, 2, 3])
    assert answered(model, data).answers.texts() == ["yes", "no", "?"]
    assert answered(model, data, text=("lang",)).answers.texts() == ["no", "?", "yes"]


def test_raw_text_by_the_name_of_the_input(tmp_path, jsonl, answered):
    """An input that is called as a column takes that one, whatever else could be text."""
    node = helper.make_node("Identity", ["review"], ["answer"])
    ports = [port("review", object, [None])], [port("answer", object, [None])]
    model = save(tmp_path / "m.onnx", [node], *ports)
    found = answered(model, jsonl(text=["a", "b"], review=["c", "d"]))
    assert found.answers.texts() == ["c", "d"]


def test_tokens_that_an_input_cannot_hold(tmp_path, jsonl, answered):
    """A token beyond the numbers of the input's type is refused, not wrapped round."""
    tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    written = json.loads(path.read_text())
    written["model"]["vocab"]["good"] = 2**31 + 5
    path.write_text(json.dumps(written))
    model = embedding_bag(tmp_path / "m.onnx", dtype=np.int32)
    with pytest.raises(ModelError, match="do not fit the input input_ids"):
        answered(model, jsonl(text=["a good film"]))


@pytest.mark.parametrize(
    ("columns", "text", "told"),
    [
        ({"words": ["a"]}, None, "no column of text"),
        ({"text": ["a"], "review": ["b"]}, None, "'text' or 'review' could be the text"),
        ({"sentence1": ["a"], "sentence2": ["b"]}, None, "--text sentence1,sentence2"),
        ({"text": ["a"]}, ("words",), "no column 'words' (--text)"),
        ({"text": ["a"], "b": ["a"], "c": ["a"]}, ("text", "b", "c"), "two for pairs"),
        ({"text": ["a", None]}, None, "text is missing in 1"),
        ({"text": ["a"]}, "features", "--features and --preprocess are not for"),
    ],
)
def test_columns_that_do_not_fit(tmp_path, jsonl, answered, columns, text, told):
    """Which column is the text is never guessed, and no text is made up."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx")
    spec = {"features": ("text",)} if text == "features" else {"text": text}
    with pytest.raises(FlipcheckError) as error:
        answered(model, jsonl(**columns), **spec)
    assert told in str(error.value)


def test_a_model_of_features_takes_no_text(tmp_path, jsonl, answered):
    """--text for a model of numbers is refused."""
    model = save(
        tmp_path / "m.onnx",
        [helper.make_node("Identity", ["x"], ["y"])],
        [port("x", np.float32, [None, 2])],
        [port("y", np.float32, [None, 2])],
    )
    data = jsonl(text=["a"], b=[1])
    with pytest.raises(UsageError, match="takes no text"):
        answered(model, data, text=("text",))
    with pytest.raises(UsageError, match="both name the columns"):
        answered(model, data, text=("text",), features=("b",))


def test_text_is_in_tables(tmp_path, archive, images, answered):
    """--text for arrays and images is refused, not passed over."""
    tokenizer(tmp_path)
    model = embedding_bag(tmp_path / "m.onnx")
    for data in (archive(input_ids=np.zeros((2, 2), int), attention_mask=np.ones((2, 2), int)),
                 images(x=[1])):  # fmt: skip
        with pytest.raises(UsageError, match="--text names a column of a table"):
            answered(model, data, text=("text",))


def test_tokens_as_arrays(tmp_path, archive, answered):
    """Texts that are tokens already need no tokenizer."""
    tokens = RNG.integers(4, len(VOCABULARY), size=(50, 6))
    mask = (np.arange(6) < RNG.integers(1, 7, size=(50, 1))).astype(int)
    model = embedding_bag(tmp_path / "m.onnx")
    found = answered(model, archive(input_ids=tokens, attention_mask=mask))
    expected = (WEIGHTS[tokens] * mask[..., None]).sum(axis=1).argmax(axis=1)
    assert found.answers.texts() == [("no", "so", "yes")[place] for place in expected]


def test_without_a_tokenizer(tmp_path, jsonl, answered):
    """The error says which file is missing and where it belongs."""
    with pytest.raises(ModelError, match=r"no tokenizer\.json beside it") as error:
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a"]))
    assert str(tmp_path) in error.value.hint


def test_without_the_library(tmp_path, jsonl, answered, monkeypatch):
    """The error names the extra to install."""
    tokenizer(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match="not installed") as error:
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a"]))
    assert error.value.hint == "pip install flipcheck-audit[text]"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("tokenizer.json", b"", "not a usable tokenizer"),
        ("tokenizer.json", b"{}", "not a usable tokenizer"),
        ("tokenizer.json", b"\xff\xfe", "not a usable tokenizer"),
        ("tokenizer.json", b"[" * 100_000, "not a usable tokenizer"),  # deep
        ("tokenizer_config.json", b"{", "not JSON"),
        ("tokenizer_config.json", b"[" * 100_000, "not JSON"),
        ("tokenizer_config.json", b"[]", "not a tokenizer's configuration"),
        ("tokenizer_config.json", b'{"padding_side": "up"}', "neither left nor right"),
    ],
)
def test_hostile_tokenizers(tmp_path, jsonl, answered, name, content, told):
    """Whatever is in the files, the end is an error that names the file."""
    tokenizer(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError) as error:
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a"]))
    assert told in str(error.value)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"padding": {"length": 10**12}}, "padding to 1,000,000,000,000 tokens"),
        ({"padding": {"pad_to_multiple_of": 10**12}}, "padding to 1,000,000,000,000 tokens"),
        ({"truncation": {"max_length": 1}}, "cannot be cut to 1 tokens"),  # [CLS] and [SEP] alone
    ],
)
def test_lengths_that_cannot_be(tmp_path, jsonl, answered, settings, told):
    """A tokenizer cannot make flipcheck fill the memory, nor cut more than there is."""
    tokenizer(tmp_path, **settings)
    with pytest.raises(ModelError) as error:
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a"]))
    assert told in str(error.value)


@pytest.mark.parametrize(
    "part",
    [
        {"post_processor": {  # of a second text that is not there: the library panics
            "type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}],
            "pair": [], "special_tokens": {}}},
        {"truncation": {"direction": "Right", "max_length": 6, "strategy": "LongestFirst",
                        "stride": 10}},  # more than there is to keep
        {"truncation": {"direction": "Right", "max_length": 4, "strategy": "OnlySecond",
                        "stride": 0}},
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other(tmp_path, jsonl, answered, part):
    """What the library cannot do is an error that names the file, even where it panics."""
    tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | part))
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a usable tokenizer"):
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a good film"] * 3))


def test_tokens_that_the_model_lacks(tmp_path, jsonl, answered):
    """A tokenizer of another model ends in the runtime's words, not in a wrong number."""
    tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    written = json.loads(path.read_text())
    written["model"]["vocab"]["good"] = 5000
    path.write_text(json.dumps(written))
    with pytest.raises(ModelError, match="cannot run on this data"):
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a good film"]))


def test_a_giant_file_is_not_read(tmp_path, jsonl, answered, monkeypatch):
    """A file larger than any tokenizer is refused."""
    tokenizer(tmp_path)
    monkeypatch.setattr(tokenizing, "LARGEST_FILE", 100)
    with pytest.raises(ModelError, match="larger than any tokenizer"):
        answered(embedding_bag(tmp_path / "m.onnx"), jsonl(text=["a"]))


def test_padding_that_is_not_known_but_needed(tmp_path, jsonl, answered):
    """A model of one length without a mask needs to know the padding token."""
    tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text().replace("[PAD]", "nothing"))
    model = embedding_bag(tmp_path / "m.onnx", ("input_ids",), shape=(None, 20))
    with pytest.raises(ModelError, match="names no padding token"):
        answered(model, jsonl(text=TEXTS))


def test_other_inputs_beside_the_tokens(tmp_path, jsonl, answered):
    """An input that is no text is named, with what can be done about it."""
    tokenizer(tmp_path)
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["t"]),
        helper.make_node("Mul", ["t", "heat"], ["h"]),
        helper.make_node("ReduceSum", ["h", "middle"], ["logits"], keepdims=0),
    ]
    ports = [port("input_ids", np.int64, [None, None]), port("heat", np.float32, [])]
    model = save(
        tmp_path / "m.onnx", nodes, ports, [port("logits", np.float32, [None, 3])],
        {"weights": WEIGHTS, "middle": np.array([1])},
    )  # fmt: skip
    data = jsonl(text=TEXTS)
    with pytest.raises(ModelError, match="a text does not fill: 'heat") as error:
        answered(model, data)
    assert "--input" in error.value.hint
    names = {"0": "no", "1": "so", "2": "yes"}
    found = answered(model, data, inputs={"heat": "-2"}).answers.texts()
    tokens = [["[CLS]", *text.split(), "[SEP]"] for text in TEXTS]
    flipped = [-2 * sum(WEIGHTS[VOCABULARY.get(each, 1)] for each in row) for row in tokens]
    assert [names[each] for each in found] == [("no", "so", "yes")[row.argmax()] for row in flipped]


def test_the_command(tmp_path, jsonl, command):
    """The column of text is named on the command line."""
    tokenizer(tmp_path)
    old = embedding_bag(tmp_path / "old.onnx")
    new = tmp_path / "new.onnx"
    shutil.copy(old, new)
    data = jsonl(words=TEXTS, label=by_hand(TEXTS))
    done = command("compare", old, new, data, "--text", "words", "--max-nfr", "10%", "--quiet")
    assert (done.status, done.err) == (0, "")
    done = command("predict", old, data, "--text", "word", "-o", tmp_path / "p.csv", "--quiet")
    assert done.status == 2
    assert "no column 'word' (--text)" in done.err
