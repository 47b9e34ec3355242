// Whatever a server answers: whole or in pieces, it reads the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "workers/common/http1_response.h"

namespace {

struct Reading {
    std::string body;
    Http1Response response{false, [this](const Http1Head&, std::string_view bytes) {
                               body += bytes;
                               return Done();
                           }};
    bool failed = false;

    void feed(std::string_view bytes) {
        if (!failed) failed = !response.feed(bytes);
    }
};

void check(bool holds) {
    if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Reading whole, pieces;
    whole.feed(text);
    for (const char c : text) pieces.feed(std::string_view(&c, 1));
    check(whole.failed == pieces.failed);
    check(whole.response.is_complete() == pieces.response.is_complete());
    check(whole.failed || whole.body == pieces.body);
    check(whole.body.size() <= size);
    if (!whole.failed) (void)whole.response.end_of_stream();
    return 0;
}
