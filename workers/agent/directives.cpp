#include "workers/agent/directives.h"

#include <algorithm>

#include "workers/agent/heartbeat.h"
#include "workers/agent/ids.h"
#include "workers/common/channel/fences.h"

namespace agent {

namespace {

using Kind = Command::Kind;

struct LevelRow {
    Kind kind;
    std::string_view level;
    std::string_view also;  // other words for it
};
constexpr LevelRow level_rows[] = {
    // directive, level, words that mean it as well
    {Kind::thinking, "off", "none"},
    {Kind::thinking, "minimal", "min think"},
    {Kind::thinking, "low", "on think-hard"},
    {Kind::thinking, "medium", "mid med think-harder"},
    {Kind::thinking, "high", "max highest ultra ultrathink"},
    {Kind::thinking, "xhigh", "x-high"},
    {Kind::verbose, "off", "no false 0"},
    {Kind::verbose, "on", "yes true 1 minimal"},
    {Kind::verbose, "full", "all everything"},
    {Kind::reasoning, "off", "no false 0 hide hidden"},
    {Kind::reasoning, "on", "yes true 1 show visible"},
    {Kind::reasoning, "stream", "streaming live draft"},
    {Kind::elevated, "off", "no false 0"},
    {Kind::elevated, "on", "yes true 1"},
    {Kind::elevated, "ask", "prompt approval approve"},
    {Kind::elevated, "full", "auto auto-approve autoapprove"},
};

struct WishRow {
    std::string_view key;
    std::string ExecWishes::*place;
    std::string_view values;  // empty: any word
};
constexpr WishRow exec_rows[] = {
    {"host", &ExecWishes::host, "sandbox gateway node"},
    {"security", &ExecWishes::security, "deny allowlist full"},
    {"ask", &ExecWishes::ask, "off on-miss always"},
    {"node", &ExecWishes::node, ""},
};

bool has_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const size_t end = std::min(words.find(' '), words.size());
        if (words.substr(0, end) == word) return true;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (size_t at = 0; at < text.size();) {
        const size_t start = at;
        while (at < text.size() && !is_blank(text[at])) ++at;
        if (at > start) words.push_back(text.substr(start, at - start));
        while (at < text.size() && is_blank(text[at])) ++at;
    }
    return words;
}

// "cap:5" or "cap=5" is cap and 5.
std::pair<std::string, std::string> pair_in(std::string_view word) {
    const size_t mark = word.find_first_of(":=");
    if (mark == std::string_view::npos) return {lower_case(word), ""};
    return {lower_case(word.substr(0, mark)), std::string(word.substr(mark + 1))};
}

bool read_exec_word(std::string_view word, ExecWishes& wishes) {
    const auto [key, value] = pair_in(word);
    for (const WishRow& row : exec_rows) {
        if (row.key != key || value.empty()) continue;
        const std::string chosen = row.values.empty() ? value : lower_case(value);
        if (!row.values.empty() && !has_word(row.values, chosen)) return false;
        wishes.*row.place = chosen;
        return true;
    }
    return false;
}

std::optional<int64_t> plain_number(std::string_view text) {
    if (text.empty() || text.size() > 9) return {};
    int64_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return {};
        number = number * 10 + (c - '0');
    }
    return number;
}

bool read_queue_word(std::string_view word, QueueWishes& wishes) {
    const auto [key, value] = pair_in(word);
    QueueMode mode{};
    QueueDrop drop{};
    if (value.empty()) {
        if (key == "default" || key == "reset" || key == "clear") return wishes.resets = true;
        if (!read_queue_mode(key, mode)) return false;
        wishes.mode = mode;
        return true;
    }
    if (key == "debounce") {
        const bool is_plain = plain_number(value).has_value();
        const std::optional<int64_t> time = duration_in(is_plain ? value + "ms" : value);
        if (!time || *time > longest_debounce_ms) return false;
        wishes.debounce_ms = time;
        return true;
    }
    if (key == "cap") {
        const std::optional<int64_t> cap = plain_number(value);
        if (!cap || *cap < 1 || *cap > most_queued) return false;
        wishes.cap = cap;
        return true;
    }
    if (key != "drop" || !read_queue_drop(lower_case(value), drop)) return false;
    wishes.drop = drop;
    return true;
}

