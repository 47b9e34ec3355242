#include "workers/agent/cron/time_zones.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "workers/agent/cron/zone_module.h"

namespace agent {

namespace {

constexpr size_t most_known = 64;

// What a zone is called in the database; nothing else reaches the file system.
bool is_zone_name(const std::string& name) {
    const auto is_part = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '_' || c == '-' || c == '+';
    };
    return name.size() <= 64 && name.front() != '/' &&
           std::all_of(name.begin(), name.end(), is_part);
}

bool is_utc(const std::string& name) {
    for (const char* one : {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Z"})
        if (name == one) return true;
    return false;
}

}  // namespace

std::string TimeZones::usual_module() {
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    const std::string program(path, length > 0 ? static_cast<size_t>(length) : 0);
    return program.substr(0, program.rfind('/') + 1) + "time_zones.so";
}

Result<Zone> TimeZones::find(const std::string& name) {
    if (name.empty()) return local_zone();
    if (is_utc(name)) return utc_zone();
    if (const auto known = known_.find(name); known != known_.end()) return known->second;
    if (!is_zone_name(name))
        return Error{Fault::bad_message,
                     "\"" + name + "\" is no name of a time zone; write one like Europe/Berlin"};
    Result<Zone> zone = load(name);
    if (!zone) return zone;
    if (known_.size() >= most_known) known_.clear();
    known_[name] = *zone;
    return zone;
}

Result<Zone> TimeZones::load(const std::string& name) {
    if (Done done = open_module(); !done) return done.error();
    char why[256] = "";
    const void* zone = opened_->find(name.c_str(), why, sizeof why);
    if (!zone && ::access("/usr/share/zoneinfo", R_OK) != 0)
        return Error{Fault::bad_message,
                     "the time zone " + name +
                         " is not known: this machine has no tz database; install tzdata "
                         "(apt-get install tzdata). UTC works without it"};
    if (!zone)
        return Error{Fault::bad_message, "there is no time zone \"" + name +
                                             "\"; write one like Europe/Berlin (" + why + ")"};
    return Zone([module = opened_, zone](int64_t at) { return module->offset(zone, at); });
}

Done TimeZones::open_module() {
    if (opened_) return {};
    void* library = ::dlopen(module_.c_str(), RTLD_NOW | RTLD_LOCAL);
    const char* trouble = library ? nullptr : ::dlerror();
    const void* symbol = library ? ::dlsym(library, "hardshell_zone_module") : nullptr;
    if (!symbol)
        return Error{Fault::bad_message,
                     std::string("time zones by name cannot be used here: ") +
                         (trouble ? trouble : "time_zones.so is of another version") +
                         "; UTC works"};
    opened_ = static_cast<const ZoneModule*>(symbol);
    return {};
}

}  // namespace agent
