"""Compiled reading of numbers from blocks of delimited text."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["NAMES", "SIDE", "SKIP", "parse_rows"]

SKIP = -1
"""Target of a column that is not wanted."""
SIDE = -2
"""Target of the column of times, which needs more digits than a trace."""
NAMES = -3
"""Target of the column of cell names: its text is not read, only its place is noted."""

_POWERS = 10.0 ** np.arange(23)

_NEWLINE, _RETURN, _SPACE, _TAB, _QUOTE = 10, 13, 32, 9, 34
_MINUS, _PLUS, _ZERO, _NINE = 45, 43, 48, 57
_HASH = 35
_E, _N, _A = 101, 110, 97
_EXACT_DIGITS = 18


@njit(cache=True, nogil=True, inline="always")
def _scaled(mantissa, exponent):  # type: ignore[no-untyped-def]  # compiled
    """Return mantissa * 10**exponent, exactly rounded while both are exact in double precision."""
    value = np.float64(mantissa)
    if exponent == 0 or mantissa == 0:
        return value
    if exponent < -60 or exponent > 60:
        return 0.0 if exponent < 0 else np.inf
    while exponent > 22:
        value *= 1e22
        exponent -= 22
    while exponent < -22:
        value /= 1e22
        exponent += 22
    return value * _POWERS[exponent] if exponent > 0 else value / _POWERS[-exponent]


@njit(cache=True, nogil=True)
def _number(text, start, stop, decimal):  # type: ignore[no-untyped-def]  # compiled
    """Return (value, whether it is a number) of the trimmed bytes from `start` to `stop`; empty is NaN."""
    if start == stop:
        return np.nan, True
    at = start
    negative = text[at] == _MINUS
    if negative or text[at] == _PLUS:
        at += 1
    mantissa, digits, exponent, any_digit = np.uint64(0), 0, 0, False
    point = False
    while at < stop:
        byte = text[at]
        if _ZERO <= byte <= _NINE:
            any_digit = True
            if digits < 19:
                mantissa = mantissa * np.uint64(10) + np.uint64(byte - _ZERO)
                digits += int(mantissa > 0)
                exponent -= point
            else:
                exponent += not point
        elif byte == decimal and not point:
            point = True
        else:
            break
        at += 1
    if not any_digit:
        is_nan = (
            stop - at == 3
            and (text[at] | 32) == _N
            and (text[at + 1] | 32) == _A
            and (text[at + 2] | 32) == _N
        ) or (stop - at == 2 and (text[at] | 32) == _N and (text[at + 1] | 32) == _A)
        return np.nan, is_nan and not point
    if at < stop and (text[at] | 32) == _E:
        at += 1
        down = at < stop and text[at] == _MINUS
        if down or (at < stop and text[at] == _PLUS):
            at += 1
        power, first = 0, at
        while at < stop and _ZERO <= text[at] <= _NINE:
            power = min(power * 10 + (text[at] - _ZERO), 9999)
            at += 1
        if at == first:
            return np.nan, False
        exponent += -power if down else power
    value = _scaled(mantissa, exponent)
    return (-value if negative else value), at == stop


@njit(cache=True, nogil=True)
def _plain_number(text, at, separator, decimal):  # type: ignore[no-untyped-def]  # compiled
    """Read the commonest field, ``-123.456`` right before a separator or line end, in one pass.

    Returns (value, where it ends); the end is −1 for any other field, which has to be looked at closely.
    """
    size = len(text)
    negative = at < size and text[at] == _MINUS
    at += negative
    start, point, mantissa = at, -1, 0
    while at < size:
        digit = int(text[at]) - _ZERO
        if 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
        elif text[at] == decimal and point < 0 and separator != decimal:
            point = at
        else:
            break
        at += 1
    n_digits = at - start - (point >= 0)
    if n_digits == 0 or n_digits > _EXACT_DIGITS:
        return np.nan, -1
    if at < size and text[at] != separator and text[at] != _NEWLINE:
        return np.nan, -1
    value = np.float64(mantissa)
    if point >= 0:
        value /= _POWERS[at - point - 1]
    return (-value if negative else value), at


@njit(cache=True, nogil=True)
def _blank(text, at, space):  # type: ignore[no-untyped-def]  # compiled
    """Return the first place from `at` that holds neither a space nor a `space` nor a carriage return."""
    while at < len(text) and (text[at] == _SPACE or text[at] == space or text[at] == _RETURN):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _is_comment(text, at, separator, n_fields):  # type: ignore[no-untyped-def]  # compiled
    """Whether the line is a remark: it starts with # and can be no row, as ``#N/A,1,2`` would be."""
    if text[at] != _HASH or n_fields == 1:
        return False
    while at < len(text) and text[at] != _NEWLINE:
        if text[at] == separator and separator != _SPACE:
            return False
        at += 1
    return True


