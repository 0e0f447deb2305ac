"""The loop: prompt, echo, errors, interrupts, leaving."""
import os
import signal
import subprocess
import time

from harness import DBX, Terminal, check, contains, equal, finish
from screen import Screen

start = time.monotonic()
with Terminal() as t:
    greeting = t.wait()
    seconds = time.monotonic() - start
    check("the prompt stands soon", seconds < 0.5, f"{seconds:.3f} s")
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

with Terminal("-q") as t:
    equal("-q does not greet", t.wait(), "dbx> ")
    t.line("n = 0; data = [1, 2, 3]")
    t.send("while true { n += 1 }\n")
    time.sleep(0.3)
    start = time.monotonic()
    t.interrupt()
    shown = t.wait()
    seconds = time.monotonic() - start
    contains("Ctrl-C stops a loop", shown, "interrupted")
    check("soon", seconds < 0.3, f"{seconds:.3f} s")
    equal("variables are kept", t.line("data"), "Tensor([1, 2, 3], shape=[3], dtype=float32)\n")
    equal("with their values", t.line("n > 0"), "true\n")
    t.send("nograd { while true { data = data + 0 } }\n")
    time.sleep(0.2)
    t.interrupt()
    t.wait()
    equal("recording is on again", t.line("grad_enabled()"), "true\n")
    t.send("try { while true { } } catch err { print(\"caught\") }; print(\"al\" + \"ive\")\n")
    time.sleep(0.2)
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
    check("a line that comes together with Ctrl-C is taken for itself", "interrupted" not in shown and "42" in shown, shown)
    t.send("for i in range(1000000000) { }\n40 + 2\n")
    time.sleep(0.3)
    t.interrupt()
    t.wait()
    equal("what was typed ahead of Ctrl-C is gone, what comes after is not", t.line("6 * 7"), "42\n")
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

for word in ("exit", "quit", ":quit", ":q"):
    with Terminal("-q") as t:
        t.wait()
        t.send(word + "\n")
        equal(f"{word} leaves", t.end(), 0)

with Terminal("-q", "--timeout", "0.4") as t:
    t.wait()
    t.send("while true { }\n")
    equal("a timeout ends the session", t.end(), 1)

with Terminal("-q", env={"TERM": "dumb"}) as t:
    equal("a dumb terminal: a prompt", t.wait(), "dbx> ")
    equal("an echo", t.line("1 + 1"), "2\n")
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

with Terminal("-q") as t:
    t.wait()
    os.kill(t.pid, signal.SIGTSTP)
    for _ in range(100):
        time.sleep(0.05)
        with open(f"/proc/{t.pid}/stat") as file:
            if file.read().split(") ")[1].startswith("T"):
                break
    os.kill(t.pid, signal.SIGCONT)
    t.wait()
    equal("stopped and continued", t.line("2 + 2"), "4\n")

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
    time.sleep(0.7)
    equal("vi mode from ~/.inputrc", t.line("x"), "1\n")
config.close()

piped = subprocess.run([DBX, "-q", "-i", "/dev/null"], input="a = 2\nfor i in range(2) {\n print(i)\n}\na + 1\n", text=True,
                       capture_output=True, timeout=20)
equal("-i with input from a pipe", (piped.stdout, piped.returncode), ("0\n1\n3\n", 0))
finish()
