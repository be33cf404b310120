#pragma once
// Private to common/wire: how fields are read from msgpack. What is read names its place, so that a
// message that is refused says where it is wrong.
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <msgpack.hpp>

#include "common/base/bytes.h"
#include "common/base/checksum_value.h"
#include "common/base/storage_id.h"
#include "common/base/strong_id.h"
#include "common/base/time.h"
#include "common/model/approval.h"
#include "common/model/ids.h"
#include "common/model/text.h"
#include "common/wire/limits.h"

namespace evenkeel::wire {

/// Thrown inside the decoder only; decode() makes an Error of it.
struct Malformed {
  std::string what;
};

/// A place in a message: "inventory.rows[3]: checksum". Costs nothing until it is asked for its
/// name. Refers to the place above it, which has to outlive it.
class Where {
 public:
  explicit Where(std::string_view kind) : name_(kind) {}
  Where(const Where& above, std::string_view field) : above_(&above), name_(field) {}
  Where(const Where& above, std::size_t index) : above_(&above), index_(index) {}

  [[noreturn]] void refuse(std::string_view problem) const;

 private:
  std::string path() const;

  const Where* above_ = nullptr;
  std::string_view name_;  // empty: an element of a list
  std::size_t index_ = 0;
};

class Value;
/// How a value of type T is read. Types that stand for different things in different fields (plain
/// numbers, texts, lists) have no reader: they are asked for by a function of Value.
template <class T>
struct Reader;
template <class T>
concept Readable = requires(const Value& value) {
  { Reader<T>::read(value) } -> std::same_as<T>;
};

/// One value in a message, and where it is. Turns into whatever the field of the model is:
///
///     return Leave{.server = f["server"], .incarnation = f["incarnation"], ...};
class Value {
 public:
  Value(const msgpack::object& object, Where where) : object_(&object), where_(where) {}

  template <Readable T>
  operator T() const {  // NOLINT(google-explicit-constructor): the purpose of the class
    return Reader<T>::read(*this);
  }

  std::uint64_t number(std::uint64_t min = 0, std::uint64_t max = kNumberMax) const;
  /// A size, an offset or a length.
  std::uint64_t amount() const { return number(0, kAmountMax); }
  int goal(std::uint64_t min) const { return static_cast<int>(number(min, kGoalMax)); }
  /// 0 on the wire stands for none.
  template <class Id>
  std::optional<Id> or_none() const {
    const std::uint64_t value = number();
    return value == 0 ? std::nullopt : std::optional(Id(value));
  }
  bool is_nil() const { return object_->type == msgpack::type::NIL; }
  bool flag() const;
  /// UTF-8 of `min` to `max` bytes; valid as long as the message.
  std::string_view text(std::size_t min, std::size_t max) const;
  std::string any_text(std::size_t max) const { return std::string(text(0, max)); }
  std::string location() const;
  std::string address() const;
  /// bin of any size; valid as long as the message.
  std::string_view binary() const;
  std::string secret() const;  ///< a token, a key or a receipt: bin of 32
  /// One of a closed list.
  std::string word_of(std::span<const std::string_view> words) const;

  std::span<const msgpack::object> elements(std::size_t max) const;
  /// `read(Value)` for each element.
  template <class Read>
  auto list(std::size_t max, Read read) const {
    const auto all = elements(max);
    std::vector<std::invoke_result_t<Read, const Value&>> values;
    values.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      values.push_back(read(Value(all[i], Where(where_, i))));
    }
    return values;
  }

  const msgpack::object& object() const { return *object_; }
  const Where& where() const { return where_; }
  [[noreturn]] void refuse(std::string_view problem) const { where_.refuse(problem); }

 private:
  const msgpack::object* object_;
  Where where_;
};

/// The fields of a map. Fields that nobody asks for are passed over. Quickest if they are asked for
/// in the order in which they were written.
class Fields {
 public:
  explicit Fields(const Value& map);

  Value operator[](std::string_view name);
  /// A field that may be absent.
  std::optional<Value> find(std::string_view name);
  /// To be called when all have been read: refuses fields that are there twice.
  void finish() const;

  [[noreturn]] void refuse(std::string_view problem) const { where_.refuse(problem); }

 private:
  static constexpr std::size_t kReadMax = 24;

  std::span<const msgpack::object_kv> all_;
  Where where_;
  std::size_t next_ = 0;  // where the next field is expected
  std::array<std::string_view, kReadMax> read_;
  std::size_t reads_ = 0;
};

/// What `read(Fields&)` makes of a map.
template <class Read>
auto map_of(const Value& value, Read read) {
  Fields fields(value);
  auto made = read(fields);
  fields.finish();
  return made;
}
template <class Read>
auto maps_of(const Value& value, std::size_t max, Read read) {
  return value.list(max, [&](const Value& element) { return map_of(element, read); });
}

/// An array with a meaning for each of its places.
class Row {
 public:
  Row(const Value& value, std::size_t size);
  Value at(std::size_t place, std::string_view name) const {
    return {all_[place], Where(*where_, name)};
  }

 private:
  std::span<const msgpack::object> all_;
  const Where* where_;
};

template <>
struct Reader<bool> {
  static bool read(const Value& value) { return value.flag(); }
};
template <>
struct Reader<std::uint64_t> {
  static std::uint64_t read(const Value& value) { return value.number(); }
};
template <>
struct Reader<Bytes> {
  static Bytes read(const Value& value) { return Bytes(value.amount()); }
};
template <>
struct Reader<Duration> {
  static Duration read(const Value& value) {
    return Duration(static_cast<Duration::rep>(value.amount()));
  }
};
template <>
struct Reader<Timestamp> {
  static Timestamp read(const Value& value) { return Timestamp(Reader<Duration>::read(value)); }
};
/// Chunks and files count from 0; servers, commands and proposals from 1.
template <class Tag>
struct Reader<StrongId<Tag>> {
  static constexpr bool kFromOne = std::same_as<Tag, ServerTag> || std::same_as<Tag, CommandTag> ||
                                   std::same_as<Tag, ProposalTag>;
  static StrongId<Tag> read(const Value& value) {
    return StrongId<Tag>(value.number(kFromOne ? 1 : 0));
  }
};
template <class Tag>
struct Reader<StrongCounter<Tag>> {
  static StrongCounter<Tag> read(const Value& value) { return StrongCounter<Tag>(value.number()); }
};
template <>
struct Reader<Checksum> {
  static Checksum read(const Value& value);
};
template <>
struct Reader<StorageId> {
  static StorageId read(const Value& value);
};
template <class Enum>
requires std::is_enum_v<Enum>
struct Reader<Enum> {
  static Enum read(const Value& value) {
    const auto found = from_text<Enum>(value.text(0, kNameBytesMax));
    if (!found) value.refuse("not a word that belongs here");
    return *found;
  }
};

}  // namespace evenkeel::wire
