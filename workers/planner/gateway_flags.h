// The options of `hardshell gateway` as they reach the plan. The command line has refused wrong
// ones already; what is unknown here is reported and ignored.
#pragma once

#include <string>
#include <vector>

namespace planner {

// Empty texts: not given.
struct GatewayFlags {
    std::string port;
    std::string bind;
    std::string token;
    std::string password;
    std::string auth;
    std::string tailscale;
    bool allow_unconfigured = false;
    bool verbose = false;
    std::vector<std::string> unknown;
};

// "--port 3000" and "--port=3000" alike.
GatewayFlags read_gateway_flags(const std::vector<std::string>& arguments);

}  // namespace planner
