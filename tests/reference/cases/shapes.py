"""What moves elements without changing them, and what makes tensors from numbers."""
import torch

from make_reference import case, x

# text, formula, shape
MOVES = [
    ("reshape(x, 6)", lambda a: a.reshape(6), (2, 3)),
    ("reshape(x, 3, 2)", lambda a: a.reshape(3, 2), (2, 3)),
    ("reshape(x, (3, -1))", lambda a: a.reshape(3, -1), (2, 3)),
    ("x.reshape(-1)", lambda a: a.reshape(-1), (2, 3)),
    ("reshape(x.T, 2, 3)", lambda a: a.T.reshape(2, 3), (2, 3)),
    ("reshape(x, ())", lambda a: a.reshape(()), (1,)),
    ("reshape(x, 1, 1)", lambda a: a.reshape(1, 1), ()),
    ("reshape(x, 0, 3)", lambda a: a.reshape(0, 3), (2, 0)),
    ("view(x, 2, 3)", lambda a: a.reshape(2, 3), (3, 2)), ("flatten(x)", lambda a: a.flatten(), (2, 3)),
    ("flatten(x.T)", lambda a: a.T.flatten(), (2, 3)), ("flatten(x)", lambda a: a.flatten(), ()),
    ("transpose(x)", lambda a: a.T, (2, 3)), ("x.T", lambda a: a.permute(2, 1, 0), (2, 3, 2)),
    ("x'", lambda a: a.transpose(-1, -2), (2, 3, 2)), ("x'", lambda a: a * 1, (3,)),
    ("x.T", lambda a: a * 1, (3,)),
    ("transpose(x, (0, 2, 1))", lambda a: a.permute(0, 2, 1), (2, 3, 2)),
    ("permute(x, 2, 0, 1)", lambda a: a.permute(2, 0, 1), (2, 3, 2)),
    ("permute(x, (1, -1, 0))", lambda a: a.permute(1, 2, 0), (2, 3, 2)),
    ("squeeze(x)", lambda a: a.squeeze(), (1, 3, 1)),
    ("squeeze(x, axis=0)", lambda a: a.squeeze(0), (1, 3, 1)),
    ("squeeze(x, axis=(0, -1))", lambda a: a.squeeze(2).squeeze(0), (1, 3, 1)),
    ("squeeze(x)", lambda a: a.squeeze(), (2, 3)),
    ("unsqueeze(x, 0)", lambda a: a.unsqueeze(0), (2, 3)),
    ("unsqueeze(x, -1)", lambda a: a.unsqueeze(-1), (2, 3)),
    ("unsqueeze(x, 1)", lambda a: a.unsqueeze(1), (2, 3)), ("unsqueeze(x, 0)", lambda a: a.unsqueeze(0), ()),
    ("broadcast_to(x, (2, 3))", lambda a: a.expand(2, 3), (3,)),
    ("broadcast_to(x, (2, 3))", lambda a: a.expand(2, 3), (2, 1)),
    ("broadcast_to(x, (2, 2, 3))", lambda a: a.expand(2, 2, 3), (1, 3)),
    ("broadcast_to(x, (2,))", lambda a: a.expand(2), ()),
    ("flip(x)", lambda a: a.flip(0, 1), (2, 3)), ("flip(x, axis=0)", lambda a: a.flip(0), (2, 3)),
    ("flip(x, axis=-1)", lambda a: a.flip(1), (2, 3)),
    ("flip(x, axis=(0, 2))", lambda a: a.flip(0, 2), (2, 2, 3)),
    ("flip(x.T)", lambda a: a.T.flip(0, 1), (2, 3)),
    ("roll(x, 1)", lambda a: a.roll(1), (4,)), ("roll(x, -2)", lambda a: a.roll(-2), (2, 3)),
    ("roll(x, 1, axis=1)", lambda a: a.roll(1, 1), (2, 3)),
    ("roll(x, 7, axis=0)", lambda a: a.roll(7, 0), (3, 2)),
    ("roll(x, (1, -1), axis=(0, 1))", lambda a: a.roll((1, -1), (0, 1)), (3, 2)),
    ("tile(x, 2)", lambda a: a.tile(2), (3,)), ("tile(x, (2, 2))", lambda a: a.tile(2, 2), (2, 3)),
    ("tile(x, (2, 1))", lambda a: a.tile(2, 1), (3,)), ("tile(x, 3)", lambda a: a.tile(3), ()),
    ("tile(x, 2)", lambda a: a.tile(2), (2, 3)),
    ("repeat(x, 2)", lambda a: a.repeat_interleave(2), (3,)),
    ("repeat(x, 2)", lambda a: a.repeat_interleave(2), (2, 3)),
    ("repeat(x, 3, axis=0)", lambda a: a.repeat_interleave(3, 0), (2, 3)),
    ("repeat(x, 2, axis=-1)", lambda a: a.repeat_interleave(2, 1), (2, 3)),
    ("repeat(x, (1, 0, 2))", lambda a: a.repeat_interleave(torch.tensor([1, 0, 2])), (3,)),
    ("pad(x, 1)", lambda a: torch.nn.functional.pad(a, (1, 1)), (3,)),
    ("pad(x, (1, 2))", lambda a: torch.nn.functional.pad(a, (1, 2)), (3,)),
    ("pad(x, 1)", lambda a: torch.nn.functional.pad(a, (1, 1, 1, 1)), (2, 3)),
    ("pad(x, ((1, 0), (2, 1)))", lambda a: torch.nn.functional.pad(a, (2, 1, 1, 0)), (2, 3)),
    ("pad(x, ((0, 0), (1, 0)), 7)", lambda a: torch.nn.functional.pad(a, (1, 0, 0, 0), value=7), (2, 3)),
    ("split(x, 3)[1]", lambda a: a[2:4], (6,)), ("split(x, (1, 3))[1]", lambda a: a[1:4], (4, 2)),
    ("split(x, 2, axis=1)[0]", lambda a: a[:, :2], (2, 4)),
    ("split(x, (1, 2), axis=-1)[1]", lambda a: a[:, 1:], (2, 3)),
    ("concat((x, x))", lambda a: torch.cat((a, a)), (2, 3)),
    ("concat((x, 2 * x), axis=1)", lambda a: torch.cat((a, 2 * a), 1), (2, 3)),
    ("stack((x, x^2))", lambda a: torch.stack((a, a ** 2)), (2, 3)),
    ("stack((x, sin(x)), axis=-1)", lambda a: torch.stack((a, a.sin()), -1), (2, 3)),
    ("[x[0], x[1]^2]", lambda a: torch.stack((a[0], a[1] ** 2)), (2,)),
    ("[x, 2 * x]", lambda a: torch.stack((a, 2 * a)), (3,)),
    ("[x[0] * x[1], 3, x[2]]", lambda a: torch.stack((a[0] * a[1], torch.tensor(3.0, dtype=torch.float64),
    a[2])), (3,)),
    ("[[x[0], 1], [2, x[1]]]", lambda a: torch.stack((torch.stack((a[0], a[0] * 0 + 1)),
    torch.stack((a[1] * 0 + 2, a[1])))), (2,)),
]
for text, formula, shape in MOVES:
    case(text, formula, x(*shape), order=1)
    if not text.startswith("["):
        case(f"{{ z = {text}; return sum(z^3 * exp(z)) }}", lambda a,
             f=formula: (f(a) ** 3 * torch.exp(f(a))).sum(), x(*shape))
