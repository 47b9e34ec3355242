#include "workers/gateway/log_text.h"

#include "workers/gateway/frames.h"

namespace gateway {

std::string log_safe(std::string_view text, size_t most) {
    if (text.empty()) return "n/a";
    std::string safe = cut_text(text, most);
    for (char& letter : safe) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte < 0x20 || byte == 0x7f) letter = '?';
    }
    if (safe.size() < text.size()) safe += "…";
    return safe;
}

std::string short_id(std::string_view id) {
    if (id.size() <= 14) return std::string(id);
    return std::string(id.substr(0, 8)) + "…" + std::string(id.substr(id.size() - 4));
}

}  // namespace gateway
