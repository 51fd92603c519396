// `sluice-bench budget`: what an established packet touches of shared memory.
#include <algorithm>
#include <cstdio>

#include "tools/bench/budget_run.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/report_output.h"

namespace sluice {
namespace {

// Enough that the table's fixed parts do not tell.
constexpr uint32_t kDefaultFlows = 200'000;

// Of a worker with 20 million packets a second.
constexpr int64_t kPacketNs = 50;

double APacket(uint64_t count, const BudgetResult& result) {
  return static_cast<double>(count) / static_cast<double>(result.packets);
}

Figure MakeFigure(uint32_t flows, const BudgetResult& result) {
  Figure figure;
  figure.name = "budget/flows:" + std::to_string(flows);
  figure.rounds = 1;
  figure.round_items = result.packets;
  figure.counters = {
      {"flows", static_cast<double>(flows)},
      {"packets", static_cast<double>(result.packets)},
      {"hit_rate", APacket(result.hits, result)},
      {"index_lines", APacket(result.index_lines, result)},
      {"session_lines", APacket(result.session_lines, result)},
      {"cold_part_lines", APacket(result.cold_lines, result)},
      {"table_lines", APacket(result.table_lines, result)},
      {"cold_lines", APacket(result.index_lines + result.session_lines, result)},
      {"peer_lines", APacket(result.peer_lines, result)},
      {"most_lines", static_cast<double>(result.most_lines)},
      {"own_line_writes", APacket(result.own_writes, result)},
      {"shared_writes", static_cast<double>(result.shared_writes)},
      {"contested_lines", static_cast<double>(result.contested_lines)},
      {"bytes_per_session", result.bytes_per_session},
  };
  return figure;
}

void PrintTable(const BudgetResult& result) {
  std::printf("  %-44s %8s %8s\n", "OF AN ESTABLISHED PACKET", "MEASURED", "ALLOWED");
  std::printf("  %-44s %8.3f %8s\n", "cold session lines: index and own direction",
              APacket(result.index_lines + result.session_lines, result), "2");
  std::printf("  %-44s %8.3f %8s\n", "  of the index", APacket(result.index_lines, result), "");
  std::printf("  %-44s %8.3f %8s\n", "  of the session", APacket(result.session_lines, result), "");
  std::printf("  %-44s %8.3f %8s\n", "  of the other direction", APacket(result.peer_lines, result),
              "0");
  std::printf("  %-44s %8.3f %8s\n", "lines of the pair's cold part",
              APacket(result.cold_lines, result), "0");
  std::printf("  %-44s %8.3f %8s\n", "lines of compiled tables, which are hot",
              APacket(result.table_lines, result), "");
  std::printf("  %-44s %8llu %8s\n", "writes to shared memory",
              static_cast<unsigned long long>(result.shared_writes), "0");
  std::printf("  %-44s %8llu %8s\n", "lines written by both directions",
              static_cast<unsigned long long>(result.contested_lines), "0");
  std::printf("  %-44s %8.1f %8s\n", "bytes a session, everything included",
              result.bytes_per_session, "192");
}

int RunBudgetCommand(const Arguments& arguments) {
  ForwardRequest request;
  if (!FlagsOnly("budget", arguments) || !ReadForwardFlags(request)) {
    return kExitUsage;
  }
  const uint32_t flows = arguments.Has("flows") ? FLAGS_flows : kDefaultFlows;
  WatchedMemory memory;
  SetFlows(flows, request);
  if (!MemoryForFlows("budget", "--flows", request, 0)) {
    return kExitNo;
  }
  request.bench.burst = 1;
  // A trace takes long; to the sessions it must not seem so.
  request.bench.burst_ns = FLAGS_burst_ns == 0 ? kPacketNs : request.bench.burst_ns;
  request.bench.memory = &memory;
  // The fixed parts of a smaller table would count as its sessions'.
  request.bench.intent = LoadBenchConfig(arguments, std::max(flows, kDefaultFlows));
  const auto bench = request.bench.intent == nullptr ? nullptr : OpenBench(request.bench);
  if (bench == nullptr) {
    return kExitNo;
  }
  const BudgetResult result =
      MeasureBudget(*bench, memory, {FLAGS_quick ? 250u : 1000u, FLAGS_seed});
  Report report = StartForwardReport();
  report.figures.push_back(MakeFigure(flows, result));
  report.broken_claims = BrokenBudget(result);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j) {
    PrintTable(result);
    std::printf(
        "\nbudget: %.2f session lines a packet, %llu shared writes, %.0f B a session, "
        "%u flows; counted, not timed; %s\n",
        APacket(result.index_lines + result.session_lines, result),
        static_cast<unsigned long long>(result.shared_writes), result.bytes_per_session, flows,
        Provenance(report).c_str());
  }
  return JudgeReport(report);
}

}  // namespace

Verb BudgetCommand() {
  return {"budget",
          "[--flows=N] [--config=PATH…] [-j]",
          "Which cache lines an established packet reads and writes.",
          "Takes the memory of sessions and tables away while a packet is in the pipeline and\n"
          "notes every access, one packet at a time: how many lines of the session index and of\n"
          "sessions it needs, and that it writes to no line but its own direction's. Exit 1 when\n"
          "it is more than two cold lines a packet, a shared write, or more than 192 bytes a\n"
          "session. Counts only; nothing is timed. 200,000 sessions unless --flows says otherwise.",
          {"flows", "traffic", "protocol", "config", "senders", "rules", "simd", "burst_ns",
           "quick", "seed", "benchmark_out", "j"},
          RunBudgetCommand};
}

}  // namespace sluice