for a, b, axis in [((2,), (3,), 0), ((2, 1), (2, 3), 1), ((1, 2), (3, 2), 0), ((0,), (2,), 0),
    ((2, 2, 1), (2, 2, 2), -1)]:
    case(f"concat((x, y), axis={axis})", lambda p, q, d=axis: torch.cat((p, q), d), x(*a), x(*b), order=1)
    case(f"concat((x, y, x), axis={axis})^2", lambda p, q, d=axis: torch.cat((p, q, p), d) ** 2, x(*a), x(*b))
for shape, axis in [((), 0), ((3,), 0), ((3,), 1), ((2, 2), 1), ((2, 3), -1)]:
    case(f"stack((x, y), axis={axis})", lambda p, q, d=axis: torch.stack((p, q), d), x(*shape), x(*shape),
         order=1)
    case(f"stack((x, y), axis={axis})^2", lambda p, q, d=axis: torch.stack((p, q), d) ** 2, x(*shape),
         x(*shape))

# from numbers
case("linspace(x, y, 5)", lambda a, b: a + (b - a) * torch.arange(5, dtype=torch.float64) / 4, x(), x())
case("logspace(x, y, 4)", lambda a, b: 10 ** (a + (b - a) * torch.arange(4, dtype=torch.float64) / 3), x(),
     x())
case("full((2, 2), x)", lambda a: a.expand(2, 2), x())
case("full_like(x, y)", lambda a, b: 0 * a + b, x(2, 3), x())
case("zeros_like(x) + x", lambda a: a * 1, x(2, 3))
case("ones_like(x) * x^2", lambda a: a ** 2, x(2, 3))
case("eye(3) * x", lambda a: torch.eye(3, dtype=torch.float64) * a, x(3))
case("arange(3) * x", lambda a: torch.arange(3, dtype=torch.float64) * a, x(3))
case("arange(1, 2, 0.25) + 0 * x", lambda a: torch.arange(1, 2, 0.25, dtype=torch.float64) + 0 * a, x())
case("meshgrid(x, y)[0]", lambda a, b: torch.meshgrid(a, b, indexing="xy")[0], x(2), x(3))
case("meshgrid(x, y)[1]", lambda a, b: torch.meshgrid(a, b, indexing="xy")[1], x(2), x(3))
case("meshgrid(x, y, indexing=\"ij\")[1]", lambda a, b: torch.meshgrid(a, b, indexing="ij")[1], x(2), x(3))
case("one_hot([0, 2, 1], 3) @ x", lambda a: torch.eye(3, dtype=torch.float64)[[0, 2, 1]] @ a, x(3, 2))
case("tensor((x, 2 * x))", lambda a: torch.stack((a, 2 * a)), x())
case('x.to("float32").to("float64")', lambda a: a * 1, x(3, low=1, high=4, whole=True))
case('(x.to("int64") * 2).to("float64")', lambda a: torch.trunc(a) * 2, x(4), order=0)
