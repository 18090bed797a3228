# SPDX-License-Identifier: BSD-2-Clause
"""Makes what a simulated machine boots: a kernel of Debian's, an initrd with
the few modules that it needs, and a disk with programs of this machine, among
them those of this build, with the libraries that they are linked with. Nothing
is downloaded, and nobody needs to be root.
"""
import glob
import gzip
import lzma
import os
import re
import shutil
import subprocess

import harness

KERNEL = os.environ.get("RINGTALLY_VM_KERNEL", "/")
MODULES = ("virtio_pci", "virtio_blk", "virtio_net")
DISK_MIB = 768


def missing():
    """The packages of Debian's that are wanted, or nothing."""
    wanted = {"qemu-system-x86": shutil.which("qemu-system-x86_64"),
              "busybox-static": busybox(), "e2fsprogs": mke2fs(),
              "util-linux": shutil.which("setpriv"),
              "linux-image-cloud-amd64 (or what it holds, unpacked to "
              "RINGTALLY_VM_KERNEL)": kernel()}
    return [name for name, found in wanted.items() if not found]


def busybox():
    """One that needs no libraries: it is the first program of all."""
    path = shutil.which("busybox")
    return path if path and not libraries([path]) else None


def mke2fs():
    return shutil.which("mke2fs", path=os.environ["PATH"] + ":/sbin:/usr/sbin")


def kernel():
    """(image, release) of the newest that has its modules, else None."""
    found = []
    for image in glob.glob(os.path.join(KERNEL, "boot", "vmlinuz-*")):
        release = os.path.basename(image).partition("-")[2]
        if (os.access(image, os.R_OK) and
                module(release, "virtio_blk")):
            found.append((os.path.getmtime(image), image, release))
    return max(found)[1:] if found else None


# -- the initrd

def module(release, name):
    """A module's file, however its name is spelt; None: none, or built in."""
    name = name.replace("-", "_")
    for folder, _, files in os.walk(os.path.join(
            KERNEL, "lib", "modules", release, "kernel", "drivers")):
        for file in files:
            if file.partition(".ko")[0].replace("-", "_") == name:
                return os.path.join(folder, file)
    return find_elsewhere(release, name)


def find_elsewhere(release, name):
    for file in glob.glob(os.path.join(KERNEL, "lib", "modules", release,
                                       "kernel", "[!d]*", "**", "*.ko*"),
                          recursive=True):
        if os.path.basename(file).partition(".ko")[0].replace(
                "-", "_") == name:
            return file
    return None


def module_bytes(path):
    with open(path, "rb") as f:
        data = f.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def modules(release):
    """{name: bytes}, each behind those that it depends on."""
    found = {}

    def add(name):
        path = module(release, name)
        if path is None or name in found:
            return
        data = module_bytes(path)
        needs = re.search(rb"\0depends=([^\0]*)\0", b"\0" + data)
        for other in (needs.group(1).decode().split(",") if needs else ()):
            if other:
                add(other)
        found[name] = data

    for name in MODULES:
        add(name)
    return found


INITRD = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in %s; do /bin/busybox insmod /$module.ko; done
/bin/busybox mount -t ext4 /dev/vda /disk
exec /bin/busybox switch_root /disk /init
"""


def make_initrd(to, release):
    work = to + ".d"
    for name in ("bin", "dev", "disk"):
        os.makedirs(os.path.join(work, name))
    shutil.copy(busybox(), os.path.join(work, "bin", "busybox"))
    found = modules(release)
    for name, data in found.items():
        with open(os.path.join(work, name + ".ko"), "wb") as f:
            f.write(data)
    script(os.path.join(work, "init"), INITRD % " ".join(found))
    files = subprocess.run(["find", ".", "-print0"], cwd=work, check=True,
                           capture_output=True).stdout
    packed = subprocess.run([busybox(), "cpio", "-o0", "-H", "newc"], cwd=work,
                            input=files, check=True,
                            capture_output=True).stdout
    with gzip.open(to, "wb", 1) as f:
        f.write(packed)
    shutil.rmtree(work)


def script(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o700)


# -- the disk

def libraries(programs):
    """The files that the loader would load, and the loader."""
    found = set()
    for program in programs:
        told = subprocess.run(["ldd", program], capture_output=True,
                              text=True).stdout
        found |= set(re.findall(r"(?:=> |^\s*)(/\S+) \(", told, re.M))
    return found


def copy(path, root, to=None):
    """As it stands here, links followed."""
    target = root + (to or path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(path):
        shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(path, target)


def pg_config(what):
    return subprocess.run([os.path.join(harness.pg_bindir(), "pg_config"),
                           "--" + what], check=True, capture_output=True,
                          text=True).stdout.strip()


def make_root(root, files):
    """files: {path in the machine: text}"""
    plpgsql = os.path.join(pg_config("pkglibdir"), "plpgsql.so")
    programs = [os.path.join(harness.pg_bindir(), "postgres"),
                shutil.which("setpriv")]
    built = [harness.binary("ringtallyd"), harness.binary("ringtally")]
    for path in libraries([*programs, *built, plpgsql]):
        copy(path, root)
    copy(glob.glob("/lib/*/libgcc_s.so.1")[0], root)    # loaded when needed
    for path in (*programs, plpgsql, pg_config("sharedir"),
                 "/usr/share/zoneinfo", "/usr/lib/locale/C.utf8"):
        copy(path, root)
    for path in built:
        copy(path, root, "/usr/bin/" + os.path.basename(path))
    copy(busybox(), root, "/bin/busybox")
    for name in ("dev", "proc", "run", "sys", "tmp", "log", "etc"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    for path, text in files.items():
        script(root + path, text)


def make_disk(to, root):
    with open(to, "wb") as f:
        f.truncate(DISK_MIB << 20)
    subprocess.run([mke2fs(), "-q", "-F", "-t", "ext4", "-d", root, to],
                   check=True, stdout=subprocess.DEVNULL)
