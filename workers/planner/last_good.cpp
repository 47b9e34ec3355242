#include "workers/planner/last_good.h"

#include <sys/random.h>

#include <array>

#include "workers/common/base/paths.h"
#include "workers/planner/files.h"
#include "workers/planner/notices.h"
#include "workers/planner/text_edit.h"

namespace planner {

namespace {

constexpr size_t token_bytes = 24;
// Includes may bring more than one file can hold.
constexpr size_t largest_last_good = 4 * largest_config;

Done write_kept(const std::string& path, std::string_view text) {
    if (Done made = make_directories(directory_of(path)); !made) return made;
    // Not durable: what a power failure can lose here is made again, and a start must not wait
    // for the disk.
    return write_file(path, text, Durable::no);
}

std::string random_token() {
    std::array<unsigned char, token_bytes> bytes{};
    size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t count = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
        if (count > 0) filled += static_cast<size_t>(count);
    }
    constexpr char digits[] = "0123456789abcdef";
    std::string token;
    for (const unsigned char byte : bytes) {
        token += digits[byte >> 4];
        token += digits[byte & 15];
    }
    return token;
}

bool is_token(const std::string& text) {
    return text.size() == 2 * token_bytes &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string last_good_file(const std::string& state_dir) {
    return state_dir + "/hardshell/planner/last-good.json";
}

std::optional<Json> read_last_good(const std::string& state_dir) {
    const Result<std::string> text = read_file(last_good_file(state_dir), largest_last_good);
    if (!text) return std::nullopt;
    Result<Json> config = parse_json(*text);
    if (!config || !config->is_object()) return std::nullopt;
    return std::move(*config);
}

std::vector<std::string> changed_keys(const std::string& state_dir, const Json& merged) {
    constexpr size_t most_keys = 20;
    std::vector<std::string> keys;
    const std::optional<Json> before = read_last_good(state_dir);
    if (!before) return keys;
    for (const Edit& edit : edits_between(*before, merged))
        if (keys.size() < most_keys) keys.push_back(one_line(dotted(edit.path), 200));
    return keys;
}

Done keep_last_good(const std::string& state_dir, const Json& merged) {
    const std::string text = print_json(merged) + "\n";
    const Result<std::string> present = read_file(last_good_file(state_dir), largest_last_good);
    if (present && *present == text) return {};
    return write_kept(last_good_file(state_dir), text);
}

GeneratedToken generated_gateway_token(const std::string& state_dir) {
    const std::string path = paths::generated_token_file(state_dir);
    if (const Result<std::string> kept = read_file(path, 4096); kept) {
        const std::string token = kept->substr(0, kept->find_first_of("\r\n"));
        if (is_token(token)) return {token, false, {}};
    }
    const std::string token = random_token();
    return {token, true, write_kept(path, token + "\n")};
}

}  // namespace planner
