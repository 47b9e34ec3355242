#include "workers/cli/commands/pairing.h"

#include <algorithm>
#include <cctype>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/common/base/clock.h"
#include "workers/common/pairing_files.h"

namespace cli {

namespace {

Result<std::string> channel_named(std::string name) {
    for (char& letter : name)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    if (is_channel_name(name)) return name;
    return Error{Fault::bad_message, "\"" + printable(name) + "\" is not the name of a channel"};
}

Result<SharedDirectory> credentials(const Context& context) {
    std::string path = context.variable("OAUTH_DIR");
    if (path.empty()) path = context.state_dir + "/credentials";
    return SharedDirectory::open(path);
}

// The channel that was named, else all that have requests.
Result<std::vector<std::string>> channels_to_list(const Context& context,
                                                  const PairingFiles& files) {
    const Arguments& given = context.arguments;
    std::string named = given.text("channel");
    if (!given.operands().empty()) named = given.operands().front();
    if (named.empty()) return files.channels();
    const Result<std::string> channel = channel_named(named);
    if (!channel) return channel.error();
    return std::vector<std::string>{*channel};
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

}  // namespace

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
    const PairingFiles files(*directory);
    const Result<std::vector<std::string>> channels = channels_to_list(context, files);
    if (!channels) return fail(channels.error());
    const bool json = context.arguments.has("json");
    std::string text;
    Json all = Json::array();
    for (const std::string& channel : *channels) {
        const Result<Json> requests = files.pending(channel, wall_ms());
        if (!requests) return fail(requests.error());
        text += pairing_text(channel, *requests, context.style, wall_ms());
        all.push_back({{"channel", channel}, {"requests", *requests}});
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
    const Result<Json> approved =
        PairingFiles(*directory)
            .approve(approval->channel, approval->code, wall_ms(), SharedDirectory::usual_patience);
    if (!approved) return fail(approved.error());
    print("Approved " + approval->channel + " sender " + printable(text_member(*approved, "id")) +
          ".\n");
    if (context.arguments.has("notify"))
        complain("the running gateway tells them by itself, where it runs " + approval->channel);
    return 0;
}

}  // namespace cli
