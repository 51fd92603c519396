// The charts of reports: places, marks, and text that is well formed.
#include <gtest/gtest.h>

#include "tools/bench/report/axis.h"
#include "tools/bench/report/chart.h"
#include "tools/bench/report/svg.h"

namespace sluice {
namespace {

TEST(AxisTest, LinearStartsAtZeroAndEndsAtARoundNumber) {
  const Axis axis(AxisScale::kLinear, 3, 47, 100, 200);
  EXPECT_EQ(axis.marks(), (std::vector<double>{0, 10, 20, 30, 40, 50}));
  EXPECT_DOUBLE_EQ(axis.Px(0), 100);
  EXPECT_DOUBLE_EQ(axis.Px(25), 150);
  EXPECT_DOUBLE_EQ(axis.Px(50), 200);
  EXPECT_DOUBLE_EQ(axis.Px(1e9), 200);  // stays inside
}

TEST(AxisTest, LogarithmicMarksPowersOfTen) {
  const Axis axis(AxisScale::kLog, 1, 1e6, 400, 100);
  ASSERT_EQ(axis.marks().size(), 7u);
  EXPECT_NEAR(axis.marks()[3], 1000, 1e-6);
  EXPECT_NEAR(axis.Px(1000), 250, 1e-9);
  EXPECT_NEAR(axis.Px(1e6), 100, 1e-9);
  EXPECT_NEAR(axis.Px(0), 400, 1e-9);
}

TEST(AxisTest, ShortLogarithmicOnesMarkMore) {
  const Axis axis(AxisScale::kLog, 30, 170, 0, 1);
  ASSERT_EQ(axis.marks().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(axis.marks()[i], (std::vector<double>{20, 50, 100, 200})[i], 1e-6);
  }
}

TEST(AxisTest, NothingAndOneValueAreDrawnToo) {
  for (const AxisScale scale : {AxisScale::kLinear, AxisScale::kLog}) {
    for (const double value : {0.0, 1.0, 1000.0}) {
      const Axis axis(scale, value, value, 0, 100);
      EXPECT_GE(axis.marks().size(), 1u);
      EXPECT_GE(axis.Px(value), 0);
      EXPECT_LE(axis.Px(value), 100);
    }
  }
}

TEST(ShortNumberTest, IsShort) {
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(64), "64");
  EXPECT_EQ(ShortNumber(0.05), "0.05");
  EXPECT_EQ(ShortNumber(1000), "1k");
  EXPECT_EQ(ShortNumber(999.9), "1k");
  EXPECT_EQ(ShortNumber(2.5e6), "2.5M");
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// Letters of 12 px are up to 7.3 px wide on average (DejaVu Sans, which many fall back to).
TEST(ChartTest, LongNamesOfRowsHaveRoom) {
  const std::string name(64, 'n');
  const std::string svg = DotChart({"title", "x", ""}, {{name, 10, 10, 10}, {"short", 1, 1, 1}});
  const size_t at = svg.find("\">" + name + "<");
  ASSERT_NE(at, std::string::npos);
  const size_t x = svg.rfind("<text x=\"", at) + 9;
  EXPECT_GE(std::stod(svg.substr(x)), 64 * 7.3);
  // As wide as the other charts while names are short.
  EXPECT_NE(DotChart({"title", "x", ""}, {{"short", 1, 1, 1}}).find("viewBox=\"0 0 820.0"),
            std::string::npos);
}

TEST(ChartTest, ALegendSaysWhichDotsAreRivals) {
  const Dot ours = {"a", 1, 1, 1, true};
  const Dot rival = {"a/b", 2, 2, 2, false};
  const std::string both = DotChart({"title", "x", ""}, {ours, rival});
  EXPECT_EQ(CountOf(both, ">Sluice</text>"), 1u);
  EXPECT_EQ(CountOf(both, ">rivals</text>"), 1u);
  EXPECT_EQ(CountOf(both, "fill=\"" + std::string("#d55e00")), 2u);  // the legend's, the rival's
  EXPECT_EQ(CountOf(DotChart({"title", "x", ""}, {ours}), "</text>"),
            CountOf(both, "</text>") - 2 - 2);
}

TEST(SvgTest, TextIsEscaped) {
  Svg svg(10, 10);
  svg.Text(1, 2, "a < b & \"c\"", TextAnchor::kMiddle);
  const std::string document = svg.Document("<title>");
  EXPECT_NE(document.find("a &lt; b &amp; &quot;c&quot;"), std::string::npos);
  EXPECT_NE(document.find("<title>&lt;title&gt;</title>"), std::string::npos);
}

TEST(ChartTest, EveryPointIsADotWithItsValue) {
  const std::string svg = LineChart(
      {"title", "x", "y"}, AxisScale::kLog, AxisScale::kLinear,
      {{"ours", {{1, 10, 9, 11}, {10, 20, 20, 20}}, false}, {"rival", {{1, 5, 5, 5}}, true}});
  EXPECT_EQ(CountOf(svg, "<circle"), 3u);
  EXPECT_EQ(CountOf(svg, "<polyline"), 2u);
  EXPECT_NE(svg.find("ours: 20 at 10"), std::string::npos);
  EXPECT_NE(svg.find("stroke-dasharray"), std::string::npos);
}

TEST(ChartTest, BoxesAndStacksAreDrawn) {
  const std::string boxes = BoxChart({"t", "x", "y"}, {{"64 B", 1, 2, 3, 4, 5}});
  EXPECT_NE(boxes.find("64 B: median 3, quartiles 2..4"), std::string::npos);
  const std::string stacks = StackChart(
      {"t", "", "y"}, {{"one", {{"parse", 2}, {"rewrite", 3}}}, {"two", {{"parse", 4}}}});
  EXPECT_NE(stacks.find("one, rewrite: 3"), std::string::npos);
  EXPECT_NE(stacks.find("two, parse: 4"), std::string::npos);
  EXPECT_EQ(CountOf(stacks, ">parse<"), 1u);  // once in the legend
}

}  // namespace
}  // namespace sluice
