#include "tools/cli/loss_risk.h"

#include <gtest/gtest.h>

namespace evenkeel::cli {
namespace {

TEST(LossRisk, CountsSetsWhateverTheirOrder) {
  LossRisk risk;
  risk.add({1, 2, 3});
  risk.add({3, 1, 2});
  risk.add({2, 3, 4});
  EXPECT_EQ(risk.chunks(), 3U);
  EXPECT_EQ(risk.distinct(), 2U);
  EXPECT_DOUBLE_EQ(risk.mean_scatter_width(), (2 + 3 + 3 + 2) / 4.0);
}

TEST(LossRisk, IsTheShareOfWaysToFailThatHoldASet) {
  LossRisk risk;
  risk.add({0, 1, 2});
  risk.add({3, 4, 5});
  EXPECT_EQ(risk.chance_of_loss(10, 2, 1000, 1), 0);
  // Of the 120 ways in which three of ten fail two lose something.
  EXPECT_NEAR(risk.chance_of_loss(10, 3, 200'000, 1), 2.0 / 120, 0.002);
  // Of the 210 in which four do: either set, and any seventh server.
  EXPECT_NEAR(risk.chance_of_loss(10, 4, 200'000, 1), 14.0 / 210, 0.004);
  EXPECT_EQ(risk.chance_of_loss(10, 10, 10, 1), 1);
}

TEST(LossRisk, OneReplicaIsLostWithItsServer) {
  LossRisk risk;
  risk.add({4});
  EXPECT_NEAR(risk.chance_of_loss(10, 1, 100'000, 7), 0.1, 0.01);
}

}  // namespace
}  // namespace evenkeel::cli
