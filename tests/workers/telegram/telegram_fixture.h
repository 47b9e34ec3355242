// The real worker program between the double of Telegram and a scripted agent.
//
// The agent here accepts what it is offered only when a test says so, and remembers each message by
// its key, as the agent's journal does.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "tests/support/telegram_double.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/json.h"
#include "workers/common/base/loop.h"
#include "workers/common/link.h"

namespace telegram {

using hardshell::proto::AgentToChannel;
using hardshell::proto::ChannelToAgent;
using hardshell::proto::DeliverMessage;
using hardshell::proto::DeliveryReport;
using hardshell::proto::InboundMessage;

class TelegramWorker : public testing::Test {
  protected:
    TelegramWorker();
    ~TelegramWorker() override;

    // --- The worker ---------------------------------------------------------------------------
    void start();
    void kill_worker();
    // Asked by the supervisor; how it ended.
    int stop_worker();
    // What the planner says to a question of the worker's: that payload, or why not.
    void answer_config(uint64_t id, const Json& payload, const std::string& error = {});
    // Waits for its end by itself.
    int exit_status();
    std::string log_text() const;
    std::string offset_text() const;

    // --- The agent ----------------------------------------------------------------------------
    // A new life of it.
    void start_agent();
    void accept(const std::string& key);
    void accept_all();
    // From now on by itself.
    void accept_everything() { accepts_ = true; }
    void deliver(const std::string& id, int64_t chat, const std::string& text,
                 const std::function<void(DeliverMessage&)>& more = {});
    void send(const AgentToChannel& message);
    // The outcomes of a delivery, in order, SENDING left out.
    std::vector<DeliveryReport> reports(const std::string& id) const;
    std::optional<DeliveryReport> settled(const std::string& id) const;
    // The message with that text; fails the test when it does not come.
    InboundMessage inbound(const std::string& text);
    size_t offers_of(const std::string& key) const;

    // Runs the loop until it holds; fails the test after twenty seconds.
    void until(const std::function<bool()>& holds);
    // Runs the loop as long as the condition stays false for that long.
    bool never(const std::function<bool()>& holds, std::chrono::milliseconds time);

    TelegramDouble telegram;
    Json section = {{"dmPolicy", "open"}, {"allowFrom", {"*"}}, {"groupPolicy", "open"}};
    std::string api_url;  // empty: the double's
    std::vector<std::string> approved;
    bool notes_sending = true;
    std::string directory;
    std::unique_ptr<Loop> loop;
    std::vector<InboundMessage> offers;             // every one, repetitions too
    std::map<std::string, InboundMessage> journal;  // accepted, by key
    std::vector<DeliveryReport> all_reports;
    std::vector<hardshell::proto::PairingWanted> strangers;
    std::vector<hardshell::proto::ProbeAnswer> probes;
    std::vector<hardshell::proto::InboundReaction> reactions;
    std::vector<hardshell::proto::ChatMoved> moves;
    std::vector<hardshell::proto::ConfigCall> config_calls;  // to the supervisor
    hardshell::proto::AccountStatus status;
    std::optional<hardshell::proto::Failed> failed;
    bool ready = false;
    bool gone = false;
    pid_t pid = 0;

  private:
    hardshell::proto::LinkEnd link_end(const std::string& peer, bool binds) const;
    void take(const ChannelToAgent& message);
    void take_report(const DeliveryReport& report);

    std::unique_ptr<FrameStream> supervisor_;
    std::unique_ptr<Link> link_;
    std::vector<std::string> unaccepted_;
    bool accepts_ = false;
    uint64_t worker_life_ = 0;
    uint64_t agent_life_ = 0;
};

}  // namespace telegram
