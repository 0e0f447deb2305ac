#!/usr/bin/env python3
"""Random programs against a dbx that was built with the sanitizers.

calls       every built-in with 0 to 4 arguments out of a pool of nasty values, and with wrong named arguments
programs    programs drawn from the grammar of the language: tensors, structures, closures, derivatives, try
mutations   the scripts of tests/lang and scripts/demos with tokens changed, doubled, dropped and swapped

Whatever a program does must end in a value or in an error that it can catch; a crash, a report of a sanitizer, a
leak or a hang is a finding, and so is an error of a built-in that does not name it. Many programs run in one
process, each a file that is imported inside of a `try`. A finding is narrowed down to its program, which is kept.

usage: fuzz.py DBX [--seed N] [--seconds S] [--mode MODE] [--keep FOLDER] [--batch N]
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SANITIZER_STATUS = 99
MODES = ["calls", "programs", "mutations"]


# ---- values ----

PRELUDE = """
fn deep(n) { t = () for i in range(n) { t = (t, i) } return t }
int_min = tensor([-9223372036854775808], dtype="int64")
p = parameter([1, 2, 3]); P = parameter([[1, 2], [3, 4]]); b = buffer([1, 2, 3])
""".replace(" for i", "\n for i").replace("} return", "}\n return")

NASTY = """
none | true | false | 0 | 1 | -1 | 2 | 3 | 0.5 | 1e9 | 1e18 | -1e18 | 1e300 | nan | inf | -inf | 9223372036854775807
-9223372036854775808 | 4294967296 | "" | "abc" | "float64" | "int64" | "bool" | "ij,jk->ik" | "ii->i" | "..." | "fro" | "é\\0"
".3f" | ">99999" | () | (1,) | (1, 2) | (2, -1) | (0, 0) | ((), ((),)) | (1, (2, 3)) | (none, 1) | ("a", "b")
([1, 2], [3, 4]) | ([1, 2], [3]) | ((1, 2), (0, 1)) | deep(3) | deep(2000) | {} | {a: 1, "b c": [1, 2]} | {w: p, b: (b, 2)}
range(5) | range(0) | range(10, 0, -3) | range(1e12) | (x -> x) | ((x, y) -> x + y) | fn() {} | fn(x) { error("no") } | sin
sum' | ((...r) -> r) | [1, 2, 3] | [[1, 2], [3, 4]] | [[1, 2, 3], [4, 5, 6]] | zeros(0) | zeros(0, 3) | zeros(3, 0) | ones(2, 3, 4)
ones(1, 1, 1, 1, 1, 1) | tensor(5) | tensor(nan) | tensor(true) | [true, false, true] | [[true], [false]]
tensor([1, 2, 3], dtype="int64") | tensor([0, 1, 1], dtype="uint8") | tensor([[1, 0], [0, 1]], dtype="int32") | int_min
[nan, inf, -inf, 0] | [-1, 0, 2.5] | p | P | b | (p * 2) | sum(P) | eye(3) | ones(2, 3, 4, 5) | tensor([1, 2], dtype="float64")
broadcast_to(1, (300, 300)) | P' | P[::-1, 1] | parameter(ones(1, 2, 5, 5)) | ones(1, 2, 3, 3) | parameter(2) | 1e-320 | 64 | -2
"""
VALUES = [v.strip() for line in NASTY.strip().splitlines() for v in line.split("|")]
NAMED = ["axis", "dtype", "keepdims", "x", "n", "f", "nonsense", "p", "init", "stride", "padding", "size", "correction"]
# exit ends the process, and print with the other writers would only fill the pipe.
NOT_CALLED = {"exit", "help", "vars", "source", "doc", "tour"}


def builtins(dbx):
    """Names of the built-ins and of their parameters, from the reference page."""
    page = subprocess.run([dbx, "--reference"], capture_output=True, text=True, check=True).stdout
    usages = re.findall(r"^### .*?`(\w+)\((.*)\)`", page, re.MULTILINE)
    return [(name, re.findall(r"(\w+)(?==|,|$)", parameters)) for name, parameters in usages
            if name not in NOT_CALLED]


def call_program(draw, table):
    """Calls of one built-in; what they report is its name, so that an error without it is seen."""
    name, parameters = draw.choice(table)
    lines = [PRELUDE]
    for _ in range(12):
        args = [draw.choice(VALUES) for _ in range(draw.randint(0, 4))]
        for _ in range(draw.choice([0, 0, 0, 1, 2])):
            args.append(f"{draw.choice(parameters + NAMED)}={draw.choice(VALUES)}")
        call = f"{name}({', '.join(args)})"
        after = draw.choice(["", "", "", ".backward()", "'", "[0]"]) if args else ""
        checked = "" if after else f'if not ("{name}" in e.message) {{ print("?{name}", e.kind, e.message) }}'
        lines.append(f"try {{ v = ({call}){after}; len(repr(v)) }} catch e {{ {checked} }}")
    return "\n".join(lines) + "\n"


# ---- programs from the grammar ----

class Writer:
    """Draws a program. Sizes are kept small by what is drawn, loops are bounded."""

    UNARY = "sin cos exp tanh sigmoid relu abs sqrt log square neg sum mean max min softmax cumsum sort flatten norm " \
            "prod var detach logsumexp transpose isnan floor argmax len repr str type".split()
    START = "a = 2; b = [1, 2, 3]; c = parameter([1, 2, 3]); d = (1, [2, 3, 4]); u = {k: {m: parameter(2)}}; v = eye(3)\n" \
            "w = buffer([1, 2, 3]); x = c * b; y = parameter(randn(3, 3)); z = randn(20, 20); f(x) = sum(x * x); g(x) = x * v"
    BINARY = ["+", "-", "*", "/", "//", "%", "@", "^", "==", "<", ">=", "!=", "and", "or"]

    def __init__(self, draw):
        self.draw, self.names, self.functions, self.depth = draw, list("abcduvwxyz"), ["f", "g"], 0

    def pick(self, *choices):
        return self.draw.choice(choices)

    def name(self):
        return self.pick("a", "b", "c", "d", "u", "v", "w", "x", "y", "z")

    def number(self):
        return self.pick("0", "1", "2", "3", "-1", "0.5", "1e3", "nan", "inf", "7", "1e-8", "0xff", "1_000")

    def shape(self):
        return ", ".join(str(self.draw.choice([0, 1, 2, 2, 3, 3, 4])) for _ in range(self.draw.randint(0, 4)))

    def tensor(self):
        return self.pick(
            lambda: f"randn({self.shape()})", lambda: f"parameter(randn({self.shape()}))",
            lambda: f"arange({self.draw.randint(0, 12)})", lambda: f"eye({self.draw.randint(0, 4)})",
            lambda: "[" + ", ".join(self.number() for _ in range(self.draw.randint(0, 4))) + "]",
            lambda: "[" + ", ".join(self.expression() for _ in range(self.draw.randint(1, 3))) + "]",
            lambda: f"ones({self.shape() or 1}, dtype={self.dtype()})",
            lambda: f"buffer(zeros({self.shape()}))", lambda: "[[1, 2, 3], [4, 5, 6]]",
            lambda: f"ones({self.draw.choice([100, 300])}, {self.draw.choice([1, 100, 300])})")()

    def dtype(self):
        return self.pick('"float32"', '"float64"', '"int32"', '"int64"', '"uint8"', '"bool"')

    def variable(self):
        return self.draw.choice(self.names) if self.names and self.draw.random() < 0.9 else self.name()

    def function(self):
        if self.functions and self.draw.random() < 0.5:
            return self.draw.choice(self.functions)
        return self.pick(
            lambda: self.pick(*self.UNARY), lambda: f"({self.name()} -> {self.expression()})",
            lambda: f"(({self.name()}, y2) -> {self.expression()})", lambda: f"{self.function()}'",
            lambda: f"grad({self.function()})", lambda: f"vmap({self.function()})",
            lambda: f"checkpoint({self.function()})", lambda: f"value_and_grad({self.function()})",
            lambda: f"custom_grad({self.function()}, (g, o, ...r) -> {self.pick('g * o', 'g', 'r', '(g, g)', '1')})",
            lambda: f"fn({self.name()}) {{ {self.block(1)} return {self.expression()} }}")()

    def subscript(self):
        part = lambda: self.pick("0", "-1", "1", ":", "...", "none", "::2", "::-1", "1:", "[0, 1]", "[true, false]", "5",
                                 self.variable(), '"k"')
        return ", ".join(part() for _ in range(self.pick(1, 1, 2, 3)))

    def derivative(self):
        f, x = self.function(), self.expression()
        return self.pick(f"jacobian({f}, {x})", f"hessian({f}, {x})", f"jvp({f}, {x}, {self.expression()})",
                         f"vjp({f}, {x})", f"hvp({f}, {x}, {self.expression()})", f"grad({f})({x})",
                         f"vjp({f}, {x})[1]({self.expression()})", f"gradcheck({f}, {x})", f"{f}''({x})")

    def expression(self):
        self.depth += 1
        try:
            if self.depth > 5:
                return self.pick(self.variable(), self.number())
            return self.pick(
                self.number, self.variable, self.variable, self.variable, self.tensor, self.tensor,
                lambda: f"({self.expression()} {self.draw.choice(self.BINARY)} {self.expression()})",
                lambda: f"({self.expression()} {self.draw.choice(self.BINARY[:8])} {self.expression()})",
                lambda: f"{self.function()}({self.expression()})", lambda: f"{self.pick('-', 'not ')}{self.expression()}",
                lambda: f"{self.variable()}.{self.pick(*self.UNARY)}()", lambda: f"{self.variable()}[{self.subscript()}]",
                lambda: f"{self.variable()}.{self.pick('grad', 'shape', 'T', 'dtype', 'k', 'size')}",
                lambda: f"({self.expression()}, {self.expression()})", lambda: f"{{k: {self.expression()}, m: {self.expression()}}}",
                lambda: f"({self.expression()} ? {self.expression()} : {self.expression()})", self.function, self.derivative,
                lambda: f"map({self.function()}, {self.expression()})", lambda: f"f\"{{{self.variable()}}}\"",
                lambda: f"reduce((p1, p2) -> {self.pick('p1 + p2', '(p1, p2)', 'p1 * p2')}, {self.expression()})",
                lambda: f"scan((s, q) -> (s + q, s * q), {self.expression()}, {self.expression()})",
                lambda: f"{self.pick('concat', 'stack', 'einsum', 'where', 'append', 'zip', 'solve', 'svd', 'reshape', 'gather')}"
                        f"({', '.join(self.expression() for _ in range(self.draw.randint(1, 3)))})",
                lambda: f"{self.function()}(...({self.expression()}, {self.expression()}))")()
        finally:
            self.depth -= 1

    def target(self):
        name = self.variable() if self.draw.random() < 0.6 else self.name()
        if name not in self.names:
            self.names.append(name)
        return self.pick(name, name, name, f"{name}[{self.subscript()}]", f"{name}.k", f"{name}[0].k", f"{name}, {self.name()}",
                         f"{name}.k.m")

    def statement(self, depth):
        self.depth += 1
        try:
            simple = [lambda: f"{self.target()} = {self.expression()}", lambda: self.expression(),
                      lambda: f"{self.target().split(',')[0]} {self.pick('+', '-', '*', '/', '^')}= {self.expression()}",
                      lambda: f"backward({self.expression()}{self.pick('', ', create_graph=true', ', seed=1')})",
                      lambda: f"nograd {{ {self.target().split(',')[0]} {self.pick('-=', '=')} {self.expression()} }}",
                      lambda: f"zero_grad({self.variable()})", lambda: f"assign({self.variable()}, {self.expression()})",
                      lambda: f"attach_grad({self.variable()})", lambda: f"retain_grad({self.variable()})", self.define]
            nested = [lambda: f"if {self.expression()} {{ {self.block(depth)} }} else {{ {self.block(depth)} }}",
                      lambda: f"for {self.loop_name()} in {self.pick('range(3)', '(1, 2)', self.expression())} {{ {self.block(depth)} }}",
                      lambda: f"try {{ {self.block(depth)} }} catch err {{ {self.block(depth)} }}",
                      lambda: f"nograd {{ {self.block(depth)} }}", lambda: f"error({self.expression()})"]
            return self.draw.choice(simple * 2 + nested if depth < 3 else simple)()
        finally:
            self.depth -= 1

    def loop_name(self):
        return self.pick("i", "j", "i, j")

    def define(self):
        name = self.pick("f", "g", "h")
        self.functions.append(name)
        body = self.pick(lambda: f"= {self.expression()}", lambda: f"{{ {self.block(2)} return {self.expression()} }}")()
        return f"{'' if body[0] == '=' else 'fn '}{name}(x{self.pick('', ', y = 1', ', ...rest')}) {body}"

    def block(self, depth):
        return "\n ".join(self.statement(depth + 1) for _ in range(self.draw.randint(1, 3))) + "\n"

    def program(self):
        lines = [self.START]
        for _ in range(self.draw.randint(3, 14)):
            guarded = self.draw.random() < 0.85
            text = self.statement(0)
            lines.append(f"try {{ {text} }} catch e {{ }}" if guarded else text)
        return "\n".join(lines) + "\n"


def grammar_program(draw, _):
    return Writer(draw).program()


# ---- mutations ----

TOKENS = re.compile(r"\"[^\"\n]*\"|\w+|\s+|[-+*/]=|->|==|//|.", re.DOTALL)


def seeds():
    files = [*ROOT.glob("tests/lang/**/*.dbx"), *ROOT.glob("scripts/demos/*.dbx"), *ROOT.glob("tests/acceptance/*.dbx")]
    return [f.read_text(encoding="utf-8", errors="replace") for f in sorted(files)]


def mutated_program(draw, sources):
    tokens = TOKENS.findall(re.sub(r"\bexit\b", "exi", draw.choice(sources)))
    others = TOKENS.findall(draw.choice(sources))
    for _ in range(draw.choice([1, 1, 2, 3, 8])):
        i, j = draw.randrange(len(tokens)), draw.randrange(len(tokens))
        kind = draw.randrange(7)
        if kind == 0:
            del tokens[i:i + draw.choice([1, 1, 3])]
        elif kind == 1:
            tokens[i], tokens[j] = tokens[j], tokens[i]
        elif kind == 2:
            tokens[i] = draw.choice(VALUES)
        elif kind == 3:
            tokens.insert(i, tokens[j])
        elif kind == 4:
            k = draw.randrange(len(others))
            tokens[i:i] = others[k:k + 8]
        elif kind == 5:
            tokens[i] = draw.choice(["\0", "\ufeff", "\u202e", "\r", "'", "(", ")", "{", "}", "[", "]", "\n", ";", "θ", "😀", "\"", "#"])
        else:
            del tokens[draw.randrange(len(tokens)):]
        tokens = tokens or [" "]
    return "".join(tokens).replace("exit", "exi")


# ---- running ----

class Fuzzer:
    def __init__(self, options):
        self.dbx, self.options = os.path.abspath(options.dbx), options
        self.draw = random.Random(options.seed)
        self.keep = Path(options.keep)
        self.programs = self.findings = self.slow = 0
        self.unnamed, self.seen = {}, set()

    def run(self, folder, count, seconds):
        """Status, output and errors of programs 0 to count-1 of the folder, run in one process."""
        lines = [f'print("#{i}")\ntry {{ import("p{i}.dbx") }} catch e {{ }}' for i in range(count)]
        (folder / "main.dbx").write_text("\n".join(lines) + "\n", encoding="utf-8")
        settings = {**os.environ, "OMP_WAIT_POLICY": "passive",
                    "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:detect_leaks=1:allocator_may_return_null=1",
                    "UBSAN_OPTIONS": f"print_stacktrace=1:exitcode={SANITIZER_STATUS}"}
        try:
            done = subprocess.run([self.dbx, "--sandbox", "--max-memory", "500M", "--timeout", str(seconds), "--seed", "1",
                                   "main.dbx"], cwd=folder, env=settings, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=seconds + 60)
        except subprocess.TimeoutExpired as late:
            return None, (late.stdout or b"").decode("utf-8", "replace"), ""
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

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
        name = f"{'slow' if wrong == 'slow' else 'finding'}-{self.options.mode}-{self.options.seed}-{len(self.seen)}"
        (self.keep / f"{name}.dbx").write_text(text, encoding="utf-8", errors="surrogateescape")
        (self.keep / f"{name}.txt").write_text(f"{wrong}\n{errors}", encoding="utf-8")
        print(f"{'slow' if wrong == 'slow' else 'FINDING'} {self.keep / name}.dbx: {wrong} {place}", flush=True)

    def note_unnamed(self, output):
        for name, message in re.findall(r"^\?(\w+) (.*)", output, re.MULTILINE):
            self.unnamed.setdefault((name, re.sub(r"[-\d.e+]+", "N", message)[:60]), message)

    def batch(self, texts):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for i, text in enumerate(texts):
                (folder / f"p{i}.dbx").write_text(text, encoding="utf-8", errors="replace")
            status, output, errors = self.run(folder, len(texts), 30)
        self.programs += len(texts)
        self.note_unnamed(output)
        wrong = self.verdict(status, errors)
        if wrong is None:
            return
        if len(texts) == 1:
            self.keep_program(texts[0], wrong, errors)
            return
        # The last that was begun is the likely one; a leak may be any one's.
        self.programs -= len(texts)
        reached = len(re.findall(r"^#\d+$", output, re.MULTILINE)) - 1
        if 0 <= reached < len(texts) - 1:
            self.batch(texts[:reached]) if reached > 0 and "Leak" in errors else None
            self.batch([texts[reached]])
            self.programs += max(reached, 0)
            self.batch(texts[reached + 1:])
        else:
            half = len(texts) // 2
            self.batch(texts[:half])
            self.batch(texts[half:])

    def go(self):
        makers = {"calls": (call_program, builtins(self.dbx)), "programs": (grammar_program, None),
                  "mutations": (mutated_program, seeds())}
        modes = MODES if self.options.mode == "all" else [self.options.mode]
        end, turn = time.monotonic() + self.options.seconds, 0
        while time.monotonic() < end:
            make, source = makers[modes[turn % len(modes)]]
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
    parser.add_argument("--mode", choices=[*MODES, "all"], default="all")
    parser.add_argument("--keep", default="build/fuzz")
    parser.add_argument("--batch", type=int, default=60)
    return Fuzzer(parser.parse_args()).go()


if __name__ == "__main__":
    sys.exit(main())
