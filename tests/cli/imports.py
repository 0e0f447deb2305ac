"""import: which folder paths are relative to, what a sandbox allows, and what errors of an imported file look like."""
import os
from harness import Folder, check, contains, equal, finish, run

KIND = 'try { import("%s") } catch err { print(err.kind, err.message) }\n'


with Folder() as folder:
    top, write = folder.name, folder.write
    write("outside.dbx", "secret = 1\n")
    write("box/inside.dbx", "a = 1\n")
    write("box/deep/more.dbx", 'a = import("../inside.dbx").a + 1\n')
    write("box/bad.dbx", "f(x) = x + undefined_thing\ny = f(1)\n")
    os.symlink("../outside.dbx", os.path.join(top, "box/link.dbx"))
    os.symlink("../nowhere.dbx", os.path.join(top, "box/dangling.dbx"))
    os.symlink("inside.dbx", os.path.join(top, "box/friend.dbx"))

    main = write("box/main.dbx", 'print(import("deep/more.dbx").a)\n')
    equal("a path is relative to the importing file", run(main).stdout, "2\n")
    equal("also in a sandbox", run("--sandbox", main).stdout, "2\n")
    equal("and for -e to the working directory", run("-e", 'import("box/inside.dbx")', cwd=top).stdout, "{a: 1}\n")

    for name in ("../outside.dbx", "link.dbx", os.path.join(top, "outside.dbx"), "deep/../../outside.dbx"):
        main = write("box/main.dbx", KIND % name)
        contains(f"a sandbox refuses {name}", run("--sandbox", main).stdout, "io import: the sandbox does not allow")
        equal(f"without a sandbox {name} is read", run(main).stdout, "")
    main = write("box/main.dbx", KIND % "dangling.dbx")
    contains("a link to nowhere is no file", run("--sandbox", main).stdout, "io import: cannot read")
    main = write("box/main.dbx", 'print(import("friend.dbx").a)\n')
    equal("a link inside a sandbox is fine", run("--sandbox", main).stdout, "1\n")
    done = run("--sandbox", "-e", KIND % "../outside.dbx", cwd=os.path.join(top, "box"))
    contains("for -e the sandbox is the working directory", done.stdout, "io import: the sandbox does not allow")

    main = write("box/main.dbx", 'm = import("bad.dbx")\n')
    done = run(main)
    equal("an error in an imported file is status 1", done.returncode, 1)
    contains("it names the imported file and its place", done.stderr, "bad.dbx:1:12",
             "`undefined_thing` is not defined")
    contains("and where it was imported", done.stderr, f"= in {top}/box/bad.dbx (", "main.dbx:1)")
    main = write("box/main.dbx", 'try { import("bad.dbx") } catch err { print(err.file, err.line) }\n')
    check("err.file is the imported file", run(main).stdout.strip().endswith("bad.dbx 1"))
    equal("echoing goes on after an import that failed",
          run("-e", 'try { import("bad.dbx") } catch e { x = 1 }\n1 + 1', cwd=os.path.join(top, "box")).stdout, "2\n")

finish()
