"""Products, solutions, decompositions; of qr, svd and eigh only what does not depend on choices of signs."""
import torch

from make_reference import at, case, x


def eye(n, scale=1.0):
    return scale * torch.eye(n, dtype=torch.float64)


def t(a):
    return a.transpose(-1, -2)


# products
SHAPES = [((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
          ((2, 2, 3), (2, 3, 2)), ((2, 1, 2, 3), (2, 3, 1)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
          ((1, 1), (1, 1)),
          ((0, 2), (2, 3)), ((2, 0), (0, 2)), ((2, 3), (3, 0))]
for a, b in SHAPES:
    case("matmul(x, y)", torch.matmul, x(*a), x(*b))
    if 0 not in a:
        case("x @ y", torch.matmul, x(*a), x(*b))
case("x.T @ y.T", lambda a, b: a.T @ b.T, x(3, 2), x(4, 3))
case("x' @ y'", lambda a, b: t(a) @ t(b), x(2, 3, 2), x(2, 4, 3))
case("x[::-1] @ y[:, ::2]", lambda a, b: a.flip(0) @ b[:, ::2], x(2, 3), x(3, 3))
case("x @ x", lambda a: a @ a, x(3, 3))
case("x @ x.T @ x", lambda a: a @ a.T @ a, x(2, 3))
case("tanh(x @ y) @ z", lambda a, b, c: torch.tanh(a @ b) @ c, x(2, 3), x(3, 2), x(2, 2))
for a, b, formula in [((3,), (3,), torch.dot), ((2, 3), (3, 2), torch.matmul), ((2, 3), (3,), torch.matmul)]:
    case("dot(x, y)", formula, x(*a), x(*b))
case("dot(x, y)", lambda a, b: a * b, x(), x(3))
case("dot(x, y)", lambda a, b: torch.tensordot(a, b, ([1], [1])), x(2, 3), x(2, 3, 2))
for a, b in [((3,), (3,)), ((2, 3), (4, 3)), ((2, 2, 3), (3,)), ((2,), (3, 2))]:
    case("inner(x, y)", torch.inner, x(*a), x(*b))
case("outer(x, y)", torch.outer, x(3), x(2))
case("outer(x, y)", lambda a, b: torch.outer(a.flatten(), b), x(2, 2), x(2))
case("outer(x, x)", lambda a: torch.outer(a, a), x(3))
for a, b in [((2,), (3,)), ((2, 2), (1, 3)), ((2, 1), (2, 2)), ((2,), (2, 2))]:
    case("kron(x, y)", torch.kron, x(*a), x(*b))
for a, b in [((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 1, 3))]:
    case("cross(x, y)", lambda p, q: torch.linalg.cross(*torch.broadcast_tensors(p, q)), x(*a), x(*b))

# einsum
EINSUM = [("ij,jk->ik", (2, 3), (3, 2)), ("ij,jk", (2, 3), (3, 2)), ("ij,ij->", (2, 3), (2, 3)),
    ("ij,j->i", (2, 3), (3,)),
          ("i,j->ij", (2,), (3,)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
          ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
          ("ij,kj->ik", (2, 3), (4, 3)), ("i,i->i", (3,), (3,)), ("ij,jk->", (2, 3), (3, 2)),
          ("bi,bj->bij", (2, 3), (2, 2)),
          ("bhqd,bhkd->bhqk", (1, 2, 2, 3), (1, 2, 3, 3)), ("ijk,kj->i", (2, 3, 2), (2, 3)),
          ("ab,cd->acbd", (2, 2), (2, 2)),
          ("i...,i->...", (2, 3), (2,)), ("ij,ji->", (2, 3), (3, 2))]
for spec, a, b in EINSUM:
    case(f'einsum("{spec}", x, y)', lambda p, q, s=spec: torch.einsum(s, p, q), x(*a), x(*b))
for spec, a in [("ii", (3, 3)), ("ii->i", (3, 3)), ("ij->ji", (2, 3)), ("ij->j", (2, 3)), ("ij->", (2, 3)),
    ("ijk->kij", (2, 3, 2)),
                ("...ii->...i", (2, 3, 3)), ("bii->b", (2, 3, 3)), ("i->i", (3,)), ("ji", (2, 3)),
                ("ijij->ij", (2, 3, 2, 3))]:
    case(f'einsum("{spec}", x)', lambda p, s=spec: torch.einsum(s, p), x(*a))
for spec, shapes in [("ij,jk,kl->il", ((2, 3), (3, 2), (2, 2))), ("i,ij,j->", ((2,), (2, 3), (3,))),
                     ("ij,j,ij->i", ((2, 3), (3,), (2, 3))), ("bn,anm,bm->ba", ((2, 2), (3, 2, 2), (2, 2))),
                     ("i,j,k->ijk", ((2,), (2,), (3,)))]:
    case(f'einsum("{spec}", x, y, z)', lambda p, q, r, s=spec: torch.einsum(s, p, q, r),
         *[x(*s) for s in shapes])
case('einsum("ij,jk->ik", x.T, y[::-1])', lambda p, q: p.T @ q.flip(0), x(3, 2), x(3, 2))
case('einsum("ij,ij->i", x, x)', lambda p: torch.einsum("ij,ij->i", p, p), x(2, 3))

# parts of matrices
for k in (-3, -1, 0, 1, 2):
    for name, formula in (("triu", torch.triu), ("tril", torch.tril)):
        case(f"{name}(x, {k})", lambda a, f=formula, k=k: f(a, k), x(3, 4))
    case(f"diag(x, {k})", lambda a, k=k: torch.diag(a, k), x(2))
    if k > -3:
        case(f"diag(x, {k})", lambda a, k=k: torch.diag(a, k), x(3, 4))
case("triu(x)", torch.triu, x(2, 3, 3))
case("tril(x.T, -1)", lambda a: torch.tril(a.T, -1), x(3, 3))
case("trace(x)", torch.trace, x(3, 3))
case("trace(x)", lambda a: torch.diagonal(a, 0, 0, 1).sum(), x(2, 3))
case("trace(x @ x)", lambda a: torch.trace(a @ a), x(3, 3))

# determinants, inverses, solutions
for shape in ((1, 1), (2, 2), (3, 3), (4, 4), (2, 3, 3), (2, 1, 2, 2)):
    n = shape[-1]
    case("det(x)", torch.linalg.det, x(*shape))
    case(f"logdet(x + 5 * eye({n}))", lambda a, n=n: torch.logdet(a + eye(n, 5)), x(*shape))
    case(f"inv(x + 4 * eye({n}))", lambda a, n=n: torch.linalg.inv(a + eye(n, 4)), x(*shape))
    case(f"cholesky(x @ x' + 2 * eye({n}))", lambda a, n=n: torch.linalg.cholesky(a @ t(a) + eye(n, 2)),
         x(*shape))
    case(f"logdet(x @ x' + eye({n}))", lambda a, n=n: torch.logdet(a @ t(a) + eye(n)), x(*shape))
case("det(x)", lambda a: a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0], at([[1.0, 2], [2, 4]]))
case("det(x)", lambda a: (a[0] * torch.linalg.cross(a[1], a[2])).sum(),
     at([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]]))
case("det(x)", lambda a: (a[0] * torch.linalg.cross(a[1], a[2])).sum(), at([[0.0] * 3] * 3))
case("det(x.T[::-1])", lambda a: torch.linalg.det(a.T.flip(0)), x(3, 3))
case("inv(x)", torch.linalg.inv, at([[2.0, 1], [1, 3]]))
case("inv(x) @ y", lambda a, b: torch.linalg.inv(a) @ b, at([[2.0, 1], [1, 3]]), x(2, 2))
for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 2)), ((2, 3, 3), (3, 2)),
    ((3, 3), (2, 3, 2)), ((2, 3, 3), (2, 3)),
             ((1, 1), (1,))]:
    vectors = b == a[:-1]
    case(f"solve(x + 4 * eye({a[-1]}), y)",
         lambda p, q, v=vectors: torch.linalg.solve(p + eye(p.shape[-1], 4),
             q.unsqueeze(-1) if v else q).squeeze(-1)
         if v else torch.linalg.solve(p + eye(p.shape[-1], 4), q), x(*a), x(*b))
