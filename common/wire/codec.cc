#include "common/wire/codec.h"

#include <algorithm>
#include <exception>

#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

constexpr std::size_t kEnvelopePlaces = 4;
constexpr std::size_t kKindBytesMax = 64;

/// What is inside the envelope; refers to the bytes and to the zone it was unpacked into.
struct Envelope {
  std::string_view kind;
  std::string_view cluster;
  const msgpack::object* body;
};

/// Bounds come before memory: a few bytes may claim billions of elements.
msgpack::unpack_limit limits_for(std::string_view bytes) {
  const std::size_t elements = std::min(bytes.size(), kElementsMax);
  return {elements, elements, bytes.size(), bytes.size(), 0, kDepthMax};
}

/// Texts and binaries stay where they are, in `bytes`.
bool stays(msgpack::type::object_type, std::size_t, void*) {
  return true;
}

msgpack::object unpacked(std::string_view bytes, msgpack::zone& zone) {
  if (bytes.size() > kMessageBytesMax) throw Malformed{"more than 1 MiB"};
  std::size_t read = 0;
  bool referenced = false;
  const msgpack::object object = msgpack::unpack(zone, bytes.data(), bytes.size(), read, referenced,
                                                 stays, nullptr, limits_for(bytes));
  if (read != bytes.size()) throw Malformed{"bytes after the message"};
  return object;
}

Envelope opened(const msgpack::object& object) {
  const Where where("message");
  if (object.type != msgpack::type::ARRAY || object.via.array.size == 0) {
    where.refuse("not an envelope");
  }
  const msgpack::object* places = object.via.array.ptr;
  // The protocol first: another one may have another envelope.
  const std::uint64_t protocol = Value(places[0], Where(where, "protocol")).number();
  if (protocol != kProtocol) {
    where.refuse("protocol " + std::to_string(protocol) + ", ours is " + std::to_string(kProtocol));
  }
  if (object.via.array.size != kEnvelopePlaces) where.refuse("not an envelope of four");
  return {Value(places[1], Where(where, "kind")).text(1, kKindBytesMax),
          Value(places[2], Where(where, "cluster")).text(1, 63), &places[3]};
}

const Kind* find_kind(std::string_view name) {
  for (const auto kinds :
       {agent_kinds(), command_kinds(), member_kinds(), transfer_kinds(), control_kinds()}) {
    const auto kind = std::ranges::find(kinds, name, &Kind::name);
    if (kind != kinds.end()) return &*kind;
  }
  return nullptr;
}

Result<Message> read(std::string_view cluster, std::string_view bytes) {
  msgpack::zone zone;
  const msgpack::object object = unpacked(bytes, zone);
  const Envelope envelope = opened(object);
  if (envelope.cluster != cluster) {
    return fail(ErrorCode::kConflict, "of cluster \"" + readable(envelope.cluster, 63) + '"');
  }
  const Kind* kind = find_kind(envelope.kind);
  if (kind == nullptr) {
    return fail(ErrorCode::kNotFound, "kind \"" + readable(envelope.kind, kKindBytesMax) + '"');
  }
  return map_of(Value(*envelope.body, Where(kind->name)),
                [&](Fields& body) { return kind->read(body, kind->name); });
}

/// The only place where what the decoder and msgpack throw becomes an Error.
template <class Read>
auto translated(Read read_all) -> decltype(read_all()) {
  try {
    return read_all();
  } catch (const Malformed& malformed) {
    return fail(ErrorCode::kMalformed, malformed.what);
  } catch (const msgpack::unpack_error& error) {
    return fail(ErrorCode::kMalformed, std::string("message: ") + error.what());
  } catch (const std::bad_cast&) {
    return fail(ErrorCode::kMalformed, "message: a value of another type");
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kMalformed, "message: asks for more memory than there is");
  }
}

}  // namespace

std::string encode(std::string_view cluster, const Message& message) {
  EK_CHECK(is_cluster(cluster));
  std::string bytes;
  bytes.reserve(256);
  Packer p(bytes);
  p.array(kEnvelopePlaces);
  p.number(kProtocol);
  p.text(kind_of(message));
  p.text(cluster);
  std::visit([&](const auto& body) { put(p, body); }, message);
  EK_CHECK(bytes.size() <= kMessageBytesMax);
  return bytes;
}

Result<Message> decode(std::string_view cluster, std::string_view bytes) {
  return translated([&] { return read(cluster, bytes); });
}

std::optional<std::uint64_t> request_of(std::string_view bytes) {
  const auto request = translated([&]() -> Result<std::uint64_t> {
    msgpack::zone zone;
    const msgpack::object object = unpacked(bytes, zone);
    Fields body(Value(*opened(object).body, Where("message")));
    return body["request"].number();
  });
  return request ? std::optional(*request) : std::nullopt;
}

std::string_view kind_of(const Message& message) {
  return std::visit([](const auto& body) { return name_of(body); }, message);
}

}  // namespace evenkeel::wire
