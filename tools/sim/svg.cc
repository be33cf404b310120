#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "tools/cli/text.h"
#include "tools/sim/timeline.h"

namespace evenkeel::sim {
namespace {

constexpr double kLeft = 86, kWidth = 820, kTop = 64, kHeight = 150, kGap = 62;
constexpr int kBuckets = 160;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : cli::printable(text)) {
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

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  std::string_view shown = text;
  if (shown.ends_with(".0")) shown.remove_suffix(2);
  return std::string(shown);
}

/// What numbers of an axis are divided by, and how that is called.
struct Unit {
  double size = 1;
  std::string name;
};

Unit unit_of(double most, const std::vector<Unit>& rising) {
  Unit chosen = rising.front();
  for (const Unit& unit : rising) {
    if (most >= unit.size) chosen = unit;
  }
  return chosen;
}

Unit bytes_unit(double most, const std::string& after) {
  std::vector<Unit> all;
  double size = 1;
  for (const char* name : {"B", "KiB", "MiB", "GiB", "TiB", "PiB"}) {
    all.push_back({size, name + after});
    size *= 1024;
  }
  return unit_of(most, all);
}

Unit time_unit(double seconds) {
  return unit_of(seconds / 2, {{1, "s"}, {60, "min"}, {3600, "h"}, {86400, "days"}});
}

/// The distance of ticks: 1, 2 or 5 times a power of ten, so that there are five or so.
double tick_of(double most) {
  const double rough = most / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * power >= rough) return step * power;
  }
  return 10 * power;
}

struct Point {
  double seconds, value;
};
struct Line {
  std::string name, colour;
  std::vector<Point> points;
};

class Picture {
 public:
  Picture(const Timeline& timeline, const std::string& title) : timeline_(timeline) {
    const auto& samples = timeline.samples();
    if (!samples.empty()) last_ = std::max(last_, seconds(samples.back().at));
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 940 " + number(height()) +
           "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<title>" +
           escaped(title) + "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    text(kLeft, 26, title, "start", " font-size=\"16\" font-weight=\"bold\"");
  }

  void panel(const std::string& title, const Unit& unit, const std::vector<Line>& lines) {
    double most = 0;
    for (const Line& line : lines) {
      for (const Point& point : line.points) most = std::max(most, point.value / unit.size);
    }
    const double tick = tick_of(std::max(most, 1e-9));
    const double top = std::max(tick, std::ceil(most / tick) * tick);
    const double upper = kTop + panels_++ * (kHeight + kGap), lower = upper + kHeight;
    text(kLeft, upper - 8, title + (unit.name.empty() ? "" : ", " + unit.name), "start",
         " font-weight=\"bold\"");
    const auto y_of = [&](double value) { return lower - value / top * kHeight; };
    for (double value = 0; value <= top * 1.001; value += tick) {
      rule(kLeft, y_of(value), kLeft + kWidth, y_of(value), "#ddd");
      text(kLeft - 8, y_of(value) + 4, number(value), "end");
    }
    time_axis(upper, lower);
    double legend = kLeft + kWidth;
    for (const Line& line : lines) {
      draw(line, [&](double value) { return y_of(value / unit.size); });
      if (lines.size() == 1) continue;
      text(legend, upper - 8, line.name, "end", " fill=\"" + line.colour + "\"");
      legend -= 14 + 7 * static_cast<double>(line.name.size());
    }
  }

  std::string finished() && {
    double y = kTop + panels_ * (kHeight + kGap) - 12;
    int step = 0;
    for (const auto& mark : timeline_.marks()) {
      text(kLeft, y, std::to_string(++step) + ": " + mark.words, "start");
      y += 18;
    }
    return std::move(out_) + "</svg>\n";
  }

  static double seconds(Duration at) { return static_cast<double>(at.count()) / 1000; }

 private:
  double height() const {
    return kTop + 3 * (kHeight + kGap) + 18 * static_cast<double>(timeline_.marks().size());
  }
  double x_of(double at) const { return kLeft + at / last_ * kWidth; }

  void text(double x, double y, const std::string& words, const char* anchor,
            const std::string& more = "") {
    out_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\"" +
            more + ">" + escaped(words) + "</text>\n";
  }
  void rule(double x1, double y1, double x2, double y2, const char* colour, const char* more = "") {
    out_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
            "\" y2=\"" + number(y2) + "\" stroke=\"" + colour + "\"" + more + "/>\n";
  }

  void time_axis(double upper, double lower) {
    const Unit unit = time_unit(last_);
    const double tick = tick_of(last_ / unit.size);
    for (double at = 0; at <= last_ / unit.size * 1.001; at += tick) {
      const double x = x_of(at * unit.size);
      rule(x, lower, x, lower + 4, "#888");
      text(x, lower + 17, number(at) + (at == 0 ? " " + unit.name : ""), "middle");
    }
    int step = 0;
    for (const auto& mark : timeline_.marks()) {
      const double x = x_of(seconds(mark.at));
      rule(x, upper, x, lower, "#b55", " stroke-dasharray=\"3 3\"");
      text(x + 3, upper + 10, std::to_string(++step), "start", " fill=\"#b55\"");
    }
  }

  /// As steps: what a sample says holds until the next one.
  void draw(const Line& line, const std::function<double(double)>& y_of) {
    out_ += "<polyline fill=\"none\" stroke=\"" + line.colour + "\" stroke-width=\"1.5\" points=\"";
    double before = 0;
    for (const Point& point : line.points) {
      const std::string x = number(x_of(point.seconds));
      out_ += x + "," + number(y_of(before)) + " " + x + "," + number(y_of(point.value)) + " ";
      before = point.value;
    }
    out_ += "\"><title>" + escaped(line.name) + "</title></polyline>\n";
  }

  const Timeline& timeline_;
  double last_ = 0.001;
  int panels_ = 0;
  std::string out_;
};

