# SPDX-License-Identifier: Apache-2.0
"""Changes of a file's bytes, each drawn by a random generator: what transfer errors, editors, spreadsheets and malice do."""

import re

NUMBERS = [
    b"1e308", b"-1e308", b"1e309", b"-0", b"0", b"1e17", b"1e15", b"1e16", b"4611686018427387904", b"9223372036854775807",
    b"9223372036854775808", b"18446744073709551615", b"2147483647", b"2147483648", b"4294967296", b"-1", b"nan", b"inf",
    b"5e-324", b"1e-308", b"1e-15", b"", b"1", b"2", b"0.5", b"1e-7", b"123456789012345678901234567890", b"null", b"65536",
]  # fmt: skip
TEXTS = [
    b"\x1b[31m", b"\x1b]0;x\x07", b"\x9b", b"\xc2\x9b2J", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\x7f", b"\x00", b"\r", b"\n",
    b"\r\n", b"\n\n", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"', b'""', b",", b";", b"\t", b"=", b"\\", b"<b>",
    b"\x08\x08", b"9999-12-31T23:59:60Z", b"99999-01-01", b"\xf0\x9f\x98\x80", b"{", b"}", b"[", b"]", b":",
]  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def mutated(data, random, others=(), changes=None):
    """A copy with one to five changes. `others` are inputs to splice with."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        random.choice(changes or CHANGES)(data, random, others)
    return bytes(data)


def flip(data, random, _):
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def overwrite(data, random, _):
    if data:
        data[random.randrange(len(data))] = random.choice((0, 255, 127, 128, random.randrange(256)))


def insert(data, random, _):
    place = random.randint(0, len(data))
    data[place:place] = random.choice(TEXTS)


def delete(data, random, _):
    place = random.randint(0, len(data))
    del data[place : place + random.choice((1, 1, 2, 7, 100))]


def truncate(data, random, _):
    del data[random.randint(0, len(data)) :]


def number(data, random, _):
    """Another number in the place of one, or of the same digits wherever they stand."""
    found = list(NUMBER.finditer(data))
    if not found:
        return
    chosen, new = random.choice(found), random.choice(NUMBERS)
    if random.random() < 0.2:
        data[:] = bytes(data).replace(chosen.group(), new)
    else:
        data[chosen.start() : chosen.end()] = new


def repeat(data, random, _):
    """A piece many times over: mostly a few, seldom enough for a megabyte."""
    start = random.randint(0, len(data))
    piece = data[start : start + random.choice((1, 2, 10, 200))]
    times = random.choice((1, 2, 10, 10, 100, 1000))
    if random.random() < 0.01:
        times = 1_000_000 // max(1, len(piece))
    data[start:start] = piece * times


def move(data, random, _):
    """A piece to another place."""
    start = random.randint(0, len(data))
    piece = data[start : start + random.randint(1, 60)]
    del data[start : start + len(piece)]
    place = random.randint(0, len(data))
    data[place:place] = piece


def lines(data, random, _):
    """Lines swapped, doubled, left out, or ended otherwise."""
    parts = bytes(data).split(b"\n")
    a, b = random.randrange(len(parts)), random.randrange(len(parts))
    way = random.randrange(5)
    if way == 0:
        parts[a], parts[b] = parts[b], parts[a]
    elif way == 1:
        parts[a:a] = [parts[b]] * random.choice((1, 1, 2, 30))
    elif way == 2:
        del parts[a]
    data[:] = random.choice((b"\r\n", b"\r", b"\n\n")).join(parts) if way == 3 else b"\n".join(parts)


def columns(data, random, _):
    """In all lines: a column doubled, left out, moved or put in quotes; or another separator."""
    rows = [line.split(b",") for line in bytes(data).split(b"\n")]
    width = max(map(len, rows))
    a, b = random.randrange(width), random.randrange(width)
    way = random.randrange(6)
    for row in rows:
        if way == 0 and a < len(row):
            row.insert(min(b, len(row)), row[a])
        elif way == 1 and a < len(row):
            del row[a]
        elif way == 2 and max(a, b) < len(row):
            row[a], row[b] = row[b], row[a]
        elif way == 3:
            row[:] = [b'"' + value + b'"' for value in row]
        elif way == 4 and a < len(row) and row is not rows[0]:
            row[a] = random.choice(NUMBERS)
    separator = random.choice((b";", b"\t")) if way == 5 else b","
    data[:] = b"\n".join(separator.join(row) for row in rows)


def splice(data, random, others):
    """A piece of another input in the place of a piece."""
    if others:
        other = random.choice(others)
        start, place = random.randint(0, len(other)), random.randint(0, len(data))
        length = random.choice((4, 30, 300))
        data[place : place + random.choice((0, length))] = other[start : start + length]


def json_value(data, random, _):
    """Another value in the place of a number or a string, as JSON writes it, mostly of the same type."""
    found = list(JSON_VALUE.finditer(data))
    if found:
        chosen = random.choice(found)
        is_text = chosen.group().endswith(b'"')
        alike = [value for value in JSON_VALUES if value.endswith(b'"') == is_text and value[0] not in b"[{tn"]
        data[chosen.start() : chosen.end()] = random.choice(alike if random.random() < 0.9 else JSON_VALUES)


JSON_VALUE = re.compile(rb'(?<=:) ?(?:-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|"[^"\\]*")')
JSON_VALUES = [
    *(value for value in NUMBERS if value not in (b"", b"nan", b"inf")), b'"\\u001b[2J"', b'"\\u0000\\n\\u202e"',
    b'"F\\u009b0"', b'"wait"', b'"X"', b'""', b"[]", b"{}", b"true", b'{"step":0}', b'"' + b"x" * 300 + b'"', b"4095", b"4096",
]  # fmt: skip


def cells(data, random, _):
    """A cell to another cell's position, over that one, doubled, or left out."""
    rows = [line.split(b",") for line in bytes(data).split(b"\n")]
    (row, place), (other, target) = [(row, random.randrange(len(rows[row]))) for row in random.choices(range(len(rows)), k=2)]
    cell = rows[row][place]
    change = random.randrange(4)
    if change == 0:
        rows[row][place], rows[other][target] = rows[other][target], cell
    elif change == 1:
        rows[other][target] = cell
    elif change == 2:
        rows[other].insert(target, cell)
    else:
        del rows[row][place]
    data[:] = b"\n".join(b",".join(row) for row in rows)


CHANGES = [flip, overwrite, insert, insert, delete, truncate, *[number] * 4, repeat, move, lines, columns, splice]
CELL_CHANGES = [*[cells] * 14, *CHANGES]
JSON_CHANGES = [*[json_value] * 20, *CHANGES]
