"""The flows of the demo: what each host tries, what must come of it, and what the flow log must show."""
import dataclasses
import typing

from lab import clients
from lab.flow_logs import Expected

WEB, BARE, APP, DB, API = "10.0.1.10", "10.0.1.40", "10.0.2.20", "10.0.2.30", "10.0.2.50"
PARTNER, TWIN, TWIN2, NAT = "10.1.1.10", "10.0.1.10", "10.0.1.11", "10.0.1.5"
WEB_PUBLIC, NAT_PUBLIC, NOBODY_PUBLIC = "203.0.113.10", "203.0.113.20", "203.0.113.99"
INTERNET, RESOLVER, STORE = "198.18.0.80", "198.18.0.53", "198.18.128.80"
SPOOFED = "10.0.2.99"


@dataclasses.dataclass
class Flow:
    name: str
    observe: typing.Callable  # hosts -> (it worked, what was seen)
    allowed: bool = True
    sees: str = ""  # must be part of what was seen
    reason: str = ""  # the drop reason whose count must rise
    logged: tuple = ()  # Expected records
    asks: str = ""  # the same packet as flags of `sluice explain`

    def expected(self):
        if self.allowed:
            return "allowed" + (f": {self.sees}" if self.sees else "")
        return "denied" + (f": {self.reason or self.sees}" if self.reason or self.sees else "")


def accepted(source_eni, source, destination_eni, destination, protocol, port=0):
    """Request and reply, at each end that is an ENI."""
    records = []
    for eni in (source_eni, destination_eni):
        if eni:
            records += [Expected(eni, source, destination, protocol, port, "ACCEPT"),
                        Expected(eni, destination, source, protocol, port, "ACCEPT")]
    return tuple(records)


def rejected(eni, source, destination, protocol, port=0):
    return (Expected(eni, source, destination, protocol, port, "REJECT"),)


def asks(source, to, protocol, destination_port=0, source_port=40000, address=None):
    """`source` is an ENI, or internet, which needs an address."""
    address = address or (INTERNET if source == "internet" else None)
    return (f"--from={source} --to={to} --proto={protocol} --sport={source_port} --dport={destination_port}"
            + (f" --src={address}" if address else ""))


def internet_flows():
    """The public web server, and what the internet may not do."""
    return [
        Flow("internet -> web, curl to its public address",
             lambda h: clients.curl(h["internet"], WEB_PUBLIC), sees=f"web from {INTERNET}",
             logged=accepted(None, INTERNET, "eni-web", WEB, "tcp", 80),
             asks=asks("internet", WEB_PUBLIC, "tcp", 80)),
        Flow("internet -> web, ping",
             lambda h: clients.ping(h["internet"], WEB_PUBLIC), sees="2 of 2 replies",
             logged=accepted(None, INTERNET, "eni-web", WEB, "icmp"),
             asks=asks("internet", WEB_PUBLIC, "icmp")),
        Flow("internet -> web, tcp 22: no rule in its group",
             lambda h: clients.curl(h["internet"], WEB_PUBLIC, 22), allowed=False, reason="sg_ingress",
             logged=rejected("eni-web", INTERNET, WEB, "tcp", 22),
             asks=asks("internet", WEB_PUBLIC, "tcp", 22)),
        Flow("internet -> a public address nobody has",
             lambda h: clients.curl(h["internet"], NOBODY_PUBLIC), allowed=False, reason="igw_unknown_public_ip",
             asks=asks("internet", NOBODY_PUBLIC, "tcp", 80)),
        Flow("web -> internet, curl under its public address",
             lambda h: clients.curl(h["web"], INTERNET), sees=f"internet from {WEB_PUBLIC}",
             logged=accepted("eni-web", WEB, None, INTERNET, "tcp", 80),
             asks=asks("eni-web", INTERNET, "tcp", 80)),
        Flow("bare -> internet: no public address",
             lambda h: clients.curl(h["bare"], INTERNET), allowed=False, reason="igw_no_public_ip",
             asks=asks("eni-bare", INTERNET, "tcp", 80)),
        Flow("web -> internet, ping too large for the uplink",
             lambda h: clients.ping(h["web"], INTERNET, size=1450, fragment="dont"), sees="2 of 2 replies"),
        Flow("web -> internet, the same with don't fragment",
             lambda h: clients.ping(h["web"], INTERNET, size=1450, fragment="do"), allowed=False,
             sees="fragmentation needed, mtu 1400", reason="mtu_exceeded"),
    ]


