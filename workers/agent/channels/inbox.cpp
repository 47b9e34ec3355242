#include "workers/agent/channels/inbox.h"

#include <algorithm>

#include "workers/common/log.h"

namespace agent {

namespace {

constexpr std::chrono::milliseconds retry_pause{1'000};
constexpr size_t longest_key = 512;
constexpr size_t largest_message = 1u << 20;  // files travel as paths
constexpr size_t longest_id = 200;

// Ids become names of sessions.
bool is_id(const std::string& text) {
    return text.size() <= longest_id && std::none_of(text.begin(), text.end(), [](unsigned char c) {
               return c < 0x20 || c == 0x7f;
           });
}

bool is_sound(const hardshell::proto::InboundMessage& message) {
    const auto& place = message.place();
    return message.ByteSizeLong() <= largest_message && !message.key().empty() &&
           message.key().size() <= longest_key && !place.chat_id().empty() &&
           is_id(place.chat_id()) && is_id(place.thread_id()) && is_id(place.guild_id()) &&
           is_id(place.parent_id()) && is_id(message.sender().id()) && is_id(message.message_id());
}

}  // namespace

Inbox::Inbox(Services services) : services_(std::move(services)) {}

Inbox::~Inbox() {
    *alive_ = false;
}

void Inbox::offered(const std::string& worker, const hardshell::proto::InboundMessage& message) {
    if (!is_sound(message)) {
        log_warn(
            "{} offered a message without a usable key or place, or a huge one; it was dropped",
            worker);
        return accept({worker, message.key(), 0, ""});
    }
    const bool waits = std::any_of(pending_.begin(), pending_.end(), [&](const InboundRow& row) {
        return row.worker == worker && row.key == message.key();
    });
    if (waits || pending_.size() >= most_pending || !services_.has_room()) return;
    pending_.push_back({worker, message.key(), services_.now_ms(), message.SerializeAsString()});
    plan_commit();
}

void Inbox::forget(const std::string& worker) {
    std::erase_if(pending_, [&](const InboundRow& row) { return row.worker == worker; });
}

void Inbox::plan_commit() {
    if (std::exchange(planned_, true)) return;
    services_.loop.soon([this, alive = alive_] {
        if (*alive) commit();
    });
}

void Inbox::commit() {
    planned_ = false;
    if (pending_.empty()) return;
    const Result<std::vector<bool>> is_new = services_.store.put_inbound(pending_);
    if (!is_new) {
        if (trouble_ != is_new.error().what)
            log_error("messages of channels wait: {}", is_new.error().what);
        trouble_ = is_new.error().what;
        planned_ = true;
        retry_ = services_.loop.after(retry_pause, [this] { commit(); });
        return;
    }
    trouble_.clear();
    std::vector<InboundRow> rows = std::exchange(pending_, {});
    std::vector<InboundRow> fresh;
    for (size_t index = 0; index < rows.size(); ++index) {
        accept(rows[index]);
        if ((*is_new)[index]) fresh.push_back(std::move(rows[index]));
    }
    if (!fresh.empty()) services_.take(std::move(fresh));
}

void Inbox::accept(const InboundRow& row) {
    hardshell::proto::AgentToChannel message;
    message.mutable_accepted()->set_key(row.key);
    (void)services_.send(row.worker, message);
}

}  // namespace agent
