#include "workers/common/pairing_files.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <functional>
#include <optional>

namespace {

constexpr std::string_view requests_ending = "-pairing.json";
constexpr std::string_view allowed_ending = "-allowFrom.json";
constexpr size_t longest_name = 64;
constexpr size_t longest_code = 32;

bool is_code(std::string_view code) {
    return !code.empty() && code.size() <= longest_code &&
           std::all_of(code.begin(), code.end(),
                       [](unsigned char letter) { return std::isalnum(letter); });
}

bool same_code(std::string_view one, std::string_view other) {
    return one.size() == other.size() &&
           std::equal(one.begin(), one.end(), other.begin(), [](unsigned char a, unsigned char b) {
               return std::toupper(a) == std::toupper(b);
           });
}

// Takes the request with that code out of the list.
std::optional<Json> take_request(Json& requests, std::string_view code) {
    for (size_t index = 0; index < requests.size(); ++index) {
        if (!same_code(text_view(requests[index], "code"), code)) continue;
        Json request = requests[index];
        requests.erase(index);
        return request;
    }
    return {};
}

Error no_such_request(const std::string& channel, const std::string& code) {
    return {Fault::bad_message, "no pending pairing request of " + channel + " has the code " +
                                    code + "; see `hardshell pairing list`"};
}

// Crosses the request out once `settle` has done with it.
Result<Json> settle_request(const SharedDirectory& directory, const std::string& channel,
                            const std::string& code, int64_t now_ms,
                            std::chrono::milliseconds patience,
                            const std::function<Done(const Json& request)>& settle) {
    if (!is_channel_name(channel))
        return Error{Fault::bad_message, "that is not the name of a channel"};
    if (!is_code(code))
        return Error{Fault::bad_message, "a pairing code consists of letters and digits"};
    std::optional<Json> request;
    const Done changed = directory.change(
        pairing_file(channel),
        [&](Json& file) -> Done {
            Json requests = pending_pairings(file, now_ms);
            request = take_request(requests, code);
            if (!request) return no_such_request(channel, code);
            if (Done settled = settle(*request); !settled) return settled;
            file["version"] = 1;
            file["requests"] = std::move(requests);
            return {};
        },
        patience);
    if (!changed) return changed.error();
    return *request;
}

}  // namespace

bool is_channel_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_name &&
           std::all_of(name.begin(), name.end(), [](unsigned char letter) {
               return std::islower(letter) || std::isdigit(letter) || letter == '-' ||
                      letter == '_';
           });
}

std::string pairing_file(const std::string& channel) {
    return channel + std::string(requests_ending);
}

std::string allow_file(const std::string& channel) {
    return channel + std::string(allowed_ending);
}

int64_t read_iso_time(const std::string& text) {
    struct tm day {};
    int milliseconds = 0;
    const int read =
        std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &day.tm_year, &day.tm_mon,
                    &day.tm_mday, &day.tm_hour, &day.tm_min, &day.tm_sec, &milliseconds);
    if (read < 6) return 0;
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    const time_t seconds = timegm(&day);
    return seconds < 0 ? 0 : static_cast<int64_t>(seconds) * 1000 + milliseconds;
}

Json pending_pairings(const Json& file, int64_t now_ms) {
    Json pending = Json::array();
    for (const Json& request : member(file, "requests")) {
        const int64_t asked = read_iso_time(text_member(request, "createdAt"));
        if (text_view(request, "id").empty() || text_view(request, "code").empty() || asked == 0 ||
            now_ms - asked > PairingFiles::expires_after_ms)
            continue;
        pending.push_back(request);
    }
    return pending;
}

std::vector<std::string> PairingFiles::channels() const {
    std::vector<std::string> channels;
    for (const std::string& name : directory_.names()) {
        if (!name.ends_with(requests_ending)) continue;
        std::string channel = name.substr(0, name.size() - requests_ending.size());
        if (is_channel_name(channel)) channels.push_back(std::move(channel));
    }
    std::sort(channels.begin(), channels.end());
    return channels;
}

Result<Json> PairingFiles::pending(const std::string& channel, int64_t now_ms) const {
    const Result<Json> file = directory_.read(pairing_file(channel));
    if (!file) return file.error();
    return pending_pairings(*file, now_ms);
}

// Let in first: when that is all that happened, the request can be approved once more.
Result<Json> PairingFiles::approve(const std::string& channel, const std::string& code,
                                   int64_t now_ms, std::chrono::milliseconds patience) const {
    const auto let_in = [&](const Json& request) {
        return directory_.change(
            allow_file(channel),
            [&](Json& file) -> Done {
                const Json id = text_member(request, "id");
                file["version"] = 1;
                Json& list = file["allowFrom"];
                if (!list.is_array()) list = Json::array();
                if (std::find(list.begin(), list.end(), id) == list.end()) list.push_back(id);
                return {};
            },
            patience);
    };
    return settle_request(directory_, channel, code, now_ms, patience, let_in);
}

Result<Json> PairingFiles::reject(const std::string& channel, const std::string& code,
                                  int64_t now_ms, std::chrono::milliseconds patience) const {
    return settle_request(directory_, channel, code, now_ms, patience,
                          [](const Json&) { return Done(); });
}
