// The few shapes charts are made of, as SVG text. Coordinates in pixels from the top left. Any
// thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sluice {

// "&" and "<" and quotes as entities, for SVG and HTML alike.
std::string EscapeMarkup(const std::string& text);

enum class TextAnchor { kStart, kMiddle, kEnd };

struct Stroke {
  std::string color;
  double width = 1;
  bool dashed = false;
};

class Svg {
 public:
  Svg(double width, double height) : width_(width), height_(height) {}

  void Line(double x1, double y1, double x2, double y2, const Stroke& stroke);
  void Path(const std::vector<std::pair<double, double>>& points, const Stroke& stroke);
  void Rect(double x, double y, double width, double height, const std::string& fill,
            const std::string& tip = "");  // `tip` is shown when pointed at
  void Dot(double x, double y, double radius, const std::string& fill, const std::string& tip);
  void Text(double x, double y, const std::string& text, TextAnchor anchor, double size_px = 12,
            bool upwards = false);

  // A whole document; it may also stand in HTML as it is. `title` is read to those who cannot see.
  std::string Document(const std::string& title) const;

 private:
  double width_;
  double height_;
  std::string body_;
};

}  // namespace sluice
