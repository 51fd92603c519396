#!/usr/bin/env python3
"""`sluice replay --at`: another configuration in the middle. Speaks TAP. Argument: the sluice program."""
import copy
import sys

import replay_run
from replay_run import fates, run
from vpcs import (ALL, APP, APP_MAC, HOST, TWO, TWO_MAC, WEB, WEB_MAC, WEB_PUBLIC, acl, allow, base, entry, eni, group)
from wire import ACK, NEXT_HOP, NS, SYN, arp, frame, see, tcp, udp

T = 1700000000 * NS
PASS = ("forward", None)


def without_web_rule(config):
    changed = copy.deepcopy(config)
    changed["SecurityGroups"][0]["IpPermissions"] = []
    return changed


def web_flow(ingress, egress):
    """A connection from the internet to eni-web whose rule goes away after 10 s; what becomes of it afterwards."""
    config = base({"sg-web": (ingress, egress)})
    frames = [(T, "internet", frame(tcp(HOST, WEB_PUBLIC, 5000, 443, SYN, 7), NEXT_HOP)),
              (T + 1, "eni-web", frame(tcp(WEB, HOST, 443, 5000, SYN | ACK, 100, 8), WEB_MAC)),
              (T + 2, "internet", frame(tcp(HOST, WEB_PUBLIC, 5000, 443, ACK, 8, 101), NEXT_HOP)),
              (T + 10 * NS - 1, "internet", frame(tcp(HOST, WEB_PUBLIC, 5000, 443, ACK, 8, 101, b"a"), NEXT_HOP)),
              (T + 10 * NS, "internet", frame(tcp(HOST, WEB_PUBLIC, 5000, 443, ACK, 9, 101, b"b"), NEXT_HOP)),
              (T + 11 * NS, "eni-web", frame(tcp(WEB, HOST, 443, 5000, ACK, 101, 10, b"c"), WEB_MAC)),
              (T + 12 * NS, "internet", frame(tcp(HOST, WEB_PUBLIC, 6000, 443, SYN, 7), NEXT_HOP))]
    result = run(config, frames, changes=[("+10", without_web_rule(config))])
    assert [v["generation"] for v in result.verdicts] == [1, 1, 1, 1, 2, 2, 2]
    assert fates(result)[:4] == [PASS] * 4
    assert fates(result)[6] == ("drop", "sg_ingress"), "a new one has no rule"
    return fates(result)[4:6]


def AWS_SG_12_a_tracked_flow_survives_its_rule():
    assert web_flow([allow("tcp", 443, cidr="203.0.113.0/24")], []) == [PASS] * 2
    assert web_flow([allow("tcp", 443)], []) == [PASS] * 2  # no rule for the answers: tracked (AWS-SG-11)
    assert web_flow([allow("tcp", 443)], [allow("tcp", 0, 60000)]) == [PASS] * 2  # not all ports


def AWS_SG_12_an_untracked_flow_ends_with_its_rule():
    assert web_flow([allow("tcp", 443)], ALL) == [("drop", "sg_ingress"), PASS]
    assert web_flow([allow("tcp", 443)], [allow("tcp", 0, 65535)]) == [("drop", "sg_ingress"), PASS]


def AWS_NACL_10_an_ACL_cuts_a_tracked_flow_at_once():
    config = base({"sg-app": ([], ALL)})
    closed = copy.deepcopy(config)
    closed["NetworkAcls"] = [acl("acl-app", "subnet-app", [entry(50, False, "deny", "17"), entry(100, False, "allow"),
                                                           entry(100, True, "allow")])]
    frames = [(T, "eni-app", frame(udp(APP, WEB, 5000, 53), APP_MAC)),
              (T + 1, "eni-web", frame(udp(WEB, APP, 53, 5000), WEB_MAC)),
              (T + NS, "eni-web", frame(udp(WEB, APP, 53, 5000), WEB_MAC)),
              (T + 2 * NS, "eni-web", frame(udp(WEB, APP, 53, 5000), WEB_MAC))]
    result = run(config, frames, changes=[("+1", closed), ("+2", config)])
    assert fates(result) == [PASS, PASS, ("drop", "nacl_ingress"), PASS]
    assert result.verdicts[2]["rule"] == {"id": "acl-app", "direction": "ingress", "number": 50}


