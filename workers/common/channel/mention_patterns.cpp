#include "workers/common/channel/mention_patterns.h"

#include <re2/re2.h>

#include <algorithm>

namespace channel {

namespace {

constexpr int64_t most_memory = 256 << 10;  // bytes, of one pattern at work

re2::RE2::Options options() {
    re2::RE2::Options chosen;
    chosen.set_case_sensitive(false);
    chosen.set_log_errors(false);
    chosen.set_max_mem(most_memory);
    chosen.set_never_capture(true);
    return chosen;
}

// Blanks of a name may be any number of them in a message.
std::string words_of(const std::string& name) {
    std::string pattern;
    size_t begin = name.find_first_not_of(' ');
    while (begin != name.npos) {
        const size_t end = std::min(name.find(' ', begin), name.size());
        if (!pattern.empty()) pattern += "\\s+";
        pattern += re2::RE2::QuoteMeta(name.substr(begin, end - begin));
        begin = name.find_first_not_of(' ', end);
    }
    return pattern;
}

}  // namespace

MentionPatterns::MentionPatterns(const Json& config) {
    const Json& usual = member_at(config, "messages.groupChat.mentionPatterns");
    const Json& agents = member_at(config, "agents.list");
    if (usual.is_array()) add_all(usual, "messages.groupChat.mentionPatterns");
    if (!agents.is_array()) return;
    for (const Json& agent : agents) {
        const Json& own = member_at(agent, "groupChat.mentionPatterns");
        if (own.is_array())
            add_all(own, "agents.list[" + text_member(agent, "id") + "].groupChat.mentionPatterns");
        else if (!usual.is_array())
            add_name(text_member(member(agent, "identity"), "name"));
    }
}

MentionPatterns::~MentionPatterns() = default;
MentionPatterns::MentionPatterns(MentionPatterns&&) noexcept = default;
MentionPatterns& MentionPatterns::operator=(MentionPatterns&&) noexcept = default;

bool MentionPatterns::match(std::string_view text) const {
    for (const auto& pattern : patterns_)
        if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern))
            return true;
    return false;
}

void MentionPatterns::add_all(const Json& list, const std::string& key) {
    for (const Json& pattern : list)
        if (pattern.is_string() && !pattern.get_ref<const std::string&>().empty())
            add(pattern.get<std::string>(), key);
}

void MentionPatterns::add_name(const std::string& name) {
    if (const std::string words = words_of(name); !words.empty())
        add("\\b@?" + words + "\\b", "identity.name");
}

void MentionPatterns::add(const std::string& pattern, const std::string& key) {
    if (patterns_.size() >= most) return;
    auto compiled = std::make_unique<re2::RE2>(pattern, options());
    if (compiled->ok())
        patterns_.push_back(std::move(compiled));
    else
        remarks_.push_back(key + ": \"" + pattern + "\" is no pattern that can be used (" +
                           compiled->error() + ")");
}

}  // namespace channel
