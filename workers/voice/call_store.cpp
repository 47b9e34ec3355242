#include "workers/voice/call_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "workers/common/base/file_beneath.h"
#include "workers/common/base/storage.h"

namespace voice {

namespace {

constexpr const char* file_name = "calls.jsonl";

// A half-written line of an earlier process is closed by the file's being made anew.
int open_new(const std::string& path) {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                0600);
}

std::string line_of(const Call& call) {
    return print_json(record_of(call)) + "\n";
}

// The last line of each call, in the order in which the calls began.
std::vector<Call> calls_in(const std::string& text) {
    std::vector<Call> calls;
    std::map<std::string, size_t> places;
    for (size_t at = 0; at < text.size();) {
        const size_t end = text.find('\n', at);
        if (end == std::string::npos) break;  // torn: it was never whole
        const Result<Json> record = parse_json(std::string_view(text).substr(at, end - at));
        at = end + 1;
        if (!record) continue;
        Result<Call> call = call_of(*record);
        if (!call) continue;
        const auto [place, is_new] = places.try_emplace(call->id, calls.size());
        if (is_new)
            calls.push_back(std::move(*call));
        else
            calls[place->second] = std::move(*call);
    }
    return calls;
}

// Live calls always; of the others the youngest.
void leave_the_past(std::vector<Call>& calls, int64_t now_ms) {
    std::erase_if(calls, [&](const Call& call) {
        return !call.is_live() && call.started_ms < now_ms - CallStore::kept_ms;
    });
    size_t surplus = calls.size() - std::min(calls.size(), CallStore::most_kept);
    std::erase_if(calls, [&](const Call& call) {
        if (surplus == 0 || call.is_live()) return false;
        --surplus;
        return true;
    });
}

}  // namespace

CallStore::CallStore(std::string folder)
    : folder_(std::move(folder)), path_(folder_ + "/" + file_name), aside_(path_ + ".unread") {}

Result<std::vector<Call>> CallStore::load(int64_t now_ms) {
    if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
        return storage_error("cannot make " + folder_, errno);
    std::vector<Call> calls;
    const Result<std::string> text = read_file_beneath(folder_, file_name, largest_file);
    if (text) {
        calls = calls_in(*text);
    } else if (text.error().sys != ENOENT) {
        if (rename(path_.c_str(), aside_.c_str()) != 0)
            return storage_error("cannot set " + path_ + " aside", errno);
        remark_ = path_ + " is kept as " + aside_ + ": " + text.error().what;
    }
    leave_the_past(calls, now_ms);
    if (const Done done = rewrite(calls, now_ms); !done) return done.error();
    return calls;
}

Done CallStore::rewrite(std::vector<Call> calls, int64_t now_ms) {
    leave_the_past(calls, now_ms);
    std::string text;
    for (const Call& call : calls) text += line_of(call);
    const std::string temporary = path_ + ".tmp";
    Fd file(open_new(temporary));
    if (!file) return storage_error("cannot write " + temporary, errno);
    if (const Done done = write_all(file, text, temporary); !done) return done;
    if (rename(temporary.c_str(), path_.c_str()) != 0)
        return storage_error("cannot write " + path_, errno);
    file_ = std::move(file);
    grown_ = 0;
    return {};
}

Done CallStore::put(const Call& call) {
    if (!file_) return Error{Fault::no_storage, path_ + " is not open"};
    const std::string line = line_of(call);
    const Done done = write_all(file_, line, path_);
    if (!done) file_.reset();  // half a line may be there: nothing is written behind it
    grown_ += line.size();
    return done;
}

}  // namespace voice
