"""Hostile programs: nested too deeply, recursing for ever, too slow, too large. Each ends in its proper status and in
time."""
import os
import resource
import signal
import subprocess

from harness import DBX, PATIENCE, Folder, check, contains, ends_well, equal, finish, run

DEEP = 100_000
folder = Folder()
place, write, script = folder.place, folder.write, folder.script

# ---- deep programs ----

for name, text, status in [
    ("parentheses", "(" * DEEP + "1" + ")" * DEEP, None),
    ("open parentheses", "(" * DEEP, 1),
    ("open blocks", "if true { " * DEEP, 1),
    ("lists", "[" * DEEP + "1" + "]" * DEEP, 1),
    ("records", "x = " + "{a: " * DEEP + "1" + "}" * DEEP, None),
    ("else if", "if false { } " + "else if false { } " * DEEP + "\nprint(1)", 0),
    ("a sum", "print(" + "1+" * DEEP + "1)", 0),
    ("powers", "print(" + "1^" * DEEP + "1)", 0),
    ("negations", "print(" + "-" * DEEP + "1)", 0),
    ("choices", "print(" + "false ? 1 : " * DEEP + "2)", 0),
    ("arrows", "f = " + "x -> " * DEEP + "1", None),
    ("primes", "f = sin" + "'" * DEEP, 0),
    ("calls", "f(x) = x\nprint(" + "f(" * DEEP + "1" + ")" * DEEP + ")", None),
    ("methods", "print([1]" + ".neg()" * DEEP + ")", None),
    ("nograd", "nograd { " * DEEP + "x = 1" + " }" * DEEP, None),
    ("functions", "fn f() { " * DEEP + "return 1" + " }" * DEEP, None),
    ("an assigned path", "x = {a: 1}\nx" + ".a" * DEEP + " = 1", 1),
    ("try", "try { " * 3000 + 'error("a")' + ' } catch e { error("b") }' * 3000, 1),
    ("arguments", "f(...r) = len(r)\nprint(f(" + "1," * DEEP + "))", 0),
    ("semicolons", ";" * DEEP + "print(1)", 0),
]:
    done = script(text + "\n")
    # What nests may be too deep for the stack: then it must say so.
    ends_well(f"{DEEP} {name}", done, done.returncode if status is None and done.returncode in (0, 1) else status or 0)
    if done.returncode == 1 and status is None:
        contains(f"{DEEP} {name}", done.stderr, "error:", "stack")

# ---- wide programs: work and memory grow with the text, or the limits would end them ----

def many(form, sep="", count=DEEP):
    return sep.join(form.format(i=i) for i in range(count))


LOCALS = many("a{i} = {i}\n")
for name, text, parts in [
    ("string sums", f's = {many(chr(34) + "ab" + chr(34), " + ")}\nprint(len(s))', ["200000\n"]),
    ("tensor sums", f'a = ones(1000, dtype="int64")\ns = {many("a", " + ")}\nprint(s[0])', ["100000\n"]),
    ("method calls", f's = "{"a" * 1000}"{many(".upper()")}\nprint(len(s))', ["1000\n"]),
    ("locals", f"fn f() {{\n{LOCALS}return a{DEEP - 1}\n}}\nprint(f())", [f"{DEEP - 1}\n"]),
    ("captured locals", f"fn f() {{\n{LOCALS}return x -> {many('a{i}', '+')}\n}}\nprint(f()(1))", ["4999950000\n"]),
    ("declared globals", f"fn f() {{\nglobal {many('a{i}', ', ')}\n{LOCALS}}}\nf()\nprint(a9)", ["9\n"]),
    ("unpacked locals", f"fn f() {{\n{many('a{i}', ', ')} = ({many('1', ', ')})\nreturn a9 }}\nprint(f())", ["1\n"]),
    ("globals", f"{LOCALS}print(a{DEEP - 1})", [f"{DEEP - 1}\n"]),
    ("fields", f"r = {{{many('a{i}: {i}', ', ')}}}\nprint(r.a9)", ["9\n"]),
    ("functions", f"{many('f{i}(x) = x + {i}' + chr(10))}print(f9(1))", ["10\n"]),
    ("nested functions that capture",
     f"f = {many('x{i} -> ', '', 1500)}({many('x{i}', ' + ', 1500)})\nprint(type(f))", ["function\n"]),
    ("caught errors", 'try { error("a") } catch e { n = e.line }\n' * DEEP + "print(n)", [f"{DEEP}\n"]),
    ("errors raised again on one line", "try { " * 20000 + 'error("a")' + " } catch e { error(e.message) }" * 20000,
     ["error: a"]),
    ("errors raised again by calls",
     'fn f(n) {\n  if n == 0 { error("a") }\n  try { f(n - 1) } catch e { error(e) }\n}\nf(20000)', ["error: a"]),
]:
    done = script(text + "\n", "--timeout", "20", "--max-memory", "400M")
    ends_well(f"{DEEP} {name}", done, 1 if "again" in name else 0, *parts)
    check(f"{DEEP} {name} are reported shortly", len(done.stderr) < 4000, len(done.stderr))
