#include "workers/voice/providers/twilio.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "workers/voice/form.h"
#include "workers/voice/spoken_text.h"

namespace voice {

namespace {

using Kind = CallEvent::Kind;

constexpr const char* voice_name = "Polly.Joanna";
// A caller who waits is asked about again so often: an answer whose update was lost is said then.
constexpr int wait_seconds = 10;
constexpr std::chrono::milliseconds api_timeout{15'000};

struct StatusRow {
    std::string_view status;
    Kind kind;
    CallState end;
};
constexpr StatusRow statuses[] = {
    // CallStatus, event, how it ended
    {"queued", Kind::none, {}},
    {"initiated", Kind::none, {}},
    {"ringing", Kind::ringing, {}},
    {"in-progress", Kind::answered, {}},
    {"completed", Kind::ended, CallState::completed},
    {"busy", Kind::ended, CallState::busy},
    {"no-answer", Kind::ended, CallState::no_answer},
    {"failed", Kind::ended, CallState::failed},
    {"canceled", Kind::ended, CallState::hangup_bot},
};

const StatusRow* find_status(std::string_view status) {
    for (const StatusRow& row : statuses)
        if (row.status == status) return &row;
    return nullptr;
}

bool is_sid(std::string_view text) {
    return !text.empty() && text.size() <= 64 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c); });
}

uint32_t number_of(std::string_view text) {
    uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string say(const std::string& text) {
    return std::string("<Say voice=\"") + voice_name + "\">" + xml_text(text) + "</Say>";
}

}  // namespace

Twilio::Twilio(const Settings& settings)
    : url_(settings.api_url),
      account_(settings.account),
      token_(settings.key),
      stream_path_(settings.streaming.path),
      ring_seconds_(
          std::chrono::duration_cast<std::chrono::seconds>(settings.ring_timeout).count()),
      longest_seconds_(longest_at_company(settings.longest_call).count()),
      hang_up_delay_(settings.hang_up_delay.count()) {}

Result<Verified> Twilio::verify(const SignedRequest& request, int64_t) const {
    return verify_twilio(request, token_);
}

Done Twilio::look_at_head(const SignedRequest& head, int64_t) const {
    if (!head.header("x-twilio-signature").empty()) return {};
    return Error{Fault::bad_credentials, "X-Twilio-Signature is missing"};
}

Result<CallEvent> Twilio::read(const SignedRequest& request) const {
    const Result<Fields> query = read_form(request.query);
    const Result<Fields> form = read_form(request.body);
    if (!query) return query.error();
    if (!form) return form.error();
    CallEvent event;
    event.provider_id = value_of(*form, "CallSid");
    if (!is_sid(event.provider_id)) return Error{Fault::bad_message, "CallSid is missing"};
    event.call_id = value_of(*query, "callId");
    event.from = value_of(*form, "From");
    event.to = value_of(*form, "To");
    event.turn = number_of(value_of(*query, "turn"));
    const bool is_status = value_of(*query, "type") == "status";
    event.wants_step = !is_status;
    const StatusRow* status = find_status(value_of(*form, "CallStatus"));
    if (status && status->kind == Kind::ended) {
        event.kind = Kind::ended;
        event.end = status->end;
        return event;
    }
    const std::string_view heard = value_of(*form, "SpeechResult");
    const std::string_view keys = value_of(*form, "Digits");
    if (!is_status && event.turn > 0 && !(heard.empty() && keys.empty())) {
        event.kind = heard.empty() ? Kind::digits : Kind::speech;
        event.text = (heard.empty() ? keys : heard).substr(0, longest_heard);
    } else if (!is_status && event.call_id.empty() && value_of(*form, "Direction") == "inbound") {
        event.kind = Kind::incoming;
    } else if (is_status) {
        event.kind = status ? status->kind : Kind::none;
    } else {
        event.kind = status && status->kind == Kind::answered ? Kind::answered : Kind::asks;
    }
    return event;
}

