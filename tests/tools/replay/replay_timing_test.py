#!/usr/bin/env python3
"""`sluice replay`: the captures' clock drives every timer. Speaks TAP. Argument: the sluice program."""
import sys

import replay_run
from replay_run import fates, run
from vpcs import ALL, APP, APP_MAC, HOST, NAT_PUBLIC, TWO, TWO_MAC, base, eni
from wire import ACK, FIN, NEXT_HOP, NS, RST, SYN, echo, frame, ip, see, tcp, udp

T = 1700000000 * NS + 500_000_000
MS = 1_000_000
PASS, NO_SG = ("forward", None), ("drop", "sg_ingress")
# eni-app may ask everybody and is asked by nobody: what comes in is an answer or nothing.
ASKS = {"sg-app": ([], ALL)}


def ask(config, *packets):
    """`packets`: (ns after T, from eni-app?, IPv4 packet)."""
    return run(config, [(T + at, "eni-app" if own else "eni-two", frame(packet, APP_MAC if own else TWO_MAC))
                        for at, own, packet in packets])


def q_udp():
    return udp(APP, TWO, 5000, 53)


def a_udp():
    return udp(TWO, APP, 53, 5000)


def q_tcp(flags, seq, ack=0):
    return tcp(APP, TWO, 5000, 80, flags, seq, ack)


def a_tcp(flags, seq, ack=0):
    return tcp(TWO, APP, 80, 5000, flags, seq, ack)


def AWS_SG_13_udp_answer_within_30_seconds():
    for gap, fate in ((30 * NS, PASS), (30 * NS + MS, NO_SG)):
        assert fates(ask(base(ASKS), (0, True, q_udp()), (gap, False, a_udp()))) == [PASS, fate], gap


def AWS_SG_13_udp_stream_180_seconds_after_the_second_question():
    opening = [(0, True, q_udp()), (NS, False, a_udp()), (2 * NS, True, q_udp())]
    for gap, fate in ((180 * NS, PASS), (180 * NS + MS, NO_SG)):
        assert fates(ask(base(ASKS), *opening, (2 * NS + gap, False, a_udp()))) == [PASS] * 3 + [fate], gap
    for gap, fate in ((30 * NS, PASS), (30 * NS + MS, NO_SG)):  # one question, two answers: no stream
        two = [(0, True, q_udp()), (NS, False, a_udp()), (NS + gap, False, a_udp())]
        assert fates(ask(base(ASKS), *two)) == [PASS] * 2 + [fate], gap


def AWS_SG_13_timeouts_of_the_interface():
    config = base(ASKS)
    config["NetworkInterfaces"][1] = eni("eni-app", "subnet-app", APP, APP_MAC, ["sg-app"],
                                         ConnectionTrackingConfiguration={"UdpTimeout": 45})
    for gap, fate in ((45 * NS, PASS), (45 * NS + MS, NO_SG)):
        assert fates(ask(config, (0, True, q_udp()), (gap, False, a_udp()))) == [PASS, fate], gap


def D_TIMERS_icmp_30_and_other_protocols_600_seconds():
    for gap, fate in ((30 * NS, PASS), (30 * NS + MS, NO_SG)):
        packets = (0, True, echo(APP, TWO, 9)), (gap, False, echo(TWO, APP, 9, reply=True))
        assert fates(ask(base(ASKS), *packets)) == [PASS, fate], gap
    for gap, fate in ((600 * NS, PASS), (600 * NS + MS, NO_SG)):
        packets = (0, True, ip(APP, TWO, 47, b"gre!")), (gap, False, ip(TWO, APP, 47, b"gre?"))
        assert fates(ask(base(ASKS), *packets)) == [PASS, fate], gap


def D_TIMERS_tcp_half_open_60_seconds():
    for gap, fate in ((60 * NS, PASS), (60 * NS + MS, NO_SG)):
        assert fates(ask(base(ASKS), (0, True, q_tcp(SYN, 7)), (gap, False, a_tcp(SYN | ACK, 1, 8)))) == [PASS, fate]


HANDSHAKE = [(0, True, q_tcp(SYN, 7)), (NS, False, a_tcp(SYN | ACK, 100, 8)), (2 * NS, True, q_tcp(ACK, 8, 101))]


def AWS_SG_13_tcp_established_five_days():
    for gap, fate in ((432000 * NS, PASS), (432000 * NS + MS, NO_SG)):
        assert fates(ask(base(ASKS), *HANDSHAKE, (2 * NS + gap, False, a_tcp(ACK, 101, 8)))) == [PASS] * 3 + [fate]
    for days in (20, 26, 40, 51, 400):  # the session clock wraps at 49.7 days, its differences are signed
        answer = (days * 86400 * NS, False, a_tcp(ACK, 101, 8))
        assert fates(ask(base(ASKS), *HANDSHAKE, answer)) == [PASS] * 3 + [NO_SG], days


def D_TIMERS_tcp_closing_60_and_reset_10_seconds():
    for flags, seconds in ((FIN | ACK, 60), (RST | ACK, 10)):
        for gap, fate in ((seconds * NS, PASS), (seconds * NS + MS, NO_SG)):
            packets = *HANDSHAKE, (3 * NS, True, q_tcp(flags, 8, 101)), (3 * NS + gap, False, a_tcp(ACK, 101, 8))
            assert fates(ask(base(ASKS), *packets)) == [PASS] * 4 + [fate], (flags, gap)


def D_RST_only_with_the_exact_sequence_number_ends_a_flow():
    for seq, fate in ((8, NO_SG), (9, PASS)):
        packets = *HANDSHAKE, (3 * NS, True, q_tcp(RST, seq)), (14 * NS, False, a_tcp(ACK, 101, 8))
        assert fates(ask(base(ASKS), *packets))[-1] == fate, seq


