"""Programs of many operations: models, control flow, and derivatives inside of functions."""
import math

import torch
import torch.nn.functional as F
from torch.autograd.functional import hessian, jacobian

from make_reference import at, case, x

T = torch.tensor


def body(*lines):
    return "{ " + "; ".join(lines) + " }"


# models
for n in (1, 3):
    case(body("h = tanh(x @ y + z)", "return sigmoid(h @ w)"), lambda a, w1, b,
         w2: torch.sigmoid(torch.tanh(a @ w1 + b) @ w2),
         x(n, 2), x(2, 3), x(3), x(3, 1))
    case(body("h = relu(x @ y + z)", "return cross_entropy(h @ w, " + str([k % 2 for k in range(n)]) + ")"),
         lambda a, w1, b, w2: F.cross_entropy(torch.relu(a @ w1 + b) @ w2, torch.arange(a.shape[0]) % 2),
             x(n, 2), x(2, 3), x(3), x(3, 2))
    case(body("h = layer_norm(gelu(x @ y))", "return mse(h @ z, x)"),
         lambda a, w1, w2: F.mse_loss(F.layer_norm(F.gelu(a @ w1), (3,)) @ w2, a), x(n, 2), x(2, 3), x(3, 2))
    case(body("h = batch_norm(silu(x @ y))", "return mean(h^3)"),
         lambda a, w: (F.batch_norm(F.silu(a @ w), None, None, training=True) ** 3).mean(), x(n + 2, 2),
             x(2, 3))
    case(body("return x + tanh(x @ y) @ y.T"), lambda a, w: a + torch.tanh(a @ w) @ w.T, x(n, 2), x(2, 3))


