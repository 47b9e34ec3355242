#include "workers/planner/own_settings.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>

#include "workers/common/base/json.h"
#include "workers/planner/files.h"
#include "workers/planner/json5.h"
#include "workers/planner/schema_words.h"
#include "workers/planner/workers_table.h"

namespace planner {

namespace {

using hardshell::proto::Address;
using hardshell::proto::Listener;
using hardshell::proto::MemoryWish;
using hardshell::proto::Notice;

constexpr uint64_t mib = 1u << 20;
constexpr uint32_t unlimited = std::numeric_limits<uint32_t>::max();
constexpr std::string_view listens_on[] = {"loopback", "all", "off"};

// What a setting's reader is given: the value, and for keys with a "*" what stands in its place.
struct Asked {
    const Json& value;
    std::string name;
};

bool take_log_format(const Asked& asked, OwnSettings& into) {
    if (asked.value != "text" && asked.value != "json") return false;
    into.supervisor.set_log_format(asked.value.get<std::string>());
    return true;
}

bool take_lines_per_second(const Asked& asked, OwnSettings& into) {
    if (asked.value == "unlimited") {
        into.supervisor.set_log_lines_per_second(unlimited);
        return true;
    }
    if (!asked.value.is_number_integer() || asked.value < 0 || asked.value >= unlimited)
        return false;
    into.supervisor.set_log_lines_per_second(asked.value.get<uint32_t>());
    return true;
}

// 0 stands for the default; anything between that and 1 MiB forgot its unit.
std::optional<uint64_t> memory_size(const Json& value) {
    std::optional<uint64_t> bytes;
    if (value.is_number_integer() && value >= 0)
        bytes = value.get<uint64_t>();
    else if (value.is_string())
        bytes = size_in(value.get_ref<const std::string&>());
    if (bytes && *bytes > 0 && *bytes < mib) return std::nullopt;
    return bytes;
}

bool take_memory_total(const Asked& asked, OwnSettings& into) {
    const std::optional<uint64_t> bytes = memory_size(asked.value);
    if (bytes) into.supervisor.set_memory_total_bytes(*bytes);
    return bytes.has_value();
}

MemoryWish& wish_for(const std::string& worker, OwnSettings& settings) {
    for (MemoryWish& wish : *settings.supervisor.mutable_memory())
        if (wish.worker() == worker) return wish;
    MemoryWish& wish = *settings.supervisor.add_memory();
    wish.set_worker(worker);
    return wish;
}

bool take_memory_soft(const Asked& asked, OwnSettings& into) {
    const std::optional<uint64_t> bytes = memory_size(asked.value);
    if (bytes) wish_for(asked.name, into).set_soft_bytes(*bytes);
    return bytes.has_value();
}

bool take_memory_limit(const Asked& asked, OwnSettings& into) {
    const std::optional<uint64_t> bytes = memory_size(asked.value);
    if (bytes) wish_for(asked.name, into).set_limit_bytes(*bytes);
    return bytes.has_value();
}

bool take_metrics_bind(const Asked& asked, OwnSettings& into) {
    const auto found = std::find(std::begin(listens_on), std::end(listens_on), asked.value);
    if (found == std::end(listens_on)) return false;
    into.metrics_bind = *found;
    return true;
}

bool take_metrics_port(const Asked& asked, OwnSettings& into) {
    if (asked.value == "off") {
        into.metrics_bind = "off";
        return true;
    }
    if (!asked.value.is_number_integer() || asked.value < 1 || asked.value > 65535) return false;
    into.metrics_port = asked.value.get<uint32_t>();
    return true;
}

bool is_list_of_texts(const Json& value) {
    return value.is_null() ||
           (value.is_array() && std::all_of(value.begin(), value.end(),
                                            [](const Json& one) { return one.is_string(); }));
}

bool is_server(const Json& server) {
    if (!server.is_object() || text_member(server, "command").empty()) return false;
    const Json& variables = member(server, "env");
    const Json& network = member(server, "network");
    return is_list_of_texts(member(server, "args")) &&
           (variables.is_null() ||
            (variables.is_object() &&
             std::all_of(variables.begin(), variables.end(),
                         [](const Json& one) { return one.is_string(); }))) &&
           (network.is_null() || network.is_boolean());
}

bool take_mcp_servers(const Asked& asked, OwnSettings& into) {
    if (!asked.value.is_object() || !std::all_of(asked.value.begin(), asked.value.end(), is_server))
        return false;
    into.mcp_servers = asked.value;
    return true;
}

struct Setting {
    std::string_view key;  // "*" stands for any worker or kind of worker
    std::string_view variable;
    const char* expected;
    bool (*take)(const Asked& asked, OwnSettings& into);  // false: it is no such value
};

constexpr const char* a_size = "a size of at least 1 MiB such as \"256MiB\", or 0 for the default";

constexpr Setting table[] = {
    // clang-format off
    {"log.format",             "HARDSHELL_LOG_FORMAT",           "\"text\" or \"json\"", take_log_format},
    {"log.linesPerSecond",     "HARDSHELL_LOG_LINES_PER_SECOND", "a whole number, 0 for the default, or \"unlimited\"", take_lines_per_second},
    {"memory.total",           "HARDSHELL_MEMORY_TOTAL",         a_size, take_memory_total},
    {"memory.workers.*.soft",  "",                               a_size, take_memory_soft},
    {"memory.workers.*.limit", "",                               a_size, take_memory_limit},
    {"mcp.servers",            "",                               "an object of servers by name, each {command, args, env, network}", take_mcp_servers},
    {"metrics.bind",           "HARDSHELL_METRICS_BIND",         "\"loopback\", \"all\" or \"off\"", take_metrics_bind},
    {"metrics.port",           "HARDSHELL_METRICS_PORT",         "a port from 1 to 65535, or \"off\"", take_metrics_port},
    // clang-format on
};

// "log.format" begins with "log"; empty when `key` does not lead through `path`.
std::string_view step_after(std::string_view key, const Path& path) {
    for (const std::string& step : path) {
        const size_t dot = key.find('.');
        if (dot == std::string_view::npos) return {};
        if (key.substr(0, dot) != "*" && key.substr(0, dot) != step) return {};
        key.remove_prefix(dot + 1);
    }
    return key.substr(0, key.find('.'));
}

// The names that may stand below `path`, as members of an object.
Json known_below(const Path& path) {
    Json known = Json::object();
    for (const Setting& setting : table) {
        const std::string_view step = step_after(setting.key, path);
        if (step == "*") {
            for (size_t index = 0; index < worker_kind_count; ++index)
                known[std::string(worker_kinds[index].kind)] = true;
            for (const ChannelKind& channel : channels()) known[std::string(channel.id)] = true;
            known[std::string(tunnel_worker.kind)] = true;
        } else if (!step.empty()) {
            known[std::string(step)] = true;
        }
    }
    return known;
}

// A worker is called by its kind, or by its kind and account: "telegram:ops".
bool is_known(const Json& known, const Path& parent, const std::string& name) {
    const bool names_a_worker = step_after("memory.workers.*.soft", parent) == "*";
    return known.contains(names_a_worker ? name.substr(0, name.find(':')) : name);
}

const Setting* setting_at(const Path& path) {
    const Path parent(path.begin(), path.end() - 1);
    for (const Setting& setting : table) {
        const std::string_view step = step_after(setting.key, parent);
        if (step == path.back() && setting.key.ends_with(step)) return &setting;
    }
    return nullptr;
}

std::string received(const Json& value) {
    constexpr size_t enough = 40;
    if (!value.is_string()) return found_in(value);
    return "\"" + one_line(value.get<std::string>(), enough) + "\"";
}

class FileReader {
  public:
    FileReader(const std::string& path, OwnSettings& into, Notices& notices)
        : files_{path}, into_(into), notices_(notices) {}

