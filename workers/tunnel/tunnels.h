// The tunnels of the plan: started, and what is said of them put together into one word for the
// others. Where one leads to the public paths, that one is spoken of; what is wrong with another is
// told beside it.
//
// Promises that one which only its owner can help takes no other down.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/tunnel/provider.h"
#include "workers/tunnel/settings.h"

namespace tunnel {

class Tunnels {
  public:
    struct Parts {
        Loop& loop;
        Settings settings;
        uint16_t paths_port = 0;                         // of the entrance
        std::map<std::string, std::string> environment;  // of the plan
        std::string state_dir;                           // absolute
        Secret ngrok_token;
        Secret tailscale_key;
        std::function<void(const hardshell::proto::PublicUrl&)> publish;
        // All of them have given up: what the owner has to do.
        std::function<void(const Error&)> fatal;
    };

    explicit Tunnels(Parts parts);

    void start();
    void stop(std::function<void()> done);

  private:
    std::unique_ptr<Provider> make(const TunnelSettings& wanted, size_t number);
    ProviderParts parts_for(const TunnelSettings& wanted, size_t number);
    void changed(size_t number, const TunnelState& state);
    std::string problems() const;
    void gave_up(size_t number, const Error& error);

    Parts parts_;
    size_t spoken_of_ = 0;
    std::vector<TunnelState> states_;
    std::vector<std::unique_ptr<Provider>> providers_;
    size_t to_stop_ = 0;
    size_t given_up_ = 0;
    Error failure_;  // of those that gave up
};

}  // namespace tunnel
