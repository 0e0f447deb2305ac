#!/usr/bin/env python3
"""Runs the tests, in suites:

unit        the programs built from tests/unit/*.c (cmocka)
reference   values and gradients against those of PyTorch, tests/reference/reference.txt (needs no PyTorch)
lang        scripts: tests/lang/**/*.dbx, tests/acceptance/*.dbx, scripts/demos/*.dbx
docs        the examples in the entries of operations and built-ins: dbx --test-docs
cli, repl   tests/cli/*.py and tests/repl/*.py, which end in "N passed, M failed" (see tests/harness.py)
layers      every file includes headers of its own room and of those below only

A script runs as `dbx FILE FOLDER`, where FOLDER is an empty folder of its own to write to. Its expectations:

    print(x)            #=> text         what print writes; several such lines for a print of several lines
    print(x)            #=>~1e-3 text    the same with another tolerance
    fail()              #!> text         the script stops here, with status 1 and an error that contains text

White space is collapsed and numbers compare with a relative tolerance of 1e-5. A comment line of its own that
only mentions an expectation (`## f(1)  #=> 2`) is none; one that starts with it (`#=> more`) is.

usage: run.py [--dbx PATH] [--build FOLDER] [SUITE or part of a file name]...
"""
import argparse
import concurrent.futures
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 900
WORKERS = 2


class Result:
    """What one test gave: how many checks passed, and a line for each that failed."""

    def __init__(self, name, passed=0, failures=()):
        self.name, self.passed, self.failures = name, passed, list(failures)


def run(command, **options):
    """The finished process, or None when it took too long; output that is not UTF-8 shows as such."""
    try:
        return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS, cwd=ROOT, encoding="utf-8",
                              errors="backslashreplace", **options)
    except subprocess.TimeoutExpired:
        return None


def last_lines(text, count=12):
    return "".join(f"\n    | {line}" for line in text.rstrip().splitlines()[-count:])


# ---- scripts and their expectations ----

TOKEN = re.compile(r"""
    (?P<number> [-+]? (?: (?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)? | (?:inf|nan)\b ) )
  | (?P<word> [^\W\d]\w* ) | (?P<space> \s+ ) | (?P<sign> . )""", re.VERBOSE)
MARK = re.compile(r"#(?:=>(?:~(\S+))?|(!)>)\s?(.*)")


class Expectation:
    def __init__(self, line, text, tolerance):
        self.line, self.text, self.tolerance = line, text, tolerance
        self.tokens = tokens_of(text)


def tokens_of(text):
    """The tokens of a text, each a pair of its kind and itself."""
    return [(m.lastgroup, m.group()) for m in TOKEN.finditer(text.strip())]


def expectations_of(path):
    """The expected outputs, and the line and text of the expected error or None."""
    outputs, error = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        mark = MARK.search(line)
        comment = line.lstrip().startswith("#")
        if mark is None or (comment and line.lstrip() != line[mark.start():]):
            continue
        tolerance, is_error, text = mark.groups()
        if is_error:
            error = (number, text.strip())
        else:
            outputs.append(Expectation(number, text, float(tolerance or 1e-5)))
    return outputs, error


def same(expected, got, tolerance):
    if expected == got or (expected[0] == got[0] == "space"):
        return True
    if expected[0] != "number" or got[0] != "number":
        return False
    a, b = float(expected[1]), float(got[1])
    return math.isclose(a, b, rel_tol=tolerance) or (math.isnan(a) and math.isnan(b))


def match_at(expectation, output, at):
    """The place in the output behind the expectation, or None when it does not stand at `at`."""
    while at < len(output) and output[at][0] == "space":
        at += 1
    for token in expectation.tokens:
        if at == len(output) or not same(token, output[at], expectation.tolerance):
            return None
        at += 1
    return at


def shown(output, at, count=40):
    text = " ".join("".join(token[1] for token in output[at:at + count]).split())
    return (text or "nothing") + (" ..." if at + count < len(output) else "")