    void read() {
        const Result<std::string> text = read_file(files_[0], largest_config);
        if (!text && text.error().sys == ENOENT) return;
        if (!text) return whole_file({}, "cannot be used: " + text.error().what);
        const Json5Reading reading = read_json5(*text);
        if (reading.failure) return whole_file(reading.failure->at, reading.failure->what);
        if (!reading.value.is_object())
            return whole_file({1, 1}, "expected an object, received " + found_in(reading.value));
        source_ = &reading.source;
        read_below({}, reading.value);
    }

  private:
    void whole_file(Position at, const std::string& what) {
        notices_.error(to_text({files_[0], at, "", what, "the defaults apply"}));
    }

    void read_below(const Path& path, const Json& object) {
        const Json known = known_below(path);
        for (const auto& [name, value] : object.items()) {
            Path here = path;
            here.push_back(name);
            if (!is_known(known, path, name))
                unknown(here, known);
            else if (const Setting* setting = setting_at(here))
                take(*setting, here, value);
            else if (value.is_object())
                read_below(here, value);
            else
                wrong(here, "an object", value);
        }
    }

    void take(const Setting& setting, const Path& path, const Json& value) {
        const std::string parent = path.size() > 1 ? path[path.size() - 2] : "";
        if (!setting.take({value, parent}, into_)) wrong(path, setting.expected, value);
    }

