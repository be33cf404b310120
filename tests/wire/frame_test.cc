#include "common/wire/frame.h"

#include <gtest/gtest.h>

#include "common/wire/topics.h"

namespace evenkeel::wire {
namespace {

using Header = std::array<char, kFrameHeaderBytes>;

constexpr FrameHeader kData{.type = FrameType::kData,
                            .length = 0x000F4240,
                            .transfer = ~std::uint64_t{0},
                            .offset = 0x40000};

TEST(Frame, TheHeaderIsAsTheReadmeDrawsIt) {
  const Header bytes = encode(kData);
  EXPECT_EQ(std::string(bytes.data(), bytes.size()), std::string("EK\x01\x04\x00\x0F\x42\x40"
                                                                 "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                                                                 "\x00\x00\x00\x00\x00\x04\x00\x00",
                                                                 kFrameHeaderBytes));
}

TEST(Frame, EveryTypeComesBack) {
  for (int type = 1; type <= 8; ++type) {
    FrameHeader header = kData;
    header.type = static_cast<FrameType>(type);
    header.offset = header.type == FrameType::kData ? 5 : 0;
    const auto back = decode_frame_header(encode(header));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->type, header.type);
    EXPECT_EQ(back->length, header.length);
    EXPECT_EQ(back->transfer, header.transfer);
    EXPECT_EQ(back->offset, header.offset);
  }
}

struct Wrong {
  std::size_t place;
  unsigned char byte;
  const char* what;
};

TEST(Frame, WhatBreaksTheRulesIsRefused) {
  for (const auto& [place, byte, what] :
       std::vector<Wrong>{{0, 'X', "frame: not ours"},
                          {1, 'X', "frame: not ours"},
                          {2, 2, "frame: protocol 2, ours is 1"},
                          {3, 0, "frame: type 0"},
                          {3, 9, "frame: type 9"},
                          {3, 255, "frame: type 255"},
                          {3, 3, "frame: an offset without data"},
                          {4, 1, "frame: payload of 17777216 bytes"},
                          {16, 0x80, "frame: offset 9223372036855037952"}}) {
    Header bytes = encode(kData);
    bytes[place] = static_cast<char>(byte);
    const auto header = decode_frame_header(bytes);
    ASSERT_FALSE(header) << what;
    EXPECT_EQ(header.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(header.error().what, what);
  }
}

TEST(Frame, APayloadMayBeOfOneMebibyteAndNoMore) {
  FrameHeader header = kData;
  header.length = kFramePayloadMax;
  Header bytes = encode(header);
  EXPECT_TRUE(decode_frame_header(bytes));
  bytes[7] = 1;
  EXPECT_FALSE(decode_frame_header(bytes));
}

TEST(Topics, AServersTopicIsNoPrefixOfAnothers) {
  EXPECT_EQ(command_topic(ServerId(7)), "command.7.");
  EXPECT_FALSE(command_topic(ServerId(70)).starts_with(command_topic(ServerId(7))));
}

TEST(Topics, AreNamedAsTheKinds) {
  EXPECT_EQ(member_topic(MemberEventKind::kJoined), "membership.joined");
  EXPECT_EQ(member_topic(MemberEventKind::kBeacon), "membership.beacon");
  EXPECT_EQ(event_topic("mode"), "event.mode");
}

}  // namespace
}  // namespace evenkeel::wire
