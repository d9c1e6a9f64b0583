"""In a checkout that was not built, the folder hides the package that is installed: the error says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "vswitch"


def test_source_folder_says_what_to_do(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "vswitch", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", "import vswitch; vswitch.FATES"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: vswitch.datapath.fate is not compiled in ")
    assert "pip install -e ." in last
