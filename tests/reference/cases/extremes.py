"""Where naive formulas fail: large and tiny elements, corners of domains, infinities."""
import math

import torch
import torch.nn.functional as F

from cases.elementwise import softplus
from make_reference import at, case

inf, nan = math.inf, math.nan


def exact(values):
    """A formula that gives these values, known from elsewhere."""
    return lambda *_: torch.tensor(values, dtype=torch.float64)


FAR = [-1000.0, -710, -40, -1, 0, 1, 40, 710, 1000]
case("sigmoid(x)", torch.sigmoid, at(FAR), order=1)
case("softplus(x)", softplus, at(FAR), order=1)
case("tanh(x)", torch.tanh, at(FAR))
case("expm1(x)", torch.expm1, at([-1000.0, -40, -1e-10, 0, 1e-10, 1e-300, 40]))
case("exp(x)", torch.exp, at([-1000.0, -745, -700, 0, 700]), order=1)
case("log1p(x)", torch.log1p, at([1e-300, 1e-10, -1e-10, 0, 1e300, -0.999999]))
case("log(x)", torch.log, at([1e-300, 1e-10, 1, 1e300]), order=1)
case("log(x)", torch.log, at([0.0, -1, inf, nan]), order=0)
case("sqrt(x)", torch.sqrt, at([0.0, -1, inf, nan, 1e-300, 1e300]), order=0)
case("erf(x)", torch.erf, at([-30.0, -6, 1e-10, 6, 30]))
case("erfc(x)", torch.erfc, at([-30.0, -6, 1e-10, 6, 20, 26]))
case("erfc(x)", torch.erfc, at([26.5]))
case("gelu(x)", F.gelu, at([-30.0, -5, 0, 5, 1000]), order=1)
case("silu(x)", lambda a: a * torch.sigmoid(a), at([-1000.0, -30, 0, 30, 1000]), order=1)
case("mish(x)", lambda a: a * torch.tanh(softplus(a)), at([-1000.0, -30, 0, 30, 1000]), order=1)
case("elu(x)", F.elu, at([-1000.0, -1e-10, 1e-10, 1000]), order=1)
case("asinh(x)", torch.asinh, at([-1e10, -1e-10, 0, 1e-10, 1e10]), order=1)
case("acosh(x)", torch.acosh, at([1.0, 1 + 1e-8, 1e10]), order=0)
case("atanh(x)", torch.atanh, at([-1 + 1e-10, -1e-10, 0, 1e-10, 1 - 1e-10]), order=1)
case("atanh(x)", torch.atanh, at([-1.0, 1, 2]), order=0)
case("asin(x)", torch.asin, at([-1.0, 1, 2]), order=1)
case("acos(x)", torch.acos, at([-1.0, 1, 2]), order=1)
case("sin(x)", torch.sin, at([1e6, 1e15, -1e22]))
case("cos(x)", torch.cos, at([1e6, 1e15, -1e22]))
case("tan(x)", torch.tan, at([1e6, 1.5707963, 0.0]), order=1)
case("sinh(x)", torch.sinh, at([-700.0, -1e-10, 0, 1e-10, 700]), order=1)
case("cosh(x)", torch.cosh, at([-700.0, 0, 700]), order=1)
case("lgamma(x)", torch.lgamma, at([1e-300, 1e-10, 1, 2, 100, 1e10, 1e300]), order=0)
case("lgamma(x)", torch.lgamma, at([-0.5, -1.5, -10.25]), order=0)
case("lgamma(x)", torch.lgamma, at([0.0, -1, -20]), order=0)
case("digamma(x)", torch.digamma, at([1e-10, 0.25, 1, 2, 100, 1e10]), order=0)
case("digamma(x)", torch.digamma, at([-0.5, -1.5, -10.25]), order=0)
case("reciprocal(x)", torch.reciprocal, at([1e-300, -1e300, inf, 0.0]), order=0)
case("cbrt(x)", exact([1e100, -1e-100, 0, inf]), at([1e300, -1e-300, 0.0, inf]), order=0)
case("floor(x)", torch.floor, at([1e300, -0.5, -1e-300, inf]), order=0)
case("round(x)", torch.round, at([0.5, 1.5, 2.5, -0.5, -1.5, 4503599627370497.5]), order=0)
case("trunc(x)", torch.trunc, at([1e300, -0.9, 0.9]), order=0)
case("sign(x)", torch.sign, at([1e-300, -inf, 0]), order=0)

# products and quotients at the ends of the range
case("hypot(x, y)", lambda a, b: torch.hypot(a, b), at([3e300, 3e-300, 0, 1e300]),
     at([4e300, 4e-300, 5, 1.0]), order=1)
case("hypot(x, y)", torch.hypot, at([inf, 3]), at([1.0, -inf]), order=0)
case("norm(x)", lambda a: a.abs().max() * torch.linalg.vector_norm(a / a.abs().max()), at([3e300, 4e300]),
     order=0)
