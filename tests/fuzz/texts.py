"""The other programs: calls with nasty values, mutations of scripts, texts that are deep, long or odd."""
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# ---- values ----

PRELUDE = """
fn deep(n) {
  t = ()
  for i in range(n) { t = (t, i) }
  return t
}
int_min = tensor([-9223372036854775808], dtype="int64")
p = parameter([1, 2, 3]); P = parameter([[1, 2], [3, 4]]); b = buffer([1, 2, 3])
"""

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
NOT_CALLED = {"exit", "help", "vars", "source", "doc"}


def without_exit(program):
    return re.sub(r"\bexit\b", "exi", program)


def builtins(dbx):
    """Names of the built-ins and of their parameters, from the reference page."""
    page = subprocess.run([dbx, "--reference"], capture_output=True, text=True, check=True).stdout
    usages = re.findall(r"^### .*?`(\w+)\((.*)\)`", page, re.MULTILINE)
    return [(name, re.findall(r"(?:^|, )(?:\.\.\.)?([a-z_]\w*)", parameters, re.IGNORECASE)) for name,
            parameters in usages
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


# ---- mutations ----

TOKENS = re.compile(r"\"[^\"\n]*\"|\w+|\s+|[-+*/]=|->|==|//|.", re.DOTALL)


def seeds():
    files = [*ROOT.glob("tests/lang/**/*.dbx"), *ROOT.glob("scripts/demos/*.dbx"), *ROOT.glob("tests/acceptance/*.dbx")]
    return [f.read_text(encoding="utf-8", errors="replace") for f in sorted(files)]


def mutated_program(draw, sources):
    tokens = TOKENS.findall(draw.choice(sources))
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
            tokens[i] = draw.choice(["\0", "\ufeff", "\u202e", "\r", "'", "(", ")", "{", "}", "[", "]", "\n", ";",
                                     "θ", "😀", "\"", "#"])
        else:
            del tokens[draw.randrange(len(tokens)):]
        tokens = tokens or [" "]
    return without_exit("".join(tokens))


# ---- deep, long and odd texts ----

NESTS = [("(", ")"), ("[", "]"), ("{k: ", "}"), ("f(", ")"), ("-", ""), ("not ", ""), ("x -> ", ""), ("", "'"),
         ("1^", ""), ("1 + ", ""), ("", ".T"),
         ("true ? 1 : ", ""), ("f\"{", "}\""), ("fn(x) = ", ""), ("if true { ", " }"), ("try { ", " } catch e { }"),
         ("nograd { ", "\n}"),
         ("fn(x) { return ", " }"), ("", "[0]"), ("vmap(", ")"), ("...", ""), ("", "(1)"), ("(1, ", ")"),
         ("for i in ", ""), ("# ", "\n"), ("## ", "\n")]
ODD = ["\0", "\ufeff", "\u202e", "\u2028", "\x85", "\r", "\x1b[31m", "e\u0301", "\u200b",
       "\U0001f468\u200d\U0001f469", "\ufffe", "\U0010ffff", "ﬁ", "İ",
       "\u0661", "１", "×", "“", "−", "\x7f", "\t", "\v", "ﷺ" * 30, "𝒻", "a" * 5000, "9" * 5000, "\"" * 3, "'" * 30,
       "\\" * 31]


def hostile_program(draw, sources):
    text = "1"
    for _ in range(draw.randint(1, 4)):
        before, after = draw.choice(NESTS)
        count = draw.choice([3, 30, 300, 3000, 20000])
        text = before * count + text + after * count
    lines = draw.choice(sources).split("\n")
    start = draw.randrange(len(lines))
    lines = lines[start:start + 30]
    for _ in range(draw.randint(0, 4)):
        i = draw.randrange(len(lines))
        at = draw.randint(0, len(lines[i]))
        lines[i] = lines[i][:at] + draw.choice(ODD) + lines[i][at:]
    lines.insert(draw.randint(0, len(lines)), f"{draw.choice(['', 'x = ', 'f = ', 'print(1, '])}{text}")
    return without_exit(draw.choice(["\n", "\n", "\r\n"]).join(lines)) + "\n"
