#pragma once
#include <filesystem>

#include "common/sqlite/database.h"

namespace evenkeel::sqlite {

/// Writes all that `from` holds at one moment into the new file `to`, of mode 0600. Whoever writes
/// to `from` is not kept waiting meanwhile; only its log cannot be begun anew until this is done.
/// Throws SqliteError; what has been written of `to` by then is left there.
void back_up(const Database& from, const std::filesystem::path& to);

}  // namespace evenkeel::sqlite
