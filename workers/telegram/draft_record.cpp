#include "workers/telegram/draft_record.h"

#include <algorithm>

#include "workers/common/base/file_beneath.h"
#include "workers/common/base/json.h"
#include "workers/common/log.h"
#include "workers/telegram/account_file.h"

namespace telegram {

namespace {

constexpr int record_version = 1;
constexpr size_t largest_record = 256u << 10;
constexpr const char* record_name = "drafts";

}  // namespace

DraftRecord::DraftRecord(std::string folder, std::string account, std::string bot_id,
                         int64_t now_ms)
    : folder_(std::move(folder)), account_(std::move(account)), bot_id_(std::move(bot_id)) {
    const Result<std::string> text =
        read_file_beneath(folder_, account_file_name(record_name, account_), largest_record);
    if (!text) return;
    const Result<Json> kept = parse_json(*text);
    if (!kept || int_member(*kept, "version") != record_version ||
        text_member(*kept, "botId") != bot_id_)
        return;
    const Json& drafts = member(*kept, "drafts");
    if (!drafts.is_object()) return;
    for (const auto& [id, draft] : drafts.items()) {
        ShownDraft shown{text_member(draft, "chat"), text_member(draft, "message"),
                         int_member(draft, "atMs")};
        const bool is_whole = !shown.chat_id.empty() && !shown.message_id.empty();
        if (shown_.size() < most && is_whole && now_ms - shown.at_ms < keep_ms)
            shown_[id] = std::move(shown);
    }
}

std::optional<ShownDraft> DraftRecord::find(const std::string& draft_id) const {
    const auto found = shown_.find(draft_id);
    if (found == shown_.end()) return {};
    return found->second;
}

void DraftRecord::add(const std::string& draft_id, ShownDraft shown) {
    if (shown_.size() >= most)
        shown_.erase(std::min_element(
            shown_.begin(), shown_.end(),
            [](const auto& a, const auto& b) { return a.second.at_ms < b.second.at_ms; }));
    shown_[draft_id] = std::move(shown);
    write();
}

void DraftRecord::forget(const std::string& draft_id) {
    if (shown_.erase(draft_id) > 0) write();
}

void DraftRecord::write() {
    Json drafts = Json::object();
    for (const auto& [id, shown] : shown_)
        drafts[id] = {
            {"chat", shown.chat_id}, {"message", shown.message_id}, {"atMs", shown.at_ms}};
    const std::string text = print_json(
        {{"version", record_version}, {"botId", bot_id_}, {"drafts", std::move(drafts)}});
    const Done written =
        write_account_file(folder_, account_file_name(record_name, account_), text + "\n", false);
    if (!written && !write_failed_) log_warn("{}", written.error().what);
    write_failed_ = !written;
}

}  // namespace telegram
