// The protocol of the operator socket, used by the daemon and by the `sluice` client: JSON lines
// over a unix stream socket. Each request is one object on one line; each gets one object on one
// line, in order. Any thread.
//
// Requests (a member that the verb does not have is an error; "As": "text" or "json" with any):
//   {"Verb": "apply",    "Paths": ["/abs/path", …] | "Texts": [{"Name": "shown in messages",
//                        "Text": "…"}, …]}
//   {"Verb": "diff",     as apply; nothing is changed}
//   {"Verb": "export"}
//   {"Verb": "rollback", "Generation": 3}
//   {"Verb": "show",     "What": "sessions|routes|interfaces|drops|stages|ports|generations|nat",
//                        "Eni", "Vpc", "Table", "Proto", "Src", "Dst", "Port": filters, strings,
//                        all optional; "Limit": rows, default 1000}
//   {"Verb": "explain",  "From", "To", "Src", "Proto", "Sport", "Dport", "Icmp": strings, as the
//                        flags of `sluice explain`}
//   {"Verb": "top"}      what one screen of `sluice top` needs: counters with the time they were
//                        read
//   {"Verb": "stop"}
// Answers ("ExitCode" is what a client exits with):
//   {"Ok": true,  "ExitCode": 0|1, "Result": {…}}     Result's members: see operator_verbs.h
//   {"Ok": false, "ExitCode": 1|2, "Error": "one sentence", "Issues": [{"Severity", "Path",
//    "ObjectId", "What", "Code"}…], "Unreadable": true}
//    Issues, as `sluice check -j` prints them, only where a configuration was refused, Unreadable
//    only where the daemon cannot read a path: a client that can sends the texts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sluice {

inline constexpr size_t kMaxRequestBytes = size_t{64} << 20;  // a line, its end included
inline constexpr int kRequestTimeoutMs = 10'000;  // from a request's first byte to its last
inline constexpr size_t kMaxOperatorClients = 64;

// Where daemon and client meet unless told otherwise: sluiced.sock in RUNTIME_DIRECTORY, or in
// sluice/ below XDG_RUNTIME_DIR, below /run when that is writable, else below /tmp with the user's
// number in its name.
std::string DefaultSocketPath();

// What a sockaddr_un has room for (unix(7)).
inline constexpr size_t kMaxSocketPathBytes = 107;

// One question, one answer: connects, sends `request` (one line, without its end), returns the
// answer's line. Unavailable when no daemon listens there: the message says so and how to start
// one. DeadlineExceeded after `timeout_ms` without an answer.
absl::StatusOr<std::string> AskDaemon(const std::string& socket_path, std::string_view request,
                                      int timeout_ms);

}  // namespace sluice
