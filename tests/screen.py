"""What a terminal would show: a small model of one, fed with what dbx writes to it.

    with Screen(columns=40, rows=10) as s:
        s.type("1 + 1\\r")
        s.rows()                       # the rows as text, without blanks at their ends
        s.cursor()                     # (row, column)

It knows what dbx uses: printable characters of width 0, 1 and 2, line feeds, moves of the cursor, clearing and colours.
Anything else in the output is noted in `strange`.
"""
import re
import unicodedata

from harness import Terminal

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


def width(character):
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen(Terminal):
    def __init__(self, *arguments, columns=80, rows=24, **options):
        self.columns, self.height = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.waits = False             # the cursor is behind the last column: the next character wraps
        self.taken, self.strange, self.colors = 0, [], set()
        super().__init__(*arguments, columns=columns, rows=rows, **options)
        self.settle()

    # ---- the model ----

    def line_feed(self):
        self.waits = False
        if self.row == self.height - 1:
            self.cells = self.cells[1:] + [[" "] * self.columns]
        else:
            self.row += 1

    def put(self, character):
        cells = width(character)
        if cells == 0:
            at = self.column - (0 if self.waits else 1)
            while at > 0 and self.cells[self.row][at] == "":
                at -= 1
            self.cells[self.row][max(at, 0)] += character
            return
        if self.waits or self.column + cells > self.columns:
            self.column = 0
            self.line_feed()
        self.cells[self.row][self.column] = character
        if cells == 2:
            self.cells[self.row][self.column + 1] = ""
        self.column += cells
        self.waits = self.column == self.columns
        self.column -= self.waits

    def control(self, numbers, letter):
        if letter == "m":
            self.colors.add(numbers)
            return
        if letter in "hl" and numbers == "?2004":
            return
        n = int(numbers or 1) if numbers.isdigit() or not numbers else None
        self.waits = False
        if letter == "A":
            self.row = max(0, self.row - n)
        elif letter == "B":
            self.row = min(self.height - 1, self.row + n)
        elif letter == "C":
            self.column = min(self.columns - 1, self.column + n)
        elif letter == "D":
            self.column = max(0, self.column - n)
        elif letter == "H" and not numbers:
            self.row = self.column = 0
        elif letter == "J" and numbers in ("", "2"):
            first = self.row + 1 if not numbers else 0
            if not numbers:
                self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
            for i in range(first, self.height):
                self.cells[i] = [" "] * self.columns
        elif letter == "K" and not numbers:
            self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
        else:
            self.strange.append(numbers + letter)

    def feed(self, text):
        at = 0
        while at < len(text):
            c = text[at]
            match = SEQUENCE.match(text, at)
            if match:
                self.control(*match.groups())
                at = match.end()
                continue
            at += 1
            if c == "\n":
                self.line_feed()
                self.column = 0        # as the system's output modes have it
            elif c == "\r":
                self.column, self.waits = 0, False
            elif c == "\x07":
                pass
            elif c < " ":
                self.strange.append(c)
            else:
                self.put(c)

    # ---- the session ----

    def settle(self, for_ever=True):
        super().settle(for_ever)
        self.feed(self.output[self.taken:])
        self.taken = len(self.output)
        return self

    def type(self, text):
        self.send(text)
        return self.settle()

    def paste(self, text):
        super().paste(text)
        return self.settle()

    def type_at_once(self, text):
        self.send_at_once(text)
        return self.settle()

    def keys(self, text):
        """Key by key, as a person types: nothing is typed ahead."""
        for c in re.findall(r"\x1b\[[A-Z]|\x1b.|.", text, re.DOTALL):
            self.send(c)
            self.settle(for_ever=False)
        return self

    def resize(self, columns, rows):
        """As a terminal does that breaks rows which are too long when it becomes narrower."""
        lines, cursor = [], 0
        for i, cells in enumerate(self.cells[:self.row + 1]):
            shown = "".join(cells).rstrip() if i < self.row else "".join(cells[:max(self.column,
                                                                                    len("".join(cells).rstrip()))])
            pieces = [shown[k:k + columns] for k in range(0, max(len(shown), 1), columns)]
            if i == self.row:
                cursor = len(lines) + self.column // columns
            lines += pieces
        below = ["".join(c).rstrip() for c in self.cells[self.row + 1:]]
        lines += below[:max(0, rows - len(lines))]
        dropped = max(0, len(lines) - rows)
        lines = lines[dropped:] + [""] * rows
        self.cells = [list(line[:columns].ljust(columns)) for line in lines[:rows]]
        self.row, self.column = min(max(cursor - dropped, 0), rows - 1), self.column % columns
        self.columns, self.height, self.waits = columns, rows, False
        self.set_size(columns, rows)
        return self.settle()

    def rows(self):
        return ["".join(cells).rstrip() for cells in self.cells]

    def text(self):
        return "\n".join(self.rows()).rstrip("\n")

    def cursor(self):
        return self.row, self.column
