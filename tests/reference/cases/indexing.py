"""Reading by index, and assigning to it."""
import torch

from make_reference import case, x

I = torch.tensor
# text, formula, shape
READ = [
    ("x[0]", lambda a: a[0], (3,)), ("x[-1]", lambda a: a[-1], (3,)), ("x[1]", lambda a: a[1], (2, 3)),
    ("x[1, 2]", lambda a: a[1, 2], (2, 3)), ("x[-1, 0]", lambda a: a[-1, 0], (2, 3)),
    ("x[:, 1]", lambda a: a[:, 1], (2, 3)),
    ("x[..., 0]", lambda a: a[..., 0], (2, 3, 2)), ("x[0, ...]", lambda a: a[0], (2, 3, 2)),
    ("x[...]", lambda a: a * 1, (2, 3)),
    ("x[1:]", lambda a: a[1:], (4,)), ("x[:2]", lambda a: a[:2], (4,)), ("x[::2]", lambda a: a[::2], (5,)),
    ("x[1:4:2]", lambda a: a[1:4:2], (5,)), ("x[::-1]", lambda a: a.flip(0), (4,)),
    ("x[::-2]", lambda a: a.flip(0)[::2], (5,)),
    ("x[3:0:-1]", lambda a: a[1:4].flip(0), (5,)), ("x[-2:]", lambda a: a[-2:], (4,)),
    ("x[:-1]", lambda a: a[:-1], (4,)),
    ("x[5:]", lambda a: a[5:], (3,)), ("x[2:1]", lambda a: a[2:1], (3,)), ("x[1:100]", lambda a: a[1:], (3,)),
    ("x[1:, ::2]", lambda a: a[1:, ::2], (3, 4)), ("x[::-1, 1:]", lambda a: a.flip(0)[:, 1:], (2, 3)),
    ("x[:, ::-1]", lambda a: a.flip(1), (2, 3)), ("x[0, 1:]", lambda a: a[0, 1:], (2, 3)),
    ("x[1:, 0]", lambda a: a[1:, 0], (3, 2)),
    ("x[none]", lambda a: a[None], (3,)), ("x[:, none]", lambda a: a[:, None], (3,)),
    ("x[..., none]", lambda a: a[..., None], (2, 3)),
    ("x[none, :, none]", lambda a: a[None, :, None], (3,)), ("x[0, none]", lambda a: a[0, None], (2, 3)),
    ("x[1, ..., 0]", lambda a: a[1, ..., 0], (2, 3, 2)),
    ("x[:, 1, none, ::2]", lambda a: a[:, 1, None, ::2], (2, 2, 4)),
    ("x[[0, 2]]", lambda a: a[I([0, 2])], (4,)), ("x[[0, 2, 0]]", lambda a: a[I([0, 2, 0])], (4,)),
    ("x[[-1, 1]]", lambda a: a[I([-1, 1])], (4,)), ("x[[1, 0]]", lambda a: a[I([1, 0])], (2, 3)),
    ("x[[[0, 1], [2, 0]]]", lambda a: a[I([[0, 1], [2, 0]])], (3,)),
    ("x[[[0, 1], [1, 1]]]", lambda a: a[I([[0, 1], [1, 1]])], (2, 3)),
    ("x[:, [2, 0]]", lambda a: a[:, I([2, 0])], (2, 3)),
    ("x[[0, 1], [2, 0]]", lambda a: a[I([0, 1]), I([2, 0])], (2, 3)),
    ("x[[0, 0], [1, 1]]", lambda a: a[I([0, 0]), I([1, 1])], (2, 3)),
    ("x[[[0], [1]], [2, 0]]", lambda a: a[I([[0], [1]]), I([2, 0])], (2, 3)),
    ("x[[0, 1], :2]", lambda a: a[I([0, 1]), :2], (3, 3)),
    ("x[1:, [0, 0, 2]]", lambda a: a[1:, I([0, 0, 2])], (3, 3)),
    ("x[..., [1, 0]]", lambda a: a[..., I([1, 0])], (2, 2, 3)),
    ("x[[0, 1], ..., [1, 0]]", lambda a: a[I([0, 1]), ..., I([1, 0])], (2, 3, 2)),
    ("x[:, [0, 1], [1, 0]]", lambda a: a[:, I([0, 1]), I([1, 0])], (2, 2, 2)),
    ("x[none, [0, 2]]", lambda a: a[None, I([0, 2])], (3, 2)),
    ("x[[0, 1], none]", lambda a: a[I([0, 1]), None], (3, 2)),
    ("x.T[[0, 1]]", lambda a: a.T[I([0, 1])], (2, 3)),
    ("x[::-1][[0, 1]]", lambda a: a.flip(0)[I([0, 1])], (3,)), ("x[x > 0]", lambda a: a[a > 0], (6,)),
    ("x[x > 0]", lambda a: a[a > 0], (2, 4)),
    ("x[[true, false, true]]", lambda a: a[I([True, False, True])], (3, 2)),
    ("x[:, [true, false, true]]", lambda a: a[:, I([True, False, True])], (2, 3)),
    ("x[[true, false], [1]]", lambda a: a[I([True, False]), I([1])], (2, 3)),
    ("x[[[true, false], [false, true]]]", lambda a: a[I([[True, False], [False, True]])], (2, 2, 2)),
    ("x[[false, false]]", lambda a: a[I([False, False])], (2, 2)), ("x[arange(0)]", lambda a: a[:0], (3, 2)),
    ("slice(x, 1, 5, 2)", lambda a: a[1:5:2], (6,)), ("slice(x, 0, 2, axis=1)", lambda a: a[:, :2], (2, 3)),
    ("gather(x, [2, 0, 2])", lambda a: a[I([2, 0, 2])], (3,)),
    ("gather(x, [1, 1, 0], axis=1)", lambda a: a[:, I([1, 1, 0])], (2, 2)),
    ("gather(x, [0, 1], axis=-1)", lambda a: a[..., I([0, 1])], (2, 2, 3)),
    ("take_along_axis(x, [[0, 2], [1, 1]], 1)", lambda a: torch.gather(a, 1, I([[0, 2], [1, 1]])), (2, 3)),
    ("take_along_axis(x, [[0, 1, 0]], 0)", lambda a: torch.gather(a, 0, I([[0, 1, 0]])), (2, 3)),
    ("take_along_axis(x, argsort(x, axis=1), 1)", lambda a: torch.sort(a, 1)[0], (2, 4)),
    ("masked_select(x, x > 0)", lambda a: a[a > 0], (2, 4)),
    ("nonzero(x)", lambda a: torch.nonzero(a), (2, 2)),
    ("embedding([1, 0, 1], x)", lambda a: a[I([1, 0, 1])], (3, 2)),
    ("embedding([[2, 1], [0, 0]], x)", lambda a: a[I([[2, 1], [0, 0]])], (3, 2)),
]
for text, formula, shape in READ:
    case(text, formula, x(*shape), order=1 if text != "nonzero(x)" else 0)
    if text != "nonzero(x)":
        case(f"{{ z = {text}; return z^3 + sin(z) }}", lambda a, f=formula: f(a) ** 3 + torch.sin(f(a)),
             x(*shape))

