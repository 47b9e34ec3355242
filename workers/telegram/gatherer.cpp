#include "workers/telegram/gatherer.h"

#include <cstdlib>

#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

std::string key_of(const Message& message) {
    return message.chat.id + "\n" + message.thread_id + "\n" + message.from.id;
}

int64_t number_of(const std::string& message_id) {
    return std::strtoll(message_id.c_str(), nullptr, 10);
}

bool is_long_text(const Message& message) {
    return message.files.empty() && message.media_group_id.empty() &&
           message.text.size() >= Gatherer::long_text &&
           units_of(message.text) >= Gatherer::long_text;
}

void append_text(Message& to, const Message& from, std::string_view between) {
    if (from.text.empty()) return;
    if (!to.text.empty()) to.text += between;
    const size_t at = to.text.size();
    to.text += from.text;
    for (Entity entity : from.entities) {
        entity.begin += at;
        entity.end += at;
        to.entities.push_back(std::move(entity));
    }
}

}  // namespace

Gatherer::Gatherer(Loop& loop, Handler handler) : loop_(loop), handler_(std::move(handler)) {}

void Gatherer::take(int64_t update_id, Message message) {
    const std::string key = key_of(message);
    if (const auto found = waiting_.find(key); found != waiting_.end()) {
        if (joins(found->second, message)) {
            join(found->second, update_id, std::move(message));
            return wait(key, found->second);
        }
        release(key);
    }
    if (message.media_group_id.empty() && !is_long_text(message))
        return handler_({std::move(message), {update_id}});
    Waiting& waiting = waiting_[key];
    waiting.album = message.media_group_id;
    waiting.last_id = number_of(message.id);
    waiting.gathered = {std::move(message), {update_id}};
    wait(key, waiting);
}

void Gatherer::after(const Message& message, std::function<void()> then) {
    const auto found = waiting_.find(key_of(message));
    if (found == waiting_.end()) return then();
    found->second.then.push_back(std::move(then));
}

bool Gatherer::joins(const Waiting& waiting, const Message& message) const {
    if (waiting.gathered.updates.size() >= most_parts) return false;
    if (!waiting.album.empty()) return message.media_group_id == waiting.album;
    return message.media_group_id.empty() && message.files.empty() &&
           number_of(message.id) == waiting.last_id + 1 && !message.text.starts_with('/') &&
           waiting.gathered.message.text.size() + message.text.size() <= longest_gathered;
}

void Gatherer::join(Waiting& waiting, int64_t update_id, Message message) {
    Message& whole = waiting.gathered.message;
    append_text(whole, message, waiting.album.empty() ? "" : "\n");
    for (FileOf& file : message.files) whole.files.push_back(std::move(file));
    for (std::string& fact : message.facts) whole.facts.push_back(std::move(fact));
    waiting.gathered.updates.push_back(update_id);
    waiting.last_id = number_of(message.id);
}

void Gatherer::wait(const std::string& chat, Waiting& waiting) {
    waiting.timer = loop_.after(waiting.album.empty() ? text_pause : album_pause,
                                [this, chat = chat] { release(chat); });
}

void Gatherer::release(const std::string& chat) {
    const auto found = waiting_.find(chat);
    if (found == waiting_.end()) return;
    // Out of the table first: the handler may take more.
    const std::unique_ptr<Waiting> waiting = std::make_unique<Waiting>(std::move(found->second));
    waiting_.erase(found);
    handler_(std::move(waiting->gathered));
    for (const auto& go_on : waiting->then) go_on();
}

}  // namespace telegram
