// How far the agent has everything: the number a later process resumes from. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>

namespace discord {

class SequenceLedger {
  public:
    // What is open, by the session it came in: another session counts anew.
    using Ticket = uint64_t;

    explicit SequenceLedger(uint64_t from = 0) : seen_(from) {}

    void restart() {
        open_.clear();
        seen_ = 0;
        ++session_;
    }
    // What came after the first open one will come again.
    void rewind() { seen_ = safe(); }
    void saw(uint64_t sequence) {
        if (sequence > seen_) seen_ = sequence;
    }
    // Somebody still has to take what came with it.
    Ticket begin(uint64_t sequence) {
        open_.insert(sequence);
        return session_ << session_shift | sequence;
    }
    void finish(Ticket ticket) {
        if (ticket >> session_shift != session_) return;
        const auto found = open_.find(ticket & ((uint64_t{1} << session_shift) - 1));
        if (found != open_.end()) open_.erase(found);
    }
    uint64_t last() const { return seen_; }
    // Nothing up to it is open.
    uint64_t safe() const {
        return open_.empty() ? seen_ : std::max<uint64_t>(*open_.begin(), 1) - 1;
    }

  private:
    static constexpr int session_shift = 48;

    std::multiset<uint64_t> open_;
    uint64_t seen_ = 0;
    uint64_t session_ = 0;
};

}  // namespace discord
