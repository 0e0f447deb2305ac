"""Where errors are: line and column of each kind of mistake, and the underline below the source.

In each source ⟦ and ⟧ stand around what is underlined; they are taken out before the source is run.
"""
import re
from harness import check, contains, equal, finish, run

SOURCES = [
    # syntax: the offending token
    ("unexpected `*`", "x = 1 + ⟦*⟧ 2"),
    ("unexpected `)`: no bracket is open here", "x = 1\n⟦)⟧"),
    ("unexpected end of input, expected `)`", "f(1,\n2⟦⟧"),
    ("unexpected end of input, expected an expression", "x =⟦⟧"),
    ("unexpected `else`", "if true { }\n⟦else⟧ { }"),
    ("unexpected name `y`", "let ⟦y⟧ = 1"),
    ("unexpected number `4`", "x = 3 ⟦4⟧"),
    ("unexpected `=`, expected `{`", "if x ⟦=⟧ 1 { }"),
    ("comparisons do not chain", "print(1 < 2 ⟦<⟧ 3)"),
    ("there is no operator `&&`", "θ = true ⟦&&⟧ false"),
    ("there is no operator `!`", "x = ⟦!⟧true"),
    ("there is no operator `++`", "i⟦++⟧"),
    ("malformed number `2x`", "y = ⟦2x⟧"),
    ("malformed number `1_`", "y = ⟦1_⟧"),
    ("the string is not closed", 'x = ⟦"abc⟧\n'),
    ("the string is not closed", 'x = ⟦f"a{1}b⟧\n'),
    ("unknown escape `\\q`", 'x = "θ⟦\\q⟧"'),
    ("this escape names no character", 'x = "⟦\\u{d800}⟧"'),
    ("unexpected character `$`", "a = 1; ⟦$⟧b"),
    ("unexpected character `×` (U+00D7)", "a = 2 ⟦×⟧ 3"),
    ("unexpected character U+202E", "a = ⟦\u202e⟧3"),
    ("cannot assign to a number", "⟦1⟧ = 2"),
    ("cannot assign to the result of a call", "⟦f.g(1)⟧ = 2"),
    ("there are two parameters `x`", "f(x, ⟦x⟧) = 1"),
    ("this is not a parameter", "f(x, ⟦2⟧) = 1"),
    ("the record has two fields `a`", "r = {a: 1, b: 2, ⟦a: 3⟧}"),
    ("`return` outside of a function", "x = 1\n⟦return x⟧"),
    ("`break` outside of a loop", "if true { ⟦break⟧ }"),
    ("`n` is a parameter and cannot be global", "fn f(n) { global ⟦n⟧ }"),
    # names: the name
    ("`foo` is not defined", "x = 1\ny = x + ⟦foo⟧ * 2"),
    ("`foo` is not defined", "é = 2; é.⟦foo⟧(1)"),
    ("the local variable `x` has no value yet", "fn f() {\n  y = ⟦x⟧\n  x = 1\n}\nf()"),
    ("`n` belongs to an outer scope", "n = 1\nfn f() { ⟦n⟧ += 1 }\nf()"),
    # operators: the whole expression
    ("do not broadcast", 'é = [1, 2]; print(⟦é + [1, 2, 3]⟧)'),
    ("inner extents differ", "x = ⟦[1, 2] @ [1, 2, 3]⟧"),
    ("`*` is not defined for a string and a number", 'x = 1 + ⟦"日本" * 2⟧'),
    ("`-` is not defined for a string", 'x = ⟦-"a"⟧'),
    ("a string has no prime", 'x = ⟦"a"\'⟧'),
    # calls, indices, fields: the whole of it
    ("sum: there is no argument `foo`", "y = 2 * ⟦sum([1], foo=1)⟧"),
    ("a call with named arguments takes at most 64", f"y = sum({'1, ' * 64}⟦axis=0⟧)"),
    ("f: the argument `x` is missing", "f(x) = x\ng(x) = ⟦f()⟧\ng(1)"),
    ("a number cannot be called", "x = ⟦2(3)⟧"),
    ("index 5 is out of range for axis 1 with size 2", "m = [[1, 2]]\ny = ⟦m[0, 5]⟧ + 1"),
    ("index 9 is out of range", "m = [1, 2]\n⟦m[9]⟧ = 3"),
    ("the record has no field `b`", "r = {a: 1}\nprint(1 + ⟦r.b⟧)"),
    ("element 1 of the tensor has shape [1], but element 0 has [2]", "x = [[1, 2], ⟦[3]⟧]"),
    ("element 1 of the tensor is a string", 'x = [1, ⟦"a"⟧]'),
    ("a tensor of shape [2] is neither true nor false", "if 1 < 2 and ⟦[1, 2]⟧ { }"),
    ("2 variables cannot take 3 values", "⟦a, b⟧ = (1, 2, 3)"),
    ("a single number cannot be walked", "for i in ⟦5⟧ { }"),
    ("`...` spreads a tuple, not a number", "print(1, ⟦...5⟧)"),
    ("format code 'd' needs a whole number", 'x = f"a⟦{1.5:d}⟧"'),
    ("boom", 'fn f() {\n  ⟦error("boom")⟧\n}\nf()'),
]