def nat_flows():
    return [
        Flow("app -> internet, curl through the NAT gateway",
             lambda h: clients.curl(h["app"], INTERNET), sees=f"internet from {NAT_PUBLIC}",
             logged=accepted("eni-app", APP, None, INTERNET, "tcp", 80),
             asks=asks("eni-app", INTERNET, "tcp", 80)),
        Flow("app -> internet, ping through the NAT gateway",
             lambda h: clients.ping(h["app"], INTERNET), sees="2 of 2 replies",
             logged=accepted("eni-app", APP, None, INTERNET, "icmp"),
             asks=asks("eni-app", INTERNET, "icmp")),
        Flow("app -> resolver, UDP request through the NAT gateway",
             lambda h: clients.ask(h["app"], RESOLVER, 53), sees=f"answer to question from {NAT_PUBLIC}",
             logged=accepted("eni-app", APP, None, RESOLVER, "udp", 53),
             asks=asks("eni-app", RESOLVER, "udp", 53)),
        Flow("app -> internet, traceroute shows the NAT gateway",
             lambda h: clients.traceroute(h["app"], INTERNET), sees=f"{NAT} {INTERNET}"),
        Flow("internet -> the NAT gateway's public address",
             lambda h: clients.curl(h["internet"], NAT_PUBLIC, 8080), allowed=False, reason="nat_unsolicited",
             asks=asks("internet", NAT_PUBLIC, "tcp", 8080)),
    ]


def inside_flows():
    """Groups and network ACLs between the hosts of the shop."""
    return [
        Flow("web -> app 8080: its group is named",
             lambda h: clients.curl(h["web"], APP, 8080), sees=f"app from {WEB}",
             logged=accepted("eni-web", WEB, "eni-app", APP, "tcp", 8080),
             asks=asks("eni-web", APP, "tcp", 8080)),
        Flow("bare -> app 8080: its group is not",
             lambda h: clients.curl(h["bare"], APP, 8080), allowed=False, reason="sg_ingress",
             logged=rejected("eni-app", BARE, APP, "tcp", 8080),
             asks=asks("eni-bare", APP, "tcp", 8080)),
        Flow("web -> app 9001: open group, open ACL",
             lambda h: clients.curl(h["web"], APP, 9001), sees=f"app from {WEB}",
             asks=asks("eni-web", APP, "tcp", 9001)),
        Flow("web -> app 9000: open group, ACL denies",
             lambda h: clients.curl(h["web"], APP, 9000), allowed=False, reason="nacl_ingress",
             logged=rejected("eni-app", WEB, APP, "tcp", 9000),
             asks=asks("eni-web", APP, "tcp", 9000)),
        Flow("web -> app 9100: ACL denies the reply",
             lambda h: clients.curl(h["web"], APP, 9100, source_port=50999), allowed=False, reason="nacl_egress",
             logged=rejected("eni-app", APP, WEB, "tcp", 9100),
             asks=asks("eni-web", APP, "tcp", 9100, 50999)),
        Flow("app -> db 5432: reply without an outbound rule",
             lambda h: clients.curl(h["app"], DB, 5432), sees=f"db from {APP}",
             logged=accepted("eni-app", APP, "eni-db", DB, "tcp", 5432),
             asks=asks("eni-app", DB, "tcp", 5432)),
        Flow("web -> db 5432: app's group only",
             lambda h: clients.curl(h["web"], DB, 5432), allowed=False, reason="sg_ingress",
             logged=rejected("eni-db", WEB, DB, "tcp", 5432),
             asks=asks("eni-web", DB, "tcp", 5432)),
        Flow("db -> app 9001: no outbound rule",
             lambda h: clients.curl(h["db"], APP, 9001), allowed=False, reason="sg_egress",
             logged=rejected("eni-db", DB, APP, "tcp", 9001),
             asks=asks("eni-db", APP, "tcp", 9001)),
        Flow("app -> the router's address",
             lambda h: clients.ping(h["app"], "10.0.2.1"), allowed=False, reason="reserved_address",
             asks=asks("eni-app", "10.0.2.1", "icmp")),
        Flow("app -> db from a source that is not its own",
             lambda h: clients.ping(h["app"], DB, source=SPOOFED), allowed=False, reason="source_check",
             asks=asks("eni-app", DB, "icmp", address=SPOOFED)),
        Flow("web -> an address nobody has",
             lambda h: clients.ping(h["web"], "10.0.2.77"), allowed=False, reason="unknown_destination",
             asks=asks("eni-web", "10.0.2.77", "icmp")),
    ]


