// Sends an answer in blocks while it grows.
//
// Promises that what went into the outbox as a block is sent once, and left out of what is sent at
// the end: each block is recorded, with how far the text was sent by it, in the commit that makes
// it go out. A turn that is begun again, by a later process or by another model, is compared with
// that: as far as the new text begins with the same words it was sent, and nothing more is sent
// before that is known; from where it differs on it is sent anew. Nothing is lost when a block
// cannot be written down: it stays part of what is sent at the end.
//
// What a model says before it turns to tools is sent before that is in the transcript, so that a
// process that dies in between has it said again, and recognises it.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "workers/agent/channels/block_settings.h"
#include "workers/agent/channels/block_text.h"
#include "workers/agent/channels/outbox.h"
#include "workers/agent/channels/reply_rows.h"
#include "workers/agent/channels/turns.h"

namespace agent {

class BlockStreams {
  public:
    struct Services {
        Loop& loop;
        SessionStore& store;
        ChannelStore& channels;
        const AgentConfig& config;
        Outbox& outbox;
        const ReplyRows& rows;
        std::function<int64_t()> now_ms;
        // A person has a block of a run that goes on.
        std::function<void(const std::string& run_id)> block_arrived;
    };
    explicit BlockStreams(Services services);

    // The run of the turn is under way or waits; `is_taken_up`: since an earlier process.
    void turn_accepted(const ChannelTurn& turn, bool is_taken_up);
    // Of any run; those that are not streamed are none of its business.
    bool knows(const std::string& run_id) const { return streams_.contains(run_id); }
    void run_says(const std::string& run_id, const std::string& text);
    void run_turns_to_tools(const std::string& run_id, const std::string& text);

    // What is still to be sent of an answer, in order, and how.
    struct Part {
        std::string text;
        std::string origin;
        int64_t not_before_ms = 0;
        bool is_first = true;  // nothing was sent before
    };
    // The turn is over; `said` is the answer without thoughts, empty when nothing of it is to be
    // sent.
    std::vector<Part> turn_ended(const ChannelTurn& turn, const std::string& said);

    // A block that the channel has had for so long without a word ends the stream: what is left is
    // sent at the end, as one.
    static constexpr int64_t send_timeout_ms = 15'000;

  private:
    struct Stream {
        ChannelTurn turn;
        BlockSettings settings;
        std::string text;  // of the message under way, as the model wrote it
        std::string said;  // the same without thoughts
        size_t ready = 0;  // so far it is divided
        size_t sent = 0;
        bool is_compared = true;  // with what was sent before
        std::vector<SentBlock> blocks;
        unsigned last_number = 0;
        int64_t due_ms = 0;                  // of the last block
        std::map<unsigned, int64_t> on_way;  // blocks that are not settled, and since when
        bool has_stopped = false;
        Loop::Registration idle;
    };
    Result<std::vector<SentBlock>> blocks_before(const std::string& run_id);
    bool shows_thoughts(const ChannelTurn& turn) const;
    void take(Stream& stream, const std::string& text);
    void compare(Stream& stream);
    void divide(Stream& stream);
    void wait_for_more(Stream& stream);
    bool is_stuck(Stream& stream);
    bool send(Stream& stream, size_t end);
    void settled(const std::string& run_id, unsigned number, bool is_sent);
    int64_t next_due(Stream& stream);
    static std::vector<size_t> joined(const Stream& stream, size_t from);

    Services services_;
    std::map<std::string, Stream> streams_;  // by run id
    std::minstd_rand random_{std::random_device()()};
};

}  // namespace agent