// Reads a message from word to word.
class Reader {
  public:
    Reader(std::string_view text, const NamesModel& names_model)
        : text_(text), names_model_(names_model), fences_(find_fences(text)) {}

    DirectedText read() {
        while (at_ < text_.size()) {
            const size_t start = at_;
            if (!is_in_code(start) && take_directive()) {
                // One blank of the two around it goes with it.
                if (!found_.rest.empty() && is_blank(found_.rest.back())) skip_blanks();
                continue;
            }
            at_ = start;
            keep_word();
        }
        found_.rest = std::string(trimmed(found_.rest));
        return std::move(found_);
    }

  private:
    bool is_in_code(size_t at) const {
        return std::any_of(fences_.begin(), fences_.end(), [&](const Fence& fence) {
            return at >= fence.begin && at < fence.after;
        });
    }
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    void keep_word() {
        while (at_ < text_.size() && !is_blank(text_[at_])) found_.rest += text_[at_++];
        while (at_ < text_.size() && is_blank(text_[at_])) found_.rest += text_[at_++];
    }
    // The next word, taken; blanks before it are passed over. Not over the end of a line.
    std::string_view next_word() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
        const size_t start = at_;
        while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }
    // Takes words as long as they belong to it; false when none did.
    bool take_words(const auto& belongs) {
        bool any = false;
        while (true) {
            const size_t before = at_;
            const std::string_view word = next_word();
            if (word.empty() || !belongs(word)) {
                at_ = before;
                return any;
            }
            any = true;
        }
    }
    bool take_directive() {
        std::string_view word = next_word();
        if (!word.starts_with('/')) return false;
        // "/think:high" is one word of two parts.
        if (const size_t colon = word.find(':'); colon < word.size() - 1) {
            at_ -= word.size() - colon - 1;
            word = word.substr(0, colon);
        }
        const std::optional<Command> command = read_command(word, {});
        if (!command || !command->row->is_directive()) return false;
        const Kind kind = command->row->kind;
        if (kind == Kind::exec)
            return take_words(
                [&](auto one) { return read_exec_word(one, found_.directives.exec); });
        if (kind == Kind::queue)
            return take_words(
                [&](auto one) { return read_queue_word(one, found_.directives.queue); });
        const std::string argument(next_word());
        if (kind == Kind::model) {
            if (argument.empty() || !names_model_(argument)) return false;
            found_.directives.model = argument;
            return true;
        }
        const std::optional<std::string> level = level_in(kind, argument);
        if (level) found_.directives.levels[kind] = *level;
        return level.has_value();
    }

    std::string_view text_;
    const NamesModel& names_model_;
    std::vector<Fence> fences_;
    size_t at_ = 0;
    DirectedText found_;
};

}  // namespace

std::optional<std::string> level_in(Command::Kind kind, std::string_view word) {
    const std::string name = lower_case(word);
    if (name.empty()) return {};
    for (const LevelRow& row : level_rows)
        if (row.kind == kind && (row.level == name || has_word(row.also, name)))
            return std::string(row.level);
    return {};
}

std::string levels_of(Command::Kind kind) {
    std::string levels;
    for (const LevelRow& row : level_rows)
        if (row.kind == kind) levels += (levels.empty() ? "" : ", ") + std::string(row.level);
    return levels;
}

DirectedText take_directives(std::string_view text, const NamesModel& names_model) {
    return Reader(text, names_model).read();
}

Result<ExecWishes> read_exec(std::string_view argument) {
    ExecWishes wishes;
    for (const std::string_view word : words_of(argument))
        if (!read_exec_word(word, wishes))
            return Error{Fault::bad_message,
                         "\"" + std::string(word) +
                             "\" is not understood; use host=sandbox|gateway|node, "
                             "security=deny|allowlist|full, ask=off|on-miss|always, node=<id>"};
    return wishes;
}

Result<QueueWishes> read_queue(std::string_view argument) {
    QueueWishes wishes;
    for (const std::string_view word : words_of(argument))
        if (!read_queue_word(word, wishes))
            return Error{
                Fault::bad_message,
                "\"" + std::string(word) +
                    "\" is not understood; use steer, followup, collect, steer-backlog, interrupt "
                    "or default, and debounce:<0 to " +
                    std::to_string(longest_debounce_ms / 1000) + "s>, cap:<1 to " +
                    std::to_string(most_queued) + ">, drop:old|new|summarize"};
    return wishes;
}

}  // namespace agent
