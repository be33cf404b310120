#include <set>

#include "services/agent/io/frame_reader.h"
#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

/// A client of the data port, and hostile ones.
class DataPortTest : public AgentFixture {
 protected:
  struct Client {
    std::unique_ptr<TcpStream> stream;
    FrameReader frames;
    std::deque<std::pair<wire::FrameHeader, Buffer>> received;
    bool closed = false;
  };
  std::unique_ptr<Client> connect(Seat& s) {
    auto client = std::make_unique<Client>();
    Client* self = client.get();
    TcpStream::Handlers handlers;
    handlers.on_data = [self](std::span<const std::uint8_t> bytes) {
      const auto fault = self->frames.feed(bytes, [self](const auto& header, Buffer&& payload) {
        self->received.emplace_back(header, std::move(payload));
        return true;
      });
      EXPECT_FALSE(fault) << *fault;
    };
    handlers.on_close = [self](const std::string&) { self->closed = true; };
    client->stream = TcpStream::connect(loop_, s.agent->address(), std::move(handlers));
    return client;
  }
  void say(Client& client, std::uint64_t transfer, wire::FrameType type,
           const wire::Message& message) {
    client.stream->write(frame_of(type, transfer, wire::encode("evenkeel", message)));
  }
  std::pair<wire::FrameHeader, Buffer> next(Client& client) {
    until([&] { return !client.received.empty(); });
    auto frame = std::move(client.received.front());
    client.received.pop_front();
    return frame;
  }
  wire::Message next_message(Client& client) {
    return *wire::decode("evenkeel", text_of(next(client).second));
  }
  std::string next_error(Client& client) {
    const auto message = next_message(client);
    const auto* error = std::get_if<TransferError>(&message);
    return error ? error->code : "no error";
  }
  TransferOpen get(Seat& s, const Sample& chunk) {
    const ChunkContent& c = chunk.content;
    const std::string text = get_token_text("evenkeel", epoch_, c.chunk, c.version, storage(s));
    return {TransferOpen::Mode::kGet,
            epoch_,
            0,
            c.chunk,
            c.version,
            storage(s),
            0,
            hmac_sha256(key(s), text),
            0,
            c.size.count()};
  }
  TransferOpen copy(Seat& s, const Sample& chunk) {
    const ChunkContent& c = chunk.content;
    const std::string text = copy_token_text("evenkeel", epoch_, CommandId(10), c.chunk, c.version,
                                             storage(s), ServerId(9));
    return {TransferOpen::Mode::kCopy, epoch_, 10, c.chunk, c.version, storage(s), 9,
            hmac_sha256(key(s), text), 0,      0};
  }
  TransferStore store(Seat& s, const Sample& chunk) {
    const std::string text = put_token_text("evenkeel", epoch_, chunk.content, storage(s));
    return {chunk.content, storage(s),           epoch_, hmac_sha256(key(s), text),
            kBlockBytes,   chunk.manifest.blocks};
  }
  void send_bytes(Client& client, std::uint64_t transfer, const std::string& bytes) {
    const std::span<const std::uint8_t> all(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes) {
      const std::size_t size = std::min<std::size_t>(kBlockBytes, bytes.size() - at);
      client.stream->write(data_frame(transfer, at, all.subspan(at, size)));
    }
  }
  std::string read_all(Client& client, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t had = 0; had < size;) {
      const auto [header, payload] = next(client);
      EXPECT_EQ(header.type, wire::FrameType::kData);
      if (header.type != wire::FrameType::kData) return "";
      std::copy(payload.begin(), payload.end(),
                bytes.begin() + static_cast<std::ptrdiff_t>(header.offset));
      had += payload.size();
    }
    return bytes;
  }
};

TEST_F(DataPortTest, StoresAndGivesBack) {
  const Sample chunks[] = {sample(1, 3'000'000), sample(2, 10), sample(3, 0)};
  Seat& one = start(1);
  auto client = connect(one);
  std::uint64_t transfer = 1;
  for (const Sample& chunk : chunks) {
    say(*client, transfer, wire::FrameType::kStore, store(one, chunk));
    send_bytes(*client, transfer, chunk.bytes);
    const auto message = next_message(*client);
    ASSERT_TRUE(std::holds_alternative<TransferStored>(message));
    const auto& stored = std::get<TransferStored>(message);
    const std::string text = receipt_text("evenkeel", chunk.content, storage(one), stored.journal);
    EXPECT_EQ(stored.receipt, hmac_sha256(key(one), text));
    EXPECT_TRUE(holds(one, chunk));
    ++transfer;
    say(*client, transfer, wire::FrameType::kOpen, get(one, chunk));
    const auto manifest = std::get<TransferManifest>(next_message(*client));
    EXPECT_EQ(manifest.checksum, chunk.content.checksum);
    EXPECT_EQ(manifest.blocks, chunk.manifest.blocks);
    EXPECT_EQ(read_all(*client, chunk.bytes.size()), chunk.bytes);
    ++transfer;
  }
  until([&] { return one.inventories.back().basis && one.inventories.back().rows.size() >= 1; });
}