def compare(name, expectations, output):
    """How many expectations hold, and what failed. Behind a failure the next is looked for on later lines."""
    passed, failures, at, lost = 0, [], 0, False
    for e in expectations:
        places = [at] + [i for i in range(at, len(output)) if lost and "\n" in output[i][1]]
        behind = next((b for b in (match_at(e, output, p) for p in places) if b is not None), None)
        if behind is None:
            failures.append(f"{name}:{e.line}: expected {e.text.strip()}, got {shown(output, at)}")
            lost = True
        else:
            passed, at, lost = passed + 1, behind, False
    if not lost and any(token[0] != "space" for token in output[at:]):
        failures.append(f"{name}: unexpected output at the end: {shown(output, at)}")
    return passed, failures


def ending_failure(name, error, done):
    if error is None:
        if done.returncode != 0:
            return f"{name}: status {done.returncode}{last_lines(done.stderr)}"
    elif done.returncode != 1:
        return f"{name}:{error[0]}: expected to stop here with status 1, got status {done.returncode}" + \
            last_lines(done.stderr)
    elif " ".join(error[1].split()) not in " ".join(done.stderr.split()):
        return f"{name}:{error[0]}: expected an error containing '{error[1]}', got{last_lines(done.stderr)}"
    return None


def run_script(dbx, path):
    name = str(path.relative_to(ROOT))
    outputs, error = expectations_of(path)
    with tempfile.TemporaryDirectory() as folder:
        done = run([dbx, name, folder])
    if done is None:
        return Result(name, 0, [f"{name}: still running after {SECONDS} seconds"])
    result = Result(name, 1)
    failure = ending_failure(name, error, done)
    if failure is not None:
        result.passed, result.failures = 0, [failure]
    if outputs or path.parent.name != "demos":
        passed, failures = compare(name, outputs, tokens_of(done.stdout))
        result.passed += passed
        result.failures += failures
    return result


# ---- the other suites ----

