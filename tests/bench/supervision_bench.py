#!/usr/bin/env python3
"""Our supervisor beside s6, runit, supervisord and tini, in one run on one machine.

    supervision_bench.py BUILD [--only NAME,...] [--kills N]

The same worker (supervision_child) runs under each; times are from the signal to the worker's own
time stamp, on the monotonic clock. Ours is the release supervisor with the scripted planner of
tests/faults, in a directory of its own. Needs root, for pid namespaces. Ends what it started by
process id: whatever it starts carries FAULT_ID in its environment.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKERS = 8
ZOMBIES = 10_000
LINES_PER_WORKER = 400_000
ID = f"bench{os.getpid()}"


def now_ms():
    return time.monotonic_ns() / 1e6


def eventually(condition, seconds=10.0, between=0.001):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(between)
    return False


def status_field(pid, name):
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return line.split()[1:]
    except OSError:
        pass
    return []


def everybody():
    """Processes of this benchmark, dead ones left out."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            if f"FAULT_ID={ID}".encode() in Path(f"/proc/{entry}/environ").read_bytes():
                found.append(int(entry))
        except OSError:
            continue
    return found


def end_everybody():
    for _ in range(50):
        left = everybody()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


class Contender:
    """One supervisor with `count` workers in one mode."""

    name = ""
    restarts = True
    has_prefix = False

    def __init__(self, build, mode, count=WORKERS, lines=0, first_process=False, output=None):
        self.child = build / "tests/bench/supervision_child"
        self.build = build
        self.mode, self.count, self.lines = mode, count, lines
        self.root = Path(tempfile.mkdtemp(prefix="supervision_bench_"))
        os.chmod(self.root, 0o755)
        self.notes = self.root / "notes"
        self.notes.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "FAULT_ID": ID,
            "HARDSHELL_STOP_BUDGET_MS": "2000",
        }
        self.prepare()
        command = self.command()
        if first_process:
            command = ["unshare", "-pf", "--mount-proc"] + command
        self.first_process = first_process
        self.process = subprocess.Popen(
            command, env=self.environment, cwd=self.root, stdin=subprocess.DEVNULL,
            stdout=output if output is not None else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)

    def worker_names(self):
        return [f"w{i}" for i in range(self.count)]

    def variables(self, worker):
        return {"BENCH_MODE": self.mode, "BENCH_NOTES": str(self.notes / worker),
                "BENCH_NAME": worker, "BENCH_LINES": str(self.lines), "FAULT_ID": ID}

    def script(self, worker):
        settings = "\n".join(f"export {k}='{v}'" for k, v in self.variables(worker).items())
        return f"#!/bin/sh\nexec 2>&1\n{settings}\nexec {self.child}\n"

    def stamps(self, worker, what):
        """Pairs of pid (as the worker sees it) and milliseconds."""
        try:
            lines = (self.notes / worker).read_text().splitlines()
        except OSError:
            return []
        return [(int(w[1]), int(w[2]) / 1000) for w in map(str.split, lines)
                if len(w) == 3 and w[0] == what]

    def wait_ready(self, seconds=30):
        return eventually(lambda: all(self.stamps(w, "ready") for w in self.worker_names()),
                          seconds, 0.01)

    def pid(self):
        """Of the supervisor, as we see it."""
        if not self.first_process:
            return self.process.pid
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    def worker_pid(self, worker):
        wanted = str(self.stamps(worker, "life")[-1][0])
        if not self.first_process:
            return int(wanted)
        for pid in everybody():
            if status_field(pid, "NSpid")[-1:] == [wanted]:
                return pid
        return 0

    def own_processes(self):
        return [p for p in everybody()
                if not os.readlink(f"/proc/{p}/exe").endswith(("supervision_child", "/stub",
                                                               "/unshare"))]

    def pss_kib(self):
        total = 0
        for pid in self.own_processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    def ask_to_stop(self):
        os.kill(self.pid(), signal.SIGTERM)

    def close(self):
        end_everybody()
        self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


class Hardshell(Contender):
    name = "hardshell"
    has_prefix = True

    def prepare(self):
        libexec = self.root / "libexec"
        libexec.mkdir()
        faults = self.build / "tests/faults/libexec"
        for source, target in [(faults / "supervisor", "supervisor"),
                               (faults / "planner", "planner"), (self.child, "stub")]:
            shutil.copy(source, libexec / target)
        state = self.root / "state"
        state.mkdir()
        self.notes = state / "lives-stub"
        plan = "log text 4294967295\n"
        for worker in self.worker_names():
            pairs = " ".join(f"{k}={v}" for k, v in self.variables(worker).items()
                             if k != "BENCH_NOTES")
            plan += f"worker {worker} stub {pairs}\n"
        (state / "openclaw.json").write_text(plan)

    def command(self):
        return [str(self.root / "libexec/supervisor"), "--state-dir", str(self.root / "state"),
                "--config-path", str(self.root / "state/openclaw.json"),
                "--run-dir", str(self.root / "run")]


