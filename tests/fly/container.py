"""A stand-in for a host of containers: the image's files as root, namespaces and a memory group of
its own, the image's command as first process. Only the loopback network is there."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

from boot_support import DEADLINE, MEMORY, Console, test_files

TOKEN = "token-of-the-container"


def memory_controller():
    """(kind, directory for new groups), ("", None) where this machine has none for us."""
    if os.path.isdir("/sys/fs/cgroup/memory"):
        return "v1", pathlib.Path("/sys/fs/cgroup/memory")
    try:
        if "memory" in pathlib.Path("/sys/fs/cgroup/cgroup.subtree_control").read_text():
            return "v2", pathlib.Path("/sys/fs/cgroup")
    except OSError:
        pass
    return "", None


class Group:
    """A memory group of the machine's size, with a container in it. Watches what is used."""

    def __init__(self):
        self.kind, top = memory_controller()
        self.directory = top / f"hardshell-image-{os.getpid()}" if top else None
        if self.directory:
            self.directory.mkdir()
            limit = "memory.max" if self.kind == "v2" else "memory.limit_in_bytes"
            (self.directory / limit).write_text(str(MEMORY))
        self.anonymous_peak = 0
        self.closed = threading.Event()
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def _watch(self):
        """The most that processes had for themselves: unlike files' pages it cannot be dropped."""
        name = "anon " if self.kind == "v2" else "total_rss "
        while self.directory and not self.closed.wait(0.1):
            for line in (self.directory / "memory.stat").read_text().splitlines():
                if line.startswith(name):
                    self.anonymous_peak = max(self.anonymous_peak, int(line.split()[1]))

    def kills(self):
        """Processes that the kernel ended for memory, in this group and below."""
        name = "memory.events" if self.kind == "v2" else "memory.oom_control"
        files = self.directory.glob("**/" + name) if self.directory else ()
        return sum(int(line.split()[1]) for file in files for line in file.read_text().splitlines()
                   if line.startswith("oom_kill "))

    def enter(self):
        if self.directory:
            (self.directory / "cgroup.procs").write_text(str(os.getpid()))

    def mount_line(self):
        """For the container's own view: its group is the root of the tree."""
        if self.kind == "v1":
            return ("mkdir -p $new/sys/fs/cgroup/memory && "
                    "mount -t cgroup -o memory cgroup $new/sys/fs/cgroup/memory")
        if self.kind == "v2":
            return "mount -t cgroup2 cgroup2 $new/sys/fs/cgroup"
        return "true"

    def peak_mib(self):
        name = "memory.peak" if self.kind == "v2" else "memory.max_usage_in_bytes"
        try:
            return int((self.directory / name).read_text()) >> 20
        except (OSError, TypeError, AttributeError):
            return None

    def close(self):
        self.closed.set()
        self.watcher.join()
        if not self.directory:
            return
        for below in sorted(self.directory.glob("**/"), reverse=True):
            for _ in range(100):
                try:
                    below.rmdir()
                    break
                except OSError:
                    time.sleep(0.05)


ENTER = r"""set -e
new=$1; data=$2; tests=$3; shift 3
mount --make-rprivate /
mount --bind "$new" "$new"
mkdir -p "$new/test" "$new/old"
mount --bind "$data" "$new/data"
mount --bind "$tests" "$new/test"
mount -t proc proc "$new/proc"
mount -t tmpfs -o mode=755 tmpfs "$new/run"
mount -t tmpfs tmpfs "$new/tmp"
mount -t tmpfs -o mode=755 tmpfs "$new/dev"
for node in null zero random urandom full; do
  touch "$new/dev/$node"; mount --bind "/dev/$node" "$new/dev/$node"
done
mount -t sysfs sysfs "$new/sys" && mount -t tmpfs tmpfs "$new/sys/fs/cgroup"
@CGROUP@
ip link set lo up
cd "$new"
pivot_root . old
umount -l /old
echo "container: entrypoint"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
  OPENCLAW_GATEWAY_PORT=3000 OPENCLAW_GATEWAY_TOKEN=token-of-the-container "$@"
"""


class Container:
    """One life of the image on a state directory; `group` may hold several, one after another."""

    def __init__(self, work, image, data, group):
        enter = ENTER.replace("@CGROUP@", group.mount_line())
        variables = [one for one in image["Env"] if not one.startswith("PATH=")]
        self.group = group
        tests = test_files(work)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork",
             "--kill-child", "sh", "-c", enter, "sh", work / "rootfs", data, tests,
             *variables, *image["Entrypoint"], *image["Cmd"]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            preexec_fn=group.enter)
        self.console = Console(self.process)
        self.first = first_process_of(self.process.pid)
        self.served = None
        self.probe = threading.Thread(target=self._ask_startupz, daemon=True)
        self.probe.start()

    def _ask_startupz(self):
        """Every millisecond until it is answered with 200, from inside the container's network."""
        enter_network_of(self.first)  # of this thread alone
        while self.process.poll() is None:
            if answers_startupz():
                self.served = time.monotonic()
                return
            time.sleep(0.001)

    def milliseconds_to_startupz(self, seconds=60):
        """(after the entrypoint, after the start of the container); None when it was never 200."""
        self.probe.join(seconds)
        entered = self.console.wait_for("container: entrypoint", 1)
        if self.served is None or entered is None:
            return None
        return (self.served - entered) * 1000, (self.served - self.started) * 1000

    def start_inside(self, *words):
        """A program beside the gateway, as `fly ssh console -C` starts one."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self.first), "--mount", "--pid", "--uts", "--ipc", "--net",
             "--cgroup", "--root", "--wd", "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin",
             "OPENCLAW_STATE_DIR=/data", "OPENCLAW_GATEWAY_PORT=3000",
             "OPENCLAW_GATEWAY_TOKEN=" + TOKEN, *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            preexec_fn=self.group.enter)

    def run_inside(self, *words, timeout=DEADLINE):
        """What it printed."""
        process = self.start_inside(*words)
        try:
            return process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0] + "\n(killed: it took too long)"

    def stop(self):
        """(exit code, seconds); the code is None when it had to be killed."""
        begun = time.monotonic()
        os.kill(self.first, signal.SIGTERM)
        try:
            code = self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            code = None
            self.kill()
        return code, time.monotonic() - begun

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def enter_network_of(process):
    """The calling thread's sockets are in that process's network from now on."""
    new_network = 0x40000000  # CLONE_NEWNET
    with open(f"/proc/{process}/ns/net", "rb") as network:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(network.fileno(), new_network) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def answers_startupz():
    try:
        with socket.create_connection(("127.0.0.1", 3000), timeout=1) as connection:
            connection.sendall(b"GET /startupz HTTP/1.1\r\nHost: localhost\r\n"
                               b"Connection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def first_process_of(unshare):
    """The process that unshare forked: the first one inside, by its number outside."""
    children = pathlib.Path(f"/proc/{unshare}/task/{unshare}/children")
    for _ in range(200):
        words = children.read_text().split()
        if words:
            return int(words[0])
        time.sleep(0.05)
    raise RuntimeError("the container has no first process")
