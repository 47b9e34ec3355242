#include "workers/voice/provider.h"

#include <openssl/evp.h>

#include <algorithm>

#include "workers/voice/form.h"
#include "workers/voice/providers/plivo.h"
#include "workers/voice/providers/telnyx.h"
#include "workers/voice/providers/twilio.h"

namespace voice {

std::unique_ptr<Provider> make_provider(const Settings& settings) {
    switch (settings.provider) {
        case ProviderName::twilio:
            return std::make_unique<Twilio>(settings);
        case ProviderName::telnyx:
            return std::make_unique<Telnyx>(settings);
        case ProviderName::plivo:
            return std::make_unique<Plivo>(settings);
        case ProviderName::none:
            break;
    }
    return nullptr;
}

std::string with_fields(const std::string& webhook,
                        const std::vector<std::pair<std::string, std::string>>& fields) {
    return fields.empty() ? webhook : webhook + "?" + write_form(fields);
}

std::string stream_address(const std::string& webhook, const std::string& path) {
    const size_t host = webhook.find("://");
    if (host == std::string::npos) return {};
    const std::string scheme = webhook.starts_with("https://") ? "wss" : "ws";
    return scheme + webhook.substr(host, webhook.find('/', host + 3) - host) + path;
}

std::string basic_authorization(const std::string& user, const Secret& password) {
    const std::string text = user + ":" + password.reveal();
    std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    encoded.resize(static_cast<size_t>(size));
    return "Basic " + encoded;
}

std::chrono::seconds longest_at_company(std::chrono::seconds longest_call) {
    constexpr std::chrono::seconds reserve{30};  // and the least that Telnyx takes
    constexpr std::chrono::seconds most{14'400};
    return std::min(longest_call + reserve, most);
}

std::string refusal_of(const HttpsAnswer& answer) {
    constexpr size_t longest = 300;
    std::string text = "HTTP " + std::to_string(answer.status);
    const Result<Json> body = parse_json(answer.body);
    if (!body) return text;
    std::string why = text_member(*body, "message", text_view(*body, "error"));
    if (const Json& errors = member(*body, "errors"); why.empty() && !errors.empty())
        why = text_member(errors.front(), "detail", text_view(errors.front(), "title"));
    if (why.empty()) why = text_member(member(*body, "error"), "message");
    if (why.size() > longest) why.resize(longest);
    return why.empty() ? text : text + ": " + why;
}

bool is_refused_for_now(int http_status) {
    return http_status == 429 || http_status == 503;
}

}  // namespace voice
