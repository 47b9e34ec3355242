#include "workers/gateway/websocket_rules.h"

#include <algorithm>
#include <cctype>

namespace gateway {

namespace {

struct Codes {
    int first;
    int last;
};
// The registry as of 2026, without those that are never sent (1005, 1006, 1015).
constexpr Codes codes[] = {{1000, 1003}, {1007, 1014}, {3000, 3999}, {4000, 4999}};

// Sixteen bytes in base64.
bool is_key(std::string_view key) {
    return key.size() == 24 && key.substr(22) == "==" &&
           std::all_of(key.begin(), key.begin() + 22, [](char letter) {
               return std::isalnum(static_cast<unsigned char>(letter)) || letter == '+' ||
                      letter == '/';
           });
}

}  // namespace

int refused_opening(std::string_view method, std::string_view version, std::string_view key) {
    if (method != "GET") return 405;
    if (version != "13") return 426;
    return is_key(key) ? 0 : 400;
}

bool takes_subprotocol(std::string_view offered) {
    if (offered.empty()) return true;
    for (;;) {
        const size_t comma = std::min(offered.find(','), offered.size());
        std::string_view name = offered.substr(0, comma);
        name.remove_prefix(std::min(name.find_first_not_of(" \t"), name.size()));
        name = name.substr(0, name.find_last_not_of(" \t") + 1);
        if (name == subprotocol) return true;
        if (comma == offered.size()) return false;
        offered.remove_prefix(comma + 1);
    }
}

bool is_close_payload(std::string_view payload) {
    if (payload.empty()) return true;
    if (payload.size() < 2) return false;
    const int code =
        static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    return std::any_of(std::begin(codes), std::end(codes),
                       [code](const Codes& row) { return code >= row.first && code <= row.last; });
}

}  // namespace gateway
