# SPDX-License-Identifier: Apache-2.0
"""What a benchmark gives, for people and for programs."""

import dataclasses
import datetime
import os
import platform
import subprocess
from pathlib import Path

from suite import programs


@dataclasses.dataclass
class Column:
    """A column of the table: which key of a row, its heading, and how it is written."""

    key: str
    heading: str
    form: str = ""


@dataclasses.dataclass
class Report:
    """What one benchmark saw. `rows` has more keys than the table shows."""

    title: str
    columns: list
    rows: list
    notes: list = dataclasses.field(default_factory=list)

    def text(self):
        """An aligned table."""
        cells = [[column.heading for column in self.columns]]
        cells += [[_cell(row.get(c.key), c.form) for c in self.columns] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        # Words to the left, numbers to the right.
        left = [all(isinstance(row.get(c.key), (str, dict)) for row in self.rows)
                for c in self.columns]
        lines = ["  ".join(cell.ljust(width) if to_left else cell.rjust(width)
                           for cell, width, to_left in zip(line, widths, left)).rstrip()
                 for line in cells]
        return "\n".join([self.title, "", *lines, "", *self.notes])


def _cell(value, form):
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "none"
    return format(value, form)


def machine():
    """What the figures were seen on."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": programs.CORES,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, "
                  f"Linux {platform.release()}",
        "load_average": os.getloadavg()[0],
        "server": _output(programs.BUILD / "server/torchere-server", "--version"),
        "commit": _output("git", "describe", "--always", "--dirty"),
    }


def machine_text(seen):
    """The same in two lines."""
    return (f"{seen['date']}; {seen['cores']} cores of {seen['processor']}, "
            f"{seen['memory_gib']} GiB; {seen['system']}; load average {seen['load_average']:.1f}\n"
            f"{seen['server']}; commit {seen['commit']}")


def _processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _output(*command):
    done = subprocess.run(command, cwd=programs.ROOT, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return " ".join(done.stdout.split())
