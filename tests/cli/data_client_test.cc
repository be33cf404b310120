#include "tools/cli/data_client.h"

#include <gtest/gtest.h>

#include "tests/cli/fake_data_port.h"
#include "tests/cli/watchdog.h"

namespace evenkeel::cli {
namespace {

using Does = FakeDataPort::Does;
constexpr std::size_t kBlock = kBlockBytes;

struct DataClientTest : testing::Test {
  Loop loop;
  DataClient client{loop, {"test", Duration(20'000), 2}};
  const MadeChunk chunk{42, 40 * kBlock + 17, 1};

  StoreOrder store_order(const FakeDataPort& port, const MadeChunk& what) const {
    const Source target = port.source();
    return {target.address,
            TransferStore{what.content, target.storage, Epoch(3), target.token, kBlockBytes,
                          what.manifest.blocks},
            what.bytes};
  }
  FetchOrder fetch_order(const FakeDataPort& port, std::shared_ptr<PartialChunk> partial) const {
    const Source holder = port.source();
    const ChunkContent& content = partial->content();
    return {holder.address,
            TransferOpen{.mode = TransferOpen::Mode::kGet,
                         .epoch = Epoch(3),
                         .chunk = content.chunk,
                         .version = content.version,
                         .source = holder.storage,
                         .token = holder.token},
            std::move(partial)};
  }
  tl::expected<Receipt, DataFault> stored(FakeDataPort& port) { return stored(port, client); }
  tl::expected<Receipt, DataFault> stored(FakeDataPort& port, DataClient& by) {
    tl::expected<Receipt, DataFault> got = tl::unexpected(DataFault{"not called", ""});
    by.store(store_order(port, chunk), [&](tl::expected<Receipt, DataFault> outcome) {
      got = std::move(outcome);
      loop.stop();
    });
    run_until_stopped(loop);
    return got;
  }
  tl::expected<void, DataFault> fetched(FakeDataPort& port, std::shared_ptr<PartialChunk> partial) {
    return fetched(port, std::move(partial), client);
  }
  tl::expected<void, DataFault> fetched(FakeDataPort& port, std::shared_ptr<PartialChunk> partial,
                                        DataClient& by) {
    tl::expected<void, DataFault> got = tl::unexpected(DataFault{"not called", ""});
    by.fetch(fetch_order(port, std::move(partial)), [&](tl::expected<void, DataFault> outcome) {
      got = std::move(outcome);
      loop.stop();
    });
    run_until_stopped(loop);
    return got;
  }
};

TEST_F(DataClientTest, StoresAndReadsBackTheSameBytes) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kBlock, kBlock + 1, 40 * kBlock}) {
    FakeDataPort port(loop, ServerId(1), Does::kGood);
    const MadeChunk made(7, size, 3);
    port.hold(made);
    bool receipt = false;
    client.store(store_order(port, made), [&](const tl::expected<Receipt, DataFault>& outcome) {
      receipt = outcome.has_value();
      loop.stop();
    });
    run_until_stopped(loop);
    ASSERT_TRUE(receipt);
    EXPECT_TRUE(port.stored.back() == *made.bytes);

    const auto partial = std::make_shared<PartialChunk>(made.content);
    const auto outcome = fetched(port, partial);
    ASSERT_TRUE(outcome.has_value()) << to_string(outcome.error());
    EXPECT_TRUE(partial->release() == *made.bytes) << size;
  }
}

TEST_F(DataClientTest, AllTransfersShareOneConnectionAndOnlySomeStoreAtOnce) {
  FakeDataPort port(loop, ServerId(1), Does::kGood);
  port.hold(chunk);
  int left = 20;
  const auto one_less = [&] {
    if (--left == 0) loop.stop();
  };
  for (int i = 0; i < 10; ++i) {
    client.store(store_order(port, chunk), [&](const auto& outcome) {
      EXPECT_TRUE(outcome.has_value());
      EXPECT_LE(port.stores.size(), port.stored.size() + 2);
      one_less();
    });
    client.fetch(fetch_order(port, std::make_shared<PartialChunk>(chunk.content)),
                 [&](const auto& outcome) {
                   EXPECT_TRUE(outcome.has_value());
                   one_less();
                 });
  }
  run_until_stopped(loop);
  EXPECT_EQ(port.connections_made, 1u);
  EXPECT_EQ(port.stored.size(), 10u);
}

struct Fault {
  Does does;
  const char* code;
};

TEST_F(DataClientTest, EachFaultOfAHolderHasItsCode) {
  for (const Fault& fault : {Fault{Does::kCorruptBlock, "corrupt"},
                             {Does::kOtherManifest, "corrupt"},
                             {Does::kRefuses, "no_space"},
                             {Does::kGarbage, "malformed"},
                             {Does::kHangsUp, "unreachable"},
                             {Does::kBytesFirst, "malformed"}}) {
    FakeDataPort port(loop, ServerId(1), fault.does);
    port.hold(chunk);
    const auto outcome = fetched(port, std::make_shared<PartialChunk>(chunk.content));
    ASSERT_FALSE(outcome.has_value()) << fault.code;
    EXPECT_EQ(outcome.error().code, fault.code) << outcome.error().what;
  }
}

TEST_F(DataClientTest, EachFaultOfATargetHasItsCode) {
  for (const Fault& fault : {Fault{Does::kRefuses, "no_space"},
                             {Does::kGarbage, "malformed"},
                             {Does::kHangsUp, "unreachable"},
                             {Does::kOtherReceipt, "malformed"}}) {
    FakeDataPort port(loop, ServerId(1), fault.does);
    const auto outcome = stored(port);
    ASSERT_FALSE(outcome.has_value()) << fault.code;
    EXPECT_EQ(outcome.error().code, fault.code) << outcome.error().what;
  }
}

TEST_F(DataClientTest, WhoStandsStillIsGivenUp) {
  DataClient impatient(loop, {"test", Duration(700), 2});
  FakeDataPort port(loop, ServerId(1), Does::kStops);
  port.hold(chunk);
  const auto partial = std::make_shared<PartialChunk>(chunk.content);
  EXPECT_EQ(fetched(port, partial, impatient).error().code, "stalled");
  EXPECT_EQ(partial->first_missing(), kBlock) << "what had come is kept";
  EXPECT_EQ(stored(port, impatient).error().code, "stalled");
}

TEST_F(DataClientTest, NobodyThereIsUnreachableAndCanBeTriedAgain) {
  auto port = std::make_unique<FakeDataPort>(loop, ServerId(1), Does::kHangsUp);
  EXPECT_EQ(stored(*port).error().code, "unreachable");
  port->now(Does::kGood);
  EXPECT_TRUE(stored(*port).has_value());
  EXPECT_EQ(port->connections_made, 2u);
}

TEST_F(DataClientTest, AnotherHolderGoesOnWhereTheFirstOneStopped) {
  FakeDataPort bad(loop, ServerId(1), Does::kCorruptBlock), good(loop, ServerId(2), Does::kGood);
  bad.hold(chunk);
  good.hold(chunk);
  const auto partial = std::make_shared<PartialChunk>(chunk.content);
  ASSERT_FALSE(fetched(bad, partial).has_value());
  ASSERT_TRUE(fetched(good, partial).has_value());
  EXPECT_EQ(good.open_offsets, std::vector<std::uint64_t>{40 * kBlockBytes});
  EXPECT_TRUE(partial->release() == *chunk.bytes);
}

}  // namespace
}  // namespace evenkeel::cli
