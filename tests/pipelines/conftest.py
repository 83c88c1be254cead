"""A checkout in which pipelines run: the predictions of two models."""

from __future__ import annotations

import pytest


@pytest.fixture
def checkout(tmp_path):
    """A function that makes a folder with old.csv and new.csv of these counts of outcomes."""

    def make(right=0, broken=0, mended=0, wrong=0):
        folder = tmp_path / "checkout"
        folder.mkdir(exist_ok=True)
        kinds = [("a", "a")] * right + [("a", "b")] * broken + [("b", "a")] * mended
        kinds += [("b", "b")] * wrong
        for side in (0, 1):
            rows = [f"x{row:05},a,{kind[side]}" for row, kind in enumerate(kinds)]
            text = "\n".join(["id,label,prediction", *rows]) + "\n"
            (folder / ("old.csv", "new.csv")[side]).write_text(text, encoding="utf-8")
        return folder

    return make
