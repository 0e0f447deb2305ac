"""Elementwise operations: on all kinds of shapes, broadcast, and at their kinks."""
import math

import torch
import torch.nn.functional as F

from make_reference import at, case, x


def softplus(a):
    return torch.logaddexp(a, torch.zeros_like(a))


class Polygamma(torch.autograd.Function):
    """Derivatives of digamma by the Hurwitz zeta function: PyTorch's own trigamma is good to 1e-9 only."""

    @staticmethod
    def forward(context, n, a):
        context.n = n
        context.save_for_backward(a)
        if n == 0:
            return torch.digamma(a)
        if n < 0:
            return torch.lgamma(a)
        return (-1) ** (n + 1) * math.factorial(n) * torch.special.zeta(torch.full_like(a, n + 1), a)

    @staticmethod
    def backward(context, g):
        return None, g * Polygamma.apply(context.n + 1, context.saved_tensors[0])


def lgamma(a):
    return Polygamma.apply(-1, a)


def digamma(a):
    return Polygamma.apply(0, a)


def positive(**more):
    return dict(low=0.2, high=3, **more)


KINK = dict(avoid=(0,))
UNIT = dict(low=-0.9, high=0.9)

# name: formula, and where its inputs are drawn
UNARY = {
    "neg": (torch.neg, {}), "abs": (torch.abs, KINK), "sign": (torch.sign, KINK),
    "sqrt": (torch.sqrt, positive()), "square": (torch.square, {}),
    "cbrt": (lambda a: torch.sign(a) * torch.abs(a) ** (1 / 3), dict(avoid=(0,), low=-3, high=3)),
    "reciprocal": (torch.reciprocal, positive()), "exp": (torch.exp, {}), "exp2": (torch.exp2, {}),
    "expm1": (torch.expm1, {}), "log": (torch.log, positive()),
    "log1p": (torch.log1p, dict(low=-0.8, high=3)),
    "log2": (torch.log2, positive()), "log10": (torch.log10, positive()), "sin": (torch.sin, {}),
    "cos": (torch.cos, {}), "tan": (torch.tan, dict(low=-1.3, high=1.3)), "asin": (torch.asin, UNIT),
    "acos": (torch.acos, UNIT), "atan": (torch.atan, {}), "sinh": (torch.sinh, {}), "cosh": (torch.cosh, {}),
    "tanh": (torch.tanh, {}), "asinh": (torch.asinh, {}), "acosh": (torch.acosh, dict(low=1.2, high=4)),
    "atanh": (torch.atanh, UNIT), "sigmoid": (torch.sigmoid, {}), "relu": (torch.relu, KINK),
    "leaky_relu": (F.leaky_relu, KINK), "elu": (F.elu, KINK), "gelu": (F.gelu, {}),
    "silu": (lambda a: a * torch.sigmoid(a), {}), "mish": (lambda a: a * torch.tanh(softplus(a)), {}),
    "softplus": (softplus, {}), "erf": (torch.erf, {}), "erfc": (torch.erfc, {}),
    "lgamma": (lgamma, positive()), "digamma": (digamma, positive()),
    "floor": (torch.floor, dict(avoid=(-2, -1, 0, 1, 2))),
    "ceil": (torch.ceil, dict(avoid=(-2, -1, 0, 1, 2))),
    "round": (torch.round, dict(avoid=(-1.5, -0.5, 0.5, 1.5))),
    "trunc": (torch.trunc, dict(avoid=(-1, 0, 1))),
}
VALUES_ONLY = {
    "isnan": torch.isnan, "isinf": torch.isinf, "isfinite": torch.isfinite,
    "logical_not": lambda a: torch.logical_not(a),
}
FORMS = [("{}(x)", lambda f: f, (2, 3)), ("{}(x)", lambda f: f, ()), ("{}(x)", lambda f: f, (0, 2)),
         ("{}(x.T)", lambda f: lambda a: f(a.T), (3, 2)),
         ("{}(x[::-1, 1])", lambda f: lambda a: f(a.flip(0)[:, 1]), (3, 2)),
         ("{}(x) * x", lambda f: lambda a: f(a) * a, (3,))]

for name, (formula, drawn) in UNARY.items():
    for text, wrap, shape in FORMS:
        case(text.format(name), wrap(formula), x(*shape, **drawn))
for name, formula in VALUES_ONLY.items():
    case(f"{name}(x)", formula, at([0.0, 1, -2, math.nan, math.inf, -math.inf]), order=0)
    case(f"{name}(x)", formula, x(2, 2), order=0)

