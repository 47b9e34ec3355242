// Groups that become others (supergroups): what the owner says about one holds for the other, here
// at once, and in the owner's file by a planner, which alone writes it. One group after another: a
// planner takes no second question of an account's.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/telegram/settings.h"

namespace telegram {

class GroupMoves {
  public:
    using ConfigCall = hardshell::proto::ConfigCall;
    using ConfigAnswer = hardshell::proto::ConfigAnswer;

    // `ask` brings a question to the planner; what it answers comes to answered().
    GroupMoves(Loop& loop, Settings& settings, std::function<Done(const ConfigCall&)> ask)
        : loop_(loop), settings_(settings), ask_(std::move(ask)) {}
    GroupMoves(const GroupMoves&) = delete;
    GroupMoves& operator=(const GroupMoves&) = delete;

    // `done`, now or later: the file says it, or will not, and the owner was told. Whoever heard of
    // the move forgets it only then. May be empty.
    void follow(const std::string& from, const std::string& to, std::function<void()> done);
    void answered(const ConfigAnswer& answer);

    static constexpr const char* method = "channels.groupMoved";  // a row of the planner's
    // A planner has 10 s, and may have to wait for others.
    static constexpr std::chrono::milliseconds longest_wait{30'000};
    static constexpr std::chrono::milliseconds try_again{2'000};
    static constexpr int most_tries = 10;  // the other accounts of the channel ask as well
    static constexpr size_t most_known = 1'000;

  private:
    struct Move {
        std::string to;
        std::vector<std::function<void()>> done;
        uint64_t asked = 0;  // the question that counts; 0: it waits for its turn
        int tries = 0;
        Loop::Registration timer;
    };
    void ask_next();
    void ask(const std::string& from, Move& move);
    void failed(const std::string& from, const std::string& why, bool may_be_tried_again);
    void timed_out(const std::string& from);
    void end(const std::string& from);

    Loop& loop_;
    Settings& settings_;
    std::function<Done(const ConfigCall&)> ask_;
    std::map<std::string, Move> moves_;  // that are under way, by the old id
    std::set<std::string> known_;        // old ids for which that is over
    uint64_t last_id_ = 0;
};

}  // namespace telegram