done = run("--check", write("script.dbx", f"print({many('a{i}', ' + ', 3000)})\n"), timeout=30)
equal("3000 unknown names on one line are all reported", done.stderr.count("is not defined"), 3000)

WALK = 'n = 0\nfor i in range(len(s)) { if s[i] == "é" and s[-i - 1:] != "" { n += 1 } }\nprint(n)'
for name, text, output in [
    ("a string built by +=", 's = ""\nfor i in range(2000000) { s += "abcd" }\nprint(len(s))', "8000000\n"),
    ("a string built by +", 's = ""\nfor i in range(2000000) { s = s + "abcd" }\nprint(len(s))', "8000000\n"),
    ("a string built in a function",
     'fn f() {\n  s = ""\n  for i in range(2000000) { s += "é" }\n  return s\n}\nprint(len(f()))', "2000000\n"),
    ("a tuple built by concat", "t = ()\nfor i in range(200000) { t = concat(t, (i,)) }\nprint(len(t))", "200000\n"),
    ("a tuple changed by +=", "t = map(i -> 0, range(200000))\nfor i in range(200000) { t[i] += i }\nprint(t[-1])", "199999\n"),
    ("a parameter changed element by element",
     "p = parameter(zeros(200000))\nnograd { for i in range(200000) { p[i] = i; p[i] += 1 } }\nprint(p[-1])", "200000\n"),
    ("a record changed by +=",
     'r = {t: map(str, range(50000))}\nfor k in r.t { r[k] = 0 }\nfor k in r.t { r[k] += 1 }\nprint(len(r))', "50001\n"),
    ("an index into a long string",
     f's = join(map(i -> "é日", range(500000)))\n{WALK.replace("[-i - 1:]", "[-i - 1:-i]")}', "499999\n"),
]:
    ends_well(f"{name} takes time in step with its length", script(text + "\n", "--timeout", "25"), 0, output)

LONG = "a" * 1_000_000
for name, text, kind, known in [
    ("name", LONG, "name", "is not defined"), ("function", f"{LONG}(x) = x.b\n{LONG}(1)", "type", "has no property"),
    ("parameter", f"f({LONG}) = 1\nf()", "type", "is missing"),
    ("field", f"r = {{a: 1}}\nr.{LONG}", "name", "no field"),
    ("key", f'r = {{a: 1}}\nr["{LONG}"]', "name", "no field"), ("argument", f"sum(1, {LONG}=2)", "type", "no argument"),
    ("dtype", f'zeros(2, dtype="{LONG}")', "type", "no dtype"),
    ("number", f"x = {'1' * 1_000_000}z", "syntax", "malformed"), ("token", f"x = 1 {LONG}", "syntax", "unexpected"),
    ("import", f'import("{LONG}")', "io", "cannot read"), ("spec of einsum", f'einsum("{LONG}", 1)', "value", "einsum"),
    ("format", f'f"{{1:{LONG}}}"', "value", "format"),
]:
    done = script(text + "\n")
    ends_well(f"a {name} of a megabyte", done, 1, known)
    check(f"a {name} of a megabyte is quoted in part", len(done.stderr) < 4000, len(done.stderr))
done = run(f"--dtype={'é' * 50_000}")
check("a long option value is quoted in part",
      done.returncode == 2 and len(done.stderr) < 1000 and "é..." in done.stderr, done.stderr[:2000])
done = script(f'try {{ error("{LONG}", "{LONG}") }} catch e {{ print(len(e.message), len(e.hint)) }}\n')
equal("a program's own texts stay whole", done.stdout, "1000000 1000000\n")

BUILD = "t = 0\nu = 0\nfor i in range(300000) { t = (t, i); u = (u, i) }\n"
for name, text in [("printed", "print(len(repr(t)))"), ("compared", "print(t == u)"), ("added", "v = t + u"),
                   ("released", "t = 0; u = 0"),
                   ("searched", "print(1 in t)"), ("zeroed", "zero_grad(t)"), ("differentiated", "grad(x -> 1)(t)"),
                   ("mapped", "vmap(x -> x)(t)"), ("captured", "f = (() -> t); f = 1"),
                   ("in a record", "t = {a: t}; t.a = 1")]:
    done = script(BUILD + f"try {{ {text} }} catch e {{ print(e.kind) }}\nprint(\"end\")\n")
    ends_well(f"a deep tuple {name}", done, 0, "end\n")
ends_well("a million closures in a chain",
          script("f = x -> x\nfor i in range(1000000) { f = (g -> (x -> g(x)))(f) }\n"
                 "try { f(1) } catch e { print(e.kind) }\nf = 1\nprint(2)\n"), 0, "limit\n2\n")