case("norm(x)", lambda a: a.abs().max() * torch.linalg.vector_norm(a / a.abs().max()), at([3e-300, 4e-300]),
     order=0)
case("norm(x) / 1e300", lambda a: torch.linalg.vector_norm(a / 1e300), at([3e300, 4e300, 12e300]), order=0)
case("grad(norm)(x)", exact([0.6, 0.8]), at([3e300, 4e300], constant=True))
case("grad(norm)(x)", exact([0.6, 0.8]), at([3e-300, 4e-300], constant=True))
case("grad(norm)(x)", exact([0.0, 0.0]), at([0.0, 0.0], constant=True))
case("atan2(x, y)", torch.atan2, at([1.0, 1, -1, -1, 2]), at([1.0, -1, 1, -1, -3]))
case("atan2(x, y)", torch.atan2, at([0.0, 0, 1, -1]), at([1.0, -1, 0, 0]))
case("atan2(x, y)", torch.atan2, at([0.0, -0.0, 0.0, -0.0]), at([0.0, 0.0, -0.0, -0.0]), order=0)
case("atan2(x, y)", torch.atan2, at([inf, -inf, 1]), at([inf, inf, -inf]), order=0)

# powers
case("x ^ y", torch.pow, at([0.0, 0, 0]), at([1.0, 2, 3]), order=1)
case("x ^ y", torch.pow, at([0.0, 2, -1]), at([0.0, 0, 0]), order=0)
case("grad(t -> sum(t ^ 0))(x)", exact([0.0, 0, 0]), at([0.0, 2, -1], constant=True))
case("grad(t -> sum(x ^ t))(y)", exact([0.0, 0, 0]), at([0.0, 0, 0], constant=True),
     at([1.0, 2, 0.5], constant=True))
case("x ^ 2", lambda a: a ** 2, at([-3.0, 0, 2]))
case("x ^ 3", lambda a: a ** 3, at([-3.0, 0, 2]))
case("x ^ -1", lambda a: 1 / a, at([-3.0, 2]))
case("x ^ 1", lambda a: a ** 1, at([-3.0, 0, 2]))
case("x ^ 0.5", torch.sqrt, at([4.0, 0, 2]), order=1)
case("x ^ y", torch.pow, at([-2.0, -2, -8]), at([3.0, -2, 0]), order=0)
case("x ^ y", torch.pow, at([-2.0, -2, -1]), at([0.5, 1.5, inf]), order=0)
case("x ^ y", torch.pow, at([2.0, 0.5, 0, inf, 1]), at([inf, inf, -1, -1, nan]), order=0)
case("x % y", torch.remainder, at([5.0, -5, 5, -5]), at([3.0, 3, -3, -3]))
case("x // y", lambda a, b: torch.floor(a / b), at([5.0, -5, 5, -5]), at([3.0, 3, -3, -3]), order=0)
case("x % y", torch.remainder, at([5.5, -0.5]), at([0.0, 0.0]), order=0)
case("x / y", torch.div, at([1.0, -1, 0, inf]), at([0.0, 0, 0, inf]), order=0)
case("maximum(x, y)", torch.maximum, at([nan, 1, inf]), at([1.0, nan, 2]), order=0)
case("minimum(x, y)", torch.minimum, at([nan, 1, -inf]), at([1.0, nan, 2]), order=0)

# sums of exponentials
for values in ([1000.0, 1000], [-1000.0, -1001], [0.0, -1000, 1000], [-inf, 0, 1], [-inf, 2.0],
    [700.0, 710, 720]):
    case("logsumexp(x)", lambda a: torch.logsumexp(a, 0), at(values), order=1)
case("logsumexp(x)", exact(-inf), at([-inf, -inf]), order=0)
case("logsumexp(x)", exact(inf), at([inf, 1.0]), order=0)
case("logsumexp(x, axis=1)", lambda a: torch.logsumexp(a, 1), at([[1e5, 1e5 + 1], [-1e5, 3]]))
for values in ([1000.0, 1001, 999], [-1000.0, 0, 1000], [1e300, 0.0], [-inf, 0.0, 1]):
    case("softmax(x)", lambda a: torch.softmax(a, 0), at(values), order=1)
case("log_softmax(x)", lambda a: torch.log_softmax(a, 0), at([1000.0, 1001, 999]))
case("log_softmax(x)", lambda a: torch.log_softmax(a, 0), at([-1000.0, 0, 1000]))
case("log_softmax(x)", lambda a: torch.log_softmax(a, 0), at([1e300, 0.0]), order=1)

# losses from logits
target = torch.tensor([0, 2])
case("cross_entropy(x, [0, 2])", lambda a: F.cross_entropy(a, target),
     at([[1000.0, 0, -1000], [1000.0, 0, -1000]]))
