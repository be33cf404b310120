#include "tools/sim/timeline.h"

#include <gtest/gtest.h>

namespace evenkeel::sim {
namespace {

TEST(SimTimeline, OfManySamplesFewAreKeptAndTheWorstAmongThem) {
  Timeline timeline;
  for (int i = 0; i <= 1'000'000; ++i) {
    const bool peak = i == 654'321;
    timeline.add({Duration(i), Bytes(peak ? 77 : 5), Bytes(static_cast<std::uint64_t>(i)),
                  peak ? 9u : 0u, 1});
  }
  const auto& samples = timeline.samples();
  EXPECT_LE(samples.size(), 1'300U);
  EXPECT_GE(samples.size(), 400U);
  EXPECT_EQ(samples.front().at, Duration(0));
  EXPECT_EQ(samples.back().at, Duration(1'000'000));
  EXPECT_EQ(samples.back().copied, Bytes(1'000'000));
  int peaks = 0;
  Duration before{-1};
  for (const Sample& sample : samples) {
    peaks += sample.at_risk == 9 && sample.in_flight == Bytes(77);
    EXPECT_GT(sample.at, before);
    before = sample.at;
  }
  EXPECT_EQ(peaks, 1);
}

/// Tags open and close in turn, and no character stands where XML does not allow it.
bool well_formed(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '&') {
      const std::string_view rest = std::string_view(text).substr(at);
      const bool known = rest.starts_with("&amp;") || rest.starts_with("&lt;") ||
                         rest.starts_with("&gt;") || rest.starts_with("&quot;");
      if (!known) return false;
    }
    if (text[at] != '<') continue;
    const auto end = text.find('>', at);
    const std::string tag = text.substr(at + 1, end - at - 1);
    at = end;
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  return open.empty();
}

TEST(SimTimeline, ThePictureEscapesWordsOfOthers) {
  Timeline timeline;
  timeline.mark(Duration(0), "lose host a<b>&\"c\" \x1b[31m \xff");
  timeline.add({Duration(0), Bytes(0), Bytes(0), 0, 0});
  timeline.add({Duration(1000), Bytes(3 << 20), Bytes(1 << 20), 2, 5});
  timeline.add({Duration(4000), Bytes(0), Bytes(4 << 20), 0, 0});
  const std::string picture = svg(timeline, "evenkeel simulate on /a/<script>&.db");
  EXPECT_TRUE(well_formed(picture)) << picture;
  EXPECT_EQ(picture.find("<script>"), std::string::npos);
  EXPECT_EQ(picture.find('\x1b'), std::string::npos);
  EXPECT_EQ(picture.find('\xff'), std::string::npos);
  EXPECT_NE(picture.find("a&lt;b&gt;&amp;&quot;c&quot;"), std::string::npos);
  EXPECT_NE(picture.find("Copied, MiB a second"), std::string::npos);
}

TEST(SimTimeline, NothingCanBeDrawnToo) {
  EXPECT_TRUE(well_formed(svg(Timeline{}, "nothing")));
}

}  // namespace
}  // namespace evenkeel::sim
