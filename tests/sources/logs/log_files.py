"""Small writers of evaluation logs, each in the shape that the real tool writes."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def jsonl(path: Path, rows) -> Path:
    """Rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def texts(value):
    """Nested lists with every value as text, as lm-eval saves responses."""
    return [texts(each) for each in value] if isinstance(value, list) else str(value)


def lm_sample(doc_id, doc, target, responses, metrics, *, filter="none", hashed=True, **more):  # noqa: A002
    """One sample as lm-evaluation-harness 0.4.3 and later writes it."""
    text = json.dumps(doc, indent=2, ensure_ascii=False)
    sample = {
        "doc_id": doc_id,
        "doc": doc,
        "target": str(target),
        "arguments": {"gen_args_0": {"arg_0": f"Question: {doc}", "arg_1": {"until": ["\n"]}}},
        "resps": texts([[each] for each in responses]),
        "filtered_resps": texts(responses),
        "filter": filter,
        "metrics": list(metrics),
        "doc_hash": sha256(text.encode()).hexdigest(),
        "prompt_hash": sha256(f"Question: {doc}".encode()).hexdigest(),
        "target_hash": sha256(str(target).encode()).hexdigest(),
        **metrics,
        **more,
    }
    if not hashed:
        for name in ("filter", "metrics", "doc_hash", "prompt_hash", "target_hash"):
            del sample[name]
    return sample


def choice_sample(doc_id, doc, target, scores, choices, metrics, **more):
    """One sample of multiple choice: a log-probability and whether it was greedy, per choice."""
    arguments = {
        f"gen_args_{place}": {"arg_0": doc["question"], "arg_1": f" {choice}"}
        for place, choice in enumerate(choices)
    }
    responses = [[score, False] for score in scores]
    return lm_sample(doc_id, doc, target, responses, metrics, **more) | {"arguments": arguments}
