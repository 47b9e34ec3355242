// Which updates are under way, and up to which one all are done. Pure.
//
// Telegram is told one number: everything up to it may be forgotten. So that number is the highest
// one below which nothing is open; what is done above it is remembered here, and asked for again by
// who comes next should this process end.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

namespace telegram {

class UpdateLedger {
  public:
    // Nothing is known yet; or all up to `done` are.
    UpdateLedger() = default;
    explicit UpdateLedger(int64_t done) : done_(done) {}

    // False when it is under way or done already.
    bool take(int64_t id);
    void settle(int64_t id);
    // Everything up to this one is done; nothing while no update was seen.
    std::optional<int64_t> done() const { return done_; }
    size_t open() const { return open_.size(); }
    // After a week without any, numbers begin anew anywhere: what comes then is taken whatever its
    // number is.
    void forget() {
        if (open_.empty()) *this = {};
    }

  private:
    void advance();

    std::optional<int64_t> done_;
    std::set<int64_t> open_;
    std::set<int64_t> ahead_;  // done, above something open
};

}  // namespace telegram
