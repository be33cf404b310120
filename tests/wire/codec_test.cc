#include "common/wire/codec.h"

#include <chrono>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/wire/samples.h"

namespace evenkeel::wire {
namespace {

using nlohmann::json;

std::vector<Message> all() {
  std::vector<Message> messages = samples();
  for (Message& message : variants()) messages.push_back(std::move(message));
  return messages;
}

std::string bytes_of(const json& value) {
  std::string bytes;
  json::to_msgpack(value, bytes);
  return bytes;
}

std::string message_of(const std::string& kind, const std::string& body) {
  return bytes_of(json::array({kProtocol, kind, kCluster, json::parse(body)}));
}

Error refusal_of(std::string_view bytes) {
  const auto decoded = decode(kCluster, bytes);
  return decoded ? Error{ErrorCode::kBusy, "decoded"} : decoded.error();
}

TEST(Codec, WhatIsDecodedIsWhatWasEncoded) {
  for (const Message& message : all()) {
    const std::string bytes = encode(kCluster, message);
    const auto decoded = decode(kCluster, bytes);
    ASSERT_TRUE(decoded) << decoded.error().what;
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(kind_of(*decoded), kind_of(message));
    EXPECT_EQ(encode(kCluster, *decoded), bytes) << kind_of(message);
  }
}

TEST(Codec, ValuesArriveInTheirPlaces) {
  const Message sent = Leave{ServerId(7), Incarnation(5), *StorageId::parse(std::string(32, 'a'))};
  const auto decoded = decode(kCluster, encode(kCluster, sent));
  ASSERT_TRUE(decoded);
  const auto& leave = std::get<Leave>(*decoded);
  EXPECT_EQ(leave.server, ServerId(7));
  EXPECT_EQ(leave.incarnation, Incarnation(5));
  EXPECT_EQ(to_string(leave.storage), std::string(32, 'a'));
}

TEST(Codec, EveryPrefixIsRefused) {
  for (const Message& message : all()) {
    const std::string bytes = encode(kCluster, message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      ASSERT_EQ(refusal_of(bytes.substr(0, length)).code, ErrorCode::kMalformed)
          << kind_of(message) << " cut to " << length;
    }
  }
}

TEST(Codec, BytesAfterTheMessageAreRefused) {
  for (const Message& message : all()) {
    const Error error = refusal_of(encode(kCluster, message) + '\0');
    EXPECT_EQ(error.code, ErrorCode::kMalformed);
    EXPECT_EQ(error.what, "bytes after the message");
  }
}

class Damage {
 public:
  std::string done_to(std::string bytes) {
    for (int left = 1 + below(3); left > 0; --left) strike(bytes);
    return bytes;
  }

 private:
  int below(std::size_t n) { return static_cast<int>(random_() % n); }
  std::size_t place_in(const std::string& bytes) { return random_() % (bytes.size() + 1); }

  void strike(std::string& bytes) {
    // First bytes of msgpack's types: these do more harm than others.
    static constexpr unsigned char kTypes[] = {0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC3,
                                               0xC4, 0xC6, 0xC9, 0xCB, 0xCF, 0xD3,
                                               0xD9, 0xDB, 0xDC, 0xDD, 0xDF, 0xFF};
    const std::size_t at = place_in(bytes);
    const auto noise = static_cast<char>(random_());
    switch (below(5)) {
      case 0:
        if (at < bytes.size()) bytes[at] = noise;
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(kTypes[random_() % sizeof(kTypes)]);
        break;
      case 2:
        bytes.insert(at, 1, noise);
        break;
      case 3:
        bytes.erase(at, 1 + random_() % 4);
        break;
      default:
        bytes.insert(at, bytes.substr(place_in(bytes), random_() % 16));
    }
  }

