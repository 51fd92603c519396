#!/usr/bin/env python3
"""`sluice replay`: flow logs, record by record, with hand-written expectations. Speaks TAP. Argument: the sluice program."""
import copy
import sys

import replay_run
from replay_run import run
from vpcs import (ACCOUNT, ALL, APP, APP_MAC, HOST, NAT, NAT_PUBLIC, TWO, TWO_MAC, WEB, WEB_MAC, WEB_PUBLIC, acl, allow,
                  base, entry, eni, flow_log)
from wire import ACK, FIN, NEXT_HOP, NS, SYN, arp, echo, frame, fragments, see, tcp, udp

START = 1700000400  # of a ten-minute window; the day is 2023-11-14
T = START * NS + 250_000_000
WIDE = " ".join("${%s}" % name for name in (
    "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end",
    "action", "log-status", "tcp-flags", "pkt-srcaddr", "pkt-dstaddr", "flow-direction", "traffic-path"))


def logs(result, log="fl-1", status="OK"):
    return [row for row in result.logs if log in row["file"] and row["log_status"] == status]


def brief(rows, *fields):
    return sorted(tuple(row[field] for field in fields) for row in rows)


def with_log(config, *rows):
    config = copy.deepcopy(config)
    config["FlowLogs"] = list(rows)
    return config


def AWS_FL_04_the_default_line_is_written_out():
    config = with_log(base(), flow_log("fl-1", "eni-app"))
    one, two = udp(APP, TWO, 5000, 53, b"12345"), udp(APP, TWO, 5000, 53, b"1234567890")
    result = run(config, [(T, "eni-app", frame(one, APP_MAC)), (T + 2 * NS, "eni-app", frame(two, APP_MAC))])
    path = (f"flow-logs/AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2023/11/14/"
            f"{ACCOUNT}_vpcflowlogs_eu-west-1_fl-1_20231114T2220Z_")
    names = [name for name in result.files if name.startswith("flow-logs/")]
    assert len(names) == 1 and names[0].startswith(path) and names[0].endswith(".log.gz"), names
    import gzip
    lines = gzip.decompress(result.files[names[0]]).decode().splitlines()
    assert lines == [
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
        f"2 {ACCOUNT} eni-app {APP} {TWO} 5000 53 17 2 {len(one) + len(two)} {START} {START + 2} ACCEPT OK"], lines
    assert result.files[names[0]][4:8] == bytes(4), "gzip says no time"


def AWS_FL_03_windows_of_60_seconds_are_aligned_and_summed():
    config = with_log(base(), flow_log("fl-1", "eni-app", LogFormat=WIDE))
    packet = frame(udp(APP, TWO, 5000, 53), APP_MAC)
    at = (0, 59_749_999_999, 59_750_000_000, 119 * NS, 200 * NS)
    result = run(config, [(T + t, "eni-app", packet) for t in at], "--idle-after=60")
    assert [(row["start"], row["end"], row["packets"]) for row in logs(result)] == [
        (str(START), str(START + 59), "2"), (str(START + 60), str(START + 119), "2"),
        (str(START + 200), str(START + 200), "1")]
    nodata = [(int(row["start"]) - START, int(row["end"]) - START) for row in logs(result, status="NODATA")]
    assert [start for start, _ in nodata] == [120, 240], nodata
    assert all(row["srcaddr"] == row["packets"] == row["action"] == "-" for row in logs(result, status="NODATA"))


def AWS_FL_03_windows_of_600_seconds_sum_those_of_60():
    config = with_log(base(), flow_log("fl-1", "eni-app", interval=600, LogFormat=WIDE),
                      flow_log("fl-2", "eni-app", interval=60, LogFormat=WIDE))
    packet = frame(udp(APP, TWO, 5000, 53), APP_MAC)
    times = [0, 20, 61, 250, 599, 600, 700]
    result = run(config, [(START * NS + t * NS, "eni-app", packet) for t in times])
    assert brief(logs(result), "start", "packets") == [(str(START), "5"), (str(START + 600), "2")]
    assert brief(logs(result, "fl-2"), "start", "packets") == [
        (str(START + t), str(n)) for t, n in ((0, 2), (61, 1), (250, 1), (599, 1), (600, 1), (700, 1))]