@njit(cache=True, nogil=True)
def _field(text, at, separator, space):  # type: ignore[no-untyped-def]  # compiled
    """Find one field: where it begins and ends, whether its quotes are broken, what is next, if more follow.

    `space` is the byte that counts as a space beside the space itself: the tab, unless it separates.
    """
    size, collapse = len(text), separator == _SPACE
    while at < size and (text[at] == _SPACE or text[at] == space):
        at += 1
    first, last, broken = at, at, False
    quoted = at < size and text[at] == _QUOTE
    if quoted:
        first, at = at + 1, at + 1
        while at < size and text[at] != _QUOTE and text[at] != _NEWLINE:
            at += 1
        last = at
        broken = at == size or text[at] == _NEWLINE
        at = _blank(text, at + (not broken), space)
        if not collapse and at < size and text[at] != separator and text[at] != _NEWLINE:
            broken = True
    if not quoted or broken:
        while at < size and text[at] != separator and text[at] != _NEWLINE:
            if collapse and text[at] == _TAB:
                break
            at += 1
        last = at
    while last > first and (text[last - 1] == _SPACE or text[last - 1] == space or text[last - 1] == _RETURN):
        last -= 1
    if collapse:
        at = _blank(text, at, space)
        return first, last, broken, at, at < size and text[at] != _NEWLINE
    more = at < size and text[at] == separator
    return first, last, broken, at + more, more


@njit(cache=True, nogil=True)
def _skip_line(text, at):  # type: ignore[no-untyped-def]  # compiled
    """Return how many bytes are left in the line, its end included."""
    start = at
    while at < len(text) and text[at] != _NEWLINE:
        at += 1
    return at + 1 - start


@njit(cache=True, nogil=True)
def parse_rows(text, separator, decimal, targets, values, side, names, lines, odd):  # type: ignore[no-untyped-def]  # compiled
    """Read all rows of a block of complete lines.

    Parameters
    ----------
    text : (n_bytes,) uint8
        Whole lines; a last one without its line end is fine.
    separator, decimal : int
        Byte between the fields (a space stands for any run of spaces and tabs) and the decimal point.
    targets : (n_fields,) int32
        Column of `values` to which each field goes, or `SKIP`, `SIDE` or `NAMES`.
    values : (n_lines, n_columns) float32, side : (n_lines,) float64
        Filled with the numbers; NaN where a field is empty or says so. Too large becomes infinite.
    names : (n_lines, 2) int64
        Filled with where the name begins and ends.
    lines : (n_lines + 1,) int64
        Filled with the line, counted from 0 within the block, of each row.
    odd : (capacity, 4) int64
        Filled with the fields that are no numbers: where they begin and end, row and field.

    Returns
    -------
    n_rows : int
        Rows read; blank lines and remarks are none.
    n_odd : int
        Odd fields, which may be more than `odd` holds.
    fits : bool
        False when the row after the last one read has too many or too few fields; reading stopped there, and
        its line is in `lines`.
    """
    size, n_fields = len(text), len(targets)
    space = _SPACE if separator == _TAB else _TAB
    at, line, row, n_odd = 0, -1, 0, 0
    while at < size:
        line += 1
        start = _blank(text, at, space)
        if start >= size:
            break
        if text[start] == _NEWLINE or _is_comment(text, start, separator, n_fields):
            at = start + _skip_line(text, start)
            continue
        lines[row] = line
        field, more = 0, True
        while more:
            target = targets[field] if field < n_fields else SKIP
            if target >= 0 and separator != _SPACE:
                value, end = _plain_number(text, at, separator, decimal)
                if end >= 0:
                    values[row, target] = value
                    field += 1
                    more = end < size and text[end] == separator
                    at = end + more
                    continue
            first, last, broken, at, more = _field(text, at, separator, space)
            if target >= 0 or target == SIDE:
                value, fine = _number(text, first, last, decimal)
                if broken or not fine:
                    if n_odd < len(odd):
                        odd[n_odd, 0], odd[n_odd, 1] = first, last
                        odd[n_odd, 2], odd[n_odd, 3] = row, field
                    n_odd += 1
                    value = np.nan
                if target >= 0:
                    values[row, target] = value
                else:
                    side[row] = value
            elif target == NAMES:
                names[row, 0], names[row, 1] = first, last
            elif field >= n_fields and (more or last > first):
                # One empty field too many is forgiven: a separator at the end of the line.
                return row, n_odd, False
            field += 1
        if field < n_fields:
            return row, n_odd, False
        row += 1
        at += 1
    return row, n_odd, True
