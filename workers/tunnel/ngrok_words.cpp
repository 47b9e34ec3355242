#include "workers/tunnel/ngrok_words.h"

#include <algorithm>
#include <charconv>

#include "workers/common/base/json.h"

namespace tunnel {

namespace {

struct Known {
    int code;
    Fault fault;  // when `is_fatal`
    bool is_fatal;
    int least_wait_s;
    const char* cure;
};

constexpr const char* new_token =
    "set plugins.entries.voice-call.config.tunnel.ngrokAuthToken or NGROK_AUTHTOKEN to the token "
    "of "
    "your account (dashboard.ngrok.com/get-started/your-authtoken)";

constexpr const char* restriction =
    "the account takes agents only from other addresses than this machine's "
    "(dashboard.ngrok.com/ip-restrictions): change that, then `hardshell restart tunnel`";

// clang-format off
constexpr Known known[] = {
    // code  what to do               fatal  wait  what the owner can do
    {102,   Fault::bad_credentials,   true,  0,    "the account is suspended until it is paid (dashboard.ngrok.com/billing/payment-method), then `hardshell restart tunnel`"},
    {103,   Fault::bad_credentials,   true,  0,    "the account is suspended: write to support@ngrok.com"},
    {105,   Fault::bad_credentials,   true,  0,    new_token},
    {106,   Fault::bad_credentials,   true,  0,    new_token},
    {107,   Fault::bad_credentials,   true,  0,    new_token},
    {4018,  Fault::bad_credentials,   true,  0,    new_token},
    {108,   Fault::taken,             true,  0,    "another agent uses this account, perhaps on another machine: end it (dashboard.ngrok.com/agents), then `hardshell restart tunnel`"},
    {115,   Fault::bad_config,        true,  0,    restriction},
    {116,   Fault::bad_config,        true,  0,    restriction},
    {120,   Fault::bad_config,        true,  0,    "the agent is too old for this account: install a newer one"},
    {121,   Fault::bad_config,        true,  0,    "the agent is too old for this account: install a newer one"},
    {123,   Fault::bad_credentials,   true,  0,    "verify the account's email address (dashboard.ngrok.com/user/settings), then `hardshell restart tunnel`"},
    {313,   Fault::bad_config,        true,  0,    "the account's plan does not include this: choose another ngrokDomain or plan, then `hardshell restart tunnel`"},
    {319,   Fault::bad_config,        true,  0,    "reserve the domain in the account first (dashboard.ngrok.com/domains), or correct ngrokDomain"},
    {320,   Fault::bad_config,        true,  0,    "the domain belongs to another account: correct ngrokDomain"},
    {3200,  Fault::bad_config,        true,  0,    "the endpoint is offline: see dashboard.ngrok.com/endpoints, then `hardshell restart tunnel`"},
    // The agent that ran before is still known there for a while.
    {334,   Fault::busy,              false, 45,   "the address is still in use, by an agent that has just ended or by another one"},
};
// clang-format on

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    return text;
}

std::string plain(std::string_view text) {
    constexpr size_t enough = 300;
    std::string line;
    for (const char c : text.substr(0, enough))
        line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

NgrokLine error_line(std::string_view text) {
    return {NgrokLine::What::error, plain(text), ngrok_code_in(text)};
}

std::string error_in(const Json& line, const std::string& message) {
    const std::string error = text_member(line, "err");
    return error.empty() || error == "<nil>" ? message : message + ": " + error;
}

bool is_about_the_session(const std::string& message) {
    for (const char* part : {"session closed", "reconnect", "heartbeat timeout"})
        if (message.find(part) != std::string::npos) return true;
    return false;
}

}  // namespace

int ngrok_code_in(std::string_view text) {
    constexpr std::string_view mark = "ERR_NGROK_";
    const size_t at = text.find(mark);
    if (at == std::string_view::npos) return 0;
    const std::string_view digits = text.substr(at + mark.size(), 6);
    int code = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), code);
    return code;
}

NgrokLine read_ngrok_line(std::string_view line) {
    if (line.empty() || line.front() != '{') {
        // Its last words, for people: several lines, of which the first and that with the code say
        // something.
        if (line.starts_with("ERROR:"))
            line.remove_prefix(6);
        else if (ngrok_code_in(line) == 0)
            return {};
        while (line.starts_with(' ')) line.remove_prefix(1);
        return line.empty() ? NgrokLine{} : error_line(line);
    }
    const Result<Json> parsed = parse_json(line);
    if (!parsed || !parsed->is_object()) return {};
    const std::string message = text_member(*parsed, "msg");
    const std::string url = text_member(*parsed, "url");
    const std::string address = text_member(*parsed, "addr");
    if (message == "starting web service") return {NgrokLine::What::api, address};
    if (!url.empty() && !address.empty()) return {NgrokLine::What::up, url};
    if (message == "client session established") return {NgrokLine::What::back, {}};
    // It spells them "eror" and "crit".
    const std::string level = lower(text_member(*parsed, "lvl"));
    if (level != "eror" && level != "error" && level != "crit" && level != "warn") return {};
    const std::string text = error_in(*parsed, message);
    if (is_about_the_session(message) && ngrok_code_in(text) == 0)
        return {NgrokLine::What::lost, plain(text)};
    if (level == "warn" && ngrok_code_in(text) == 0) return {};
    return error_line(text);
}

std::optional<std::vector<std::string>> ngrok_urls(const std::string& json) {
    const Result<Json> parsed = parse_json(json);
    if (!parsed) return {};
    const Json& tunnels = member(*parsed, "tunnels");
    const Json& list = tunnels.is_array() ? tunnels : member(*parsed, "endpoints");
    if (!list.is_array()) return {};
    std::vector<std::string> urls;
    for (const Json& entry : list) {
        std::string url = text_member(entry, "public_url");
        if (url.empty()) url = text_member(entry, "url");
        if (!url.empty()) urls.push_back(std::move(url));
    }
    std::stable_partition(urls.begin(), urls.end(),
                          [](const std::string& url) { return url.starts_with("https://"); });
    return urls;
}

NgrokVerdict judge_ngrok(int code, std::string_view text) {
    for (const Known& row : known) {
        if (row.code != code) continue;
        const std::string what = "ngrok refuses (ERR_NGROK_" + std::to_string(code) + ", " +
                                 plain(text) + "): " + row.cure;
        if (row.is_fatal) return {Error{row.fault, what}};
        return {{}, std::chrono::seconds(row.least_wait_s)};
    }
    return {};
}

uint16_t loopback_port_in(std::string_view address) {
    constexpr std::string_view hosts[] = {"127.0.0.1:", "localhost:", "[::1]:"};
    for (const std::string_view host : hosts) {
        if (!address.starts_with(host)) continue;
        const std::string_view digits = address.substr(host.size());
        uint16_t port = 0;
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        return read.ec == std::errc() && read.ptr == digits.data() + digits.size() ? port : 0;
    }
    return 0;
}

}  // namespace tunnel
