#!/usr/bin/env python3
"""`sluice replay`: what the results are, told by hand for single packets. Speaks TAP. Argument: the sluice program."""
import sys

import replay_run
from replay_run import fates, run
from vpcs import (APP, APP_MAC, HOST, NAT_PUBLIC, TWO, TWO_MAC, WEB, WEB_MAC, WEB_PUBLIC, acl, allow, base, entry)
from wire import NEXT_HOP, NS, ROUTER, SYN, arp, echo, frame, fragments, see, tcp, udp

T = 1700000000 * NS + 123456789


def same_subnet_forward():
    """AWS_SG_10_two_interfaces_in_one_subnet: the frame arrives from the router's MAC, otherwise unchanged."""
    packet = udp(APP, TWO, 1000, 2000, b"hello")
    result = run(base(), [(T, "eni-app", frame(packet, APP_MAC))])
    assert result.verdicts == [{"n": 0, "t": T, "port": "eni-app", "eni": "eni-app", "verdict": "forward",
                                "reason": None, "rule": None, "out": [{"port": "eni-two", "eni": "eni-two"}],
                                "generation": 1}], result.verdicts
    assert result.sent["eni-two"] == [(T, frame(packet, ROUTER, TWO_MAC))]
    assert result.summary["sessions"] in (0, 1)


def AWS_SG_10_egress_and_ingress_group_in_one_subnet():
    config = base({"sg-two": ([allow("udp", 53)], [])})
    result = run(config, [(T, "eni-app", frame(udp(APP, TWO, 1000, 53), APP_MAC)),
                          (T + 1, "eni-app", frame(udp(APP, TWO, 1000, 54), APP_MAC)),
                          (T + 2, "eni-two", frame(udp(TWO, APP, 53, 1000), TWO_MAC)),
                          (T + 3, "eni-two", frame(udp(TWO, APP, 54, 1000), TWO_MAC))])
    assert fates(result) == [("forward", None), ("drop", "sg_ingress"), ("forward", None), ("drop", "sg_egress")]
    assert [v["eni"] for v in result.verdicts] == ["eni-app", "eni-app", "eni-two", "eni-two"]


def AWS_NACL_02_the_rule_is_named():
    deny = acl("acl-app", "subnet-app", [entry(90, False, "deny", "6", ports=(22, 22)), entry(100, False, "allow"),
                                         entry(100, True, "allow")])
    closed = acl("acl-app", "subnet-app", [entry(100, False, "allow")])
    out = frame(tcp(WEB, APP, 5000, 22, SYN), WEB_MAC)
    result = run(base(NetworkAcls=[deny]), [(T, "eni-web", out)])
    assert fates(result) == [("drop", "nacl_ingress")]
    assert result.verdicts[0]["rule"] == {"id": "acl-app", "direction": "ingress", "number": 90}
    result = run(base(NetworkAcls=[closed]), [(T, "eni-app", frame(tcp(APP, WEB, 5000, 22, SYN), APP_MAC))])
    assert fates(result) == [("drop", "nacl_egress")]
    assert result.verdicts[0]["rule"] == {"id": "acl-app", "direction": "egress", "number": 32767}


def AWS_IGW_03_public_address_there_and_back():
    result = run(base(), [(T, "eni-web", frame(tcp(WEB, HOST, 5000, 443, SYN, seq=7), WEB_MAC)),
                          (T + 5, "internet", frame(tcp(HOST, WEB_PUBLIC, 443, 5000, 18, seq=1, ack=8), NEXT_HOP))])
    assert [v["out"] for v in result.verdicts] == [[{"port": "internet", "eni": None}],
                                                   [{"port": "eni-web", "eni": "eni-web"}]]
    assert [v["eni"] for v in result.verdicts] == ["eni-web", None]
    (time, raw), = result.sent["internet"]
    seen = see(raw)
    assert (time, seen.src, seen.dst, seen.sport, seen.dport, seen.ttl) == (T, WEB_PUBLIC, HOST, 5000, 443, 64)
    assert (seen.dst_mac, seen.src_mac) == (NEXT_HOP, ROUTER)
    (time, raw), = result.sent["eni-web"]
    assert (time, raw) == (T + 5, frame(tcp(HOST, WEB, 443, 5000, 18, seq=1, ack=8), ROUTER, WEB_MAC))


