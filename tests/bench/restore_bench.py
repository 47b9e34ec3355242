#!/usr/bin/env python3
"""How long a copy of much state takes, and the way back: the measured recovery time of the runbook.

    tests/bench/restore_bench.py [MEGABYTES] [DIRECTORY]     1,000 and a directory under /tmp

Makes a state directory as years of use leave it (transcripts, a database, files of the workspace),
copies it with ops/backup.sh, adds a day's work, copies again, restores into an empty directory with
ops/restore.sh, and compares every file. Prints a table; exit code 1 when something differs or the
way back takes longer than a minute.
"""

import hashlib
import json
import os
import pathlib
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOAL_SECONDS = 60
MEGABYTE = 1 << 20
WORDS = ("the machine answers what people ask and keeps it until they come back with another "
         "question about their cat Ada the weather in Bergen or a table of numbers").split()


def transcript(chance, size):
    """Lines of a conversation, compressible as text is."""
    lines, length, number = [], 0, 0
    while length < size:
        text = " ".join(chance.choices(WORDS, k=120))
        line = json.dumps({"type": "message", "id": f"{chance.getrandbits(32):08x}",
                           "message": {"role": ("user", "assistant")[number % 2],
                                       "content": [{"type": "text", "text": text}]}})
        lines.append(line)
        length += len(line) + 1
        number += 1
    return "\n".join(lines) + "\n"


def database(path, chance, size):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE runs(id INTEGER PRIMARY KEY, message TEXT)")
    row = transcript(chance, 4096)
    connection.executemany("INSERT INTO runs(message) VALUES(?)",
                           ((row + str(n),) for n in range(size // len(row))))
    connection.commit()
    return connection  # stays open, as the agent's does


def make_state(state, megabytes, chance):
    """60 % transcripts of one megabyte, 30 % files that do not compress, 10 % database."""
    sessions = state / "agents/main/sessions"
    sessions.mkdir(parents=True)
    for number in range(megabytes * 6 // 10):
        (sessions / f"{number:08x}.jsonl").write_text(transcript(chance, MEGABYTE))
    workspace = state / "workspace"
    workspace.mkdir()
    for number in range(megabytes * 3 // 10 // 5):
        (workspace / f"picture-{number}.jpg").write_bytes(chance.randbytes(5 * MEGABYTE))
    (state / "hardshell/agent").mkdir(parents=True)
    (state / "openclaw.json").write_text("{}\n")
    return database(state / "hardshell/agent/state.sqlite", chance, megabytes * MEGABYTE // 10)


def a_day_later(state, connection, chance):
    for name in sorted((state / "agents/main/sessions").iterdir())[:5]:
        with open(name, "a", encoding="utf-8") as file:
            file.write(transcript(chance, 100_000))
    connection.execute("UPDATE runs SET message = message || 'x' WHERE id % 100 = 0")
    connection.commit()


def sums(directory):
    """Checksums of all files but the database, whose copy is another file with the same rows."""
    return {str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(directory.rglob("*"))
            if file.is_file() and ".sqlite" not in file.name}


def rows(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT count(*), total(length(message)) FROM runs").fetchone()


def timed(what, *words):
    """Seconds by the clock; prints them beside those of the processor."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                   "RESTIC_PASSWORD": "password-of-the-bench", "TMPDIR": str(words[-1]),
                   "RESTIC_CACHE_DIR": str(words[-1] / "cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    subprocess.run([str(word) for word in words[:-1]], env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:<34}{seconds:9.1f} s by the clock{busy:9.1f} s of the processor", flush=True)
    return seconds


def main(words):
    megabytes = int(words[0]) if words else 1000
    with tempfile.TemporaryDirectory(dir=words[1] if len(words) > 1 else None) as scratch:
        place = pathlib.Path(scratch)
        state, copies, back = place / "state", place / "copies", place / "back"
        chance = random.Random(1)
        state.mkdir()
        connection = make_state(state, megabytes, chance)
        backup, restore = ROOT / "ops/backup.sh", ROOT / "ops/restore.sh"
        timed(f"first copy of {megabytes} MB", backup, copies, state, place)
        a_day_later(state, connection, chance)
        timed("copy a day later", backup, copies, state, place)
        seconds = timed("restored and compared", restore, copies, back, place)
        same = sums(state) == sums(back) and (
            rows(state / "hardshell/agent/state.sqlite") ==
            rows(back / "hardshell/agent/state.sqlite"))
        connection.close()
    print("every file is as it was" if same else "FAILED: the restored state differs")
    print(f"{'ok' if seconds <= GOAL_SECONDS else 'FAILED'}: the way back took {seconds:.1f} s "
          f"(goal {GOAL_SECONDS})")
    return 0 if same and seconds <= GOAL_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
