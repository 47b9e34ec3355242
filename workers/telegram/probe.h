// Asks Telegram how the account is, for channels.status.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "workers/telegram/bot_api.h"

namespace telegram {

// The answer is {"ok":true,"status":null,"error":null,"elapsedMs":…,"bot":{…},"webhook":{…}}.
void probe(BotApi& api, std::chrono::milliseconds timeout,
           std::function<void(const std::string& result_json)> answer);

}  // namespace telegram
