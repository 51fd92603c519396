#!/usr/bin/env python3
"""`sluice replay`: one walk through each kind of gateway, with the frames written out by hand. Speaks TAP. Argument:
the sluice program."""
import struct
import sys

import replay_run
from replay_run import fates, run
from vpcs import (ACCOUNT, ALL, APP, APP_MAC, HOST, NAT, NAT_PUBLIC, TWO, TWO_MAC, WEB, WEB_MAC, WEB_PUBLIC, base, eni,
                  subnet, table)
from wire import (ACK, ICMP, NEXT_HOP, NS, ROUTER, SYN, UDP, echo, frame, icmp_message, ip, see, tcp, udp)

T = 1700000000 * NS
PASS = ("forward", None)


def AWS_PEER_01_over_a_peering_and_no_further():
    config = base()
    config["Vpcs"].append({"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16", "OwnerId": ACCOUNT})
    config["Subnets"].append(subnet("subnet-b", "10.1.0.0/24") | {"VpcId": "vpc-b"})
    config["VpcPeeringConnections"] = [{
        "VpcPeeringConnectionId": "pcx-ab", "Status": {"Code": "active"},
        "RequesterVpcInfo": {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "Region": "eu-west-1"},
        "AccepterVpcInfo": {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16", "Region": "eu-west-1"}}]
    config["RouteTables"][1]["Routes"].append({"DestinationCidrBlock": "10.1.0.0/16",
                                               "VpcPeeringConnectionId": "pcx-ab"})
    config["RouteTables"].append({"RouteTableId": "rtb-b", "VpcId": "vpc-b", "Associations": [{"Main": True}],
                                  "Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "VpcPeeringConnectionId": "pcx-ab"},
                                             {"DestinationCidrBlock": "0.0.0.0/0",
                                              "VpcPeeringConnectionId": "pcx-ab"}]})
    config["SecurityGroups"].append({"GroupId": "sg-b", "GroupName": "b", "VpcId": "vpc-b", "IpPermissions": ALL,
                                     "IpPermissionsEgress": ALL})
    mac = "02:0a:01:00:00:10"
    config["NetworkInterfaces"].append(eni("eni-b", "subnet-b", "10.1.0.10", mac, ["sg-b"]))
    there, back = tcp(APP, "10.1.0.10", 5000, 80, SYN, 1), tcp("10.1.0.10", APP, 80, 5000, SYN | ACK, 9, 2)
    result = run(config, [(T, "eni-app", frame(there, APP_MAC)), (T + 1, "eni-b", frame(back, mac)),
                          (T + 2, "eni-b", frame(tcp("10.1.0.10", HOST, 80, 5000, SYN, 9), mac)),
                          (T + 3, "eni-app", frame(tcp(APP, "10.1.0.99", 5000, 80, SYN, 1), APP_MAC))])
    assert fates(result) == [PASS, PASS, ("drop", "peering_not_transitive"), ("drop", "unknown_destination")]
    assert result.sent["eni-b"] == [(T, frame(there, ROUTER, mac))]
    assert result.sent["eni-app"] == [(T + 1, frame(back, ROUTER, APP_MAC))]


def endpoint_config():
    config = base(PrefixLists=[{"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.eu-west-1.s3",
                                "Cidrs": ["203.0.113.0/24"]}],
                  VpcEndpoints=[{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway", "VpcId": "vpc-a",
                                 "ServiceName": "com.amazonaws.eu-west-1.s3", "State": "available",
                                 "RouteTableIds": ["rtb-app"]}])
    config["RouteTables"][1]["Routes"].append({"DestinationPrefixListId": "pl-s3", "GatewayId": "vpce-s3"})
    return config


def AWS_EP_01_a_gateway_endpoint_keeps_the_source_and_only_answers():
    there, back = tcp(APP, HOST, 5000, 443, SYN, 1), tcp(HOST, APP, 443, 5000, SYN | ACK, 9, 2)
    result = run(endpoint_config(), [(T, "eni-app", frame(there, APP_MAC)), (T + 1, "services", frame(back, NEXT_HOP)),
                                     (T + 2, "services", frame(tcp(HOST, APP, 443, 5001, SYN, 9), NEXT_HOP))])
    assert fates(result) == [PASS, PASS, ("drop", "endpoint_unavailable")]
    assert result.sent["services"] == [(T, frame(there, ROUTER, NEXT_HOP))]
    assert result.sent["eni-app"] == [(T + 1, frame(back, ROUTER, APP_MAC))]
    assert result.verdicts[0]["out"] == [{"port": "services", "eni": None}]
    assert result.verdicts[1]["eni"] is None


def AWS_EP_02_what_is_not_in_the_list_takes_the_other_route():
    result = run(endpoint_config(), [(T, "eni-app", frame(udp(APP, "198.18.0.1", 5000, 53), APP_MAC)),
                                     (T + 1, "eni-web", frame(udp(WEB, HOST, 5000, 53), WEB_MAC))])
    assert [line["out"][0]["port"] for line in result.verdicts] == ["internet", "internet"]
    assert [see(raw).src for _, raw in result.sent["internet"]] == [NAT_PUBLIC, WEB_PUBLIC]


def D_HAIRPIN_to_a_public_address_of_the_same_VPC():
    result = run(base(), [(T, "eni-app", frame(udp(APP, WEB_PUBLIC, 5000, 53, b"x"), APP_MAC))])
    assert fates(result) == [PASS] and result.verdicts[0]["out"] == [{"port": "eni-web", "eni": "eni-web"}]
    seen = see(result.sent["eni-web"][0][1])
    assert (seen.src, seen.dst, seen.dport, seen.payload, seen.ttl) == (NAT_PUBLIC, WEB, 53, b"x", 63)
    back = frame(udp(WEB, NAT_PUBLIC, 53, seen.sport, b"y"), WEB_MAC)
    result = run(base(), [(T, "eni-app", frame(udp(APP, WEB_PUBLIC, 5000, 53, b"x"), APP_MAC)), (T + 1, "eni-web", back)])
    seen = see(result.sent["eni-app"][0][1])
    assert (seen.src, seen.dst, seen.sport, seen.dport, seen.payload) == (WEB_PUBLIC, APP, 53, 5000, b"y")


def AWS_NAT_16_an_ICMP_error_finds_back_through_the_gateway():
    request = frame(udp(APP, HOST, 5000, 53, b"question"), APP_MAC)
    outside = see(run(base(), [(T, "eni-app", request)]).sent["internet"][0][1]).packet
    error = ip("192.0.2.77", NAT_PUBLIC, ICMP, icmp_message(3, 3, 0, 0, outside[:28]))
    config = base({"sg-app": ([], ALL)})
    result = run(config, [(T, "eni-app", request), (T + 1, "internet", frame(error, NEXT_HOP))])
    assert fates(result) == [PASS] * 2
    seen = see(result.sent["eni-app"][0][1])
    assert (seen.src, seen.dst, seen.protocol) == ("192.0.2.77", APP, ICMP)
    quoted = seen.payload
    assert quoted[12:20] == bytes([10, 0, 1, 10, 203, 0, 113, 9]), quoted.hex()
    assert struct.unpack(">HH", quoted[20:24]) == (5000, 53)
    unrelated = ip("192.0.2.77", NAT_PUBLIC, ICMP, icmp_message(3, 3, 0, 0, ip(NAT_PUBLIC, HOST, UDP, bytes(8))))
    assert fates(run(config, [(T, "internet", frame(unrelated, NEXT_HOP))])) == [("drop", "nat_unsolicited")]


def D_TTL_ends_at_the_gateway_alone():
    result = run(base(), [(T, "eni-app", frame(udp(APP, HOST, 5000, 53, ttl=1), APP_MAC)),
                          (T + 1, "eni-web", frame(udp(WEB, HOST, 5000, 53, ttl=1), WEB_MAC))])
    assert fates(result) == [("consume", "ttl_expired"), PASS]
    told = see(result.sent["eni-app"][0][1])
    assert (told.src, told.dst, told.packet[20:22]) == (NAT, APP, b"\x0b\0")
    assert see(result.sent["internet"][0][1]).ttl == 1


def AWS_NAT_02_and_08_what_the_gateway_refuses():
    result = run(base(), [(T, "eni-app", frame(ip(APP, HOST, 50, b"esp?"), APP_MAC)),
                          (T + 1, "internet", frame(tcp(HOST, NAT_PUBLIC, 5000, 80, SYN), NEXT_HOP)),
                          (T + 2, "internet", frame(echo(HOST, NAT_PUBLIC, 1), NEXT_HOP)),
                          (T + 3, "eni-app", frame(echo(APP, NAT, 1), APP_MAC)),
                          (T + 4, "internet", frame(tcp(HOST, "198.51.100.99", 5000, 80, SYN), NEXT_HOP))])
    assert fates(result) == [("drop", "nat_unsupported_protocol"), ("drop", "nat_unsolicited"),
                             ("drop", "nat_unsolicited"), ("drop", "nat_unsolicited"),
                             ("drop", "igw_unknown_public_ip")]


def AWS_RT_09_and_14_routes_that_lead_nowhere():
    config = base()
    config["RouteTables"][0]["Routes"] = [{"DestinationCidrBlock": "203.0.113.0/24", "NatGatewayId": "nat-gone"}]
    config["RouteTables"][1]["Routes"] = []
    result = run(config, [(T, "eni-web", frame(udp(WEB, HOST, 1, 2), WEB_MAC)),
                          (T + 1, "eni-web", frame(udp(WEB, "8.8.8.8", 1, 2), WEB_MAC)),
                          (T + 2, "eni-app", frame(udp(APP, HOST, 1, 2), APP_MAC))])
    assert fates(result) == [("drop", "blackhole_route"), ("drop", "no_route"), ("drop", "no_route")]


def AWS_RT_12_an_appliance_gets_what_is_not_its_own():
    config = base()
    config["NetworkInterfaces"][2]["SourceDestCheck"] = False
    config["RouteTables"][0] = table("rtb-pub", "subnet-pub", [{"DestinationCidrBlock": "203.0.113.0/24",
                                                                "NetworkInterfaceId": "eni-two"}])
    packet = udp(WEB, HOST, 5000, 53)
    result = run(config, [(T, "eni-web", frame(packet, WEB_MAC))])
    assert result.sent["eni-two"] == [(T, frame(packet, ROUTER, TWO_MAC))]
    config["NetworkInterfaces"][2]["SourceDestCheck"] = True
    assert fates(run(config, [(T, "eni-web", frame(packet, WEB_MAC))])) == [("drop", "dest_check")]


def AWS_RT_10_to_another_MAC_of_the_subnet_no_route_applies():
    packet = udp(APP, TWO, 1, 2)
    result = run(base(), [(T, "eni-app", frame(packet, APP_MAC, TWO_MAC)),
                          (T + 1, "eni-app", frame(udp(APP, HOST, 1, 2), APP_MAC, TWO_MAC)),
                          (T + 2, "eni-app", frame(packet, APP_MAC, WEB_MAC))])
    assert fates(result) == [PASS, ("drop", "dest_check"), ("drop", "unknown_mac")]
    assert result.sent["eni-two"] == [(T, frame(packet, APP_MAC, TWO_MAC))], "L2 addresses are kept"


def AWS_LL_01_DHCP_is_answered_by_the_router():
    bootp = struct.pack(">BBBBIHH4s4s4s4s6s10x192x4s", 1, 1, 6, 0, 0x1234, 0, 0x8000, bytes(4), bytes(4), bytes(4),
                        bytes(4), bytes.fromhex("020a00000110"), b"\x63\x82\x53\x63") + b"\x35\x01\x01\xff"
    ask = frame(udp("0.0.0.0", "255.255.255.255", 68, 67, bootp), APP_MAC, "ff:ff:ff:ff:ff:ff")
    result = run(base(), [(T, "eni-app", ask)])
    assert fates(result) == [("consume", "dhcp_reply")]
    offer = see(result.sent["eni-app"][0][1])
    assert (offer.src, offer.sport, offer.dport) == ("10.0.1.1", 67, 68)
    assert offer.payload[16:20] == bytes([10, 0, 1, 10]) and offer.payload[240:243] == b"\x35\x01\x02"


TESTS = [AWS_PEER_01_over_a_peering_and_no_further, AWS_EP_01_a_gateway_endpoint_keeps_the_source_and_only_answers,
         AWS_EP_02_what_is_not_in_the_list_takes_the_other_route, D_HAIRPIN_to_a_public_address_of_the_same_VPC,
         AWS_NAT_16_an_ICMP_error_finds_back_through_the_gateway, D_TTL_ends_at_the_gateway_alone,
         AWS_NAT_02_and_08_what_the_gateway_refuses, AWS_RT_09_and_14_routes_that_lead_nowhere,
         AWS_RT_12_an_appliance_gets_what_is_not_its_own, AWS_RT_10_to_another_MAC_of_the_subnet_no_route_applies,
         AWS_LL_01_DHCP_is_answered_by_the_router]

if __name__ == "__main__":
    sys.exit(replay_run.main(TESTS))
