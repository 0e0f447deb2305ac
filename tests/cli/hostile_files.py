"""Hostile files and surroundings: noise, devices, links, closed descriptors, odd arguments."""
import os
import subprocess

from harness import DBX, PATIENCE, Folder, Terminal, check, contains, ends_well, equal, finish, run

folder = Folder()
place, write, script = folder.place, folder.write, folder.script

# ---- files ----

ends_well("NUL bytes", script(b"x = 1\nprint(\0)\n"), 1, "U+0000", "script.dbx:2:7")
ends_well("noise", script(bytes((i * 7919) % 256 for i in range(50_000))), 1, "error")
ends_well("a line of a megabyte", script("x = \"" + "a" * 1_000_000 + "\" + zzz\n"), 1, "`zzz` is not defined")
long_line = script('x = "' + "a" * 1_000_000 + '" + 1\n')
check("a long line is cut around the place", len(long_line.stderr) < 1000, str(len(long_line.stderr)))
ends_well("a name of a megabyte", script("a" * 1_000_000 + " = 3\nprint(" + "a" * 1_000_000 + ")\n"), 0, "3\n")
ends_well("a number of a megabyte", script("print(0." + "1" * 1_000_000 + " < 0.2)\n"), 0, "true\n")
ends_well("a comment of a megabyte", script("#" + "é" * 500_000 + "\nprint(1)\n"), 0, "1\n")
ends_well("a device that never ends", run("--max-memory", "50M", "/dev/zero"), 1, "memory")
fifo = place("pipe.dbx")
os.mkfifo(fifo)
child = subprocess.Popen([DBX, fifo], stdout=subprocess.PIPE)
with open(fifo, "w", encoding="utf-8") as pipe:
    pipe.write("print(6 * 7)\n")
equal("a named pipe is read once", child.communicate(timeout=PATIENCE)[0], b"42\n")
ends_well("a name that starts with a dash", run("--", write("-x.dbx", "print(args)"), "-q", "--", "a"), 0,
          '("-q", "--", "a")')
ends_well("a name that is no UTF-8", run(write(os.fsdecode(b"\xff.dbx"), "print(5)")), 0, "5\n")
if os.geteuid() != 0:
    os.chmod(write("secret.dbx", "1"), 0)
    ends_well("an unreadable file", run(place("secret.dbx")), 2, "secret.dbx")
ends_well("--check of a missing file among others", run("--check", write("good.dbx", "1"), place("missing.dbx")), 2,
          "missing")

# ---- sandbox ----

os.mkdir(place("box"))
write("outside.txt", "secret")
write("box/inside.txt", "fine")
os.symlink(place("outside.txt"), place("box/link.txt"))
os.symlink("..", place("box/up"))
os.symlink(place("new.txt"), place("box/dangling.txt"))
box = write("box/main.dbx", """
fn attempt(name, f) { try { print(name, f()) } catch e { print(name, e.kind) } }
attempt("inside", () -> read_text("inside.txt"))
attempt("outside", () -> read_text("../outside.txt"))
attempt("link", () -> read_text("link.txt"))
attempt("up", () -> read_text("up/outside.txt"))
attempt("absolute", () -> read_text(args[0]))
attempt("write", () -> write_text("../new.txt", "x"))
attempt("write dangling", () -> write_text("dangling.txt", "x"))
attempt("save", () -> save("../new.npy", [1]))
attempt("nul", () -> read_text("inside.txt\\0/../../outside.txt"))
""")
if "is not defined" not in run("-e", "read_text").stderr:
    done = run("--sandbox", box, place("outside.txt"), cwd=place("box"))
    equal("a sandbox", done.stdout.split("\n")[:-1],
          ["inside fine", "outside io", "link io", "up io", "absolute io", "write io", "write dangling io", "save io",
           "nul value"])
    check("nothing was written outside", not os.path.exists(place("new.txt")) and not os.path.exists(place("new.npy")))

# ---- colours, seeds, output ----

