#include "workers/tools/base64.h"

#include <cstdint>

namespace tools {

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t at = 0; at < bytes.size(); at += 3) {
        uint32_t group = 0;
        for (size_t index = 0; index < 3; ++index)
            group = group << 8 |
                    (at + index < bytes.size() ? static_cast<unsigned char>(bytes[at + index]) : 0);
        for (size_t index = 0; index < 4; ++index)
            text += at + index <= bytes.size() ? digits[group >> (18 - 6 * index) & 63] : '=';
    }
    return text;
}

}  // namespace tools
