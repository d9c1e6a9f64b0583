"""One case for the oracle: the real switch answers it, and ours is compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.shared import CHECKOUT, need_oracle


def ask(
    folder: Path, name: str, setup: list[str], trace: list[dict[str, object]]
) -> tuple[dict[str, object], subprocess.CompletedProcess[str]]:
    """What the real switch answered, and what tests/check_corpus.py says of ours; the case is kept in `folder`."""
    oracle = need_oracle() / "oracle.py"
    path = folder / "case.json"
    path.write_text(json.dumps({"id": name, "setup": setup, "trace": trace, "options": {}}))
    subprocess.run([sys.executable, str(oracle), "--write", str(path)], check=True, capture_output=True)
    check = [sys.executable, str(CHECKOUT / "tests" / "check_corpus.py"), str(path)]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    return json.loads(path.read_text())["expected"], found
