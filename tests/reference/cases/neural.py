"""Convolutions, pooling, normalisation, losses."""
import torch
import torch.nn.functional as F

from make_reference import at, case, x

# conv2d: images, filters, stride, padding
CONV2 = [((1, 1, 3, 3), (1, 1, 2, 2), 1, 0), ((2, 2, 4, 3), (3, 2, 2, 2), 1, 0),
    ((1, 2, 4, 4), (2, 2, 3, 3), 1, 1),
         ((1, 1, 5, 4), (2, 1, 2, 2), 2, 0), ((1, 2, 4, 5), (1, 2, 3, 2), 2, 1),
         ((2, 1, 3, 3), (2, 1, 1, 1), 1, 0),
         ((1, 1, 4, 4), (1, 1, 4, 4), 1, 0), ((1, 1, 2, 2), (1, 1, 3, 3), 1, 2),
         ((1, 1, 5, 5), (1, 1, 2, 3), (2, 1), (0, 2)),
         ((1, 1, 6, 4), (1, 1, 3, 1), (3, 2), (1, 0)), ((1, 3, 3, 3), (2, 3, 2, 2), 1, 1),
         ((0, 1, 3, 3), (2, 1, 2, 2), 1, 0)]
for images, filters, stride, padding in CONV2:
    more = f", stride={stride}, padding={padding}" if (stride, padding) != (1, 0) else ""
    case(f"conv2d(x, y{more})", lambda a, w, s=stride, p=padding: F.conv2d(a, w, None, s, p), x(*images),
         x(*filters))
    case(f"conv2d(x, y, z{more})", lambda a, w, b, s=stride, p=padding: F.conv2d(a, w, b, s, p), x(*images),
         x(*filters),
         x(filters[0]))
case("tanh(conv2d(x, y, padding=1))", lambda a, w: torch.tanh(F.conv2d(a, w, None, 1, 1)), x(1, 1, 3, 3),
     x(2, 1, 3, 3))
case("conv2d(x.T, y[:, ::-1])", lambda a, w: F.conv2d(a.permute(3, 2, 1, 0), w.flip(1)), x(3, 3, 2, 1),
     x(2, 2, 2, 2))
for signal, filters, stride, padding in [((1, 1, 4), (1, 1, 2), 1, 0), ((2, 2, 5), (3, 2, 3), 1, 1),
    ((1, 1, 6), (2, 1, 2), 2, 0),
                                         ((1, 2, 5), (1, 2, 3), 2, 1), ((2, 1, 3), (1, 1, 1), 1, 0),
                                         ((1, 1, 3), (1, 1, 5), 1, 2)]:
    more = f", stride={stride}, padding={padding}" if (stride, padding) != (1, 0) else ""
    case(f"conv1d(x, y{more})", lambda a, w, s=stride, p=padding: F.conv1d(a, w, None, s, p), x(*signal),
         x(*filters))
    case(f"conv1d(x, y, z{more})", lambda a, w, b, s=stride, p=padding: F.conv1d(a, w, b, s, p), x(*signal),
         x(*filters),
         x(filters[0]))

for shape, size, stride in [((1, 1, 4, 4), 2, None), ((2, 1, 4, 3), 2, 1), ((1, 2, 5, 5), 3, 2),
    ((1, 1, 5, 4), (2, 3), 1),
                            ((1, 1, 4, 6), (2, 3), None), ((1, 1, 5, 5), 2, (1, 2)), ((1, 1, 3, 3), 3, None),
                            ((1, 1, 3, 3), 1, None)]:
    more = f"{size}" + (f", {stride}" if stride else "")
    case(f"max_pool2d(x, {more})", lambda a, n=size, s=stride: F.max_pool2d(a, n, s), x(*shape), order=1)
    case(f"avg_pool2d(x, {more})", lambda a, n=size, s=stride: F.avg_pool2d(a, n, s), x(*shape), order=1)
    case(f"max_pool2d(x, {more})^3", lambda a, n=size, s=stride: F.max_pool2d(a, n, s) ** 3, x(*shape))
    case(f"avg_pool2d(x, {more})^3", lambda a, n=size, s=stride: F.avg_pool2d(a, n, s) ** 3, x(*shape))


def normal(a, dims, eps, w=None, b=None, at_axis=-1):
    centred = a - a.mean(dims, keepdim=True)
    out = centred / torch.sqrt((centred ** 2).mean(dims, keepdim=True) + eps)
    shape = [1] * a.dim()
    shape[at_axis] = -1
    out = out if w is None else out * w.reshape(shape)
    return out if b is None else out + b.reshape(shape)


