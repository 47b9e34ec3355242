#include "workers/voice/media_messages.h"

#include <openssl/evp.h>

#include <algorithm>

#include "workers/voice/form.h"

namespace voice {

namespace {

using Kind = MediaMessage::Kind;

constexpr size_t longest_id = 128;

struct EventRow {
    std::string_view event;
    Kind kind;
};
constexpr EventRow events[] = {
    {"connected", Kind::connected}, {"start", Kind::start}, {"media", Kind::media},
    {"dtmf", Kind::dtmf},           {"mark", Kind::mark},   {"stop", Kind::stop},
};

Error no_use(const std::string& why) {
    return {Fault::bad_message, "a message of the stream " + why};
}

bool is_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    });
}

Result<MediaMessage> read_start(const Json& start, MediaMessage message) {
    message.account = text_member(start, "accountSid");
    message.call_id = text_member(start, "callSid");
    message.token = text_member(member(start, "customParameters"), "token");
    if (message.stream_id.empty()) message.stream_id = text_member(start, "streamSid");
    const Json& format = member(start, "mediaFormat");
    message.is_telephone_sound = text_view(format, "encoding") == "audio/x-mulaw" &&
                                 int_member(format, "sampleRate") == 8000 &&
                                 int_member(format, "channels") == 1;
    for (const std::string* id : {&message.stream_id, &message.call_id})
        if (id->empty() || id->size() > longest_id) return no_use("begins it without its ids");
    return message;
}

Result<MediaMessage> read_sound(const Json& media, MediaMessage message) {
    const std::string_view sound = text_view(media, "payload");
    if (sound.size() > most_sound || sound.size() % 4 != 0 || !is_base64(sound))
        return no_use("has sound that is none");
    const std::string_view track = text_view(media, "track");
    if (track.empty() || track == "inbound") message.sound = std::string(sound);
    return message;
}

}  // namespace

Result<MediaMessage> read_media_message(std::string_view text) {
    const Result<Json> json = parse_json(text);
    if (!json) return json.error();
    if (!json->is_object()) return no_use("is no object");
    MediaMessage message;
    message.stream_id = text_member(*json, "streamSid");
    for (const EventRow& row : events)
        if (text_view(*json, "event") == row.event) message.kind = row.kind;
    if (message.kind == Kind::start) return read_start(member(*json, "start"), std::move(message));
    if (message.kind == Kind::media) return read_sound(member(*json, "media"), std::move(message));
    message.digit = text_member(member(*json, "dtmf"), "digit").substr(0, 1);
    message.mark = text_member(member(*json, "mark"), "name").substr(0, longest_id);
    return message;
}

std::string sound_message(const std::string& stream_id, std::string_view mulaw) {
    return print_json(Json{
        {"event", "media"}, {"streamSid", stream_id}, {"media", {{"payload", base64_of(mulaw)}}}});
}

std::string mark_message(const std::string& stream_id, const std::string& name) {
    return print_json(
        Json{{"event", "mark"}, {"streamSid", stream_id}, {"mark", {{"name", name}}}});
}

std::string clear_message(const std::string& stream_id) {
    return print_json(Json{{"event", "clear"}, {"streamSid", stream_id}});
}

}  // namespace voice