  std::mt19937_64 random_{20'240'601};
};

TEST(Codec, DamageNeverThrowsAndWhatPassesCanBeSaidAgain) {
  Damage damage;
  std::size_t passed = 0;
  for (const Message& message : samples()) {
    const std::string bytes = encode(kCluster, message);
    for (int i = 0; i < 20'000; ++i) {
      const std::string damaged = damage.done_to(bytes);
      static_cast<void>(request_of(damaged));
      auto decoded = decode(kCluster, damaged);
      if (!decoded) continue;
      ++passed;
      if (auto* commands = std::get_if<Commands>(&*decoded)) commands->unknown.clear();
      const auto again = decode(kCluster, encode(kCluster, *decoded));
      ASSERT_TRUE(again) << kind_of(message) << ": " << again.error().what;
    }
  }
  EXPECT_GT(passed, 0u);
}

TEST(Codec, ClaimsAreRefusedBeforeMemoryIsTaken) {
  const std::string head("\x94\x01\xA4ping\xA6golden", 14);
  const std::vector<std::string> claims{
      std::string("\xDD\xFF\xFF\xFF\xFF", 5),         // an array of four billion
      std::string("\xDF\xFF\xFF\xFF\xFF", 5),         // a map
      std::string("\xDB\xFF\xFF\xFF\xFF", 5),         // a text
      std::string("\xC6\xFF\xFF\xFF\xFF", 5),         // bytes
      std::string("\xC9\xFF\xFF\xFF\xFF\x01", 6),     // an extension
      std::string("\xDC\xFF\xFF", 3),                 //
      head + std::string("\xDF\xFF\xFF\xFF\xFF", 5),  //
      std::string(100'000, '\x91'),                   // arrays in arrays
      std::string(100'000, '\x81'),                   //
      head + "\x81\xA1x" + std::string(100'000, '\x91') + '\xC0',
      std::string(kMessageBytesMax + 1, '\xC0'),
  };
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& claim : claims) {
    EXPECT_EQ(refusal_of(claim).code, ErrorCode::kMalformed);
    EXPECT_EQ(request_of(claim), std::nullopt);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(Codec, ManyFieldsThatNobodyKnowsCostLittle) {
  json body = {{"request", 1}};
  for (int i = 0; i < 4000; ++i) body["unknown" + std::to_string(i)] = i;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(decode(kCluster, bytes_of({kProtocol, "ping", kCluster, body})));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(Codec, AnotherClusterIsAConflict) {
  const Error error = refusal_of(encode("other", SnapshotRequest{1}));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.what, "of cluster \"other\"");
}

TEST(Codec, AnUnknownKindIsNotFound) {
  const Error error = refusal_of(message_of("dance", R"({"request": 5})"));
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.what, "kind \"dance\"");
}

TEST(Codec, AnotherClusterComesBeforeAnUnknownKind) {
  EXPECT_EQ(refusal_of(bytes_of({1, "dance", "other", json::object()})).code, ErrorCode::kConflict);
}

struct Envelope {
  const char* json;
  const char* what;
};

TEST(Codec, EnvelopesThatAreNoneAreRefused) {
  for (const auto& [text, what] : std::vector<Envelope>{
           {"5", "message: not an envelope"},
           {"{}", "message: not an envelope"},
           {"[]", "message: not an envelope"},
           {R"([2, "ping", "golden", {}])", "message: protocol 2, ours is 1"},
           {R"([2, "another", "shape"])", "message: protocol 2, ours is 1"},
           {R"(["1", "ping", "golden", {}])", "message: protocol: not a whole number from 0"},
           {R"([-1, "ping", "golden", {}])", "message: protocol: not a whole number from 0"},
           {R"([1, "ping", "golden"])", "message: not an envelope of four"},
           {R"([1, "ping", "golden", {}, 1])", "message: not an envelope of four"},
           {R"([1, 7, "golden", {}])", "message: kind: not a text"},
           {R"([1, "", "golden", {}])", "message: kind: empty"},
           {R"([1, "ping", 7, {}])", "message: cluster: not a text"},
           {R"([1, "ping", "golden", []])", "ping: not a map"}}) {
    const Error error = refusal_of(bytes_of(json::parse(text)));
    EXPECT_EQ(error.code, ErrorCode::kMalformed) << text;
    EXPECT_EQ(error.what, what) << text;
  }
}

struct Body {
  const char* kind;
  const char* json;
  const char* what;
};

TEST(Codec, RefusalsNameThePlace) {
  const std::string agent =
      R"("server": 7, "incarnation": 5, "storage": "00112233445566778899aabbccddeeff", "epoch": 9)";
  const std::string inventory =
      agent + R"(, "number": 1, "journal": 1, "part": 1, "parts": 1, "gone": [])";
  const auto refused = [](const std::string& kind, const std::string& body) {
    return refusal_of(message_of(kind, '{' + body + '}')).what;
  };
  EXPECT_EQ(refused("retry", R"("reason": "x")"), "retry: after_ms: missing");
  EXPECT_EQ(refused("retry", R"("reason": 5, "after_ms": 1)"), "retry: reason: not a text");
  EXPECT_EQ(refused("retry", R"("reason": "", "after_ms": 9007199254740993)"),
            "retry: after_ms: more than 9007199254740992");
  EXPECT_EQ(refused("retry", R"("reason": "", "after_ms": -1)"),
            "retry: after_ms: not a whole number from 0");
  EXPECT_EQ(refused("ping", R"("request": 9223372036854775808)"),
            "ping: request: more than 9223372036854775807");
  EXPECT_EQ(refused("leave", R"("server": 0)"), "leave: server: less than 1");
  EXPECT_EQ(refused("leave", R"("server": 1, "incarnation": 1, "storage": "00")"),
            "leave: storage: not 32 lower-case hex digits");
  EXPECT_EQ(
      refused("leave",
              R"("server": 1, "incarnation": 1, "storage": "00112233445566778899AABBCCDDEEFF")"),
      "leave: storage: not 32 lower-case hex digits");
  EXPECT_EQ(refused("inventory", inventory + R"(, "basis": 0, "rows": [5])"),
            "inventory.rows[0]: not an array");
  EXPECT_EQ(refused("inventory", inventory + R"(, "basis": 0, "rows": [[1, 1, 1]])"),
            "inventory.rows[0]: not 6 elements");
  EXPECT_EQ(
      refused("inventory", inventory + R"(, "basis": 0, "rows": [[1, 1, 1, "x", "ok", null]])"),
      "inventory.rows[0]: checksum: not bytes");
  EXPECT_EQ(refused("ack", agent + R"(, "results": [{"command": 1, "outcome": "perhaps"}])"),
            "ack.results[0]: outcome: not a word that belongs here");
  EXPECT_EQ(refused("ack", agent + R"(, "results": [{"command": 1, "outcome": "failed",
                                        "reason": "none"}])"),
            "ack.results[0]: reason: not a word that belongs here");
  EXPECT_EQ(refused("ack_reply", R"("commands": [1, 0])"), "ack_reply.commands[1]: less than 1");
  EXPECT_EQ(refused("locate", R"("request": 1)"), "locate: either name or chunk");
  EXPECT_EQ(refused("locate", R"("request": 1, "name": "x", "chunk": 1)"),
            "locate: either name or chunk");
  EXPECT_EQ(refused("locate", R"("request": 1, "name": "")"), "locate: name: empty");
  EXPECT_EQ(refused("event.mode", R"("number": 1, "at_ms": 1, "kind": "chunk", "subject": "",
                                     "text": "")"),
            "event.mode: of another kind than it says");
  EXPECT_EQ(refused("error", R"("request": 1, "code": "because", "what": "")"),
            "error: code: not a word that belongs here");
}

TEST(Codec, ADeleteThatLeansOnNobodyIsMalformed) {
  // Commands of our own cannot be encoded so: this is what a damaged rebalancer might send.
  const std::string bytes = encode(kCluster, samples()[21]);
  ASSERT_EQ(kind_of(samples()[21]), "commands");
  json message = json::from_msgpack(bytes);
  message[3]["items"][1]["goal"] = 0;
  EXPECT_EQ(refusal_of(bytes_of(message)).what, "commands.items[1]: goal: less than 1");
}

TEST(Codec, ACommandOfAnUnknownKindDoesNotHideTheOthers) {
  json message = json::from_msgpack(encode(kCluster, samples()[21]));
  message[3]["items"][2] = {{"command", 1003}, {"kind", "polish"}, {"shine", 7}};
  const auto decoded = decode(kCluster, bytes_of(message));
  ASSERT_TRUE(decoded) << decoded.error().what;
  const auto& commands = std::get<Commands>(*decoded);
  EXPECT_EQ(commands.items.size(), 3u);
  EXPECT_EQ(commands.unknown, std::vector{CommandId(1003)});
}

TEST(Codec, WhoAskedCanBeAnsweredEvenIfTheQuestionIsNotUnderstood) {
  EXPECT_EQ(request_of(message_of("dance", R"({"request": 5})")), 5u);
  EXPECT_EQ(request_of(message_of("put_open", R"({"name": 7, "request": 6})")), 6u);
  EXPECT_EQ(request_of(encode(kCluster, SnapshotRequest{21})), 21u);
  EXPECT_EQ(request_of(message_of("put_open", R"({"request": "6"})")), std::nullopt);
  EXPECT_EQ(request_of(message_of("put_open", R"({})")), std::nullopt);
  EXPECT_EQ(request_of(bytes_of({1, "ping", "golden", 5})), std::nullopt);
  EXPECT_EQ(request_of("noise"), std::nullopt);
  EXPECT_EQ(request_of(""), std::nullopt);
}

TEST(Codec, TextsForPeopleAreCutAndCleaned) {
  const auto sent = [](const std::string& what) {
    const auto decoded =
        decode(kCluster, encode(kCluster, ControlAnswer{1, Refused{"stale", what}}));
    return std::get<Refused>(std::get<ControlAnswer>(decoded.value()).what).what;
  };
  EXPECT_EQ(sent("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(sent("\xFFraw\xC3"), "?raw?");
  EXPECT_EQ(sent("\xED\xA0\x80"), "???") << "half a surrogate";
  EXPECT_EQ(sent(std::string(5000, 'x')), std::string(kTextBytesMax, 'x'));
  EXPECT_EQ(sent(std::string(kTextBytesMax - 1, 'x') + "\xC3\xA9"),
            std::string(kTextBytesMax - 1, 'x'))
      << "never half a character";
}

TEST(Codec, TextsThatAreNotUtf8AreRefused) {
  std::string bytes = encode(kCluster, Retry{"abc", Duration(1)});
  bytes[bytes.find("abc")] = '\xFF';
  EXPECT_EQ(refusal_of(bytes).what, "retry: reason: not UTF-8");
}

TEST(Codec, MessagesAtTheirLimitsFit) {
  const StorageId storage = *StorageId::parse(std::string(32, 'f'));
  const Checksum checksum = *Checksum::parse(std::string(32, 'f'));
  const ChunkContent content{ChunkId(kNumberMax), ChunkVersion(kNumberMax), Bytes(kAmountMax),
                             checksum};
  const std::string place(kPlaceBytesMax, 'x');
  const std::string address = std::string(kPlaceBytesMax - 6, 'x') + ":65535";
  const AgentIdentity from{ServerId(kNumberMax), Incarnation(kNumberMax), storage,
                           Epoch(kNumberMax)};
  const Duration age(kAmountMax);
  const Source source{ServerId(kNumberMax), storage, address, std::string(32, 'x')};
  const Holder holder{
      ServerId(kNumberMax),          storage,   place, ChunkVersion(kNumberMax), checksum, age, age,
      Holder::VouchedBy::kInventory, kNumberMax};
  const Member member{ServerId(kNumberMax),
                      Incarnation(kNumberMax),
                      storage,
                      Liveness::kSuspect,
                      true,
                      place,
                      address,
                      Bytes(kAmountMax),
                      Bytes(kAmountMax),
                      Bytes(kAmountMax),
                      Bytes(kAmountMax)};
  const CommandResult result{
      CommandId(kNumberMax),
      Outcome::kRefused,
      Why::kWrongStorage,
      std::string(kDetailBytesMax, 'x'),
      JournalNumber(kNumberMax),
      std::vector(kServersMax, Blame{ServerId(kNumberMax), Fault::kUnreachable}),
      Bytes(kAmountMax),
      Bytes(kAmountMax)};
  const Delete trim{content, 16, 16, SpreadLevel::kZone, false, std::vector(kServersMax, holder)};
  const Replicate copy{content, std::vector(kServersMax, source), Bytes(kAmountMax)};
  const auto commands = [&](const Order& order) {
    const Command one{CommandId(kNumberMax), Reason::kBalance, storage, age, order};
    return Commands{Epoch(kNumberMax),
                    ServerId(kNumberMax),
                    CommandId(kNumberMax),
                    true,
                    std::vector(kCommandsMax, one),
                    {}};
  };
  const std::vector<Message> largest{
      commands(trim),
      commands(copy),
      Ack{from, std::vector(kResultsMax, result)},
      MemberSnapshot{kNumberMax, storage, EventNumber(kNumberMax), kPartsMax, kPartsMax,
                     std::vector(kMembersMax, member)},
      Inventory{from, InventoryNumber(kNumberMax), InventoryNumber(kNumberMax),
                JournalNumber(kNumberMax), kPartsMax, kPartsMax,
                std::vector(kInventoryRowsMax,
                            ReportedReplica{content, ReplicaFinding::kUnreadable, age}),
                std::vector(kGoneMax, std::pair(ChunkId(kNumberMax), ChunkVersion(kNumberMax)))},
      ControlAnswer{kNumberMax,
                    Located{std::string(kNameBytesMax, 'x'), Bytes(kAmountMax), kNumberMax,
                            kNumberMax, Epoch(kNumberMax),
                            std::vector(kLocatedMax,
                                        Located::Item{content, std::vector(kServersMax, source)})}},
      ControlAnswer{
          kNumberMax,
          PutPlaced{
              FileId(kNumberMax), Epoch(kNumberMax),
              std::vector(kPlacedMax, PutPlaced::Item{kNumberMax, content.chunk, content.version,
                                                      std::vector(kServersMax, source)})}},
      ControlRequest{
          kNumberMax,
          PutPlace{FileId(kNumberMax),
                   std::vector(kPlacedMax,
                               PutPlace::Item{kNumberMax, content.size, checksum,
                                              std::vector(kAvoidMax, ServerId(kNumberMax))})}},
      ControlRequest{kNumberMax,
                     PutClose{FileId(kNumberMax),
                              std::vector(kElementsMax,
                                          Receipt{content.chunk, ServerId(kNumberMax), storage,
                                                  JournalNumber(kNumberMax), std::string(32, 'x')}),
                              true}},
      Progress{from,
               std::vector(kElementsMax, std::pair(CommandId(kNumberMax), Bytes(kAmountMax)))},
      TransferManifest{Bytes(kBlocksMax * kBlockBytesMax), checksum, kBlockBytesMax,
                       std::vector<std::uint64_t>(kBlocksMax, ~std::uint64_t{0})},
  };
  for (const Message& message : largest) {
    const std::string bytes = encode(kCluster, message);
    EXPECT_LE(bytes.size(), kMessageBytesMax) << kind_of(message);
    const auto decoded = decode(kCluster, bytes);
    ASSERT_TRUE(decoded) << kind_of(message) << ": " << decoded.error().what;
    EXPECT_EQ(encode(kCluster, *decoded), bytes);
  }
}

TEST(CodecDeathTest, TheCallerKeepsToTheLimits) {
  EXPECT_DEATH(encode("Not A Cluster", TransferDone{}), "is_cluster");
  EXPECT_DEATH(encode(kCluster, SnapshotRequest{~std::uint64_t{0}}), "kNumberMax");
  EXPECT_DEATH(encode(kCluster, AckReply{std::vector(kElementsMax + 1, CommandId(1))}), "list.max");
  EXPECT_DEATH(encode(kCluster, ControlAnswer{1, Refused{"because", ""}}), "kCodes");
  EXPECT_DEATH(encode(kCluster, TransferError{"because", ""}), "kCodes");
}

}  // namespace
}  // namespace evenkeel::wire
