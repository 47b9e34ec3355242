// A long conversation made short: the model writes a summary of the older part, which takes its
// place in what later turns are shown. The transcript keeps every entry.
//
// Promises to change nothing unless the summary is whole and on the disk. Turns may begin and end
// meanwhile: what they add comes after the part that is kept.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "workers/agent/run.h"

namespace agent {

struct Compacted {
    int64_t tokens_before = 0;  // estimated
    int64_t tokens_after = 0;
    int64_t context_window = 0;
};

struct CompactionOrder {
    Session session;
    std::string model;         // as a session or a turn chose it; empty: the agent's
    std::string instructions;  // what to keep in view; empty: none
};

class Compaction final : public ModelListener {
  public:
    // bad_message: there is nothing to condense. unreachable: the model did not write a summary.
    using Ended = std::function<void(const Result<Compacted>& result)>;
    Compaction(SessionStore& store, ModelStarter& models, std::function<int64_t()> now_ms,
               CompactionOrder order, Ended ended);

    // Calls back once, later; what it is called from may destroy this. Destroying it cancels.
    // An error, and no call, when it cannot begin.
    Done start();

    void text_delta(std::string_view) override {}
    void thinking_delta(std::string_view) override {}
    void restarted(const ModelFailure& why, const ModelName& next) override;
    void done(Json message) override;
    void failed(const ModelFailure& failure) override;

    static constexpr int64_t kept_tokens = 20'000;
    static constexpr std::chrono::milliseconds timeout{300'000};

  private:
    void ask();
    Result<Compacted> finish();
    void end(const Result<Compacted>& result);

    SessionStore& store_;
    ModelStarter& models_;
    std::function<int64_t()> now_ms_;
    CompactionOrder order_;
    Ended ended_;
    std::vector<ModelName> candidates_;
    int64_t window_ = 0;
    SessionStore::OlderPart part_;
    std::vector<std::string> pieces_;  // of its text, each for one call
    size_t next_ = 0;
    std::string summary_;  // of the pieces so far
    std::unique_ptr<ModelCall> call_;
};

// A conversation as text for a model to condense: who said what; long results are shortened.
std::string conversation_text(const std::vector<Message>& messages);
// "⚙️ Compacted (142k → 18k) • Context 18k/200k (9%)"
std::string compacted_text(const Compacted& compacted);

}  // namespace agent