def AWS_NAT_03_source_becomes_the_gateway_and_the_answer_finds_back():
    request = frame(udp(APP, HOST, 5000, 53, b"q"), APP_MAC)
    first = run(base(), [(T, "eni-app", request)], "--seed=5")
    seen = see(first.sent["internet"][0][1])
    assert (seen.src, seen.dst, seen.dport, seen.ttl, seen.payload) == (NAT_PUBLIC, HOST, 53, 63, b"q")
    assert 1024 <= seen.sport <= 65535  # AWS-NAT-04
    answer = frame(udp(HOST, NAT_PUBLIC, 53, seen.sport, b"a"), NEXT_HOP)
    both = run(base(), [(T, "eni-app", request), (T + 9, "internet", answer)], "--seed=5")
    assert both.sent["internet"] == first.sent["internet"], "the port follows from the seed"
    back = see(both.sent["eni-app"][0][1])
    assert (back.src, back.dst, back.sport, back.dport, back.ttl, back.payload) == (HOST, APP, 53, 5000, 63, b"a")
    assert both.summary["sessions"] == 1
    others = {see(run(base(), [(T, "eni-app", request)], f"--seed={n}").sent["internet"][0][1]).sport
              for n in range(4)}
    assert len(others) > 1, "another seed, another port"


def next_hop_from_any_arp_in_the_capture_of_its_port():
    request = frame(tcp(WEB, HOST, 5000, 443, SYN), WEB_MAC)
    mac = "0a:bb:cc:dd:ee:01"
    late = arp(1, mac, "198.51.100.1", "00:00:00:00:00:00", "198.51.100.77")
    other = arp(2, "0a:bb:cc:dd:ee:02", "198.51.100.3", ROUTER, "198.51.100.2", dst=ROUTER)
    result = run(base(), [(T, "internet", other), (T + 1, "eni-web", request), (T + 9, "internet", late)])
    assert see(result.sent["internet"][0][1]).dst_mac == mac
    assert fates(result)[1] == ("forward", None)
    assert {v["reason"] for v in result.verdicts if v["port"] == "internet"} <= {"arp_ignored", "arp_learned"}
    elsewhere = run(base(), [(T, "eni-web", request), (T + 1, "eni-app", late)])
    assert see(elsewhere.sent["internet"][0][1]).dst_mac == NEXT_HOP, "another port's capture does not count"


def D_ARP_answer_is_a_consumed_packet_with_one_output():
    ask = arp(1, APP_MAC, APP, "00:00:00:00:00:00", "10.0.1.1")
    result = run(base(), [(T, "eni-app", ask)])
    assert fates(result) == [("consume", "arp_reply")]
    assert result.verdicts[0]["out"] == [{"port": "eni-app", "eni": "eni-app"}]
    assert result.sent["eni-app"] == [(T, arp(2, ROUTER, "10.0.1.1", APP_MAC, APP, dst=APP_MAC))]


def order_is_time_then_in_then_file():
    def packet(port, mac, src, number):
        return frame(udp(src, WEB, number, 9), mac)
    frames = [(T + 5, "eni-two", packet("eni-two", TWO_MAC, TWO, 1)),
              (T, "eni-two", packet("eni-two", TWO_MAC, TWO, 2)),
              (T + 5, "eni-app", packet("eni-app", APP_MAC, APP, 3)),
              (T + 5, "eni-app", packet("eni-app", APP_MAC, APP, 4)),
              (T + 5, "eni-two", packet("eni-two", TWO_MAC, TWO, 5)),
              (T + 1, "eni-app", packet("eni-app", APP_MAC, APP, 6))]
    result = run(base(), frames)
    assert [see(raw).sport for _, raw in result.sent["eni-web"]] == [2, 6, 1, 5, 3, 4]
    assert [v["t"] - T for v in result.verdicts] == [0, 1, 5, 5, 5, 5]
    assert [v["port"] for v in result.verdicts] == ["eni-two", "eni-app", "eni-two", "eni-two", "eni-app", "eni-app"]


