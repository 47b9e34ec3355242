#include "workers/discord/session_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"

namespace discord {

namespace {

constexpr int64_t hour_ms = 3'600'000;
constexpr size_t largest_file = 64 * 1024;

struct Pace {
    uint32_t at_least;  // beginnings in a day
    int64_t apart_ms;
};
// Read from the top; the first row that fits decides. Five seconds are Discord's own rule.
constexpr Pace paces[] = {
    {900, 24 * hour_ms / 50},
    {600, 300'000},
    {300, 120'000},
    {100, 60'000},
    {30, 15'000},
    {0, 5'000},
};

std::string folder_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

void make_folders(const std::string& folder) {
    for (size_t slash = folder.find('/', 1);; slash = folder.find('/', slash + 1)) {
        mkdir(folder.substr(0, slash).c_str(), 0700);
        if (slash == std::string::npos) return;
    }
}

Error cannot_write(const std::string& path) {
    return {Fault::no_storage, system_error("cannot write " + path, errno).what, errno};
}

}  // namespace

void IdentifyLog::add(int64_t now_ms) {
    const int64_t hour = now_ms / hour_ms;
    ++hours_[hour];
    hours_.erase(hours_.begin(), hours_.lower_bound(hour - 24));
    last_ms_ = now_ms;
}

uint32_t IdentifyLog::in_a_day(int64_t now_ms) const {
    uint32_t count = 0;
    for (const auto& [hour, some] : hours_)
        if (hour >= now_ms / hour_ms - 24) count += some;
    return count;
}

int64_t IdentifyLog::next_allowed_ms(int64_t now_ms) const {
    const uint32_t count = in_a_day(now_ms);
    // A clock that was set back must not keep the bot away.
    const int64_t last = std::min(last_ms_, now_ms);
    for (const Pace& pace : paces)
        if (count >= pace.at_least) return count == 0 ? now_ms : last + pace.apart_ms;
    return now_ms;
}

void IdentifyLog::restore(std::map<int64_t, uint32_t> hours, int64_t last_ms) {
    hours_ = std::move(hours);
    last_ms_ = last_ms;
}

std::string print_record(const SessionRecord& record) {
    Json hours = Json::object();
    for (const auto& [hour, count] : record.identifies.hours()) hours[std::to_string(hour)] = count;
    return print_json({{"version", 1},
                       {"sessionId", record.id},
                       {"resumeUrl", record.resume_url},
                       {"sequence", record.sequence},
                       {"botId", record.bot_id},
                       {"identifies", hours},
                       {"lastIdentifyMs", record.identifies.last_ms()},
                       {"commandsDigest", record.commands_digest}});
}

SessionRecord parse_record(std::string_view text) {
    SessionRecord record;
    const Result<Json> json = parse_json(text);
    if (!json || int_member(*json, "version") != 1) return record;
    record.id = text_member(*json, "sessionId");
    record.resume_url = text_member(*json, "resumeUrl");
    record.sequence = static_cast<uint64_t>(std::max<int64_t>(0, int_member(*json, "sequence")));
    record.bot_id = text_member(*json, "botId");
    record.commands_digest = text_member(*json, "commandsDigest");
    std::map<int64_t, uint32_t> hours;
    const Json& counts = member(*json, "identifies");
    if (counts.is_object())
        for (const auto& [hour, count] : counts.items())
            if (count.is_number_unsigned() && hours.size() < 100)
                hours[std::strtoll(hour.c_str(), nullptr, 10)] = count.get<uint32_t>();
    record.identifies.restore(std::move(hours), int_member(*json, "lastIdentifyMs"));
    if (record.id.empty() || record.resume_url.empty()) record.id.clear();
    return record;
}

SessionRecord SessionFile::read() const {
    const Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return {};
    std::string text(largest_file, '\0');
    const ssize_t count = ::read(file.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return parse_record(text);
}

Done SessionFile::write(const SessionRecord& record) const {
    const std::string fresh = path_ + ".new";
    make_folders(folder_of(path_));
    Fd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return cannot_write(path_);
    const std::string text = print_record(record);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return cannot_write(path_);
    file.reset();
    // No fsync: a machine that loses power begins a new session, which is what it would do anyway.
    if (rename(fresh.c_str(), path_.c_str()) != 0) return cannot_write(path_);
    return {};
}

}  // namespace discord
