// A line of JSON in, a line of JSON out: whether the voice worker would believe that request.
//
// In: {"company", "key", "publicUrl", "query", "body", "headers": {}, "now"}; out: {"ok", "why"}.

#include <iostream>

#include "workers/common/base/json.h"
#include "workers/voice/signatures.h"

namespace {

Result<voice::Verified> verify(const Json& asked) {
    voice::SignedRequest request;
    request.public_url = text_member(asked, "publicUrl");
    request.query = text_member(asked, "query");
    request.body = text_member(asked, "body");
    for (const auto& [name, value] : member(asked, "headers").items())
        request.headers.emplace_back(name, value.get<std::string>());
    const Secret key(text_member(asked, "key"));
    const std::string company = text_member(asked, "company");
    if (company == "twilio") return verify_twilio(request, key);
    if (company == "plivo") return verify_plivo(request, key);
    const Result<std::string> raw = voice::telnyx_key(key.reveal());
    if (!raw) return raw.error();
    return verify_telnyx(request, *raw, int_member(asked, "now"));
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const Result<Json> asked = parse_json(line);
        const Result<voice::Verified> verified =
            asked ? verify(*asked) : Result<voice::Verified>(asked.error());
        std::cout << print_json({{"ok", verified.has_value()},
                                 {"why", verified ? "" : verified.error().what}})
                  << std::endl;
    }
}