def D_FRAG_held_fragments_follow_their_first_and_lines_stay_in_order():
    parts = fragments(udp(APP, TWO, 1000, 2000, bytes(range(100)), ident=77), 40)
    third, second, first = (frame(part, APP_MAC) for part in reversed(parts))
    between = frame(udp(TWO, APP, 1, 2), TWO_MAC)
    result = run(base(), [(T, "eni-app", third), (T + 1, "eni-app", second), (T + 2, "eni-two", between),
                          (T + 3, "eni-app", first)])
    assert fates(result) == [("forward", None)] * 4
    assert [v["t"] - T for v in result.verdicts] == [0, 1, 2, 3]
    sent = [(time - T, see(raw).offset) for time, raw in result.sent["eni-two"]]
    assert sent == [(3, 0), (3, 80), (3, 40)], sent  # the time of what released them; held order
    assert all(len(v["out"]) == 1 for v in result.verdicts)


def D_FRAG_without_a_first_they_are_orphans_after_two_seconds_or_at_the_end():
    parts = fragments(udp(APP, TWO, 1000, 2000, bytes(100), ident=78), 40)
    first, second, third = (frame(part, APP_MAC) for part in parts)
    inside = run(base(), [(T, "eni-app", second), (T + 2 * NS, "eni-app", first)])
    assert fates(inside) == [("forward", None)] * 2
    late = run(base(), [(T, "eni-app", second), (T + 2 * NS + 2_000_000, "eni-app", first)])
    assert fates(late) == [("drop", "fragment_orphan"), ("forward", None)]
    end = run(base(), [(T, "eni-app", second), (T + 1, "eni-app", third)])
    assert fates(end) == [("drop", "fragment_orphan")] * 2
    assert end.summary["dropped"]["fragment_orphan"] == 2


def AWS_MTU_01_pieces_are_entries_of_out():
    big = frame(udp(WEB, HOST, 5000, 53, bytes(2000), ident=9), WEB_MAC)
    result = run(base(), [(T, "eni-web", big)])
    assert fates(result) == [("forward", None)]
    assert result.verdicts[0]["out"] == [{"port": "internet", "eni": None}] * 2
    pieces = [see(raw) for _, raw in result.sent["internet"]]
    assert [(p.offset, len(p.packet)) for p in pieces] == [(0, 1500), (1480, 548)]
    stiff = frame(udp(WEB, HOST, 5000, 53, bytes(2000), ident=9, flags=2), WEB_MAC)
    result = run(base(), [(T, "eni-web", stiff)])
    assert fates(result) == [("consume", "mtu_exceeded")]
    assert result.verdicts[0]["out"] == [{"port": "eni-web", "eni": "eni-web"}]
    told = see(result.sent["eni-web"][0][1])
    assert (told.src, told.dst, told.protocol, told.packet[20:22]) == ("10.0.0.1", WEB, 1, b"\x03\x04")
    assert int.from_bytes(told.packet[26:28], "big") == 1500


