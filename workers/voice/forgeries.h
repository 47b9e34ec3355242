// Requests that are not the company's: counted, and remarked once a minute, however many come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace voice {

class Forgeries {
  public:
    static constexpr int64_t remark_period_ms = 60'000;

    // What the log is told of this one, and of those since the last remark; nothing: it is too
    // early.
    std::optional<std::string> note(const std::string& why, int64_t now_ms) {
        ++count_;
        if (remarked_ms_ && now_ms - *remarked_ms_ < remark_period_ms) return {};
        remarked_ms_ = now_ms;
        const uint64_t count = count_;
        count_ = 0;
        return count == 1 ? why : why + " (the last of " + std::to_string(count) + ")";
    }

  private:
    uint64_t count_ = 0;  // since the last remark
    std::optional<int64_t> remarked_ms_;
};

}  // namespace voice
