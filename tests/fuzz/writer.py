"""Programs drawn from the grammar of the language: every statement, every operator, every built-in.

A Writer writes one program. It is meant to do much rather than to fail at once: names are mostly those that were
assigned, arguments mostly fit their parameters, statements mostly stand in a `try`. Sizes are kept small and loops
bounded by what is drawn. What a program prints does not depend on the layout of its text, so that it must print the
same after it was formatted.
"""

# A file that programs import.
MODULE = """## Twice.
twice(x) = 2 * x
weights = {W: parameter([[1, 2], [3, 4]]), b: buffer([0, 0])}
fn counter() { state = buffer(0)
  return fn() { state += 1
    return state } }
"""

START = """a = 2; b = [1, 2, 3]; c = parameter([1, 2, 3]); d = (1, [2, 3, 4]); u = {k: {m: parameter(2)}, n: (1, 2)}; v = eye(3)
w = buffer([1, 2, 3]); x = c * b; y = parameter(randn(3, 3)); z = randn(20, 20); s = "aé😀b"; f(x) = sum(x * x); g(x) = x * v
"""

WORDS = ["a", "ab c", "é", "😀", "日本", "x\\ty", "\\n", "\\\"q\\\"", "\\\\", "\\u{3b8}", "{", "}", "%", "", "0", "1e3",
         " ", "#", "'"]
SPECS = ["", ".3f", "d", "08.2f", "+e", ">10", "<5", "^7", ".2%", "g", "=8", "*^9", ",", "x", ".99f", " d", "#", "s",
         "5"]
COMPARE = ["==", "!=", "<", "<=", ">", ">=", "in"]
ARITHMETIC = ["+", "-", "*", "/", "//", "%", "@", "^", "**"]
ASSIGN = ["+=", "-=", "*=", "/=", "//=", "%=", "@=", "^=", "**="]
NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e3", "nan", "inf", "7", "1e-8", "0xff", "1_000", ".5", "2.", "pi", "-inf",
           "1e308", "9007199254740993", "1e-320", "255", "256", "-2147483649"]
ELEMENTWISE = ["sin", "cos", "exp", "tanh", "sigmoid", "relu", "abs", "sqrt", "log", "square", "neg", "erf", "gelu",
               "sign", "cbrt"]
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "var", "norm", "logsumexp", "median", "argmax", "all", "std"]
OTHERS = ["softmax", "cumsum", "sort", "flatten", "detach", "transpose", "isnan", "floor", "len", "repr", "str",
          "type", "flip", "unique", "argsort", "item", "keys", "trace", "det", "inv", "cholesky", "eigh", "svd", "qr",
          "diag", "upper", "number"]


