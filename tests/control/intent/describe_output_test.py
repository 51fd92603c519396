#!/usr/bin/env python3
"""What an EC2 API prints must load: drives a moto server on loopback and loads every describe output.

Usage: describe_output_test.py LOAD_FILES. Skipped (77) without moto or boto3.

Faults of moto that loading tolerates with a warning: a NAT gateway's and an interface endpoint's own interface has
InterfaceType "interface", groups, and an address outside its subnet; SG and NACL CIDRs keep host bits; a VPC names
DHCP options that are not listed; a route table keeps the local route of a CIDR that is not associated any more. Public
addresses lie in 127/8, which nothing here forbids. It chooses reserved and used addresses now and then: every interface
that may carry an address of its subnet is given one here.
"""
import json
import os
import subprocess
import sys
import tempfile

SKIPPED = 77
REGION = "eu-west-1"

try:
    import boto3
    from moto.server import ThreadedMotoServer
except ImportError as missing:
    print(f"SKIP: {missing}: moto[server] and boto3 make this test")
    sys.exit(SKIPPED)


def build(ec2):
    """One VPC with everything, and a peer."""
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    peer = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.51.0.0/16")
    former = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.52.0.0/16")["CidrBlockAssociation"]
    ec2.disassociate_vpc_cidr_block(AssociationId=former["AssociationId"])
    public = ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.1.0/24")["Subnet"]["SubnetId"]
    private = ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.2.0/24")["Subnet"]["SubnetId"]
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    out = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=out, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    ec2.associate_route_table(RouteTableId=out, SubnetId=public)
    eip = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=eip)["NatGateway"]["NatGatewayId"]
    gone = ec2.create_nat_gateway(SubnetId=private, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    inner = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=inner, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    ec2.create_route(RouteTableId=inner, DestinationCidrBlock="9.0.0.0/8", NatGatewayId=gone)
    ec2.delete_nat_gateway(NatGatewayId=gone)
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "1.0.0.7/8"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}])
    eni = ec2.create_network_interface(SubnetId=public, PrivateIpAddress="10.50.1.10",
                                       Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    ec2.associate_address(AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"],
                          NetworkInterfaceId=eni)
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Protocol="6", RuleAction="allow",
                                 Egress=False, CidrBlock="0.0.0.0/0",
                                 PortRange={"From": 80, "To": 80})
    pcx = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)
    pcx = pcx["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    ec2.create_route(RouteTableId=inner, DestinationCidrBlock="10.60.0.0/16",
                     VpcPeeringConnectionId=pcx)
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3",
                            RouteTableIds=[out], VpcEndpointType="Gateway")
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.ec2",
                            SubnetIds=[private], SecurityGroupIds=[group],
                            VpcEndpointType="Interface")
    ec2.create_managed_prefix_list(PrefixListName="ours", MaxEntries=5, AddressFamily="IPv4",
                                   Entries=[{"Cidr": "9.0.0.0/8"}])
    ec2.create_dhcp_options(DhcpConfigurations=[
        {"Key": "domain-name-servers", "Values": ["10.50.0.2", "AmazonProvidedDNS"]}])
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=private,
                      PrivateIpAddress="10.50.2.40")


def build_oddities(ec2):
    """What real accounts hold beside the plain cases: final states, targets not carried, second addresses."""
    vpc = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.50.0.0/16"]}])["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.50.1.0/24"]}])["Subnets"][0]["SubnetId"]
    lists = {each["PrefixListName"]: each["PrefixListId"] for each in ec2.describe_managed_prefix_lists()["PrefixLists"]}
    group = ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "PrefixListIds": [{"PrefixListId": lists["ours"]}]},
        {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
    eni = ec2.create_network_interface(SubnetId=subnet, Groups=[group], PrivateIpAddresses=[
        {"PrivateIpAddress": f"10.50.1.{host}", "Primary": host == 20} for host in (20, 21, 22)])["NetworkInterface"]
    ec2.associate_address(AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"],
                          NetworkInterfaceId=eni["NetworkInterfaceId"],
                          PrivateIpAddress=eni["PrivateIpAddresses"][1]["PrivateIpAddress"])
    ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="cloud-watch-logs",
                         LogGroupName="group", DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/logs")
    ec2.create_egress_only_internet_gateway(VpcId=vpc)
    ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    hub = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpn = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=vpn)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="172.16.0.0/12", TransitGatewayId=hub)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.168.0.0/16", GatewayId=vpn)
    ec2.create_route(RouteTableId=table, DestinationPrefixListId=lists["ours"], TransitGatewayId=hub)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="11.0.0.0/8", NetworkInterfaceId=eni["NetworkInterfaceId"])
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.dynamodb",
                                       RouteTableIds=[table], VpcEndpointType="Gateway")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])
    other = ec2.create_vpc(CidrBlock="10.70.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    for gone in (True, False):  # one deleted, one never accepted
        peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
        if gone:
            ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet,
                                 PrivateIpAddress="10.50.1.40")["Instances"][0]
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])


# What loading must say about the oddities, each once.
EXPECTED = ["this NAT gateway is deleted", "this VPC endpoint is deleted", "this VPC peering is ",
            "this instance is terminated", "targets of type vgw-", "IPv6 is not carried",
            "flow logs to cloud-watch-logs are not written"]


def describe(ec2, folder):
    lists = ["vpcs", "subnets", "route_tables", "internet_gateways",
             "egress_only_internet_gateways", "nat_gateways", "network_acls", "security_groups",
             "security_group_rules", "network_interfaces", "addresses", "prefix_lists",
             "managed_prefix_lists", "vpc_endpoints", "vpc_peering_connections", "flow_logs",
             "dhcp_options", "instances"]
    for name in lists:
        output = getattr(ec2, "describe_" + name)()
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(output, file, default=str, indent=2)


def main():
    load_files = sys.argv[1]
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        ec2 = boto3.client("ec2", endpoint_url=f"http://{host}:{port}", region_name=REGION)
        build(ec2)
        build_oddities(ec2)
        with tempfile.TemporaryDirectory() as folder:
            describe(ec2, folder)
            one_a_file = subprocess.run([load_files, folder], check=False, stdout=subprocess.PIPE, text=True)
            print(one_a_file.stdout)
            joined = os.path.join(folder, "all.joined")
            with open(joined, "w", encoding="utf-8") as out:
                for name in sorted(os.listdir(folder)):
                    if name.endswith(".json"):
                        with open(os.path.join(folder, name), encoding="utf-8") as file:
                            out.write(file.read())
            together = subprocess.run([load_files, joined], check=False,
                                      stdout=subprocess.DEVNULL)
    finally:
        server.stop()
    unsaid = [words for words in EXPECTED if one_a_file.stdout.count(words) != 1]
    if unsaid:
        print("not said exactly once:", *unsaid, sep="\n  ")
        return 1
    print(f"one a file: exit {one_a_file.returncode}; joined: exit {together.returncode}")
    return one_a_file.returncode or together.returncode


if __name__ == "__main__":
    sys.exit(main())