def times_are_absolute_or_relative_and_precede_their_packet():
    open_config, closed = base(), base({"sg-two": ([], ALL)})
    frames = [(T + i * NS // 4, "eni-app", frame(udp(APP, TWO, 1000 + i, 9), APP_MAC)) for i in range(9)]

    def pattern(*changes):
        return "".join(".x"[v["verdict"] == "drop"] for v in run(open_config, frames, changes=changes).verdicts)
    assert pattern(("+1", closed)) == "....xxxxx"
    assert pattern((f"{T // NS + 1}", closed)) == "....xxxxx"
    assert pattern((f"{T // NS}.75", closed)) == "...xxxxxx"
    assert pattern((f"{T // NS}.750000001", closed)) == "....xxxxx"
    assert pattern(("+0", closed)) == "xxxxxxxxx"
    assert pattern((f"{T // NS - 100}", closed)) == "xxxxxxxxx"
    assert pattern(("0", closed), ("+1", open_config)) == "xxxx....."
    assert pattern(("+1.5", open_config), ("+0.5", closed)) == "..xxxx..."  # by time, not as given
    assert pattern(("+1", closed), ("+1", open_config)) == "........."      # of one time: as given
    late = run(open_config, frames, changes=[("+2.1", closed)])
    assert late.verdicts[-1]["generation"] == 1 and "never reached" in late.stderr
    idle = run(open_config, frames, "--idle-after=1", changes=[("+2.1", closed)])
    assert "never reached" not in idle.stderr and "generation 2" in idle.stdout


def a_change_may_bring_and_take_ports():
    """Without Host a port is named by its ENI: ports come and go with the ENIs."""
    more = base()
    more["NetworkInterfaces"].insert(0, eni("eni-aaa", "subnet-app", "10.0.1.30", "02:0a:00:00:01:30", ["sg-app"]))
    more["NetworkInterfaces"] = [row for row in more["NetworkInterfaces"] if row["NetworkInterfaceId"] != "eni-two"]
    new_frame = frame(udp("10.0.1.30", APP, 1, 2), "02:0a:00:00:01:30")
    frames = [(T, "eni-aaa", new_frame),
              (T, "eni-two", frame(udp(TWO, APP, 1, 2), TWO_MAC)),
              (T, "eni-app", frame(udp(APP, TWO, 1, 2), APP_MAC)),
              (T + NS, "eni-aaa", new_frame),
              (T + NS, "eni-two", frame(udp(TWO, APP, 1, 2), TWO_MAC)),
              (T + NS, "eni-app", frame(udp(APP, TWO, 1, 2), APP_MAC)),
              (T + NS, "eni-app", frame(udp(APP, "10.0.1.30", 1, 2), APP_MAC))]
    result = run(base(), frames, changes=[("+1", more)])
    assert fates(result) == [("drop", "unknown_interface"), PASS, PASS,
                             PASS, ("drop", "unknown_interface"), ("drop", "unknown_destination"), PASS], fates(result)
    assert [v["eni"] for v in result.verdicts] == [None, "eni-two", "eni-app", "eni-aaa", None, "eni-app", "eni-app"]
    assert sorted(result.sent) == ["eni-aaa", "eni-app", "eni-two", "eni-web", "internet", "services"]
    assert result.verdicts[6]["out"] == [{"port": "eni-aaa", "eni": "eni-aaa"}]


def a_held_fragment_outlives_its_configuration():
    from wire import fragments
    first, second = (frame(part, APP_MAC) for part in fragments(udp(APP, TWO, 1000, 2000, bytes(60), ident=5), 40))
    gone = base()
    gone["NetworkInterfaces"] = [row for row in gone["NetworkInterfaces"] if row["NetworkInterfaceId"] != "eni-app"]
    result = run(base(), [(T, "eni-app", second), (T + NS, "eni-app", first)], changes=[("+0.5", gone)])
    assert [v for v, _ in fates(result)] == ["drop", "drop"]
    kept = run(base(), [(T, "eni-app", second), (T + NS, "eni-app", first)], changes=[("+0.5", base())])
    assert fates(kept) == [PASS] * 2
    assert [v["generation"] for v in kept.verdicts] == [2, 2]


def the_next_hop_moves_with_the_configuration():
    def with_uplink(hop):
        ports = ["eni-web", "eni-app", "eni-two", "wan"]
        return base(Host={"Ports": [{"Name": p, "Device": f"net_null{i}"} for i, p in enumerate(ports)],
                          "Attachments": [{"NetworkInterfaceId": p, "Port": p} for p in ports[:3]],
                          "Uplink": {"Port": "wan", "Address": "192.0.2.2/24", "NextHop": hop}})
    macs = {"192.0.2.1": "0a:00:00:00:00:01", "192.0.2.9": "0a:00:00:00:00:09"}
    arps = [(T + i, "wan", arp(1, mac, ip, "00:00:00:00:00:00", "192.0.2.77")) for i, (ip, mac) in
            enumerate(macs.items())]
    packet = frame(tcp(WEB, HOST, 1, 2, SYN), WEB_MAC)
    frames = [(T + i * NS, "eni-web", packet) for i in range(3)] + arps
    result = run(with_uplink("192.0.2.1"), frames, changes=[("+1", with_uplink("192.0.2.9")),
                                                            ("+2", with_uplink("192.0.2.5"))])
    assert [see(raw).dst_mac for _, raw in result.sent["wan"]] == [*macs.values(), NEXT_HOP]


def AWS_SG_05_membership_takes_effect_with_the_change():
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-app"}]}]
    member = base({"sg-two": (rule, ALL)})
    other = copy.deepcopy(member)
    other["SecurityGroups"].append(group("sg-other", ALL, ALL))
    other["NetworkInterfaces"][1]["Groups"] = [{"GroupId": "sg-other"}]
    frames = [(T + i * NS, "eni-app", frame(tcp(APP, TWO, 1000 + i, 80, SYN), APP_MAC)) for i in range(3)]
    result = run(member, frames, changes=[("+1", other), ("+2", member)])
    assert fates(result) == [PASS, ("drop", "sg_ingress"), PASS]


TESTS = [AWS_SG_12_a_tracked_flow_survives_its_rule, AWS_SG_12_an_untracked_flow_ends_with_its_rule,
         AWS_NACL_10_an_ACL_cuts_a_tracked_flow_at_once, times_are_absolute_or_relative_and_precede_their_packet,
         a_change_may_bring_and_take_ports, a_held_fragment_outlives_its_configuration,
         the_next_hop_moves_with_the_configuration, AWS_SG_05_membership_takes_effect_with_the_change]

if __name__ == "__main__":
    sys.exit(replay_run.main(TESTS))