def run_unit(path):
    name = f"unit/{path.name}"
    done = run([path], env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"})
    if done is None:
        return Result(name, 0, [f"{name}: still running after {SECONDS} seconds"])
    passed = len(re.findall(r"^ok ", done.stdout, re.MULTILINE))
    failures = [f"{name}: {line}" for line in re.findall(r"^not ok .*", done.stdout, re.MULTILINE)]
    if failures:
        failures[-1] += last_lines(done.stderr)
    elif done.returncode != 0 or passed == 0:
        failures = [f"{name}: status {done.returncode}, {passed} passed" +
                    last_lines(done.stdout + done.stderr)]
    return Result(name, passed, failures)


def run_driver(dbx, path):
    name = str(path.relative_to(ROOT))
    done = run([sys.executable, path, dbx], env={**os.environ, "PYTHONPATH": str(ROOT / "tests")})
    if done is None:
        return Result(name, 0, [f"{name}: still running after {SECONDS} seconds"])
    counts = re.search(r"^(\d+) passed, (\d+) failed\s*\Z", done.stdout, re.MULTILINE)
    failures = [f"{name}: {line}" for line in done.stdout.splitlines() if line.startswith("FAIL")]
    if counts is None or (int(counts[2]) > 0) != bool(failures) or int(counts[1]) + int(counts[2]) == 0:
        failures.append(f"{name}: no proper counts at its end{last_lines(done.stdout + done.stderr)}")
    return Result(name, int(counts[1]) if counts else 0, failures)


def run_docs(dbx):
    done = run([dbx, "--test-docs"])
    if done is None:
        return Result("docs", 0, [f"docs: still running after {SECONDS} seconds"])
    if done.returncode == 2:
        print("docs: skipped, as this dbx has no --test-docs")
        return Result("docs")
    lines = done.stdout.splitlines()
    passed = sum(line.startswith("ok ") for line in lines)
    failures = [f"docs: {line}" for line in lines if line.startswith("FAIL ")]
    if not failures and (done.returncode != 0 or passed == 0):
        failures = [f"docs: status {done.returncode}, {passed} passed{last_lines(done.stdout + done.stderr)}"]
    return Result("docs", passed, failures)


ROOMS = ["base", "tensor", "grad", "ops", "lang", "lib", "repl"]
# Headers that lie elsewhere: generated ones, and the public one, which the session implements.
OWNERS = {"parser.h": "lang", "op_list.h": "ops", "builtin_list.h": "lib", "dbx.h": "lang"}


def check_layers():
    result = Result("layers")
    files = sorted([*ROOT.glob("src/*/*.[ch]"), *ROOT.glob("grammar/*")])
    for path in files:
        room = "lang" if path.parent.name == "grammar" else path.parent.name
        name, bad = path.relative_to(ROOT), []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if include is None:
                continue
            other = OWNERS.get(include[1], include[1].split("/")[0])
            if other not in ROOMS or ROOMS.index(other) > ROOMS.index(room):
                bad.append(f"{name}:{number}: {room} must not include {include[1]}")
        result.passed += not bad
        result.failures += bad
    return result


# ---- all together ----

def suites(dbx, build):
    """Each suite: its name, and its tests as pairs of a name and what runs it."""
    def over(paths, runner, *first):
        return [(os.path.relpath(p, ROOT), lambda p=p: runner(*first, p)) for p in sorted(paths)]

    scripts = [*ROOT.glob("tests/lang/**/*.dbx"), *ROOT.glob("tests/acceptance/*.dbx"),
               *ROOT.glob("scripts/demos/*.dbx")]
    programs = [build / "unit" / p.stem for p in ROOT.glob("tests/unit/*.c")]
    reference = build / "unit" / "test_reference"
    return {
        "layers": [("src", check_layers)],
        "unit": over([p for p in programs if p != reference], run_unit),
        "reference": over([reference], run_unit),
        "docs": [("docs", lambda: run_docs(dbx))],
        "lang": over(scripts, run_script, dbx),
        "cli": over(ROOT.glob("tests/cli/*.py"), run_driver, dbx),
        "repl": over(ROOT.glob("tests/repl/*.py"), run_driver, dbx),
    }


def main():
    parser = argparse.ArgumentParser(usage=__doc__.rsplit("usage: ", 1)[1])
    parser.add_argument("--dbx", default="./dbx")
    parser.add_argument("--build", default="build")
    parser.add_argument("filters", nargs="*")
    options = parser.parse_args()
    # Two tests at a time on a small machine: threads that wait must not spin.
    os.environ.update(OMP_WAIT_POLICY="passive", TERM="xterm", LC_ALL="C.UTF-8")
    os.environ.pop("NO_COLOR", None)
    dbx, build = (ROOT / options.dbx).resolve(), (ROOT / options.build).resolve()

    jobs, results, counts = [], [], {}
    for suite, tests in suites(dbx, build).items():
        chosen = [(suite, run_test) for name, run_test in tests
                  if not options.filters or any(f == suite or f in name for f in options.filters)]
        jobs += chosen
        if not chosen and (not options.filters or suite in options.filters):
            results.append(Result(suite, 0, [f"{suite}: there is nothing to run"]))
            print(f"FAIL {suite}: there is nothing to run")
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        finished = pool.map(lambda job: (job[0], job[1]()), jobs)
        for suite, result in finished:
            results.append(result)
            counts[suite] = counts.get(suite, 0) + result.passed
            for failure in result.failures:
                print(f"FAIL {failure}", flush=True)
    passed, failed = sum(r.passed for r in results), sum(len(r.failures) for r in results)
    print(", ".join(f"{suite} {count}" for suite, count in counts.items()))
    if passed + failed == 0:
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
