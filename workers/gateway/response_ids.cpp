#include "workers/gateway/response_ids.h"

#include <sodium.h>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "workers/gateway/device_identity.h"
#include "workers/gateway/record_files.h"

namespace gateway {

namespace {

static_assert(std::tuple_size_v<ResponseIds::Key> == crypto_secretbox_KEYBYTES);

constexpr const char* key_file = "response-ids.json";
constexpr std::string_view run_prefix = "resp_";
constexpr int id_letters = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

const unsigned char* raw_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// A run has one id, so what is its own is used once.
using Nonce = std::array<unsigned char, crypto_secretbox_NONCEBYTES>;
Nonce nonce_of(std::string_view run) {
    Nonce nonce{};
    crypto_generichash(nonce.data(), nonce.size(), raw_bytes(run), run.size(), nullptr, 0);
    return nonce;
}

bool read_key(const std::string& hex, ResponseIds::Key& key) {
    size_t size = 0;
    return sodium_hex2bin(key.data(), key.size(), hex.data(), hex.size(), nullptr, &size,
                          nullptr) == 0 &&
           size == key.size();
}

}  // namespace

ResponseIds ResponseIds::load(const std::string& directory, std::vector<std::string>& problems) {
    const RecordFiles files(directory);
    Key key{};
    if (read_key(text_member(files.read_object(key_file), "key"), key)) return ResponseIds(key);
    randombytes_buf(key.data(), key.size());
    const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
    const Done kept = files.write(key_file, Json{{"key", lower_hex(bytes)}});
    if (!kept)
        problems.push_back(kept.error().what +
                           "; ids of responses are understood until the gateway is restarted");
    return ResponseIds(key);
}

std::string ResponseIds::new_run() {
    return std::string(run_prefix) + random_hex(16);
}

std::string ResponseIds::id_of(const std::string& run, const std::string& session) const {
    if (session.size() > longest_session) return run;
    std::string box(crypto_secretbox_MACBYTES + session.size(), '\0');
    crypto_secretbox_easy(reinterpret_cast<unsigned char*>(box.data()), raw_bytes(session),
                          session.size(), nonce_of(run).data(), key_.data());
    std::string letters(sodium_base64_encoded_len(box.size(), id_letters), '\0');
    sodium_bin2base64(letters.data(), letters.size(), raw_bytes(box), box.size(), id_letters);
    letters.pop_back();  // its end mark
    return run + "_" + letters;
}

std::optional<std::string> ResponseIds::session_of(const std::string& id) const {
    const size_t end = id.find('_', std::min(run_prefix.size(), id.size()));
    if (!id.starts_with(run_prefix) || end == std::string::npos) return {};
    const std::string_view letters = std::string_view(id).substr(end + 1);
    std::string box(letters.size(), '\0');
    size_t size = 0;
    const bool is_read =
        sodium_base642bin(reinterpret_cast<unsigned char*>(box.data()), box.size(), letters.data(),
                          letters.size(), nullptr, &size, nullptr, id_letters) == 0;
    if (!is_read || size < crypto_secretbox_MACBYTES) return {};
    std::string session(size - crypto_secretbox_MACBYTES, '\0');
    const bool is_ours =
        crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(session.data()), raw_bytes(box),
                                   size, nonce_of(id.substr(0, end)).data(), key_.data()) == 0;
    if (!is_ours) return {};
    return session;
}

}  // namespace gateway