def neighbour_flows():
    """Peering, the twin VPC, endpoints."""
    return [
        Flow("app -> partner over the peering, curl",
             lambda h: clients.curl(h["app"], PARTNER), sees=f"partner from {APP}",
             logged=accepted("eni-app", APP, None, PARTNER, "tcp", 80),
             asks=asks("eni-app", PARTNER, "tcp", 80)),
        Flow("partner -> app 8080: a group across the peering",
             lambda h: clients.curl(h["partner"], APP, 8080), sees=f"app from {PARTNER}",
             logged=accepted(None, PARTNER, "eni-app", APP, "tcp", 8080),
             asks=asks("eni-partner", APP, "tcp", 8080)),
        Flow("partner -> internet by the shop's gateways",
             lambda h: clients.curl(h["partner"], INTERNET), allowed=False, reason="peering_not_transitive",
             asks=asks("eni-partner", INTERNET, "tcp", 80)),
        Flow("twin2 -> 10.0.1.10 is the twin, not the shop's web",
             lambda h: clients.curl(h["twin2"], TWIN), sees=f"twin from {TWIN2}",
             asks=asks("eni-twin2", TWIN, "tcp", 80)),
        Flow("twin2 -> partner: no route",
             lambda h: clients.curl(h["twin2"], PARTNER), allowed=False, reason="no_route",
             asks=asks("eni-twin2", PARTNER, "tcp", 80)),
        Flow("app -> store by the gateway endpoint",
             lambda h: clients.curl(h["app"], STORE), sees=f"store from {APP}",
             logged=accepted("eni-app", APP, None, STORE, "tcp", 80),
             asks=asks("eni-app", STORE, "tcp", 80)),
        Flow("web -> the same address by the internet gateway",
             lambda h: clients.curl(h["web"], STORE), sees=f"internet from {WEB_PUBLIC}",
             asks=asks("eni-web", STORE, "tcp", 80)),
        Flow("app -> interface endpoint 443",
             lambda h: clients.curl(h["app"], API, 443), sees=f"api from {APP}",
             logged=accepted("eni-app", APP, "eni-api", API, "tcp", 443),
             asks=asks("eni-app", API, "tcp", 443)),
        Flow("web -> interface endpoint 443: its group",
             lambda h: clients.curl(h["web"], API, 443), allowed=False, reason="sg_ingress",
             logged=rejected("eni-api", WEB, API, "tcp", 443),
             asks=asks("eni-web", API, "tcp", 443)),
    ]


def remove_rules(configuration):
    """Takes the rules for ports 7777 and 7778 out of the group `web`."""
    def change(firewalls):
        group = next(group for group in firewalls["SecurityGroups"] if group["GroupId"] == "sg-web")
        group["IpPermissions"] = [rule for rule in group["IpPermissions"] if rule.get("FromPort") not in (7777, 7778)]
    configuration.edit("firewalls.json", change)


def add_unused_rule(configuration):
    """A change that must not touch any flow: one more rule for a port nobody uses."""
    def change(firewalls):
        group = next(group for group in firewalls["SecurityGroups"] if group["GroupId"] == "sg-partner")
        group["IpPermissions"].append({"IpProtocol": "tcp", "FromPort": 6000, "ToPort": 6000,
                                       "IpRanges": [{"CidrIp": "10.0.0.0/16"}]})
    configuration.edit("firewalls.json", change)
