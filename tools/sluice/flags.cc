#include "tools/sluice/flags.h"

#include <gflags/gflags.h>

DEFINE_bool(j, false, "JSON with stable keys instead of text.");
DEFINE_bool(enforce_quotas, false, "Quotas are errors, not warnings.");
DEFINE_string(config, "",
              "Configuration: a file or a folder of *.json; repeat it, or separate by commas, to "
              "unite several.");
DEFINE_string(socket, "",
              "Operator socket of sluiced. Empty: sluiced.sock in RUNTIME_DIRECTORY, or in sluice/ "
              "below XDG_RUNTIME_DIR or /run.");

DEFINE_string(from, "", "Who sends: the id of an ENI, \"internet\" or \"services\".");
DEFINE_string(to, "", "Destination address.");
DEFINE_string(src, "",
              "Source address, or prefix in show. Of explain: the ENI's primary one when empty.");
DEFINE_string(dst, "", "Only this destination address or prefix.");
DEFINE_string(proto, "", "tcp, udp, icmp or a number 0..255.");
DEFINE_string(sport, "40000", "Source port.");
DEFINE_string(dport, "", "Destination port.");
DEFINE_string(icmp, "8/0", "ICMP type/code.");

DEFINE_string(in, "",
              "PORT=FILE: a capture (pcap or pcapng, Ethernet) of what PORT receives; repeat it.");
DEFINE_string(out, "", "Folder for the results; made when missing.");
DEFINE_string(at, "",
              "TIME:apply:PATH: replaces the configuration before every packet of TIME or later; "
              "seconds since the epoch, or +S after the first packet; decimals allowed; repeat "
              "it. A PATH may be several, separated by commas.");
DEFINE_uint64(seed, 0, "Of NAT ports, IP identifications and hashes.");
DEFINE_string(idle_after, "0", "Seconds the clock goes on after the last packet.");
DEFINE_uint32(burst, 64, "Packets of one instant handled together, 1..256; changes no result.");
DEFINE_bool(session_cache, true, "Off: every packet walks; changes no verdict.");

DEFINE_string(eni, "", "Only this ENI. Of sessions: at either end.");
DEFINE_string(vpc, "", "Only this VPC. Of sessions: at either end.");
DEFINE_string(port, "", "Only this port: a TCP or UDP port of sessions, a name of ports.");
DEFINE_uint32(limit, 1000, "At most so many rows, 1..100000.");
DEFINE_uint32(count, 0, "Screens to show; 0: until interrupted.");
DEFINE_double(period, 1.0, "Seconds between two screens.");
