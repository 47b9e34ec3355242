// Any bytes as an update of Telegram's: what is read of it stays within its text, is judged, and
// becomes an offer, without end or crash.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/telegram/inbound.h"
#include "workers/telegram/update.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void look_at(const telegram::Message& message) {
    static const telegram::Bot bot{"99", "mybot", "My Bot", false, {"status"}};
    static const telegram::Settings settings;
    for (const telegram::Entity& entity : message.entities) {
        require(entity.begin <= entity.end);
        require(entity.end <= message.text.size());
    }
    const telegram::Judged judged = telegram::judge_message(settings, {}, bot, message);
    const auto offer = telegram::inbound_of(message, judged, bot);
    require(offer.key().starts_with("99:"));
    require(!telegram::history_line(message, judged.addressing).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto value = parse_json({reinterpret_cast<const char*>(data), size});
    if (!value) return 0;
    const auto update = telegram::read_update(*value);
    if (!update) {
        require(!update.error().what.empty());
        return 0;
    }
    look_at(update->message);
    look_at(telegram::message_of(update->callback));
    return 0;
}
