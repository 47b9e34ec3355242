// A configuration as it is shown to clients: with a placeholder in the place of each secret. What
// a client sends back is made whole again from the file, so that showing and saving changes
// nothing.
//
// The placeholder is the one that later releases of OpenClaw use, so that their clients know it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/config.h"

namespace planner {

inline constexpr std::string_view hidden = "__OPENCLAW_REDACTED__";

class Redaction {
  public:
    // Hides the values at the paths of the table in secrets.cpp, and wherever else the same values
    // occur, or those of environment variables that hold secrets by their name.
    explicit Redaction(const LoadedConfig& config);

    // "${NAME}" is no secret and stays.
    Json shown(const Json& config) const;
    // The text of a file, comments included. Works for a text that cannot be read, too.
    std::string shown_text(std::string_view text) const;

  private:
    void hide(Json& value, Path& path) const;
    std::string without_values(std::string text) const;
    std::string shown_unreadable(std::string_view text) const;

    std::vector<std::string> values_;  // the longest first
};

// What the client saw when it wrote its new configuration.
struct Seen {
    const Json& merged;  // the file's own
    const Json shown_merged;
    const Json shown_config;  // with variables and defaults put in
};

enum class Kind {
    patch,  // only what is in it changes
    whole,  // what is not in it goes
};

// Puts the file's own values where the client sent back what it was shown: a placeholder, the value
// of a ${VARIABLE}, a default. Adds what it was not shown (keys that are not known). The error
// names a key that has a placeholder where the file has nothing, or where it cannot be told whose
// it is: in an entry without an id that was changed in a list that became longer or shorter.
Done restore(Json& sent, const Seen& seen, Kind kind);
// The same in a text, which keeps its form; nothing is added.
Done restore_text(std::string& text, const Seen& seen);

}  // namespace planner
