#include "workers/cli/commands/pairing.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <optional>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/shared_file.h"
#include "workers/common/base/clock.h"

namespace cli {

namespace {

constexpr int64_t expires_after_ms = 3'600'000;
constexpr std::string_view requests_ending = "-pairing.json";
constexpr std::string_view allowed_ending = "-allowFrom.json";

bool is_channel_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 &&
           std::all_of(name.begin(), name.end(), [](unsigned char letter) {
               return std::islower(letter) || std::isdigit(letter) || letter == '-' ||
                      letter == '_';
           });
}

Result<std::string> channel_named(std::string name) {
    for (char& letter : name)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    if (is_channel_name(name)) return name;
    return Error{Fault::bad_message, "\"" + printable(name) + "\" is not the name of a channel"};
}

std::string file_of(const std::string& channel, std::string_view ending) {
    return channel + std::string(ending);
}

Result<SharedDirectory> credentials(const Context& context) {
    std::string path = context.variable("OAUTH_DIR");
    if (path.empty()) path = context.state_dir + "/credentials";
    return SharedDirectory::open(path);
}

// The channel that was named, else all that have requests.
Result<std::vector<std::string>> channels_to_list(const Context& context,
                                                  const SharedDirectory& directory) {
    const Arguments& given = context.arguments;
    std::string named = given.text("channel");
    if (!given.operands().empty()) named = given.operands().front();
    if (!named.empty()) {
        const Result<std::string> channel = channel_named(named);
        if (!channel) return channel.error();
        return std::vector<std::string>{*channel};
    }
    std::vector<std::string> channels;
    for (const std::string& name : directory.names()) {
        if (!name.ends_with(requests_ending)) continue;
        std::string channel = name.substr(0, name.size() - requests_ending.size());
        if (is_channel_name(channel)) channels.push_back(std::move(channel));
    }
    return channels;
}

bool same_code(const std::string& one, const std::string& other) {
    return one.size() == other.size() &&
           std::equal(one.begin(), one.end(), other.begin(), [](unsigned char a, unsigned char b) {
               return std::toupper(a) == std::toupper(b);
           });
}

// Takes the request with that code out of the list.
std::optional<Json> take_request(Json& requests, const std::string& code) {
    for (size_t index = 0; index < requests.size(); ++index) {
        if (!same_code(text_member(requests[index], "code"), code)) continue;
        Json request = requests[index];
        requests.erase(index);
        return request;
    }
    return {};
}

Done let_in(const SharedDirectory& directory, const std::string& channel, const std::string& id) {
    return directory.change(file_of(channel, allowed_ending), [&](Json& file) -> Done {
        file["version"] = 1;
        Json& list = file["allowFrom"];
        if (!list.is_array()) list = Json::array();
        if (std::find(list.begin(), list.end(), Json(id)) == list.end()) list.push_back(id);
        return {};
    });
}

struct Approval {
    std::string channel;
    std::string code;
};

// "<channel> <code>", or "<code>" with --channel.
Result<Approval> approval_in(const Arguments& given) {
    const std::vector<std::string>& words = given.operands();
    std::string named = given.text("channel");
    if (words.size() > 1) named = words.front();
    if (named.empty())
        return Error{Fault::bad_message,
                     "name the channel: `hardshell pairing approve <channel> <code>`"};
    const Result<std::string> channel = channel_named(named);
    if (!channel) return channel.error();
    return Approval{*channel, words.back()};
}

// Let in first: when that is all that happened, the request can be approved once more.
Result<Json> approve(const SharedDirectory& directory, const Approval& approval) {
    const std::string name = file_of(approval.channel, requests_ending);
    std::optional<Json> approved;
    const Done changed = directory.change(name, [&](Json& file) -> Done {
        Json requests = pending_requests(file, wall_ms());
        approved = take_request(requests, approval.code);
        if (!approved)
            return Error{Fault::bad_message, "no pending pairing request of " + approval.channel +
                                                 " has the code " + printable(approval.code) +
                                                 "; see `hardshell pairing list`"};
        if (Done done = let_in(directory, approval.channel, text_member(*approved, "id")); !done)
            return done;
        file["version"] = 1;
        file["requests"] = std::move(requests);
        return {};
    });
    if (!changed) return changed.error();
    return *approved;
}

}  // namespace

int64_t read_iso_time(const std::string& text) {
    struct tm day {};
    int milliseconds = 0;
    const int read = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &day.tm_year,
                                 &day.tm_mon, &day.tm_mday, &day.tm_hour, &day.tm_min, &day.tm_sec,
                                 &milliseconds);
    if (read < 6) return 0;
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    const time_t seconds = timegm(&day);
    return seconds < 0 ? 0 : static_cast<int64_t>(seconds) * 1000 + milliseconds;
}

Json pending_requests(const Json& file, int64_t now_ms) {
    Json pending = Json::array();
    for (const Json& request : member(file, "requests")) {
        if (text_member(request, "id").empty() || text_member(request, "code").empty()) continue;
        const int64_t asked = read_iso_time(text_member(request, "createdAt"));
        if (asked > 0 && now_ms - asked <= expires_after_ms) pending.push_back(request);
    }
    return pending;
}

std::string pairing_text(const std::string& channel, const Json& requests, const Style& style,
                         int64_t now_ms) {
    if (requests.empty()) return "No " + channel + " pairing request is pending.\n";
    std::vector<std::vector<Cell>> rows = {{{"CODE"}, {"WHO"}, {"ASKED"}, {"ABOUT"}}};
    for (const Json& request : requests) {
        const Json& meta = member(request, "meta");
        const int64_t asked = read_iso_time(text_member(request, "createdAt"));
        rows.push_back({{printable(text_member(request, "code"))},
                        {printable(text_member(request, "id"))},
                        {duration(std::max<int64_t>(0, now_ms - asked)) + " ago"},
                        {meta.is_object() ? printable(print_json(meta)) : "-"}});
    }
    return "Pairing requests of " + channel + " (" + std::to_string(requests.size()) + ")\n" +
           table(rows, style) + "Approve with `hardshell pairing approve " + channel +
           " <code>`.\n";
}

int run_pairing_list(const Context& context) {
    const Result<SharedDirectory> directory = credentials(context);
    if (!directory) return fail(directory.error());
    const Result<std::vector<std::string>> channels = channels_to_list(context, *directory);
    if (!channels) return fail(channels.error());
    const bool json = context.arguments.has("json");
    std::string text;
    Json all = Json::array();
    for (const std::string& channel : *channels) {
        const Result<Json> file = directory->read(file_of(channel, requests_ending));
        if (!file) return fail(file.error());
        const Json requests = pending_requests(*file, wall_ms());
        text += pairing_text(channel, requests, context.style, wall_ms());
        all.push_back({{"channel", channel}, {"requests", requests}});
    }
    if (text.empty()) text = "No pairing request is pending.\n";
    // One channel as OpenClaw prints it; it knows no list of all.
    const bool one = all.size() == 1;
    print(!json ? text : pretty(one ? all.front() : all));
    return 0;
}

int run_pairing_approve(const Context& context) {
    const Result<Approval> approval = approval_in(context.arguments);
    if (!approval) return fail(approval.error());
    const Result<SharedDirectory> directory = credentials(context);
    if (!directory) return fail(directory.error());
    const Result<Json> approved = approve(*directory, *approval);
    if (!approved) return fail(approved.error());
    print("Approved " + approval->channel + " sender " +
          printable(text_member(*approved, "id")) + ".\n");
    if (context.arguments.has("notify"))
        complain("the sender is not told: this version has no " + approval->channel + " worker");
    return 0;
}

}  // namespace cli
