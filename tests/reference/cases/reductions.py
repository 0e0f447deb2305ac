"""Reductions over axes, scans, order statistics, sorting."""
import math

import torch

from make_reference import at, case, x

SHAPE = (2, 3, 4)
# axis as dbx writes it, and as a list of axes
AXES = [("", None), ("axis=0", [0]), ("axis=1", [1]), ("axis=-1", [2]), ("axis=(0, 1)", [0, 1]),
        ("axis=(0, -1)", [0, 2]), ("axis=(2, 1)", [1, 2]), ("axis=(0, 1, 2)", [0, 1, 2])]


def dims_of(a, dims):
    return list(range(a.dim())) if dims is None else dims


def extreme(find):
    """max or min: every tied position gets the full gradient."""
    def formula(a, dims, keep):
        dims = dims_of(a, dims)
        if not dims:
            return a
        best = find(a, dims, keepdim=True)
        chosen = (a == best).double()
        return find(a, dims, keepdim=keep).detach() + (chosen * (a - a.detach())).sum(dims, keepdim=keep)
    return formula


def prod(a, dims, keep):
    for d in sorted(dims_of(a, dims), reverse=True):
        a = torch.prod(a, d, keepdim=keep)
    return a


def var(correction):
    def formula(a, dims, keep):
        dims = dims_of(a, dims)
        count = math.prod(a.shape[d] for d in dims)
        centred = a - a.mean(dims, keepdim=True)
        return (centred * centred).sum(dims, keepdim=keep) / (count - correction)
    return formula


def norm(p):
    def formula(a, dims, keep):
        dims = dims_of(a, dims)
        size = a.abs()
        if math.isinf(p):
            return extreme(torch.amax if p > 0 else torch.amin)(size, dims, keep)
        return (size ** p).sum(dims, keepdim=keep) ** (1 / p)
    return formula


def grouped(a, dims, keep, formula):
    """Applies a formula of the last axis to all the axes together."""
    dims = dims_of(a, dims)
    rest = [d for d in range(a.dim()) if d not in dims]
    flat = a.permute(rest + dims).reshape([a.shape[d] for d in rest] + [-1])
    result = formula(flat)
    return result.reshape([1 if d in dims else a.shape[d] for d in range(a.dim())]) if keep else result


def quantile(q):
    def last(flat):
        ordered = torch.sort(flat, -1)[0]
        place = q * (flat.shape[-1] - 1)
        low = math.floor(place)
        high = min(low + 1, flat.shape[-1] - 1)
        return ordered[..., low] + (place - low) * (ordered[..., high] - ordered[..., low])
    return lambda a, dims, keep: grouped(a, dims, keep, last)


def logsumexp(a, dims, keep):
    return torch.logsumexp(a, dims_of(a, dims), keepdim=keep) if a.dim() else a


REDUCE = {
    "sum(x{})": lambda a, d, k: a.sum(dims_of(a, d), keepdim=k),
    "mean(x{})": lambda a, d, k: a.mean(dims_of(a, d), keepdim=k),
    "prod(x{})": prod, "max(x{})": extreme(torch.amax), "min(x{})": extreme(torch.amin),
    "logsumexp(x{})": logsumexp, "var(x{})": var(1), "var(x{}, correction=0)": var(0),
    "std(x{})": lambda a, d, k: torch.sqrt(var(1)(a, d, k)),
    "std(x{}, correction=0)": lambda a, d, k: torch.sqrt(var(0)(a, d, k)),
    "norm(x{})": norm(2), "norm(x, 3{})": norm(3), "norm(x, 1{})": norm(1), "norm(x, inf{})": norm(math.inf),
    "norm(x, p=1.5{})": norm(1.5), "median(x{})": quantile(0.5), "quantile(x, 0.3{})": quantile(0.3),
}
for pattern, formula in REDUCE.items():
    drawn = dict(avoid=(0,)) if "norm" in pattern else {}
    for text, dims in AXES:
        for keep in (False, True):
            if keep and len(dims or [0, 0]) == 1 and text != "axis=1":
                continue
            more = (", " + text if text else "") + (", keepdims=true" if keep else "")
            order = 1 if "(2, 1)" in text and "prod" not in pattern else 2
            case(pattern.format(more), lambda a, d=dims, k=keep, f=formula: f(a, d, k), x(*SHAPE, **drawn),
                 order=order)
    if "correction" not in pattern and "var" not in pattern and "std" not in pattern:
        case(pattern.format(""), lambda a, f=formula: f(a, None, False), x(**drawn))
    case(pattern.format(", axis=0").replace("(x", "(x.T"), lambda a, f=formula: f(a.T, [0], False),
         x(2, 4, **drawn))
    case(pattern.format(", axis=-1").replace("(x", "(x[::-1, ::2]"),
         lambda a, f=formula: f(a.flip(0)[:, ::2], [1], False), x(2, 5, **drawn))

