"""Completion with TAB: what it inserts, what it lists, and that it calls nothing."""
import os

from harness import check, contains, equal, finish
from screen import Screen


def line(s):
    return [row for row in s.rows() if row][-1]


with Screen("-q", columns=100, rows=40) as s:
    def after(text, tabs=1):
        """What the line is after TAB, and what was listed."""
        s.type("\x0c\x15")
        s.type(text)
        for _ in range(tabs):
            s.type("\t")
        rows = [row for row in s.rows() if row]
        return rows[-1], rows[:-1]

    s.type('x = parameter([2, 3, 4]); model = {weight: x, width: 2, inner: {bias: 1}}; called = 0\r')
    s.type('fn probe(count, step=1) { global called; called += 1; return called }\r')
    equal("a unique name", after("resh")[0], "dbx> reshape")
    shown, listed = after("re")
    contains("several are listed", "\n".join(listed), "reshape", "relu", "return")
    equal("after a point, a function", after("x.resh")[0], "dbx> x.reshape")
    equal("a property", after("x.requ")[0], "dbx> x.requires_grad")
    listed = after("x.")[1]
    equal("properties are listed first", [row.split()[0] for row in listed if row != "dbx> x."][:3],
          ["T", "dtype", "grad"])
    equal("a field", after("model.we")[0], "dbx> model.weight")
    contains("fields of a record", "\n".join(after("model.w")[1]), "weight", "width")
    equal("a field of a field", after("model.inner.bi")[0], "dbx> model.inner.bias")
    equal("a property of a field", after("model.weight.sha")[0], "dbx> model.weight.shape")
    equal("a string's functions", after('"abc".upp')[0], 'dbx> "abc".upper')
    equal("a variable", after("mod", 1)[0].startswith("dbx> mod"), True)
    equal("a named argument", after("sum(x, keep")[0], "dbx> sum(x, keepdims=")
    equal("of a function of one's own", after("probe(1, ste")[0], "dbx> probe(1, step=")
    equal("of a method", after("x.sum(keep")[0], "dbx> x.sum(keepdims=")
    contains("right behind a comma only arguments are listed", "\n".join(after("sum(x, ")[1]), "axis=", "keepdims=")
    equal("a keyword where a statement begins", after("whil")[0], "dbx> while")
    equal("none where none fits", after("x = whil")[0], "dbx> x = whil")
    equal("in, in a loop's head", after("for i i")[0], "dbx> for i in")
    equal("a local of the block", after("some_name = 1; some_")[0], "dbx> some_name = 1; some_name")
    equal("a LaTeX name", after("\\alpha")[0], "dbx> α")
    equal("the beginning of one", after("\\lamb", 2)[0], "dbx> λ")
    equal("in an expression", after("2 * \\theta")[0], "dbx> 2 * θ")
    equal("a command", after(":hist")[0], "dbx> :history")
    equal("help on a name", after("?resha")[0], "dbx> ?reshape")
    contains("a second TAB shows signatures", "\n".join(after("cums", 2)[1]) + after("cumsum", 2)[1][-1],
             "cumsum(x, axis=")
    contains("of the call around the cursor", "\n".join(after("probe(1, ", 2)[1]), "probe(count, step=1)")
    equal("nothing in a comment or text", after('"whil')[0], 'dbx> "whil')
    for text in ("1 + 1  # whil", "# resh", "## resh", "none.sha"):
        equal(f"nothing behind {text}", after(text), (f"dbx> {text}", []))
    s.type('\x0c\x15odd = {weight: x, "two words": 2}\r')
    equal("a key that is no name is none behind a point", after("odd.two")[0], "dbx> odd.two")
    equal("but is one in brackets", after('odd["two')[0], 'dbx> odd["two words')
    contains("where all are listed", "\n".join(after('odd["')[1]), "two words", "weight")
    equal("a topic of help", after("help resha")[0], "dbx> help reshape")
    contains("the settings", "\n".join(after(":set ")[1]), "color", "dtype", "precision")
    equal("the name of one", after(":set pre")[0], "dbx> :set precision")
    contains("and its values", "\n".join(after(":set dtype ")[1]), "float32", "float64")
    equal("not of another", after(":set precision f")[0], "dbx> :set precision f")
    equal("blanks where a line begins", after("")[0], "dbx>")
    equal("nothing unknown", after("zzzz")[0], "dbx> zzzz")
    s.type("\x15")
    after("probe().")
    after("probe(1")
    s.type("\x15called\r")
    equal("nothing was ever called", line(s) and [r for r in s.rows() if r][-2], "0")
    equal("nothing strange was written", s.strange, [])
    for name in ("data.csv", "date.txt", "notes.dbx"):
        open(os.path.join(s.home, name), "w").close()
    os.mkdir(os.path.join(s.home, "folder"))
    open(os.path.join(s.home, "folder", "inner.npy"), "w").close()
    home = s.home
    equal("a file name, and the quote that ends it", after(f'load("{home}/dat')[0], f'dbx> load("{home}/dat')
    equal("a whole one", after(f'load("{home}/data')[0], f'dbx> load("{home}/data.csv"')
    s.type('")')
    equal("the quote may be typed all the same", line(s), f'dbx> load("{home}/data.csv")')
    equal("a folder goes on", after(f'load("{home}/fo')[0], f'dbx> load("{home}/folder/')
    s.type("\t")
    equal("into it", line(s), f'dbx> load("{home}/folder/inner.npy"')
    equal("for a command", after(f":load {home}/no")[0], f"dbx> :load {home}/notes.dbx")
    equal("not in other strings", after(f'print("{home}/no')[0], f'dbx> print("{home}/no')

with Screen("-q", env={"TERM": "dumb"}) as s:
    s.type("resh\t")
    contains("on a dumb terminal", s.text(), "reshape")
finish()
