#!/usr/bin/env python3
"""Times the programs of tests/bench and prints each time with its ratio to the peers that are installed.

NAME.dbx prints one line `seconds: X` for what it measured; so do its peers, where there are any:

    NAME.py         CPython                 NAME_torch.py   PyTorch
    NAME.lua        Lua 5.4                 NAME.c          the same in C, with BLAS where that is the limit

Every program runs several times and its best time counts, because a machine that does other work is only ever slower.
A ratio above 1 means that dbx is faster than the peer by that factor. Memory is the largest that the process had.

usage: run.py DBX [part of a name]...
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = 5


def measure(command):
    """(seconds that the program printed, or of the whole process; largest memory in MiB) of one run, or None."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - start
        process.returncode = status
        out.seek(0)
        found = re.search(rb"seconds:\s*(\S+)", out.read())
    if status != 0:
        return None
    return (float(found.group(1)) if found else whole), usage.ru_maxrss / 1024


def best(command, runs=RUNS):
    results = [r for r in (measure(command) for _ in range(runs)) if r is not None]
    return (min(r[0] for r in results), max(r[1] for r in results)) if results else None


def python_with(module):
    for python in dict.fromkeys(filter(None, (shutil.which("python3"), "/usr/bin/python3"))):
        command = [python, "-c", f"import {module}"]
        if os.path.exists(python) and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def compiled(source, folder):
    """The C limit, built with the flags of the project's own kernels."""
    blas = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
    where = f"/usr/lib/{blas}/openblas-openmp"
    program = Path(folder) / source.stem
    command = ["gcc", "-O3", "-march=native", "-fopenmp", f"-I/usr/include/{blas}/openblas-openmp", str(source), "-o",
               str(program), f"-L{where}", f"-Wl,-rpath,{where}", "-lopenblas", "-lm"]
    return program if subprocess.run(command).returncode == 0 else None


def peers_of(name, python, torch, lua, folder):
    """Yields (peer, command, or None with the reason why it cannot run)."""
    if (HERE / f"{name}.py").exists():
        yield "CPython", [python, HERE / f"{name}.py"]
    if (HERE / f"{name}.lua").exists():
        yield "Lua 5.4", [lua, HERE / f"{name}.lua"] if lua else None
    if (HERE / f"{name}_torch.py").exists():
        yield "PyTorch", [torch, HERE / f"{name}_torch.py"] if torch else None
    if (HERE / f"{name}.c").exists():
        program = compiled(HERE / f"{name}.c", folder)
        yield "C", [program] if program else None


def report(name, dbx, peers):
    own = best([dbx, HERE / f"{name}.dbx"])
    if own is None:
        print(f"{name:<24} failed")
        return False
    print(f"{name:<24}{own[0] * 1e3:10.1f} ms {own[1]:7.0f} MiB")
    for peer, command in peers:
        other = best(command, 3) if command else None
        if other is None:
            print(f"{'':<24}{peer}: not installed, or it failed")
        else:
            print(f"{'':<24}{other[0] * 1e3:10.1f} ms {other[1]:7.0f} MiB  {peer:<8} ratio {other[0] / own[0]:8.2f}")
    return True


def main():
    dbx, wanted = Path(sys.argv[1]).resolve(), sys.argv[2:]
    python, torch, lua = sys.executable, python_with("torch"), shutil.which("lua5.4")
    names = [p.stem for p in sorted(HERE.glob("*.dbx")) if not wanted or any(w in p.stem for w in wanted)]
    ok = True
    start = best([dbx, "-e", "1"], 40)
    print(f"{'start (dbx -e 1)':<24}{start[0] * 1e3:10.1f} ms {start[1]:7.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            ok &= report(name, dbx, peers_of(name, python, torch, lua, folder))
    sys.exit(not ok)


if __name__ == "__main__":
    main()