std::string Twilio::twiml(const Call& call, const std::string& webhook) const {
    const std::string again = xml_text(with_fields(webhook, {{"callId", call.id},
                                                             {"turn", std::to_string(call.turn)},
                                                             {"n", std::to_string(call.asked)}}));
    const std::string redirect = "<Redirect method=\"POST\">" + again + "</Redirect>";
    const auto gather = [&](const std::string& inside) {
        return "<Gather input=\"speech\" speechTimeout=\"auto\" action=\"" + again +
               "\" method=\"POST\">" + inside + "</Gather>" + redirect;
    };
    // When its sound ends while the call goes on, the company asks what is next.
    if (!call.stream_token.empty() && call.step.goes_on())
        return "<Connect><Stream url=\"" + xml_text(stream_address(webhook, stream_path_)) +
               "\"><Parameter name=\"token\" value=\"" + xml_text(call.stream_token) +
               "\"/></Stream></Connect>" + redirect;
    switch (call.step.kind) {
        case Step::Kind::reject:
            return "<Reject/>";
        case Step::Kind::reject_busy:
            return "<Reject reason=\"busy\"/>";
        case Step::Kind::take:
        case Step::Kind::wait:
            return "<Pause length=\"" + std::to_string(wait_seconds) + "\"/>" + redirect;
        case Step::Kind::listen:
            return gather("");
        case Step::Kind::say_and_listen:
            // Inside, so that the caller may interrupt.
            return gather(say(call.step.text));
        case Step::Kind::say_and_hang_up:
            return say(call.step.text) +
                   (hang_up_delay_ > 0
                        ? "<Pause length=\"" + std::to_string(hang_up_delay_) + "\"/>"
                        : "") +
                   "<Hangup/>";
        case Step::Kind::hang_up:
            return "<Hangup/>";
        case Step::Kind::nothing:
            return "";
    }
    return "";
}

WebhookReply Twilio::answer(const Call* call, const std::string& webhook) const {
    const std::string inside = call ? twiml(*call, webhook) : "";
    return {200, "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>" +
                (inside.empty() ? "<Response/>" : "<Response>" + inside + "</Response>")};
}

HttpsRequest Twilio::request(const std::string& method, const std::string& path,
                             const std::string& form) const {
    HttpsRequest request;
    request.method = method;
    request.url = url_ + "/2010-04-01/Accounts/" + percent_encoded(account_) + path;
    request.headers = {{"authorization", basic_authorization(account_, token_)}};
    request.total_timeout = api_timeout;
    if (form.empty()) return request;
    request.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
    request.body.push_back({form, {}, 0});
    return request;
}

std::vector<HttpsRequest> Twilio::perform(const Call& call, const std::string& webhook) const {
    if (call.provider_id.empty() || call.step.kind == Step::Kind::nothing) return {};
    const std::string path = "/Calls/" + percent_encoded(call.provider_id) + ".json";
    const bool ends = call.step.kind == Step::Kind::hang_up ||
                      call.step.kind == Step::Kind::reject ||
                      call.step.kind == Step::Kind::reject_busy;
    const Fields form =
        ends ? Fields{{"Status", "completed"}} : Fields{{"Twiml", answer(&call, webhook).body}};
    return {request("POST", path, write_form(form))};
}

HttpsRequest Twilio::place(const Call& call, const std::string& webhook) const {
    Fields form{
        {"To", call.to},
        {"From", call.from},
        {"Url", with_fields(webhook, {{"callId", call.id}})},
        {"StatusCallback", with_fields(webhook, {{"callId", call.id}, {"type", "status"}})},
    };
    for (const char* event : {"initiated", "ringing", "answered", "completed"})
        form.emplace_back("StatusCallbackEvent", event);
    form.emplace_back("Timeout", std::to_string(ring_seconds_));
    form.emplace_back("TimeLimit", std::to_string(longest_seconds_));
    return request("POST", "/Calls.json", write_form(form));
}

Result<std::string> Twilio::placed(const HttpsAnswer& answer) const {
    const Result<Json> body = parse_json(answer.body);
    const std::string sid = body ? text_member(*body, "sid") : "";
    if (answer.status / 100 == 2 && is_sid(sid)) return sid;
    return Error{Fault::bad_message, "Twilio does not place the call: " + refusal_of(answer)};
}

HttpsRequest Twilio::ask_state(const Call& call) const {
    return request("GET", "/Calls/" + percent_encoded(call.provider_id) + ".json", "");
}

bool Twilio::says_over(const HttpsAnswer& answer) const {
    if (answer.status == 404) return true;
    const Result<Json> body = parse_json(answer.body);
    if (answer.status / 100 != 2 || !body) return false;
    const StatusRow* status = find_status(text_view(*body, "status"));
    return status && status->kind == Kind::ended;
}

}  // namespace voice
