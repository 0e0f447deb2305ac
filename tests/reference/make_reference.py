#!/usr/bin/env python3
"""Writes reference.txt: values and gradients of dbx expressions, as PyTorch computes them in float64.

The tests read the file (tests/unit/test_reference.c) and need no PyTorch. One line is one case:

    EXPRESSION | x[2,3] ELEMENTS | = [2] ELEMENTS | x' ELEMENTS | x'' ELEMENTS | tol 1e-8 REASON

that is: the expression in dbx (or the body of a function, in braces); its inputs with their shapes and
elements row by row, where one without gradient is written x!; the result; the gradient of each input, for the
cotangent c[k] = ((7 k + 3) mod 11 - 5.5) / 4 of the result's k-th element; the gradient of the sum of all
(gradient * v), v[k] = ((5 k + 2) mod 13 - 6.5) / 8; and a tolerance, where it is not 1e-10 relative, with the
reason why.

Where the conventions of the language differ from PyTorch's, the cases compute what the language says:
max and min reductions give the full gradient to every tied position (PyTorch: to one, or a share to each), the
median of an even number is the mean of the two middle ones (PyTorch: the lower), softplus and mish have no
threshold, and derivatives of digamma go by the zeta function, as PyTorch's trigamma is good to 1e-9 only.

usage: make_reference.py [OUTPUT]
"""
import importlib
import math
import random
import sys
from pathlib import Path

import torch

FOLDER = Path(__file__).resolve().parent
FAMILIES = ["elementwise", "extremes", "reductions", "algebra", "shapes", "indexing", "neural", "programs"]
NAMES = "xyzwuv"


class Input:
    """Elements and shape of one input. Drawn when the case is known, so that a new case changes no other."""

    def __init__(self, shape=None, values=None, low=-2.0, high=2.0, avoid=(), constant=False, whole=False):
        self.shape, self.values, self.low, self.high = shape, values, low, high
        self.avoid, self.constant, self.whole = avoid, constant, whole

    def tensor(self, source):
        if self.values is not None:
            data = torch.tensor(self.values, dtype=torch.float64)
        else:
            data = torch.tensor([self.draw(source) for _ in range(math.prod(self.shape))],
                                dtype=torch.float64).reshape(self.shape)
        return data if self.constant else data.requires_grad_()

    def draw(self, source):
        while True:
            value = source.uniform(self.low, self.high)
            value = (float(round(value)) if self.whole else round(value, 2)) + 0.0    # no -0
            if all(abs(value - kink) >= 0.05 for kink in self.avoid):
                return value


def x(*shape, **options):
    """An input of this shape with random elements; constant: without gradient."""
    return Input(shape=shape, **options)


def at(values, **options):
    """An input with these elements."""
    return Input(values=values, **options)


cases = {}


def case(text, function, *inputs, order=2, tol=None):
    """One case. `function` is the PyTorch formula of the inputs; order 0 asks for the value alone, 1 for the
    gradient, 2 for the second one too; tol is (tolerance, reason)."""
    key = text + " | " + " ".join(str(i.shape if i.values is None else i.values) for i in inputs)
    assert key not in cases, f"twice: {key}"
    assert " | " not in text and "\n" not in text
    cases[key] = (text, function, inputs, order, tol)


def number(value):
    if math.isnan(value) or math.isinf(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 and math.copysign(1, value) > 0 \
        else repr(value)


def elements(tensor):
    # A copy gives storage to the zeros that PyTorch leaves without.
    values = torch.empty(tensor.shape, dtype=torch.float64).copy_(tensor.detach())
    return "".join(" " + number(v) for v in values.flatten().tolist())


def shape_of(tensor):
    return "[" + ",".join(str(n) for n in tensor.shape) + "]"


def pattern(like, factor, offset, modulus, divisor):
    count = like.numel()
    values = [((factor * k + offset) % modulus - modulus / 2) / divisor for k in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(like.shape)


def gradients(result, leaves, weights, create_graph):
    total = sum((r * w).sum() for r, w in zip(result, weights))
    if not total.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(total, leaves, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves)]


def line_of(key, text, function, inputs, order, tol):
    source = random.Random(key)
    given = [i.tensor(source) for i in inputs]
    result = torch.as_tensor(function(*given))
    parts = [text]
    for name, tensor in zip(NAMES, given):
        parts.append(f"{name}{'' if tensor.requires_grad else '!'}{shape_of(tensor)}{elements(tensor)}")
    parts.append(f"= {shape_of(result)}{elements(result)}")
    leaves = [t for t in given if t.requires_grad]
    names = [n for n, t in zip(NAMES, given) if t.requires_grad]
    if order > 0 and leaves and result.dtype == torch.float64:
        first = gradients([result], leaves, [pattern(result, 7, 3, 11, 4)], order > 1)
        parts += [f"{name}'{elements(g)}" for name, g in zip(names, first)]
        if order > 1:
            second = gradients(first, leaves, [pattern(g, 5, 2, 13, 8) for g in first], False)
            parts += [f"{name}''{elements(g)}" for name, g in zip(names, second)]
    if tol is not None:
        parts.append("tol %g %s" % tol)
    return " | ".join(parts)


def main():
    sys.modules["make_reference"] = sys.modules["__main__"]
    sys.path.insert(0, str(FOLDER))
    torch.set_num_threads(1)
    version = torch.__version__.split("a")[0]
    lines = [f"# Made by make_reference.py, which says how to read it, with PyTorch {version}"]
    for family in FAMILIES:
        before = len(cases)
        importlib.import_module("cases." + family)
        lines.append(f"# {family}: {len(cases) - before} cases")
        for key in list(cases)[before:]:
            try:
                lines.append(line_of(key, *cases[key]))
            except Exception as error:
                raise SystemExit(f"{key}: {error}") from error
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "reference.txt"
    output.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{len(cases)} cases, {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
