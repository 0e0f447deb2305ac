"""What `make install` puts below PREFIX works from there: the program, and a C program that embeds the library."""
import os
import subprocess
import tempfile

from harness import contains, equal, finish

PROGRAM = r"""
#include <dbx.h>
#include <stdio.h>

int main(void)
{
    double slope = 0;
    Session *s = session_new(NULL);
    if (s == NULL || !session_run(s, "f(x) = x^3\nd = f'(2)", "<host>", RUN_SCRIPT)
        || !session_number(s, "d", &slope))
        return 1;
    printf("%g\n", slope);
    if (!session_run(s, "f(1, 2)", "<host>", RUN_SCRIPT))
        fputs(session_error(s), stdout);
    session_free(s);
    return 0;
}
"""


# The variables of the make that runs the tests, without its share of jobs.
VARIABLES = os.environ.pop("MAKEFLAGS", "").partition(" -- ")[2]


def shell(command, prefix, **surroundings):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=600,
                          env={**os.environ, "MAKEFLAGS": VARIABLES, "PREFIX": prefix, **surroundings})
    return done.returncode, done.stdout + done.stderr


with tempfile.TemporaryDirectory() as prefix:
    status, output = shell('make -s install PREFIX="$PREFIX"', prefix)
    equal("make install", (status, output), (0, ""))
    equal("the program runs", shell("$PREFIX/bin/dbx -e '6 * 7'", prefix), (0, "42\n"))
    for path in ("share/man/man1/dbx.1", "share/bash-completion/completions/dbx", "share/zsh/site-functions/_dbx"):
        equal(path, os.path.exists(os.path.join(prefix, path)), True)
    with open(os.path.join(prefix, "host.c"), "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    equal("a host builds as pkg-config says",
          shell("gcc -o $PREFIX/host $PREFIX/host.c $(pkg-config --cflags --libs dbx)", prefix,
                PKG_CONFIG_PATH=os.path.join(prefix, "lib/pkgconfig")), (0, ""))
    status, output = shell("$PREFIX/host", prefix)
    equal("it runs", status, 0)
    contains("it differentiates, and gets errors as text", output, "12\n", "error: f: takes 1 argument, not 2\n",
             "--> <host>:1:1")
finish()
