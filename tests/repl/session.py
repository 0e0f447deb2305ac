"""The loop: prompt, echo, errors, interrupts, leaving."""
import os
import subprocess
import time

from harness import DBX, PATIENCE, Terminal, check, contains, equal, eventually, fastest, finish
from screen import Screen


def seconds_to_prompt():
    start = time.monotonic()
    with Terminal() as t:
        t.wait()
        return time.monotonic() - start


seconds = fastest(seconds_to_prompt, 0.05)
check("the prompt stands soon", seconds < 0.3, f"{seconds:.3f} s")
with Terminal() as t:
    greeting = t.wait()
    contains("a greeting that says how to go on", greeting, "help", "Ctrl-D")
    equal("an expression is echoed", t.line("1 + 1"), "2\n")
    equal("ans is the last result", t.line("ans * 21"), "42\n")
    equal("an assignment is not echoed", t.line("x = parameter([2, 3, 4])"), "")
    equal("a semicolon silences", t.line("x * 2;"), "")
    equal("none is not echoed", t.line("none"), "")
    equal("strings are echoed with quotes", t.line('"a\\n"'), '"a\\n"\n')
    equal("print is not", t.line('print("a", 1)'), "a 1\n")
    equal("a tracked result says how it was made", t.line("x * x"),
          "Tensor([4, 9, 16], shape=[3], dtype=float32, grad_fn=mul)\n")
    t.line("sum(x * x).backward()")
    equal("gradients", t.line("x.grad"), "Tensor([4, 6, 8], shape=[3], dtype=float32)\n")
    equal("several statements", t.line("a = 2; b = 3; a^b"), "8\n")
    equal("an error looks as in a script", t.line("x + [1, 2]").split("\n")[1:4],
          ["  --> <repl>:1:1", "  |", "1 | x + [1, 2]"])
    contains("a misspelt name", t.line("sqare(2)"), "did you mean `square`?")
    equal("ans is kept by an error", t.line("ans"), "8\n")
    t.line('fn deep(n) { return deep(n + 1) }')
    contains("endless recursion", t.line("deep(0)"), "error")
    equal("and life goes on", t.line("1"), "1\n")
    t.send("\x04")
    equal("Ctrl-D leaves with status 0", t.end(), 0)



def begin(t, code):
    """Gives code to run, and returns when it runs."""
    t.send(f'print("be" + "gun"); {code}\n')
    t.wait("begun")


def seconds_to_stop(t, code):
    begin(t, code)
    start = time.monotonic()
    t.interrupt()
    contains(f"Ctrl-C stops {code}", t.wait(), "interrupted")
    return time.monotonic() - start


with Terminal("-q") as t:
    equal("-q does not greet", t.wait(), "dbx> ")
    t.line("n = 0; data = [1, 2, 3]; big = ones(3000000)")
    for code in ("while true { }", "while true { big = exp(-big) }", "map(x -> x, range(1000000000))"):
        seconds = fastest(lambda: seconds_to_stop(t, code), 0.1)
        check(f"{code} stops soon", seconds < 0.3, f"{seconds:.3f} s")
    equal("variables are kept", t.line("data"), "Tensor([1, 2, 3], shape=[3], dtype=float32)\n")
    t.send('n = 7; print("be" + "gun"); while true { }\n')
    t.wait("begun")
    t.interrupt()
    t.wait()
    equal("with the values that they got", t.line("n"), "7\n")
    begin(t, "nograd { while true { data = data + 0 } }")
    t.interrupt()
    t.wait()
    equal("recording is on again", t.line("grad_enabled()"), "true\n")
    begin(t, 'try { while true { } } catch err { print("caught") }; print("al" + "ive")')
    t.interrupt()
    check("a handler does not survive it", "alive" not in t.wait())
    t.send("1 + (2 *")
    t.wait("(2 *")
    t.interrupt()
    t.wait()
    equal("at the prompt it drops the input", t.line("5"), "5\n")
    t.send("1 + (2 *")
    t.wait("(2 *")
    t.send("\x036 * 7\n")
    shown = t.wait()
    while "42" not in shown and "error" not in shown:
        shown += t.wait()
    check("a line that comes together with Ctrl-C is taken for itself", "interrupted" not in shown and "42" in shown,
          shown)
    begin(t, "for i in range(1000000000) { }")
    t.send("40 + 1\n")
    t.interrupt()
    t.wait()
    equal("what was typed ahead of Ctrl-C is gone, what comes after is not", t.line("6 * 7"), "42\n")
    begin(t, "svd(randn(1000, 1000));")
    t.interrupt()
    t.wait()
    equal("Ctrl-C that comes too late drops nothing", t.line("6 * 7"), "42\n")
    t.send("exit(3)\n")
    equal("exit(n)", t.end(), 3)

with Terminal("-q") as t:
    t.wait()
    t.line("x = exp(randn(3000000)); y = x @ x")
    t.send("1 + (2 *")
    t.wait("(2 *")
    t.interrupt()
    t.wait("^C")
    t.wait()
    equal("Ctrl-C at the prompt when other threads have worked", t.line("5"), "5\n")
    t.send("1 + 1\x0f")
    contains("Ctrl-O runs the line", t.wait(), "\n2\n")

