#include "workers/telegram/drafts.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/telegram/formatting.h"
#include "workers/telegram/parts.h"
#include "workers/telegram/text_units.h"

namespace telegram {

using hardshell::proto::Place;
using hardshell::proto::ShowDraft;

Drafts::Drafts(Loop& loop, BotApi& api, Pace& pace, const Settings& settings, const Bot& bot,
               DraftRecord record)
    : loop_(loop),
      api_(api),
      pace_(pace),
      settings_(settings),
      bot_(bot),
      record_(std::move(record)) {}

// In groups every edit counts against twenty messages a minute.
bool Drafts::is_shown_in(const Place& place) const {
    return settings_.stream != StreamMode::off && place.kind() == Place::DIRECT;
}

void Drafts::show(const ShowDraft& wanted) {
    const std::string& id = wanted.draft_id();
    if (id.empty()) return;
    auto found = drafts_.find(id);
    if (wanted.is_over()) {
        if (found != drafts_.end() && found->second.finishing) return;  // an answer takes it
        return finish(id, [this, id = id](const std::string&) { remove(id, 0); });
    }
    if (!is_shown_in(wanted.place())) return;
    if (found == drafts_.end()) {
        if (drafts_.size() >= most) return;
        found = drafts_.try_emplace(id).first;
        Draft& draft = found->second;
        draft.is_native = bot_.has_topics && !thread_of(wanted.place()).is_null();
        if (const auto shown = record_.find(id)) {
            draft.message_id = shown->message_id;
            draft.is_native = false;
        }
        draft.native_id = ++last_native_id_;
        draft.forgotten = loop_.after(forgotten_after, [this, id = id] { end(id); });
    }
    found->second.wanted = wanted;
    update(id);
}

void Drafts::update(const std::string& id) {
    const auto found = drafts_.find(id);
    if (found == drafts_.end()) return;
    Draft& draft = found->second;
    if (draft.is_over || draft.is_asking || draft.timer || draft.finishing) return;
    const std::string& text = draft.wanted.text();
    if (text == draft.shown || without_blanks_around(text).empty()) return;
    const size_t units = units_of(text);
    if (units > settings_.text_chunk_limit) {
        draft.is_over = true;  // what is there stays until the answer is whole
        return;
    }
    if (draft.message_id.empty() && !draft.is_native && units < fewest_units) return;
    const auto wait = pace_.wait_for_call(monotonic_ms(), draft.wanted.place().chat_id());
    if (wait.count() > 0) return update_after(id, draft, wait);
    send(id, draft);
}

void Drafts::update_after(const std::string& id, Draft& draft, std::chrono::milliseconds wait) {
    draft.timer = loop_.after(wait, [this, id] {
        const auto found = drafts_.find(id);
        if (found == drafts_.end()) return;
        found->second.timer.reset();
        update(found->first);
    });
}

void Drafts::send(const std::string& id, Draft& draft) {
    const Place& place = draft.wanted.place();
    draft.is_asking = true;
    pace_.called(monotonic_ms());
    draft.shown = draft.wanted.text();
    Json params = {{"chat_id", chat_of(place.chat_id())}};
    const char* method = "sendMessage";
    if (draft.is_native) {
        method = "sendMessageDraft";
        params["draft_id"] = draft.native_id;
    } else if (!draft.message_id.empty()) {
        method = "editMessageText";
        params["message_id"] = std::strtoll(draft.message_id.c_str(), nullptr, 10);
    }
    // Half a Markdown text is often none: shown as it is until it is whole.
    params["text"] = draft.shown;
    if (Json thread = thread_of(place); !thread.is_null() && draft.message_id.empty())
        params["message_thread_id"] = std::move(thread);
    params["link_preview_options"] = {{"is_disabled", true}};
    api_.call(method, params, [this, id](const ApiAnswer& answer) { answered(id, answer); });
}

void Drafts::answered(const std::string& id, const ApiAnswer& answer) {
    const auto found = drafts_.find(id);
    if (found == drafts_.end()) return;
    Draft& draft = found->second;
    draft.is_asking = false;
    if (!answer) {
        log_debug("a draft ends early: {}", answer.failure->description);
        draft.is_over = true;
        if (answer.failure->kind == ApiFailure::Kind::too_many)
            pace_.refused(draft.wanted.place().chat_id(), answer.failure->retry_after,
                          monotonic_ms());
    } else if (!draft.is_native && draft.message_id.empty()) {
        draft.message_id = id_member(answer.result, "message_id");
        draft.is_over = draft.message_id.empty();  // it cannot be edited
        if (!draft.is_over)
            record_.add(found->first,
                        {draft.wanted.place().chat_id(), draft.message_id, wall_ms()});
    }
    if (draft.finishing) {
        const auto with = std::move(draft.finishing);
        const std::string message_id = draft.message_id;
        drafts_.erase(found);
        return with(message_id);
    }
    update_after(id, draft, draft.is_native ? native_pause : edit_pause);
}

void Drafts::finish(const std::string& draft_id, std::function<void(const std::string&)> with) {
    const auto found = drafts_.find(draft_id);
    if (found == drafts_.end()) {
        const auto shown = record_.find(draft_id);  // of an earlier process, or long ago
        return with(shown ? shown->message_id : std::string());
    }
    if (found->second.is_asking) {
        // Whoever asked before does without.
        if (const auto earlier = std::exchange(found->second.finishing, std::move(with)))
            earlier(std::string());
        return;
    }
    const std::string message_id = found->second.message_id;
    drafts_.erase(found);
    with(message_id);
}

void Drafts::keep(const std::string& draft_id, const Place& place, const std::string& message_id) {
    Draft& draft = drafts_[draft_id];
    *draft.wanted.mutable_place() = place;
    draft.message_id = message_id;
    draft.is_over = true;
    draft.forgotten = loop_.after(forgotten_after, [this, id = draft_id] { end(id); });
}

void Drafts::end(const std::string& id) {
    const auto found = drafts_.find(id);
    if (found == drafts_.end()) return;
    if (!found->second.is_asking) {
        drafts_.erase(found);
        return;
    }
    found->second.forgotten = loop_.after(BotApi::usual_timeout, [this, id] { end(id); });
}

// Nothing comes in its place.
void Drafts::remove(const std::string& id, int tries) {
    removals_.erase(id);
    const auto shown = record_.find(id);
    if (!shown) return;
    api_.call("deleteMessage",
              {{"chat_id", chat_of(shown->chat_id)},
               {"message_id", std::strtoll(shown->message_id.c_str(), nullptr, 10)}},
              [this, id, tries](const ApiAnswer& answer) {
                  using Kind = ApiFailure::Kind;
                  if (answer || answer.failure->kind == Kind::refused ||
                      tries + 1 >= settings_.most_tries)
                      return record_.forget(id);
                  removals_[id] =
                      loop_.after(std::max(remove_again, answer.failure->retry_after),
                                  [this, id, tries] { remove(std::string(id), tries + 1); });
              });
}

}  // namespace telegram
