#pragma once
#include <vector>

#include "tests/faults/trial.h"

namespace evenkeel::faults {

/// Eight stories of the rebalancer's database, from the first start to a replaced storage.
std::vector<Script> store_scripts();
Script membership_script();
Script journal_script();

}  // namespace evenkeel::faults