for word in ("exit", "quit", ":quit", ":q", " quit ", "exit ", "quit()", "exit()"):
    with Terminal("-q") as t:
        t.wait()
        t.send(word + "\n")
        equal(f"{word} leaves", t.end(), 0)

with Terminal("-q") as t:
    t.wait()
    t.line("quit = 5")
    equal("a variable of that name is shown", t.line("quit"), "5\n")

# A limit below what is in use at the start: nothing can be evaluated, but the prompt works.
for limit in ("10K", "40K", "50K"):
    with Terminal("-q", "--max-memory", limit) as t:
        t.wait()
        contains(f"--max-memory {limit} is said", t.line("1 + 1"), "do not fit the memory limit")
        contains(f"commands work with {limit}", t.line(":help"), ":vars")
        t.send("\x04")
        equal(f"Ctrl-D leaves with {limit}", t.end(), 0)
with Terminal("-q", "--max-memory", "20M") as t:
    t.wait()
    contains("what does not fit", t.line("t = (); while true { t = append(t, 1) }"), "do not fit the memory limit")
    t.line("t = 0")
    equal("and what does again", t.line("sum(ones(1000))"), "Tensor(1000, shape=[], dtype=float32)\n")

with Terminal("-q", "--timeout", "0.4") as t:
    t.send("while true { }\n")
    equal("a timeout ends the session", t.end(), 1)

with Terminal("-q", env={"TERM": "dumb"}) as t:
    equal("a dumb terminal: a prompt", t.wait(), "dbx> ")
    equal("an echo", t.line("1 + 1"), "2\n")
    equal("brackets do not make it write the prompt again", t.line('x = (1 + 2); print("a", x)'), "a 3\n")
    t.send("for i in range(2) {\n")
    t.wait("...> ")
    t.send("print(i)\n")
    t.wait("...> ")
    t.send("}\n")
    contains("a block, line by line", t.wait("1\n"), "\n0\n1\n")
    t.wait()
    t.send("\x04")
    equal("and Ctrl-D", t.end(), 0)

for name, env, options, colored in (("a terminal", {}, (), True), ("NO_COLOR", {"NO_COLOR": "1"}, (), False),
                                    ("--color=never", {}, ("--color", "never"), False),
                                    ("--color=always", {"NO_COLOR": "1"}, ("--color", "always"), True)):
    with Screen("-q", *options, env=env) as s:
        s.type('if true { "text" }\r')
        s.type("1 / foo\r")
        equal(f"colours with {name}", bool(s.colors), colored)
        contains(f"the same text with {name}", s.text(), '"text"', "error: `foo` is not defined")

SHELL = {"PS1": "shell> ", "HISTFILE": ""}
with Terminal("--norc", "--noprofile", "--noediting", "-i", program="/bin/bash", env=SHELL) as t:
    t.wait("shell> ")
    t.send(f"'{DBX}' -q\n")
    t.wait()
    t.send("1 + (2 *")
    t.wait("(2 *")
    t.send("\x1a")
    contains("Ctrl-Z stops at the prompt", t.wait("shell> "), "Stopped")
    t.send("stty -a; echo thr''ough\n")
    modes = t.wait("through").split()
    check("the shell has its terminal back", "echo" in modes and "icanon" in modes, modes)
    t.wait("shell> ")
    t.send("fg\n")
    t.wait("dbx> 1 + (2 *")
    equal("fg goes on with the line", t.line(" 20)"), "41\n")
    begin(t, "while true { }")
    t.send("\x1a")
    contains("Ctrl-Z stops a computation", t.wait("shell> "), "Stopped")
    t.send("fg\n")
    check("fg gives it the terminal", eventually(lambda: os.tcgetpgrp(t.fd) != t.pid))
    t.interrupt()
    contains("which goes on until Ctrl-C", t.wait(), "interrupted")
    equal("and the session with it", t.line("2 + 2"), "4\n")

with Terminal("-q", env={"LC_ALL": "C", "LANG": "C"}) as t:
    t.wait()
    equal("letters in the C locale", t.line("θ = 3; été = 4; θ * été"), "12\n")

config = Terminal("-q")
folder = os.path.join(config.home, ".config", "dbx")
os.makedirs(folder)
with open(os.path.join(folder, "init.dbx"), "w") as file:
    file.write("answer = 42\n")
with open(os.path.join(config.home, ".inputrc"), "w") as file:
    file.write("set editing-mode vi\n")
with Terminal("-q", home=config.home) as t:
    t.wait()
    equal("the start-up file has run", t.line("answer"), "42\n")
    t.send("12\x1b")
    t.settle()
    equal("vi mode from ~/.inputrc", t.line("x"), "1\n")
config.close()

piped = subprocess.run([DBX, "-q", "-i", "/dev/null"], input="a = 2\nfor i in range(2) {\n print(i)\n}\na + 1\n",
                       text=True,
                       capture_output=True, timeout=PATIENCE)
equal("-i with input from a pipe", (piped.stdout, piped.returncode), ("0\n1\n3\n", 0))
finish()
