"""Bytes of a source: byte order mark, line ends, invalid UTF-8, control characters; echo, --check and limits."""
from harness import Folder, check, contains, equal, finish, run

folder = Folder()


def run_bytes(data, *options):
    folder.write("t.dbx", data)
    return run(*options, "t.dbx", cwd=folder.name)


equal("a byte order mark and CRLF",
      run_bytes(b'\xef\xbb\xbfx = 1\r\nif x == 1 {\r\n  print("a",\r\n  x)\r\n} else {\r\n}\r\n').stdout,
      "a 1\n")
equal("CRLF in the middle of an expression", run_bytes(b"x = 1 +\r\n  2\r\nprint(x)\r\n").stdout, "3\n")
contains("columns count from behind the mark", run_bytes(b"\xef\xbb\xbfx = = 1").stderr, "t.dbx:1:5")
contains("a mark elsewhere is no letter", run_bytes(b"x = \xef\xbb\xbf1").stderr, "t.dbx:1:5", "U+FEFF")
equal("no end of line at the end", run_bytes(b"print(1)").stdout, "1\n")
equal("an empty file", (run_bytes(b"").stdout, run_bytes(b"# only a comment").returncode), ("", 0))
equal("a first line for the shell", run_bytes(b"#!/usr/bin/env dbx\nprint(2)").stdout, "2\n")

for name, data, place in (("in a string", b'x = 1\ny = "\xff"', "2:6"), ("in a comment", b"# ok\n# \xc3(", "2:3"),
                          ("overlong", b"x = \xc0\x80", "1:5"), ("a surrogate", b'"\xed\xa0\x80"', "1:2"),
                          ("cut off at the end", b"# \xe2\x82", "1:3"),
                          ("behind letters", "été = ".encode() + b"\xfe", "1:7")):
    done = run_bytes(data)
    contains(f"invalid UTF-8 {name}", done.stderr, "not valid UTF-8", f"t.dbx:{place}\n")
    equal(f"invalid UTF-8 {name}: status", done.returncode, 1)

for name, data, point in (("NUL", b"x = 1 \x00", "U+0000"), ("bell", b"x = \x07 1", "U+0007"),
                          ("escape", b"\x1b[0m", "U+001B"),
                          ("a lone carriage return", b"x = 1\ry = 2\n", "U+000D"),
                          ("bidirectional", "x = \u202e1".encode(), "U+202E"),
                          ("zero width", "x\u200b = 1".encode(), "U+200B")):
    contains(f"{name} outside of strings", run_bytes(data).stderr, f"unexpected character {point}")
done = run_bytes('s = "a\x07\u202e\u200b" # \x07\u202e\nprint(len(s))'.encode())
equal("in strings and comments they may stand", (done.stdout, done.stderr), ("4\n", ""))
for name, data, place in (("a string", b'x = 1\ns = "a\x00b"', "2:7"), ("an f-string", b's = f"\x00"', "1:7"),
                          ("a comment", b"x = 1  # \x00\n", "1:10")):
    contains(f"but no NUL in {name}", run_bytes(data).stderr, "unexpected character U+0000", f"t.dbx:{place}\n")

# ---- echo of -e ----

equal("-e echoes expressions", run("-e", '1 + 1\n"a"\n[1, 2]\nx = 5\nx\nnone\nans').stdout,
      '2\n"a"\nTensor([1, 2], shape=[2], dtype=float32)\n5\n5\n')
equal("`;` silences", run("-e", "1; 2;\n3\n4;").stdout, "3\n")
equal("also in blocks, not in functions",
      run("-e", "if true { 1; 2 }\nfn f() { 3\n 4 }\nf()\nfor i in range(2) { i }").stdout, "2\n0\n1\n")
equal("scripts do not echo", run_bytes(b"1 + 1\n[1, 2]\n").stdout, "")
equal("ans holds the last echoed value", run("-e", "6\n7;\nans * 2\nans + 1").stdout, "6\n12\n13\n")

# ---- --check ----

folder.write("bad.dbx", 'print("never")\nx = undefined_one\nf(y) = undefined_two + y\nz = 1 + \n')
folder.write("names.dbx",
             'print("never")\nx = undefined_one\nf(y) = undefined_two + y.undefined_method() + later\nlater = sni(1)\n')
folder.write("good.dbx",
             'print("never")\nerror("never")\nfn f() { global g\n g = 1 }\nh(x) = g + args[0] + later + x.any_field\nlater = 2\n')
