#include "workers/planner/writer.h"

#include <cerrno>
#include <cstdio>

#include "workers/planner/files.h"

namespace planner {

namespace {

constexpr int backups = 4;  // beside .bak itself

std::string backup_name(const std::string& path, int age) {
    return age == 0 ? path + ".bak" : path + ".bak." + std::to_string(age);
}

// The oldest falls off. A backup that is missing leaves a gap, which is no error.
void rotate_backups(const std::string& path) {
    for (int age = backups; age > 0; --age)
        std::rename(backup_name(path, age - 1).c_str(), backup_name(path, age).c_str());
}

// A file that has grown too large to be loaded can still be replaced.
constexpr size_t largest_replaced = 64 * largest_config;

}  // namespace

Done check_base_hash(const std::string& config_path, const std::string& base_hash) {
    const Result<std::string> present = read_file(config_path, largest_replaced);
    if (!present && present.error().sys == ENOENT) return {};
    if (!present)
        return Error{Fault::bad_config,
                     "the present configuration cannot be read, so its hash is "
                     "not available: " +
                         present.error().what};
    if (base_hash.empty())
        return Error{Fault::bad_message,
                     "the hash of the configuration this change is based on is "
                     "required: read it with config.get and try again"};
    if (sha256_hex(*present) != base_hash)
        return Error{Fault::bad_message,
                     "the configuration has changed since it was read: read it "
                     "again with config.get and repeat the change"};
    return {};
}

Done write_config(const std::string& config_path, std::string_view text) {
    const std::string target = link_target(config_path);
    if (Done made = make_directories(directory_of(target)); !made) return made;
    if (const Result<std::string> present = read_file(target, largest_replaced); present) {
        rotate_backups(target);
        if (Done kept = write_file(backup_name(target, 0), *present, Durable::yes); !kept)
            return kept;
    }
    return write_file(target, text, Durable::yes);
}

}  // namespace planner
