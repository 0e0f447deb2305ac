"""Memory of derivatives: checkpoint lowers the peak, and a transform gives the graph back on its way."""
from harness import check, contains, finish, run

NETWORK = """
fn block(x) {
  for i in range(10) {
    x = tanh(x * 1.01)
    sum(x);
  }
  return x
}
fn network(x, f) {
  for i in range(20) { x = f(x) }
  return sum(x)
}
x = ones(250000)
"""

# 200 results of a megabyte each are stored, or 20 and the 10 of one block.
plain = run("--max-memory", "60M", "-e", NETWORK + "print(sum(grad(network)(x, block)) > 0)")
contains("without checkpoint the graph does not fit", plain.stderr, "memory")
lean = run("--max-memory", "60M", "-e", NETWORK + "print(sum(grad(network)(x, checkpoint(block))) > 0)")
check("with checkpoint it does", lean.stdout == "true\n", lean.stdout + lean.stderr)

# Cotangents of a megabyte replace what they were made from.
consumed = run("--max-memory", "240M", "-e", NETWORK + "print(sum(grad(network)(x, block)) > 0)")
check("going back takes no more than going forward", consumed.stdout == "true\n", consumed.stdout + consumed.stderr)

# A million operations in bounded C stack, forwards and backwards, by every transform.
CHAIN = """
fn chain(x) {
  y = x
  for i in range(300000) { y = y * 1.000001 + 1e-9 }
  return y
}
"""
for call in ("chain'(2)", "jvp(chain, 2, 1)[1]", "vjp(chain, 2)[1](1)", "hvp(chain, 2, 1) + 1", "jacobian(chain, 2)",
             "checkpoint(chain)'(2)", "vmap(chain)([2, 3])[0]", "sum(vmap(chain')([2, 3]))"):
    done = run("-e", CHAIN + f"print({call} >= 1)")
    check(f"a long chain: {call}", done.stdout == "true\n", done.stdout + done.stderr)

finish()