def AWS_FL_12_NODATA_for_every_quiet_interface_and_window():
    config = with_log(base(), flow_log("fl-1", "vpc-a"), flow_log("fl-2", "subnet-app", interval=600))
    result = run(config, [(T, "eni-app", frame(udp(APP, TWO, 1, 2), APP_MAC))], "--idle-after=125")
    quiet = brief(logs(result, status="NODATA"), "interface_id", "start")
    expected = [(name, str(START + 60 * i)) for name in ("eni-app", "eni-nat", "eni-two", "eni-web") for i in range(3)
                if i > 0 or name in ("eni-nat", "eni-web")]
    assert quiet == expected, quiet
    assert brief(logs(result, "fl-2"), "interface_id") == [("eni-app",), ("eni-two",)]
    assert logs(result, "fl-2", "NODATA") == []


def idle_after_closes_windows_up_to_the_end_of_the_clock():
    config = with_log(base(), flow_log("fl-1", "eni-app"))
    packet = [(T, "eni-app", frame(udp(APP, TWO, 1, 2), APP_MAC))]
    for idle, windows in (("0", 1), ("59.749999999", 1), ("59.75", 2), ("3600", 61)):
        assert len(run(config, packet, f"--idle-after={idle}").logs) == windows, idle


def AWS_FL_11_group_allows_and_ACL_refuses_the_answer():
    deny_out = acl("acl-app", "subnet-app", [entry(100, False, "allow"), entry(90, True, "deny", "1", icmp=(-1, -1)),
                                             entry(100, True, "allow")])
    config = with_log(base({"sg-app": ([{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1,
                                         "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], [])}, NetworkAcls=[deny_out]),
                      flow_log("fl-1", "eni-app", LogFormat=WIDE))
    frames = [(T, "eni-web", frame(echo(WEB, APP, 7), WEB_MAC)),
              (T + 1, "eni-app", frame(echo(APP, WEB, 7, reply=True), APP_MAC))]
    seen = "srcaddr", "dstaddr", "flow_direction", "action", "srcport", "dstport", "packets"
    asymmetric = [(WEB, APP, "ingress", "ACCEPT", "0", "0", "1"), (APP, WEB, "egress", "REJECT", "0", "0", "1")]
    assert brief(logs(run(config, frames)), *seen) == sorted(asymmetric)
    del config["NetworkAcls"]  # the ACL allows: two ACCEPTs although the group has no rule for the answer
    assert [row["action"] for row in logs(run(config, frames))] == ["ACCEPT", "ACCEPT"]
    config["SecurityGroups"][1]["IpPermissions"] = []
    assert brief(logs(run(config, frames[:1])), *seen) == [(WEB, APP, "ingress", "REJECT", "0", "0", "1")]


def AWS_ORD_03_sender_accepts_what_the_receiver_rejects():
    config = with_log(base({"sg-two": ([], ALL)}), flow_log("fl-1", "vpc-a", LogFormat=WIDE),
                      flow_log("fl-2", "vpc-a", "REJECT", LogFormat=WIDE),
                      flow_log("fl-3", "vpc-a", "ACCEPT", LogFormat=WIDE))
    frames = [(T + i, "eni-app", frame(tcp(APP, TWO, 5000, 80, SYN, 1), APP_MAC)) for i in range(3)]
    result = run(config, frames)
    fields = "interface_id", "flow_direction", "action", "packets", "bytes", "tcp_flags"
    accept, reject = ("eni-app", "egress", "ACCEPT", "3", "120", "2"), ("eni-two", "ingress", "REJECT", "3", "120", "2")
    assert brief(logs(result), *fields) == [accept, reject]
    assert brief(logs(result, "fl-2"), *fields) == [reject] and brief(logs(result, "fl-3"), *fields) == [accept]


def AWS_FL_09_four_records_at_the_NAT_gateway():
    config = with_log(base(), flow_log("fl-1", "vpc-a", LogFormat=WIDE))
    request = frame(tcp(APP, HOST, 5000, 443, SYN, 7), APP_MAC)
    port = see(run(base(), [(T, "eni-app", request)]).sent["internet"][0][1]).sport
    result = run(config, [(T, "eni-app", request),
                          (T + NS, "internet", frame(tcp(HOST, NAT_PUBLIC, 443, port, SYN | ACK, 9, 8), NEXT_HOP))])
    fields = ("flow_direction", "srcaddr", "dstaddr", "srcport", "dstport", "pkt_srcaddr", "pkt_dstaddr", "tcp_flags",
              "traffic_path")
    gateway = brief([row for row in logs(result) if row["interface_id"] == "eni-nat"], *fields)
    p = str(port)
    assert gateway == sorted([
        ("ingress", APP, NAT, "5000", "443", APP, HOST, "2", "-"),       # client to gateway
        ("egress", NAT, HOST, p, "443", NAT, HOST, "2", "8"),            # gateway to host
        ("ingress", HOST, NAT, "443", p, HOST, NAT, "18", "-"),          # host to gateway
        ("egress", NAT, APP, "443", "5000", HOST, APP, "18", "1")]), gateway  # gateway to client
    client = brief([row for row in logs(result) if row["interface_id"] == "eni-app"], *fields)
    assert client == sorted([("egress", APP, HOST, "5000", "443", APP, HOST, "2", "1"),
                             ("ingress", HOST, APP, "443", "5000", HOST, APP, "18", "-")]), client


def AWS_FL_09_an_answer_to_a_borrowed_address_is_logged_where_it_arrives():
    config = with_log(base(), flow_log("fl-1", "vpc-a", LogFormat=WIDE))
    for interface in config["NetworkInterfaces"]:
        interface["SourceDestCheck"] = interface["NetworkInterfaceId"] != "eni-two"
    request = (T, "eni-two", frame(udp(APP, HOST, 5000, 53), TWO_MAC))
    port = see(run(config, [request]).sent["internet"][0][1]).sport
    result = run(config, [request] + [(T + t * NS, "internet", frame(udp(HOST, NAT_PUBLIC, 53, port), NEXT_HOP))
                                      for t in (1, 2)])
    seen = brief(logs(result), "interface_id", "flow_direction", "srcaddr", "dstaddr", "packets")
    assert seen == sorted([
        ("eni-two", "egress", TWO, HOST, "1"), ("eni-nat", "ingress", APP, NAT, "1"),
        ("eni-nat", "egress", NAT, HOST, "1"), ("eni-nat", "ingress", HOST, NAT, "2"),
        ("eni-nat", "egress", NAT, APP, "2"), ("eni-app", "ingress", HOST, APP, "2")]), seen


def AWS_FL_13_tcp_flags_are_ored_over_the_window():
    config = with_log(base(), flow_log("fl-1", "eni-app", LogFormat=WIDE))
    def own(at, flags, seq, ack=0):
        return (T + at * NS, "eni-app", frame(tcp(APP, TWO, 5000, 80, flags, seq, ack), APP_MAC))
    def other(at, flags, seq, ack):
        return (T + at * NS, "eni-two", frame(tcp(TWO, APP, 80, 5000, flags, seq, ack), TWO_MAC))
    result = run(config, [own(0, SYN, 1), other(1, SYN | ACK, 10, 2), own(2, ACK, 2, 11), own(70, ACK, 2, 11),
                          other(71, ACK, 11, 2), own(130, FIN | ACK, 2, 11), other(131, FIN | ACK, 11, 3),
                          own(132, ACK, 3, 12)])
    rows = [(int(r["start"]) - START, r["flow_direction"], r["tcp_flags"], r["packets"]) for r in logs(result)]
    assert sorted(rows) == [(0, "egress", "2", "2"), (1, "ingress", "18", "1"), (70, "egress", "0", "1"),
                            (71, "ingress", "0", "1"), (130, "egress", "1", "2"), (131, "ingress", "1", "1")], rows
    short = run(config, [own(0, SYN, 1), other(1, SYN | ACK, 10, 2), own(2, ACK, 2, 11), own(3, FIN | ACK, 2, 11),
                         other(4, FIN | ACK, 11, 3)])
    assert brief(logs(short), "flow_direction", "tcp_flags") == [("egress", "3"), ("ingress", "19")]


def AWS_FL_08_the_interface_shows_its_primary_address():
    config = with_log(base(), flow_log("fl-1", "eni-two", LogFormat=WIDE))
    config["NetworkInterfaces"][2] = eni("eni-two", "subnet-app", TWO, TWO_MAC, ["sg-two"], PrivateIpAddresses=[
        {"PrivateIpAddress": TWO, "Primary": True}, {"PrivateIpAddress": "10.0.1.21", "Primary": False}])
    result = run(config, [(T, "eni-two", frame(udp("10.0.1.21", APP, 9, 53), TWO_MAC)),
                          (T + 1, "eni-app", frame(udp(APP, "10.0.1.21", 53, 9), APP_MAC))])
    assert brief(logs(result), "srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "flow_direction") == sorted([
        (TWO, APP, "10.0.1.21", APP, "egress"), (APP, TWO, APP, "10.0.1.21", "ingress")])


def AWS_IGW_05_the_log_knows_only_the_private_address():
    config = with_log(base(), flow_log("fl-1", "eni-web", LogFormat=WIDE))
    result = run(config, [(T, "internet", frame(tcp(HOST, WEB_PUBLIC, 5000, 443, SYN, 7), NEXT_HOP)),
                          (T + 1, "eni-web", frame(tcp(WEB, HOST, 443, 5000, SYN | ACK, 9, 8), WEB_MAC))])
    assert brief(logs(result), "srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "traffic_path") == sorted([
        (HOST, WEB, HOST, WEB, "-"), (WEB, HOST, WEB, HOST, "8")])


def AWS_FL_17_never_logged():
    config = with_log(base(), flow_log("fl-1", "vpc-a"))
    frames = [(T, "eni-app", arp(1, APP_MAC, APP, "00:00:00:00:00:00", "10.0.1.1")),
              (T + 1, "eni-app", frame(udp(APP, "10.0.0.2", 5000, 53), APP_MAC)),
              (T + 2, "eni-app", frame(udp(APP, "169.254.169.254", 5000, 80), APP_MAC)),
              (T + 3, "eni-app", frame(echo(APP, "10.0.1.1", 5), APP_MAC)),
              (T + 4, "eni-app", frame(udp("10.0.9.9", TWO, 5, 6), APP_MAC)),  # source check
              (T + 5, "eni-app", frame(udp("0.0.0.0", "255.255.255.255", 68, 67, bytes(240)), APP_MAC,
                                       "ff:ff:ff:ff:ff:ff"))]
    result = run(config, frames)
    assert logs(result) == [] and len(logs(result, status="NODATA")) == 4


def bytes_count_ip_lengths_of_every_fragment():
    config = with_log(base(), flow_log("fl-1", "vpc-a", LogFormat=WIDE))
    parts = fragments(udp(APP, TWO, 1000, 2000, bytes(1000), ident=3), 400)
    order = [parts[1], parts[0], parts[2]]
    result = run(config, [(T + i, "eni-app", frame(part, APP_MAC)) for i, part in enumerate(order)])
    rows = brief(logs(result), "interface_id", "packets", "bytes", "action", "srcport", "dstport")
    total = str(sum(map(len, parts)))
    assert rows == [("eni-app", "3", total, "ACCEPT", "1000", "2000"),
                    ("eni-two", "3", total, "ACCEPT", "1000", "2000")], rows


def a_change_loses_no_packet_and_starts_and_ends_logs():
    logged = with_log(base(), flow_log("fl-1", "vpc-a", LogFormat=WIDE))
    gone = copy.deepcopy(logged)
    gone["NetworkInterfaces"] = [row for row in gone["NetworkInterfaces"] if row["NetworkInterfaceId"] != "eni-two"]
    packet = frame(udp(APP, TWO, 5000, 53), APP_MAC)
    frames = [(T + i * NS, "eni-app", packet) for i in range(10)]
    result = run(logged, frames, changes=[("+4.5", logged)])
    assert brief(logs(result), "interface_id", "packets") == [("eni-app", "10"), ("eni-two", "10")]
    result = run(logged, frames, changes=[("+4.5", gone)])  # eni-app's own group and ACL still pass the packets
    assert brief(logs(result), "interface_id", "packets") == [("eni-app", "10"), ("eni-two", "5")]
    result = run(base(), frames, changes=[("+4.5", logged)])
    assert brief(logs(result), "interface_id", "packets") == [("eni-app", "5"), ("eni-two", "5")], result.logs
    result = run(logged, frames, changes=[("+4.5", base())])
    assert brief(logs(result), "interface_id", "packets") == [("eni-app", "5"), ("eni-two", "5")], result.logs


def long_silence_keeps_every_record_in_its_window():
    config = with_log(base({"sg-app": ([], ALL)}), flow_log("fl-1", "eni-app", interval=600, LogFormat=WIDE))
    packet = frame(tcp(APP, TWO, 5000, 80, SYN, 1), APP_MAC)
    hours = (0, 16, 40, 200)
    result = run(config, [(T + h * 3600 * NS, "eni-app", packet) for h in hours])
    assert [(int(row["start"]) - START, row["packets"]) for row in logs(result)] == [(h * 3600, "1") for h in hours]
    assert len(logs(result, status="NODATA")) == 200 * 6 + 1 - 4


def every_destination_goes_below_the_results():
    host = {"Ports": [{"Name": n, "Device": f"net_null{i}"} for i, n in enumerate(("eni-web", "eni-app", "eni-two"))],
            "Attachments": [{"NetworkInterfaceId": n, "Port": n} for n in ("eni-web", "eni-app", "eni-two")],
            "FlowLogFolder": {"arn:aws:s3:::other": "/nonexistent/other"}}
    config = with_log(base(Host=host), flow_log("fl-1", "eni-app"),
                      flow_log("fl-2", "eni-app", DestinationOptions={"HiveCompatiblePartitions": True,
                                                                      "PerHourPartition": True, "FileFormat": "plain-text"}))
    result = run(config, [(T, "eni-app", frame(udp(APP, TWO, 1, 2), APP_MAC))])
    assert len(logs(result)) == len(logs(result, "fl-2")) == 1
    hive = (f"flow-logs/AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2023/"
            "month=11/day=14/hour=22/")
    assert [name for name in result.files if name.startswith(hive)], sorted(result.files)


TESTS = [AWS_FL_04_the_default_line_is_written_out, AWS_FL_03_windows_of_60_seconds_are_aligned_and_summed,
         AWS_FL_03_windows_of_600_seconds_sum_those_of_60, AWS_FL_12_NODATA_for_every_quiet_interface_and_window,
         idle_after_closes_windows_up_to_the_end_of_the_clock, AWS_FL_11_group_allows_and_ACL_refuses_the_answer,
         AWS_ORD_03_sender_accepts_what_the_receiver_rejects, AWS_FL_09_four_records_at_the_NAT_gateway,
         AWS_FL_09_an_answer_to_a_borrowed_address_is_logged_where_it_arrives,
         AWS_FL_13_tcp_flags_are_ored_over_the_window, AWS_FL_08_the_interface_shows_its_primary_address,
         AWS_IGW_05_the_log_knows_only_the_private_address, AWS_FL_17_never_logged,
         bytes_count_ip_lengths_of_every_fragment, a_change_loses_no_packet_and_starts_and_ends_logs,
         long_silence_keeps_every_record_in_its_window, every_destination_goes_below_the_results]

if __name__ == "__main__":
    sys.exit(replay_run.main(TESTS))
