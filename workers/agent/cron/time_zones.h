// Time zones by name ("Europe/Berlin"), from the machine's tz database by Debian's date library.
//
// The library is in a module that is loaded when the first zone is asked for: linked, it would cost
// every agent 0.6 MiB, with a second C++ runtime, for what most never use. "UTC" needs neither it
// nor the database.
#pragma once

#include <map>
#include <string>

#include "workers/agent/cron/zone.h"

namespace agent {

class TimeZones {
  public:
    // The file of the module.
    explicit TimeZones(std::string module) : module_(std::move(module)) {}

    // An empty name is the process's own zone. bad_message when there is no such zone, or no
    // database on this machine.
    Result<Zone> find(const std::string& name);

    // Beside the running program.
    static std::string usual_module();

  private:
    Result<Zone> load(const std::string& name);
    Done open_module();

    std::string module_;
    const struct ZoneModule* opened_ = nullptr;  // never unloaded: zones point into it
    std::map<std::string, Zone> known_;
};

}  // namespace agent