TEST_F(DataPortTest, ASmallChunkComesWholeWithItsManifestAndMayBeReadAgain) {
  const Sample chunk = sample(1, 600'000), empty = sample(2, 0);
  put(seat(1), chunk);
  put(seat(1), empty);
  Seat& one = start(1);
  auto client = connect(one);
  say(*client, 1, wire::FrameType::kOpen, get(one, chunk));
  EXPECT_EQ(std::get<TransferManifest>(next_message(*client)).blocks, chunk.manifest.blocks);
  EXPECT_EQ(read_all(*client, chunk.bytes.size()), chunk.bytes);
  say(*client, 1, wire::FrameType::kRead, TransferRead{kBlockBytes, kBlockBytes});
  const auto [header, payload] = next(*client);
  EXPECT_EQ(header.offset, kBlockBytes);
  EXPECT_EQ(std::string(payload.begin(), payload.end()),
            chunk.bytes.substr(kBlockBytes, kBlockBytes));
  say(*client, 2, wire::FrameType::kOpen, get(one, empty));
  EXPECT_TRUE(std::get<TransferManifest>(next_message(*client)).blocks.empty());
}

TEST_F(DataPortTest, MoreReadersThanMemoryHasRoomForAllGetTheirBytes) {
  constexpr std::uint64_t kReaders = 40;  // of 1 MiB each, with room for 16
  const Sample chunk = sample(1, 1 << 20);
  put(seat(1), chunk);
  Seat& one = start(1);
  auto client = connect(one);
  for (std::uint64_t transfer = 1; transfer <= kReaders; ++transfer) {
    say(*client, transfer, wire::FrameType::kOpen, get(one, chunk));
  }
  std::map<std::uint64_t, std::string> bytes;
  until([&] { return client->received.size() == 2 * kReaders; });
  for (const auto& [header, payload] : client->received) {
    if (header.type != wire::FrameType::kData) continue;
    bytes[header.transfer] += std::string(payload.begin(), payload.end());
  }
  EXPECT_EQ(bytes.size(), kReaders);
  for (const auto& [transfer, read] : bytes) EXPECT_EQ(read, chunk.bytes);
}

TEST_F(DataPortTest, StoringAgainIsAnsweredAgain) {
  const Sample chunk = sample(1, 600'000);
  Seat& one = start(1);
  auto client = connect(one);
  std::vector<TransferStored> answers;
  for (std::uint64_t transfer : {1, 2}) {
    say(*client, transfer, wire::FrameType::kStore, store(one, chunk));
    send_bytes(*client, transfer, chunk.bytes);
    answers.push_back(std::get<TransferStored>(next_message(*client)));
  }
  EXPECT_EQ(answers[0].journal, answers[1].journal);
  EXPECT_EQ(answers[0].receipt, answers[1].receipt);
}

TEST_F(DataPortTest, WhatIsStoredAnewAfterItWasLostIsNewsOfItsOwn) {
  const Sample chunk = sample(1, 1'000);
  seat(1).settings.directory.rescan_interval = Duration(20);
  Seat& one = start(seats_[1]);
  auto client = connect(one);
  const auto stored = [&](std::uint64_t transfer) {
    say(*client, transfer, wire::FrameType::kStore, store(one, chunk));
    send_bytes(*client, transfer, chunk.bytes);
    return std::get<TransferStored>(next_message(*client)).journal;
  };
  const JournalNumber first = stored(1);
  std::filesystem::remove(live(one, chunk));
  until([&] { return !one.inventories.back().gone.empty(); });
  EXPECT_GT(stored(2), first);
}

TEST_F(DataPortTest, RefusesByName) {
  const Sample chunk = sample(1, 600'000), other = sample(1, 600'001), absent = sample(7, 9);
  put(seat(1), chunk);
  seat(1).settings.directory.capacity = 4_MiB;
  Seat& one = seats_[1];
  start(one);
  auto client = connect(one);
  std::uint64_t transfer = 0;
  const auto open_error = [&](TransferOpen open) {
    open.length = 0;
    say(*client, ++transfer, wire::FrameType::kOpen, open);
    return next_error(*client);
  };
  const auto store_error = [&](const TransferStore& s) {
    say(*client, ++transfer, wire::FrameType::kStore, s);
    return next_error(*client);
  };
  TransferOpen open = get(one, chunk);
  open.token[0] = static_cast<char>(open.token[0] ^ 1);
  EXPECT_EQ(open_error(open), "token");
  open = get(one, chunk);
  open.chunk = ChunkId(2);
  EXPECT_EQ(open_error(open), "token");
  open = get(one, chunk);
  open.epoch = Epoch(4);
  EXPECT_EQ(open_error(open), "token") << "signed for epoch 3";
  EXPECT_EQ(one.agent->storage().identity().epoch, Epoch(3)) << "which is no news of epoch 4";
  epoch_ = Epoch(2);
  EXPECT_EQ(open_error(get(one, chunk)), "epoch") << "a good token, of an epoch that is over";
  EXPECT_EQ(store_error(store(one, absent)), "epoch");
  epoch_ = Epoch(3);
  EXPECT_EQ(open_error(get(one, absent)), "missing");
  EXPECT_EQ(open_error(get(one, sample(1, 5, 9))), "version");
  EXPECT_EQ(store_error(store(one, other)), "exists");
  EXPECT_EQ(store_error(store(one, sample(5, 4 << 20))), "no_space");
  TransferStore lie = store(one, absent);
  lie.blocks[0] ^= 1;
  EXPECT_EQ(store_error(lie), "corrupt");
}

TEST_F(DataPortTest, WrongBytesAreNotStored) {
  Sample chunk = sample(1, 600'000);
  Seat& one = start(1);
  auto client = connect(one);
  const TransferStore order = store(one, chunk);
  chunk.bytes[300'000] = static_cast<char>(chunk.bytes[300'000] ^ 1);
  say(*client, 1, wire::FrameType::kStore, order);
  send_bytes(*client, 1, chunk.bytes);
  EXPECT_EQ(next_error(*client), "corrupt");
  EXPECT_TRUE(names_in(one.dir.path() / "live").empty());
  EXPECT_TRUE(names_in(one.dir.path() / "tmp").empty());
}

TEST_F(DataPortTest, AStoreThatIsCutOffLeavesNothing) {
  const Sample chunk = sample(1, 600'000);
  Seat& one = start(1);
  auto client = connect(one);
  say(*client, 1, wire::FrameType::kStore, store(one, chunk));
  send_bytes(*client, 1, chunk.bytes.substr(0, kBlockBytes));
  until([&] { return !names_in(one.dir.path() / "tmp").empty(); });
  client.reset();
  until([&] { return names_in(one.dir.path() / "tmp").empty(); });
  EXPECT_TRUE(names_in(one.dir.path() / "live").empty());
}

TEST_F(DataPortTest, WhatAClientReadsMayBeReadManyTimesAtOnce) {
  const Sample chunk = sample(1, 600'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  auto first = connect(one), second = connect(one);
  TransferOpen open = get(one, chunk);
  open.length = 0;
  const auto begin = [&](Client& client, std::uint64_t transfer) {
    say(client, transfer, wire::FrameType::kOpen, open);
    EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(client)));
  };
  begin(*first, 1);
  begin(*first, 2);
  begin(*second, 1);
  say(*first, 2, wire::FrameType::kDone, TransferDone{});
  for (Client* client : {first.get(), second.get()}) {
    say(*client, 1, wire::FrameType::kRead, TransferRead{0, 600'000});
    EXPECT_EQ(read_all(*client, 600'000), chunk.bytes);
  }
}

TEST_F(DataPortTest, OneBlockComesWithoutAManifestToWhoTellsByItsChecksum) {
  const Sample chunks[] = {sample(1, 10), sample(2, 100'000), sample(3, kBlockBytes)};
  const Sample two_blocks = sample(4, kBlockBytes + 1);
  for (const Sample& chunk : chunks) put(seat(1), chunk);
  put(seat(1), two_blocks);
  Seat& one = start(1);
  auto client = connect(one);
  std::uint64_t transfer = 0;
  const auto ask = [&](TransferOpen open, const Sample& chunk) {
    open.length = chunk.bytes.size();
    open.without_manifest = true;
    say(*client, ++transfer, wire::FrameType::kOpen, open);
  };
  for (const Sample& chunk : chunks) {
    ask(copy(one, chunk), chunk);
    EXPECT_EQ(read_all(*client, chunk.bytes.size()), chunk.bytes);
    say(*client, transfer, wire::FrameType::kRead, TransferRead{0, chunk.bytes.size()});
    EXPECT_EQ(read_all(*client, chunk.bytes.size()), chunk.bytes) << "asked for once more";
    ask(get(one, chunk), chunk);  // a client is not sent what nobody has looked at
    EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*client)));
    EXPECT_EQ(read_all(*client, chunk.bytes.size()), chunk.bytes);
  }
  ask(copy(one, two_blocks), two_blocks);
  EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*client)));
  EXPECT_EQ(read_all(*client, two_blocks.bytes.size()), two_blocks.bytes);
}

TEST_F(DataPortTest, MoreSmallFilesThanMayBeOpenAtOnceAreSentOneAfterTheOther) {
  constexpr std::uint64_t kChunks = 300;
  std::vector<Sample> chunks;
  for (std::uint64_t id = 1; id <= kChunks; ++id) {
    chunks.push_back(sample(id, 20'000));
    put(seat(1), chunks.back());
  }
  Seat& one = start(1);
  auto client = connect(one);
  for (std::uint64_t id = 1; id <= kChunks; ++id) {
    TransferOpen open = copy(one, chunks[id - 1]);
    open.length = 20'000;
    open.without_manifest = true;
    say(*client, id, wire::FrameType::kOpen, open);
  }
  std::set<std::uint64_t> came;
  while (came.size() < kChunks) {
    const auto [header, payload] = next(*client);
    ASSERT_EQ(header.type, wire::FrameType::kData);
    EXPECT_TRUE(text_of(payload) == chunks.at(header.transfer - 1).bytes);
    EXPECT_TRUE(came.insert(header.transfer).second);
  }
}

TEST_F(DataPortTest, ASecondCopyWithTheSameTokenEndsTheFirst) {
  const Sample chunk = sample(1, 600'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  auto first = connect(one), second = connect(one);
  TransferOpen open = copy(one, chunk);
  say(*first, 1, wire::FrameType::kOpen, open);
  EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*first)));
  say(*second, 1, wire::FrameType::kOpen, open);
  EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*second)));
  EXPECT_EQ(next_error(*first), "busy");
  say(*second, 1, wire::FrameType::kRead, TransferRead{0, 600'000});
  EXPECT_EQ(read_all(*second, 600'000), chunk.bytes);
}

TEST_F(DataPortTest, ReadsThatMakeNoSenseEndTheTransferOnly) {
  const Sample chunk = sample(1, 600'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  auto client = connect(one);
  const TransferRead bad[] = {{1, 100}, {0, 0}, {0, 600'001}, {kBlockBytes, 100}, {1 << 30, 1}};
  std::uint64_t transfer = 0;
  for (const TransferRead& read : bad) {
    TransferOpen open = get(one, chunk);
    open.length = 0;
    say(*client, ++transfer, wire::FrameType::kOpen, open);
    EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*client)));
    say(*client, transfer, wire::FrameType::kRead, read);
    EXPECT_EQ(next_error(*client), "malformed") << read.offset << " " << read.length;
  }
}

TEST_F(DataPortTest, GarbageEndsItsConnectionAndNothingElse) {
  const Sample chunk = sample(1, 600'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  auto good = connect(one);
  const std::string frames[] = {
      std::string(24, '\xff'),
      "GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n",
      std::string(100'000, 'x'),
      std::string("EK\x01\x01\x7f\xff\xff\xff", 8) + std::string(16, '\0'),
      std::string("EK\x01\x01\x00\x00\x00\x03", 8) + std::string(16, '\0') + "abc",
      std::string("EK\x01\x08\x00\x00\x00\x00", 8) + std::string(16, '\0')};
  for (const std::string& bytes : frames) {
    auto bad = connect(one);
    bad->stream->write(Buffer(bytes.begin(), bytes.end()));
    until([&] { return bad->closed; });
  }
  EXPECT_EQ(one.agent->data_port().counts().garbage, std::size(frames));
  say(*good, 1, wire::FrameType::kOpen, get(one, chunk));
  EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*good)));
  EXPECT_EQ(read_all(*good, 600'000), chunk.bytes);
}

TEST_F(DataPortTest, AValidTokenOfAHigherEpochIsNewsOfIt) {
  const Sample chunk = sample(1, 10);
  put(seat(1), chunk);
  Seat& one = start(1);
  auto client = connect(one);
  epoch_ = Epoch(4);
  say(*client, 1, wire::FrameType::kOpen, get(one, chunk));
  EXPECT_TRUE(std::holds_alternative<TransferManifest>(next_message(*client)));
  EXPECT_EQ(one.agent->storage().identity().epoch, Epoch(4));
}

}  // namespace
}  // namespace evenkeel::agent