class S6(Contender):
    name = "s6"
    has_prefix = True

    def prepare(self):
        for worker in self.worker_names():
            self.service(worker, self.script(worker))
            (self.root / "scan" / worker / "timeout-kill").write_text("2000\n")
            if self.mode == "log":
                self.service(worker + "/log",
                             f"#!/bin/sh\nexec s6-log -b 'p[{worker}] ' 1\n")

    def service(self, name, script):
        folder = self.root / "scan" / name
        folder.mkdir(parents=True)
        run = folder / "run"
        run.write_text(script)
        run.chmod(0o755)

    def command(self):
        return ["s6-svscan", str(self.root / "scan")]


class Runit(S6):
    name = "runit"
    has_prefix = False

    def prepare(self):
        for worker in self.worker_names():
            self.service(worker, self.script(worker))

    def command(self):
        return ["runsvdir", str(self.root / "scan")]

    def ask_to_stop(self):
        os.kill(self.pid(), signal.SIGHUP)  # TERM would leave the workers


class Supervisord(Contender):
    name = "supervisord"

    def prepare(self):
        text = (f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\nuser=root\n"
                f"pidfile={self.root}/pid\n")
        for worker in self.worker_names():
            pairs = ",".join(f'{k}="{v}"' for k, v in self.variables(worker).items())
            text += (f"[program:{worker}]\ncommand={self.child}\nenvironment={pairs}\n"
                     f"autorestart=true\nstopwaitsecs=2\nstdout_logfile=/dev/fd/1\n"
                     f"stdout_logfile_maxbytes=0\nredirect_stderr=true\n")
        (self.root / "conf").write_text(text)

    def command(self):
        return ["supervisord", "-n", "-c", str(self.root / "conf")]


class Tini(Contender):
    name = "tini"
    restarts = False

    def prepare(self):
        self.count = 1
        self.environment |= self.variables("w0")

    def command(self):
        return ["tini", "-s", "--", str(self.child)]


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def kill_and_wait(contender, worker, seconds=10):
    """Milliseconds from SIGKILL to the successor's first and to its ready stamp."""
    lives = len(contender.stamps(worker, "life"))
    readies = len(contender.stamps(worker, "ready"))
    pid = contender.worker_pid(worker)
    begin = now_ms()
    os.kill(pid, signal.SIGKILL)
    if not eventually(lambda: len(contender.stamps(worker, "ready")) > readies, seconds):
        return None
    return (contender.stamps(worker, "life")[lives][1] - begin,
            contender.stamps(worker, "ready")[readies][1] - begin)


def measure_pss(kind, build, options):
    contender = kind(build, "idle")
    try:
        contender.wait_ready()
        time.sleep(1)
        return f"{contender.pss_kib() / 1024:.2f} MiB"
    finally:
        contender.close()


def measure_restart(kind, build, options):
    contender = kind(build, "idle")
    pauses = {"supervisord": 1.2, "s6": 1.2, "runit": 1.2}  # below it they wait on purpose
    try:
        contender.wait_ready()
        first, ready = [], []
        while len(first) < options.kills:
            time.sleep(pauses.get(kind.name, 0.1))
            for worker in contender.worker_names():
                times = kill_and_wait(contender, worker)
                if times is None:
                    return "no successor in 10 s"
                first.append(times[0])
                ready.append(times[1])
        return (f"{statistics.median(first):.1f} / {percentile(first, 0.99):.1f} ms"
                f" (ready {statistics.median(ready):.1f})")
    finally:
        contender.close()


def measure_storm(kind, build, options):
    contender = kind(build, "idle", count=WORKERS, first_process=True)
    try:
        contender.wait_ready()
        time.sleep(1.5)
        storm = subprocess.Popen(
            ["nsenter", "-t", str(contender.pid()), "-p", str(contender.child), "storm",
             str(ZOMBIES)], stdout=subprocess.PIPE, text=True, env={"FAULT_ID": ID})
        victim = contender.worker_pid("w0") if kind.restarts else 0
        lives = len(contender.stamps("w0", "life"))
        storm.stdout.readline()
        begin = now_ms()
        successor = "-"
        if victim:
            os.kill(victim, signal.SIGKILL)
            successor = "none in 10 s"
            if eventually(lambda: len(contender.stamps("w0", "life")) > lives):
                successor = f"{contender.stamps('w0', 'life')[lives][1] - begin:.1f} ms"
        collected = storm.stdout.readline().strip()
        storm.wait()
        return f"{collected} ms, successor {successor}"
    finally:
        contender.close()


