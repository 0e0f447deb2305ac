"""What the tests of the command and of the REPL share: counted checks, and dbx in a pseudo-terminal.

    from harness import DBX, check, equal, contains, ends_well, finish, run, Folder, Terminal

    done = run("-e", "1 + 1")
    equal("-e echoes", done.stdout, "2\\n")
    finish()

A file is run as `python3 FILE PATH_OF_DBX` from the root of the repository and ends with finish(). A check
that fails is a line "FAIL what: ..." on standard output.
"""
import codecs
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

# Limits are for what hangs. The machine may be busy: what is well takes as long as it takes.
PATIENCE = 120

DBX = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "dbx")
# The numbers of system calls that dbx may wait in, on x86-64 and on others.
if os.uname().machine == "x86_64":
    CALLS = {"0": "read", "1": "write", "257": "open", "271": "ppoll"}
else:
    CALLS = {"63": "read", "64": "write", "56": "open", "73": "ppoll"}
# A test that is run by itself has the surroundings that run.py gives it.
os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
os.environ.pop("NO_COLOR", None)
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


def fastest(attempt, limit, tries=20):
    """The least that a measurement gives: it is repeated until it is below the limit, as whatever else the machine
    does can only add to it."""
    least = attempt()
    while least >= limit and (tries := tries - 1) > 0:
        least = min(least, attempt())
    return least


def eventually(condition):
    """Does the condition hold, now or later?"""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()


def waits_in(pid):
    """The system call in which a process sleeps, and its arguments: ("read", [3, ...]), or ("", []) when it does not
    sleep. None on a system that does not tell."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            call, *values = file.read().split()
        return CALLS.get(call, ""), [int(value, 16) for value in values]
    except OSError:
        return None


def signal_pends(pid):
    """Is a signal on its way to a process? Ctrl-C is one, which is not in the input."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return any(int(line.split()[1], 16) for line in file if line.startswith(("SigPnd:", "ShdPnd:")))
    except OSError:
        return False


def run(*arguments, stdin="", cwd=None, env=None, timeout=PATIENCE):
    """dbx with these arguments, and what it wrote. stdin is a text, or a descriptor."""
    given = {"input": stdin} if isinstance(stdin, str) else {"stdin": stdin}
    return subprocess.run([DBX, *map(str, arguments)], capture_output=True, cwd=cwd,
                          env={**os.environ, **(env or {})}, timeout=timeout, encoding="utf-8",
                          errors="backslashreplace", **given)


def ends_well(what, done, status, *parts):
    """A run ended with this status, nothing speaks of a crash, and what it wrote contains the parts."""
    crash = any(word in done.stderr for word in ("Sanitizer", "runtime error", "Assertion", "Segmentation"))
    check(what, done.returncode == status and not crash, f"status {done.returncode}: {done.stderr[:400]!r}")
    if parts:
        contains(what, done.stdout + done.stderr, *parts)


