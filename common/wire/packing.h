#pragma once
// Private to common/wire: how values of the model are written to msgpack.
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <msgpack.hpp>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/checksum_value.h"
#include "common/base/storage_id.h"
#include "common/base/strong_id.h"
#include "common/base/time.h"
#include "common/model/text.h"
#include "common/wire/limits.h"
#include "common/wire/utf8.h"

namespace evenkeel::wire {

/// Appends msgpack to a string.
class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  void array(std::size_t elements) { packer_.pack_array(counted(elements)); }
  void map(std::size_t fields) { packer_.pack_map(counted(fields)); }
  void nil() { packer_.pack_nil(); }
  void flag(bool value) { packer_.pack(value); }
  void number(std::uint64_t value) {
    EK_CHECK(value <= kNumberMax);
    packer_.pack_uint64(value);
  }
  void amount(std::uint64_t value) {
    EK_CHECK(value <= kAmountMax);
    packer_.pack_uint64(value);
  }
  void text(std::string_view value) {
    packer_.pack_str(static_cast<std::uint32_t>(value.size()));
    packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }
  void binary(std::string_view value) {
    packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
    packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }

  void write(const char* bytes, std::size_t count) { out_.append(bytes, count); }  // for packer_

 private:
  static std::uint32_t counted(std::size_t elements) {
    EK_CHECK(elements <= kElementsMax);
    return static_cast<std::uint32_t>(elements);
  }

  std::string& out_;
  msgpack::packer<Packer> packer_{*this};
};

// What needs to be said of a value beside its type.
struct Text {  ///< that others rely on; checked
  std::string_view value;
  std::size_t max;
};
struct ForPeople {  ///< cut to size and cleaned
  std::string_view value;
  std::size_t max;
};
struct Binary {
  std::string_view value;
};
struct Secret {  ///< a token, a key or a receipt
  std::string_view value;
};
struct Amount {  ///< an offset or a length
  std::uint64_t value;
};
template <class Id>
struct ZeroIfNone {
  const std::optional<Id>& value;
};
template <class T>
struct NilIfNone {
  const std::optional<T>& value;
};
template <class T>
struct AbsentIfNone {
  const std::optional<T>& value;
};
template <class T>
struct List {
  const std::vector<T>& values;
  std::size_t max;
};
template <class Id>
ZeroIfNone(const std::optional<Id>&) -> ZeroIfNone<Id>;
template <class T>
NilIfNone(const std::optional<T>&) -> NilIfNone<T>;
template <class T>
AbsentIfNone(const std::optional<T>&) -> AbsentIfNone<T>;
template <class T>
List(const std::vector<T>&, std::size_t) -> List<T>;

inline void put(Packer& p, std::same_as<bool> auto value) {
  p.flag(value);
}
inline void put(Packer& p, std::same_as<std::uint64_t> auto value) {
  p.number(value);
}
inline void put(Packer& p, Bytes size) {
  p.amount(size.count());
}
inline void put(Packer& p, Duration duration) {
  EK_CHECK(duration.count() >= 0);
  p.amount(static_cast<std::uint64_t>(duration.count()));
}
inline void put(Packer& p, Timestamp at) {
  put(p, at.time_since_epoch());
}
inline void put(Packer& p, const Checksum& checksum) {
  p.binary(checksum.view());
}
inline void put(Packer& p, const StorageId& storage) {
  p.text(to_string(storage));
}
inline void put(Packer& p, Amount amount) {
  p.amount(amount.value);
}
inline void put(Packer& p, Binary binary) {
  p.binary(binary.value);
}
inline void put(Packer& p, Secret secret) {
  EK_CHECK(secret.value.size() == 32);
  p.binary(secret.value);
}
inline void put(Packer& p, Text text) {
  EK_CHECK(text.value.size() <= text.max && is_utf8(text.value));
  p.text(text.value);
}
inline void put(Packer& p, ForPeople text) {
  p.text(readable(text.value, text.max));
}

template <class Tag>
void put(Packer& p, StrongId<Tag> id) {
  p.number(id.value());
}
template <class Tag>
void put(Packer& p, StrongCounter<Tag> counter) {
  p.number(counter.value());
}
template <class Enum>
requires std::is_enum_v<Enum>
void put(Packer& p, Enum value) {
  p.text(to_text(value));
}
template <class Id>
void put(Packer& p, ZeroIfNone<Id> id) {
  p.number(id.value ? id.value->value() : 0);
}
template <class T>
void put(Packer& p, NilIfNone<T> maybe) {
  maybe.value ? put(p, *maybe.value) : p.nil();
}
template <class T>
void put(Packer& p, AbsentIfNone<T> maybe) {
  put(p, *maybe.value);
}
template <class A, class B>
void put(Packer& p, const std::pair<A, B>& pair) {
  p.array(2);
  put(p, pair.first);
  put(p, pair.second);
}
template <class T>
void put(Packer& p, List<T> list) {
  EK_CHECK(list.values.size() <= list.max);
  p.array(list.values.size());
  for (const T& value : list.values) put(p, value);
}

template <class T>
bool is_absent(const T&) {
  return false;
}
template <class T>
bool is_absent(const AbsentIfNone<T>& maybe) {
  return !maybe.value;
}

inline std::size_t present() {
  return 0;
}
template <class T, class... Rest>
std::size_t present(std::string_view, const T& value, const Rest&... rest) {
  return (is_absent(value) ? 0 : 1) + present(rest...);
}
inline void put_fields(Packer&) {}
template <class T, class... Rest>
void put_fields(Packer& p, std::string_view name, const T& value, const Rest&... rest) {
  if (!is_absent(value)) {
    p.text(name);
    put(p, value);
  }
  put_fields(p, rest...);
}
/// A map from names and values in turn: put_map(p, "server", s, "epoch", e).
template <class... NamesAndValues>
void put_map(Packer& p, const NamesAndValues&... fields) {
  p.map(present(fields...));
  put_fields(p, fields...);
}

}  // namespace evenkeel::wire