for shape in ((4,), (2, 3), (2, 2, 3)):
    n = shape[-1]
    case("layer_norm(x)", lambda a: normal(a, [-1], 1e-5), x(*shape))
    case("layer_norm(x, y)", lambda a, w: normal(a, [-1], 1e-5, w), x(*shape), x(n))
    case("layer_norm(x, y, z)", lambda a, w, b: normal(a, [-1], 1e-5, w, b), x(*shape), x(n), x(n))
    case("layer_norm(x, eps=0.1)", lambda a: normal(a, [-1], 0.1), x(*shape))
for shape in ((4, 2), (3, 2, 2), (2, 2, 2, 2)):
    dims = [0] + list(range(2, len(shape)))
    case("batch_norm(x)", lambda a, d=dims: normal(a, d, 1e-5), x(*shape))
    case("batch_norm(x, y)", lambda a, w, d=dims: normal(a, d, 1e-5, w, at_axis=1), x(*shape), x(2))
    case("batch_norm(x, y, z)", lambda a, w, b, d=dims: normal(a, d, 1e-5, w, b, 1), x(*shape), x(2), x(2))
    case("batch_norm(x, eps=0.5)", lambda a, d=dims: normal(a, d, 0.5), x(*shape))

# losses
PROB = dict(low=0.1, high=0.9)
for a, b in [((2, 3), (2, 3)), ((4,), (4,)), ((2, 3), (3,)), ((), (2,)), ((), ())]:
    case("mse(x, y)", lambda p, q: ((p - q) ** 2).mean(), x(*a), x(*b))
    case("mae(x, y)", lambda p, q: (p - q).abs().mean(), x(*a), x(*b))
    case("huber(x, y)", lambda p, q: F.huber_loss(*torch.broadcast_tensors(p, q)), x(*a), x(*b))
    case("huber(x, y, delta=0.3)", lambda p, q: F.huber_loss(*torch.broadcast_tensors(p, q), delta=0.3),
         x(*a), x(*b))
    case("bce(x, y)", lambda p, q: -(q * torch.log(p) + (1 - q) * torch.log(1 - p)).mean(), x(*a, **PROB),
         x(*b, **PROB))
    case("bce_with_logits(x, y)", lambda p, q: (torch.logaddexp(p, 0 * p) - p * q).mean(), x(*a),
         x(*b, **PROB))
case("mae(x, y)", lambda p, q: (p - q).abs().mean(), at([1.0, 2, 3]), at([1.0, 0, 5]))
case("huber(x, y)", F.huber_loss, at([1.0, 2, 3]), at([0.5, 0, 5]))
for shape, target, text in [((3, 4), [0, 3, 1], "[0, 3, 1]"), ((1, 2), [1], "[1]"),
    ((2, 3), [2, 2], "[2, 2]")]:
    case(f"cross_entropy(x, {text})", lambda a, k=torch.tensor(target): F.cross_entropy(a, k), x(*shape))
    case(f"cross_entropy(5 * x, {text})", lambda a, k=torch.tensor(target): F.cross_entropy(5 * a, k),
         x(*shape))
case("cross_entropy(x, 2)", lambda a: F.cross_entropy(a, torch.tensor(2)), x(4))
case("cross_entropy(x, [[0, 1], [2, 0]])", lambda a: F.cross_entropy(a, torch.tensor([[0, 1], [2, 0]])),
     x(2, 3, 2))
for shape in ((3, 4), (1, 3)):
    case("cross_entropy(x, y)", lambda a, q: -(q * torch.log_softmax(a, 1)).sum() / a.shape[0], x(*shape),
         x(*shape, **PROB))
    case("cross_entropy(x, softmax(y))", lambda a,
         q: -(torch.softmax(q, 1) * torch.log_softmax(a, 1)).sum() / a.shape[0],
         x(*shape), x(*shape))
case("cross_entropy(x, y)", lambda a, q: -(q * torch.log_softmax(a, 0)).sum(), x(4), x(4, **PROB))
case("dropout(x, 0.4, training=false)", lambda a: a * 1, x(2, 3))
case("dropout(x, 0)", lambda a: a * 1, x(2, 3))
case("dropout(x, 1)", lambda a: a * 0, x(2, 3))
