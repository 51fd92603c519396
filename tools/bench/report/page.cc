#include "tools/bench/report/page.h"

#include <cstdio>

#include "tools/bench/report/svg.h"

namespace sluice {
namespace {

constexpr const char* kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Sluice: measured</title>\n"
    "<style>\n"
    "body { font-family: sans-serif; max-width: 860px; margin: 2em auto; padding: 0 1em; "
    "color: #222; line-height: 1.45; }\n"
    "h2 { margin-top: 2.2em; }\n"
    "svg { max-width: 100%; height: auto; border: 1px solid #ddd; }\n"
    "code { background: #f3f3f3; padding: 0 .3em; }\n"
    ".missing { border: 1px dashed #999; padding: 1em; color: #555; }\n"
    ".warning { background: #fff3d6; padding: .6em 1em; }\n"
    "</style>\n</head>\n<body>\n";

std::string Machine(const ReadReport* machine) {
  if (machine == nullptr) {
    return "<p class=\"warning\">Nothing was measured.</p>\n";
  }
  char tsc[64];
  std::snprintf(tsc, sizeof tsc, "TSC %.3f GHz", machine->tsc_hz / 1e9);
  char load[32];
  std::snprintf(load, sizeof load, "load %.1f", machine->load);
  return "<p>" + EscapeMarkup(machine->cpu) + ", " + tsc + ", " + EscapeMarkup(machine->memory) +
         ", " + EscapeMarkup(machine->compiler) + ", commit " + EscapeMarkup(machine->commit) +
         ", " + load + ".</p>\n";
}

std::string Section(const Drawing& drawing) {
  return "<h2 id=\"" + drawing.name + "\">" + EscapeMarkup(drawing.title) + "</h2>\n<p>" +
         EscapeMarkup(drawing.note) + " <code>" + EscapeMarkup(drawing.command) + "</code></p>\n" +
         (drawing.svg.empty()
              ? "<p class=\"missing\">Not measured: " + EscapeMarkup(drawing.missing) + ".</p>\n"
              : drawing.svg);
}

}  // namespace

std::string ReportPage(const std::vector<Drawing>& drawings, const ReadReport* machine,
                       bool quick) {
  std::string page = kHead;
  page +=
      "<h1>Sluice: measured</h1>\n<p><strong>Dataplane only, no NIC</strong>: packets are stamped "
      "into memory, the source's cost is taken off. One core. Every figure comes from a run that "
      "proved that it measured what it names. Rivals ran in turn with Sluice on the same "
      "keys.</p>\n";
  page += Machine(machine);
  if (quick) {
    page +=
        "<p class=\"warning\">Made with --quick: to see that all is well, not for figures.</p>\n";
  }
  for (const Drawing& drawing : drawings) {
    page += Section(drawing);
  }
  return page + "</body>\n</html>\n";
}

}  // namespace sluice
