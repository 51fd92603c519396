// `sluice-bench report`: the figures as pictures, in one file.
#include <gflags/gflags.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tools/bench/child_process.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/interruption.h"
#include "tools/bench/report/drawings.h"
#include "tools/bench/report/page.h"

DEFINE_string(out, "", "The folder that gets index.html, the pictures and data/*.json.");
DEFINE_bool(redraw, false, "Measure nothing: draw what lies in the folder's data.");

namespace sluice {
namespace {

bool WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.flush();
  if (!file) {
    std::fprintf(stderr, "sluice-bench: %s cannot be written\n", path.c_str());
  }
  return static_cast<bool>(file);
}

Measurements Measure(const std::string& folder) {
  Measurements measurements;
  const std::string program = FLAGS_program.empty() ? OwnPath() : FLAGS_program;
  for (const Needed& needed : AllNeeded(FLAGS_quick)) {
    if (FLAGS_redraw) {
      measurements.Load(needed, folder);
    } else if (!Interruption::happened()) {
      measurements.Run(program, needed, FLAGS_quick, folder);
    }
  }
  return measurements;
}

// SVG always, PNG where rsvg-convert is. The number of PNGs made, or -1 after a message.
int WritePictures(const std::vector<Drawing>& drawings) {
  int png_count = 0;
  for (const Drawing& drawing : drawings) {
    const std::string stem = FLAGS_out + "/" + drawing.name;
    if (drawing.svg.empty()) {
      continue;
    }
    if (!WriteFile(stem + ".svg", drawing.svg)) {
      return -1;
    }
    png_count +=
        RunChild({"rsvg-convert", "-z", "2", "-o", stem + ".png", stem + ".svg"}).exit_code == 0;
  }
  return png_count;
}

int RunReportCommand(const Arguments& arguments) {
  if (!FlagsOnly("report", arguments)) {
    return kExitUsage;
  }
  if (FLAGS_out.empty()) {
    return UsageError("`report` needs --out=FOLDER");
  }
  const std::string data = FLAGS_out + "/data";
  std::error_code failed;
  if (FLAGS_redraw && !std::filesystem::is_directory(data, failed)) {
    return UsageError(data + " is not there to redraw from; measure first, without --redraw");
  }
  std::filesystem::create_directories(data, failed);
  if (failed) {
    std::fprintf(stderr, "sluice-bench: %s cannot be made: %s; name another --out\n", data.c_str(),
                 failed.message().c_str());
    return kExitNo;
  }
  const Interruption interruption;  // what measures ends with it
  const Measurements measurements = Measure(data);
  if (Interruption::happened()) {
    return kExitNo;
  }
  const std::vector<Drawing> drawings = DrawAll(measurements);
  const int png_count = WritePictures(drawings);
  const std::string page = FLAGS_out + "/index.html";
  if (png_count < 0 || !WriteFile(page, ReportPage(drawings, measurements.Any(), FLAGS_quick))) {
    return kExitNo;
  }
  size_t drawn = 0;
  for (const Drawing& drawing : drawings) {
    drawn += drawing.svg.empty() ? 0 : 1;
    if (drawing.svg.empty()) {
      std::printf("  not drawn: %s (%s: %s)\n", drawing.title.c_str(), drawing.command.c_str(),
                  drawing.missing.c_str());
    }
  }
  std::printf("report: %s with %zu of %zu pictures, %s; dataplane only, no NIC\n", page.c_str(),
              drawn, drawings.size(),
              png_count > 0 ? "SVG and PNG beside it"
                            : "SVG beside it; no PNG: rsvg-convert (librsvg2-bin) is not here");
  return drawn != 0 ? kExitYes : kExitNo;
}

}  // namespace

Verb ReportCommand() {
  return {"report",
          "--out=FOLDER [--quick] [--redraw]",
          "The figures as pictures, in one HTML file.",
          "Runs the subcommands that measure (some minutes; seconds with --quick) and draws rate "
          "against\n"
          "flows, rules, routes and frame size, ticks by stage, the spread of repetitions, new\n"
          "connections, latency and policy changes, with the rivals of the same runs. index.html "
          "needs\n"
          "no other file; SVG, PNG (with rsvg-convert) and every run's JSON lie beside it. What "
          "could\n"
          "not be measured says why.",
          {"out", "redraw", "program", "quick"},
          RunReportCommand};
}

}  // namespace sluice
