// By which words a group may call the assistant besides the bot's own name: messages.groupChat
// .mentionPatterns, an agent's own, or the name the agent goes by.
//
// The patterns are the owner's, the text is anybody's: the engine's time is linear in the text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace re2 {
class RE2;
}

namespace channel {

class MentionPatterns {
  public:
    // `config` is what the channel is told of it: messages, agents.list. Whoever of the agents
    // would answer, a call for any of them counts.
    explicit MentionPatterns(const Json& config);
    ~MentionPatterns();
    MentionPatterns(MentionPatterns&&) noexcept;
    MentionPatterns& operator=(MentionPatterns&&) noexcept;

    bool match(std::string_view text) const;
    // What the owner should know: patterns that are none, a sentence each.
    const std::vector<std::string>& remarks() const { return remarks_; }
    size_t size() const { return patterns_.size(); }

    static constexpr size_t most = 64;

  private:
    void add_all(const Json& list, const std::string& key);
    void add_name(const std::string& name);
    void add(const std::string& pattern, const std::string& key);

    std::vector<std::unique_ptr<re2::RE2>> patterns_;
    std::vector<std::string> remarks_;
};

}  // namespace channel
