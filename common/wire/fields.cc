#include "common/wire/fields.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/wire/utf8.h"

namespace evenkeel::wire {

std::string Where::path() const {
  if (above_ == nullptr) return std::string(name_);
  if (name_.empty()) return above_->path() + '[' + std::to_string(index_) + ']';
  return above_->path() + '.' + std::string(name_);
}

void Where::refuse(std::string_view problem) const {
  const bool field = above_ != nullptr && !name_.empty();
  std::string what = field ? above_->path() + ": " + std::string(name_) : path();
  throw Malformed{what.append(": ").append(problem)};
}

std::uint64_t Value::number(std::uint64_t min, std::uint64_t max) const {
  if (object_->type != msgpack::type::POSITIVE_INTEGER) refuse("not a whole number from 0");
  const std::uint64_t value = object_->via.u64;
  if (value < min) refuse("less than " + std::to_string(min));
  if (value > max) refuse("more than " + std::to_string(max));
  return value;
}

bool Value::flag() const {
  if (object_->type != msgpack::type::BOOLEAN) refuse("neither true nor false");
  return object_->via.boolean;
}

std::string_view Value::text(std::size_t min, std::size_t max) const {
  if (object_->type != msgpack::type::STR) refuse("not a text");
  const std::string_view text(object_->via.str.ptr, object_->via.str.size);
  if (text.size() < min) refuse("empty");
  if (text.size() > max) refuse("longer than " + std::to_string(max) + " bytes");
  if (!is_utf8(text)) refuse("not UTF-8");
  return text;
}

std::string Value::location() const {
  const std::string_view value = text(1, kPlaceBytesMax);
  if (!is_location(value)) refuse("not a location");
  return std::string(value);
}

std::string Value::address() const {
  const std::string_view value = text(1, kPlaceBytesMax);
  if (!is_address(value)) refuse("not host:port");
  return std::string(value);
}

std::string_view Value::binary() const {
  if (object_->type != msgpack::type::BIN) refuse("not bytes");
  return {object_->via.bin.ptr, object_->via.bin.size};
}

std::string Value::secret() const {
  const std::string_view bytes = binary();
  if (bytes.size() != 32) refuse("not 32 bytes");
  return std::string(bytes);
}

std::string Value::word_of(std::span<const std::string_view> words) const {
  const std::string_view word = text(0, kNameBytesMax);
  if (std::ranges::find(words, word) == words.end()) refuse("not a word that belongs here");
  return std::string(word);
}

std::span<const msgpack::object> Value::elements(std::size_t max) const {
  if (object_->type != msgpack::type::ARRAY) refuse("not an array");
  if (object_->via.array.size > max) refuse("more than " + std::to_string(max) + " elements");
  return {object_->via.array.ptr, object_->via.array.size};
}

namespace {

std::span<const msgpack::object_kv> pairs_of(const Value& value) {
  const msgpack::object& object = value.object();
  if (object.type != msgpack::type::MAP) value.refuse("not a map");
  return {object.via.map.ptr, object.via.map.size};
}

bool is_key(const msgpack::object& key, std::string_view name) {
  return key.type == msgpack::type::STR &&
         std::string_view(key.via.str.ptr, key.via.str.size) == name;
}

}  // namespace

Fields::Fields(const Value& map) : all_(pairs_of(map)), where_(map.where()) {}

std::optional<Value> Fields::find(std::string_view name) {
  for (std::size_t tried = 0; tried < all_.size(); ++tried) {
    if (next_ == all_.size()) next_ = 0;
    const msgpack::object_kv& pair = all_[next_++];
    if (!is_key(pair.key, name)) continue;
    EK_CHECK(reads_ < kReadMax);
    read_[reads_++] = name;
    return Value(pair.val, Where(where_, name));
  }
  return std::nullopt;
}

Value Fields::operator[](std::string_view name) {
  const auto value = find(name);
  if (!value) Where(where_, name).refuse("missing");
  return *value;
}

void Fields::finish() const {
  if (reads_ == all_.size()) return;  // each was read once, so none can be there twice
  for (std::size_t i = 0; i < reads_; ++i) {
    const auto same = [&](const msgpack::object_kv& pair) { return is_key(pair.key, read_[i]); };
    if (std::ranges::count_if(all_, same) > 1) Where(where_, read_[i]).refuse("there twice");
  }
}

Row::Row(const Value& value, std::size_t size)
    : all_(value.elements(size)), where_(&value.where()) {
  if (all_.size() != size) value.refuse("not " + std::to_string(size) + " elements");
}

Checksum Reader<Checksum>::read(const Value& value) {
  const auto checksum = Checksum::from_raw(value.binary());
  if (!checksum) value.refuse("not 16 bytes");
  return *checksum;
}

StorageId Reader<StorageId>::read(const Value& value) {
  const std::string_view text = value.text(0, kNameBytesMax);
  const auto upper = [](char c) { return c >= 'A' && c <= 'F'; };
  const auto storage = StorageId::parse(text);
  if (!storage || std::ranges::any_of(text, upper)) value.refuse("not 32 lower-case hex digits");
  return *storage;
}

}  // namespace evenkeel::wire
