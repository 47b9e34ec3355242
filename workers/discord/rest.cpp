#include "workers/discord/rest.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <random>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace discord {

namespace {

constexpr int64_t usual_retry_ms = 1'000;
constexpr int64_t longest_reset_ms = 60'000;
constexpr size_t largest_answer = 8u << 20;

struct Hint {
    int code;
    std::string_view text;
};
constexpr Hint hints[] = {
    {10003, "the channel is gone"},
    {10008, "the message is gone"},
    {50001, "the bot may not see this channel: give it View Channel"},
    {50007, "this person takes no direct messages from the bot"},
    {50013,
     "the bot lacks a permission here: View Channel, Send Messages, Send Messages in "
     "Threads, Attach Files or Add Reactions"},
    {40005, "the file is too large for Discord"},
    {160004, "the message has a thread already"},
};

int64_t milliseconds_of(std::string_view seconds) {
    double value = 0;
    const auto [end, fault] =
        std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
    // "nan" is read as a number, too.
    if (fault != std::errc() || !(value >= 0) || value > 1e11) return 0;
    return static_cast<int64_t>(value * 1000) + 1;
}

// 0: not told.
int64_t retry_after_of(const Json& told) {
    if (told.is_string()) return milliseconds_of(told.get_ref<const std::string&>());
    return told.is_number() ? milliseconds_of(told.dump()) : 0;
}

RateHeaders headers_of(const HttpsAnswer& answer) {
    RateHeaders headers;
    headers.bucket = answer.header("x-ratelimit-bucket");
    headers.reset_after_ms = milliseconds_of(answer.header("x-ratelimit-reset-after"));
    // Where only the time is told: as far as our clock and theirs agree.
    if (const int64_t at = milliseconds_of(answer.header("x-ratelimit-reset"));
        headers.reset_after_ms == 0 && at > 0)
        headers.reset_after_ms = std::clamp<int64_t>(at - wall_ms(), 0, longest_reset_ms);
    headers.is_global = answer.header("x-ratelimit-global") == "true";
    headers.scope = answer.header("x-ratelimit-scope");
    const std::string_view remaining = answer.header("x-ratelimit-remaining");
    std::from_chars(remaining.data(), remaining.data() + remaining.size(), headers.remaining);
    return headers;
}

bool is_transient(int status) {
    return status == 500 || status == 502 || status == 503 || status == 504 || status == 0;
}

double between(double least, double most) {
    static std::minstd_rand generator{std::random_device{}()};
    return std::uniform_real_distribution<double>(least, most)(generator);
}

}  // namespace

struct Rest::Entry {
    RestRequest request;
    Handler handler;
    int failures = 0;
    bool may_have_arrived = false;
    int64_t not_before_ms = 0;
};

Rest::Rest(ClientContext& context, Options options)
    : context_(context), options_(std::move(options)), https_(context) {}

Rest::~Rest() {
    queues_.clear();
}

size_t Rest::waiting() const {
    size_t count = 0;
    for (const auto& [key, queue] : queues_) count += queue.entries.size();
    return count;
}

void Rest::send(RestRequest request, Handler handler) {
    auto entry = std::make_unique<Entry>();
    const std::string key = limits_.bucket_of(request.method + " " + request.route, request.major);
    entry->request = std::move(request);
    entry->handler = std::move(handler);
    Queue& queue = queues_[key];
    queue.entries.push_back(std::move(entry));
    if (!queue.is_busy && !queue.timer)
        queue.timer =
            context_.loop().after(std::chrono::milliseconds(0), [this, key] { serve(key); });
}

void Rest::serve(const std::string& key) {
    const auto found = queues_.find(key);
    if (found == queues_.end()) return;
    Queue& queue = found->second;
    queue.timer.reset();
    if (queue.is_busy || is_refused_) return;
    if (queue.entries.empty()) {
        queues_.erase(found);
        return;
    }
    Entry& entry = *queue.entries.front();
    const bool counts = !entry.request.is_interaction;
    const int64_t now = monotonic_ms();
    const std::string bucket =
        limits_.bucket_of(entry.request.method + " " + entry.request.route, entry.request.major);
    const int64_t wait = std::max(limits_.wait_ms(bucket, counts, now), entry.not_before_ms - now);
    if (wait > 0) {
        queue.timer =
            context_.loop().after(std::chrono::milliseconds(wait), [this, key] { serve(key); });
        return;
    }
    Error fault;
    HttpsRequest request = prepare(entry, fault);
    queue.is_busy = true;
    if (!fault.what.empty()) {
        queue.timer = context_.loop().after(std::chrono::milliseconds(0), [this, key, fault] {
            RestAnswer answer;
            answer.status = 400;
            answer.error = fault.what;
            finish(key, answer);
        });
        return;
    }
    limits_.sent(bucket, counts);
    queue.bucket = bucket;
    queue.call = https_.start(
        std::move(request), [this, key](HttpsOutcome outcome) { ended(key, std::move(outcome)); });
}

HttpsRequest Rest::prepare(const Entry& entry, Error& fault) const {
    const RestRequest& asked = entry.request;
    HttpsRequest request;
    request.method = asked.method;
    request.url = options_.api_url + asked.path;
    request.total_timeout = asked.timeout;
    request.largest_answer = largest_answer;
    if (asked.with_token) request.headers.emplace_back("Authorization", "Bot " + options_.token);
    request.headers.emplace_back("User-Agent", user_agent);
    if (!asked.uploads.empty()) {
        MultipartBody body;
        body.add_field("payload_json", print_json(asked.body), "application/json");
        for (size_t i = 0; i < asked.uploads.size(); ++i) {
            const auto& upload = asked.uploads[i];
            const Done added = body.add_file("files[" + std::to_string(i) + "]", upload.name,
                                             upload.type, upload.path);
            if (!added) fault = added.error();
        }
        request.headers.emplace_back("Content-Type", body.content_type());
        request.body = body.finish();
    } else if (!asked.body.is_null()) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body.push_back({print_json(asked.body), {}, 0});
    }
    return request;
}

