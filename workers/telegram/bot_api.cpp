#include "workers/telegram/bot_api.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace telegram {

namespace {

using Kind = ApiFailure::Kind;
using std::chrono::milliseconds;

constexpr size_t largest_answer = 8u << 20;
constexpr size_t longest_description = 300;
constexpr int gateway_timeout = 504;

struct StatusRow {
    int first;
    int last;
    Kind kind;
};
// Read from the top; the first row that fits decides.
constexpr StatusRow status_rows[] = {
    {401, 401, Kind::unauthorized}, {409, 409, Kind::conflict},  {429, 429, Kind::too_many},
    {502, 503, Kind::unavailable},  {500, 599, Kind::ambiguous},
};

Kind kind_of(int code) {
    for (const StatusRow& row : status_rows)
        if (code >= row.first && code <= row.last) return row.kind;
    return Kind::refused;
}

ApiAnswer failed(Kind kind, int code, std::string description) {
    ApiAnswer answer;
    answer.failure = std::make_unique<ApiFailure>();
    answer.failure->kind = kind;
    answer.failure->code = code;
    answer.failure->description =
        without_tokens(std::move(description)).substr(0, longest_description);
    return answer;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : print_json(value);
}

// 0: it is none, or nonsense.
milliseconds duration_of(std::string_view seconds) {
    double value = 0;
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
    if (!(value > 0)) return milliseconds(0);  // "nan" is read as a number, too
    return milliseconds(static_cast<int64_t>(std::ceil(std::clamp(value, 0.0, 86'400.0) * 1000)));
}

// "Too Many Requests: retry after 5"; empty: it does not say.
std::string_view seconds_in(std::string_view description) {
    constexpr std::string_view words = "retry after ";
    const size_t at = description.find(words);
    return at == description.npos ? "" : description.substr(at + words.size());
}

// Told in the parameters, in words, or by whatever stands before the Bot API, in a header.
milliseconds wait_of(const Json& body, std::string_view header) {
    const Json& told = member(member(body, "parameters"), "retry_after");
    milliseconds wait(0);
    if (told.is_number() || told.is_string()) wait = duration_of(text_of(told));
    if (wait.count() == 0) wait = duration_of(seconds_in(text_view(body, "description")));
    return wait.count() == 0 ? duration_of(header) : wait;
}

// What Telegram itself says about a failure. That it waits to be asked again is said with codes of
// other kinds, too, and a failure it tells of is one in which it did nothing.
Kind kind_told(int code, milliseconds wait) {
    const Kind kind = kind_of(code);
    if (kind == Kind::refused && wait.count() > 0) return Kind::too_many;
    return kind == Kind::ambiguous && code != gateway_timeout ? Kind::unavailable : kind;
}

// A path may carry the name that somebody gave a file; what is escaped already stays so.
std::string as_path(std::string_view text) {
    std::string made;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > ' ' && byte < 0x7f && c != '#' && c != '?')
            made += c;
        else
            made += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
    }
    return made;
}

bool is_token_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

std::string without_tokens(std::string text) {
    constexpr size_t shortest_secret = 30;
    for (size_t colon = text.find(':'); colon != text.npos; colon = text.find(':', colon + 1)) {
        size_t begin = colon;
        while (begin > 0 && is_digit(text[begin - 1])) --begin;
        size_t end = colon + 1;
        while (end < text.size() && is_token_character(text[end])) ++end;
        if (begin == colon || end - colon - 1 < shortest_secret) continue;
        text.replace(begin, end - begin, "***");
        colon = begin;
    }
    return text;
}

ApiAnswer read_answer(int status, const std::string& body, std::string_view retry_after) {
    Result<Json> value = parse_json(body);
    if (!value || !value->is_object()) {
        // Not the Bot API but something before it.
        const Kind kind = status >= 200 && status < 300 ? Kind::ambiguous : kind_of(status);
        ApiAnswer answer = failed(kind, status, "HTTP status " + std::to_string(status));
        answer.failure->retry_after = duration_of(retry_after);
        return answer;
    }
    if (bool_member(*value, "ok")) {
        ApiAnswer answer;
        if (value->contains("result")) answer.result = std::move((*value)["result"]);
        return answer;
    }
    const int code = static_cast<int>(int_member(*value, "error_code", status));
    const std::string description = text_member(*value, "description", "no reason");
    // So the server answers to a token that does not even look like one.
    const bool no_such_bot = code == 404 && description == "Not Found";
    const milliseconds wait = wait_of(*value, retry_after);
    ApiAnswer answer =
        failed(no_such_bot ? Kind::unauthorized : kind_told(code, wait), code, description);
    answer.failure->retry_after = wait;
    answer.failure->migrated_to = id_member(member(*value, "parameters"), "migrate_to_chat_id");
    return answer;
}

BotApi::BotApi(ClientContext& context, Options options)
    : options_(std::move(options)), polling_(context), calling_(context), fetching_(context) {}

BotApi::~BotApi() = default;

HttpsRequest BotApi::request_to(const std::string& method) const {
    HttpsRequest request;
    request.method = "POST";
    request.url = options_.url + "/bot" + options_.token.reveal() + "/" + method;
    request.largest_answer = largest_answer;
    return request;
}

BotApi::CallId BotApi::keep(std::unique_ptr<HttpsCall> call) {
    calls_[last_id_] = std::move(call);
    return last_id_;
}

BotApi::CallId BotApi::start(HttpsClient& client, HttpsRequest request, Handler handler) {
    const CallId id = ++last_id_;
    return keep(client.start(
        std::move(request), [this, id, handler = std::move(handler)](HttpsOutcome outcome) {
            // Kept until the handler is done: this function is a part of it.
            const std::unique_ptr<HttpsCall> call = std::move(calls_[id]);
            calls_.erase(id);
            const Handler call_back = handler;
            if (outcome.answer)
                return call_back(judged(read_answer(outcome.answer->status, outcome.answer->body,
                                                    outcome.answer->header("retry-after"))));
            call_back(failed(outcome.may_have_arrived ? Kind::ambiguous : Kind::unavailable, 0,
                             outcome.answer.error().what));
        }));
}

// A server that knows the token means the method when it finds something not to be there.
ApiAnswer BotApi::judged(ApiAnswer answer) {
    token_is_known_ = token_is_known_ || answer;
    if (token_is_known_ && answer.failure && answer.failure->code == 404)
        answer.failure->kind = Kind::refused;
    return answer;
}

BotApi::CallId BotApi::call(const std::string& method, const Json& params, Handler handler,
                            std::chrono::milliseconds timeout) {
    HttpsRequest request = request_to(method);
    request.headers.emplace_back("content-type", "application/json");
    BodyPiece body;
    body.bytes = params.is_null() ? "{}" : print_json(params);
    request.body.push_back(std::move(body));
    request.total_timeout = timeout.count() > 0 ? timeout : options_.timeout;
    // All others ask for something, or set what is set then.
    request.may_repeat = !method.starts_with("send");
    return start(method == "getUpdates" ? polling_ : calling_, std::move(request),
                 std::move(handler));
}

Result<BotApi::CallId> BotApi::upload(const std::string& method, const Json& params,
                                      const ApiFile& file, Handler handler) {
    MultipartBody body;
    for (const auto& [name, value] : params.items()) body.add_field(name, text_of(value));
    const Done added = body.add_file(file.field, file.name, file.mime_type, file.path);
    if (!added) return added.error();
    HttpsRequest request = request_to(method);
    request.headers.emplace_back("content-type", body.content_type());
    request.body = body.finish();
    request.total_timeout = std::max(file_timeout, options_.timeout);
    return start(calling_, std::move(request), std::move(handler));
}

BotApi::CallId BotApi::download(const std::string& file_path, const std::string& path,
                                uint64_t most, Stored handler) {
    HttpsRequest request;
    request.url = options_.url + "/file/bot" + options_.token.reveal() + "/" + as_path(file_path);
    request.into_file = path;
    request.largest_answer = most;
    request.total_timeout = std::max(file_timeout, options_.timeout);
    const CallId id = ++last_id_;
    return keep(fetching_.start(
        std::move(request), [this, id, handler = std::move(handler)](HttpsOutcome outcome) {
            const std::unique_ptr<HttpsCall> call = std::move(calls_[id]);
            calls_.erase(id);
            const Stored call_back = handler;
            if (!outcome.answer) return call_back(outcome.answer.error());
            if (outcome.answer->status == 200) return call_back(Done());
            call_back(Error{Fault::unreachable, "the file could not be fetched: HTTP status " +
                                                    std::to_string(outcome.answer->status)});
        }));
}

void BotApi::close_connections() {
    for (HttpsClient* client : {&polling_, &calling_, &fetching_}) client->close_idle();
}

void BotApi::cancel(CallId id) {
    calls_.erase(id);
}

}  // namespace telegram
