"""The extension modules and their compiler directives; everything else is in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

N_CPUS = os.cpu_count() or 1
DEBUG = os.environ.get("VSWITCH_DEBUG") == "1"  # bounds checks back on

extensions = [
    Extension(
        ".".join(path.with_suffix("").parts),
        [str(path)],
        # The baseline of each architecture (no -march): the wheel runs on any x86-64 or aarch64.
        # Flow keys are structs of fields to some and arrays of words to others, which C allows by this flag alone.
        # Cython's loops compare signed with unsigned; some builds of Python ask gcc to complain of that.
        extra_compile_args=[
            "-fno-strict-aliasing",
            "-Wno-sign-compare",
            *(["-O1", "-g", "-UNDEBUG"] if DEBUG else ["-O3", "-g0"]),
        ],
        # Constants lie beside the code in one segment: a replay loads a hundred of these modules, and each segment is
        # mapped, and read page by page, on its own.
        extra_link_args=["-Wl,-z,noseparate-code"],
        libraries=["pthread"],
    )
    for path in sorted(Path("vswitch").rglob("*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        nthreads=N_CPUS,
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "initializedcheck": DEBUG,
            "wraparound": False,
            "cdivision": True,
            "embedsignature": True,
        },
    ),
    options={"build_ext": {"parallel": N_CPUS}},
)
