"""README: its session answers as it says, its model learns, its make targets and its row of an operation are there."""
import re
from harness import check, contains, equal, finish, run

with open("README.md", encoding="utf-8") as file:
    README = file.read()
blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block_with(text):
    return next(body for _, body in blocks if text in body)


# The session: all but its last line, which is a mistake.
lines = block_with("dbx> ").splitlines()[1:]
typed = [i for i, line in enumerate(lines) if line.startswith("dbx> ")]
entries = [lines[i][5:] for i in typed]
answers = [line for line in lines[:typed[-1]] if not line.startswith("dbx> ")]
equal("the session of the README", run("-e", "\n".join(entries[:-1])).stdout.splitlines(), answers)
complaint = run("-e", "\n".join(entries)).stderr.splitlines()
for line in lines[typed[-1] + 1:]:
    if not line.lstrip().startswith("-->") and not re.match(r"\d* *\|", line.lstrip()):
        check(f"the complaint of the README: {line.strip()}", line in complaint, f"only {complaint}")

done = run("-e", block_with("zero_grad"))
check("the model of the README learns", re.fullmatch(r"loss 0\.\d{6}\n", done.stdout), done.stdout + done.stderr)

with open("src/ops/math.c", encoding="utf-8") as file:
    contains("the row of the README is in the sources", file.read(), block_with("const Op op_tanh").strip())

with open("Makefile", encoding="utf-8") as file:
    makefile = file.read()
for target in re.findall(r"\bmake (\w[\w-]*)", "\n".join(body for _, body in blocks)):
    check(f"make {target} of the README", re.search(rf"^[\w -]*\b{target}\b[\w -]*:", makefile, re.MULTILINE))

finish()
