#!/usr/bin/env python3
"""Random programs against a dbx that was built with the sanitizers.

calls       every built-in with 0 to 4 arguments out of a pool of nasty values, and with wrong named arguments
programs    programs drawn from the grammar of the language, see writer.py
mutations   the scripts of tests/lang and scripts/demos with tokens changed, doubled, dropped and swapped
hostile     texts that are deep, long or full of odd characters
values      numbers, strings and structures, whose repr must read back as the same value

Whatever a program does must end in a value or in an error that it can catch; a crash, a report of a sanitizer, a
leak or a hang is a finding, and so is an error of a built-in that does not name it, an error whose place is not in
its file, a program that prints something else after `dbx fmt`, a formatted text that is formatted differently
again, and a text that --check and a run judge differently. Many programs run in one process, each a file that is
imported inside of a `try`. A finding is narrowed down to its program, which is kept.

usage: fuzz.py DBX [--seed N] [--seconds S] [--mode MODE] [--keep FOLDER] [--batch N]
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from texts import builtins, call_program, hostile_program, mutated_program, seeds
from writer import MODULE, Writer

SANITIZER_STATUS = 99
# A program that asks for its own text may see that it was formatted.
LAYOUT = re.compile(r"\b(source|help|doc|line|column|vars)\b")
# What these give depends on the time, or on what ran before.
UNSTEADY = {"time", "clock"}
MAIN = """print("\\n#{i}")
try {{ import("p{i}.dbx") }} catch e {{ print("\\n=", e.kind, e.message); print("!", e.kind, e.line, e.column, e.file) }}
"""


def grammar_program(draw, table):
    return Writer(draw, table).program()


def value_program(draw, _):
    writer = Writer(draw, [])
    return "".join(f"print(repr({writer.plain()}))\n" for _ in range(8))


# ---- running ----

class Fuzzer:
    def __init__(self, options):
        self.dbx, self.options = os.path.abspath(options.dbx), options
        self.draw = random.Random(options.seed)
        self.keep = Path(options.keep)
        self.programs = self.findings = self.slow = 0
        self.unnamed, self.seen, self.mode = {}, set(), None

    def command(self, folder, seconds, *arguments):
        """Status, output and errors of dbx; the status is None when it hangs."""
        settings = {**os.environ, "OMP_WAIT_POLICY": "passive",
                    "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:detect_leaks=1:allocator_may_return_null=1",
                    "UBSAN_OPTIONS": f"print_stacktrace=1:exitcode={SANITIZER_STATUS}"}
        try:
            done = subprocess.run([self.dbx, *arguments], cwd=folder, env=settings, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=seconds + 60)
        except subprocess.TimeoutExpired as late:
            return None, (late.stdout or b"").decode("utf-8", "replace"), ""
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def run(self, folder, seconds):
        """Programs p0.dbx, p1.dbx, ... of the folder, run in one process."""
        return self.command(folder, seconds, "--sandbox", "--max-memory", "500M", "--timeout", str(seconds),
                            "--seed", "1", "main.dbx")

    @staticmethod
    def verdict(status, errors):
        """What is wrong with an ending, or None."""
        if status is None:
            return "hang"
        if status == 0:
            return None
        if status == 1 and "the time limit is over" in errors:
            return "slow"
        report = re.search(r"(ERROR: \w+: .*|runtime error: .*|Assertion .*|SUMMARY: .*)", errors)
        return f"status {status}: {report[1] if report else errors[-300:]}"

    def keep_program(self, text, wrong, errors):
        frames = re.findall(r"#\d+ \S+ in (\w+)", errors)
        place = next((f for f in frames if not f.startswith(("__", "_int", "mem_", "system_block"))), "")
        key = re.sub(r"0x[0-9a-f]+|==\d+==|\d+", "", wrong)[:60] + place
        if key in self.seen:
            return
        self.seen.add(key)
        self.findings += wrong != "slow"
        self.slow += wrong == "slow"
        self.keep.mkdir(parents=True, exist_ok=True)
        name = f"{'slow' if wrong == 'slow' else 'finding'}-{self.mode}-{self.options.seed}-{len(self.seen)}"
        (self.keep / f"{name}.dbx").write_text(text, encoding="utf-8", errors="surrogateescape")
        (self.keep / f"{name}.txt").write_text(f"{wrong}\n{errors}", encoding="utf-8")
        print(f"{'slow' if wrong == 'slow' else 'FINDING'} {self.keep / name}.dbx: {wrong} {place}", flush=True)

    def note_unnamed(self, output):
        for name, message in re.findall(r"^\?(\w+) (.*)", output, re.MULTILINE):
            self.unnamed.setdefault((name, re.sub(r"[-\d.e+]+", "N", message)[:60]), message)

    # ---- what must hold of a program that ran ----

    @staticmethod
    def outputs(output, count):
        """What each program printed, up to where its error was."""
        parts = re.split(r"^#(\d+)\n", output, flags=re.MULTILINE)
        of = {int(parts[i]): parts[i + 1] for i in range(1, len(parts) - 1, 2)}
        return [re.sub(r"^! .*\n|which \d+ are in use$", "", of.get(i, ""), flags=re.MULTILINE) for i in range(count)]

    def check_places(self, texts, output):
        """Errors that ended a program stand inside of its text."""
        for kind, line, column, number in re.findall(r"^! (\w+) (\d+) (\d+) .*?p(\d+)\.dbx$", output, re.MULTILINE):
            text = texts[int(number)]
            lines = text.encode("utf-8", "replace").decode("utf-8").removeprefix("\ufeff").split("\n")
            if not (1 <= int(line) <= len(lines) and 1 <= int(column) <= len(lines[int(line) - 1]) + 1):
                self.keep_program(text, f"the {kind} error is at {line}:{column}", "")

    def check_check(self, folder, texts, output):
        """--check refuses what a run refuses before it begins. A program may be too deep for the one and not for the
        other."""
        if "! limit" in output:
            return
        files = [f"p{i}.dbx" for i in range(len(texts))]
        errors = self.command(folder, 60, "--check", *files)[2]
        told = re.findall(r"^error: (.*)(?:\n[^-\n]*){0,3}\n *--> p(\d+)\.dbx", errors, re.MULTILINE)
        refused = {int(n) for what, n in told if not what.endswith("is not defined")}
        ran = {int(n) for n in re.findall(r"^! syntax .*?p(\d+)\.dbx$", output, re.MULTILINE)}
        for i in refused ^ ran:
            self.keep_program(texts[i], f"--check {'refuses' if i in refused else 'accepts'} what a run does not",
                              errors[-3000:])

    def check_format(self, folder, texts, output):
        """Formatted, every program does the same, and is not changed by being formatted again."""
        with tempfile.TemporaryDirectory() as name:
            other = Path(name) / "formatted"
            shutil.copytree(folder, other)
            files = [f"p{i}.dbx" for i in range(len(texts))]
            status, _, errors = self.command(other, 60, "fmt", *files)
            if status not in (0, 1):
                self.keep_program("\n".join(texts), f"fmt: {self.verdict(status, errors)}", errors)
                return
            once = [(other / f).read_bytes() for f in files]
            self.command(other, 60, "fmt", *files)
            for i, f in enumerate(files):
                if (other / f).read_bytes() != once[i]:
                    self.keep_program(texts[i], "fmt changes what it has formatted", "")
            status, formatted, errors = self.run(other, 30)
        if status != 0:
            return
        for i, (was, now) in enumerate(zip(self.outputs(output, len(texts)), self.outputs(formatted, len(texts)))):
            if was != now and not LAYOUT.search(texts[i]):
                self.keep_program(texts[i], "fmt changes what it does", f"{was}\n---- formatted ----\n{now}")

    def check_values(self, texts, output):
        """What repr gave is read as a value with the same repr."""
        given = self.outputs(output, len(texts))
        again = "".join(f'print("\\n#{i}")\n' + "".join(f"print(repr({line}))\n" for line in text.strip().split("\n"))
                        for i, text in enumerate(given))
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "again.dbx").write_text(again, encoding="utf-8")
            _, output, errors = self.command(name, 30, "again.dbx")
        for text, was, now in zip(texts, given, self.outputs(output, len(texts))):
            if was.strip() != now.strip():
                self.keep_program(text, "repr does not read back", f"{was}\n---- read back ----\n{now}\n{errors}")

    def check(self, folder, texts, output):
        self.check_places(texts, output)
        if self.mode == "values":
            self.check_values(texts, output)
        if self.mode in ("programs", "mutations"):
            self.check_check(folder, texts, output)
            self.check_format(folder, texts, output)

    # ---- batches ----

    def batch(self, texts):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "programs"
            folder.mkdir()
            (folder / "m.dbx").write_text(MODULE, encoding="utf-8")
            (folder / "main.dbx").write_text("".join(MAIN.format(i=i) for i in range(len(texts))), encoding="utf-8")
            for i, text in enumerate(texts):
                (folder / f"p{i}.dbx").write_bytes(text.encode("utf-8", "replace"))
            status, output, errors = self.run(folder, 30)
            wrong = self.verdict(status, errors)
            if wrong is None:
                self.check(folder, texts, output)
        self.programs += len(texts)
        self.note_unnamed(output)
        if wrong is None:
            return
        if len(texts) == 1:
            self.keep_program(texts[0], wrong, errors)
            return
        # The last that was begun is the likely one; a leak may be any one's.
        self.programs -= len(texts)
        reached = len(re.findall(r"^#\d+$", output, re.MULTILINE)) - 1
        if 0 <= reached < len(texts) - 1:
            if reached > 0 and "Leak" in errors:
                self.batch(texts[:reached])
            self.batch([texts[reached]])
            self.programs += max(reached, 0)
            self.batch(texts[reached + 1:])
        else:
            half = len(texts) // 2
            self.batch(texts[:half])
            self.batch(texts[half:])

    def go(self):
        table, sources = builtins(self.dbx), seeds()
        steady = [row for row in table if row[0] not in UNSTEADY]
        makers = {"calls": (call_program, table), "programs": (grammar_program, steady),
                  "mutations": (mutated_program, sources), "hostile": (hostile_program, sources),
                  "values": (value_program, None)}
        modes = list(makers) if self.options.mode == "all" else [self.options.mode]
        end, turn = time.monotonic() + self.options.seconds, 0
        while time.monotonic() < end:
            self.mode = modes[turn % len(modes)]
            make, source = makers[self.mode]
            self.batch([make(self.draw, source) for _ in range(self.options.batch)])
            turn += 1
        for (name, _), message in sorted(self.unnamed.items()):
            print(f"unnamed {name}: {message}")
        print(f"{self.programs} programs, {self.findings} findings, {self.slow} slow, {len(self.unnamed)} errors that do "
              "not name their function")
        return 1 if self.findings else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.rsplit("usage: ", 1)[1])
    parser.add_argument("dbx")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--mode", choices=["calls", "programs", "mutations", "hostile", "values", "all"], default="all")
    parser.add_argument("--keep", default="build/fuzz")
    parser.add_argument("--batch", type=int, default=60)
    return Fuzzer(parser.parse_args()).go()


if __name__ == "__main__":
    sys.exit(main())
