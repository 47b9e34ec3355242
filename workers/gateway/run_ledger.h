// The runs that clients have been told of and whose end they have not: what must be ended with an
// error when the agent dies.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace gateway {

struct OpenRun {
    std::string run_id;
    std::string session_key;  // as the client spelled it; may be empty
    uint64_t sequence = 0;    // the run's last event
};

class RunLedger {
  public:
    // A run was announced, or sent an event.
    void saw(const std::string& run_id, const std::string& session_key, uint64_t sequence);
    void ended(const std::string& run_id) { runs_.erase(run_id); }
    // All that are open; the ledger is empty afterwards.
    std::vector<OpenRun> take_all();
    size_t size() const { return runs_.size(); }

  private:
    std::unordered_map<std::string, OpenRun> runs_;
};

inline constexpr const char* agent_died_text =
    "The assistant's process ended while answering. It is started again and then answers this "
    "message once more by itself.";

// Payloads of the two events that end a run whose agent is gone.
std::string lost_agent_event(const OpenRun& run, int64_t now_ms);
std::string lost_chat_event(const OpenRun& run);

}  // namespace gateway
