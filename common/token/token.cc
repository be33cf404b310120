#include "common/token/token.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/base/check.h"

namespace evenkeel {

namespace {

/// Looking the algorithm up takes longer than signing a token: it is done once a thread.
class Signer {
 public:
  Signer() {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EK_CHECK(mac != nullptr);
    context_ = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);  // the context holds it
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    EK_CHECK(context_ != nullptr && EVP_MAC_CTX_set_params(context_, parameters) == 1);
  }
  ~Signer() { EVP_MAC_CTX_free(context_); }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  std::string sign(std::string_view key, std::string_view text) {
    // Without bytes of a key, OpenSSL would go on with the one before.
    constexpr unsigned char kNone = 0;
    const auto* bytes = key.empty() ? &kNone : reinterpret_cast<const unsigned char*>(key.data());
    std::string signature(32, '\0');
    std::size_t size = 0;
    const bool signed_it =
        EVP_MAC_init(context_, bytes, std::max<std::size_t>(1, key.size()), nullptr) == 1 &&
        EVP_MAC_update(context_, reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) == 1 &&
        EVP_MAC_final(context_, reinterpret_cast<unsigned char*>(signature.data()), &size,
                      signature.size()) == 1;
    EK_CHECK(signed_it && size == signature.size());
    return signature;
  }

 private:
  EVP_MAC_CTX* context_ = nullptr;
};

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  thread_local Signer signer;
  return signer.sign(key, text);
}

std::string sha256(std::string_view text) {
  std::string digest(32, '\0');
  std::size_t size = 0;
  const bool done = EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(),
                                 reinterpret_cast<unsigned char*>(digest.data()), &size) == 1;
  EK_CHECK(done && size == digest.size());
  return digest;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t filled = 0; filled < count;) {
    const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace evenkeel
