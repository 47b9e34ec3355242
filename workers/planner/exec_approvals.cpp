#include "workers/planner/exec_approvals.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <span>

#include "workers/planner/files.h"

namespace planner {

namespace {

constexpr size_t largest_file = 512u << 10;
constexpr size_t longest_command = 500;

constexpr std::string_view securities[] = {"deny", "allowlist", "full"};
constexpr std::string_view asks[] = {"off", "on-miss", "always"};

struct Choice {
    const char* key;
    std::span<const std::string_view> words;
};
constexpr Choice choices[] = {
    {"security", securities},
    {"ask", asks},
    {"askFallback", securities},
};

struct Present {
    bool exists = false;
    std::string text;
    Json file = {{"version", 1}, {"agents", Json::object()}};
};

Error refused(std::string what) {
    return {Fault::bad_message, std::move(what)};
}

Result<Present> present_in(const ApprovalsPlaces& places) {
    Result<std::string> text = read_file(places.file, largest_file);
    if (!text && text.error().sys == ENOENT) {
        text = read_file(places.home_file, largest_file);
        if (!text) return Present{};  // there is none, or it is not for us
    }
    if (!text) return Error{Fault::system, text.error().what};
    Present present;
    present.exists = true;
    present.text = std::move(*text);
    // One that cannot be read says nothing; only a caller who has seen that may replace it.
    if (Result<Json> file = parse_json(present.text); file && file->is_object())
        present.file = std::move(*file);
    return present;
}

Json shown(const ApprovalsPlaces& places, const Present& present) {
    Json file = present.file;
    if (file.contains("socket")) {
        const std::string path = text_member(file["socket"], "path");
        if (path.empty())
            file.erase("socket");
        else
            file["socket"] = {{"path", path}};
    }
    return {{"path", places.file},
            {"exists", present.exists},
            {"hash", sha256_hex(present.text)},
            {"file", std::move(file)}};
}

Done check_rules(const Json& rules, const std::string& where) {
    if (!rules.is_object()) return refused(where + " must be an object");
    for (const Choice& choice : choices) {
        const Json& word = member(rules, choice.key);
        const bool known =
            word.is_string() && std::find(choice.words.begin(), choice.words.end(),
                                          word.get_ref<const std::string&>()) != choice.words.end();
        if (word.is_null() || known) continue;
        std::string words;
        for (const std::string_view one : choice.words)
            words += (words.empty() ? "" : ", ") + std::string(one);
        return refused(where + "." + choice.key + " must be one of " + words);
    }
    const Json& automatic = member(rules, "autoAllowSkills");
    if (!automatic.is_null() && !automatic.is_boolean())
        return refused(where + ".autoAllowSkills must be true or false");
    return {};
}

Done check_allowlist(const Json& list, const std::string& where) {
    if (list.is_null()) return {};
    if (!list.is_array()) return refused(where + " must be a list");
    size_t index = 0;
    for (const Json& entry : list) {
        if (text_member(entry, "pattern").empty())
            return refused(where + "[" + std::to_string(index) + "].pattern must be a text");
        ++index;
    }
    return {};
}

Done check_file(const Json& file) {
    if (!file.is_object()) return refused("exec approvals file is required: an object");
    if (int_member(file, "version") != 1) return refused("file.version must be 1");
    if (const Json& defaults = member(file, "defaults"); !defaults.is_null())
        if (Done checked = check_rules(defaults, "file.defaults"); !checked) return checked;
    const Json& agents = member(file, "agents");
    if (agents.is_null()) return {};
    if (!agents.is_object()) return refused("file.agents must be an object");
    for (const auto& [id, rules] : agents.items()) {
        const std::string where = "file.agents." + id;
        if (Done checked = check_rules(rules, where); !checked) return checked;
        if (Done checked = check_allowlist(member(rules, "allowlist"), where + ".allowlist");
            !checked)
            return checked;
    }
    return {};
}

Done check_seen(const Present& present, const std::string& base) {
    if (!present.exists) return {};
    if (base.empty())
        return refused(
            "exec approvals base hash required: read them with exec.approvals.get and send the "
            "hash as baseHash");
    if (base != sha256_hex(present.text))
        return refused(
            "exec approvals changed since they were read: read them again with "
            "exec.approvals.get and repeat the change");
    return {};
}

// The socket's path and token are what they were where the caller does not set them.
void keep_socket(Json& file, const Json& present) {
    const Json kept = member(present, "socket");
    if (!kept.is_object()) return;
    Json& socket = file["socket"];
    if (!socket.is_object()) socket = Json::object();
    for (const auto& [key, value] : kept.items())
        if (text_member(socket, key).empty()) socket[key] = value;
}

Result<Json> put_file(const ApprovalsPlaces& places, Json file) {
    const std::string text = file.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (text.size() > largest_file) return refused("the exec approvals are larger than 512 KiB");
    if (Done written = write_file(places.file, text, Durable::yes); !written)
        return Error{Fault::system,
                     "the exec approvals cannot be written: " + written.error().what};
    return shown(places, {true, text, std::move(file)});
}

// In the list it would stand for more than itself.
bool is_pattern(std::string_view program) {
    return program.find_first_of("*?") != std::string_view::npos;
}

}  // namespace

ApprovalsPlaces approvals_places(const std::string& state_dir, const std::string& home) {
    constexpr const char* name = "/exec-approvals.json";
    return {state_dir + name, home + "/.openclaw" + name};
}

Result<Json> read_approvals(const ApprovalsPlaces& places) {
    const Result<Present> present = present_in(places);
    if (!present) return present.error();
    return shown(places, *present);
}

Result<Json> write_approvals(const ApprovalsPlaces& places, const Json& params) {
    Result<Present> present = present_in(places);
    if (!present) return present.error();
    if (Done seen = check_seen(*present, text_member(params, "baseHash")); !seen)
        return seen.error();
    Json file = member(params, "file");
    if (Done checked = check_file(file); !checked) return checked.error();
    keep_socket(file, present->file);
    return put_file(places, std::move(file));
}

Result<Json> allow_program(const ApprovalsPlaces& places, const Json& params, int64_t now_ms) {
    const std::string agent = text_member(params, "agentId");
    const std::string program = text_member(params, "program");
    if (agent.empty()) return refused("agentId is missing");
    if (!program.starts_with('/') || is_pattern(program))
        return refused("program must be the path of one program");
    Result<Present> present = present_in(places);
    if (!present) return present.error();
    if (present->exists && !parse_json(present->text))
        return refused("the exec approvals cannot be read, and stay as they are");
    Json file = std::move(present->file);
    // An own file of another version, or rules of another kind, are their owner's to mend.
    if (Done checked = check_file(file); !checked) return checked.error();
    Json& list = file["agents"][agent]["allowlist"];
    if (list.is_null()) list = Json::array();
    for (const Json& entry : list)
        if (text_member(entry, "pattern") == program)
            return shown(places, {present->exists, present->text, file});
    Json entry{{"pattern", program}, {"lastUsedAt", now_ms}};
    if (const std::string command = text_member(params, "command"); !command.empty())
        entry["lastUsedCommand"] = command.substr(0, longest_command);
    entry["lastResolvedPath"] = program;
    list.push_back(std::move(entry));
    return put_file(places, std::move(file));
}

}  // namespace planner