# target, PyTorch's key, shape of x, shape of the value
WRITE = [
    ("0", 0, (3,), ()), ("-1", -1, (3,), ()), ("1", 1, (2, 3), (3,)), ("1", 1, (2, 3), ()),
    ("0, 1", (0, 1), (2, 3), ()),
    ("1:", slice(1, None), (4,), (3,)), ("1:", slice(1, None), (4,), ()),
    ("::2", slice(None, None, 2), (4,), (2,)),
    (":, 0", (slice(None), 0), (2, 3), (2,)), ("0, 1:", (0, slice(1, None)), (2, 3), (2,)),
    ("...", Ellipsis, (2, 2), (2,)),
    ("..., -1", (Ellipsis, -1), (2, 2, 3), (2, 2)), (":, 1:", (slice(None), slice(1, None)), (2, 3), (2,)),
    ("[0, 2]", I([0, 2]), (4,), (2,)), ("[0, 2]", I([0, 2]), (4,), ()), ("[1, 0]", I([1, 0]), (3, 2), (2, 2)),
    ("[0, 1], [1, 0]", (I([0, 1]), I([1, 0])), (2, 3), (2,)),
    (":, [2, 0]", (slice(None), I([2, 0])), (2, 3), (2, 2)),
    ("[true, false, true]", I([True, False, True]), (3,), (2,)),
    ("[true, false, true]", I([True, False, True]), (3, 2), (2,)),
    ("2:2", slice(2, 2), (4,), ()), ("-2:", slice(-2, None), (4,), (2,)),
]


def put(key, operation=None):
    def formula(a, v):
        z = a.clone()
        z[key] = v if operation is None else operation(z[key].clone(), v)
        return z
    return formula


for key, native, shape, value in WRITE:
    case(f"{{ x[{key}] = y; return x }}", put(native), x(*shape), x(*value), order=1)
    case(f"{{ x[{key}] = y; return x^3 }}", lambda a, v, k=native: put(k)(a, v) ** 3, x(*shape), x(*value))
    case(f"{{ z = x * x; z[{key}] = y * z[{key}]; return z * x }}",
         lambda a, v, k=native: put(k, lambda old, new: old * new)(a * a, v) * a, x(*shape), x(*value))
for op, name in (("+=", torch.add), ("-=", torch.sub), ("*=", torch.mul), ("/=", torch.div)):
    for key, native, shape, value in WRITE[1:5] + WRITE[5:8]:
        case(f"{{ x[{key}] {op} y; return x }}", put(native, name), x(*shape), x(*value, low=0.4, high=2))
case("{ x[::-1] = y; return x * y }", lambda a, v: 0 * a + v.flip(0) * v, x(3), x(3))
case("{ x[0] = x[1]; x[1] = x[0] * 2; return x }", lambda a: torch.stack((a[1], a[1] * 2, a[2])), x(3))
case("{ x[x < 0] = 0; return x^2 }", lambda a: torch.where(a < 0, torch.zeros_like(a), a) ** 2, x(5))
case("{ z = zeros(3); for i in range(3) { z[i] = x[i]^i }; return z }",
     lambda a: torch.stack([a[i] ** i for i in range(3)]), x(3))
case("scatter_add(x, [0, 2, 2], y)", lambda a, v: a.index_add(0, I([0, 2, 2]), v), x(3), x(3))
case("scatter_add(x, [1, 1], y)", lambda a, v: a.index_add(0, I([1, 1]), v), x(3, 2), x(2, 2))
case("scatter_add(x, [0, 1, 0], y, axis=1)", lambda a, v: a.index_add(1, I([0, 1, 0]), v), x(2, 2), x(2, 3))
case("scatter_add(x, [0, 2, 2], y)^2", lambda a, v: a.index_add(0, I([0, 2, 2]), v) ** 2, x(3), x(3))
