// What a stranger or a client may send over plain HTTP: a path, a template's text, a body. The
// first line is the path, the second a template, the rest the body.

#include <sodium.h>

#include <algorithm>
#include <cstdlib>

#include "workers/gateway/chat_completions.h"
#include "workers/gateway/control_ui.h"
#include "workers/gateway/hooks.h"
#include "workers/gateway/responses.h"
#include "workers/gateway/tools_invoke.h"

using namespace gateway;

namespace {

std::string line_of(std::string_view& text) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

void check_page(const HttpAsk& ask) {
    const UiTarget target = ui_target(ask, "");
    if (target.name.find("..") != std::string::npos) std::abort();
    const std::string page = with_globals("<head></head>", {ask.path, ask.path, ask.path});
    if (inline_scripts(page).size() != 1) std::abort();  // a name has left its script
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool ready = sodium_init() >= 0;
    if (!ready) std::abort();
    static const ResponseIds ids{ResponseIds::Key{}};
    static const GatewaySettings settings = read_gateway_settings(Json::object(), false);
    std::string_view text(reinterpret_cast<const char*>(data), size);
    HttpAsk ask;
    ask.path = line_of(text);
    ask.headers["x-a"] = "A";
    HookSettings hooks;
    HookMapping mapping;
    mapping.key = "hooks.mappings[0]";
    mapping.message = mapping.session_key = mapping.name = HookTemplate(line_of(text));
    hooks.mappings.push_back(mapping);
    check_page(ask);
    const Result<Json> body = parse_json(text);
    if (!body) return 0;
    const HookAction action = decide_hook(ask, *body, hooks, 0);
    if (const HookRun* run = std::get_if<HookRun>(&action))
        if (run->order.message.empty() || run->order.session_key.empty()) std::abort();
    (void)read_chat_request(*body, ask, settings);
    (void)read_responses_request(*body, ask, settings, ids);
    (void)read_tool_request(*body, ask);
    return 0;
}