class Writer:
    def __init__(self, draw, table):
        """`table`: names of built-ins, each with the names of its parameters."""
        self.draw, self.table = draw, table
        self.names, self.functions, self.depth = list("abcduvwxyzs"), ["f", "g"], 0
        self.loops = self.calls = self.fresh = 0

    # ---- drawing ----

    def pick(self, *choices):
        """One of the choices; a function among them is called for its text."""
        chosen = self.draw.choice(choices)
        return chosen() if callable(chosen) else chosen

    def chance(self, p):
        return self.draw.random() < p

    def several(self, make, least=1, most=3, sep=", "):
        return sep.join(make() for _ in range(self.draw.randint(least, most)))

    def variable(self):
        return self.draw.choice(self.names) if self.chance(0.95) else "nobody"

    def new_name(self):
        name = self.pick("a", "b", "d", "x", "z", "s", "θ", "été", "n1", "_")
        if name not in self.names:
            self.names.append(name)
        return name

    # ---- literals ----

    def number(self):
        return self.draw.choice(NUMBERS)

    def dtype(self):
        return self.pick('"float32"', '"float64"', '"int32"', '"int64"', '"uint8"', '"bool"')

    def shape(self):
        return ", ".join(str(self.draw.choice([0, 1, 2, 2, 3, 3, 4])) for _ in range(self.draw.randint(0, 4)))

    def string(self):
        return f'"{self.several(lambda: self.draw.choice(WORDS), 0, 3, "")}"'

    def fstring(self):
        def part():
            word = self.draw.choice(WORDS).replace("{", "{{").replace("}", "}}").replace("\\u{{3b8}}", "\\u{3b8}")
            hole = f"{{{self.inner()}{self.pick('', '', ':' + self.draw.choice(SPECS))}}}"
            return self.pick(word, hole, hole)
        return f'f"{self.several(part, 1, 3, "")}"'

    def inner(self):
        """An expression that may stand in a hole: no colon, no quote on its own level."""
        return self.pick(self.variable, self.number, lambda: f"({self.expression()})", lambda: f"{self.variable()}[0]")

    def integers(self):
        return "[" + ", ".join(str(self.draw.choice([0, 0, 1, 2, -1, 5])) for _ in range(self.draw.randint(0, 4))) + "]"

    def tensor(self):
        def numbers():
            return self.several(self.number, 0, 4)
        return self.pick(
            lambda: f"randn({self.shape()})", lambda: f"parameter(randn({self.shape()}))", lambda: f"[{numbers()}]",
            lambda: f"arange({self.draw.randint(0, 12)})", lambda: f"eye({self.draw.randint(0, 4)})", self.integers,
            lambda: f"[{self.several(self.expression)}]", lambda: f"ones({self.shape() or 1}, dtype={self.dtype()})",
            lambda: f"buffer(zeros({self.shape()}))", "[[1, 2, 3], [4, 5, 6]]",
            lambda: f"tensor([{numbers()}], dtype={self.dtype()})",
            lambda: f"ones({self.draw.choice([100, 300])}, {self.draw.choice([1, 100, 300])})", "[true, false, true]",
            "zeros(0, 3)")

    def structure(self):
        def key():
            return self.pick("k", "m", "n", '"a b"', '"é"', '""')
        def fields():
            names = dict.fromkeys(key() for _ in range(self.draw.randint(0, 3)))
            return ", ".join(f"{name}: {self.expression()}" for name in names)
        return self.pick(lambda: f"({self.expression()}, {self.expression()})", lambda: f"({self.expression()},)", "()",
                         lambda: f"{{{fields()}}}", lambda: f"(...{self.expression()}, {self.expression()})",
                         lambda: f"range({self.several(lambda: str(self.draw.randint(-3, 6)), 1, 2)})", self.string,
                         self.fstring)

    # ---- functions ----

    def parameters(self):
        names = self.draw.sample(["x", "y", "t", "p1"], self.draw.randint(1, 3))
        tail = self.pick("", "", f", {'q'}={self.number()}", ", ...rest")
        return ", ".join(names) + tail

    def function(self):
        if self.chance(0.4):
            return self.draw.choice(self.functions)
        return self.pick(
            lambda: self.draw.choice(ELEMENTWISE), lambda: self.draw.choice(REDUCTIONS),
            lambda: f"(x -> {self.expression()})",
            lambda: f"((x, y) -> {self.expression()})", lambda: f"(fn({self.parameters()}) = {self.expression()})",
            lambda: f"{self.function()}'",
            lambda: f"grad({self.function()}{self.pick('', ', argnum=0', ', argnum=(0, 1)')})",
            lambda: f"vmap({self.function()}{self.pick('', ', axes=0', ', axes=(0, none)', ', axes=-1')})",
            lambda: f"checkpoint({self.function()})", lambda: f"value_and_grad({self.function()})",
            lambda: f"custom_grad({self.function()}, (g, o, ...r) -> {self.pick('g * o', 'g', 'r', '(g, g)', '1', 'g * w', 'none')})",
            lambda: f"fn({self.parameters()}) {{ {self.body()} }}")

    def derivative(self):
        f, at = self.function(), self.expression()
        return self.pick(f"jacobian({f}, {at})", f"hessian({f}, {at})", f"jvp({f}, {at}, {self.expression()})",
                         f"vjp({f}, {at})", f"hvp({f}, {at}, {self.expression()})", f"grad({f})({at})", f"{f}''({at})",
                         f"vjp({f}, {at})[1]({self.expression()})", f"gradcheck({f}, {at})",
                         f"value_and_grad({f})({at})")

    def argument(self, parameter):
        """Mostly what a parameter of this name takes."""
        if self.chance(0.15):
            return self.expression()
        fitting = {
            "axis": ["0", "1", "-1", "none", "(0, 1)", "2"], "axes": ["(1, 0)", "(0, none)", "none", "0"],
            "dtype": [self.dtype],
            "shape": [lambda: f"({self.shape()},)" if self.shape() else "(2, 3)", "6", "(-1, 2)", "(3, -1)"],
            "f": [self.function], "backward": [self.function], "indices": [self.integers],
            "mask": ["[true, false, true]", lambda: f"{self.variable()} > 0"],
            "keepdims": ["true", "false"], "descending": ["true"], "training": ["true", "false"],
            "text": [self.string], "old": [self.string],
            "separator": [self.string], "sep": [self.string], "new": [self.string], "prefix": [self.string],
            "suffix": [self.string],
            "spec": ['".3f"', '"ij,jk->ik"', '"ii->i"', '"i,i->"', '"...i->..."', '"08d"'], "key": [self.string],
            "r": ["u", lambda: f"{{k: {self.expression()}}}"],
            "xs": [self.structure, "(b, b)", self.variable], "init": [self.number], "n": ["2", "3", "1", "0"],
            "k": ["1", "0", "-1", "2"],
            "width": ["1", "(1, 2)", "((1, 0), (2, 1))"], "reps": ["2", "(2, 1)"], "shift": ["1", "-2"],
            "p": ["2", "1", "inf", '"fro"', "0.5"],
            "size": ["2", "1"], "stride": ["1", "2"], "padding": ["0", "1"], "seed": ["1", "none"],
            "path": ['"m.dbx"'], "precision": ["3"],
            "status": ["0"], "indexing": ['"ij"'], "about": ["sin"], "n_or_sizes": ["3", "(1, 2)"],
            "condition": ["true", "1 > 0"],
        }.get(parameter, [self.tensor, self.variable, self.variable, self.expression])
        return self.pick(*fitting)

    def call(self):
        """A built-in; a few leading arguments by position, some of the others by name."""
        name, parameters = self.draw.choice(self.table)
        count = self.draw.randint(min(1, len(parameters)), len(parameters)) if parameters else 0
        args = [self.argument(p) for p in parameters[:count]]
        args += [f"{p}={self.argument(p)}" for p in parameters[count:] if self.chance(0.2)]
        if args and self.chance(0.2):
            return f"({args[0]}).{name}({', '.join(args[1:])})"
        return f"{name}({', '.join(args)}{self.pick('', '', ',') if args else ''})"

    # ---- expressions ----

    def subscript(self):
        part = lambda: self.pick("0", "-1", "1", ":", "...", "none", "::2", "::-1", "1:", ":2", "-2:", "[0, 1]",
                                 "[true, false]", "5",
                                 self.variable, '"k"', lambda: f"{self.variable()} > 0", self.integers, "0:0",
                                 "[[0, 1], [1, 0]]")
        return self.several(part)

    def expression(self):
        self.depth += 1
        try:
            if self.depth > 5:
                return self.pick(self.variable, self.number)
            two = lambda operators: f"{self.expression()} {self.draw.choice(operators)} {self.expression()}"
            return self.pick(
                self.number, self.variable, self.variable, self.variable, self.tensor, self.tensor, self.structure,
                self.call, self.call,
                lambda: f"({two(ARITHMETIC)})", lambda: f"({two(ARITHMETIC)})", lambda: f"({two(COMPARE)})",
                lambda: f"({two(['and', 'or'])})",
                lambda: f"{self.function()}({self.expression()})",
                lambda: f"({self.pick('-', 'not ', '+', '--')}{self.expression()})",
                lambda: f"{self.variable()}.{self.draw.choice(ELEMENTWISE + REDUCTIONS + OTHERS)}()",
                lambda: f"{self.variable()}[{self.subscript()}]",
                lambda: f"({self.expression()})[{self.subscript()}]", lambda: f"({self.expression()})'",
                lambda: f"{self.variable()}.{self.pick('grad', 'shape', 'T', 'dtype', 'k', 'size', 'ndim', 'requires_grad', 'n')}",
                lambda: f"({self.expression()} ? {self.expression()} : {self.expression()})", self.function,
                self.derivative,
                lambda: f"map({self.function()}, {self.expression()})",
                lambda: f"reduce((p1, p2) -> {self.pick('p1 + p2', '(p1, p2)', 'p1 * p2')}, {self.expression()})",
                lambda: f"scan((s, q) -> (s + q, s * q), {self.expression()}, {self.expression()})",
                lambda: f"{self.function()}({self.expression()}, {self.expression()}, q={self.number()})",
                lambda: f"{self.function()}(...({self.expression()}, {self.expression()}))")
        finally:
            self.depth -= 1

    # ---- statements ----

    def place(self):
        """What one value can be assigned to."""
        name = self.variable() if self.chance(0.6) else self.new_name()
        return self.pick(name, name, name, f"{name}[{self.subscript()}]", f"{name}.k", f"{name}[0].k", f"{name}.k.m",
                         f'{name}["k"]',
                         f"{name}.n[1]", f"{name}[0][{self.subscript()}]", f"{name}.{self.pick('grad', 'shape', 'T')}")

    def target(self):
        return self.pick(self.place, self.place, self.place, lambda: f"{self.place()}, {self.place()}",
                         lambda: f"({self.place()}, {self.place()}), {self.place()}",
                         lambda: f"{self.place()},")

    def names_target(self):
        return self.pick("i", "j", "i, j", "(i, j), k", "s")

    def doc(self):
        return self.pick("", "", lambda: f"## {self.draw.choice(WORDS[:6])}\n## more\n")

    def define(self):
        name = self.pick("f", "g", "h")
        self.functions.append(name)
        return self.pick(lambda: f"{self.doc()}{name}({self.parameters()}) = {self.expression()}",
                         lambda: f"{self.doc()}fn {name}({self.parameters()}) {{ {self.body()} }}",
                         lambda: f"fn {name}({self.parameters()}) = {self.expression()}")

    def body(self):
        """Of a function: a block that may return."""
        loops, self.loops = self.loops, 0
        self.calls += 1
        declared = self.pick("", "", "", lambda: f"global {self.several(lambda: self.draw.choice('abz'), 1, 2)}\n")
        text = declared + self.block(2) + self.pick("", f"return {self.expression()}",
                                                    f"return {self.expression()}, {self.expression()}", "return")
        self.calls -= 1
        self.loops = loops
        return text

    def loop(self, depth):
        self.loops += 1
        self.fresh += 1
        count = f"w{self.fresh}"
        text = self.pick(
            lambda: f"for {self.names_target()} in {self.pick('range(3)', '(1, 2)', 'enumerate(b)', 'zip(b, b)', self.expression)} {{ {self.block(depth)} }}",
            lambda: f"{count} = 0\n while {self.pick('', 'true and ')}{count} < {self.draw.randint(0, 3)} {{ {count} += 1\n {self.block(depth)} }}")
        self.loops -= 1
        return text

    def leave(self):
        choices = [self.expression]
        if self.loops > 0:
            choices += ["break", "continue"]
        if self.calls > 0:
            choices.append(lambda: f"return {self.expression()}")
        return self.pick(*choices)

    def branch(self, depth):
        middle = self.pick("", f" else if {self.expression()} {{ {self.block(depth)} }}")
        return f"if {self.expression()} {{ {self.block(depth)} }}{middle}{self.pick('', f' else {{ {self.block(depth)} }}')}"

    def statement(self, depth):
        self.depth += 1
        try:
            simple = [lambda: f"{self.target()} = {self.expression()}",
                      lambda: f"{self.target()} = {self.expression()}, {self.expression()}",
                      self.expression, lambda: f"{self.place()} {self.draw.choice(ASSIGN)} {self.expression()}",
                      self.define, self.leave,
                      lambda: f"backward({self.expression()}{self.pick('', ', create_graph=true', ', seed=1')})",
                      lambda: f"nograd {{ {self.place()} {self.pick('-=', '=')} {self.expression()} }}",
                      lambda: f"{self.pick('zero_grad', 'attach_grad', 'retain_grad')}({self.place()})",
                      lambda: f"assign({self.variable()}, {self.expression()})",
                      lambda: f"set_grad({self.variable()}, {self.expression()})",
                      lambda: f"print({self.several(self.expression)}{self.pick('', ', sep=' + self.string(), ', end=' + self.string())})",
                      lambda: f"{self.new_name()} = import(\"m.dbx\"){self.pick('', '.weights', '.twice')}",
                      lambda: f"# {self.draw.choice(WORDS)}"]
            nested = [lambda: self.branch(depth), lambda: self.loop(depth), lambda: f"nograd {{ {self.block(depth)} }}",
                      lambda: f"try {{ {self.block(depth)} }} catch err {{ {self.block(depth)} }}",
                      lambda: f"try {{ {self.block(depth)} }} catch err {{ {self.pick('error(err)', 'print(err.kind)', 'error(err.message)')} }}",
                      lambda: f"error({self.pick(self.string, self.expression)})",
                      lambda: f"assert({self.expression()}, {self.string()})"]
            return self.draw.choice(simple * 2 + nested if depth < 3 else simple)()
        finally:
            self.depth -= 1

    def block(self, depth):
        """Statements that end with a line end, because the last may be a comment."""
        return "".join(self.statement(depth + 1) + self.pick("\n ", "\n", "\n\n\n  ")
                       for _ in range(self.draw.randint(1, 3)))

    def program(self):
        lines = [START]
        for _ in range(self.draw.randint(3, 14)):
            text = self.statement(0)
            guarded = self.chance(0.97)
            lines.append(f"try {{ {text}\n}} catch e {{ print(e.kind, e.message) }}" if guarded else text)
        for name in self.names:
            lines.append(f"try {{ print(len(repr({name})) < 3000 ? repr({name}) : type({name})) }} catch e {{ print(e.kind) }}")
        return "\n".join(lines) + "\n"

    # ---- values that can be written down ----

    def plain(self, depth=0):
        """A value whose repr reads back."""
        def fields():
            keys = self.draw.sample(WORDS[:9], self.draw.randint(1, 3))
            return ", ".join(f'"{key}": {self.plain(depth + 1)}' for key in keys)

        more = [lambda: f"({self.several(lambda: self.plain(depth + 1), 2, 4)})",
                lambda: f"({self.plain(depth + 1)},)", "()", "{}", lambda: f"{{{fields()}}}"]
        return self.pick(self.number, self.number, self.string, "true", "false", "none",
                         lambda: repr(self.draw.uniform(-1, 1) * 10 ** self.draw.randint(-320, 308)),
                         lambda: f"range({self.draw.randint(-3, 3)}, {self.draw.randint(-9, 9)}, {self.pick('1', '-2', '3')})",
                         *(more if depth < 3 else []))
