#include "workers/gateway/routes_table.h"

namespace gateway {

namespace {

constexpr const char* allow_post = "\r\nAllow: POST";

// clang-format off
constexpr Route routes[] = {
    // name               served by                 shows         path, with what is below, largest body
    {"hooks",            Serves::hooks,            Proof::hook,
     [](const GatewaySettings& all) { return all.http.hooks.enabled ? std::string_view(all.http.hooks.path) : ""; }, true,
     [](const GatewaySettings& all) { return all.http.hooks.body; }},
    {"tools/invoke",     Serves::tools,            Proof::owner,
     [](const GatewaySettings&) { return std::string_view("/tools/invoke"); }, false,
     [](const GatewaySettings&) { return HttpSettings::tool_body; }},
    {"responses",        Serves::responses,        Proof::owner,
     [](const GatewaySettings& all) { return std::string_view(all.http.responses ? "/v1/responses" : ""); }, false,
     [](const GatewaySettings& all) { return all.http.responses_body; }},
    {"chat/completions", Serves::chat_completions, Proof::owner,
     [](const GatewaySettings& all) { return std::string_view(all.http.chat_completions ? "/v1/chat/completions" : ""); }, false,
     [](const GatewaySettings&) { return HttpSettings::chat_body; }},
    // The canvas host is not part of this gateway, and its paths are none of the page's.
    {"canvas",           Serves::nobody,           Proof::none,
     [](const GatewaySettings&) { return std::string_view("/__openclaw__"); }, true,
     [](const GatewaySettings&) { return size_t{0}; }},
};
// clang-format on

bool fits(const Route& route, std::string_view path, const GatewaySettings& settings) {
    const std::string_view own = route.path(settings);
    if (own.empty() || !path.starts_with(own)) return false;
    const std::string_view rest = path.substr(own.size());
    return rest.empty() || (route.with_what_is_below && rest.front() == '/');
}

bool shows_hook_token(const HttpAsk& ask, const SharedAuth& expected) {
    // The first that is there counts, as clients may send an empty one along.
    for (const Secret* shown : {&ask.bearer, &ask.openclaw_token, &ask.query_token})
        if (!shown->empty()) return expected.accepts(*shown, *shown);
    return false;
}

bool shows_anything(const HttpAsk& ask, Proof proof) {
    if (!ask.bearer.empty()) return true;
    return proof == Proof::hook && (!ask.openclaw_token.empty() || !ask.query_token.empty());
}

// A device's token is none of those: it opens the WebSocket only.
bool is_proved(const HttpAsk& ask, Proof proof, const HttpSecrets& secrets) {
    if (proof == Proof::hook) return shows_hook_token(ask, secrets.hook);
    return secrets.owner.accepts(ask.bearer, ask.bearer);
}

HttpAnswer unauthorized(const Route& route) {
    if (route.proof == Proof::hook) return text_answer(401, "Unauthorized");
    return openai_failure(401, "unauthorized", "Unauthorized", "\r\nWWW-Authenticate: Bearer");
}

HttpAnswer too_many_failures(const Route& route, int64_t wait_ms) {
    const std::string seconds = std::to_string((wait_ms + 999) / 1000);
    return failure_answer(route, 429, "rate_limit_error",
                          "too many failed attempts; try again in " + seconds + " s",
                          "\r\nRetry-After: " + seconds);
}

struct Check {
    const HttpAsk& ask;
    const Route& route;
    const GatewaySettings& settings;
    const HttpSecrets& secrets;
    AttemptLimiter& limiter;
    int64_t tick_ms;
};
using MaybeRefusal = std::optional<HttpAnswer>;

MaybeRefusal is_served(const Check& check) {
    if (check.route.serves != Serves::nobody) return {};
    return text_answer(404, "Not Found");
}

MaybeRefusal has_a_length(const Check& check) {
    if (check.ask.chunked)
        return failure_answer(check.route, 411, "invalid_request_error",
                              "send the body with a Content-Length, not in chunks");
    if (check.ask.bad_length)
        return failure_answer(check.route, 400, "invalid_request_error",
                              "Content-Length is no number");
    return {};
}

MaybeRefusal is_post(const Check& check) {
    if (check.ask.method == "POST") return {};
    return text_answer(405, "Method Not Allowed", false, allow_post);
}

// Who holds a token that guessing does not find is heard while others fail.
MaybeRefusal shows_the_secret(const Check& check) {
    const Proof proof = check.route.proof;
    const std::string& source = check.ask.source.limiter_key;
    const bool proved = is_proved(check.ask, proof, check.secrets);
    const int64_t wait = check.limiter.wait_ms(source, check.tick_ms);
    const SharedAuth& expected = proof == Proof::hook ? check.secrets.hook : check.secrets.owner;
    const bool exempt = proved && expected.is_beyond_guessing();
    if (wait > 0 && !exempt) return too_many_failures(check.route, wait);
    if (proved) return {};
    // Who shows nothing guesses nothing.
    if (shows_anything(check.ask, proof)) check.limiter.failed(source, check.tick_ms);
    return unauthorized(check.route);
}

MaybeRefusal has_a_small_body(const Check& check) {
    const size_t most = check.route.largest_body(check.settings);
    if (check.ask.body_bytes <= most) return {};
    const std::string text = "the body is larger than " + std::to_string(most) + " bytes";
    const int status = check.route.serves == Serves::hooks ? 413 : 400;
    return failure_answer(check.route, status, "invalid_request_error", text);
}

using Step = MaybeRefusal (*)(const Check&);
// Hooks tell nobody which methods they know; the others follow what their clients expect.
constexpr Step for_hooks[] = {shows_the_secret, is_post, has_a_length, has_a_small_body};
constexpr Step for_others[] = {is_served, is_post, shows_the_secret, has_a_length,
                               has_a_small_body};

template <typename Steps>
MaybeRefusal first_refusal(const Steps& steps, const Check& check) {
    for (const Step step : steps)
        if (MaybeRefusal refusal = step(check)) return refusal;
    return {};
}

}  // namespace

const Route* find_route(std::string_view path, const GatewaySettings& settings) {
    for (const Route& route : routes)
        if (fits(route, path, settings)) return &route;
    return nullptr;
}

std::optional<HttpAnswer> refusal_of(const HttpAsk& ask, const Route& route,
                                     const GatewaySettings& settings, const HttpSecrets& secrets,
                                     AttemptLimiter& limiter, int64_t tick_ms) {
    const Check check{ask, route, settings, secrets, limiter, tick_ms};
    MaybeRefusal refusal = route.serves == Serves::hooks ? first_refusal(for_hooks, check)
                                                         : first_refusal(for_others, check);
    // Its body stays unread.
    if (refusal && (ask.has_body || ask.chunked)) end_connection(*refusal);
    return refusal;
}

HttpAnswer openai_failure(int status, std::string_view type, std::string_view message,
                          const std::string& more) {
    return json_answer(
        status, {{"error", {{"message", std::string(message)}, {"type", std::string(type)}}}},
        more);
}

HttpAnswer failure_answer(const Route& route, int status, std::string_view type,
                          std::string_view message, const std::string& more) {
    if (route.proof == Proof::owner) return openai_failure(status, type, message, more);
    return json_answer(status, {{"ok", false}, {"error", std::string(message)}}, more);
}

}  // namespace gateway
