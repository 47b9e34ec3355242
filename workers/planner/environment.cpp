#include "workers/planner/environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include "workers/planner/characters.h"
#include "workers/planner/files.h"

extern char** environ;

namespace planner {

namespace {

constexpr std::string_view blanks = " \t\r\f\v";

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The text between the quotes that open at the start of `text`.
std::string unquoted(std::string_view text, char quote) {
    std::string value;
    for (size_t index = 1; index < text.size() && text[index] != quote; ++index) {
        const bool escape = quote == '"' && text[index] == '\\' && index + 1 < text.size();
        if (!escape) {
            value += text[index];
            continue;
        }
        const char next = text[++index];
        value += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
    }
    return value;
}

std::string value_of(std::string_view text) {
    if (!text.empty() && (text[0] == '"' || text[0] == '\'' || text[0] == '`'))
        return unquoted(text, text[0]);
    return std::string(trimmed(text.substr(0, text.find('#'))));
}

bool is_name(std::string_view name) {
    constexpr auto allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return !name.empty() && name.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_ours(const struct stat& info) {
    return info.st_uid == 0 || info.st_uid == geteuid();
}

bool only_we_write(const struct stat& info) {
    return is_ours(info) && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// In a directory like /tmp others add files, but replace none of ours.
bool may_hold_ours(const std::string& directory) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0) return false;
    return only_we_write(info) || (is_ours(info) && (info.st_mode & S_ISVTX) != 0);
}

}  // namespace

Environment Environment::of_process() {
    Environment environment;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text = *entry;
        const size_t equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        const std::string name(text.substr(0, equals));
        environment.add(name, text.substr(equals + 1), "environment variable " + name);
    }
    return environment;
}

void Environment::add(const std::string& name, std::string_view value, std::string_view source) {
    Variable& variable = variables_[valid_utf8(name)];
    if (variable.value.empty()) variable = {valid_utf8(value), valid_utf8(source)};
}

void Environment::add_file(const std::string& path) {
    const Result<std::string> text = read_file(path, largest_config);
    if (!text) return;
    for (const auto& [name, value] : read_env_file(*text)) add(name, value, name + " in " + path);
}

void Environment::add_trusted_file(const std::string& directory, const std::string& name) {
    const std::string path = directory + (directory.ends_with("/") ? "" : "/") + name;
    struct stat info {};
    const bool is_there = ::lstat(path.c_str(), &info) == 0;
    struct stat place {};
    const bool is_closed = ::stat(directory.c_str(), &place) == 0 && only_we_write(place);
    // That it is missing is read, too: answers that are kept depend on it. Not where somebody else
    // could make one in between.
    if (is_there ? S_ISREG(info.st_mode) && only_we_write(info) && may_hold_ours(directory)
                 : is_closed)
        add_file(path);
}

std::string Environment::get(std::string_view name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? "" : found->second.value;
}

const Environment::Variable* Environment::first_of(
    std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
        const auto found = variables_.find(name);
        if (found != variables_.end() && !found->second.value.empty()) return &found->second;
    }
    return nullptr;
}

std::map<std::string, std::string> read_env_file(std::string_view text) {
    std::map<std::string, std::string> variables;
    if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::string_view line = trimmed(text.substr(0, end));
        text = end == std::string_view::npos ? "" : text.substr(end + 1);
        if (line.substr(0, 7) == "export ") line = trimmed(line.substr(7));
        const size_t equals = line.find('=');
        if (line.empty() || line[0] == '#' || equals == std::string_view::npos) continue;
        const std::string_view name = trimmed(line.substr(0, equals));
        if (is_name(name))
            variables[std::string(name)] = value_of(trimmed(line.substr(equals + 1)));
    }
    return variables;
}

}  // namespace planner