def attention(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v


for shape in ((3, 2), (2, 3, 2)):
    case(body("return softmax(x @ y' / sqrt(2)) @ z"), attention, x(*shape), x(*shape), x(*shape))
    case(body("return softmax(x @ x' / sqrt(2)) @ x"), lambda a: attention(a, a, a), x(*shape))
case(body("s = x @ y' / sqrt(2)", "s = where(tril(ones(3, 3)) > 0, s, -inf)", "return softmax(s) @ z"),
     lambda q, k, v: torch.softmax(torch.where(torch.tril(torch.ones(3, 3)) > 0, q @ k.T / math.sqrt(2),
         T(-math.inf,
     dtype=torch.float64)), -1) @ v, x(3, 2), x(3, 2), x(3, 2))


def rnn(a, h, w):
    for row in a:
        h = torch.tanh(row @ w + h)
    return h


case(body("h = y", "for r in x { h = tanh(r @ z + h) }", "return h"), rnn, x(4, 2), x(3), x(2, 3))
case(body("h = y", "for i in range(len(x)) { h = 0.5 * h + x[i] * sigmoid(h) }", "return h"),
     lambda a, h: loop(a, h), x(3, 2), x(2))


def loop(a, h):
    for row in a:
        h = 0.5 * h + row * torch.sigmoid(h)
    return h


def gru(a, h, w, u):
    for row in a:
        g = row @ w + h @ u
        r, z = torch.sigmoid(g[:2]), torch.sigmoid(g[2:4])
        n = torch.tanh(g[4:] * r)
        h = (1 - z) * n + z * h
    return h


case(body("h = y", "for v in x { g = v @ z + h @ w; r = sigmoid(g[:2]); u = sigmoid(g[2:4]); "
          "n = tanh(g[4:] * r); h = (1 - u) * n + u * h }", "return h"), gru, x(2, 3), x(2), x(3, 6), x(2, 6))
case(body("return max_pool2d(relu(conv2d(x, y, z, padding=1)), 2)"),
     lambda a, w, b: F.max_pool2d(torch.relu(F.conv2d(a, w, b, 1, 1)), 2), x(1, 1, 4, 4), x(2, 1, 3, 3), x(2))
case(body("h = max_pool2d(tanh(conv2d(x, y)), 2)", "return h.reshape(1, -1) @ z"),
     lambda a, w, v: F.max_pool2d(torch.tanh(F.conv2d(a, w)), 2).reshape(1, -1) @ v, x(1, 1, 5, 5),
         x(1, 1, 2, 2), x(4, 2))
case(body("e = embedding([0, 2, 1, 0], x)", "return softmax(mean(e, axis=0) @ y)"),
     lambda e, w: torch.softmax(e[T([0, 2, 1, 0])].mean(0) @ w, 0), x(3, 2), x(2, 3))

# likelihoods
case(body("return sum(-0.5 * ((x - y) / z)^2 - log(z) - 0.5 * log(2 * pi))"),
     lambda a, m, s: torch.distributions.Normal(m, s).log_prob(a).sum(), x(4), x(), x(low=0.5, high=2))
case(body("return sum((y - 1) * log(x) - z * x + y * log(z) - lgamma(y))"),
     lambda a, k, r: ((k - 1) * torch.log(a) - r * a + k * torch.log(r) - torch.lgamma(k)).sum(),
         x(3, low=0.5, high=3),
     at([2.0, 3, 1.5], constant=True), x(low=0.5, high=2))
case(body("d = x - y", "S = z @ z.T + eye(2)",
     "return -0.5 * dot(d, solve(S, d)) - 0.5 * logdet(S) - log(2 * pi)"),
     lambda a, m, l: torch.distributions.MultivariateNormal(m,
         l @ l.T + torch.eye(2, dtype=torch.float64)).log_prob(a),
     x(2), x(2), x(2, 2))
case(body("return logsumexp(log_softmax(x) - 0.5 * (y - z)^2)"),
     lambda w, a, m: torch.logsumexp(torch.log_softmax(w, 0) - 0.5 * (a - m) ** 2, 0), x(3), x(), x(3))
case(body("p = softmax(x)", "return -sum(p * log(p))"),
     lambda a: torch.distributions.Categorical(logits=a).entropy(), x(4))
case(body("p = sigmoid(x)", "return sum(p * log(p / y) + (1 - p) * log((1 - p) / (1 - y)))"),
     lambda a, q: torch.nn.functional.kl_div(torch.stack((q, 1 - q)).log(),
         torch.stack((torch.sigmoid(a), 1 - torch.sigmoid(a))),
                                             reduction="sum"), x(3), x(3, low=0.2, high=0.8))

# geometry and analysis
case(body("d = x[:, none] - x[none]", "return sqrt(sum(d^2, axis=-1) + 1)"),
     lambda a: torch.sqrt(((a[:, None] - a[None]) ** 2).sum(-1) + 1), x(3, 2))
case(body("return exp(-0.5 * sum((x[:, none] - y[none])^2, axis=-1)) @ z"),
     lambda a, b, c: torch.exp(-0.5 * ((a[:, None] - b[None]) ** 2).sum(-1)) @ c, x(3, 2), x(2, 2), x(2))
case(body("return dot(x, y) / (norm(x) * norm(y))"), lambda a, b: F.cosine_similarity(a, b, 0), x(3), x(3))
case(body("return x / norm(x, axis=1, keepdims=true)"), lambda a: F.normalize(a, dim=1), x(2, 3))
case(body("return (1 - x[0])^2 + 100 * (x[1] - x[0]^2)^2"),
     lambda a: (1 - a[0]) ** 2 + 100 * (a[1] - a[0] ** 2) ** 2, x(2))
case(body("s = 0", "for i in range(len(x)) { s = s * y + x[i] }", "return s"),
     lambda a, t: sum(c * t ** (len(a) - 1 - k) for k, c in enumerate(a)), x(4), x())
case(body("z = x", "for i in range(6) { z = 0.5 * (z + y / z) }", "return z"), lambda a, b: newton(a, b),
     x(low=1, high=2), x(low=1, high=4))
case(body("z = x", "while norm(z) < 20 { z = 2 * z }", "return z"), lambda a: doubled(a), x(3))
case(body("return sum(x) > 0 ? x^2 : -x"), lambda a: a ** 2 if a.sum() > 0 else -a, x(3))
case(body("return sin(cumsum(exp(x))) * cumprod(x)"),
     lambda a: torch.sin(torch.cumsum(torch.exp(a), 0)) * torch.cumprod(a, 0), x(4))
case(body("a, b = x", "return a * exp(b)"), lambda a: a[0] * torch.exp(a[1]), x(2))
case(body("t = (x, y)", "t = t - 0.1 * t", "return t[0] * t[1]"), lambda a, b: 0.81 * a * b, x(3), x(3))
case(body("r = {a: x, b: y}", "r.a = r.a * 2", "return r.a @ r.b"), lambda a, b: 2 * a @ b, x(3), x(3))
case(body("g = map(v -> v^2, (x, y))", "return g[0] * g[1]"),
     lambda a, b: a ** 2 * b ** 2, x(3), x(3))


def newton(a, b):
    for _ in range(6):
        a = 0.5 * (a + b / a)
    return a


def doubled(a):
    while a.norm() < 20:
        a = 2 * a
    return a


# a nograd block and detach cut
case(body("return x * detach(x)"), lambda a: a * a.detach(), x(3))
case("detach(exp(x)) + x^2", lambda a: torch.exp(a).detach() + a ** 2, x(3))


def grad(function):
    """PyTorch's gradient of a function of one tensor, itself differentiable."""
    def gradient(a):
        with torch.enable_grad():
            b = a if a.requires_grad else a.clone().requires_grad_()
            return torch.autograd.grad(function(b).sum(), b, create_graph=True)[0]
    return gradient


# derivatives inside of functions
SMOOTH = [("t -> sin(t) * t", lambda t: torch.sin(t) * t), ("t -> exp(-t^2)", lambda t: torch.exp(-t ** 2)),
          ("t -> tanh(t)^2", lambda t: torch.tanh(t) ** 2), ("t -> t^3 - 2 * t", lambda t: t ** 3 - 2 * t),
          ("t -> log(1 + t^2)", lambda t: torch.log(1 + t ** 2)), ("t -> softplus(t) * sigmoid(t)",
          lambda t: torch.logaddexp(t, 0 * t) * torch.sigmoid(t))]
for text, f in SMOOTH:
    case(f"({text})'(x)", grad(f), x(3))
    case(f"({text})''(x)", grad(grad(f)), x(), order=1)
    case(f"({text})''' (x)".replace(" (", "("), grad(grad(grad(f))), x(2), order=0)
    case(f"jvp({text}, x, y)[1]", lambda a, v, f=f: grad(f)(a) * v, x(3), x(3))
    case(f"vjp({text}, x)[1](y)", lambda a, v, f=f: grad(f)(a) * v, x(3), x(3))
    case(f"diag(jacobian({text}, x))", grad(f), x(3))
VECTOR = [("t -> [t[0] * t[1], sin(t[2]), t[0]^2]",
    lambda t: torch.stack((t[0] * t[1], torch.sin(t[2]), t[0] ** 2))),
          ("t -> softmax(t)", lambda t: torch.softmax(t, 0)),
          ("t -> cumprod(t)", lambda t: torch.cumprod(t, 0)),
          ("t -> t / norm(t)", lambda t: t / torch.linalg.vector_norm(t)),
          ("t -> outer(t, t)", lambda t: torch.outer(t, t)),
          ("t -> sum(t^3)", lambda t: (t ** 3).sum())]
for text, f in VECTOR:
    case(f"jacobian({text}, x)", lambda a, f=f: jacobian(f, a, create_graph=True), x(3))
    case(f"jvp({text}, x, y)[1]", lambda a, v, f=f: (jacobian(f, a, create_graph=True) * v).sum(-1), x(3),
         x(3))
SCALAR = [("t -> sum(sin(t) * t)", lambda t: (torch.sin(t) * t).sum()),
    ("t -> logsumexp(t)", lambda t: torch.logsumexp(t, 0)),
          ("t -> prod(t)", lambda t: t[0] * t[1] * t[2]),
          ("t -> t[0]^2 * t[1] * exp(t[2])", lambda t: t[0] ** 2 * t[1] * torch.exp(t[2])),
          ("t -> norm(t)", lambda t: torch.linalg.vector_norm(t))]
for text, f in SCALAR:
    case(f"hessian({text}, x)", lambda a, f=f: hessian(f, a, create_graph=True), x(3))
    case(f"hvp({text}, x, y)", lambda a, v, f=f: hessian(f, a, create_graph=True) @ v, x(3), x(3))
    case(f"value_and_grad({text})(x)[1]", lambda a, f=f: grad(f)(a), x(3))
case("vmap(t -> t^2 * sum(t))(x)", lambda a: a ** 2 * a.sum(1, keepdim=True), x(2, 3))
case("vmap(grad(t -> sum(t^3)))(x)", lambda a: 3 * a ** 2, x(2, 3))
case("vmap((a, b) -> a @ b, axes=(0, none))(x, y)", lambda a, b: a @ b, x(3, 2), x(2, 2))
case("grad(t -> grad(s -> s^2 * t)(x))(y)", lambda a, b: 2 * a + 0 * b, x(), x())
case("x * grad(t -> t * x)(y)", lambda a, b: a * a + 0 * b, x(), x())
case("custom_grad(t -> t^2, (g, out, t) -> 3 * g * t)(x)", lambda a: a ** 2 * 1, x(), order=0)
case("checkpoint(t -> sin(t) * t)(x)", lambda a: torch.sin(a) * a, x(3))
