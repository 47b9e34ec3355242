// Any bytes as a webhook of a telephone company, unsigned: they are read or refused, never
// believed, and what is said of them in XML keeps its tags. A form that was read is the same when
// it is written and read again.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "workers/voice/form.h"
#include "workers/voice/provider.h"
#include "workers/voice/spoken_text.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

std::unique_ptr<voice::Provider> provider(voice::ProviderName name) {
    voice::Settings settings;
    settings.provider = name;
    settings.account = "AC1";
    settings.key = Secret("key");
    settings.telnyx_public_key = std::string(32, 'k');
    return make_provider(settings);
}

void look_at(const voice::Provider& company, const voice::SignedRequest& request) {
    require(!company.verify(request, 1'800'000'000));
    const auto event = company.read(request);
    if (!event) return require(!event.error().what.empty());
    require(!event->provider_id.empty());
    require(event->text.size() <= voice::longest_heard);
    if (event->text.empty()) return;  // nothing to say
    voice::Call call;
    call.id = event->call_id;
    call.provider_id = event->provider_id;
    call.step = {voice::Step::Kind::say_and_listen, event->text};
    const std::string xml = company.answer(&call, "https://example.com/v").body;
    require(xml.find("<Say voice=\"Polly.Joanna\"><") == std::string::npos);
    (void)company.perform(call, "https://example.com/v");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto twilio = provider(voice::ProviderName::twilio);
    static const auto telnyx = provider(voice::ProviderName::telnyx);
    static const auto plivo = provider(voice::ProviderName::plivo);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const size_t line = std::min(text.find('\n'), text.size());
    voice::SignedRequest request;
    request.public_url = "https://example.com/v";
    request.query = std::string(text.substr(0, line));
    request.body = std::string(text.substr(std::min(line + 1, text.size())));
    request.headers = {{"x-twilio-signature", "AAAA"},
                       {"telnyx-timestamp", "1800000000"},
                       {"telnyx-signature-ed25519", "AAAA"},
                       {"x-plivo-signature-v3", "AAAA"},
                       {"x-plivo-signature-v3-nonce", "1"}};
    for (const auto* company : {twilio.get(), telnyx.get(), plivo.get()})
        look_at(*company, request);
    if (const auto fields = voice::read_form(request.body); fields)
        require(voice::read_form(voice::write_form(*fields)).has_value());
    require(voice::spoken_text(request.body).size() <= voice::longest_speech);
    return 0;
}
