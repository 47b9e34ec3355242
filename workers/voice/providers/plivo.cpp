#include "workers/voice/providers/plivo.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "workers/voice/form.h"
#include "workers/voice/spoken_text.h"

namespace voice {

namespace {

using Kind = CallEvent::Kind;

constexpr std::chrono::milliseconds api_timeout{15'000};
constexpr const char* language = "en-US";
constexpr int wait_seconds = 10;
constexpr size_t longest_id = 100;

struct StatusRow {
    std::string_view status;
    CallState end;
};
constexpr StatusRow ends[] = {
    // CallStatus, how it ended
    {"completed", CallState::completed}, {"busy", CallState::busy},
    {"failed", CallState::failed},       {"no-answer", CallState::no_answer},
    {"timeout", CallState::no_answer},   {"cancel", CallState::hangup_bot},
    {"canceled", CallState::hangup_bot}, {"machine", CallState::voicemail},
};

// Plivo's spellings of what was said.
constexpr std::string_view speech_names[] = {"Speech", "SpeechResult", "speech", "Transcription"};

const StatusRow* find_end(std::string_view status) {
    for (const StatusRow& row : ends)
        if (row.status == status) return &row;
    return nullptr;
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= longest_id &&
           std::all_of(text.begin(), text.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

uint32_t number_of(std::string_view text) {
    uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string speak(const std::string& text) {
    return std::string("<Speak language=\"") + language + "\">" + xml_text(text) + "</Speak>";
}

std::string_view heard_in(const Fields& form) {
    for (const std::string_view name : speech_names)
        if (const std::string_view heard = value_of(form, name); !heard.empty()) return heard;
    return {};
}

}  // namespace

Plivo::Plivo(const Settings& settings)
    : url_(settings.api_url),
      account_(settings.account),
      token_(settings.key),
      ring_seconds_(
          std::chrono::duration_cast<std::chrono::seconds>(settings.ring_timeout).count()),
      longest_seconds_(longest_at_company(settings.longest_call).count()),
      hang_up_delay_(settings.hang_up_delay.count()) {}

Result<Verified> Plivo::verify(const SignedRequest& request, int64_t) const {
    return verify_plivo(request, token_);
}

Done Plivo::look_at_head(const SignedRequest& head, int64_t) const {
    if (!head.header("x-plivo-signature-v3").empty() &&
        !head.header("x-plivo-signature-v3-nonce").empty())
        return {};
    return Error{Fault::bad_credentials, "X-Plivo-Signature-V3 or its nonce is missing"};
}

Result<CallEvent> Plivo::read(const SignedRequest& request) const {
    const Result<Fields> query = read_form(request.query);
    const Result<Fields> form = read_form(request.body);
    if (!query) return query.error();
    if (!form) return form.error();
    CallEvent event;
    event.provider_id = value_of(*form, "CallUUID");
    if (!is_id(event.provider_id)) return Error{Fault::bad_message, "CallUUID is missing"};
    event.call_id = value_of(*query, "callId");
    // Plivo leaves the plus out.
    event.from = e164_of(value_of(*form, "From"));
    event.to = e164_of(value_of(*form, "To"));
    event.turn = number_of(value_of(*query, "turn"));
    event.asked = number_of(value_of(*query, "n"));
    event.wants_step = true;
    const std::string_view flow = value_of(*query, "flow");
    const StatusRow* end = find_end(value_of(*form, "CallStatus"));
    const std::string_view heard = heard_in(*form);
    const std::string_view keys = value_of(*form, "Digits");
    if (end || flow == "hangup" || value_of(*form, "Event") == "Hangup") {
        event.kind = Kind::ended;
        event.end = end ? end->end : CallState::completed;
    } else if (flow == "getinput") {
        event.kind = !heard.empty() ? Kind::speech : !keys.empty() ? Kind::digits : Kind::asks;
        event.text = (heard.empty() ? keys : heard).substr(0, longest_heard);
    } else if (event.call_id.empty() && value_of(*form, "Direction") == "inbound") {
        event.kind = Kind::incoming;
    } else {
        event.kind = flow == "answer" ? Kind::answered : Kind::asks;
    }
    return event;
}

std::string Plivo::xml(const Call& call, const std::string& webhook) const {
    const auto address = [&](const char* flow) {
        return xml_text(with_fields(webhook, {{"provider", "plivo"},
                                              {"flow", flow},
                                              {"callId", call.id},
                                              {"turn", std::to_string(call.turn)},
                                              {"n", std::to_string(call.asked)}}));
    };
    const std::string redirect =
        "<Redirect method=\"POST\">" + address("xml-listen") + "</Redirect>";
    const auto input = [&](const std::string& inside) {
        return "<GetInput inputType=\"speech\" method=\"POST\" action=\"" + address("getinput") +
               "\" language=\"" + language +
               "\" executionTimeout=\"30\" speechEndTimeout=\"1\" redirect=\"true\">" + inside +
               "</GetInput>" + redirect;
    };
    switch (call.step.kind) {
        case Step::Kind::reject:
            return "<Hangup reason=\"rejected\"/>";
        case Step::Kind::reject_busy:
            return "<Hangup reason=\"busy\"/>";
        case Step::Kind::take:
        case Step::Kind::wait:
            return "<Wait length=\"" + std::to_string(wait_seconds) + "\"/>" + redirect;
        case Step::Kind::listen:
            return input("");
        case Step::Kind::say_and_listen:
            return input(speak(call.step.text));
        case Step::Kind::say_and_hang_up:
            return speak(call.step.text) +
                   (hang_up_delay_ > 0 ? "<Wait length=\"" + std::to_string(hang_up_delay_) + "\"/>"
                                       : "") +
                   "<Hangup/>";
        case Step::Kind::hang_up:
            return "<Hangup/>";
        case Step::Kind::nothing:
            return "";
    }
    return "";
}

WebhookReply Plivo::answer(const Call* call, const std::string& webhook) const {
    const std::string inside = call ? xml(*call, webhook) : "";
    return {200, "text/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>" +
                (inside.empty() ? "<Response/>" : "<Response>" + inside + "</Response>")};
}

HttpsRequest Plivo::request(const std::string& method, const std::string& path,
                            const Json& body) const {
    HttpsRequest request;
    request.method = method;
    request.url = url_ + "/v1/Account/" + percent_encoded(account_) + path;
    request.headers = {{"authorization", basic_authorization(account_, token_)}};
    request.total_timeout = api_timeout;
    if (body.is_null()) return request;
    request.headers.emplace_back("content-type", "application/json");
    request.body.push_back({print_json(body), {}, 0});
    return request;
}

std::vector<HttpsRequest> Plivo::perform(const Call& call, const std::string& webhook) const {
    if (call.provider_id.empty() || call.step.kind == Step::Kind::nothing) return {};
    const std::string path = "/Call/" + percent_encoded(call.provider_id) + "/";
    if (call.step.kind == Step::Kind::hang_up || call.step.kind == Step::Kind::reject ||
        call.step.kind == Step::Kind::reject_busy)
        return {request("DELETE", path, Json())};
    const char* flow = call.step.says() ? "xml-speak" : "xml-listen";
    return {request("POST", path,
                    {{"legs", "aleg"},
                     {"aleg_url", with_fields(webhook, {{"provider", "plivo"},
                                                        {"flow", flow},
                                                        {"callId", call.id},
                                                        {"turn", std::to_string(call.turn)},
                                                        {"n", std::to_string(call.asked)}})},
                     {"aleg_method", "POST"}})};
}

HttpsRequest Plivo::place(const Call& call, const std::string& webhook) const {
    const auto address = [&](const char* flow) {
        return with_fields(webhook, {{"provider", "plivo"}, {"callId", call.id}, {"flow", flow}});
    };
    return request("POST", "/Call/",
                   {{"from", digits_of(call.from)},
                    {"to", digits_of(call.to)},
                    {"answer_url", address("answer")},
                    {"answer_method", "POST"},
                    {"hangup_url", address("hangup")},
                    {"hangup_method", "POST"},
                    {"ring_timeout", ring_seconds_},
                    {"time_limit", longest_seconds_}});
}

// The call's own id comes with its first webhook; this one is only of the order.
Result<std::string> Plivo::placed(const HttpsAnswer& answer) const {
    const Result<Json> parsed = parse_json(answer.body);
    const Json body = parsed ? *parsed : Json();
    const Json& several = member(body, "request_uuid");
    const std::string text = several.is_array() && !several.empty() && several.front().is_string()
                                 ? several.front().get<std::string>()
                                 : text_member(body, "request_uuid");
    if (answer.status / 100 == 2 && is_id(text)) return std::string();
    return Error{Fault::bad_message, "Plivo does not place the call: " + refusal_of(answer)};
}

HttpsRequest Plivo::ask_state(const Call& call) const {
    return request("GET", "/Call/" + percent_encoded(call.provider_id) + "/?status=live", Json());
}

bool Plivo::says_over(const HttpsAnswer& answer) const {
    return answer.status == 404;
}

}  // namespace voice
