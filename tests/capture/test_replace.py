"""Files that take another's name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vswitch.capture.replace import replace


def test_the_new_file_has_the_name_and_the_old_one_is_gone(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"after")
    (tmp_path / "name").write_bytes(b"before")
    number = (tmp_path / "new").stat().st_ino
    with (tmp_path / "name").open("rb") as reader:
        replace(str(tmp_path / "new"), str(tmp_path / "name"))
        assert reader.read() == b"before"  # who has it open keeps it
    assert os.listdir(tmp_path) == ["name"]
    assert (tmp_path / "name").read_bytes() == b"after"
    assert (tmp_path / "name").stat().st_ino == number


def test_a_name_that_is_free(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"after")
    replace(str(tmp_path / "new"), str(tmp_path / "name"))
    assert os.listdir(tmp_path) == ["name"]


def test_what_cannot_be_replaced_stays(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"after")
    (tmp_path / "name").mkdir()
    with pytest.raises(IsADirectoryError):
        replace(str(tmp_path / "new"), str(tmp_path / "name"))
    assert (tmp_path / "name").is_dir()
    assert (tmp_path / "new").read_bytes() == b"after"
    with pytest.raises(FileNotFoundError) as caught:
        replace(str(tmp_path / "none"), str(tmp_path / "new"))
    assert caught.value.filename == str(tmp_path / "none")
    assert (tmp_path / "new").read_bytes() == b"after"
