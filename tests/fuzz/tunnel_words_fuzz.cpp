// Whatever the agents of ngrok and Tailscale say: nothing of it is taken for more than it is.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "workers/tunnel/ngrok_words.h"
#include "workers/tunnel/tailscale_words.h"

namespace {

void check(bool holds) {
    if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const tunnel::NgrokLine line = tunnel::read_ngrok_line(text);
    check(line.what != tunnel::NgrokLine::What::nothing || line.text.empty());
    (void)tunnel::judge_ngrok(line.code, line.text);
    (void)tunnel::loopback_port_in(line.text);
    if (const auto urls = tunnel::ngrok_urls(text))
        for (const std::string& url : *urls) check(!url.empty());
    if (const auto node = tunnel::read_node_status(text)) {
        check(!node->backend.empty());
        check(node->host.empty() || node->host.back() != '.');
    }
    (void)tunnel::read_serve_status(text, "box.tail1.ts.net", 3334);
    if (const auto url = tunnel::enable_url_in(text))
        check(url->starts_with("https://login.tailscale.com/"));
    return 0;
}
