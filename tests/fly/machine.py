"""A virtual machine of the image under an init that behaves as Fly's: Debian's kernel, the image's
files and /data on virtual disks, the processor emulated."""

import os
import shutil
import subprocess
import tempfile
import pathlib

from boot_support import DEADLINE, MEMORY, Console, compile_once, new_state, test_files

# Modules the virtual disk needs, in the order to load.
MODULES = ("virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "virtio_blk")


def kernel(work):
    """(kernel, directory of its modules), unpacked from Debian's package once."""
    place = work / "kernel"
    if not (place / "boot").exists():
        place.mkdir(exist_ok=True)
        names = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"],
                               capture_output=True, text=True, check=True).stdout.split()
        name = next(one for one in names if one.startswith("linux-image-6"))
        subprocess.run(["apt-get", "download", "-qq", name], cwd=place, check=True)
        package = next(place.glob("*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, place], check=True)
    return next((place / "boot").glob("vmlinuz-*")), next((place / "lib/modules").iterdir())


FIRST_STEPS = r"""#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do busybox insmod "$module"; done
busybox mount -t ext4 /dev/vda /new || busybox poweroff -f
exec busybox switch_root /new /test/init
"""


def initial_files(work):
    """The initramfs: loads the disk's driver, mounts the image, hands over."""
    _, modules = kernel(work)
    place = work / "initramfs"
    shutil.rmtree(place, ignore_errors=True)
    for name in ("bin", "proc", "dev", "new", "modules"):
        (place / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", place / "bin/busybox")
    for index, name in enumerate(MODULES):
        for found in modules.glob(f"**/{name}.ko"):
            shutil.copy(found, place / f"modules/{index}-{name}.ko")
    (place / "init").write_text(FIRST_STEPS)
    (place / "init").chmod(0o755)
    archive = work / "initramfs.gz"
    subprocess.run(["bash", "-o", "pipefail", "-c",
                    'find . | cpio --quiet -o -H newc | gzip -1 >"$1"', "bash", archive],
                   cwd=place, check=True)
    return archive


def disk(path, megabytes, directory):
    path.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", directory, path, f"{megabytes}M"],
                   check=True)
    return path


def run_machine(work, verdict, groups):
    init = compile_once(work, "machine_init", ["tests/fly/machine_init.cpp"], ["-static"])
    image, _ = kernel(work)
    start = initial_files(work)
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        scratch = pathlib.Path(scratch)
        new_state(scratch / "state")
        root = work / "rootfs"
        shutil.rmtree(root / "test", ignore_errors=True)
        shutil.copytree(test_files(work), root / "test")
        shutil.copy(init, root / "test/init")
        first = disk(scratch / "root.img", 600, root)
        second = disk(scratch / "data.img", 64, scratch / "state")
        process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-m", str(MEMORY >> 20),
             "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
             "-kernel", image, "-initrd", start,
             "-append", f"console=ttyS0 quiet panic=-1 reboot=t cgroup={groups}",
             "-drive", f"file={first},if=none,id=root,format=raw",
             "-device", "virtio-blk-pci,drive=root",
             "-drive", f"file={second},if=none,id=data,format=raw",
             "-device", "virtio-blk-pci,drive=data"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        console = Console(process)
        try:
            process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        verdict.expect(console.has("scenario: done"), "it answered before and after a death")
        verdict.expect(console.has("out of memory:"), "the log names the death for memory")
        verdict.expect(console.has("init: exit code 0"), "it stopped with 0")
        verdict.expect(console.has("init: processes left: 0"), "no process was left")
        verdict.expect(console.has("init: /data unmounted"), "/data was unmounted clean")
