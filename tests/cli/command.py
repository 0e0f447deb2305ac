"""The command: what it does with its options, its files and its output."""
import os
import signal
import subprocess
import sys
import time

from harness import DBX, PATIENCE, Folder, check, contains, equal, eventually, fastest, finish, run, waits_in


def shell(command, **options):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, "DBX": DBX}, **options)


def interrupted(code):
    """What is said of an interrupt that comes when the code has printed something."""
    child = subprocess.Popen([DBX, "-e", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    return child.communicate(timeout=PATIENCE)[1]


def waits_for_others(pid):
    """Does dbx wait for a pipe to be opened, for its input or for the reader of its output?"""
    waiting = waits_in(pid)
    if waiting is None:                 # a system that does not tell
        time.sleep(0.5)
        return True
    call, arguments = waiting
    return call == "open" or (call, arguments[:1]) in (("read", [0]), ("write", [1]))


def refused(what, *arguments, **options):
    done = run(*arguments, **options)
    equal(f"{what}: status 2", done.returncode, 2)
    check(f"{what}: one line that says why", done.stderr.startswith("dbx: ") and done.stdout == "", done.stderr)


# What is run
equal("-e echoes", run("-e", "x = 2\nx * 3\n[1, 2]\nnone\nx;").stdout, "6\nTensor([1, 2], shape=[2], dtype=float32)\n")
equal("standard input is a script", run(stdin="1 + 1\nprint(2)\n").stdout, "2\n")
equal("--version", run("-V").stdout.split()[0], "dbx")
contains("--help has every option", run("-h").stdout, "--seed", "--dtype", "--threads", "--max-memory", "--timeout",
         "--sandbox", "--color", "--check", "--doc", "--quiet", "fmt")
contains("--doc", run("--doc", "sum").stdout, "sum(x, axis=none, keepdims=false)")
equal("--doc of what there is not", run("--doc", "zzzyyy").returncode, 1)
equal("the seed", run("--seed", "7", "-e", "rand(3)").stdout, run("--seed=7", "-e", "rand(3)").stdout)
equal("exit(n)", run("-e", "exit(5)").returncode, 5)

with Folder() as folder:
    file = folder.write
    script = file("script.dbx", "print(args)\n2 + 2\n")
    equal("a script and its arguments", run(script, "a", "-q", "--seed").stdout, '("a", "-q", "--seed")\n')
    equal("from a pipe with a name", shell('"$DBX" <(echo "print(40 + 2)")').stdout, "42\n")
    bad = file("bad.dbx", "x = [1,\nprint(undefined_name)\n")
    equal("--check of a good file", run("--check", script).returncode, 0)
    done = run("--check", script, bad, bad)
    equal("--check reports every bad file", (done.returncode, done.stderr.count("error")), (1, 2))

    # Formatting
    messy = file("messy.dbx",
                 "#! first\nf( x ,y = 2 )=x^2+ -y # why\n\n\n\nif f(1)>0{print( 'a' )}\n".replace("'", '"'))
    tidy = '#! first\nf(x, y=2) = x^2 + -y  # why\n\nif f(1) > 0 { print("a") }\n'
    equal("fmt", (run("fmt", messy).returncode, open(messy).read()), (0, tidy))
    equal("fmt twice is fmt once", (run("fmt", messy).returncode, open(messy).read()), (0, tidy))
    equal("fmt of standard input", run("fmt", "-", stdin="x=1").stdout, "x = 1\n")
    done = run("fmt", bad)
    equal("fmt of what is no program leaves it", (done.returncode, open(bad).read()),
          (1, "x = [1,\nprint(undefined_name)\n"))
    nested = "fn f(a) {\nwhile a<3 {\na+=1 # one\nbb=a # two\n}\nreturn g({\nx: [1,\n2],\ny: x[1:2, ::-1]})\n}\n"
    equal("fmt indents", run("fmt", "-", stdin=nested).stdout,
          "fn f(a) {\n  while a < 3 {\n    a += 1  # one\n    bb = a  # two\n  }\n  return g({\n    x: [1,\n      2],\n"
          "    y: x[1:2, ::-1]})\n}\n")
    equal("fmt leaves f-strings", run("fmt", "-", stdin='print( f"{a+1:.2f}" )').stdout, 'print(f"{a+1:.2f}")\n')
    equal("fmt aligns comments across blank lines that it drops",
          run("fmt", "-", stdin="if true { # a\n\n\n  xy = 1 # b\n\n} # c\n\nx = 1 # d\n").stdout,
          "if true {  # a\n  xy = 1   # b\n}          # c\n\nx = 1  # d\n")
    equal("fmt of nothing", run("fmt", "-", stdin="").stdout, "")

    for name in sorted(os.listdir("scripts/demos")):
        if name.endswith(".dbx"):
            text = open(os.path.join("scripts/demos", name), encoding="utf-8").read()
            once = run("fmt", "-", stdin=text).stdout
            check(f"fmt keeps {name}", "".join(once.split()) == "".join(text.split()))
            equal(f"fmt of {name} is settled", run("fmt", "-", stdin=once).stdout, once)

    # Output
    long = file("long.dbx", "for i in range(100000) { print(i) }\n")
    done = shell(f'"$DBX" {long} | head -n 2; echo ${{PIPESTATUS[0]}}')
    equal("a closed pipe ends it quietly", (done.stdout.split()[:2], done.stderr), (["0", "1"], ""))
    for code in ("print(1)", "for i in range(100000) { print(i) }", "print(1); exit(0)"):
        done = shell(f'"$DBX" -e "{code}" > /dev/full')
        check(f"a full disk is said: {code}", done.returncode not in (0, None) and "write" in done.stderr,
              f"{done.returncode} {done.stderr}")
    done = run("-e", 'print("before"); undefined_name')
    equal("what was printed before an error is there", (done.stdout, done.returncode), ("before\n", 1))
    child = subprocess.Popen([DBX, "-e", "print(1); while true { }"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal("output is streamed", child.stdout.readline(), b"1\n")
    child.send_signal(signal.SIGINT)
    equal("interrupted: 130", child.wait(timeout=PATIENCE), 130)

    # Waiting: for what a pipe may never give, and for a reader who may never read
    fifo = folder.place("pipe.dbx")
    os.mkfifo(fifo)
    slow = "for i in range(1000000000) { print(i) }"
    for arguments in ((fifo,), ("--check", fifo, fifo), ("fmt", fifo), (), ("-",), ("fmt", "-"),
                      ("-q", "-i", "/dev/null"),
                      ("-e", slow)):
        what = "waiting: dbx " + " ".join(arguments)
        child = subprocess.Popen([DBX, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        check(what, eventually(lambda: waits_for_others(child.pid)))
        child.send_signal(signal.SIGINT)
        equal(f"{what} is interrupted", child.wait(timeout=PATIENCE), 130)
        check(f"{what} blames nothing else", b"write" not in child.stderr.read())
        child = subprocess.Popen([DBX, "--timeout", "0.1", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        equal(f"{what} has its limit", child.wait(timeout=PATIENCE), 1)
    equal("no time left for -i", run("-q", "--timeout", "0.1", "-i", fifo, stdin="1\n").stdout, "")
    equal("hardly any time", run("--timeout", "0.0000001", "-e", "while true { }").returncode, 1)
    contains("an interrupt is the loop's, not what ran before it", interrupted("print(1)\nwhile true { }"), "<-e>:2:1")
    contains("also of the other loop", interrupted("print(1)\nfor i in range(1e15) { }"), "<-e>:2:1")

    # Standard input by its name
    equal("- is standard input", run("-", "a", stdin="print(args)").stdout, '("a",)\n')
    contains("and is called so", run("-", stdin="x = 1 +* 2").stderr, "<stdin>:1:8")
    contains("--check -", run("--check", "-", stdin="x = zzz").stderr, "<stdin>:1:5")
    refused("standard input that is a folder", stdin=os.open(folder.name, os.O_RDONLY))
    for arguments in ("", "-", "--check -", "fmt -"):
        equal(f"closed standard input: dbx {arguments}", shell(f'"$DBX" {arguments} <&-').returncode, 2)
    for arguments in ("--help", "-V", "--manual", "--completion zsh", "--reference", "--doc sum", "--tour",
                      "-i /dev/null"):
        for sink in ("> /dev/full", ">&-"):
            done = shell(f'echo | "$DBX" {arguments} {sink}')
            check(f"nothing can be written: dbx {arguments} {sink}",
                  done.returncode == 1 and done.stderr.count("cannot write the output") == 1,
                  f"{done.returncode} {done.stderr}")

# Wrong usage
refused("an unknown option", "--nonsense")
refused("an unknown letter", "-z")
refused("a missing value", "--seed")
refused("a bad seed", "--seed", "x")
for size in ("lots", "", "0", "-1", "1X", "1KB", "300MB", "nan", "inf", "0x100", " 1G", "+1G", "1e30"):
    refused(f"the size '{size}'", "--max-memory", size, "-e", "1")
for size in ("300M", "1.5g", "1e9", "2T"):
    equal(f"the size '{size}'", run("--max-memory", size, "-e", "1").stdout, "1\n")
for seconds in ("-1", "0", "", "1s", "nan", "inf", "0x10", "1e10", " 1"):
    refused(f"the time '{seconds}'", "--timeout", seconds, "-e", "1")
for number in ("0", "-1", "1.5", "", "x", "+2", " 2", "1025"):
    refused(f"threads '{number}'", "--threads", number, "-e", "1")
for seed in ("", "-1", "1.5", "+1", " 1", "18446744073709551616"):
    refused(f"the seed '{seed}'", f"--seed={seed}", "-e", "1")
refused("a bad dtype", "--dtype", "int8")
refused("a bad colour", "--color", "blue")
refused("a file that is not there", "/nowhere/x.dbx")
refused("a folder", "/tmp")
refused("two actions", "-e", "1", "--doc", "sum")
refused("--check without files", "--check")
refused("-e without code", "-q", "-e")
contains("is named, also behind another letter", run("-qe").stderr, "dbx: -e wants a value")
contains("a value where none is taken", run("--quiet=1", "-e", "1").stderr, "--quiet takes no value")
contains("an option too short", run("--co", "never", "-e", "1").stderr, "--co is short for more than one option")
contains("an option cut", run("--see=x").stderr, "--seed takes")
contains("an unknown one with a value", run("--colour=red").stderr, "there is no option --colour\n")
refused("fmt without files", "fmt")

# Documents of the option table
page = run("--manual").stdout
contains("the manual page", page, ".TH DBX 1", "\\-\\-max\\-memory", "SIZE", ".SH EXIT STATUS")
bash = run("--completion", "bash").stdout
contains("bash completion", bash, "--max-memory", "float32 float64", "complete -o filenames -F _dbx dbx")
done = subprocess.run(["bash", "-c", bash + '\nCOMP_WORDS=(dbx --se); COMP_CWORD=1; _dbx; echo "${COMPREPLY[@]}"'],
                      capture_output=True, text=True)
equal("which completes an option", done.stdout, "--seed\n")
contains("zsh completion", run("--completion", "zsh").stdout, "#compdef dbx", "--color[", ":choice:(auto always never)")
check("no quote is left open",
      subprocess.run(["bash", "-n"], input=run("--completion", "zsh").stdout, text=True).returncode == 0)
refused("another shell", "--completion", "fish")


def seconds_to_run():
    start = time.monotonic()
    run("-e", "1")
    return time.monotonic() - start


seconds = fastest(seconds_to_run, 0.1)
check("a start takes little time", seconds < 0.3, f"{seconds:.3f} s")
finish()
