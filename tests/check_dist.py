"""Says what an sdist and a wheel hold that they should not, or lack.

    python -m build && python tests/check_dist.py dist
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

CHECKOUT = Path(__file__).resolve().parent.parent
TREES = ("vswitch", "tests", "benchmarks", "docs", "pcaps")
SOURCES = (".pyx", ".pxd", ".pyi", ".py", ".jinja", ".typed", ".md", ".pcap", ".ovs", ".json", ".txt", ".frame")
IN_WHEEL = (".pxd", ".pyi", ".py", ".jinja", ".typed")
COMPILED = (".c", ".so", ".o", ".pyc")


def checkout_files(trees: tuple[str, ...], endings: tuple[str, ...]) -> set[str]:
    files = (path for tree in trees for path in (CHECKOUT / tree).rglob("*") if path.suffix in endings)
    return {str(path.relative_to(CHECKOUT)) for path in files}


def complaints(folder: Path) -> list[str]:
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    with tarfile.open(sdist) as archive:
        in_sdist = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in archive.getnames()}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    root_files = {path.name for path in CHECKOUT.glob("*.md")} | {"LICENSE", "pyproject.toml", "setup.py", ".ci/run"}
    modules = checkout_files(("vswitch",), (".pyx",))
    built = {name.split(".")[0] for name in in_wheel if name.endswith(".so")}
    return [
        *(f"{sdist.name} lacks {name}" for name in (checkout_files(TREES, SOURCES) | root_files) - in_sdist),
        *(f"{sdist.name} holds {name}" for name in in_sdist if name.endswith(COMPILED)),
        *(f"{wheel.name} lacks {name}" for name in checkout_files(("vswitch",), IN_WHEEL) - in_wheel),
        *(f"{wheel.name} lacks the module of {name}" for name in modules if name.removesuffix(".pyx") not in built),
        *(f"{wheel.name} holds {name}" for name in in_wheel if name.endswith((".c", ".o", ".pyc", ".pyx"))),
        *(f"{wheel.name} holds {name}" for name in in_wheel if not name.startswith(("vswitch/", "vswitch-"))),
    ]


if __name__ == "__main__":
    found = sorted(complaints(Path(sys.argv[1])))
    print("\n".join(found) or "sdist and wheel hold what they should")
    sys.exit(bool(found))