case("cross_entropy(x, [0, 2])", lambda a: F.cross_entropy(a, target), at([[40.0, 0, -40], [1.0, 50, 100]]))
case("cross_entropy(x, [0, 2])", lambda a: F.cross_entropy(a, target), at([[1e10, 1e10, 0], [-1e10, 0, 1]]),
     order=1)
case("bce_with_logits(x, y)", F.binary_cross_entropy_with_logits, at([-1000.0, 1000, 0, 40, -40]),
     at([0.0, 1, 1, 0, 1], constant=True), order=1)
case("bce_with_logits(x, y)", F.binary_cross_entropy_with_logits, at([-1000.0, 1000]),
     at([1.0, 0], constant=True),
     order=1)
case("bce(x, y)", F.binary_cross_entropy, at([1e-10, 1 - 1e-10, 0.5]), at([0.0, 1, 1], constant=True),
     order=1)
case("huber(x, y)", lambda a, b: F.huber_loss(a, b), at([1e10, 0.0, 0.5]), at([0.0, -1e10, 0.2]))
case("mse(x, y)", lambda a, b: F.mse_loss(a, b), at([1e150, 0.0]), at([0.0, 1e-150]), order=0)

# stable variance, exact products
LARGE = [1e8 + 4, 1e8 + 7, 1e8 + 13, 1e8 + 16]
case("var(x)", lambda a: torch.var(a), at(LARGE))
case("std(x)", lambda a: torch.std(a), at(LARGE))
case("var(x)", exact(30.0), at([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]), order=0)
case("prod(x)", exact(1.0), at([1e200, 1e-200, 1e100, 1e-100]), order=0)
for zeros in ([2.0, 0, 3], [0.0, 0, 3], [0.0, 0, 0], [0.0], [5.0]):
    case("prod(x)", lambda a: torch.stack([math.prod(list(a))]).sum(), at(zeros))
    case("cumprod(x)", lambda a: torch.stack([math.prod(list(a[:k + 1])) for k in range(len(a))]), at(zeros))
case("prod(x, axis=1)", lambda a: a[:, 0] * a[:, 1] * a[:, 2], at([[1.0, 0, 2], [0.0, 0, 3], [1.0, 2, 3]]))
case("cumprod(x, axis=1)", lambda a: torch.stack((a[:, 0], a[:, 0] * a[:, 1], a[:, 0] * a[:, 1] * a[:, 2]),
     1),
     at([[1.0, 0, 2], [0.0, 0, 3], [1.0, 2, 3]]))

# what is not chosen does not count
case("where(x > 0, log(x), 0)", lambda a: torch.where(a > 0,
     torch.log(torch.where(a > 0, a, torch.ones_like(a))),
     torch.zeros_like(a)), at([0.0, -1, 2]))
case("where(x > 0, 1 / x, x)", lambda a: torch.where(a > 0, 1 / torch.where(a > 0, a, torch.ones_like(a)), a),
     at([0.0, -1, 2]))
case("where(x < 700, exp(x), 0)", lambda a: torch.where(a < 700, torch.exp(torch.where(a < 700, a,
     torch.zeros_like(a))), torch.zeros_like(a)), at([1000.0, -1, 2]))
case("where(abs(x) < 1, asin(x), x)", lambda a: torch.where(a.abs() < 1,
     torch.asin(torch.where(a.abs() < 1, a,
     torch.zeros_like(a))), a), at([3.0, -0.5, -7]))
case("max(x)", exact(nan), at([1.0, nan, 2]), order=0)
case("min(x)", exact(nan), at([1.0, nan, 2]), order=0)
case("sum(x)", exact(nan), at([1.0, nan]), order=0)
case("max(x)", exact(inf), at([1.0, inf]), order=0)
case("sum(x)", exact(0.0), at([]), order=0)
case("prod(x)", exact(1.0), at([]), order=0)
case("mean(x)", exact(nan), at([]), order=0)

# where a function is constant, an infinite slope outside of it does not matter
case("sqrt(relu(x))", lambda a: torch.sqrt(torch.relu(a)), at([-1.0, 0, 2]))
case("sqrt(maximum(x, 0))", lambda a: torch.sqrt(torch.maximum(a, torch.zeros_like(a))), at([-1.0, 2]))
case("sqrt(-minimum(x, 0))", lambda a: torch.sqrt(-torch.minimum(a, torch.zeros_like(a))), at([1.0, -2]))
case("log(clip(x, 0, 1))", lambda a: torch.log(torch.clamp(a, 0, 1)), at([-1.0, 0.5, 2]))
case("acos(clip(x, -1, 1))", lambda a: torch.acos(torch.clamp(a, -1, 1)), at([2.0, -3, 0.5]))
case("1 / relu(x)", lambda a: 1 / torch.relu(a), at([-1.0, 2]))