# A row of operations over one another, to be fused.
for outer in ("sin", "exp", "tanh", "sigmoid", "sqrt", "log1p"):
    for inner in ("square", "softplus", "cosh"):
        case(f"{outer}({inner}(x))", lambda a, o=outer, i=inner: UNARY[o][0](UNARY[i][0](a)),
             x(3, low=-1.5, high=1.5))


def floor_mod(a, b):
    return torch.remainder(a, b)


APART = dict(low=0.3, high=2)
# name: formula, infix, and where the two inputs are drawn
BINARY = {
    "add": (torch.add, "+", {}, {}), "sub": (torch.sub, "-", {}, {}), "mul": (torch.mul, "*", {}, {}),
    "div": (torch.div, "/", {}, APART), "pow": (torch.pow, "^", APART, {}),
    "maximum": (torch.maximum, None, {}, {}), "minimum": (torch.minimum, None, {}, {}),
    "hypot": (torch.hypot, None, APART, APART), "atan2": (torch.atan2, None, APART, {}),
    "mod": (floor_mod, "%", dict(low=0.1, high=0.9), dict(low=1.1, high=1.9)),
    "floor_div": (lambda a, b: torch.floor(a / b).detach() + 0 * a + 0 * b, "//", dict(low=2.1, high=2.9),
                  dict(low=1.1, high=1.3)),
}
PLACES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (3,)), ((), (2, 2)), ((3,), ()), ((), ()),
    ((0, 2), (2,)),
          ((2, 1, 2), (3, 1))]
COMPARE = {"eq": (torch.eq, "=="), "ne": (torch.ne, "!="), "lt": (torch.lt, "<"), "le": (torch.le, "<="),
           "gt": (torch.gt, ">"), "ge": (torch.ge, ">=")}
LOGICAL = {"logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_xor": torch.logical_xor}

for name, (formula, infix, left, right) in BINARY.items():
    for a, b in PLACES:
        text = f"x {infix} y" if infix and len(a) == 2 else f"{name}(x, y)"
        case(text, formula, x(*a, **left), x(*b, **right))
    case(f"{name}(x, x)" if name != "mod" else "mod(x, x + 1)",
         (lambda a, f=formula: f(a, a)) if name != "mod" else (lambda a: floor_mod(a, a + 1)), x(3, **APART))
    case(f"{name}(x.T, y[::-1])", lambda a, b, f=formula: f(a.T, b.flip(0)), x(3, 2, **left), x(3, **right))
for name, (formula, infix) in COMPARE.items():
    for a, b in (((4,), (4,)), ((2, 3), (3,))):
        case(f"x {infix} y", formula, x(*a, low=-1, high=1, whole=True), x(*b, low=-1, high=1, whole=True),
             order=0)
    case(f"{name}(x, 1)", lambda a, f=formula: f(a, 1), x(4, low=0, high=2, whole=True), order=0)
    case(f"{name}(x, y)", formula, at([math.nan, 1, math.inf, -0.0]), at([math.nan, math.nan, math.inf, 0]),
         order=0)
for name, formula in LOGICAL.items():
    case(f"{name}(x, y)", formula, at([0.0, 0, 1, 2]), at([0.0, 3, 0, 1]), order=0)

# numbers in the place of tensors
NUMBERS = [("x + 2", lambda a: a + 2), ("2 - x", lambda a: 2 - a), ("3 * x", lambda a: 3 * a),
           ("1 / x", lambda a: 1 / a), ("x / 4", lambda a: a / 4), ("x ^ 3", lambda a: a ** 3),
           ("x ^ -2", lambda a: a ** -2.0), ("x ^ 0.5", lambda a: a ** 0.5), ("2 ^ x", lambda a: 2.0 ** a),
           ("x ^ 1", lambda a: a ** 1), ("x ^ 0", lambda a: a ** 0), ("x ^ 2.5", lambda a: a ** 2.5),
           ("maximum(x, 1)", lambda a: torch.clamp(a, min=1)),
           ("minimum(1, x)", lambda a: torch.clamp(a, max=1)),
           ("hypot(x, 2)", lambda a: torch.hypot(a, torch.tensor(2.0, dtype=torch.float64))),
           ("atan2(x, -1)", lambda a: torch.atan2(a, torch.tensor(-1.0, dtype=torch.float64))),
           ("x % 0.7", lambda a: torch.remainder(a, 0.7)), ("-x^2", lambda a: -a ** 2),
           ("(-x)^3", lambda a: (-a) ** 3), ("(-x)^-3", lambda a: (-a) ** -3.0)]