def place_of(source):
    """The source without its marks, and the line and column of the first."""
    before = source[:source.index("⟦")]
    return source.replace("⟦", "").replace("⟧", ""), before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


for message, marked in SOURCES:
    source, line, column = place_of(marked)
    done = run("-e", source)
    what = f"{message}: {marked!r}"
    equal(f"{what}: status", done.returncode, 1)
    contains(what, done.stderr.split("\n")[0], message)
    place = re.search(r"--> <-e>:(\d+):(\d+)", done.stderr)
    if check(f"{what}: has a place", place, done.stderr):
        equal(f"{what}: place", (int(place[1]), int(place[2])), (line, column))
    part = re.search("⟦(.*)⟧", marked)
    if part and part[1] and part[1].isascii():
        underline = done.stderr.split("\n")[4].split("|", 1)[1]
        equal(f"{what}: underline", len(re.search(r"[~^]+", underline)[0]), len(part[1]))

# The same places reach a handler.
done = run("-e",
           'x = 1\ntry {\n  y = x + [1] + "a"\n} catch err {\n  print(err.file, err.line, err.column, err.kind)\n}')
equal("a handler sees the place", done.stdout, "<-e> 3 7 type\n")

# The operator is marked by ^, the rest by ~; both sides are told.
done = run("-e", "y = [1, 2] + [1, 2, 3]")
contains("an operator", done.stderr,
         "1 | y = [1, 2] + [1, 2, 3]\n  |     ~~~~~~~^~~~~~~~~~~  left is [2], right is [3]\n")
# Wide characters count once for the column and twice for the underline.
done = run("-e", '日本 = "日本" + 1')
contains("wide characters", done.stderr, "--> <-e>:1:6", "\n  |        ~~~~~~~^~~\n")
# Calls under way are listed, innermost first, with the place they were called from.
done = run("-e", 'g(x) = error("e")\nfn f(x) {\n  y = g(x)\n  return y\n}\nf(1)')
contains("a traceback", done.stderr, "--> <-e>:1:8", "  = in g (<-e>:3)\n  = in f (<-e>:6)\n")
done = run("-e", "f(n) = f(n + 1)\nf(0)")
contains("a long one keeps its ends", done.stderr, "calls left out", "= in f (<-e>:2)", "hint: is there a recursion")
check("and is short", done.stderr.count("\n") < 40)
done = run("-e", 'x = "' + "a" * 500 + '" + undefined + "' + "b" * 500 + '"')
contains("a long line is cut around the place", done.stderr, "...", "undefined")
check("to a readable width", max(map(len, done.stderr.split("\n"))) <= 120, done.stderr)

finish()
