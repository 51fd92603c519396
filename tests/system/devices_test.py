#!/usr/bin/env python3
"""sluiced forwards over every kind of DPDK device that needs no NIC; speaks TAP.

Usage: devices_test.py BUILD. Each case starts a sluiced of its own with two ENIs of one subnet, or an ENI and the uplink,
sees packets cross, checks that every received packet has a fate, and that SIGTERM ends it with exit code 0.
"""
import functools
import json
import pathlib
import socket
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "support")]
import tap  # noqa: E402
from lab import daemon, privilege  # noqa: E402
from lab.namespaces import Lab, LabError, run, wait_until  # noqa: E402

A, B = "10.9.0.10", "10.9.0.11"
MAC_A, MAC_B = "02:00:0a:09:00:0a", "02:00:0a:09:00:0b"
FRAMES = 1000


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def checksum(words):
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(number):
    """A UDP datagram from A to B, straight to B's MAC."""
    payload = struct.pack("!I", number) * 4
    udp = struct.pack("!HHHH", 1000, 2000, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0)
    ends = socket.inet_aton(A) + socket.inet_aton(B)
    head = head[:10] + struct.pack("!H", checksum(head + ends)) + ends
    return mac_bytes(MAC_B) + mac_bytes(MAC_A) + b"\x08\x00" + head + udp


def write_pcap(path, frames):
    records = b"".join(struct.pack("<IIII", 1, 0, len(one), len(one)) + one for one in frames)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)


def read_pcap(path):
    data = path.read_bytes()
    frames, position = [], 24
    while position < len(data):
        length = struct.unpack_from("<I", data, position + 8)[0]
        frames.append(data[position + 16:position + 16 + length])
        position += 16 + length
    return frames


class Folder:
    """What Daemon wants of a configuration: a folder, and devices to wait for."""

    def __init__(self, lab, name, ports, extra):
        self.folder = lab.folder / name
        self.folder.mkdir()
        self.devices = {}
        attachments = [{"NetworkInterfaceId": f"eni-{port}", "Port": port} for port in ports if port in "ab"]
        config = {
            "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.9.0.0/16"}],
            "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.9.0.0/24"}],
            "NetworkInterfaces": [
                {"NetworkInterfaceId": "eni-a", "SubnetId": "subnet-1", "PrivateIpAddress": A, "MacAddress": MAC_A},
                {"NetworkInterfaceId": "eni-b", "SubnetId": "subnet-1", "PrivateIpAddress": B, "MacAddress": MAC_B}],
            "Host": {"Ports": [{"Name": port, "Device": device} for port, device in ports.items()],
                     "Attachments": attachments, "MaxSessions": 1024, **extra}}
        (self.folder / "config.json").write_text(json.dumps(config, indent=1))


class Running:
    """A sluiced over `ports`, ended and judged at the end of the block."""

    def __init__(self, lab, programs, name, ports, extra=None):
        self.daemon = daemon.Daemon(lab, programs, Folder(lab, name, ports, extra or {}))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        total = self.daemon.counters()["total"] if kind is None else None
        code = self.daemon.stop()
        if kind is None:
            assert total["received"] == sum(total[fate] for fate in ("forwarded", "consumed", "dropped", "held")), total
            assert total["dropped_by"].get("undecided", 0) == 0, total
            assert code == 0, f"exit code {code}\n{self.daemon.log()}"

    def port(self, name):
        rows = json.loads(self.daemon.ask("show", "ports", "-j")[1])["ports"]
        return next(row for row in rows if row["port"] == name)

    def wait(self, name, counter, least):
        try:
            wait_until(f"{least} {counter} on {name}", lambda: self.port(name)[counter] >= least, 20)
        except LabError as error:
            raise LabError(f"{error}: {self.port(name)}\n{self.daemon.log()}") from None


def null_is_polled_and_every_empty_frame_has_a_fate(lab, programs):
    with Running(lab, programs, "null", {"a": "net_null0", "b": "net_null1"}) as running:
        running.wait("a", "received", 10_000)


def pcap_in_and_pcap_out(lab, programs):
    frames = [frame(number) for number in range(FRAMES)]
    write_pcap(lab.folder / "in.pcap", frames)
    write_pcap(lab.folder / "none.pcap", [])
    out = lab.folder / "b.pcap"
    ports = {"a": f"net_pcap0,rx_pcap={lab.folder}/in.pcap,tx_pcap={lab.folder}/a.pcap",
             "b": f"net_pcap1,rx_pcap={lab.folder}/none.pcap,tx_pcap={out}"}
    with Running(lab, programs, "pcap", ports) as running:
        running.wait("b", "sent", FRAMES)
    assert read_pcap(out) == frames, "the frames written are not those read"


def endless(lab):
    """A port whose device sends A's frames again and again."""
    path = lab.folder / "endless.pcap"
    write_pcap(path, [frame(number) for number in range(32)])
    return f"net_pcap0,rx_pcap={path},infinite_rx=1"


def a_ring_gives_back_what_it_took(lab, programs):
    # The one ring of net_ring0 is both its directions: what is sent to B comes back as if from B, with A's MAC.
    with Running(lab, programs, "ring", {"a": endless(lab), "b": "net_ring0"}) as running:
        running.wait("b", "received", 100)
        assert running.daemon.drops().get("source_check", 0) > 0


def memif_joins_two_ports(lab, programs):
    # What is sent to B leaves on memif0 and arrives from the internet on memif1: B has no public address.
    where = f"socket={lab.folder}/memif.sock,socket-abstract=no,id=0"
    ports = {"a": endless(lab), "b": f"net_memif0,role=server,{where}", "wan": f"net_memif1,role=client,{where}"}
    uplink = {"Uplink": {"Port": "wan", "Address": "198.51.100.2/24", "NextHop": "198.51.100.1"}}
    with Running(lab, programs, "memif", ports, uplink) as running:
        running.wait("wan", "received", 100)
        assert running.daemon.drops().get("igw_unknown_public_ip", 0) > 0


def af_packet_carries_a_ping_between_kernels(lab, programs):
    ports = {}
    for name, mac, address in (("a", MAC_A, A), ("b", MAC_B, B)):
        host = lab.host(name)
        ours = lab.device(name)
        run(["ip", "link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", host.namespace])
        run(["sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{ours}/disable_ipv6"], check=False)
        run(["ip", "link", "set", ours, "up"])
        host.ip("link", "set", "eth0", "address", mac, "up")
        host.ip("addr", "add", f"{address}/24", "dev", "eth0")
        ports[name] = f"net_af_packet{len(ports)},iface={ours}"
    with Running(lab, programs, "af_packet", ports):
        code, output = lab.host("a").run(["ping", "-n", "-c", "3", "-i", "0.2", "-W", "2", B], check=False)
        assert code == 0, output


CASES = (null_is_polled_and_every_empty_frame_has_a_fate, pcap_in_and_pcap_out, a_ring_gives_back_what_it_took,
         memif_joins_two_ports, af_packet_carries_a_ping_between_kernels)


def with_a_lab(case):
    """The case with a lab of its own, closed behind it."""
    @functools.wraps(case)
    def run_case(programs):
        lab = Lab()
        try:
            case(lab, programs)
        finally:
            lab.close()
    return run_case


def main(build):
    problem = privilege.why_impossible()
    if problem:
        print(problem)
        return 77
    privilege.enter()
    return tap.run([with_a_lab(case) for case in CASES], daemon.Programs(pathlib.Path(build)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