# ties: the full gradient to each
for name, find in (("max", torch.amax), ("min", torch.amin)):
    formula = extreme(find)
    case(f"{name}(x)", lambda a, f=formula: f(a, None, False), at([1.0, 3, 3, 2, 1, 1]))
    case(f"{name}(x, axis=0)", lambda a, f=formula: f(a, [0], False), at([[1.0, 2], [1.0, 0], [0.0, 2]]))
    case(f"{name}(x, axis=1)", lambda a, f=formula: f(a, [1], False), at([[2.0, 2, 2], [5.0, 4, 5]]))
    case(f"{name}(x * x)", lambda a, f=formula: f(a * a, None, False), at([-2.0, 2, 1]))
case("norm(x, inf)", lambda a: norm(math.inf)(a, None, False), at([3.0, -3, 1]))
case("norm(x, -inf)", lambda a: norm(-math.inf)(a, None, False), x(4, avoid=(0,)))
case("norm(x, 0)", lambda a: (a != 0).double().sum(), at([1.0, 0, -2]), order=0)
case("norm(x)", lambda a: torch.linalg.vector_norm(a), at([0.0, 0, 0]), order=1)
case("norm(x, axis=1)", lambda a: torch.linalg.vector_norm(a, dim=1), at([[0.0, 0], [3.0, 4]]), order=1)

# empty
for name, formula in (("sum", torch.sum), ("prod", torch.prod), ("mean", torch.mean)):
    case(f"{name}(x, axis=0)", lambda a, f=formula: f(a, 0), x(2, 0))
    case(f"{name}(x, axis=1, keepdims=true)", lambda a, f=formula: f(a, 1, keepdim=True), x(0, 3))
case("sum(x, axis=0)", lambda a: a.sum(0), x(0, 3))
case("logsumexp(x, axis=0)", lambda a: torch.full((2,), -math.inf, dtype=torch.float64), x(0, 2), order=0)
case("max(x, axis=1)", lambda a: a.sum(1), x(0, 3))
case("cumsum(x, axis=0)", lambda a: a, x(0, 3))

# counting and truth
for text, dims in AXES[:4] + [("axis=(0, 1)", [0, 1])]:
    more = ", " + text if text else ""
    whole = dict(low=-1, high=1, whole=True)
    case(f"count_nonzero(x{more})", lambda a, d=dims: (a != 0).sum(dims_of(a, d)), x(*SHAPE, **whole),
         order=0)
    case(f"any(x > 0{more})", lambda a, d=dims: ((a > 0).sum(dims_of(a, d)) > 0), x(*SHAPE, **whole), order=0)
    case(f"all(x >= 0{more})", lambda a, d=dims: ((a < 0).sum(dims_of(a, d)) == 0), x(*SHAPE, **whole),
         order=0)
    if dims is None or len(dims) == 1:
        for name, find in (("argmax", torch.argmax), ("argmin", torch.argmin)):
            for keep in (False, True):
                if dims is None and keep:
                    continue
                case(f"{name}(x{more}{', keepdims=true' if keep else ''})",
                     lambda a, f=find, d=dims, k=keep: f(a) if d is None else f(a, d[0], keepdim=k),
                         x(*SHAPE), order=0)

# scans
for text, dim in (("", 0), (", axis=0", 0), (", axis=-1", 0)):
    case(f"cumsum(x{text})", lambda a, d=dim: torch.cumsum(a, d), x(5))
    case(f"cumprod(x{text})", lambda a, d=dim: torch.cumprod(a, d), x(5))