def nat_flow(*later):
    """A TCP connection through the NAT gateway, then `later`: (ns after T, port, packet made of the public port)."""
    opening = [(0, "eni-app", lambda p: tcp(APP, HOST, 5000, 443, SYN, 7)),
               (NS, "internet", lambda p: tcp(HOST, NAT_PUBLIC, 443, p, SYN | ACK, 100, 8)),
               (2 * NS, "eni-app", lambda p: tcp(APP, HOST, 5000, 443, ACK, 8, 101))]
    first = run(base(), [(T, "eni-app", frame(opening[0][2](0), APP_MAC))])
    port = see(first.sent["internet"][0][1]).sport
    return run(base(), [(T + at, side, frame(make(port), APP_MAC if side == "eni-app" else NEXT_HOP))
                        for at, side, make in [*opening, *later]])


def AWS_NAT_07_idle_for_350_seconds_is_answered_with_RST():
    def data(_):
        return tcp(APP, HOST, 5000, 443, ACK, 8, 101, b"x")
    alive = nat_flow((352 * NS, "eni-app", data))
    assert fates(alive) == [PASS] * 4
    dead = nat_flow((352 * NS + MS, "eni-app", data))
    assert fates(dead) == [PASS] * 3 + [("consume", "nat_idle_timeout")]
    assert dead.verdicts[3]["out"] == [{"port": "eni-app", "eni": "eni-app"}]
    time, raw = dead.sent["eni-app"][-1]
    reset = see(raw)
    assert time == T + 352 * NS + MS
    assert (reset.src, reset.dst, reset.sport, reset.dport) == (HOST, APP, 443, 5000)
    assert reset.tcp_flags & RST and not reset.tcp_flags & (SYN | FIN) and reset.seq == 101
    assert len(dead.sent["internet"]) == 2


def AWS_NAT_07_an_answer_restarts_the_350_seconds():
    def data(_):
        return tcp(APP, HOST, 5000, 443, ACK, 8, 101, b"x")

    def answer(port):
        return tcp(HOST, NAT_PUBLIC, 443, port, ACK, 101, 8, b"y")
    kept = nat_flow((300 * NS, "internet", answer), (650 * NS, "eni-app", data))
    assert fates(kept) == [PASS] * 5
    lost = nat_flow((353 * NS, "internet", answer))
    assert fates(lost) == [PASS] * 3 + [("drop", "nat_unsolicited")]


def AWS_NAT_07_a_new_SYN_after_the_timeout_binds_anew():
    again = nat_flow((500 * NS, "eni-app", lambda p: tcp(APP, HOST, 5000, 443, SYN, 900)))
    assert fates(again) == [PASS] * 4
    assert see(again.sent["internet"][-1][1]).seq == 900


def D_TIMERS_udp_at_the_gateway_350_seconds_although_the_group_forgets_earlier():
    def question(_):
        return udp(APP, HOST, 5000, 53)
    frames = [(T, "eni-app", frame(question(0), APP_MAC)), (T + 200 * NS, "eni-app", frame(question(0), APP_MAC))]
    result = run(base(ASKS), frames)
    assert fates(result) == [PASS] * 2
    assert len({see(raw).sport for _, raw in result.sent["internet"]}) == 1, "the same mapping"
    frames[1] = (T + 350 * NS + MS, *frames[1][1:])
    assert fates(run(base(ASKS), frames)) == [PASS] * 2


def idle_after_moves_the_clock_for_sessions():
    frames = [(T, "eni-app", frame(q_udp(), APP_MAC))]
    for flag, sessions in (("0", 1), ("30", 1), ("30.001", 0), ("0.5", 1)):
        assert run(base(ASKS), frames, f"--idle-after={flag}").summary["sessions"] == sessions, flag


def expired_sessions_give_up_their_place():
    """D_TRACK_room: a table full of what has expired takes new flows; full of living ones it refuses them."""
    config = base(ASKS, Host={
        "Ports": [{"Name": name, "Device": f"net_null{i}"} for i, name in enumerate(("eni-web", "eni-app", "eni-two"))],
        "Attachments": [{"NetworkInterfaceId": name, "Port": name} for name in ("eni-web", "eni-app", "eni-two")],
        "MaxSessions": 64})

    def burst(at, first, count):
        return [(T + at + i, "eni-app", frame(udp(APP, TWO, first + i, 53), APP_MAC)) for i in range(count)]
    full = fates(run(config, burst(0, 1000, 80)))
    assert full == [PASS] * 64 + [("drop", "conntrack_full")] * 16, full
    later = fates(run(config, burst(0, 1000, 80) + burst(32 * NS, 3000, 64)))
    assert later[80:] == [PASS] * 64, later[80:]


TESTS = [AWS_SG_13_udp_answer_within_30_seconds, AWS_SG_13_udp_stream_180_seconds_after_the_second_question,
         AWS_SG_13_timeouts_of_the_interface, D_TIMERS_icmp_30_and_other_protocols_600_seconds,
         D_TIMERS_tcp_half_open_60_seconds, AWS_SG_13_tcp_established_five_days,
         D_TIMERS_tcp_closing_60_and_reset_10_seconds, D_RST_only_with_the_exact_sequence_number_ends_a_flow,
         AWS_NAT_07_idle_for_350_seconds_is_answered_with_RST, AWS_NAT_07_an_answer_restarts_the_350_seconds,
         AWS_NAT_07_a_new_SYN_after_the_timeout_binds_anew,
         D_TIMERS_udp_at_the_gateway_350_seconds_although_the_group_forgets_earlier,
         idle_after_moves_the_clock_for_sessions, expired_sessions_give_up_their_place]

if __name__ == "__main__":
    sys.exit(replay_run.main(TESTS))
