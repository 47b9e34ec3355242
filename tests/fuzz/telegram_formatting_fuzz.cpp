// Any bytes as Markdown: the HTML made of it is HTML that Telegram takes, and shows as many units
// as were counted.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/telegram_html.h"
#include "workers/telegram/formatting.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const telegram::Formatted formatted = telegram::format_markdown(text);
    const TelegramText read = read_telegram_html(formatted.html);
    if (!read.error.empty()) std::abort();
    for (const std::string& piece : telegram::pieces_of(text, 100, false))
        if (telegram::sendable(piece, 4096).text.empty()) std::abort();
    return 0;
}
