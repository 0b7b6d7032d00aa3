# SPDX-License-Identifier: Apache-2.0
"""What each language answered to each case, for people and for programs."""

import collections

PASSED, FAILED, IMPOSSIBLE, NO_ANSWER = "passed", "failed", "impossible", "no answer"
GOOD = (PASSED, IMPOSSIBLE)
COLOURS = {PASSED: "32", FAILED: "31", IMPOSSIBLE: "33", NO_ANSWER: "31"}


class Results:
    """A table of languages by cases. `wrong` cases pass where a runner finds that they fail."""

    def __init__(self):
        # {(file, case): {language: (word, detail)}}, in the order in which cases run.
        self.cases = {}
        # {language: why it could not run through}
        self.failures = {}
        # {language: what is missing}
        self.left_out = {}
        self.languages = []

    def begin(self, language, cases):
        """`cases`: {(file, case): {language: why it is impossible}}."""
        if language not in self.languages:
            self.languages.append(language)
        for key, impossible in cases.items():
            word = (IMPOSSIBLE, impossible[language]) if language in impossible else (NO_ANSWER, "")
            self.cases.setdefault(key, {})[language] = word

    def add(self, language, answer, fails=False):
        """An answer of a runner; `fails`: the case is wrong on purpose."""
        key = answer["file"], answer["case"]
        known = self.cases.get(key, {}).get(language)
        if known is None or known[0] != NO_ANSWER:
            self.fail(language, f"the runner answered {key} unasked")
        elif answer["ok"] != fails:
            self.cases[key][language] = (PASSED, "")
        else:
            detail = "it was to fail" if fails else answer.get("detail", "")
            self.cases[key][language] = (FAILED, detail)

    def fail(self, language, why):
        """It could not run through."""
        self.failures.setdefault(language, why)

    def leave_out(self, language, what):
        """Its tools are missing."""
        self.left_out[language] = what

    def whole(self):
        """Whether there is no hole."""
        words = [word for by in self.cases.values() for word, _ in by.values()]
        return bool(words) and not self.failures and all(word in GOOD for word in words)

    def summary(self, language):
        """"70 passed, 1 impossible"."""
        counts = collections.Counter(by[language][0] for by in self.cases.values()
                                     if language in by)
        text = ", ".join(f"{counts[word]} {word}" for word in COLOURS if counts[word])
        return f"{text}; {self.failures[language]}" if language in self.failures else text

    def as_json(self):
        """All of it."""
        return {
            "whole": self.whole(),
            "languages": self.languages,
            "left_out": self.left_out,
            "failures": self.failures,
            "cases": [{"file": file, "case": case,
                       **{language: {"result": word, **({"detail": detail} if detail else {})}
                          for language, (word, detail) in by.items()}}
                      for (file, case), by in self.cases.items()],
        }

    def as_text(self, colour):
        """A table: a row a theme, and below it a row for each case that has not passed everywhere;
        then the reasons."""
        rows = []
        for file in dict.fromkeys(file for file, _ in self.cases):
            by_case = {case: by for (name, case), by in self.cases.items() if name == file}
            rows.append((file, [count(by_case, language) for language in self.languages]))
            rows += [(f"  {case}", [by.get(language, ("", ""))[0] for language in self.languages])
                     for case, by in by_case.items()
                     if any(self.is_told(language, word) for language, (word, _) in by.items())]
        return "\n".join([*self.table(rows, colour), *self.reasons()])

    def is_told(self, language, word):
        """Whether a case has a line of its own. What a language has not come to has none."""
        return word != PASSED and not (word == NO_ANSWER and language in self.failures)

    def table(self, rows, colour):
        """Aligned lines; words in colour where that is asked for."""
        widths = [max(len(name) for name, _ in [("", ()), *rows])]
        widths += [max(len(language), *(len(cells[i]) for _, cells in rows))
                   for i, language in enumerate(self.languages)] if rows else []
        yield "  ".join(text.ljust(width)
                        for text, width in zip(["", *self.languages], widths)).rstrip()
        for name, cells in rows:
            padded = [cell.ljust(width) for cell, width in zip(cells, widths[1:])]
            if colour:
                padded = [paint(text, cell) for text, cell in zip(padded, cells)]
            yield "  ".join([name.ljust(widths[0]), *padded]).rstrip()

    def reasons(self):
        """What failed and why, what is impossible and why, and what was left out."""
        yield ""
        for (file, case), by in self.cases.items():
            for language, (word, detail) in by.items():
                if self.is_told(language, word):
                    yield f"{language}: {file}, {case}: {word}" + (f": {detail}" if detail else "")
        for language, why in self.failures.items():
            yield f"{language}: {why}"
        for language, what in self.left_out.items():
            yield f"{language}: left out: {what}"
        yield "no holes" if self.whole() else "there are holes"


def count(by_case, language):
    """"29", or "27 of 29" where some have not passed."""
    words = [by[language][0] for by in by_case.values() if language in by]
    passed = words.count(PASSED)
    return f"{passed}" if passed == len(words) else f"{passed} of {len(words)}"


def paint(text, cell):
    """In the colour of the word that it is; a count by whether it is whole."""
    colour = COLOURS.get(cell, COLOURS[IMPOSSIBLE if " of " in cell else PASSED])
    return f"\033[{colour}m{text}\033[0m"
