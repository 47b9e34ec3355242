#include "workers/telegram/typing.h"

#include <cstdlib>

#include "workers/telegram/parts.h"

namespace telegram {

namespace {

std::string key_of(const std::string& chat_id, const std::string& thread_id) {
    return chat_id + ":" + thread_id;
}

}  // namespace

void Typing::show(const hardshell::proto::ShowTyping& typing) {
    const auto& place = typing.place();
    const std::string key = key_of(place.chat_id(), place.thread_id());
    if (!typing.on()) {
        shown_.erase(key);
        return;
    }
    Shown& shown = shown_[key];
    shown.left = most_repeats;
    if (shown.timer) return;  // goes on
    shown.params = {{"chat_id", chat_of(place.chat_id())}, {"action", "typing"}};
    // Unlike a message, an action in the General topic names it.
    if (!place.thread_id().empty())
        shown.params["message_thread_id"] = std::strtoll(place.thread_id().c_str(), nullptr, 10);
    shown.timer = loop_.every(period, [this, key] { repeat(key); });
    repeat(key);
}

void Typing::repeat(const std::string& key) {
    const auto found = shown_.find(key);
    if (found == shown_.end()) return;
    if (found->second.left-- <= 0) {
        shown_.erase(found);
        return;
    }
    api_.call("sendChatAction", found->second.params, [](const ApiAnswer&) {});
}

void Typing::stop_in(const std::string& chat_id, const std::string& thread_id) {
    shown_.erase(key_of(chat_id, thread_id));
}

}  // namespace telegram