def measure_blocked(kind, build, options):
    reader, writer = os.pipe()
    contender = kind(build, "talk", output=writer)
    os.close(writer)
    try:
        contender.wait_ready()
        time.sleep(3)
        first = []
        for worker in contender.worker_names():
            times = kill_and_wait(contender, worker, 12)
            if times is None:
                return "no successor in 12 s"
            first.append(times[0])
        begin = now_ms()
        contender.ask_to_stop()
        stopped = eventually(lambda: not everybody(), 15, 0.005)
        stop = f"{now_ms() - begin:.0f} ms" if stopped else "not in 15 s"
        return f"{statistics.median(first):.1f} / {max(first):.1f} ms, stop {stop}"
    finally:
        os.close(reader)
        contender.close()


def measure_crash(kind, build, options):
    contender = kind(build, "crash", count=1)
    try:
        time.sleep(20)
        return str(len(contender.stamps("w0", "life")))
    finally:
        contender.close()


def measure_log(kind, build, options):
    reader, writer = os.pipe()
    contender = kind(build, "log", lines=LINES_PER_WORKER, output=writer)
    os.close(writer)
    try:
        check = subprocess.Popen([contender.child, "read", str(LINES_PER_WORKER)], stdin=reader,
                                 stdout=subprocess.PIPE, text=True, env={"FAULT_ID": ID})
        contender.wait_ready()
        time.sleep(1)
        begin = now_ms()
        (contender.notes / "go").touch()
        lost, torn, last = check.stdout.readline().split()
        check.wait()
        speed = WORKERS * LINES_PER_WORKER * 120 / (float(last) - begin) / 1000
        return f"{speed:.0f} MB/s, {lost} lost, {torn} torn"
    finally:
        os.close(reader)
        contender.close()


def stop_in(kind, build, mode, seconds):
    contender = kind(build, mode)
    try:
        contender.wait_ready()
        time.sleep(1)
        begin = now_ms()
        contender.ask_to_stop()
        # Looking at every process takes longer than the stop: the workers' own ids are enough.
        workers = [contender.worker_pid(w) for w in contender.worker_names()]
        gone = eventually(
            lambda: contender.process.poll() is not None
            and not any(os.path.exists(f"/proc/{pid}") for pid in workers), seconds, 0.0005)
        return f"{now_ms() - begin:.1f} ms" if gone else f"not in {seconds} s"
    finally:
        contender.close()


def measure_stop(kind, build, options):
    return stop_in(kind, build, "idle", 15)


def measure_stubborn(kind, build, options):
    return stop_in(kind, build, "defy", 25)


def measure_left(kind, build, options):
    contender = kind(build, "idle")
    try:
        contender.wait_ready()
        time.sleep(0.5)
        os.kill(contender.pid(), signal.SIGKILL)
        contender.process.wait()
        time.sleep(1)
        return str(len(everybody()))
    finally:
        contender.close()


ROWS = [
    # what is measured                              how               under whom, our goal
    ("PSS with 8 idle workers", measure_pss, "<= 3 MiB"),
    ("kill to successor, median / p99", measure_restart, "<= 3 / 15 ms, ready 40"),
    ("10,000 zombies collected, a kill meanwhile", measure_storm, "<= 150, 20 ms"),
    ("stdout not read: kill to successor, stop", measure_blocked, "<= 20 ms"),
    ("starts in 20 s of one that crashes", measure_crash, "<= 8"),
    ("log of 8 workers to one pipe", measure_log, ">= 300 MB/s, 0, 0"),
    ("stop of 8", measure_stop, "<= 10 ms"),
    ("stop of 8 that ignore it, 2 s allowed", measure_stubborn, "<= 2100 ms"),
    ("left alive 1 s after the supervisor's kill", measure_left, "0"),
]
# Rows that need successors or more than one worker.
NOT_FOR_TINI = {measure_restart, measure_blocked, measure_crash, measure_log}
CONTENDERS = [Hardshell, S6, Runit, Supervisord, Tini]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", default="", help="contenders, separated by commas")
    parser.add_argument("--rows", default="", help="part of a row's name")
    parser.add_argument("--kills", type=int, default=100)
    options = parser.parse_args()
    build = options.build.resolve()
    only = options.only.split(",") if options.only else []
    kinds = [k for k in CONTENDERS if not only or k.name in only]
    kinds = [k for k in kinds if k is Hardshell or shutil.which(
        {"s6": "s6-svscan", "runit": "runsvdir"}.get(k.name, k.name))]
    print("| | goal | " + " | ".join(k.name for k in kinds) + " |")
    print("|---" * (len(kinds) + 2) + "|")
    for name, measure, goal in ROWS:
        if options.rows not in name:
            continue
        cells = []
        for kind in kinds:
            if kind is Tini and measure in NOT_FOR_TINI:
                cells.append("-")
                continue
            cells.append(measure(kind, build, options))
        print(f"| {name} | {goal} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        end_everybody()
