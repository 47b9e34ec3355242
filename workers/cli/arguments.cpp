#include "workers/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "workers/cli/output.h"

namespace cli {

namespace {

// How many operands the table's text asks for: one for each "<x>", at most one more for "[x]".
struct Operands {
    size_t least;
    size_t most;
};
Operands operands_of(const Command& command) {
    const std::string_view text = command.operands;
    const auto needed = static_cast<size_t>(std::count(text.begin(), text.end(), '<'));
    return {needed, needed + static_cast<size_t>(std::count(text.begin(), text.end(), '['))};
}

bool takes_several(const Option& option) {
    return option.value && std::string_view(option.value).ends_with("...");
}

Error refusal(const Command& command, const std::string& what) {
    return Error{Fault::bad_message, what + "; see `" + program_name() + " " + command.name +
                                         " --help` for what it takes"};
}

}  // namespace

std::string option_key(const Option& option) {
    const std::string names = option.names;
    const size_t begin = names.find("--");
    return names.substr(begin + 2, names.find(',', begin) - begin - 2);
}

bool parse_number(const std::string& text, int64_t largest, int64_t& into) {
    if (text.empty() || text.size() > 15) return false;
    int64_t number = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') return false;
        number = number * 10 + (digit - '0');
    }
    if (number > largest) return false;
    into = number;
    return true;
}

std::string Arguments::text(const std::string& name, const std::string& fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : found->second;
}

std::vector<std::string> Arguments::texts(const std::string& name) const {
    const auto found = lists_.find(name);
    return found == lists_.end() ? std::vector<std::string>{} : found->second;
}

Result<int64_t> Arguments::number(const std::string& name, int64_t fallback,
                                  int64_t largest) const {
    if (!has(name)) return fallback;
    int64_t number = 0;
    if (parse_number(text(name), largest, number) && number > 0) return number;
    return Error{Fault::bad_message, "--" + name + " takes a whole number from 1 to " +
                                         std::to_string(largest) + ", not \"" + text(name) + "\""};
}

Result<Arguments> parse_arguments(const Command& command, std::span<const std::string> words) {
    CLI::App app;
    app.set_help_flag();
    Arguments result;
    bool no_color = false;
    app.add_flag("-h,--help", result.wants_help_);
    app.add_flag("--no-color", no_color);  // read by main, wherever it stands
    std::vector<std::pair<std::string, CLI::Option*>> added;
    for (const Option& option : command.options) {
        CLI::Option* const entry =
            option.value ? app.add_option(option.names)->expected(1) : app.add_flag(option.names);
        if (takes_several(option))
            entry->expected(1, 64)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        else
            entry->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        added.emplace_back(option_key(option), entry);
    }
    const Operands wanted = operands_of(command);
    if (wanted.most > 0) app.add_option("operands", result.operands_)->expected(0, 64);

    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
        app.parse(reversed);
    } catch (const CLI::ExtrasError&) {
        const std::vector<std::string> extra = app.remaining();
        return refusal(command, "\"" + (extra.empty() ? std::string() : extra.front()) +
                                    "\" is not known to `" + program_name() + " " + command.name +
                                    "`");
    } catch (const CLI::ParseError& failure) {
        return refusal(command, failure.what());
    }
    for (const auto& [key, entry] : added)
        if (entry->count() > 0) {
            result.values_[key] = entry->results().back();
            result.lists_[key] = entry->results();
        }
    if (result.wants_help_) return result;
    if (result.operands_.size() < wanted.least)
        return refusal(command, std::string(command.operands) + " is missing");
    if (result.operands_.size() > wanted.most)
        return refusal(command, "\"" + result.operands_.back() + "\" is one word too many");
    return result;
}

}  // namespace cli