done = run("--check", "good.dbx", cwd=folder.name)
equal("--check of a good file runs nothing", (done.returncode, done.stdout, done.stderr), (0, "", ""))
done = run("--check", "bad.dbx", "good.dbx", "names.dbx", cwd=folder.name)
equal("--check of bad ones", (done.returncode, done.stdout), (1, ""))
contains("reports every bad file", done.stderr, "bad.dbx:4:8", "names.dbx:2:5", "names.dbx:3:8", "names.dbx:3:26",
         "names.dbx:4:9",
         "did you mean `sin`?")
check("and not what is assigned somewhere", "good.dbx" not in done.stderr and "`later`" not in done.stderr, done.stderr)

# ---- limits ----



def run_for_a_while(code):
    """With a time limit that lets the code get as far as its first output, on a busy machine too."""
    for seconds in (0.3, 3, 30):
        done = run("--timeout", seconds, "-e", code)
        if done.stdout:
            break
    return done


done = run_for_a_while('print("start"); while true { }')
equal("--timeout ends with 1", (done.returncode, done.stdout), (1, "start\n"))
done = run_for_a_while('while true { try { while true { } } catch e { print(e.kind) } }')
equal("no loop survives it", (done.returncode, done.stdout), (1, "limit\n"))
done = run("--max-memory", "50M", "-e",
           "try { zeros(1e8) } catch e { print(e.kind) }; sum(ones(1000))\nt = ()\nwhile true { t = append(t, str(len(t))) }")
equal("--max-memory ends with 1", (done.returncode, done.stdout),
      (1, "memory\nTensor(1000, shape=[], dtype=float32)\n"))
done = run("--max-memory", "50M", "-e",
           's = "x"\ntry { while true { s = s + s } } catch e { print(e.kind) }\nlen(s) > 1000')
equal("text counts too", done.stdout, "memory\ntrue\n")
for name, code in (("a function", "f(x) = 1 + f(x)\nf(1)"), ("two", "f(x) = g(x)\ng(x) = f(x)\nf(1)"),
                   ("map", "f(x) = map(f, (x,))\nf(1)"),
                   ("a default", "f(x = f()) = x\nf()"), ("a derivative", "f(x) = f'(x)\nf(1)"),
                   ("a method", "r = {}\nfn m(r) = r.m()\nr.m()")):
    done = run("-e", code)
    contains(f"endless recursion of {name}", done.stderr, "deep")
    equal(f"endless recursion of {name}: status", done.returncode, 1)
# Loops give back what they take: each of these would need far more than the limit.
LOOPS = (
    ("an update by a number",
     "fn f(n) { t = ones(1000)\n s = 0\n while n > 0 { s += item(sum(t * t))\n n -= 1 }\n return s }\nf(20000)",
     "20000000"),
    ("records, closures and errors", "fn f(n) { r = {a: 1}\n for i in range(n) { r.a = ones(1000) * i\n x = (r, r)\n"
     " try { error(\"e\") } catch err { y = err }\n g = z -> z + x[0].a[0]\n g(1) }\n return y.message }\nf(10000)",
     '"e"'),
    ("training",
     "p = parameter(ones(1000))\nfor i in range(5000) { backward(sum(p * p))\n nograd { p -= 0.001 * p.grad }\n zero_grad(p) }\n"
     "p.size", "1000"),
    ("returns out of loops",
     "fn f(n) { for i in range(3) { while true { return ones(1000) * n } } }\nfor i in range(20000) { f(i); }\n1", "1"),
    ("derivatives", "f(x) = sum(x^3)\nfor i in range(5000) { f'(ones(1000)); f''(2); }\n2", "2"),
)
for name, code, result in LOOPS:
    done = run("--max-memory", "10M", "-e", code)
    equal(f"a long loop of {name}", (done.stdout, done.stderr), (result + "\n", ""))
equal("deep nesting of source", run_bytes(b"x = " + b"(" * 20000 + b"1" + b")" * 20000 + b"\nprint(x)").stdout, "1\n")
equal("a long chain of operators", run_bytes(b"print(" + b"1" + b"+1" * 50000 + b")").stdout, "50001\n")
equal("a long block", run_bytes(b"x = 0\n" + b"x += 1\n" * 50000 + b"print(x)").stdout, "50000\n")

finish()
