#!/usr/bin/env python3
"""The built image boots, answers, survives, stops.

    tests/fly/boot_test.py container build/fly          as first process of a 256 MB container
    tests/fly/boot_test.py turns build/fly [COUNT]      1,000 turns there, then a stop under load
    tests/fly/boot_test.py machine build/fly [v1|v2]    in a virtual machine with 256 MB, as on Fly

build/fly is what tests/fly/build_image.sh left; without it the test is skipped (exit code 77).
Needs root. HARDSHELL_TEST_MEMORY_MB is another size. Prints the console of what it booted and, at
the end, what held; exit code 0 when all of it did.
"""

import json
import pathlib
import sys
import tempfile
import time

from boot_support import Verdict, new_state
from container import Container, Group
from machine import run_machine

LARGEST_MB = 60  # compressed
ASKERS = 4  # at once, when it is told to stop
# Goals, not limits: a busy machine is slower.
STARTED_MS = 300
STOPS_S = 2
# What stock OpenClaw's guide has in fly.toml; Fly appends it to our entrypoint.
STOCK_COMMAND = "node dist/index.js gateway --allow-unconfigured --port 3000 --bind lan".split()


def image_settings(work):
    settings = json.loads((work / "config.json").read_text())
    return settings["Docker"]["config"]


def check_settings(verdict, image, size_mb):
    verdict.expect(image["Entrypoint"] == ["hardshell"], "the entrypoint is the supervisor")
    verdict.expect("OPENCLAW_STATE_DIR=/data" in image["Env"], "the state lies on the volume")
    verdict.expect(image.get("StopSignal") == "SIGTERM", "STOPSIGNAL is SIGTERM")
    verdict.expect(bool(image.get("Healthcheck")), "it has a health check")
    verdict.expect("3000/tcp" in image.get("ExposedPorts", {}), "it exposes port 3000")
    verdict.expect(size_mb <= LARGEST_MB, f"it is {size_mb:.1f} MB compressed (at most {LARGEST_MB})")


def in_a_group(work, test):
    """Calls test(data, group) with a new state and an empty group."""
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        pathlib.Path(scratch).chmod(0o755)
        data = pathlib.Path(scratch) / "data"
        new_state(data)
        group = Group()
        try:
            test(data, group)
        finally:
            group.close()


def started(work, verdict, image, data, group):
    container = Container(work, image, data, group)
    times = container.milliseconds_to_startupz()
    verdict.expect(times is not None, "/startupz answers 200")
    if times is not None:
        print(f"        {times[0]:.0f} ms after the entrypoint (goal: {STARTED_MS} ms), "
              f"{times[1]:.0f} ms after the start of the container")
    return container


def run_container(work, verdict):
    image = image_settings(work)
    check_settings(verdict, image, int((work / "size").read_text()) / 1e6)

    def test(data, group):
        container = started(work, verdict, image, data, group)
        try:
            said = container.run_inside("/bin/sh", "/test/scenario.sh")
            print(said)
            verdict.expect("scenario: done" in said,
                           "it answered before and after a death, and a copy was put back")
            if group.kind:
                verdict.expect(container.console.has("out of memory:"),
                               "the log names the death for memory")
            code, took = container.stop()
            verdict.expect(code == 0, f"it stopped with 0 (with {code}) in {took:.2f} s")
            print(f"        (goal: {STOPS_S} s)")
            verdict.expect(took < 5, "inside Fly's shortest kill_timeout")
            tell_memory(group)
        finally:
            container.kill()
        print("        as stock OpenClaw's guide starts it:")
        stock = started(work, verdict, {**image, "Cmd": STOCK_COMMAND}, data, group)
        try:
            said = stock.run_inside("/bin/sh", "-c", "n=0; until hardshell health; do n=$((n + 1)); "
                                    "[ $n -lt 300 ] || exit 1; sleep 0.1; done; echo all healthy")
            verdict.expect("all healthy" in said, "it is healthy with stock OpenClaw's command")
            code, _ = stock.stop()
            verdict.expect(code == 0, f"it stopped with 0 (with {code})")
        finally:
            stock.kill()
    in_a_group(work, test)


def tell_memory(group):
    if group.kind:
        print(f"        memory of all processes of the container: {group.anonymous_peak / 2**20:.1f}"
              f" MiB at most, {group.peak_mib()} MiB with the pages of files")


def run_turns(work, verdict, count):
    image = image_settings(work)

    def test(data, group):
        container = started(work, verdict, image, data, group)
        try:
            begun = time.monotonic()
            said = container.run_inside("/bin/sh", "/test/turns.sh", str(count), timeout=1200)
            print(said)
            verdict.expect(f"turns: {count} answered, 0 wrong" in said, f"{count} turns were answered")
            print(f"        {count / (time.monotonic() - begun):.0f} turns a second, a client each")
            verdict.expect(group.kills() == 0, "nobody was ended for memory")
            tell_memory(group)
            askers = [container.start_inside("/bin/sh", "/test/ask.sh", f"asker {n}")
                      for n in range(ASKERS)]
            for asker in askers:
                asker.stdout.readline()  # its first answer
            code, took = container.stop()
            verdict.expect(code == 0, f"under load it stopped with 0 (with {code}) in {took:.2f} s")
            verdict.expect(took < 5, "inside Fly's shortest kill_timeout")
            for asker in askers:
                asker.communicate(timeout=60)
        finally:
            container.kill()
        again = started(work, verdict, image, data, group)
        try:
            said = again.run_inside("/bin/sh", "/test/turns.sh", "1")
            verdict.expect("turns: 1 answered, 0 wrong" in said, "it answers after the next start")
            verdict.expect(wait_until(lambda: not unanswered(data)), "every question has its answer")
        finally:
            again.stop()
    in_a_group(work, test)


def unanswered(data):
    """Texts of messages that no answer follows, from the transcripts."""
    open_questions = []
    transcripts = list(data.glob("agents/*/sessions/*.jsonl"))
    if not transcripts:
        return ["there is no transcript"]
    for transcript in transcripts:
        last = None
        for line in transcript.read_text().splitlines():
            message = json.loads(line).get("message", {})
            if message.get("role") == "user":
                if last is not None:
                    open_questions.append(last)
                last = message.get("content")
            elif message.get("role") == "assistant":
                last = None
        if last is not None:
            open_questions.append(last)
    return open_questions


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return holds()


def main(words):
    if len(words) < 2 or words[0] not in ("container", "machine", "turns"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    verdict = Verdict()
    work = pathlib.Path(words[1]).resolve()
    if not (work / "rootfs").is_dir():
        print(f"skipped: tests/fly/build_image.sh {words[1]} was not run")
        return 77
    if words[0] == "container":
        run_container(work, verdict)
    elif words[0] == "turns":
        run_turns(work, verdict, int(words[2]) if len(words) > 2 else 1000)
    else:
        run_machine(work, verdict, words[2] if len(words) > 2 else "v1")
    return verdict.code()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
