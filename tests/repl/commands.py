"""The commands with a colon, help, and the tour."""
import os
import subprocess
import tempfile

from harness import DBX, Terminal, check, contains, equal, finish, run

with tempfile.TemporaryDirectory() as folder, Terminal("-q", rows=60, env={"EDITOR": "sed -i s/1/7/"}) as t:
    t.wait()
    contains(":help lists the commands", t.line(":help"), ":vars", ":time", ":save", ":tour", ":set")
    contains("help alone says where to begin", t.line("help"), "parameter([2, 3, 4])", ":tour", "TAB")
    equal("help on a command", t.line(":help :vars").split()[:3], [":vars", "the", "variables,"])
    contains("?name", t.line("?sum"), "sum(x, axis=none, keepdims=false)")
    contains("help name", t.line("help sum"), "sum(x, axis=none, keepdims=false)")
    contains("help(name) is language", t.line("help(sum)"), "sum(x, axis=none, keepdims=false)")
    contains('?"words"', t.line('?"keepdims"'), "sum")
    contains("the words that help gives as an example", t.line('?"least squares"'), "lstsq")
    contains(":graph without a result", t.line(":graph"), ":graph takes an expression")
    contains("?what there is not", t.line("?zzzyyy"), "nothing")
    equal("no variables yet", t.line(":vars"), "There are no variables yet.\n")
    t.paste("## Doubles it.\ndouble(x) = 2 * x\n")
    t.wait()
    t.line("w = parameter([[1, 2], [3, 4]]); n = 3; name = \"abc\"")
    contains("?own function", t.line("?double"), "double(x)", "Doubles it.")
    contains("?variable", t.line("?w"), "parameter", "(2, 2)" if "(2, 2)" in t.line("?w") else "2, 2")
    shown = t.line(":vars").splitlines()
    equal(":vars is a table", [row.split() for row in shown],
          [["name", "type", "shape", "dtype", "size", "gradient"], ["double", "function", "double(x)"], ["n", "number"],
           ["name", "string"], ["w", "parameter", "[2,", "2]", "float32", "16", "bytes", "tracked"]])
    equal(":type", t.line(":type w * 2"), "tensor, shape [2, 2], dtype float32, tracked\n")
    equal(":type of a tuple", t.line(":type (1, 2)"), "tuple of 2\n")
    contains(":time", t.line(":time sum(w * w)"), "median of", "2 operations recorded")
    t.line("w")
    contains(":graph calls the echoed value by its own name", t.line(":graph w * 2"), "w: parameter")
    contains(":time of a mistake", t.line(":time foo"), "`foo` is not defined")
    path = os.path.join(folder, "session.dbx")
    t.line("bad syntax here")
    contains(":save", t.line(f":save {path}"), "session.dbx")
    with open(path) as file:
        text = file.read()
    contains("the session as a program", text, "double(x) = 2 * x", "n = 3")
    check("without commands and mistakes", ":vars" not in text and "bad" not in text, text)
    equal("which runs", run(path).returncode, 0)
    t.line(":reset")
    contains(":reset forgets", t.line("n"), "`n` is not defined")
    t.line(f":load {path}")
    equal(":load brings it back", t.line("double(n)"), "6\n")
    contains(":load of what is not there", t.line(":load /nowhere/x.dbx"), "cannot read")
    t.line(":set precision 3")
    equal(":set precision", t.line("[1.23456]"), "Tensor([1.23], shape=[1], dtype=float32)\n")
    t.line(":set dtype float64")
    contains(":set dtype", t.line("zeros(1)"), "float64")
    contains(":set lists", t.line(":set"), "precision", "dtype")
    t.line("value = 1")
    t.send(":edit value = 1 + 1\n")
    t.wait("dbx> value = 7 + 1")
    t.send("\n")
    t.wait()
    equal(":edit", t.line("value"), "8\n")
    contains(":history", t.line(":history 3"), "value")
    contains("an unknown command", t.line(":var"), "no command :var", ":vars")
    contains("one that wants an argument", t.line(":type"), "expression")
    for name in ("vars", "reset", "clear", "quit"):
        equal(f"one that wants none: {name}", t.line(f":{name} x"), f":{name} takes no argument\n")
    equal("so nothing is lost", t.line("value"), "8\n")
    for wrong in ("x", "-3", "0", "2 3"):
        equal(f"a wrong count: {wrong}", t.line(f":history {wrong}"), ":history takes how many inputs to show\n")
    for wrong in ("", " x", " 0", " 3); value = 1; print(1"):
        contains(f"a wrong precision:{wrong}", t.line(f":set precision{wrong}"), ":set precision takes")
    contains("too many digits", t.line(":set precision 18"), "from 1 to 17")
    equal("a wrong dtype", t.line(":set dtype int8"), ":set dtype takes float32 or float64\n")
    equal("a wrong colour", t.line(":set color red"), ":set color takes on or off\n")
    contains("a wrong setting", t.line(":set colour on"), "no setting colour", "precision")
    for name in ("a name.dbx", "~/home.dbx", '"a quoted name.dbx"'):
        path = os.path.join(t.home, "home.dbx") if "home" in name else os.path.join(folder, name.strip('"'))
        given = name if "home" in name else name.replace("a ", f"{folder}/a ")
        contains(f":save {name}", t.line(f":save {given}"), f"is in {path}")
        check("with its blanks, without its quotes", os.path.exists(path))
        t.line(":reset")
        t.line(f":load {given}")               # which is then part of what :save writes
        equal(f":load {name}", t.line("value"), "8\n")
    with open(path) as file:
        contains("settings are part of the program", file.read(), 'default_dtype("float64")', "precision(3)")
    contains(":save to a full disk", t.line(":save /dev/full"), "cannot write", "No space")
    contains(":save to nowhere", t.line(":save /nowhere/x"), "cannot write", "No such file")
    contains("after all this", t.line("1 + 1"), "2")

