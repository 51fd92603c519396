"""Gets the right to make network namespaces: as root nothing is done, otherwise the program starts itself again as the
root of a user namespace of its own, where everything it makes vanishes with it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

INSIDE = "SLUICE_LAB_INSIDE"


def why_impossible():
    """None, or what to tell the user."""
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun here; try: mkdir -p /dev/net && mknod /dev/net/tun c 10 200 (in a container: --device)"
    if os.geteuid() == 0 and subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode:
        return "this root may not make network namespaces; in a container: --cap-add=NET_ADMIN --cap-add=SYS_ADMIN"
    if os.geteuid() != 0 and subprocess.run(["unshare", "-Urnm", "true"], stderr=subprocess.DEVNULL).returncode:
        return "unprivileged user namespaces are switched off here; run it as root"
    return None


def enter():
    """Returns with the rights of root over network namespaces, perhaps after starting the program again."""
    problem = why_impossible()
    if problem:
        sys.exit(f"The lab cannot run: {problem}")
    if os.environ.get(INSIDE):
        # A mount namespace of our own: `ip netns` needs a writable /run, EAL and sluiced a runtime folder.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        os.makedirs("/run/netns", exist_ok=True)
        os.makedirs("/run/sluice", exist_ok=True)
        os.environ["RUNTIME_DIRECTORY"] = "/run/sluice"
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    elif os.geteuid() != 0:
        environment = dict(os.environ, **{INSIDE: "1"})
        os.execvpe("unshare", ["unshare", "-Urnm", "--kill-child", sys.executable] + sys.argv, environment)


def how_to_enter(pid):
    """The words before `ip netns exec` for a user outside."""
    return f"nsenter -t {pid} -U -m -n --preserve-credentials " if os.environ.get(INSIDE) else ""


def runtime_folder():
    """A folder of this run alone, short enough for a socket path."""
    return pathlib.Path(tempfile.mkdtemp(prefix="sluice-lab-", dir="/run/sluice" if os.environ.get(INSIDE) else None))


def remove_folder(path):
    shutil.rmtree(path, ignore_errors=True)
