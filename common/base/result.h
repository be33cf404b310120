#pragma once
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace evenkeel {

/// A code exists only where some caller does something different because of it.
enum class ErrorCode {
  kMalformed,  // a peer's bytes or an operator's words do not decode: drop or answer, count it
  kStale,      // an older epoch, incarnation or version than ours: answer so, change nothing
  kNotFound,   // the operator named something we do not know: tell the operator
  kConflict,   // not in this state: tell the operator which state it is in
  kDenied,     // who asks may not, or cannot prove who it is: answer so, change nothing
  kBusy,       // not now: the same question may be answered later
};

/// The code's name in logs, on the wire and in the CLI.
constexpr const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed:
      return "malformed";
    case ErrorCode::kStale:
      return "stale";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kDenied:
      return "denied";
    case ErrorCode::kBusy:
      return "busy";
  }
  return "?";
}

struct Error {
  ErrorCode code;
  std::string what;  // for people; names the thing and the value, e.g. "epoch 7 < 9 from s3"
};

/// For what a peer or an operator can cause. Has to be looked at by the caller.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string what) {
  return tl::unexpected<Error>(Error{code, std::move(what)});
}

}  // namespace evenkeel