for dim in (0, 1, -1):
    for name, formula in (("cumsum", torch.cumsum), ("cumprod", torch.cumprod)):
        case(f"{name}(x, axis={dim})", lambda a, f=formula, d=dim: f(a, d), x(2, 3))
        case(f"{name}(x.T, axis={dim})", lambda a, f=formula, d=dim: f(a.T, d), x(2, 3))
        case(f"{name}(x, axis={dim})", lambda a, f=formula, d=dim: f(a, d), x(2, 3, 2))
case("cumsum(x)", lambda a: torch.cumsum(a.flatten(), 0), x(2, 3))
case("cumprod(x)", lambda a: torch.cumprod(a.flatten(), 0), x(2, 3))

# shares
for name, formula in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
    for dim in (0, 1, 2, -1, -2):
        case(f"{name}(x, axis={dim})", lambda a, f=formula, d=dim: f(a, d), x(*SHAPE))
    case(f"{name}(x)", lambda a, f=formula: f(a, -1), x(4))
    case(f"{name}(x)", lambda a, f=formula: f(a, -1), x(2, 3))
    case(f"{name}(x.T)", lambda a, f=formula: f(a.T, -1), x(2, 3))
    case(f"{name}(3 * x) * x", lambda a, f=formula: f(3 * a, -1) * a, x(4))
    joint = (lambda a: torch.exp(a - logsumexp(a, [0, 2], True))) if name == "softmax" else \
        (lambda a: a - logsumexp(a, [0, 2], True))
    case(f"{name}(x, axis=(0, 2))", joint, x(*SHAPE))

# order
for dim in (0, 1, -1):
    for descending in (False, True):
        more = f", axis={dim}" + (", descending=true" if descending else "")
        case(f"sort(x{more})", lambda a, d=dim, r=descending: torch.sort(a, d, r)[0], x(3, 4))
        case(f"argsort(x{more})", lambda a, d=dim, r=descending: torch.argsort(a, d, r), x(3, 4), order=0)
    case(f"topk(x, 2, axis={dim})[0]", lambda a, d=dim: torch.topk(a, 2, d)[0], x(3, 4))
    case(f"topk(x, 2, axis={dim})[1]", lambda a, d=dim: torch.topk(a, 2, d)[1], x(3, 4), order=0)
case("sort(x)", lambda a: torch.sort(a)[0], x(6))
case("sort(x.T)", lambda a: torch.sort(a.T)[0], x(3, 2))
case("sort(x)[::2] * x[:3]", lambda a: torch.sort(a)[0][::2] * a[:3], x(6))
case("topk(x, 3)[0]", lambda a: torch.topk(a, 3)[0], x(6))
case("topk(x, 1)[1]", lambda a: torch.topk(a, 1)[1], x(6), order=0)
case("unique(x)", torch.unique, x(8, low=0, high=3, whole=True), order=0)
case("unique(x)", torch.unique, x(2, 4, low=0, high=3, whole=True), order=0)
for values in ([1.0, 2, 3, 4], [4.0, 1, 3], [2.0]):
    case("median(x)", lambda a: quantile(0.5)(a, None, False), at(values))
for q in (0, 0.25, 0.5, 0.9, 1):
    case(f"quantile(x, {q})", lambda a, q=q: quantile(q)(a, None, False), x(5))
    case(f"quantile(x, {q}, axis=1)", lambda a, q=q: quantile(q)(a, [1], False), x(3, 4))
case("quantile(x, [0.1, 0.6])", lambda a: torch.stack([quantile(q)(a, None, False) for q in (0.1, 0.6)]),
     x(5))
case("quantile(x, [0.1, 0.6], axis=0)", lambda a: torch.stack([quantile(q)(a, [0], False) for q in (0.1,
     0.6)]), x(3, 2))
case("tensor(allclose(x, y))", lambda a, b: torch.tensor(1.0), at([1.0, 2]), at([1.0, 2.00001]), order=0)
case("tensor(allclose(x, y))", lambda a, b: torch.tensor(0.0), at([1.0, 2]), at([1.0, 2.001]), order=0)
case("tensor(array_equal(x, y))", lambda a, b: torch.tensor(0.0), at([1.0, 2]), at([1.0, 2, 3]), order=0)
