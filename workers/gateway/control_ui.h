// The Control UI's paths and what is written into its page. Pure: files are read elsewhere.
//
// The page may be the one that is built in or another build of the owner's choice; both are served
// under a policy that lets in their own files, their own gateway and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/gateway/http_request.h"

namespace gateway {

struct UiTarget {
    enum class What { nothing, redirect, file, avatar };
    What what = What::nothing;
    // redirect: where to. file: below the root, "index.html", "assets/main.js". avatar: the agent.
    std::string name;
    // A file that is missing is a place inside the page.
    bool may_be_route = false;
};

// "/ui" for "ui/", "/ui/"; empty for "" and "/".
std::string normal_base_path(std::string_view text);
UiTarget ui_target(const HttpAsk& ask, const std::string& base_path);

struct UiGlobals {
    std::string base_path;
    std::string assistant_name = "Assistant";
    std::string assistant_avatar = "A";
};
// Puts a script with the three globals before </head>; leaves a page alone that has them.
std::string with_globals(std::string_view html, const UiGlobals& globals);
// The texts of scripts that stand in the page itself.
std::vector<std::string> inline_scripts(std::string_view html);

enum class UiBuild { built_in, owners };
// Header lines, each after its line break. `scripts` are allowed by their digests.
std::string ui_headers(const std::string& host, const std::vector<std::string>& scripts,
                       UiBuild build);

}  // namespace gateway
