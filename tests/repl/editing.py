"""Editing: what the terminal shows while a block is typed, edited, recalled and pasted."""
from harness import check, contains, equal, finish
from screen import Screen

UP, DOWN, LEFT, RIGHT = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C"


def last(screen, count):
    rows = [row for row in screen.rows()]
    while rows and not rows[-1]:
        rows.pop()
    return rows[-count:]


with Screen("-q") as s:
    equal("the prompt", (s.text(), s.cursor()), ("dbx>", (0, 5)))
    s.keys("for i in range(2) {\r")
    equal("an open block goes on, indented", (s.rows()[:2], s.cursor()), (["dbx> for i in range(2) {", "...>"], (1, 7)))
    s.keys("if i > 0 {\rprint(i)\r}")
    equal("a closing brace stands under its line", s.rows()[3], "...>   }")
    s.settle()
    equal("the cursor is back behind the brace", s.cursor(), (3, 8))
    s.keys("\r}\r")
    equal("the block runs once", last(s, 3), ["...> }", "1", "dbx>"])
    s.keys(UP)
    contains("it is recalled as a whole", s.text(),
             "dbx> for i in range(2) {\n...>   if i > 0 {\n...>     print(i)\n...>   }\n...> }")
    row = s.cursor()[0]
    s.keys(UP + UP)
    equal("up moves in it", s.cursor()[0], row - 2)
    s.keys("\x05\x7f * 10)\r")
    equal("its middle can be edited, and Return runs it all", last(s, 2), ["10", "dbx>"])
    s.keys("1 +\r")
    equal("an operator at the end goes on", last(s, 1), ["...>"])
    s.keys("\x03")
    equal("Ctrl-C drops it", last(s, 2)[1:], ["dbx>"])
    s.keys("x = 12345\x01\x0b\x19")
    equal("kill and yank work in a line", last(s, 1), ["dbx> x = 12345"])
    s.keys("\r2 * x\r")
    equal("and it runs", last(s, 2), ["24690", "dbx>"])
    equal("nothing strange was written", s.strange, [])

with Screen("-q") as s:
    s.paste("a = 3\nb = 4\n\nprint(a * b)")
    contains("a paste is shown as a block", s.text(), "dbx> a = 3\n...> b = 4\n...>\n...> print(a * b)")
    s.type("\r")
    equal("it runs once, at Return", [r for r in s.rows() if r == "12"], ["12"])
    s.paste("print(a + b)\n")
    equal("one that ends its line runs at once", [r for r in s.rows() if r == "7"], ["7"])
    s.paste("fn g(x) {\r\n  return x + 1\r\n}\r\ng(41)\r\n")
    equal("line ends of all sorts", [r for r in s.rows() if r == "42"], ["42"])
    s.paste('t = "a\x00b"\n')
    s.type("t\r")
    equal("a NUL is left out", last(s, 2)[0], '"ab"')
    s.paste('t = "a\x03b"')
    s.type("\r")
    check("Ctrl-C ends a paste, and its mark is not typed", last(s, 1) == ["dbx>"] and "~" not in s.text(), s.text())
    s.type("\x15\x03")
    s.paste("n = 5\n:type n\n:type [n,\n  n]\nm = (n\n  + 1)\nm\n")
    equal("commands among the lines are run in their turn", last(s, 4)[:3],
          ["number", "tensor, shape [2], dtype float32", "6"])
    s.paste("n = undefined\n:type n\n")
    check("up to what fails", "number" not in last(s, 1) and last(s, 2)[0].strip().startswith("|"), last(s, 3))
    s.paste("while true {\n")
    equal("an open block waits for more", last(s, 1), ["...>"])
    s.type("\x03")
    s.paste("[1,\n 2,\n 3]")
    s.type("\r")
    contains("brackets over lines", s.text(), "Tensor([1, 2, 3], shape=[3], dtype=float32)")
    s.type_at_once("for i in range(3) {\r  print(i * 100)\r}\r")
    equal("lines typed ahead are not indented twice", [r for r in s.rows() if r.startswith("...>   print")],
          ["...>   print(i * 100)"])
    equal("and run once", [r for r in s.rows() if r in ("0", "100", "200")], ["0", "100", "200"])

