"""Reads the flow logs of a run back, as any reader of Amazon's files would."""
import collections
import gzip

PROTOCOLS = {"icmp": "1", "tcp": "6", "udp": "17"}

# What a client's doing must leave in the log; `port` is the server's.
Expected = collections.namedtuple("Expected", "eni source destination protocol port action")


def read(folder):
    """Every record of every finished file, as {field: text}."""
    records = []
    for path in sorted(folder.rglob("*.log.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        fields = lines[0].split()
        records += [dict(zip(fields, line.split())) for line in lines[1:]]
    return records


def matches(record, expected):
    port = "0" if expected.protocol == "icmp" else str(expected.port)
    return (record["interface-id"] == expected.eni and record["log-status"] == "OK"
            and record["srcaddr"] == expected.source and record["dstaddr"] == expected.destination
            and record["protocol"] == PROTOCOLS[expected.protocol]
            and port in (record["dstport"], record["srcport"]) and record["action"] == expected.action)


def missing(records, expected):
    return [entry for entry in expected if not any(matches(record, entry) for record in records)]


def unexplained_rejects(records, expected):
    """REJECT records that no expected one explains."""
    return [record for record in records if record["action"] == "REJECT"
            and not any(matches(record, entry) for entry in expected)]


def sum_bytes(records, expected):
    return sum(int(record["bytes"]) for record in records if matches(record, expected))
