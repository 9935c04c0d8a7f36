"""Extract the CPU part of libtorch from the downloaded wheels: `python3 unpack.py WHEELS DEST`.

`cargo xtask libtorch` runs this script. The script imports no code from the wheels and installs
nothing. The libraries find each other by relative paths (`$ORIGIN/../../nvidia/cu13/lib`), so the
layout of the folders must not change.
"""

import pathlib
import shutil
import sys
import zipfile

TORCH = {"libtorch_cpu.so", "libc10.so", "libgomp.so.1"}
BESIDE = {"libcudart.so.13", "libcupti.so.13"}


def wanted(name: str) -> bool:
    path = pathlib.PurePosixPath(name)
    if name.startswith("torch/include/"):
        return True
    if name.startswith("torch/lib/"):
        return path.name in TORCH
    return name.startswith("nvidia/") and "/lib/" in name and path.name in BESIDE


def main() -> None:
    wheels, dest = map(pathlib.Path, sys.argv[1:3])
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if not wanted(entry.filename) or entry.is_dir():
                    continue
                out = dest / entry.filename
                out.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, open(out, "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        wheel.unlink()
    # The wheel's libtorch.so has no code and needs CUDA's library, so it is left out. The linker only
    # needs a file of that name.
    (dest / "torch/lib/libtorch.so").symlink_to("libtorch_cpu.so")


main()