with Screen("-q") as s:
    s.type('print("a", end=""); print("b", end="")\r')
    equal("a line that print left open is ended", last(s, 2), ["ab", "dbx>"])
    s.type('print("a", end=""); error("e")\r')
    contains("before an error too", s.text(), "\na\nerror: e\n")
    s.type('print("a")\r')
    equal("and one that print ended is not", last(s, 3), ['dbx> print("a")', "a", "dbx>"])
    s.keys("## What it does.\r")
    equal("a definition stands under its documentation", s.cursor()[1], 5)
    s.keys("f(x) = x\r?f\r")
    contains("which is its", s.text(), "What it does.")

with Screen("-q", columns=20, rows=8) as s:
    s.keys('"日本語テキスト')
    equal("wide characters wrap whole", s.rows()[:2], ['dbx> "日本語テキスト', ""])
    s.keys("長い文字")
    equal("on the next row", s.rows()[:2], ['dbx> "日本語テキスト', "長い文字"])
    s.keys(LEFT * 4 + "é\x7f")
    equal("the cursor moves by characters", s.cursor(), (1, 0) if s.cursor()[0] else (0, 20))
    s.keys("\x05\"\r")
    equal("and the string is what was typed", "".join(last(s, 3)[:2]).endswith('"日本語テキスト長い文字"'), True)
    s.keys("θ̂ = 2; θ̂ + 1\r")
    equal("combining marks take no room", last(s, 2), ["3", "dbx>"])
    s.keys("n = 1" + " " * 10)
    equal("a full row and the cursor on the next", s.cursor(), (s.cursor()[0], 0))
    s.keys("\x7f\x7f")
    equal("and back", s.cursor()[1], 18)

for columns in (20, 33, 80, 300):
    with Screen("-q", columns=columns, rows=12) as s:
        text = "x = [" + ", ".join(str(i) for i in range(100)) + "]"
        s.type(text)
        shown = "".join(row for row in s.rows())
        check(f"a long line at {columns} columns ends at the cursor", shown.replace(" ", "").endswith("98,99]"),
              shown[-40:])
        s.type("; sum(x)\r")
        contains(f"and runs at {columns} columns", s.text().replace("\n", ""), "4950")
        equal(f"nothing strange at {columns} columns", s.strange, [])

with Screen("-q", columns=80, rows=12) as s:
    s.type("print(1)\r")
    s.keys("value = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12")
    s.resize(40, 12)
    equal("narrower: drawn afresh", last(s, 3),
          ["1", "dbx> value = 1 + 2 + 3 + 4 + 5 + 6 + 7 +", " 8 + 9 + 10 + 11 + 12"])
    s.resize(100, 12)
    equal("wider again", last(s, 2), ["1", "dbx> value = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12"])
    s.keys("\rvalue\r")
    equal("and the input is whole", last(s, 2), ["78", "dbx>"])

with Screen("-q", columns=80, rows=10) as s:
    s.type("y = \"" + "ab" * 50000 + "\"")
    s.type("; len(y)\r")
    contains("a line of 100,000 characters", s.text(), "100000\ndbx>")
    s.type_at_once("".join(f"# line {i}\r" if i else "fn f() {\r" for i in range(40)) + "return 5\r}\r")
    s.type("f()\r")
    equal("a block higher than the screen", last(s, 2), ["5", "dbx>"])
    s.keys(UP + UP)
    equal("recalled, it shows its end", last(s, 2), ["...> return 5", "...> }"])
    s.keys(UP * 41)
    equal("and scrolls to its beginning", s.rows()[0], "dbx> fn f() {")
    s.keys("\x03")

finish()