bad = write("bad.dbx", "x = [1, 2] + [1, 2, 3]\n")
check("--color always", "\x1b[" in run("--color", "always", bad).stderr)
for name, options, env in [("into a pipe", (), {}), ("auto", ("--color", "auto"), {}),
                           ("never", ("--color", "never"), {})]:
    check(f"no colours {name}", "\x1b" not in run(*options, bad, env=env).stderr)
for name, env, colours in [("in a terminal", {}, True), ("with NO_COLOR", {"NO_COLOR": "1"}, False),
                           ("with an empty NO_COLOR", {"NO_COLOR": ""}, True),
                           ("with TERM=dumb", {"TERM": "dumb"}, False)]:
    with Terminal(bad, env=env) as t:
        t.end()
        check(f"colours {name}", ("\x1b[" in t.output) == colours, repr(t.output))

random = write("random.dbx",
               "print(randn(3), rand(2), permutation(5), randint(0, 100, 4))\nx = randn(300000)\nprint(sum(x), sum(exp(x)), x @ x)\n")
once = run("--seed", "3", "--threads", "1", random).stdout
equal("a seed gives the same with one thread and with two", run("--seed", "3", "--threads", "2", random).stdout, once)
check("another seed gives something else", run("--seed", "4", random).stdout != once)
check("without a seed every run differs", run(random).stdout != run(random).stdout)

for code in ("print(1)", "print(1); exit(0)", "print(1); exit(3)", '"text"', "print(1); error(\"e\")"):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([DBX, "-e", code], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    check(f"a full disk: {code}", done.returncode not in (0, None) and done.returncode > 0, str(done.returncode))
    check(f"a full disk is said: {code}", "write" in done.stderr or "error" in done.stderr, done.stderr)
closed = subprocess.run(["bash", "-c",
                         f'"{DBX}" -e "for i in range(100000) {{ print(i) }}" | true; exit ${{PIPESTATUS[0]}}'],
                        capture_output=True, text=True, timeout=PATIENCE)
equal("a closed pipe says nothing", closed.stderr, "")
for redirection in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
    done = subprocess.run(["bash", "-c", f'"{DBX}" -e "print(1); nothing" {redirection}'], capture_output=True,
                          timeout=PATIENCE)
    check(f"closed descriptors {redirection}", done.returncode in (1, 2), str(done.returncode))

# ---- the command line ----

equal("args", script("print(args, len(args))\n").stdout, "() 0\n")
equal("args after a script are its own", run(write("args.dbx", "print(args)"), "-e", "--seed", "é", "").stdout,
      '("-e", "--seed", "é", "")\n')
ends_well("an empty -e", run("-e", ""), 0)
ends_well("-e with several lines", run("-e", "x = 2\nx\nx;\nx + 1"), 0, "2\n3\n")
ends_well("-e that does not end", run("-e", "f(1,"), 1, "<-e>:1")
ends_well("exit with a large number", run("-e", "exit(256 + 5)"), 1, "from 0 to 255")
ends_well("exit inside of try", run("-e", "try { exit(4) } catch e { print(1) }"), 4)
ends_well("exit inside of a transform", run("-e", "vmap(x -> exit(6))([1, 2])"), 6)
for bad_exit in ("exit(\"a\")", "exit([1, 2])", "exit(0.5)", "exit(none)"):
    check(f"{bad_exit} is refused or harmless", run("-e", bad_exit).returncode in (0, 1))
with Terminal("-i", write("first.dbx", "x = 41\n"), "-q") as t:
    t.wait()
    contains("-i stays, with the variables", t.line("x + 1"), "42")
    t.send("exit(9)\n")
    equal("-i leaves with exit", t.end(), 9)
with Terminal("-i", write("failing.dbx", "y = 5\nerror(\"early\")\n"), "-q") as t:
    contains("-i shows an error and stays", t.wait(), "early")
    contains("-i keeps what was defined", t.line("y"), "5")
folder.cleanup()
finish()
