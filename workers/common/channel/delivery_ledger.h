// What this process knows of the deliveries it was given, so that a repetition is recognised: in
// hand, put off, or settled with these reports. Bounded: the settled ones longest ago are
// forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"

namespace channel {

class DeliveryLedger {
  public:
    enum class Verdict {
        fresh,     // never seen
        again,     // put off earlier by this process, and to be tried now
        in_hand,   // being worked on
        reported,  // the agent has not heard of what came of it
    };

    // What a delivery that begins at `first_part` is; fresh and again are in hand afterwards.
    Verdict take(const std::string& id, uint32_t first_part);
    void note(const hardshell::proto::DeliveryReport& report);
    // Whether this process has it in hand.
    bool has_in_hand(const std::string& id) const;
    // What was reported of it so far, in order.
    std::vector<hardshell::proto::DeliveryReport> reports(const std::string& id) const;
    size_t size() const { return records_.size(); }

    static constexpr size_t most_settled = 1'000;

  private:
    struct Record {
        bool in_hand = true;
        bool settled = false;
        uint32_t next_part = 0;
        std::vector<hardshell::proto::DeliveryReport> reports;
    };
    void settle(const std::string& id, Record& record);

    std::map<std::string, Record> records_;
    std::deque<std::string> settled_;  // oldest first
};

}  // namespace channel
