"""What the tests of the image share: programs for inside, a state to begin with, what was printed."""

import os
import pathlib
import shutil
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The size of the machine, in bytes.
MEMORY = int(os.environ.get("HARDSHELL_TEST_MEMORY_MB", "256")) << 20
DEADLINE = 300  # seconds for a whole boot, on a machine that emulates the processor
CONFIG = """{gateway: {mode: "local"},
  models: {providers: {double: {baseUrl: "http://127.0.0.1:4010", api: "anthropic-messages",
    apiKey: "key-of-the-double", models: [{id: "one", name: "One"}]}}},
  agents: {defaults: {model: {primary: "double/one"}}}}
"""


def compile_once(work, name, sources, flags):
    """A program for inside, built with the compiler alone: no sanitizer, no library of ours."""
    program = work / name
    newest = max(os.stat(ROOT / source).st_mtime for source in sources)
    if not program.exists() or program.stat().st_mtime < newest:
        subprocess.run(["g++", "-std=c++20", "-O1", "-I", ROOT, "-o", program,
                        *[ROOT / source for source in sources], *flags], check=True)
    return program


def test_files(work):
    """The directory that is /test inside."""
    files = work / "test"
    files.mkdir(exist_ok=True)
    double = compile_once(work, "model_double",
                          ["tests/support/model_double.cpp", "tests/support/model_streams.cpp",
                           "tests/support/test_certificate.cpp",
                           "tests/support/model_double_main.cpp"],
                          ["-static-libstdc++", "-static-libgcc", "-lssl", "-lcrypto", "-pthread"])
    shutil.copy(double, files / "model_double")
    for script in HERE.glob("*.sh"):
        shutil.copy(script, files / script.name)
    return files


def new_state(directory):
    directory.mkdir(parents=True)
    (directory / "openclaw.json").write_text(CONFIG)
    (directory / "openclaw.json").chmod(0o600)


class Console:
    """What was printed, shown as it comes."""

    def __init__(self, process):
        self.lines = []
        self.arrived = threading.Condition()
        self.ended = False
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, pipe):
        for raw in pipe:
            line = raw.decode("utf-8", "replace").rstrip()
            print("   |", line, flush=True)
            with self.arrived:
                self.lines.append((time.monotonic(), line))
                self.arrived.notify_all()
        with self.arrived:
            self.ended = True
            self.arrived.notify_all()

    def wait_for(self, text, seconds):
        """When a line with that text came; None when none did."""
        end = time.monotonic() + seconds
        with self.arrived:
            while True:
                for when, line in self.lines:
                    if text in line:
                        return when
                if self.ended or time.monotonic() > end:
                    return None
                self.arrived.wait(min(1, max(0, end - time.monotonic())))

    def has(self, text):
        return any(text in line for _, line in self.lines)


class Verdict:
    def __init__(self):
        self.failed = []

    def expect(self, holds, what):
        print(("ok      " if holds else "FAILED  ") + what, flush=True)
        if not holds:
            self.failed.append(what)

    def code(self):
        return 1 if self.failed else 0
