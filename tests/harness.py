"""What the tests of the command and of the REPL share: counted checks, and dbx in a pseudo-terminal.

    from harness import DBX, check, equal, contains, finish, run, Terminal

    done = run("-e", "1 + 1")
    equal("-e echoes", done.stdout, "2\\n")
    finish()

A file is run as `python3 FILE PATH_OF_DBX` from the root of the repository and ends with finish(). A check
that fails is a line "FAIL what: ..." on standard output.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

DBX = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "dbx")
_counts = {True: 0, False: 0}


def check(what, ok, detail=""):
    """One check; the detail is shown when it fails."""
    _counts[bool(ok)] += 1
    if not ok:
        print(f"FAIL {what}" + (f": {detail}" if detail else ""), flush=True)
    return bool(ok)


def equal(what, got, expected):
    return check(what, got == expected, f"expected {expected!r}, got {got!r}")


def contains(what, text, *parts):
    missing = [part for part in parts if part not in text]
    return check(what, not missing, f"no {missing!r} in {text!r}")


def finish():
    print(f"{_counts[True]} passed, {_counts[False]} failed")
    sys.exit(1 if _counts[False] else 0)


def run(*arguments, stdin="", cwd=None, env=None, timeout=60):
    """dbx with these arguments, and what it wrote."""
    return subprocess.run([DBX, *map(str, arguments)], input=stdin, capture_output=True, cwd=cwd,
                          env={**os.environ, **(env or {})}, timeout=timeout, encoding="utf-8",
                          errors="backslashreplace")


class Terminal:
    """dbx in a pseudo-terminal, with a home of its own.

        with Terminal() as t:
            t.line("1 + 1")            # types a line, waits for the next prompt, gives what was shown between
            t.send("x.re\\t")           # types as it stands
            t.wait("reshape")          # waits for a text, gives all that was shown since the last wait
            t.interrupt()              # Ctrl-C
    """

    CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>()][0-9A-B]?|[\x00\x07\x01\x02]")

    def __init__(self, *arguments, prompt="dbx> ", columns=100, rows=30, env=None, home=None, timeout=20):
        self.prompt, self.timeout, self.shown, self.status = prompt, timeout, "", None
        self._folder = None if home else tempfile.TemporaryDirectory()
        self.home = home or self._folder.name
        surroundings = {**os.environ, "HOME": self.home, "TERM": "xterm", "COLUMNS": str(columns),
                        **(env or {})}
        for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "INPUTRC", "LINES"):
            surroundings.pop(name, None)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(DBX, [DBX, *map(str, arguments)], surroundings)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._raw = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, seconds):
        """Takes in what comes within these seconds; false at the end of the output."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self._raw += data
        text = self._raw.decode("utf-8", "ignore").replace("\r\n", "\n")
        self.shown = self.CONTROL.sub("", text)
        return data != b""

    def wait(self, text=None, timeout=None):
        """Waits until the text (the prompt, unless told) has been shown, and gives everything shown since the
        last wait, that text included. Raises TimeoutError with what was shown instead."""
        text = self.prompt if text is None else text
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            place = self.shown.find(text)
            if place >= 0:
                before = self.shown[:place + len(text)]
                self._raw = self.shown[place + len(text):].encode()
                self.shown = self.shown[place + len(text):]
                return before
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                raise TimeoutError(f"waited for {text!r}, saw {self.shown!r}")

    def send(self, text):
        os.write(self.fd, text.encode())

    def line(self, text, timeout=None):
        """Types a line and gives what was shown for it: without its echo, up to the next prompt."""
        self.send(text + "\n")
        shown = self.wait(timeout=timeout)[:-len(self.prompt)]
        return shown.split("\n", 1)[1] if "\n" in shown else shown

    def interrupt(self):
        self.send("\x03")

    def end(self, timeout=None):
        """Waits for dbx to leave, and gives its exit status (negative: the signal that killed it)."""
        end = time.monotonic() + (timeout or self.timeout)
        while self.status is None:
            if time.monotonic() > end:
                raise TimeoutError(f"dbx has not left; saw {self.shown!r}")
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def close(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except OSError:
                pass
            self.status = -signal.SIGKILL
        os.close(self.fd)
        if self._folder:
            self._folder.cleanup()
