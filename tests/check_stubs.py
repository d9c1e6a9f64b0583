"""Holds every `.pyi` against its compiled module with mypy's stubtest.

    python tests/check_stubs.py

A compiled module with a class or function that Python can see must have a stub; one that is C alone has none.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)


def without_stub() -> list[str]:
    """Public names of compiled modules that have no stub, as module.name."""
    sources = sorted((CHECKOUT / "vswitch").rglob("*.pyx"))
    names = [module_name(path) for path in sources if not path.with_suffix(".pyi").exists()]
    modules = [importlib.import_module(name) for name in names]
    return [
        f"{module.__name__}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def main() -> int:
    missing = without_stub()
    for name in missing:
        print(f"{name} has no stub")
    # All at once: stubtest spends its time on NumPy's and Python's own stubs, not on ours.
    modules = sorted(module_name(path) for path in (CHECKOUT / "vswitch").rglob("*.pyi"))
    allowlist = CHECKOUT / "tests" / "stubtest-allowlist.txt"
    command = [sys.executable, "-m", "mypy.stubtest", "--concise"]
    done = subprocess.run([*command, "--allowlist", str(allowlist), *modules], cwd=CHECKOUT, check=False)
    return 1 if missing else done.returncode


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    sys.exit(main())