case("solve(x.T + 4 * eye(3), y[::-1])", lambda a, b: torch.linalg.solve(a.T + eye(3, 4), b.flip(0)), x(3, 3),
     x(3, 2))
case("dot(y, solve(x @ x.T + eye(3), y))", lambda a, b: b @ torch.linalg.solve(a @ a.T + eye(3), b), x(3, 3),
     x(3))
for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2)):
    case("pinv(x)", torch.linalg.pinv, x(*shape, low=0.3, high=2))
    case("matrix_rank(x)", torch.linalg.matrix_rank, x(*shape), order=0)
case("matrix_rank(x)", torch.linalg.matrix_rank, at([[1.0, 2], [2, 4]]), order=0)


def lstsq(a, b):
    return torch.linalg.pinv(a) @ b


for a, b in [((4, 2), (4,)), ((4, 2), (4, 2)), ((2, 4), (2,)), ((3, 3), (3,))]:
    case("lstsq(x, y)", lstsq, x(*a, low=0.3, high=2), x(*b))
case("lstsq(x, x @ [1, 2])", lambda a: 0 * a.sum() + torch.tensor([1.0, 2], dtype=torch.float64),
     at([[1.0, 1], [1, 2], [1, 3], [1, 4]]))

# decompositions
for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 3)):
    case("{ q, r = qr(x); return r^2 }", lambda a: torch.linalg.qr(a)[1] ** 2, x(*shape))
    case("{ q, r = qr(x); return q @ r }", lambda a: a * 1, x(*shape))
    if shape[-2] != 2:
        case("{ q, r = qr(x); return q @ q' @ y }", lambda a,
             b: torch.linalg.qr(a)[0] @ (t(torch.linalg.qr(a)[0]) @ b),
             x(*shape), x(shape[-2], 1))
    case("svd(x)[1]", torch.linalg.svdvals, x(*shape))
    case("norm(x, \"nuc\", axis=(-2, -1))", lambda a: torch.linalg.svdvals(a).sum(-1), x(*shape))
    case("norm(x, \"fro\", axis=(-2, -1))", lambda a: torch.sqrt((a * a).sum((-2, -1))), x(*shape))
    case("norm(x, \"spectral\", axis=(-2, -1))", lambda a: torch.linalg.svdvals(a)[..., 0], x(*shape))

    def rank_one(a):
        u, s, vh = torch.linalg.svd(a, full_matrices=False)
        return s[..., :1, None] * u[..., :, :1] @ vh[..., :1, :]

    case("{ u, s, v = svd(x); return s[..., :1, none] * u[..., :, :1] @ v[..., :1, :] }", rank_one, x(*shape))
    case("{ u, s, v = svd(x); return (u * s[..., none, :]) @ v }", lambda a: a * 1, x(*shape))
for shape in ((2, 2), (3, 3), (2, 3, 3)):
    def values(a):
        return torch.linalg.eigvalsh(a + t(a))

    def exponential(a):
        w, v = torch.linalg.eigh(a + t(a))
        return (v * torch.exp(0.3 * w).unsqueeze(-2)) @ t(v)

    def projector(a):
        v = torch.linalg.eigh(a + t(a))[1][..., :, :1]
        return v @ t(v)

    case("eigvalsh(x + x')", values, x(*shape))
    case("eigh(x + x')[0]", values, x(*shape))
    case("{ w, v = eigh(x + x'); return (v * exp(0.3 * w)[..., none, :]) @ v' }", exponential, x(*shape))
    case("{ v = eigh(x + x')[1][..., :, :1]; return v @ v' }", projector, x(*shape))
    case("{ w, v = eigh(x + x'); return (v * w[..., none, :]) @ v' }", lambda a: a + t(a), x(*shape))