    void unknown(const Path& path, const Json& known) {
        std::string cure = suggestion(path.back(), known);
        if (cure.empty()) {
            std::vector<std::string> names;
            for (const auto& [name, value] : known.items()) names.push_back(name);
            cure = "known here: " + joined_by_or(names);
        }
        notices_.problems({problem_at(files_, *source_, path, "unknown key", cure, true)},
                          Notice::WARNING, "; it is ignored");
    }

    void wrong(const Path& path, const std::string& expected, const Json& value) {
        notices_.problems({problem_at(files_, *source_, path,
                                      "expected " + expected + ", received " + received(value))},
                          Notice::ERROR, "; the default applies");
    }

    const Files files_;
    const Source* source_ = nullptr;
    OwnSettings& into_;
    Notices& notices_;
};

// A variable holds text; what looks like a number is meant as one.
Json value_of(const std::string& text) {
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || text.size() > 15) return text;
    return static_cast<int64_t>(std::stoll(text));
}

void read_variables(const Environment& environment, OwnSettings& into, Notices& notices) {
    for (const Setting& setting : table) {
        const Environment::Variable* variable =
            setting.variable.empty() ? nullptr : environment.first_of({setting.variable});
        if (!variable) continue;
        const Json value = value_of(variable->value);
        if (!setting.take({value, ""}, into))
            notices.error(variable->source + ": expected " + setting.expected + ", received " +
                          received(value) + "; it is ignored");
    }
}

// Nonsense across keys: a worker would be asked to shed only after its death.
void check_wishes(const std::string& file, OwnSettings& settings, Notices& notices) {
    for (MemoryWish& wish : *settings.supervisor.mutable_memory()) {
        if (wish.limit_bytes() == 0 || wish.soft_bytes() <= wish.limit_bytes()) continue;
        notices.error(file + ": memory.workers." + wish.worker() +
                      ".soft is larger than its limit; the default applies");
        wish.clear_soft_bytes();
    }
}

Address optional_address(const std::string& ip, uint32_t port) {
    Address address;
    address.set_ip(ip);
    address.set_port(port);
    address.set_optional(true);
    return address;
}

}  // namespace

std::string own_settings_file(const std::string& config_path) {
    return directory_of(config_path) + "/hardshell.json";
}

OwnSettings read_own_settings(const std::string& config_path, const Environment& environment,
                              Notices& notices) {
    OwnSettings read;
    // On Fly the scraper comes over the private network; elsewhere nobody is to find it unasked.
    read.metrics_bind = environment.get("FLY_MACHINE_ID").empty() ? "loopback" : "all";
    const std::string file = own_settings_file(config_path);
    FileReader(file, read, notices).read();
    read_variables(environment, read, notices);
    check_wishes(file, read, notices);
    return read;
}

std::optional<Listener> metrics_listener(const OwnSettings& settings, uint32_t gateway_port,
                                         Notices& notices) {
    if (settings.metrics_bind == "off") return std::nullopt;
    if (settings.metrics_port == gateway_port) {
        notices.error("metrics.port " + std::to_string(gateway_port) +
                      " is the gateway's own port; no metrics are served");
        return std::nullopt;
    }
    Listener listener;
    listener.set_name("metrics");
    listener.set_worker("gateway");
    if (settings.metrics_bind == "all") {
        Address& every = *listener.add_addresses();
        every = optional_address("::", settings.metrics_port);
        every.set_dual_stack(true);
    } else {
        *listener.add_addresses() = optional_address("127.0.0.1", settings.metrics_port);
        *listener.add_addresses() = optional_address("::1", settings.metrics_port);
    }
    return listener;
}

std::optional<uint64_t> size_in(std::string_view text) {
    struct Unit {
        std::string_view name;
        double bytes;
    };
    constexpr Unit units[] = {
        {"", 1},         {"b", 1},    {"k", 0x1p10}, {"kib", 0x1p10}, {"kb", 1e3}, {"m", 0x1p20},
        {"mib", 0x1p20}, {"mb", 1e6}, {"g", 0x1p30}, {"gib", 0x1p30}, {"gb", 1e9},
    };
    const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string digits(text.substr(0, end));
    std::string name;
    for (const char letter : text.substr(end))
        if (letter != ' ' || !name.empty())
            name += static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
    if (digits.empty() || digits.size() > 18 || digits.front() == '.' || digits.back() == '.' ||
        std::count(digits.begin(), digits.end(), '.') > 1)
        return std::nullopt;
    for (const Unit& unit : units)
        if (unit.name == name) {
            const double bytes = std::round(std::stod(digits) * unit.bytes);
            if (bytes > 0x1p60) return std::nullopt;
            return static_cast<uint64_t>(bytes);
        }
    return std::nullopt;
}

}  // namespace planner
