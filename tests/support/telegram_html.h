// The HTML that Telegram reads in messages, as strictly as it does, with its words for what it
// refuses.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

struct TelegramText {
    std::string text;
    nlohmann::json entities = nlohmann::json::array();
    std::string error;  // "Can't find end tag corresponding to start tag \"b\""; empty: none
};

TelegramText read_telegram_html(const std::string& html);
// UTF-16 units, which Telegram counts in.
size_t telegram_units(const std::string& text);
