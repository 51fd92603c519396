#include "tools/bench/report/svg.h"

#include <cstdio>

namespace sluice {
namespace {

std::string Px(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string StrokeOf(const Stroke& stroke) {
  return " stroke=\"" + stroke.color + "\" stroke-width=\"" + Px(stroke.width) + "\"" +
         (stroke.dashed ? " stroke-dasharray=\"5 4\"" : "");
}

std::string TipOf(const std::string& tip) {
  return tip.empty() ? "/>\n" : "><title>" + EscapeMarkup(tip) + "</title></";
}

}  // namespace

std::string EscapeMarkup(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void Svg::Line(double x1, double y1, double x2, double y2, const Stroke& stroke) {
  body_ += "<line x1=\"" + Px(x1) + "\" y1=\"" + Px(y1) + "\" x2=\"" + Px(x2) + "\" y2=\"" +
           Px(y2) + "\"" + StrokeOf(stroke) + "/>\n";
}

void Svg::Path(const std::vector<std::pair<double, double>>& points, const Stroke& stroke) {
  body_ += "<polyline fill=\"none\" stroke-linejoin=\"round\"" + StrokeOf(stroke) + " points=\"";
  for (const auto& [x, y] : points) {
    body_ += Px(x) + "," + Px(y) + " ";
  }
  body_ += "\"/>\n";
}

void Svg::Rect(double x, double y, double width, double height, const std::string& fill,
               const std::string& tip) {
  body_ += "<rect x=\"" + Px(x) + "\" y=\"" + Px(y) + "\" width=\"" + Px(width) + "\" height=\"" +
           Px(height) + "\" fill=\"" + fill + "\"" + TipOf(tip) + (tip.empty() ? "" : "rect>\n");
}

void Svg::Dot(double x, double y, double radius, const std::string& fill, const std::string& tip) {
  body_ += "<circle cx=\"" + Px(x) + "\" cy=\"" + Px(y) + "\" r=\"" + Px(radius) + "\" fill=\"" +
           fill + "\"" + TipOf(tip) + (tip.empty() ? "" : "circle>\n");
}

void Svg::Text(double x, double y, const std::string& text, TextAnchor anchor, double size_px,
               bool upwards) {
  const char* words[] = {"start", "middle", "end"};
  body_ += "<text x=\"" + Px(x) + "\" y=\"" + Px(y) + "\" font-size=\"" + Px(size_px) +
           "\" text-anchor=\"" + words[static_cast<int>(anchor)] + "\"" +
           (upwards ? " transform=\"rotate(-90 " + Px(x) + " " + Px(y) + ")\"" : "") + ">" +
           EscapeMarkup(text) + "</text>\n";
}

std::string Svg::Document(const std::string& title) const {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " + Px(width_) +
         " " + Px(height_) + "\" width=\"" + Px(width_) + "\" height=\"" + Px(height_) +
         "\" font-family=\"sans-serif\">\n<title>" + EscapeMarkup(title) +
         "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" + body_ + "</svg>\n";
}

}  // namespace sluice
