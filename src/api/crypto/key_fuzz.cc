// Keys of strangers: DER, raw points, members of a JWK. The first byte says which. What is read can
// be written, and is read again as the same key.
#include <openssl/bytestring.h>
#include <openssl/mem.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "api/crypto/key_forms.h"

namespace {

using namespace skep::api::crypto;

void read_again(Form form, Kind kind, const EVP_PKEY* key) {
  bssl::ScopedCBB cbb;
  if (!CBB_init(cbb.get(), 256) ||
      !(form == Form::pkcs8 ? EVP_marshal_private_key(cbb.get(), key)
                            : EVP_marshal_public_key(cbb.get(), key))) {
    std::abort();
  }
  const KeyPointer again = read_key(form, kind, {CBB_data(cbb.get()), CBB_len(cbb.get())});
  if (!again || EVP_PKEY_eq(again.get(), key) != 1) std::abort();
}

// Members stand one after another, each after its length in two bytes.
std::vector<std::string> members_of(Bytes bytes) {
  std::vector<std::string> members;
  while (bytes.size() >= 2 && members.size() < 9) {
    const size_t length = std::min<size_t>(bytes[0] * 256u + bytes[1], bytes.size() - 2);
    members.emplace_back(reinterpret_cast<const char*>(bytes.data()) + 2, length);
    bytes = bytes.subspan(2 + length);
  }
  return members;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<Kind>(data[0] % 6);
  const unsigned form = data[0] / 6 % 4;
  const Bytes bytes(data + 1, size - 1);
  if (form < 3) {
    const KeyPointer key = read_key(static_cast<Form>(form), kind, bytes);
    if (key) read_again(form == 2 ? Form::pkcs8 : Form::spki, kind, key.get());
  } else {
    const std::vector<std::string> members = members_of(bytes);
    const KeyPointer key = read_jwk(kind, members);
    if (key) read_again(Form::spki, kind, key.get());
    std::vector<uint8_t> decoded;
    for (const std::string& member : members) {
      if (decode_base64url(member, decoded) && encode_base64url(decoded) != member) std::abort();
    }
  }
  ERR_clear_error();
  return 0;
}