class Folder(tempfile.TemporaryDirectory):
    """A folder for the files of a test, which goes with it."""

    def __enter__(self):
        return self

    def place(self, name):
        return os.path.join(self.name, name)

    def write(self, name, data):
        """Writes a file, and gives its path."""
        path = self.place(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return path

    def script(self, text, *options, **surroundings):
        """Runs a program."""
        return run(*options, self.write("script.dbx", text), **surroundings)


class Terminal:
    """dbx in a pseudo-terminal, with a home of its own.

        with Terminal() as t:
            t.line("1 + 1")            # types a line, waits for the next prompt, gives what was shown between
            t.send("x.re\\t")           # types as it stands
            t.wait("reshape")          # waits for a text, gives all that was shown since the last wait
            t.settle()                 # waits until dbx waits for more to be typed
            t.interrupt()              # Ctrl-C
    """

    CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>()][0-9A-B]?|[\x00\x07\x01\x02]")
    PASTE = "\x1b[200~{}\x1b[201~"
    PIECE = 65536                      # bytes that are read at once

    def __init__(self, *arguments, prompt="dbx> ", columns=100, rows=30, env=None, home=None, timeout=PATIENCE,
                 program=DBX):
        self.prompt, self.timeout, self.status = prompt, timeout, None
        self._folder = None if home else tempfile.TemporaryDirectory()
        self.home = home or self._folder.name
        surroundings = {**os.environ, "HOME": self.home, "COLUMNS": str(columns)}
        for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "INPUTRC", "LINES", "DBX_HISTORY", "PAGER",
                     "VISUAL", "EDITOR"):
            surroundings.pop(name, None)
        surroundings.update(env or {})
        self.output = ""                 # the output since the last wait
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.fd, slave = pty.openpty()
        self._slave_name = os.ttyname(slave)
        self.set_size(columns, rows)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.execve(program, [program, *map(str, arguments)], surroundings)
        os.close(slave)
        os.set_blocking(self.fd, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def shown(self):
        """The output since the last wait, as plain text."""
        return self.CONTROL.sub("", self.output.replace("\r\n", "\n"))

    def read(self, seconds):
        """Takes in what is there, or else comes within these seconds; false at the end of the output."""
        data, some = b"-", bytearray()
        while data and select.select([self.fd], [], [], 0 if some else seconds)[0]:
            try:
                data = os.read(self.fd, self.PIECE)
            except OSError:
                data = b""
            some += data
        self.output += self._decoder.decode(bytes(some))
        return data != b""

    def wait(self, text=None, timeout=None):
        """Waits until the text (the prompt, unless told) has been shown, and gives everything shown since the
        last wait, that text included. Raises TimeoutError with what was shown instead."""
        text = self.prompt if text is None else text
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            shown = self.shown
            place = shown.find(text)
            if place >= 0:
                self.output = shown[place + len(text):]
                return shown[:place + len(text)]
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                raise TimeoutError(f"waited for {text!r}, saw {shown!r}")

    def set_size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def input_is_read(self):
        """Has dbx read all that was typed? To ask makes the system hand over what it still has."""
        slave = os.open(self._slave_name, os.O_RDWR | os.O_NOCTTY)
        try:
            return not select.select([slave], [], [], 0)[0]
        finally:
            os.close(slave)

    def sleeps(self, for_ever):
        """Does dbx sleep until something is typed? With for_ever it has also nothing to do after a while, such as
        taking the cursor back from a bracket."""
        waiting = waits_in(self.pid)
        if waiting is None:            # silence is all there is to see
            return not select.select([self.fd], [], [], 1.0 if for_ever else 0.1)[0]
        call, values = waiting
        return call == "ppoll" and (not for_ever or values[2] == 0)

    def settle(self, for_ever=True):
        """Takes in output until dbx waits for input."""
        end = time.monotonic() + self.timeout
        while not (self.input_is_read() and not signal_pends(self.pid) and self.sleeps(for_ever)):
            if not self.read(0.001) or time.monotonic() > end:
                raise TimeoutError(f"dbx does not wait for input; saw {self.shown!r}")
        self.read(0)
        return self

    def send(self, text):
        """Types the text, and meanwhile takes in output, so that neither side waits for the other."""
        data = text.encode()
        while data:
            if not select.select([], [self.fd], [], 0)[1]:
                self.read(0.001)
                continue
            data = data[os.write(self.fd, data[:1024]):]

    def send_at_once(self, text):
        """Types a text of which dbx sees nothing until all of it is there (4,000 bytes at most)."""
        os.kill(self.pid, signal.SIGSTOP)
        self.send(text)
        self.input_is_read()
        os.kill(self.pid, signal.SIGCONT)

    def paste(self, text):
        self.send(self.PASTE.format(text))

    def line(self, text, timeout=None):
        """Types a line and gives what was shown for it: without its echo, up to the next prompt."""
        self.send(text + "\n")
        shown = self.wait(timeout=timeout)[:-len(self.prompt)]
        return shown.split("\n", 1)[1] if "\n" in shown else shown

    def interrupt(self):
        self.send("\x03")

    def end(self, timeout=None):
        """Waits for dbx to leave, takes in the rest of its output, and gives its exit status (negative: the signal
        that killed it)."""
        end = time.monotonic() + (timeout or self.timeout)
        while self.status is None:
            if time.monotonic() > end:
                raise TimeoutError(f"dbx has not left; saw {self.shown!r}")
            if not self.read(0.01):
                time.sleep(0.001)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        self.read(0)
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
