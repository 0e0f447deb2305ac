"""The history: recalled, kept across sessions, shared, and never lost."""
import os
import signal
import tempfile
import time

from harness import Terminal, check, contains, equal, finish
from screen import Screen

UP = "\x1b[A"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


with tempfile.TemporaryDirectory() as home:
    path = os.path.join(home, ".local", "state", "dbx", "history")
    with Terminal("-q", home=home) as t:
        t.wait()
        for text in ("a = 1", "b = 2", "a = 1", "fn f(x) {\n  return x\n}", "a + b", "  "):
            t.paste(text + "\n")
            t.wait()
        t.send("1 +\n")
        t.wait("...> ")
        t.interrupt()
        t.wait()
        t.send("\x04")
        t.end()
    equal("the file: each input once, further lines with a tab", read(path),
          "b = 2\na = 1\nfn f(x) {\n\t  return x\n\t}\na + b\n")
    with Screen("-q", home=home) as s:
        s.type(UP)
        contains("the next session has it", s.text(), "dbx> a + b")
        s.type(UP)
        contains("a block as a whole", s.text(), "dbx> fn f(x) {\n...>   return x\n...> }")
        s.type("\x03")
        s.type("b" + UP)
        equal("what stands before the cursor is looked for", s.rows()[s.cursor()[0]], "dbx> b = 2")
        s.type("\x03")
        s.type("\x12a + ")
        contains("a search backwards", s.text(), "a + b")
        s.type("\r")
        contains("Return runs what it found", s.text(), "a + b\nerror")
    with Terminal("-q", home=home) as one, Terminal("-q", home=home) as two:
        one.wait()
        two.wait()
        for i in range(10):
            one.line(f"one = {i}")
            two.line(f"two = {i}")
        entries = read(path).splitlines()
        check("two sessions write together",
              all(f"{who} = {i}" in entries for who in ("one", "two") for i in range(10)))
        before = set(read(path).splitlines())
        one.send("three = 3\n")
        time.sleep(0.002)              # any moment will do, here and below
        os.kill(one.pid, signal.SIGKILL)
        check("kill -9 loses nothing older", before <= set(read(path).splitlines()))
    with open(path, "a", encoding="utf-8") as file:
        file.write("cut of")
    with Terminal("-q", home=home) as t:
        t.wait()
        t.line("whole = 1")
    equal("a line that was cut off does not swallow the next", read(path).splitlines()[-2:], ["cut of", "whole = 1"])
    for i in range(20):
        with Terminal("-q", home=home) as t:
            t.wait()
            t.send(f"killed = {i}\na = 1\nb = 2\n")
            time.sleep(0.001 * i)
            os.kill(t.pid, signal.SIGKILL)
    text = read(path)
    check("after twenty kills all is there", before <= set(text.splitlines()), text)
    check("and no other file", os.listdir(os.path.dirname(path)) == ["history"] or
          all(name.startswith("history") for name in os.listdir(os.path.dirname(path))))

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "deep", "er", "file")
    with Terminal("-q", env={"DBX_HISTORY": path}) as t:
        t.wait()
        t.line("1 + 41")
        equal("$DBX_HISTORY, with its folders", read(path), "1 + 41\n")
        check("nobody else reads it", os.stat(path).st_mode & 0o077 == 0)
    with Terminal("-q", env={"XDG_STATE_HOME": folder, "DBX_HISTORY": ""}) as t:
        t.wait()
        t.line("2")
        equal("an empty $DBX_HISTORY keeps none", os.listdir(folder), ["deep"])
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"x = {i}\n" for i in range(11500)))
    with Terminal("-q", env={"DBX_HISTORY": path}) as t:
        t.wait()
        t.line("last = 1")
        entries = read(path).splitlines()
        equal("a long history is cut", (len(entries), entries[0], entries[-1]), (10000, "x = 1501", "last = 1"))
finish()
