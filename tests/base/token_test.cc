#include "common/token/token.h"

#include <set>
#include <span>

#include <gtest/gtest.h>

#include "common/base/hex.h"

namespace evenkeel {
namespace {

std::string hex(const std::string& raw) {
  return to_hex(std::span(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()));
}

TEST(Hmac, IsAsPublishedInRfc4231) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, OfNoKeyIsThatOfZeros) {
  hmac_sha256("another key", "before");
  EXPECT_EQ(hex(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, OtherKeysAndTextsGiveOtherSignatures) {
  const std::string signature = hmac_sha256("key", "text");
  EXPECT_TRUE(equal_in_constant_time(signature, hmac_sha256("key", "text")));
  EXPECT_FALSE(equal_in_constant_time(signature, hmac_sha256("kez", "text")));
  EXPECT_FALSE(equal_in_constant_time(signature, hmac_sha256("key", "texu")));
  EXPECT_FALSE(equal_in_constant_time(signature, signature.substr(1)));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

TEST(RandomBytes, AreAsManyAsAskedForAndNeverTheSame) {
  EXPECT_EQ(random_bytes(0).size(), 0u);
  EXPECT_EQ(random_bytes(1000).size(), 1000u);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random_bytes(16));
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace evenkeel
