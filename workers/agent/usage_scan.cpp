#include "workers/agent/usage_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "workers/agent/transcript_file.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

bool is_transcript(std::string_view name) {
    return name.ends_with(".jsonl") || name.find(".jsonl.deleted.") != std::string_view::npos;
}

std::vector<std::string> transcripts_in(const std::vector<std::string>& folders) {
    std::vector<std::string> paths;
    for (const std::string& folder : folders) {
        DIR* opened = ::opendir(folder.c_str());
        if (!opened) continue;
        while (const dirent* found = ::readdir(opened))
            if (is_transcript(found->d_name)) paths.push_back(folder + "/" + found->d_name);
        ::closedir(opened);
    }
    return paths;
}

// "2026-01-30T10:00:00.000Z"; 0 when it is none.
int64_t ms_of(const std::string& iso) {
    struct tm time {};
    if (!::strptime(iso.c_str(), "%Y-%m-%dT%H:%M:%S", &time)) return 0;
    return static_cast<int64_t>(::timegm(&time)) * 1000;
}

std::string local_day(int64_t at_ms) {
    const time_t at = static_cast<time_t>(at_ms / 1000);
    struct tm local {};
    ::localtime_r(&at, &local);
    char text[16];
    return {text, ::strftime(text, sizeof text, "%Y-%m-%d", &local)};
}

DayUsage usage_of(const Json& message, const SessionStore::CostOf& cost_of) {
    const Json& usage = member(message, "usage");
    DayUsage one;
    one.input = int_member(usage, "input");
    one.output = int_member(usage, "output");
    one.cache_read = int_member(usage, "cacheRead");
    one.cache_write = int_member(usage, "cacheWrite");
    one.total_tokens =
        int_member(usage, "totalTokens", one.input + one.output + one.cache_read + one.cache_write);
    const std::optional<double> cost = cost_of_answer(message, cost_of);
    one.cost = cost.value_or(0);
    one.missing_costs = !cost && one.total_tokens > 0 ? 1 : 0;
    return one;
}

}  // namespace

std::optional<double> cost_of_answer(const Json& message, const SessionStore::CostOf& cost_of) {
    const Json& usage = member(message, "usage");
    if (const Json& cost = member_at(usage, "cost.total"); cost.is_number())
        return cost.get<double>();
    return cost_of({text_member(message, "provider"), text_member(message, "model")}, usage);
}

DayUsage& DayUsage::operator+=(const DayUsage& other) {
    input += other.input;
    output += other.output;
    cache_read += other.cache_read;
    cache_write += other.cache_write;
    total_tokens += other.total_tokens;
    cost += other.cost;
    missing_costs += other.missing_costs;
    return *this;
}

void UsageScan::run(std::vector<std::string> folders, int64_t since_ms,
                    SessionStore::CostOf cost_of, std::function<void(const UsageByDay&)> done) {
    waiting_.push_back({std::move(folders), since_ms, std::move(cost_of), std::move(done)});
    if (served_.empty()) begin();
}

void UsageScan::begin() {
    served_ = std::exchange(waiting_, {});
    since_ms_ = served_.front().since_ms;
    for (const Request& request : served_) since_ms_ = std::min(since_ms_, request.since_ms);
    unvisited_ = transcripts_in(served_.front().folders);
    visited_.clear();
    timer_ = loop_.after(std::chrono::milliseconds(1), [this] { slice(); });
}

void UsageScan::slice() {
    ++slices_;
    const int64_t until = monotonic_ms() + longest_slice.count();
    while (monotonic_ms() < until) {
        if (!open_ && !open_next()) return finish();
        if (open_) read_block();
    }
    // Not at once: whatever else has come in goes first.
    timer_ = loop_.after(std::chrono::milliseconds(1), [this] { slice(); });
}

// The next file with something new in it, if it is worth a look. False when none is left.
bool UsageScan::open_next() {
    if (unvisited_.empty()) return false;
    const std::string path = std::move(unvisited_.back());
    unvisited_.pop_back();
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return true;
    File& file = visited_[path];
    if (const auto known = files_.find(path); known != files_.end()) file = known->second;
    const uint64_t size = static_cast<uint64_t>(facts.st_size);
    // Another file under the name, or a shorter one, is read from its beginning.
    if (file.inode != facts.st_ino || size < file.read) file = {facts.st_ino, 0, {}};
    const bool old = static_cast<int64_t>(facts.st_mtim.tv_sec + 1) * 1000 < since_ms_;
    if (size == file.read || old) return true;
    Result<Fd> opened = open_regular(path, O_RDONLY);
    if (!opened) return true;
    open_ = std::move(*opened);
    current_ = &file;
    partial_.clear();
    overlong_ = false;
    return true;
}

void UsageScan::read_block() {
    const Result<std::string> bytes = read_at(open_.get(), current_->read + partial_.size(), block);
    if (!bytes || bytes->empty()) return open_.reset();
    bytes_read_ += bytes->size();
    partial_ += *bytes;
    std::string_view rest = partial_;
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        if (!overlong_) take_line(rest.substr(0, end));
        overlong_ = false;
        rest.remove_prefix(end + 1);
    }
    current_->read += partial_.size() - rest.size();
    partial_.erase(0, partial_.size() - rest.size());
    if (partial_.size() <= longest_transcript_line) return;
    overlong_ = true;
    current_->read += partial_.size();
    partial_.clear();
}

void UsageScan::take_line(std::string_view line) {
    // Most lines are passed over without being parsed.
    if (line.find("\"usage\"") == std::string_view::npos) return;
    const Result<Json> entry = parse_json(line);
    if (!entry) return;
    const Json& message = member(*entry, "message");
    if (text_view(message, "role") != "assistant" || !member(message, "usage").is_object()) return;
    int64_t at = int_member(message, "timestamp");
    if (at == 0) at = ms_of(text_member(*entry, "timestamp"));
    if (at == 0) return;
    current_->days[local_day(at)] += usage_of(message, served_.front().cost_of);
}

void UsageScan::finish() {
    // A transcript that is gone goes from the sums as well.
    files_ = std::exchange(visited_, {});
    UsageByDay sum;
    for (const auto& [path, file] : files_)
        for (const auto& [day, usage] : file.days) sum[day] += usage;
    timer_.reset();
    const std::vector<Request> served = std::exchange(served_, {});
    if (!waiting_.empty()) begin();
    for (const Request& request : served) {
        UsageByDay days = sum;
        days.erase(days.begin(), days.lower_bound(local_day(request.since_ms)));
        request.done(days);
    }
}

}  // namespace agent
