// `hardshell dashboard`: where the page is, with the credential in the fragment, which browsers do
// not send to any server. OpenClaw's own page, where the owner has chosen it, reads the query only.
#pragma once

#include <string>

#include "workers/cli/context.h"

namespace cli {

struct Page {
    std::string host = "127.0.0.1";
    uint32_t port = 0;
    std::string base_path;    // gateway.controlUi.basePath, or empty
    std::string fly_app;      // not empty: on Fly, where the page is public under its name
    std::string gateway_url;  // not empty: of a gateway elsewhere, "wss://…"
    std::string token;        // empty: none is used
    bool is_owners_build = false;
};
std::string page_address(const Page& page);

int run_dashboard(const Context& context);

}  // namespace cli
