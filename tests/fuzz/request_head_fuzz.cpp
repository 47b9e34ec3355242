// The head of a request from the internet: read whole or as it grows, it is the same; what is taken
// of it could be read in no other way.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/common/routes/request_head.h"

namespace {

void check(bool holds) {
    if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const HeadReading whole = read_request_head(text);
    check(!(whole.head && whole.refusal != 0));
    if (!whole.head) return 0;
    check(whole.size <= size && whole.size <= RequestHead::most_bytes);
    check(read_request_head(text.substr(0, whole.size)).head.has_value());
    check(!read_request_head(text.substr(0, whole.size - 1)).head);
    check(path_of_request(text) == whole.head->path());
    for (const auto& [name, value] : whole.head->headers) {
        check(name.find_first_of(" \t\r\n:") == std::string_view::npos);
        check(value.find_first_of("\r\n") == std::string_view::npos);
    }
    return 0;
}