std::vector<Point> points_of(const Timeline& timeline,
                             const std::function<double(const Sample&)>& value) {
  std::vector<Point> points;
  for (const Sample& sample : timeline.samples()) {
    points.push_back({Picture::seconds(sample.at), value(sample)});
  }
  return points;
}

/// Bytes a second, in parts of the time that are all as long.
std::vector<Point> throughput(const Timeline& timeline) {
  const auto& samples = timeline.samples();
  if (samples.empty()) return {};
  const double width = Picture::seconds(samples.back().at) / kBuckets;
  std::vector<double> bytes(kBuckets + 1, 0);
  double before = 0;
  for (const Sample& sample : samples) {
    const auto copied = static_cast<double>(sample.copied.count());
    const auto bucket =
        width > 0 ? static_cast<std::size_t>(Picture::seconds(sample.at) / width) : 0;
    bytes[std::min<std::size_t>(bucket, kBuckets - 1)] += copied - before;
    before = copied;
  }
  std::vector<Point> points;
  for (int i = 0; i <= kBuckets; ++i) {
    points.push_back({i * width, width > 0 ? bytes[static_cast<std::size_t>(i)] / width : 0});
  }
  return points;
}

double most_of(const std::vector<Point>& points) {
  double most = 0;
  for (const Point& point : points) most = std::max(most, point.value);
  return most;
}

}  // namespace

std::string svg(const Timeline& timeline, const std::string& title) {
  const auto in_flight = points_of(
      timeline, [](const Sample& sample) { return static_cast<double>(sample.in_flight.count()); });
  const auto at_risk =
      points_of(timeline, [](const Sample& sample) { return static_cast<double>(sample.at_risk); });
  const auto below = points_of(
      timeline, [](const Sample& sample) { return static_cast<double>(sample.below_goal); });
  const auto rate = throughput(timeline);
  Picture picture(timeline, title);
  picture.panel(
      "Chunks short of replicas", {1, ""},
      {{"below their goal", "#2a6db0", below}, {"at risk: one replica left", "#c02020", at_risk}});
  picture.panel("Copies in flight", bytes_unit(most_of(in_flight), ""),
                {{"in flight", "#2a6db0", in_flight}});
  picture.panel("Copied", bytes_unit(most_of(rate), " a second"), {{"copied", "#2a8a4a", rate}});
  return std::move(picture).finished();
}

}  // namespace evenkeel::sim
