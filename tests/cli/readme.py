"""What README.md shows is what dbx does."""
import re
from pathlib import Path

from harness import Terminal, check, contains, equal, finish, run

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def block(start, language=""):
    """The one that begins so."""
    return next(text for kind, text in BLOCKS if kind == language and text.startswith(start))


with Terminal() as t:
    t.wait()
    for part in block("$ dbx\n").split("dbx> ")[1:]:
        given, shown = part.split("\n", 1)
        equal(f"the session: {given}", t.line(given), shown)
done = run("-", stdin=block("W = parameter"))
contains("the model fits", done.stdout, "loss 0.00")
equal("the model runs", (done.returncode, done.stderr), (0, ""))
equal("the line that shows a value", run("-e", "sin'(0)").stdout, "1\n")
operations = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/ops").glob("*.c"))
for piece in block("KERNELS1", "c").split("\n\n"):
    check("the operation is written so in src/ops", piece in operations, piece)
makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
for target in re.findall(r"\bmake (\w[\w-]*)", "\n".join(text for _, text in BLOCKS)):
    check(f"there is a make {target}", re.search(rf"^[\w -]*\b{target}\b[\w -]*:", makefile, re.MULTILINE))
finish()
