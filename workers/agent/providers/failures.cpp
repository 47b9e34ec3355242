#include "workers/agent/providers/failures.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>

namespace agent {

namespace {

using Reason = ModelFailure::Reason;

constexpr size_t longest_detail = 400;

struct NamedError {
    std::string_view name;
    Reason reason;
};

// error.code or error.type, as the providers write them.
constexpr NamedError named_errors[] = {
    {"overloaded_error", Reason::rate_limit},
    {"rate_limit_error", Reason::rate_limit},
    {"rate_limit_exceeded", Reason::rate_limit},
    {"server_is_overloaded", Reason::rate_limit},
    {"slow_down", Reason::rate_limit},
    {"authentication_error", Reason::auth},
    {"permission_error", Reason::auth},
    {"invalid_api_key", Reason::auth},
    {"billing_error", Reason::billing},
    {"insufficient_quota", Reason::billing},
    {"billing_not_active", Reason::billing},
    {"billing_hard_limit_reached", Reason::billing},
    {"timeout_error", Reason::timed_out},
    {"request_too_large", Reason::context_overflow},
    {"context_length_exceeded", Reason::context_overflow},
    {"not_found_error", Reason::provider},
    {"model_not_found", Reason::provider},
    {"model_decommissioned", Reason::provider},
    {"api_error", Reason::provider},
    {"server_error", Reason::provider},
    {"internal_server_error", Reason::provider},
};

struct StatusError {
    int first;
    int last;
    Reason reason;
};

// Read from the top; the first row that fits decides.
constexpr StatusError status_errors[] = {
    {401, 401, Reason::auth},       {402, 402, Reason::billing},
    {403, 403, Reason::auth},       {404, 405, Reason::provider},
    {408, 408, Reason::timed_out},  {413, 413, Reason::context_overflow},
    {429, 429, Reason::rate_limit}, {400, 499, Reason::format},
    {504, 504, Reason::timed_out},  {529, 529, Reason::rate_limit},
    {300, 399, Reason::provider},   {500, 599, Reason::provider},
};

// Only within errors about the request, whose type says no more than that.
constexpr NamedError telling_texts[] = {
    {"prompt is too long", Reason::context_overflow},
    {"maximum context length", Reason::context_overflow},
    {"exceeds the context window", Reason::context_overflow},
    {"exceed context limit", Reason::context_overflow},
    {"exceeds the maximum number of tokens", Reason::context_overflow},
    {"maximum prompt length", Reason::context_overflow},
    {"reduce the length of the messages", Reason::context_overflow},
    {"exceeds the available context size", Reason::context_overflow},
    {"credit balance is too low", Reason::billing},
    {"api key not valid", Reason::auth},  // Google, with 400
    {"incorrect api key", Reason::auth},  // xAI, with 400
};

const NamedError* find_named(std::string_view name) {
    for (const NamedError& row : named_errors)
        if (row.name == name) return &row;
    return nullptr;
}

const StatusError* find_status(int status) {
    for (const StatusError& row : status_errors)
        if (status >= row.first && status <= row.last) return &row;
    return nullptr;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

Reason by_text(std::string_view text) {
    const std::string lowered = lower(text);
    for (const NamedError& row : telling_texts)
        if (lowered.find(row.name) != std::string::npos) return row.reason;
    return Reason::format;
}

Reason classify(int status, const std::string& code, const std::string& type,
                std::string_view text) {
    if (const NamedError* row = find_named(code)) return row->reason;
    if (const NamedError* row = find_named(type)) return row->reason;
    const StatusError* row = find_status(status);
    const Reason reason = row                               ? row->reason
                          : type == "invalid_request_error" ? Reason::format
                                                            : Reason::provider;
    return reason == Reason::format ? by_text(text) : reason;
}

// One line, no control characters, of bounded length, cut between characters.
std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const bool blank = static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
        if (line.size() > longest_detail) break;
    }
    if (line.size() > longest_detail) {
        size_t end = longest_detail;
        while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
        line = line.substr(0, end) + "…";
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

// Some servers put a number into "code".
std::string code_of(const Json& error) {
    const Json& code = member(error, "code");
    return code.is_string() ? code.get<std::string>() : std::string();
}

int status_within(const Json& error) {
    const int64_t code = int_member(error, "code");
    return code >= 400 && code <= 599 ? static_cast<int>(code) : 0;
}

std::string describe(int status, const std::string& kind, const std::string& text) {
    std::string detail = status ? "HTTP " + std::to_string(status) : "";
    if (!kind.empty()) detail += (detail.empty() ? "" : " ") + kind;
    if (!text.empty()) detail += (detail.empty() ? "" : ": ") + text;
    return detail.empty() ? "an error without a description" : detail;
}

constexpr double longest_wait_ms = 86'400'000;

// A number of that unit, in milliseconds.
std::optional<double> wait_in(std::string_view text, double unit_ms) {
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return {};
    if (!std::isfinite(number) || number < 0) return 0;
    return number * unit_ms;
}

// "Wed, 21 Oct 2026 07:28:00 GMT"
std::optional<double> wait_until(const std::string& text, int64_t now_ms) {
    struct tm parts {};
    const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (!end || *end != '\0') return {};
    return std::max(0.0,
                    static_cast<double>(::timegm(&parts)) * 1000 - static_cast<double>(now_ms));
}

}  // namespace

ModelFailure failure_of_error(int status, const Json& error) {
    const std::string text =
        one_line(error.is_string() ? error.get<std::string>() : text_member(error, "message"));
    const std::string type = text_member(error, "type");
    const std::string code = code_of(error);
    const int known_status = status ? status : status_within(error);
    ModelFailure failure;
    failure.reason = classify(known_status, code, type, text);
    failure.http_status = known_status;
    failure.text = describe(known_status, one_line(type.empty() ? code : type), text);
    return failure;
}

std::chrono::milliseconds retry_after_of(std::string_view header, std::string_view header_ms,
                                         int64_t now_ms) {
    std::optional<double> wait = wait_in(header_ms, 1);
    if (!wait) wait = wait_in(header, 1000);
    if (!wait) wait = wait_until(std::string(header), now_ms);
    return std::chrono::milliseconds(
        static_cast<int64_t>(std::min(wait.value_or(0), longest_wait_ms)));
}

ModelFailure failure_of_answer(int status, std::string_view body,
                               std::chrono::milliseconds retry_after) {
    const Result<Json> parsed = parse_json(body);
    // {"error":{…}}; a list of one such object; or the error itself.
    const Json* answer = parsed ? &*parsed : nullptr;
    if (answer && answer->is_array() && !answer->empty()) answer = &answer->front();
    ModelFailure failure;
    if (answer && answer->is_object()) {
        const Json& error = member(*answer, "error");
        failure = failure_of_error(status, error.is_null() ? *answer : error);
    } else {
        failure = failure_of_error(status, Json(std::string(body.substr(0, longest_detail))));
    }
    if (status >= 300 && status < 400)
        failure.text = "HTTP " + std::to_string(status) +
                       ": a redirect, which is not followed; correct the provider's baseUrl";
    failure.retry_after = retry_after;
    return failure;
}

ModelFailure failure_of_transport(const Error& error) {
    const Reason reason = error.fault == Fault::timed_out     ? Reason::timed_out
                          : error.fault == Fault::unreachable ? Reason::unreachable
                                                              : Reason::provider;
    return {reason, 0, one_line(error.what), {}};
}

bool is_worth_repeating(const ModelFailure& failure) {
    switch (failure.reason) {
        case Reason::rate_limit:
        case Reason::timed_out:
        case Reason::unreachable:
            return true;
        case Reason::provider:  // not when the address or the model does not exist
            return failure.http_status == 0 || failure.http_status >= 500;
        case Reason::auth:
        case Reason::billing:
        case Reason::format:
        case Reason::context_overflow:
            return false;
    }
    return false;
}

const char* reason_name(Reason reason) {
    switch (reason) {
        case Reason::rate_limit:
            return "rate_limit";
        case Reason::auth:
            return "auth";
        case Reason::billing:
            return "billing";
        case Reason::timed_out:
            return "timeout";
        case Reason::format:
            return "format";
        case Reason::context_overflow:
            return "context_overflow";
        case Reason::unreachable:
            return "unreachable";
        case Reason::provider:
            return "provider";
    }
    return "provider";
}

std::string masked(std::string text, const std::vector<std::string>& secrets) {
    constexpr size_t telling = 8;
    for (const std::string& secret : secrets) {
        if (secret.size() < telling) continue;
        size_t at = 0;
        while (at + telling <= text.size()) {
            size_t length = telling;
            if (secret.find(std::string_view(text).substr(at, length)) == std::string::npos) {
                ++at;
                continue;
            }
            while (at + length < text.size() &&
                   secret.find(std::string_view(text).substr(at, length + 1)) != std::string::npos)
                ++length;
            text.replace(at, length, "***");
            at += 3;
        }
    }
    return text;
}

}  // namespace agent
