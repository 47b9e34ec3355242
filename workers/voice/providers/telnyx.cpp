#include "workers/voice/providers/telnyx.h"

#include <openssl/evp.h>

#include <algorithm>

#include "workers/voice/form.h"

namespace voice {

namespace {

using Kind = CallEvent::Kind;

constexpr std::chrono::milliseconds api_timeout{15'000};
constexpr const char* voice_name = "female";
constexpr const char* language = "en-US";
constexpr size_t longest_id = 200;
constexpr const char* already_ended = "90018";

struct EventRow {
    std::string_view type;
    Kind kind;
};
constexpr EventRow events[] = {
    {"call.answered", Kind::answered},    {"call.bridged", Kind::answered},
    {"call.speak.ended", Kind::said},     {"call.transcription", Kind::speech},
    {"call.dtmf.received", Kind::digits}, {"call.hangup", Kind::ended},
};

struct EndRow {
    std::string_view cause;
    CallState end;
};
constexpr EndRow ends[] = {
    // hangup_cause, how it ended; others: failed
    {"normal_clearing", CallState::completed},
    {"normal_unspecified", CallState::completed},
    {"originator_cancel", CallState::hangup_bot},
    {"call_rejected", CallState::busy},
    {"user_busy", CallState::busy},
    {"no_answer", CallState::no_answer},
    {"no_user_response", CallState::no_answer},
    {"timeout", CallState::no_answer},
    {"time_limit", CallState::timeout},
    {"machine_detected", CallState::voicemail},
    {"fax_detected", CallState::voicemail},
    {"user_hangup", CallState::hangup_user},
    {"subscriber_absent", CallState::hangup_user},
};

CallState end_of(std::string_view cause) {
    for (const EndRow& row : ends)
        if (row.cause == cause) return row.end;
    return CallState::failed;
}

// Empty when it is none: an id of ours has no byte that needs care.
std::string call_id_in(std::string_view state) {
    if (state.empty() || state.size() % 4 != 0 || state.size() > longest_id) return {};
    std::string decoded(state.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                     reinterpret_cast<const unsigned char*>(state.data()),
                                     static_cast<int>(state.size()));
    if (size < 0) return {};
    while (!decoded.empty() && decoded.back() == '\0') decoded.pop_back();
    return decoded;
}

Kind kind_of(std::string_view type, const Json& payload) {
    if (type == "call.initiated")
        return text_view(payload, "direction") == "incoming" ? Kind::incoming : Kind::ringing;
    for (const EventRow& row : events)
        if (row.type == type) return row.kind;
    return Kind::none;
}

}  // namespace

Telnyx::Telnyx(const Settings& settings)
    : url_(settings.api_url + "/v2"),
      connection_(settings.account),
      key_(settings.key),
      public_key_(settings.telnyx_public_key),
      ring_seconds_(
          std::chrono::duration_cast<std::chrono::seconds>(settings.ring_timeout).count()),
      longest_seconds_(longest_at_company(settings.longest_call).count()) {}

Result<Verified> Telnyx::verify(const SignedRequest& request, int64_t now_s) const {
    return verify_telnyx(request, public_key_, now_s);
}

Done Telnyx::look_at_head(const SignedRequest& head, int64_t) const {
    if (!head.header("telnyx-signature-ed25519").empty() &&
        !head.header("telnyx-timestamp").empty())
        return {};
    return Error{Fault::bad_credentials, "telnyx-signature-ed25519 is missing"};
}

Result<CallEvent> Telnyx::read(const SignedRequest& request) const {
    const Result<Json> body = parse_json(request.body);
    if (!body) return body.error();
    const Json& data = member(*body, "data");
    const Json& payload = member(data, "payload");
    CallEvent event;
    event.provider_id = text_member(payload, "call_control_id");
    if (event.provider_id.empty() || event.provider_id.size() > longest_id)
        return Error{Fault::bad_message, "call_control_id is missing"};
    event.id = text_member(data, "id");
    if (event.id.size() > longest_id) event.id.clear();
    event.call_id = call_id_in(text_view(payload, "client_state"));
    event.from = text_member(payload, "from");
    event.to = text_member(payload, "to");
    event.kind = kind_of(text_view(data, "event_type"), payload);
    if (event.kind == Kind::speech) {
        const Json& heard = member(payload, "transcription_data");
        event.text = text_member(heard, "transcript").substr(0, longest_heard);
        // What is not final is said again, better.
        if (!bool_member(heard, "is_final") || event.text.empty()) event.kind = Kind::none;
    }
    if (event.kind == Kind::digits) event.text = text_member(payload, "digit");
    if (event.kind == Kind::ended) event.end = end_of(text_view(payload, "hangup_cause"));
    return event;
}

WebhookReply Telnyx::answer(const Call*, const std::string&) const {
    return {200, "text/plain", "OK"};
}

HttpsRequest Telnyx::request(const std::string& method, const std::string& path,
                             const Json& body) const {
    HttpsRequest request;
    request.method = method;
    request.url = url_ + path;
    request.headers = {{"authorization", "Bearer " + key_.reveal()}};
    request.total_timeout = api_timeout;
    if (body.is_null()) return request;
    request.headers.emplace_back("content-type", "application/json");
    request.body.push_back({print_json(body), {}, 0});
    return request;
}

// Named, so that a repeated command does nothing; but for hanging up, which is repeated until it
// does.
HttpsRequest Telnyx::command(const Call& call, const std::string& verb, Json body) const {
    if (verb != "hangup")
        body["command_id"] = call.id + "-" + std::to_string(call.turn) + "-" + verb;
    body["client_state"] = base64_of(call.id);
    return request("POST", "/calls/" + percent_encoded(call.provider_id) + "/actions/" + verb,
                   body);
}

std::vector<HttpsRequest> Telnyx::perform(const Call& call, const std::string&) const {
    if (call.provider_id.empty()) return {};
    const auto speak = [&] {
        return command(
            call, "speak",
            {{"payload", call.step.text}, {"voice", voice_name}, {"language", language}});
    };
    switch (call.step.kind) {
        case Step::Kind::take:
            return {command(call, "answer", Json::object())};
        case Step::Kind::reject:
            return {command(call, "reject", {{"cause", "CALL_REJECTED"}})};
        case Step::Kind::reject_busy:
            return {command(call, "reject", {{"cause", "USER_BUSY"}})};
        case Step::Kind::say_and_listen:
            if (call.is_transcribed) return {speak()};
            // From the first words on that may be answered: the caller may interrupt.
            return {command(call, "transcription_start",
                            {{"language", "en"}, {"transcription_tracks", "inbound"}}),
                    speak()};
        case Step::Kind::say_and_hang_up:
            return {speak()};
        case Step::Kind::hang_up:
            return {command(call, "hangup", Json::object())};
        default:
            return {};
    }
}

HttpsRequest Telnyx::place(const Call& call, const std::string& webhook) const {
    return request("POST", "/calls",
                   {{"connection_id", connection_},
                    {"to", call.to},
                    {"from", call.from},
                    {"webhook_url", webhook},
                    {"webhook_url_method", "POST"},
                    {"client_state", base64_of(call.id)},
                    {"command_id", call.id},
                    {"timeout_secs", ring_seconds_},
                    {"time_limit_secs", longest_seconds_}});
}

Result<std::string> Telnyx::placed(const HttpsAnswer& answer) const {
    const Result<Json> body = parse_json(answer.body);
    const std::string id = body ? text_member(member(*body, "data"), "call_control_id") : "";
    if (answer.status / 100 == 2 && !id.empty() && id.size() <= longest_id) return id;
    return Error{Fault::bad_message, "Telnyx does not place the call: " + refusal_of(answer)};
}

HttpsRequest Telnyx::ask_state(const Call& call) const {
    return request("GET", "/calls/" + percent_encoded(call.provider_id), Json());
}

bool Telnyx::says_over(const HttpsAnswer& answer) const {
    if (answer.status == 404) return true;
    const Result<Json> body = parse_json(answer.body);
    if (!body) return false;
    if (answer.status / 100 == 2) return !bool_member(member(*body, "data"), "is_alive", true);
    const Json& errors = member(*body, "errors");
    return errors.is_array() && !errors.empty() &&
           text_view(errors.front(), "code") == already_ended;
}

}  // namespace voice