with tempfile.TemporaryDirectory() as folder:
    inside, outside = os.path.join(folder, "box"), os.path.join(folder, "outside.dbx")
    os.mkdir(inside)
    for path in (outside, os.path.join(inside, "script.dbx")):
        with open(path, "w") as file:
            file.write("found = 1\n")
    os.symlink(outside, os.path.join(inside, "link.dbx"))
    with Terminal("-q", "--sandbox", "-i", os.path.join(inside, "script.dbx")) as t:
        t.wait()
        for path in (outside, f"{inside}/link.dbx", f"{inside}/../outside.dbx"):
            contains(f"a sandbox: :load {os.path.basename(path)}", t.line(f":load {path}"), "sandbox does not allow")
            contains(f"a sandbox: :save {os.path.basename(path)}", t.line(f":save {path}"), "sandbox does not allow")
        contains("inside of it :save writes", t.line(f":save {inside}/new.dbx"), "new.dbx")
        equal("and :load reads", t.line(f":load {inside}/new.dbx"), "")
    with open(outside) as file:
        equal("the file outside is what it was", file.read(), "found = 1\n")

with Terminal("-q", rows=10, env={"PAGER": "head -n 3"}) as t:
    t.wait()
    for text in (":help", "?operators", "help operators", "help()", "help(sum)", 'help("operators")'):
        equal(f"what is long goes through $PAGER: {text}", len(t.line(text).splitlines()), 3)
    t.send("help(map(x -> x,\n")
    t.wait("...> ")
    t.interrupt()
    t.wait()
    contains("a call of help is complete where it is in the language", t.line("help(1 +* 2)"), "unexpected `*`")

with Terminal("-q", rows=40) as t:
    t.wait()
    t.send(":tour\n")
    shown = t.wait("dbx> 2^10")
    contains("the tour begins", shown, "Step 1 of 10: numbers")
    t.send("\n")
    contains("Enter runs what is offered, and the next is offered", t.wait("dbx> sqrt(2)"), "1024.33")
    t.interrupt()
    contains("Ctrl-C leaves it", t.wait(), ":tour goes on")
    equal("the prompt is free", t.line("3 * 3"), "9\n")
    t.send(":tour\n")
    t.wait("dbx> sqrt(2)")
    t.interrupt()
    t.wait()
    t.send(":tour 5\n")
    contains("a step by its number", t.wait("dbx> f(x) = sin(x)"), "Step 5 of 10: derivatives")
    t.interrupt()
    t.wait()
    contains("not every number", t.line(":tour 77"), "no such step")
    t.send(":tour 1\n")
    seen = t.wait("dbx> 2^10 + 1 / 3")
    for _ in range(1000):
        t.send("\n")
        seen += t.wait()
        if "That was the tour" in seen:
            break
    contains("to the end", seen, "Step 10 of 10", "That was the tour")

done = run("--tour")
equal("without a terminal the tour runs by itself", (done.returncode, done.stderr), (0, ""))
contains("all of it", done.stdout, "Step 1 of 10", "Step 10 of 10", "Tensor([4, 6, 8], shape=[3], dtype=float32)")
finish()
