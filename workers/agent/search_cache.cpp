#include "workers/agent/search_cache.h"

#include <algorithm>

namespace agent {

const std::string* SearchCache::find(const std::string& question, int64_t now_ms) const {
    for (const Entry& entry : entries_)
        if (entry.question == question) return now_ms < entry.until_ms ? &entry.text : nullptr;
    return nullptr;
}

void SearchCache::keep(std::string question, std::string text, int64_t until_ms) {
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.question == question; }),
                   entries_.end());
    if (text.size() > longest_text) return;
    if (entries_.size() == most_entries) entries_.pop_front();
    entries_.push_back({std::move(question), std::move(text), until_ms});
}

}  // namespace agent
