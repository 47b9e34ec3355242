#include "workers/gateway/record_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "workers/common/base/fd.h"

namespace gateway {

namespace {

Done write_synced(const std::string& path, const std::string& text) {
    const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return system_error("cannot write " + path, errno);
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot write " + path, errno);
        written += static_cast<size_t>(count);
    }
    if (fsync(file.get()) != 0) return system_error("cannot sync " + path, errno);
    return {};
}

bool is_table_of_records(const Json& value) {
    return value.is_object() && std::all_of(value.begin(), value.end(),
                                            [](const Json& record) { return record.is_object(); });
}

}  // namespace

Json RecordFiles::read(const std::string& name, const std::string& consequence, int64_t now_ms,
                       std::vector<std::string>& problems) const {
    const std::string path = directory_ + "/" + name;
    std::ifstream file(path, std::ios::binary);
    if (!file) return Json::object();
    std::stringstream text;
    text << file.rdbuf();
    Result<Json> parsed = parse_json(text.str());
    if (parsed && is_table_of_records(*parsed)) return std::move(*parsed);
    const std::string aside = path + ".corrupt-" + std::to_string(now_ms);
    const bool kept = rename(path.c_str(), aside.c_str()) == 0;
    problems.push_back(
        path + " cannot be read (" + (parsed ? "no table of records" : parsed.error().what) +
        "); " + (kept ? "kept as " + aside : "it could not be kept aside") + "; " + consequence);
    return Json::object();
}

Json RecordFiles::read_object(const std::string& name) const {
    std::ifstream file(directory_ + "/" + name, std::ios::binary);
    std::stringstream text;
    if (file) text << file.rdbuf();
    Result<Json> parsed = parse_json(text.str());
    return parsed && parsed->is_object() ? std::move(*parsed) : Json::object();
}

Done RecordFiles::write(const std::string& name, const Json& records) const {
    const std::string path = directory_ + "/" + name;
    if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error("cannot create " + directory_, errno);
    const std::string fresh = path + ".tmp";
    const std::string text = records.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (Done done = write_synced(fresh, text); !done) return done.error();
    if (rename(fresh.c_str(), path.c_str()) != 0)
        return system_error("cannot replace " + path, errno);
    const Fd directory(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) fsync(directory.get());
    return {};
}

}  // namespace gateway
