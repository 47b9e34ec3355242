#include "workers/telegram/probe.h"

#include <algorithm>

#include "workers/common/base/clock.h"

namespace telegram {

namespace {

constexpr std::chrono::milliseconds shortest{1'000};
constexpr std::chrono::milliseconds longest{30'000};

Json failed(const ApiFailure& failure, int64_t since) {
    return {{"ok", false},
            {"status", failure.code == 0 ? Json() : Json(failure.code)},
            {"error", failure.description},
            {"elapsedMs", monotonic_ms() - since}};
}

Json worked(const Json& bot, int64_t since) {
    return {{"ok", true},
            {"status", nullptr},
            {"error", nullptr},
            {"elapsedMs", monotonic_ms() - since},
            {"bot",
             {{"id", int_member(bot, "id")},
              {"username", text_member(bot, "username")},
              {"canJoinGroups", bool_member(bot, "can_join_groups")},
              {"canReadAllGroupMessages", bool_member(bot, "can_read_all_group_messages")},
              {"supportsInlineQueries", bool_member(bot, "supports_inline_queries")}}}};
}

}  // namespace

void probe(BotApi& api, std::chrono::milliseconds timeout,
           std::function<void(const std::string& result_json)> answer) {
    const int64_t since = monotonic_ms();
    const auto limit = std::clamp(timeout, shortest, longest);
    api.call(
        "getMe", Json::object(),
        [&api, since, limit, answer = std::move(answer)](const ApiAnswer& me) {
            if (!me) return answer(print_json(failed(*me.failure, since)));
            Json result = worked(me.result, since);
            api.call(
                "getWebhookInfo", Json::object(),
                [since, answer, result = std::move(result)](const ApiAnswer& info) {
                    Json whole = result;
                    if (info)
                        whole["webhook"] = {
                            {"url", text_member(info.result, "url")},
                            {"hasCustomCert", bool_member(info.result, "has_custom_certificate")}};
                    whole["elapsedMs"] = monotonic_ms() - since;
                    answer(print_json(whole));
                },
                limit);
        },
        limit);
}

}  // namespace telegram