ends_well("a million operations", script("p = parameter(1)\ny = p\nfor i in range(1000000) { y = y + 1 }\nbackward(y)\n"
                                         "print(p.grad)\ny = 0\nprint(2)\n"), 0, "1\n2\n")

# ---- endless recursion ----

for name, text in {
    "map": "f(x) = map(f, (x,))\nf(1)", "filter": "f(x) = filter(f, (x,))\nf(1)",
    "reduce": "f(a, b) = reduce(f, (a, b))\nf(1, 2)",
    "scan": "f(s, x) = scan(f, s, (x,))\nf(1, 2)", "grad": "f(x) = grad(f)(x)\nf(1)", "prime": "f(x) = f'(x)\nf(1)",
    "vmap": "f(x) = vmap(f)([x, x])\nf(1)", "jvp": "f(x) = jvp(f, x, x)[1]\nf(1)",
    "jacobian": "f(x) = jacobian(f, x)\nf(1)",
    "hvp": "f(x) = hvp(f, x, x)\nf(1)", "checkpoint": "f(x) = checkpoint(f)(x)\nf(parameter(1))",
    "custom_grad": "f(x) = custom_grad(f, (g, o, x) -> g)(x)\nf(parameter(1))",
    "backward of custom_grad": "fn b(g, o, x) { return grad(custom_grad(x -> x, b))(x) }\ngrad(custom_grad(x -> x, b))(1)",
    "gradcheck": "f(x) = gradcheck(f, x) ? x : x\nf(1)", "a default": "f(x, y=f(x)) = x\nf(1)",
    "repr": "f(x) = repr(f(x))\nf(1)",
    "an f-string": 'f(x) = f"{f(x)}"\nf(1)', "a method": "f(x) = x.f()\nf(1)", "an index": "f(x) = [1][f(x)]\nf(1)",
    "a list": "f(x) = [f(x), 1]\nf(1)", "a loop": "fn f(x) { for i in f(x) { } }\nf(1)",
    "try": "fn f(x) { try { f(x) } catch e { error(e.message) } }\nf(1)",
}.items():
    ends_well(f"endless recursion through {name}", script(text + "\n"), 1, "deep")
write("a.dbx", 'import("b.dbx")\n')
write("b.dbx", 'import("a.dbx")\n')
ends_well("files that import each other", run(place("a.dbx")), 1, "import cycle")

# ---- time, interrupts ----


def seconds_used():
    """By the programs run so far; what else the machine does is not counted."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


start = seconds_used()
for name, text in {
    "a loop": "while true { }", "a loop in try": "while true { try { while true { } } catch e { } }",
    "handlers that go on": "fn f(x) { try { f(x) } catch e { f(x) } }\nf(1)",
    "handlers that loop": "fn f() { try { while true { } } catch e { f() } }\nf()",
    "map": "map(x -> x, range(1e15))", "a large sum": "x = ones(2000, 2000)\nwhile true { y = sum(x @ x) }",
    "many locals": "fn f() {\n" + "".join(f"a{i} = 1\n" for i in range(DEEP)) + "}\nwhile true { }",
}.items():
    ends_well(f"--timeout stops {name}", script(text + "\n", "--timeout", "0.5", "--max-memory", "1G"), 1, "time limit")
check("and soon", seconds_used() - start < 60, f"{seconds_used() - start:.1f} s")

for name, text, status in [("a loop", "print(0)\nwhile true { }", 130),
                           ("a handler", 'print(0)\ntry { while true { } } catch e { print(e.kind) }', 130),
                           ("backward", "print(0)\nwhile true { p = parameter(ones(100)); backward(sum(sin(p))) }",
                            130),
                           ("exit in a handler", "print(0)\ntry { while true { } } catch e { exit(7) }", 7)]:
    child = subprocess.Popen([DBX, write("loop.dbx", text + "\n")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=PATIENCE)
    check(f"an interrupt of {name}", child.returncode == status, f"status {child.returncode}: {errors}")
    check(f"an interrupt of {name} is said", status != 130 or "interrupted" in errors, errors)

# ---- memory ----

for name, text in {"a tensor": "zeros(1e9)", "a tuple": "t = ()\nwhile true { t = append(t, 1) }",
                   "a graph": "y = parameter(1)\nwhile true { y = y * 2 }",
                   "a string": 's = "ab"\nwhile true { s = s + s }',
                   "a record": 'r = {}\ni = 0\nwhile true { r[f"k{i}"] = i; i += 1 }',
                   "closures": "f = 0\nwhile true { f = (g -> () -> g)(f) }"}.items():
    ends_well(f"--max-memory stops {name}", script(text + "\n", "--max-memory", "40M"), 1, "memory")
ends_well("and a program may go on", script('try { zeros(1e9) } catch e { print(e.kind) }\nprint(sum(ones(10)))\n',
                                            "--max-memory", "40M"), 0, "memory\n10\n")

folder.cleanup()
finish()
