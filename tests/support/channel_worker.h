// The real program of a channel between two ends that the test holds: a supervisor over the
// inherited socket, and an agent that binds the link and says what the test wants.
//
// Both ends live on a thread of their own. The agent's side survives the program: what it took, and
// what was reported to it, is counted over all its lives.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/loop.h"
#include "workers/common/link.h"

class ChannelWorker {
  public:
    using ToChannel = hardshell::proto::AgentToChannel;
    using Inbound = hardshell::proto::InboundMessage;
    using Report = hardshell::proto::DeliveryReport;
    struct Options {
        std::string program;  // "discord"
        std::string account = "default";
        std::string config_json = "{}";
        std::map<std::string, std::string> secrets = {};  // name to value
        std::map<std::string, std::string> environment = {};
        std::vector<std::string> allow_list = {};
    };

    explicit ChannelWorker(Options options);
    ~ChannelWorker();

    // The next life of the program; waits until it is ready, or has ended.
    void start();
    void kill();
    void stop();          // as the supervisor asks for it
    int wait_for_exit();  // its code, or 128 + signal
    int pid() const { return pid_; }
    const std::string& state_dir() const { return state_dir_; }

    // What the agent does by itself. All on at first.
    void accepts(bool on);        // inbound messages, at once
    void notes_sending(bool on);  // SENDING
    void answers_pairing(bool on);
    // The agent's end dies, and comes again with another life; what it had not accepted is offered
    // to it anew, what it had not settled it sends again.
    void restart_agent();

    void say(const ToChannel& message);
    void deliver(const std::string& id, const std::string& chat_id, const std::string& text,
                 const std::function<void(hardshell::proto::DeliverMessage&)>& more = {});

    std::vector<Inbound> inbound() const;  // as first offered, each key once
    size_t offers() const;                 // repetitions too
    std::vector<Report> reports() const;
    // The last report of that delivery that is no SENDING.
    std::optional<Report> outcome(const std::string& id) const;
    bool is_settled(const std::string& id) const;
    std::vector<hardshell::proto::InboundReaction> reactions() const;
    std::vector<hardshell::proto::PairingWanted> strangers() const;
    hardshell::proto::AccountStatus status() const;
    std::map<uint64_t, std::string> probe_answers() const;
    std::string failure() const;                          // what the program said before it ended
    std::string log() const;                              // what it wrote
    bool wait(const std::function<bool()>& until) const;  // false after twenty seconds

  private:
    void on_loop(std::function<void()> task);
    void open_agent();
    void take(std::string_view frame);
    void note_sending(const Report& report);
    void deliver_again();
    void read_log();

    Options options_;
    std::string state_dir_;
    int pid_ = 0;
    uint64_t life_ = 0;
    uint64_t agent_life_ = 0;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<FrameStream> supervisor_;
    std::unique_ptr<Link> agent_;
    Fd log_;
    Loop::Registration log_watch_;
    Fd wake_;
    Loop::Registration wake_watch_;
    std::vector<Loop::Registration> later_;
    std::thread thread_;

    mutable std::mutex mutex_;  // for what follows
    std::vector<std::function<void()>> tasks_;
    std::map<std::string, hardshell::proto::DeliverMessage> open_deliveries_;
    std::vector<std::string> delivery_order_;
    std::vector<Inbound> inbound_;
    std::map<std::string, bool> keys_;  // accepted
    size_t offers_ = 0;
    std::vector<Report> reports_;
    std::vector<hardshell::proto::InboundReaction> reactions_;
    std::vector<hardshell::proto::PairingWanted> strangers_;
    hardshell::proto::AccountStatus status_;
    std::map<uint64_t, std::string> probes_;
    std::string failure_;
    std::string log_text_;
    bool ready_ = false;
    bool ended_ = false;
    bool accepts_ = true;
    bool notes_sending_ = true;
    bool answers_pairing_ = true;
};
