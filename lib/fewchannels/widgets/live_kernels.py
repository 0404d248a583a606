"""The live engine's kernels, from AssemblyScript to a JavaScript file that a page can load from the disk.

    npm install --no-save assemblyscript@0.28.20             # once; or `asc` on the path
    python lib/fewchannels/widgets/live_kernels.py           # js/live/kernels.ts -> js/live/kernels_wasm.js
    python lib/fewchannels/widgets/live_kernels.py --check   # exit status 1 where what is committed is something else

The same compiler gives the same bytes; a test builds them again where there is one.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "0.28.20"
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SOURCE = HERE / "js" / "live" / "kernels.ts"
BUILT = HERE / "js" / "live" / "kernels_wasm.js"
OPTIONS = ("-O3", "--runtime", "stub", "--importMemory", "--noAssert", "--memoryBase", "16", "--enable", "simd")
FUSED = ("--enable", "relaxed-simd")  # for browsers that may multiply and add in one instruction


def compiler() -> Path | None:
    """AssemblyScript's `asc`: that of the checkout's node_modules, else that on the path, else None."""
    own = ROOT / "node_modules" / ".bin" / "asc"
    found = str(own) if own.exists() else shutil.which("asc")
    return None if found is None else Path(found)


def compiled(asc: Path, more: tuple[str, ...] = (), source: Path = SOURCE) -> bytes:
    """kernels.ts as WebAssembly, with more options than `OPTIONS`.

    Raises RuntimeError for a compiler of another version, which may give other bytes, and for what it refuses.
    """
    said = subprocess.run([str(asc), "--version"], capture_output=True, text=True).stdout.split()
    if VERSION not in said:
        raise RuntimeError(
            f"{asc} is {' '.join(said)}: expected version {VERSION}; npm install assemblyscript@{VERSION}"
        )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernels.wasm"
        command = [str(asc), source.name, *OPTIONS, *more, "--outFile", str(out)]
        done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{source.name} does not compile:\n{done.stdout}{done.stderr}")
        return out.read_bytes()


def script(asc: Path) -> str:
    """The module that carries both."""
    by = "`python lib/fewchannels/widgets/live_kernels.py`"
    text = f"// Built from kernels.ts with AssemblyScript {VERSION} by {by}: with relaxed SIMD, and without.\n"
    for name, more in (("FUSED", FUSED), ("SIMD", ())):
        text += f'\nexport const {name} = "{base64.b64encode(compiled(asc, more)).decode("ascii")}";\n'
    return text


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare what is committed with the source")
    check = parser.parse_args(argv).check
    asc = compiler()
    if asc is None:
        sys.exit(f"There is no `asc` here: npm install --no-save assemblyscript@{VERSION}")
    text = script(asc)
    if check:
        fresh = BUILT.exists() and BUILT.read_text(encoding="utf-8") == text
        print(f"{BUILT.name}: {'fresh' if fresh else 'stale; run python lib/fewchannels/widgets/live_kernels.py'}")
        return 0 if fresh else 1
    BUILT.write_text(text, encoding="utf-8")
    print(f"{BUILT.name}: {len(text)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
