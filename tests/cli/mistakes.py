"""The commonest mistakes: each message names the fix."""
from harness import check, contains, equal, finish, run

MISTAKES = [
    # shapes
    ("ones(2, 3) @ ones(2)", "[2, 3] @ [2]", "a' @ b"),
    ("ones(2, 3) @ ones(2, 3)", "[2, 3] @ [2, 3]", "a @ b'"),
    ("[1, 2] + [1, 2, 3]", "do not broadcast", "the last axes are 2 and 3"),
    ("x = [1, 2; 3, 4]", "[[1, 2], [3, 4]]"),
    # gradients
    ("x = parameter([1, 2]); y = sum(x * x); x -= 0.1 * x.grad", "none", "until backward"),
    ("x = parameter([1, 2]); sum(x.grad)", "none", "until backward"),
    ("x = [1, 2]; x.grad", "not tracked", "parameter(...)", "attach_grad(x)"),
    ("x = [1, 2]; set_grad(x, x)", "not tracked", "parameter(...)", "attach_grad(x)"),
    ("x = [1, 2]; backward(sum(x))", "does not depend on any parameter", "parameter(...)"),
    ("y = parameter([1]); y.backward", "property", ".backward(...)"),
    ("grad(x -> 2 * x)([1, 2])", "scalar", "f'", "jacobian"),
    # none
    ("x = none; x.shape", "none has no property", "return"),
    ("f(x) = none; f(1).sum()", "none", "return"),
    ("f(x) = none; 1 + f(1)", "none", "return"),
    # == and truth
    ("x = 1; if x = 1 { print(x) }", "use == to compare"),
    ("x = [1, 2]; if x > 1 { print(x) }", "neither true nor false", "any(x) or all(x)"),
    ("1 < 2 < 3", "do not chain", "1 < 2 and 2 < 3"),
    ("true && false", "`and`", "logical_and"),
    # indices
    ("x = [1, 2, 3]; x[3]", "out of range", "count from 0", "the last is 2"),
    ("x = (1, 2); x[2]", "out of range", "count from 0"),
    ("x = [1, 2, 3]; x(1)", "x[i]"),
    # Python
    ("def f(x):\n  return x", "fn f(x) { ... }"),
    ("import numpy as np", "import(\"path.dbx\")"),
    ("np.sum([1])", "built in"),
    ("x = True", "write `true`"),
    ("x = None", "write `none`"),
    ("for i in range(3):\n  print(i)", "braces"),
    ("if 1 > 0:\n  print(1)", "braces"),
    ("while true:\n  break", "braces"),
    ("x = 1\nprint x", "print(x)"),
    ("if false { } elif true { }", "} else if c {"),
    ("x = 'text'", 'double quotes: "text"'),
    ("lambda x: x + 1", "x -> e"),
    ("x = [i for i in range(3)]", "map(x -> e, xs)"),
    ("x = parameter([1]); x.numpy()", "NumPy"),
    ("i = 0; i++", "+= 1"),
    # Julia and Octave
    ("if 1 > 0\n  print(1)\nend", "braces"),
    ("function f(x)\n  x\nend", "fn f(x) { ... }"),
    ("println(1)", "print"),
    ("[1, 2] .* [3, 4]", "element by element"),
    ("x = [1, 2]; length(x)", "len(x)"),
    ("f(x) { return x }", "fn f(x) { ... }"),
    ("let x = 5", "no declaration"),
    # calls
    ("sum([1, 2], axes=0)", "no argument `axes`", "did you mean `axis`"),
    ("f(x) = x; f(1, 2)", "takes 1 argument, not 2"),
    ("sqare(2)", "did you mean `square`"),
    ("r = {layer: {w: 1}}; r.layr.w = 2", "no field `layr`", "did you mean `layer`"),
    ("max(1, 2)", "maximum(a, b)"),
    ('"a" + 1', 'f"{x}"'),
    ("x = [1, 2]; x.size()", "write x.size"),
    ("x = [1, 2]; x.len", ".len(...)"),
]

for code, *parts in MISTAKES:
    done = run(stdin=code + "\n")
    check(f"{code!r} fails", done.returncode == 1, done.stdout)
    contains(f"{code!r} says what to do", done.stderr, "error: ", " | ", *parts)
finish()
