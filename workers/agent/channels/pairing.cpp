#include "workers/agent/channels/pairing.h"

#include <sys/inotify.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "workers/agent/ids.h"
#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
static_assert(alphabet.size() == 32, "each character takes five bits of chance");
constexpr size_t code_size = 8;
constexpr size_t most_remembered = 64;
constexpr std::chrono::milliseconds lock_pause{100};
constexpr std::chrono::milliseconds no_patience{0};
constexpr int64_t lock_patience_ms = 10'000;
// Where the kernel tells nothing (a network file system), and for a directory that comes later.
constexpr std::chrono::milliseconds usual_check{30'000};

struct Prefixes {
    std::string_view channel;
    std::initializer_list<std::string_view> prefixes;
};
// What owners write before an id.
const Prefixes prefix_table[] = {
    {"telegram", {"telegram:", "tg:"}},
    {"discord", {"discord:", "user:"}},
    {"slack", {"slack:", "user:"}},
};

std::string normal_entry(const std::string& channel, std::string_view entry) {
    entry = trimmed(entry);
    for (const Prefixes& row : prefix_table) {
        if (row.channel != channel) continue;
        for (const std::string_view prefix : row.prefixes)
            if (lower_case(entry.substr(0, prefix.size())) == prefix)
                entry.remove_prefix(prefix.size());
    }
    return std::string(entry);
}

bool has_code(const Json& requests, const std::string& code) {
    return std::any_of(requests.begin(), requests.end(),
                       [&](const Json& request) { return text_view(request, "code") == code; });
}

}  // namespace

std::string new_pairing_code() {
    unsigned char chance[code_size];
    if (getrandom(chance, sizeof chance, 0) != static_cast<ssize_t>(sizeof chance)) std::abort();
    std::string code;
    for (const unsigned char byte : chance) code += alphabet[byte % alphabet.size()];
    return code;
}

PairingAnswer ask_in(Json& file, const Stranger& stranger, int64_t now_ms,
                     const std::function<std::string()>& new_code) {
    Json requests = pending_pairings(file, now_ms);
    PairingAnswer answer;
    const auto known = std::find_if(requests.begin(), requests.end(), [&](const Json& request) {
        return text_view(request, "id") == stranger.id;
    });
    if (known != requests.end()) {
        (*known)["lastSeenAt"] = iso_time(now_ms);
        answer.code = text_member(*known, "code");
    } else if (requests.size() >= PairingDesk::most_pending) {
        answer.reason = "three others wait for an answer already";
    } else {
        do answer.code = new_code();
        while (has_code(requests, answer.code));
        answer.created = true;
        Json request{{"id", stranger.id},
                     {"code", answer.code},
                     {"createdAt", iso_time(now_ms)},
                     {"lastSeenAt", iso_time(now_ms)}};
        if (!stranger.meta.empty()) request["meta"] = stranger.meta;
        requests.push_back(std::move(request));
    }
    file["version"] = 1;
    file["requests"] = std::move(requests);
    return answer;
}

std::vector<std::string> allowed_in(const std::string& channel, const Json& file) {
    std::vector<std::string> allowed;
    for (const Json& entry : member(file, "allowFrom")) {
        std::string id;
        if (entry.is_string()) id = normal_entry(channel, entry.get_ref<const std::string&>());
        if (entry.is_number_integer()) id = std::to_string(entry.get<int64_t>());
        if (!id.empty() && std::find(allowed.begin(), allowed.end(), id) == allowed.end())
            allowed.push_back(id);
    }
    return allowed;
}

bool set_allowed(Json& file, const std::string& channel, const std::string& id, bool add) {
    const Json before = member(file, "allowFrom");
    Json kept = Json::array();
    bool was_there = false;
    for (const Json& entry : before) {
        const std::string one = entry.is_string() ? entry.get<std::string>() : print_json(entry);
        const bool is_it = normal_entry(channel, one) == id;
        was_there |= is_it;
        if (!is_it || add) kept.push_back(entry);
    }
    if (was_there == add) return false;
    if (add) kept.push_back(id);
    file["version"] = 1;
    file["allowFrom"] = std::move(kept);
    return true;
}

