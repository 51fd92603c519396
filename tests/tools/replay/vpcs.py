"""Configurations for replays, small and written out.

  vpc-a 10.0.0.0/16  subnet-pub  10.0.0.0/24  default route igw-a; eni-web 10.0.0.10 (public 198.51.100.10), nat-a
                     subnet-app  10.0.1.0/24  default route nat-a; eni-app 10.0.1.10, eni-two 10.0.1.20

Every group lets everything in and out unless a test changes it.
"""
import copy

WEB_MAC, APP_MAC, TWO_MAC = "02:0a:00:00:00:10", "02:0a:00:00:01:10", "02:0a:00:00:01:20"
WEB, APP, TWO, WEB_PUBLIC = "10.0.0.10", "10.0.1.10", "10.0.1.20", "198.51.100.10"
NAT, NAT_PUBLIC = "10.0.0.200", "198.51.100.200"
HOST = "203.0.113.9"  # somewhere in the internet
ACCOUNT = "111122223333"
ANY = [{"CidrIp": "0.0.0.0/0"}]
ALL = [{"IpProtocol": "-1", "IpRanges": ANY}]


def allow(protocol, first, last=None, cidr="0.0.0.0/0"):
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": first if last is None else last,
            "IpRanges": [{"CidrIp": cidr}]}


def group(name, ingress, egress):
    return {"GroupId": name, "GroupName": name[3:], "VpcId": "vpc-a", "IpPermissions": ingress,
            "IpPermissionsEgress": egress}


def eni(name, subnet, ip, mac, groups, **more):
    return {"NetworkInterfaceId": name, "SubnetId": subnet, "PrivateIpAddress": ip, "MacAddress": mac,
            "OwnerId": ACCOUNT, "Groups": [{"GroupId": g} for g in groups], **more}


def entry(number, egress, action, protocol="-1", cidr="0.0.0.0/0", ports=None, icmp=None):
    row = {"RuleNumber": number, "Egress": egress, "Protocol": protocol, "CidrBlock": cidr, "RuleAction": action}
    if ports:
        row["PortRange"] = {"From": ports[0], "To": ports[1]}
    if icmp:
        row["IcmpTypeCode"] = {"Type": icmp[0], "Code": icmp[1]}
    return row


def acl(name, subnet, entries):
    return {"NetworkAclId": name, "VpcId": "vpc-a", "IsDefault": False, "Associations": [{"SubnetId": subnet}],
            "Entries": entries}


def flow_log(name, resource, traffic="ALL", interval=60, **more):
    return {"FlowLogId": name, "ResourceId": resource, "TrafficType": traffic, "MaxAggregationInterval": interval,
            "LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs", "FlowLogStatus": "ACTIVE", **more}


def subnet(name, cidr):
    return {"SubnetId": name, "VpcId": "vpc-a", "CidrBlock": cidr, "AvailabilityZone": "eu-west-1a",
            "AvailabilityZoneId": "euw1-az1", "OwnerId": ACCOUNT}


def table(name, subnet_id, routes):
    return {"RouteTableId": name, "VpcId": "vpc-a", "Associations": [{"SubnetId": subnet_id}], "Routes": routes}


BASE = {
    "Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": ACCOUNT}],
    "Subnets": [subnet("subnet-pub", "10.0.0.0/24"), subnet("subnet-app", "10.0.1.0/24")],
    "InternetGateways": [{"InternetGatewayId": "igw-a", "Attachments": [{"VpcId": "vpc-a", "State": "available"}]}],
    "NatGateways": [{"NatGatewayId": "nat-a", "VpcId": "vpc-a", "SubnetId": "subnet-pub", "State": "available",
                     "ConnectivityType": "public",
                     "NatGatewayAddresses": [{"PrivateIp": NAT, "PublicIp": NAT_PUBLIC, "AllocationId": "eipalloc-n",
                                              "NetworkInterfaceId": "eni-nat"}]}],
    "RouteTables": [table("rtb-pub", "subnet-pub", [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"}]),
                    table("rtb-app", "subnet-app", [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-a"}])],
    "SecurityGroups": [group("sg-web", ALL, ALL), group("sg-app", ALL, ALL), group("sg-two", ALL, ALL)],
    "NetworkInterfaces": [
        eni("eni-web", "subnet-pub", WEB, WEB_MAC, ["sg-web"], Association={"PublicIp": WEB_PUBLIC}),
        eni("eni-app", "subnet-app", APP, APP_MAC, ["sg-app"]),
        eni("eni-two", "subnet-app", TWO, TWO_MAC, ["sg-two"])],
}


def base(groups=None, **lists):
    """BASE with other groups {id: (ingress, egress)} and further or replaced lists."""
    config = copy.deepcopy(BASE)
    for number, old in enumerate(config["SecurityGroups"]):
        if groups and old["GroupId"] in groups:
            config["SecurityGroups"][number] = group(old["GroupId"], *groups[old["GroupId"]])
    config.update(copy.deepcopy(lists))
    return config