for text, formula in NUMBERS:
    case(text, formula, x(4, low=0.3, high=2.6, avoid=(0.7, 1, 1.4, 2.1)))
    case(text, formula, x(low=0.3, high=2.6, avoid=(0.7, 1, 1.4, 2.1)))

# kinks
case("abs(x)", torch.abs, at([-1.0, 0, 2]))
case("sign(x)", torch.sign, at([-1.0, 0, 2]))
case("relu(x)", torch.relu, at([-1.0, 0, 2]))
case("leaky_relu(x)", lambda a: torch.where(a > 0, a, 0.01 * a), at([-1.0, 0, 2]))
case("leaky_relu(x, 0.3)", lambda a: torch.where(a > 0, a, 0.3 * a), x(4, avoid=(0,)))
case("leaky_relu(x, y)", lambda a, b: torch.where(a > 0, a, b * a), x(2, 3, avoid=(0,)), x(3))
case("elu(x, 2)", lambda a: F.elu(a, 2.0), x(4, avoid=(0,)))
case("elu(x, y)", lambda a, b: torch.where(a > 0, a, b * torch.expm1(a)), x(2, 3, avoid=(0,)), x(3))
case("maximum(x, y)", torch.maximum, at([1.0, 2, 3]), at([2.0, 2, 1]))
case("minimum(x, y)", torch.minimum, at([1.0, 2, 3]), at([2.0, 2, 1]))
case("maximum(x, 2)", lambda a: torch.maximum(a, torch.tensor(2.0, dtype=torch.float64)), at([1.0, 2, 3]))
case("sqrt(x)", torch.sqrt, at([0.0, 4]), order=1)
case("cbrt(x)", lambda a: torch.sign(a) * torch.abs(a) ** (1 / 3), at([-8.0, 27]))
case("hypot(x, y)", lambda a, b: torch.sqrt(a * a + b * b), at([3.0, 0, -5]), at([4.0, 2, 12]))

# clip
BOUNDS = [("-1, 0.7", -1, 0.7), ("lo=0.7", 0.7, None), ("hi=-1", None, -1), ("-inf, 1", None, 1),
    ("0, 0.5", 0, 0.5)]
for bounds, lo, hi in BOUNDS:
    for shape in ((2, 3), (5,), ()):
        case(f"clip(x, {bounds})", lambda a, lo=lo, hi=hi: torch.clamp(a, lo, hi),
             x(*shape, avoid=(-1, 0, 0.5, 0.7, 1)))
case("clip(x, 0, 1)", lambda a: torch.clamp(a, 0, 1), at([-1.0, 0, 0.5, 1, 2]))
for shape in ((2, 3), (3,), (2, 1)):
    case("clip(x, y, y + 1)", lambda a, b: torch.minimum(torch.maximum(a, b), b + 1), x(*shape), x(3))

# where and lerp
case("where(x > 0, y, z)", lambda c, a, b: torch.where(c > 0, a, b), x(2, 3, constant=True), x(2, 3), x(2, 3))
case("where(x > 0, y, z)", lambda c, a, b: torch.where(c > 0, a, b), x(2, 1, constant=True), x(3), x())
case("where(x > y, x, y)", lambda a, b: torch.where(a > b, a, b), x(4), x(4))
case("where(x > 0, x^2, -x)", lambda a: torch.where(a > 0, a ** 2, -a), x(5, avoid=(0,)))
case("where(x, y, 1)", lambda c, a: torch.where(c != 0, a, torch.ones_like(a)),
     at([0.0, 1, -3, 0], constant=True), x(4))
case("where(x > 0, sqrt(x), 0)", lambda a: torch.where(a > 0,
     torch.sqrt(torch.where(a > 0, a, torch.ones_like(a))),
     torch.zeros_like(a)), at([-1.0, 0, 4]))
case("where(x > 0, log(x), x)", lambda a: torch.where(a > 0,
     torch.log(torch.where(a > 0, a, torch.ones_like(a))), a),
     at([-1.0, 0, 4]))
case("where(x != 0, sin(x) / x, 1)", lambda a: torch.where(a != 0, torch.sin(a) / torch.where(a != 0, a,
     torch.ones_like(a)), torch.ones_like(a)), at([-1.0, 0, 4]))
for a, b, t in (((2, 3), (2, 3), (2, 3)), ((2, 3), (3,), ()), ((), (2,), (3, 1))):
    case("lerp(x, y, z)", lambda p, q, s: p + s * (q - p), x(*a), x(*b), x(*t))
case("lerp(x, 10, 0.25)", lambda p: p + 0.25 * (10 - p), x(3))