def a_host_with_vlans_names_its_ports():
    config = base(Host={
        "Ports": [{"Name": "trunk", "Device": "net_null0"}, {"Name": "wan", "Device": "net_null1"}],
        "Attachments": [{"NetworkInterfaceId": "eni-web", "Port": "trunk", "Vlan": 10},
                        {"NetworkInterfaceId": "eni-app", "Port": "trunk", "Vlan": 11},
                        {"NetworkInterfaceId": "eni-two", "Port": "trunk", "Vlan": 11}],
        "Uplink": {"Port": "wan", "Address": "192.0.2.2/24", "NextHop": "192.0.2.1"}})
    result = run(config, [(T, "trunk", frame(echo(APP, WEB, 5), APP_MAC, vlan=11)),
                          (T + 1, "trunk", frame(echo(TWO, WEB, 6), TWO_MAC, vlan=10)),
                          (T + 2, "trunk", frame(echo(WEB, HOST, 7), WEB_MAC, vlan=10))])
    assert fates(result)[0] == ("forward", None) and fates(result)[2] == ("forward", None)
    assert result.verdicts[0]["out"] == [{"port": "trunk", "eni": "eni-web"}]
    assert fates(result)[1] == ("drop", "source_check")
    assert sorted(result.sent) == ["trunk", "wan"]
    assert result.sent["trunk"] == [(T, frame(echo(APP, WEB, 5), ROUTER, WEB_MAC, vlan=10))]
    assert see(result.sent["wan"][0][1]).src == WEB_PUBLIC


def every_port_has_a_capture_and_every_reason_a_count():
    result = run(base(), [(T, "eni-app", frame(udp(APP, TWO, 1, 2), APP_MAC))])
    assert sorted(result.sent) == ["eni-app", "eni-two", "eni-web", "internet", "services"]
    for reason in ("sg_ingress", "nacl_egress", "fragment_orphan", "arp_reply", "tx_full", "conntrack_full",
                   "unknown_destination", "peering_not_transitive", "endpoint_unavailable", "no_mbuf", "dhcp_reply"):
        assert result.summary["dropped"][reason] == 0 and result.summary["consumed_by"][reason] == 0


def garbage_is_dropped_with_a_reason():
    frames = [b"", b"\x02", bytes(13), bytes(14), frame(b"\x45", APP_MAC), frame(bytes(20), APP_MAC),
              frame(udp(APP, TWO, 1, 2), APP_MAC)[:-9], frame(b"\x60" + bytes(60), APP_MAC, ethertype=0x86dd)]
    result = run(base(), [(T + i, "eni-app", raw) for i, raw in enumerate(frames)])
    assert [v for v, _ in fates(result)] == ["drop"] * len(frames)
    assert fates(result)[0][1] == "malformed_ethernet" and fates(result)[-1][1] == "unsupported_ethertype"
    huge = frame(udp(APP, TWO, 1, 2, bytes(65480)), APP_MAC)  # as offloads make them: in pieces for the port
    result = run(base(), [(T, "eni-app", huge)])
    assert fates(result) == [("forward", None)], fates(result)
    assert b"".join(see(raw).packet[20:] for _, raw in result.sent["eni-two"]) == huge[34:]
    longest = frame(tcp(APP, TWO, 1, 2, 16, data=bytes(65495)), APP_MAC)  # IPv4 can be no longer
    result = run(base(), [(T, "eni-app", longest)])
    assert fates(result)[0][0] in ("forward", "drop") and fates(result)[0][1] != "malformed_ethernet"


TESTS = [same_subnet_forward, AWS_SG_10_egress_and_ingress_group_in_one_subnet, AWS_NACL_02_the_rule_is_named,
         AWS_IGW_03_public_address_there_and_back, AWS_NAT_03_source_becomes_the_gateway_and_the_answer_finds_back,
         next_hop_from_any_arp_in_the_capture_of_its_port, D_ARP_answer_is_a_consumed_packet_with_one_output,
         order_is_time_then_in_then_file, D_FRAG_held_fragments_follow_their_first_and_lines_stay_in_order,
         D_FRAG_without_a_first_they_are_orphans_after_two_seconds_or_at_the_end, AWS_MTU_01_pieces_are_entries_of_out,
         a_host_with_vlans_names_its_ports, every_port_has_a_capture_and_every_reason_a_count,
         garbage_is_dropped_with_a_reason]

if __name__ == "__main__":
    sys.exit(replay_run.main(TESTS))
