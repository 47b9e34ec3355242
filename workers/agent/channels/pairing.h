// Strangers who want in, and who was let in: the files that OpenClaw's command line shares,
// credentials/<channel>-pairing.json and <channel>-allowFrom.json.
//
// Promises a code that nobody can guess, at most three strangers at once per channel, and that a
// change of the files by anybody is noticed. Every change is made under the stock lock, one after
// the other; while another program has it, the change waits and the process does not.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"
#include "workers/common/base/loop.h"
#include "workers/common/pairing_files.h"

namespace agent {

struct PairingAnswer {
    std::string code;      // empty: none now
    bool created = false;  // else the stranger was told it before
    std::string reason;
};

struct Stranger {
    std::string id;
    Json meta = Json::object();  // texts: "username", "name", "accountId"
};

// What a request makes of a channel's file; pure but for the code. `new_code` is called until it
// gives one that is not pending.
PairingAnswer ask_in(Json& file, const Stranger& stranger, int64_t now_ms,
                     const std::function<std::string()>& new_code);
// Eight characters of an alphabet without those that look alike.
std::string new_pairing_code();
// The entries of an allow list file, as the channel names people.
std::vector<std::string> allowed_in(const std::string& channel, const Json& file);
// Puts one in or takes one out; false: so it was already.
bool set_allowed(Json& file, const std::string& channel, const std::string& id, bool add);
// The ids of its requests, with the account each came from.
std::map<std::string, std::string> requests_in(const Json& file);

class PairingDesk {
  public:
    struct Services {
        Loop& loop;
        std::string directory;  // "credentials"
        std::function<int64_t()> now_ms;
    };
    // Of every channel that is followed, after each change.
    using Changed =
        std::function<void(const std::string& channel, const std::vector<std::string>& allowed)>;
    // Somebody who had asked was let in.
    using Approved = std::function<void(const std::string& channel, const std::string& account,
                                        const std::string& id)>;

    PairingDesk(Services services, Changed changed, Approved approved);
    ~PairingDesk();

    // Reads its files, and follows them from here on.
    void follow(const std::string& channel);
    const std::vector<std::string>& allowed(const std::string& channel) const;
    void ask(const std::string& channel, Stranger stranger,
             std::function<void(const PairingAnswer&)> answer);

    // Who waits, on every channel that somebody waits on: [{channel, requests}].
    Result<Json> pending() const;
    enum class Decision { approve, reject };
    // The answer is the request; bad_message: nobody has that code.
    void decide(Decision decision, const std::string& channel, const std::string& code,
                std::function<void(const Result<Json>& request)> answer);

    static constexpr size_t most_pending = 3;
    // Somebody is let in, or not any more, without having asked; false: so it was already.
    void change_allowed(const std::string& channel, const std::string& entry, bool add,
                        std::function<void(const Result<bool>& changed)> answer);

    // More changes than that do not wait for another program.
    static constexpr size_t most_waiting = 256;

  private:
    struct Channel {
        std::vector<std::string> allowed;
        std::map<std::string, std::string> requests;  // id, account
        std::string trouble;                          // last said
    };
    struct Change {
        std::function<Done(const SharedDirectory&)> attempt;  // busy: another program has the file
        std::function<void(const Done&)> settle;
        int64_t since_ms = 0;
    };
    bool open();
    void watch();
    void read_events();
    void refresh(const std::string& name, Channel& channel);
    void change(std::function<Done(const SharedDirectory&)> attempt,
                std::function<void(const Done&)> settle);
    void change_next();
    bool try_to_change(const Change& change);
    void asked(const std::string& channel, const Stranger& stranger, const PairingAnswer& answer);

    Services services_;
    Changed changed_;
    Approved approved_;
    std::optional<SharedDirectory> directory_;
    std::map<std::string, Channel> channels_;
    std::deque<Change> changes_;
    Fd inotify_;
    Loop::Registration events_;
    Loop::Registration retry_;
    Loop::Registration check_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
