#include "workers/telegram/parts.h"

#include <cstdlib>
#include <iterator>

#include "workers/telegram/formatting.h"
#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

using hardshell::proto::DeliverMessage;
using hardshell::proto::Place;

constexpr std::string_view voice_tag = "[[audio_as_voice]]";
constexpr const char* general_topic = "1";
constexpr std::string_view prefixes[] = {"telegram:group:", "telegram:", "tg:"};

struct TypeRow {
    std::string_view begins;
    FileMethod file;
};
// Read from the top; the first that fits decides.
constexpr TypeRow type_rows[] = {
    {"image/gif", {"sendAnimation", "animation"}},
    {"image/svg", {"sendDocument", "document"}},
    {"image/heic", {"sendDocument", "document"}},
    {"image/", {"sendPhoto", "photo"}},
    {"video/", {"sendVideo", "video"}},
    {"audio/", {"sendAudio", "audio"}},
    {"", {"sendDocument", "document"}},
};

bool is_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == text.npos;
}

std::string text_without_tag(const DeliverMessage& message) {
    std::string text = message.text();
    if (const size_t at = text.find(voice_tag); at != text.npos) text.erase(at, voice_tag.size());
    return text;
}

}  // namespace

bool wants_voice(const DeliverMessage& message) {
    return message.text().find(voice_tag) != std::string::npos;
}

std::vector<Part> parts_of(const DeliverMessage& message, const Settings& settings) {
    const std::string text = text_without_tag(message);
    std::vector<std::string> pieces =
        pieces_of(text, settings.text_chunk_limit, settings.chunk_by_paragraph);
    std::vector<Part> parts;
    for (int i = 0; i < message.attachments_size(); ++i) parts.push_back({"", i});
    // A text that is too long for it stands below the files instead.
    const bool is_caption = !parts.empty() && pieces.size() == 1 &&
                            format_markdown(pieces.front()).units <= longest_caption;
    if (is_caption) {
        parts.front().markdown = std::move(pieces.front());
        pieces.clear();
    }
    for (std::string& piece : pieces) parts.push_back({std::move(piece), -1});
    if (parts.empty()) parts.push_back({});
    return parts;
}

FileMethod method_for(const std::string& mime_type, bool as_voice) {
    if (as_voice && mime_type.starts_with("audio/")) return {"sendVoice", "voice"};
    for (const TypeRow& row : type_rows)
        if (std::string_view(mime_type).starts_with(row.begins)) return row.file;
    return {"sendDocument", "document"};
}

Json chat_of(std::string chat_id) {
    for (const std::string_view prefix : prefixes)
        if (chat_id.starts_with(prefix)) {
            chat_id.erase(0, prefix.size());
            break;
        }
    if (is_number(chat_id)) return std::strtoll(chat_id.c_str(), nullptr, 10);
    return chat_id;
}

Json thread_of(const Place& place) {
    if (!is_number(place.thread_id()) || place.thread_id() == general_topic) return {};
    return std::strtoll(place.thread_id().c_str(), nullptr, 10);
}

Json frame_of(const DeliverMessage& message, uint32_t part, const std::string& chat_id,
              const Settings& settings) {
    Json frame = {{"chat_id", chat_of(chat_id)}};
    if (Json thread = thread_of(message.place()); !thread.is_null())
        frame["message_thread_id"] = std::move(thread);
    const bool replies = settings.reply_to == ReplyToMode::all ||
                         (settings.reply_to == ReplyToMode::first && part == 0);
    if (replies && is_number(message.reply_to_id()))
        frame["reply_parameters"] = {
            {"message_id", std::strtoll(message.reply_to_id().c_str(), nullptr, 10)},
            {"allow_sending_without_reply", true}};
    if (message.silent()) frame["disable_notification"] = true;
    return frame;
}

}  // namespace telegram