std::map<std::string, std::string> requests_in(const Json& file) {
    std::map<std::string, std::string> requests;
    for (const Json& request : member(file, "requests"))
        if (const std::string id = text_member(request, "id"); !id.empty())
            requests[id] = text_member(member(request, "meta"), "accountId", "default");
    return requests;
}

PairingDesk::PairingDesk(Services services, Changed changed, Approved approved)
    : services_(std::move(services)), changed_(std::move(changed)), approved_(std::move(approved)) {
    open();
    check_ = services_.loop.every(usual_check, [this] {
        if (!directory_ && !open()) return;
        for (auto& [name, channel] : channels_) refresh(name, channel);
    });
}

PairingDesk::~PairingDesk() {
    *alive_ = false;
}

bool PairingDesk::open() {
    Result<SharedDirectory> opened = SharedDirectory::open(services_.directory);
    if (!opened) {
        log_warn("who was let in by pairing is not known: {}", opened.error().what);
        return false;
    }
    directory_.emplace(std::move(*opened));
    watch();
    return true;
}

void PairingDesk::watch() {
    inotify_ = Fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_ || inotify_add_watch(inotify_.get(), services_.directory.c_str(),
                                       IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0)
        return;  // the usual check finds it
    events_ =
        services_.loop.watch(inotify_.get(), Loop::readable, [this](unsigned) { read_events(); });
}

void PairingDesk::read_events() {
    alignas(inotify_event) char buffer[4096];
    while (::read(inotify_.get(), buffer, sizeof buffer) > 0) {
    }
    for (auto& [name, channel] : channels_) refresh(name, channel);
}

void PairingDesk::follow(const std::string& name) {
    const auto [place, is_new] = channels_.try_emplace(name);
    if (is_new) refresh(name, place->second);
}

const std::vector<std::string>& PairingDesk::allowed(const std::string& channel) const {
    static const std::vector<std::string> nobody;
    const auto found = channels_.find(channel);
    return found == channels_.end() ? nobody : found->second.allowed;
}

// A file that cannot be read lets nobody in and nobody out: what was known stays.
void PairingDesk::refresh(const std::string& name, Channel& channel) {
    if (!directory_) return;
    const Result<Json> allowed_file = directory_->read(allow_file(name));
    const Result<Json> request_file = directory_->read(pairing_file(name));
    const std::string trouble = !allowed_file   ? allowed_file.error().what
                                : !request_file ? request_file.error().what
                                                : "";
    if (!trouble.empty() && channel.trouble != trouble)
        log_warn("who was let in on {} stays as it was: {}", name, trouble);
    channel.trouble = trouble;
    if (!trouble.empty()) return;
    // Those whose request is gone already may be in the list at the next look.
    std::map<std::string, std::string> asked = requests_in(*request_file);
    asked.insert(channel.requests.begin(), channel.requests.end());
    while (asked.size() > most_remembered) asked.erase(asked.begin());
    channel.requests = asked;
    std::vector<std::string> allowed = allowed_in(name, *allowed_file);
    if (allowed == channel.allowed) return;
    const std::vector<std::string> before = std::exchange(channel.allowed, std::move(allowed));
    changed_(name, channel.allowed);
    for (const std::string& id : channel.allowed) channel.requests.erase(id);
    for (const std::string& id : channel.allowed)
        if (std::find(before.begin(), before.end(), id) == before.end() && asked.contains(id))
            approved_(name, asked.at(id), id);
}

void PairingDesk::ask(const std::string& channel, Stranger stranger,
                      std::function<void(const PairingAnswer&)> answer) {
    const std::vector<std::string>& known = allowed(channel);
    if (std::find(known.begin(), known.end(), stranger.id) != known.end())
        return answer({"", false, "let in already"});
    const auto made =
        std::make_shared<PairingAnswer>();  // shared by the change and what follows it
    change(
        [this, made, channel, stranger](const SharedDirectory& directory) {
            return directory.change(
                pairing_file(channel),
                [&](Json& file) -> Done {
                    *made = ask_in(file, stranger, services_.now_ms(), new_pairing_code);
                    return {};
                },
                no_patience);
        },
        [this, made, channel, stranger, answer = std::move(answer)](const Done& done) {
            if (!done) {
                log_warn("a pairing request on {} was not recorded: {}", channel,
                         done.error().what);
                *made = {"", false, done.error().what};
            }
            asked(channel, stranger, *made);
            answer(*made);
        });
}

