#include "workers/gateway/response_ids.h"

#include <sodium.h>

#include <string_view>

namespace gateway {

namespace {

constexpr std::string_view response_prefix = "resp_";
constexpr int id_letters = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

}  // namespace

std::string response_id(const std::string& session_key, const std::string& unique) {
    std::string id(response_prefix);
    if (session_key.size() > longest_key_in_id) return id + unique;
    std::string letters(sodium_base64_encoded_len(session_key.size(), id_letters), '\0');
    sodium_bin2base64(letters.data(), letters.size(),
                      reinterpret_cast<const unsigned char*>(session_key.data()),
                      session_key.size(), id_letters);
    letters.pop_back();  // its end mark
    return id + letters + "_" + unique;
}

std::optional<std::string> session_of_response(const std::string& id) {
    const size_t end = id.rfind('_');
    if (!id.starts_with(response_prefix) || end < response_prefix.size()) return {};
    const std::string letters = id.substr(response_prefix.size(), end - response_prefix.size());
    std::string key(letters.size(), '\0');
    size_t size = 0;
    const bool read =
        sodium_base642bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), letters.data(),
                          letters.size(), nullptr, &size, nullptr, id_letters) == 0;
    key.resize(read ? size : 0);
    if (!key.starts_with("agent:") || key.size() > longest_key_in_id) return {};
    return key;
}

}  // namespace gateway
