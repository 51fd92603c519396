"""Frames and captures made and read byte by byte, with checksums of their own: shares no code with the product."""
import collections
import ipaddress
import struct

ROUTER = "02:00:00:00:00:01"
NEXT_HOP = "02:00:00:00:00:fe"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP, ICMP = 6, 17, 1
NS = 10**9


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def mac_text(raw):
    return ":".join(f"{byte:02x}" for byte in raw)


def address(text):
    return ipaddress.IPv4Address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(src, dst, protocol, payload, ttl=64, ident=0, flags=0, offset=0, tos=0, options=b""):
    """An IPv4 packet; `flags`: 2 do not fragment, 1 more fragments; `offset` in bytes."""
    words = (20 + len(options)) // 4
    head = struct.pack(">BBHHHBBH4s4s", 0x40 | words, tos, words * 4 + len(payload), ident, flags << 13 | offset // 8,
                       ttl, protocol, 0, address(src), address(dst)) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def _with_pseudo(src, dst, protocol, segment, at):
    pseudo = address(src) + address(dst) + struct.pack(">BBH", 0, protocol, len(segment))
    value = checksum(pseudo + segment)
    value = 0xffff if value == 0 and protocol == UDP else value
    return segment[:at] + struct.pack(">H", value) + segment[at + 2:]


def udp_segment(src, dst, sport, dport, data=b""):
    return _with_pseudo(src, dst, UDP, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data, 6)


def tcp_segment(src, dst, sport, dport, flags, seq=0, ack=0, data=b""):
    return _with_pseudo(src, dst, TCP,
                        struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0) + data, 16)


def icmp_message(kind, code, ident, seq, data=b""):
    raw = struct.pack(">BBHHH", kind, code, 0, ident, seq) + data
    return raw[:2] + struct.pack(">H", checksum(raw)) + raw[4:]


def udp(src, dst, sport, dport, data=b"", **ip_fields):
    return ip(src, dst, UDP, udp_segment(src, dst, sport, dport, data), **ip_fields)


def tcp(src, dst, sport, dport, flags, seq=0, ack=0, data=b"", **ip_fields):
    return ip(src, dst, TCP, tcp_segment(src, dst, sport, dport, flags, seq, ack, data), **ip_fields)


def echo(src, dst, ident, seq=1, reply=False, data=b"ping", **ip_fields):
    return ip(src, dst, ICMP, icmp_message(0 if reply else 8, 0, ident, seq, data), **ip_fields)


def fragments(packet, size):
    """The fragments of an IPv4 packet with `size` payload bytes each, in order."""
    header, payload = packet[:20], packet[20:]
    parts = []
    for offset in range(0, len(payload), size):
        part = payload[offset:offset + size]
        more = offset + size < len(payload)
        head = header[:2] + struct.pack(">H", 20 + len(part)) + header[4:6] + \
            struct.pack(">H", more << 13 | offset // 8) + header[8:10] + b"\0\0" + header[12:]
        parts.append(head[:10] + struct.pack(">H", checksum(head)) + head[12:] + part)
    return parts


def frame(packet, src, dst=ROUTER, vlan=None, ethertype=0x0800):
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return mac_bytes(dst) + mac_bytes(src) + tag + struct.pack(">H", ethertype) + packet


def arp(operation, sender_mac, sender, target_mac, target, dst="ff:ff:ff:ff:ff:ff", vlan=None):
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + mac_bytes(sender_mac) + address(sender) + \
        mac_bytes(target_mac) + address(target)
    return frame(body, sender_mac, dst, vlan, 0x0806)


Seen = collections.namedtuple(
    "Seen", "dst_mac src_mac vlan src dst protocol ttl ident flags offset sport dport tcp_flags seq ack payload packet")


def see(raw):
    """A frame taken apart; fails when a checksum does not hold."""
    at, vlan = 12, None
    if raw[12:14] == b"\x81\x00":
        vlan, at = struct.unpack(">H", raw[14:16])[0], 16
    assert raw[at:at + 2] == b"\x08\x00", raw.hex()
    packet = raw[at + 2:]
    head = (packet[0] & 15) * 4
    total, ident, fragment, ttl, protocol = struct.unpack(">HHHBB", packet[2:10])
    assert total == len(packet), (total, len(packet))
    assert checksum(packet[:head]) == 0, "IPv4 checksum"
    src, dst = (str(ipaddress.IPv4Address(packet[i:i + 4])) for i in (12, 16))
    l4, offset = packet[head:], (fragment & 0x1fff) * 8
    sport = dport = tcp_flags = seq = ack = None
    whole = fragment & 0x3fff == 0
    if whole and protocol in (TCP, UDP):
        pseudo = packet[12:20] + struct.pack(">BBH", 0, protocol, len(l4))
        assert checksum(pseudo + l4) == 0 or (protocol == UDP and l4[6:8] == b"\0\0"), "L4 checksum"
    if whole and protocol == ICMP:
        assert checksum(l4) == 0, "ICMP checksum"
    if offset == 0 and protocol in (TCP, UDP):
        sport, dport = struct.unpack(">HH", l4[:4])
    if offset == 0 and protocol == ICMP:
        sport = dport = struct.unpack(">H", l4[4:6])[0]
    if offset == 0 and protocol == TCP:
        seq, ack = struct.unpack(">II", l4[4:12])
        tcp_flags = l4[13]
    payload = l4 if offset else l4[{TCP: 20, UDP: 8, ICMP: 8}.get(protocol, 0):]
    return Seen(mac_text(raw[:6]), mac_text(raw[6:12]), vlan, src, dst, protocol, ttl, ident, fragment >> 13, offset,
                sport, dport, tcp_flags, seq, ack, payload, packet)


def pcap(frames, nanoseconds=True, big_endian=False, link=1):
    """A classic pcap of (time in ns, bytes)."""
    order = ">" if big_endian else "<"
    out = struct.pack(order + "IHHiIII", 0xa1b23c4d if nanoseconds else 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
    for time_ns, raw in frames:
        part = time_ns % NS if nanoseconds else time_ns % NS // 1000
        out += struct.pack(order + "IIII", time_ns // NS, part, len(raw), len(raw)) + raw
    return out


def pcapng(frames, link=1, resolution=9):
    """One section, one interface; times in units of 10^-resolution seconds."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", link, 0, 0) + struct.pack("<HHB3xHH", 9, 1, resolution, 0, 0))
    for time_ns, raw in frames:
        units = time_ns // 10 ** (9 - resolution)
        out += block(6, struct.pack("<IIIII", 0, units >> 32, units & 0xffffffff, len(raw), len(raw)) + raw)
    return out


def read_pcap(data):
    """(time in ns, bytes) of a little-endian nanosecond pcap, which the product writes."""
    magic, major, minor, zone, accuracy, snap, link = struct.unpack("<IHHiIII", data[:24])
    assert (magic, major, minor, zone, accuracy, link) == (0xa1b23c4d, 2, 4, 0, 0, 1) and snap >= 65535
    frames, at = [], 24
    while at < len(data):
        seconds, nanos, captured, length = struct.unpack("<IIII", data[at:at + 16])
        assert captured == length and nanos < NS
        frames.append((seconds * NS + nanos, data[at + 16:at + 16 + length]))
        assert len(frames[-1][1]) == length
        at += 16 + length
    return frames