void PairingDesk::asked(const std::string& channel, const Stranger& stranger,
                        const PairingAnswer& answer) {
    const auto followed = channels_.find(channel);
    if (followed != channels_.end() && !answer.code.empty())
        followed->second.requests[stranger.id] = text_member(stranger.meta, "accountId", "default");
    if (answer.created)
        log_info("{} asks to be let in on {}: approve with `hardshell pairing approve {} {}`",
                 stranger.id, channel, channel, answer.code);
}

Result<Json> PairingDesk::pending() const {
    Json all = Json::array();
    if (!directory_) return all;
    const PairingFiles files(*directory_);
    for (const std::string& channel : files.channels()) {
        const Result<Json> requests = files.pending(channel, services_.now_ms());
        if (!requests) return requests.error();
        if (!requests->empty()) all.push_back({{"channel", channel}, {"requests", *requests}});
    }
    return all;
}

void PairingDesk::decide(Decision decision, const std::string& channel, const std::string& code,
                         std::function<void(const Result<Json>& request)> answer) {
    const auto request = std::make_shared<Json>();  // shared by the change and what follows it
    change(
        [this, request, decision, channel, code](const SharedDirectory& directory) -> Done {
            const PairingFiles files(directory);
            const auto now = services_.now_ms();
            const Result<Json> decided = decision == Decision::approve
                                             ? files.approve(channel, code, now, no_patience)
                                             : files.reject(channel, code, now, no_patience);
            if (!decided) return decided.error();
            *request = *decided;
            return {};
        },
        [this, request, channel, answer = std::move(answer)](const Done& done) {
            if (!done) return answer(done.error());
            // In force when the answer is read.
            if (const auto followed = channels_.find(channel); followed != channels_.end())
                refresh(channel, followed->second);
            answer(*request);
        });
}

void PairingDesk::change_allowed(const std::string& channel, const std::string& entry, bool add,
                                 std::function<void(const Result<bool>&)> answer) {
    const std::string id = normal_entry(channel, entry);
    // A name is whoever wears it.
    if (id.empty() || id == "*" || id.front() == '@')
        return answer(Error{Fault::bad_message, "\"" + entry + "\" is no person's id"});
    const auto changed = std::make_shared<bool>(false);  // shared by the change and what follows it
    change(
        [changed, channel, id, add](const SharedDirectory& directory) {
            return directory.change(
                allow_file(channel),
                [&](Json& file) -> Done {
                    *changed = set_allowed(file, channel, id, add);
                    return {};
                },
                no_patience);
        },
        [this, changed, channel, answer = std::move(answer)](const Done& done) {
            if (!done) return answer(done.error());
            if (const auto followed = channels_.find(channel); followed != channels_.end())
                refresh(channel, followed->second);
            answer(*changed);
        });
}

void PairingDesk::change(std::function<Done(const SharedDirectory&)> attempt,
                         std::function<void(const Done&)> settle) {
    if (changes_.size() >= most_waiting)
        return settle(Error{Fault::busy, "too many changes wait for " + services_.directory});
    changes_.push_back({std::move(attempt), std::move(settle), services_.now_ms()});
    if (changes_.size() == 1) change_next();
}

void PairingDesk::change_next() {
    while (!changes_.empty()) {
        if (!try_to_change(changes_.front())) {
            retry_ = services_.loop.after(lock_pause, [this] { change_next(); });
            return;
        }
        changes_.pop_front();
    }
}

// False while another program has the file.
bool PairingDesk::try_to_change(const Change& change) {
    Done done = Error{Fault::no_storage, services_.directory + " is not there"};
    if (directory_ || open()) done = change.attempt(*directory_);
    const bool may_wait = services_.now_ms() - change.since_ms < lock_patience_ms;
    if (!done && done.error().fault == Fault::busy && may_wait) return false;
    change.settle(done);
    return true;
}

}  // namespace agent
