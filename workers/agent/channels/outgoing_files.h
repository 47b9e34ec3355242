// Files that an answer brings along, put where a channel's process can read them.
//
// Only files of the agent's workspace go out: an answer is written by a model, and what else this
// process can read is not for people to see. A copy has a name that cannot be guessed, in a folder
// that cannot be listed, and goes when its message is settled.
#pragma once

#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/result.h"

namespace agent {

class OutgoingFiles {
  public:
    // `state_dir` as this process reaches it.
    explicit OutgoingFiles(std::string state_dir) : state_dir_(std::move(state_dir)) {}

    // `named` is the model's: relative to the workspace, or a path in it. bad_message says what is
    // wrong with it.
    Result<hardshell::proto::Attachment> publish(const std::string& workspace,
                                                 const std::string& named);
    // Of a message that is settled.
    void remove(const hardshell::proto::DeliverMessage& message);
    // Those that no message waits for any more, by age.
    void tidy(int64_t now_ms);

    static constexpr const char* folder = "hardshell/agent/out";
    static constexpr size_t largest = 16u << 20;
    static constexpr int64_t keep_ms = 2 * 24 * 3'600'000LL;

  private:
    Done write(const std::string& path, const std::string& bytes);

    std::string state_dir_;
};

}  // namespace agent