void Rest::ended(const std::string& key, HttpsOutcome outcome) {
    Queue& queue = queues_[key];
    Entry& entry = *queue.entries.front();
    limits_.ended(!entry.request.is_interaction, monotonic_ms());
    RestAnswer answer = read(entry, queue.bucket, outcome);
    if (answer.status == 401 && entry.request.with_token) {
        is_refused_ = true;
        log_error("Discord refuses the bot token (401)");
        if (on_refused_token_) on_refused_token_();
        return;
    }
    if (repeats(entry, answer)) {
        queue.is_busy = false;
        entry.not_before_ms = monotonic_ms() + answer.retry_after_ms;
        return serve(key);
    }
    finish(key, answer);
}

RestAnswer Rest::read(const Entry& entry, const std::string& bucket, HttpsOutcome& outcome) {
    RestAnswer answer;
    if (!outcome.answer) {
        limits_.unanswered(bucket, outcome.may_have_arrived);
        answer.error = outcome.answer.error().what;
        answer.may_have_arrived = outcome.may_have_arrived;
        return answer;
    }
    HttpsAnswer& got = *outcome.answer;
    answer.status = got.status;
    if (Result<Json> body = parse_json(got.body); body && !got.body.empty())
        answer.body = std::move(*body);
    answer.code = static_cast<int>(int_member(answer.body, "code"));
    note_limits(entry, bucket, got, answer);
    if (answer.is_ok()) return answer;
    const std::string_view hint = rest_hint(answer.code);
    answer.error = fmt::format(
        "Discord answers {} {} with {}{}: {}", entry.request.method, entry.request.route,
        answer.status, answer.code ? fmt::format(" ({})", answer.code) : "",
        hint.empty() ? text_member(answer.body, "message", "no reason") : std::string(hint));
    return answer;
}

void Rest::note_limits(const Entry& entry, const std::string& bucket, const HttpsAnswer& answer,
                       RestAnswer& read) {
    const int64_t now = monotonic_ms();
    const RateHeaders headers = headers_of(answer);
    const std::string route = entry.request.method + " " + entry.request.route;
    limits_.answered(bucket, route, entry.request.major, answer.status, headers, now);
    if (answer.status != 429) return;
    read.retry_after_ms = retry_after_of(member(read.body, "retry_after"));
    if (read.retry_after_ms == 0)
        read.retry_after_ms = milliseconds_of(answer.header("retry-after"));
    if (read.retry_after_ms == 0) read.retry_after_ms = headers.reset_after_ms;
    read.retry_after_ms = std::clamp<int64_t>(read.retry_after_ms, 1, 24 * 3'600'000);
    // What stands before Discord answers without JSON, and means the address.
    const bool is_global =
        headers.is_global || bool_member(read.body, "global") || !read.body.is_object();
    limits_.limited(limits_.bucket_of(route, entry.request.major), read.retry_after_ms, is_global,
                    now);
    log_warn("Discord limits {} {}{} for {} ms", entry.request.method, entry.request.route,
             is_global ? " and everything else" : "", read.retry_after_ms);
}

void Rest::machine_slept() {
    https_.close_idle();
    std::vector<std::string> busy;
    for (const auto& [key, queue] : queues_)
        if (queue.is_busy && queue.call) busy.push_back(key);
    for (const std::string& key : busy) {
        queues_[key].call.reset();
        ended(key, {Error{Fault::unreachable, "the machine stood still"}, true});
    }
}

bool Rest::repeats(Entry& entry, RestAnswer& answer) {
    entry.may_have_arrived |= answer.may_have_arrived;
    const std::string& method = entry.request.method;
    const bool is_safe = entry.request.may_repeat || method == "GET" || method == "PUT" ||
                         method == "DELETE" || method == "PATCH";
    const bool was_not_done =
        answer.status == 429 || (answer.status == 0 && !answer.may_have_arrived);
    const bool could_help = answer.status == 429 || is_transient(answer.status);
    if (!could_help) return false;
    const int64_t least = options_.least_delay_ms << std::min(entry.failures, 16);
    const int64_t delay =
        std::min(static_cast<int64_t>(static_cast<double>(least) * between(0.9, 1.1)),
                 options_.most_delay_ms);
    answer.retry_after_ms = std::max(answer.retry_after_ms, delay);
    if (entry.request.is_interaction || (!is_safe && !was_not_done)) return false;
    // Longer than that, whoever asked should know.
    return ++entry.failures < options_.attempts && answer.retry_after_ms <= options_.most_delay_ms;
}

void Rest::finish(const std::string& key, const RestAnswer& answer) {
    Queue& queue = queues_[key];
    const std::unique_ptr<Entry> entry = std::move(queue.entries.front());
    queue.entries.pop_front();
    queue.is_busy = false;
    queue.timer = context_.loop().after(std::chrono::milliseconds(0), [this, key] { serve(key); });
    RestAnswer told = answer;
    told.may_have_arrived |= entry->may_have_arrived;
    if (told.retry_after_ms == 0) told.retry_after_ms = usual_retry_ms;
    if (entry->handler) entry->handler(told);
}

RestRequest rest_get(std::string route, std::string path, std::string major) {
    RestRequest request;
    request.method = "GET";
    request.route = std::move(route);
    request.path = std::move(path);
    request.major = std::move(major);
    return request;
}

std::string_view rest_hint(int code) {
    for (const Hint& hint : hints)
        if (hint.code == code) return hint.text;
    return {};
}

}  // namespace discord
