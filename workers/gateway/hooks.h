// What a request below hooks.path asks for, once its token has been found right: to wake the main
// session, or to have the agent run a turn. Pure.
//
// What comes in was written by strangers, even where a program of the owner's passes it on: the
// agent gets it between marks that it cannot contain, unless the owner has said otherwise. So does
// the main session with what a run that read it has to say. Who holds the hooks' token reaches
// sessions of hooks only: those whose key begins with "hook:", or as the owner's mapping begins it.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "workers/gateway/hook_settings.h"
#include "workers/gateway/http_answer.h"
#include "workers/gateway/http_request.h"
#include "workers/gateway/turn_end.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

struct HookWake {
    std::string text;
    bool now = true;
    std::string_view mode() const { return now ? "now" : "next-heartbeat"; }
};

struct HookRun {
    TurnOrder order;
    std::string name;
    std::string model;  // empty: the session's
    bool wake_now = true;
    bool is_trusted = false;
    // Where the answer is wanted.
    bool deliver = true;
    std::string channel;
    std::string to;
};

// An answer when there is nothing to be done.
using HookAction = std::variant<HookWake, HookRun, HttpAnswer>;

HookAction decide_hook(const HttpAsk& ask, const Json& payload, const HookSettings& settings,
                       int64_t now_ms);

HttpAnswer hook_failure(int status, std::string_view error);
// `text` between marks with a number that it cannot know.
std::string untrusted_text(std::string_view text, std::string_view number);
// What the main session is told of a run's end.
std::string hook_summary(const HookRun& run, const TurnEnd& end);

}  // namespace gateway
