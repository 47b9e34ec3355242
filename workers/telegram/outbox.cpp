#include "workers/telegram/outbox.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/telegram/formatting.h"
#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

using hardshell::proto::ChangeMessage;
using hardshell::proto::DeliverMessage;
using hardshell::proto::DeliveryReport;
using hardshell::proto::Place;
using hardshell::proto::SetReaction;
using Kind = ApiFailure::Kind;
using std::chrono::milliseconds;

constexpr milliseconds edit_again{1'000};
constexpr milliseconds try_later{5'000};
constexpr milliseconds longest_wait{5 * 60'000};
// More of them than that, and the oldest are of no interest any more.
constexpr size_t most_reactions = 500;

bool contains(const std::string& text, const char* part) {
    return lower_ascii(text).find(part) != std::string::npos;
}

bool is_group(const Place& place) {
    return place.kind() != Place::DIRECT;
}

int64_t number(const std::string& text) {
    return std::strtoll(text.c_str(), nullptr, 10);
}

}  // namespace

bool is_parse_failure(const ApiFailure& failure) {
    return failure.code == 400 && (contains(failure.description, "parse entities") ||
                                   contains(failure.description, "find end of the entity"));
}

bool is_empty_text(const ApiFailure& failure) {
    return failure.code == 400 && contains(failure.description, "text is empty");
}

// "PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED", "wrong file …", and 413 for its size.
bool is_file_failure(const ApiFailure& failure) {
    if (failure.code == 413) return true;
    if (failure.code != 400) return false;
    constexpr const char* words[] = {"photo", "image_process", "video", "audio", "file", "media"};
    return std::any_of(std::begin(words), std::end(words),
                       [&](const char* word) { return contains(failure.description, word); });
}

std::string refusal_text(const ApiFailure& failure) {
    if (contains(failure.description, "chat not found"))
        return failure.description +
               ": the person has not started the bot, the bot is no longer in the group, the group "
               "has another id now, or the token is another bot's";
    return failure.description;
}

Outbox::Outbox(Parts parts) : parts_(std::move(parts)) {}

void Outbox::deliver(const DeliverMessage& message) {
    const JobOf job = std::make_shared<Job>();
    job->message = message;
    job->parts = parts_of(message, parts_.settings);
    job->at = message.first_part();
    job->chat_id = message.place().chat_id();
    if (job->at >= job->parts.size()) {
        job->at = static_cast<uint32_t>(job->parts.size()) - 1;
        return report(*job, DeliveryReport::REFUSED, "there is no such part");
    }
    if (job->at > 0) parts_.drafts.over(message.draft_id());
    const std::string chat = message.place().chat_id();
    chats_[chat].jobs.push_back(job);
    step(chat);
}

void Outbox::step(const std::string& chat) {
    const auto found = chats_.find(chat);
    if (found == chats_.end()) return;
    Chat& known = found->second;
    if (known.is_busy) return;
    if (known.jobs.empty()) {
        chats_.erase(found);
        return check_stopped();
    }
    if (stopped_) return check_stopped();
    const JobOf job = known.jobs.front();
    const milliseconds wait =
        parts_.pace.wait(job->chat_id, is_group(job->message.place()), monotonic_ms());
    if (wait.count() > 0) {
        known.timer = parts_.loop.after(wait, [this, chat] { step(chat); });
        return;
    }
    known.is_busy = true;
    const bool may_have_draft = job->at == 0 && !job->message.draft_id().empty();
    if (!may_have_draft || job->asked_for_draft) return begin(chat, job);
    job->asked_for_draft = true;
    parts_.drafts.finish(job->message.draft_id(), [this, chat, job](const std::string& message_id) {
        job->draft_message = message_id;
        begin(chat, job);
    });
}

void Outbox::begin(const std::string& chat, const JobOf& job) {
    parts_.agent.begin_part(job->message.delivery_id(), job->at,
                            static_cast<uint32_t>(job->parts.size()),
                            [this, chat, job] { send(chat, job); });
}

void Outbox::send(const std::string& chat, const JobOf& job) {
    const Part& part = job->parts[job->at];
    parts_.pace.sent(job->chat_id, monotonic_ms());
    parts_.typing.stop_in(job->message.place().chat_id(), job->message.place().thread_id());
    Json frame = frame_of(job->message, job->at, job->chat_id, parts_.settings);
    if (part.attachment >= 0) {
        if (!job->draft_message.empty())
            parts_.api.call(
                "deleteMessage",
                {{"chat_id", chat_of(job->chat_id)}, {"message_id", number(job->draft_message)}},
                [](const ApiAnswer&) {});
        without_draft(*job);
        return send_file(chat, job, std::move(frame));
    }
    if (!job->draft_message.empty()) return send_edit(chat, job);
    send_text(chat, job, std::move(frame));
}

void Outbox::send_text(const std::string& chat, const JobOf& job, Json frame) {
    const std::string& markdown = job->parts[job->at].markdown;
    Sendable text = job->as_plain ? Sendable{markdown, false} : sendable(markdown, longest_text);
    frame["text"] = std::move(text.text);
    if (text.is_html) frame["parse_mode"] = "HTML";
    if (!parts_.settings.link_preview) frame["link_preview_options"] = {{"is_disabled", true}};
    parts_.api.call("sendMessage", frame, answer_for(chat, job));
}

void Outbox::send_edit(const std::string& chat, const JobOf& job) {
    const std::string& markdown = job->parts[job->at].markdown;
    Sendable text = job->as_plain ? Sendable{markdown, false} : sendable(markdown, longest_text);
    Json params = {{"chat_id", chat_of(job->chat_id)},
                   {"message_id", number(job->draft_message)},
                   {"text", std::move(text.text)}};
    if (text.is_html) params["parse_mode"] = "HTML";
    if (!parts_.settings.link_preview) params["link_preview_options"] = {{"is_disabled", true}};
    parts_.api.call("editMessageText", params, answer_for(chat, job));
}

void Outbox::send_file(const std::string& chat, const JobOf& job, Json frame) {
    const Part& part = job->parts[job->at];
    if (job->without_file) return send_without_file(chat, job, std::move(frame));
    const auto& attachment = job->message.attachments(part.attachment);
    const bool as_voice = wants_voice(job->message) && !job->as_file;
    const FileMethod how =
        method_for(job->as_document ? std::string() : attachment.mime_type(), as_voice);
    Sendable caption =
        job->as_plain ? Sendable{part.markdown, false} : sendable(part.markdown, longest_caption);
    if (!part.markdown.empty()) {
        frame["caption"] = std::move(caption.text);
        if (caption.is_html) frame["parse_mode"] = "HTML";
    }
    std::string name = attachment.file_name();
    if (name.empty()) name = attachment.path().substr(attachment.path().rfind('/') + 1);
    const ApiFile file{how.field, parts_.state_dir + "/" + attachment.path(), name,
                       attachment.mime_type()};
    if (const auto begun = parts_.api.upload(how.method, frame, file, answer_for(chat, job)); begun)
        return;
    log_warn("a file of a reply cannot be read: {}", attachment.path());
    send_without_file(chat, job, std::move(frame));
}

// The rest of the answer is worth having without it.
void Outbox::send_without_file(const std::string& chat, const JobOf& job, Json frame) {
    const Part& part = job->parts[job->at];
    const auto& attachment = job->message.attachments(part.attachment);
    std::string name = attachment.file_name();
    if (name.empty()) name = attachment.path().substr(attachment.path().rfind('/') + 1);
    frame.erase("caption");
    frame.erase("parse_mode");
    frame["text"] = "⚠️ " + name + " could not be attached." +
                    (part.markdown.empty() ? "" : "\n\n" + part.markdown);
    parts_.api.call("sendMessage", frame, answer_for(chat, job));
}

BotApi::Handler Outbox::answer_for(const std::string& chat, const JobOf& job) {
    return [this, chat, job](const ApiAnswer& answer) { answered(chat, job, answer); };
}

void Outbox::answered(const std::string& chat, const JobOf& job, const ApiAnswer& answer) {
    if (answer) {
        const std::string id = id_member(answer.result, "message_id");
        return part_sent(chat, job, id.empty() ? job->draft_message : id);
    }
    const ApiFailure& failure = *answer.failure;
    const bool was_edit = !job->draft_message.empty();
    if (was_edit && contains(failure.description, "not modified"))
        return part_sent(chat, job, job->draft_message);
    if (is_empty_text(failure)) return part_sent(chat, job, "");
    if (!recovers(chat, job, failure)) part_failed(chat, job, failure);
}

// Telegram has not taken the part as it was, and says why: once more, otherwise.
bool Outbox::recovers(const std::string& chat, const JobOf& job, const ApiFailure& failure) {
    const bool was_edit = !job->draft_message.empty();
    if (is_parse_failure(failure) && !job->as_plain) {
        log_warn("Telegram did not take the HTML of a message, sending it as plain text: {}",
                 failure.description);
        job->as_plain = true;
    } else if (!failure.migrated_to.empty() && failure.migrated_to != job->chat_id) {
        parts_.moved(job->chat_id, failure.migrated_to);
        job->chat_id = failure.migrated_to;
    } else if (contains(failure.description, "voice_messages_forbidden") && !job->as_file) {
        job->as_file = true;
    } else if (job->parts[job->at].attachment >= 0 && !job->without_file &&
               (is_file_failure(failure) || (job->as_document && failure.code == 400))) {
        log_warn("Telegram did not take a file of a reply: {}", failure.description);
        job->without_file = job->as_document || failure.code == 413;
        job->as_document = true;
    } else if (was_edit && failure.kind == Kind::refused) {
        without_draft(*job);  // it is gone: the answer comes as a message of its own
    } else if (was_edit && failure.kind == Kind::ambiguous &&
               ++job->tries < parts_.settings.most_tries) {
        chats_[chat].timer =
            parts_.loop.after(edit_again, [this, chat, job] { send_edit(chat, job); });
        return true;
    } else {
        return false;
    }
    send(chat, job);
    return true;
}

void Outbox::part_sent(const std::string& chat, const JobOf& job, const std::string& message_id) {
    if (!message_id.empty()) parts_.sent.add(job->chat_id, message_id, monotonic_ms());
    DeliveryReport made;
    made.set_delivery_id(job->message.delivery_id());
    made.set_part(job->at);
    made.set_parts(static_cast<uint32_t>(job->parts.size()));
    made.set_outcome(DeliveryReport::SENT);
    made.set_platform_id(message_id);
    parts_.agent.report(made);
    // After it: while nobody knows that the part was sent, the next process can only make the same
    // message of the draft again, and for that has to know it.
    without_draft(*job);
    parts_.sent_one();
    job->as_plain = job->as_file = job->as_document = job->without_file = false;
    if (++job->at == job->parts.size()) return leave(chat);
    chats_[chat].is_busy = false;
    step(chat);
}

// Known to the next process: what it finds there it would edit again.
void Outbox::without_draft(Job& job) {
    job.draft_message.clear();
    if (job.at == 0) parts_.drafts.over(job.message.draft_id());
}

void Outbox::part_failed(const std::string& chat, const JobOf& job, const ApiFailure& failure) {
    switch (failure.kind) {
        case Kind::refused:
        case Kind::conflict:
            log_warn("Telegram refused a message to {}: {}", job->chat_id, failure.description);
            without_draft(*job);
            report(*job, DeliveryReport::REFUSED, refusal_text(failure));
            return leave(chat);
        case Kind::ambiguous:
            log_warn("a message to {} may or may not have arrived: {}", job->chat_id,
                     failure.description);
            without_draft(*job);
            report(*job, DeliveryReport::LOST, failure.description);
            return leave(chat);
        case Kind::too_many:
            parts_.pace.refused(job->chat_id, failure.retry_after, monotonic_ms());
            return put_off(chat, std::max(failure.retry_after, milliseconds(1'000)),
                           failure.description);
        case Kind::unavailable:
            return put_off(chat, try_later, failure.description);
        case Kind::unauthorized:
            put_off(chat, longest_wait, failure.description);
            return parts_.fatal({Fault::bad_credentials, failure.description});
    }
}

// Everything for the chat, so that nothing overtakes what was to come before it.
void Outbox::put_off(const std::string& chat, milliseconds wait, const std::string& reason) {
    const auto found = chats_.find(chat);
    if (found == chats_.end()) return;
    const std::deque<JobOf> jobs = std::move(found->second.jobs);
    chats_.erase(found);
    log_warn("messages to {} wait {:.1f}s: {}", chat, static_cast<double>(wait.count()) / 1000,
             reason);
    for (const JobOf& job : jobs) {
        if (!job->draft_message.empty())
            parts_.drafts.keep(job->message.draft_id(), job->message.place(), job->draft_message);
        report(*job, DeliveryReport::LATER, reason, std::min(wait, longest_wait));
    }
    check_stopped();
}

void Outbox::leave(const std::string& chat) {
    const auto found = chats_.find(chat);
    if (found == chats_.end()) return;
    found->second.jobs.pop_front();
    found->second.is_busy = false;
    step(chat);
}

void Outbox::report(const Job& job, DeliveryReport::Outcome outcome, const std::string& reason,
                    milliseconds wait) {
    DeliveryReport made;
    made.set_delivery_id(job.message.delivery_id());
    made.set_part(job.at);
    made.set_parts(static_cast<uint32_t>(job.parts.size()));
    made.set_outcome(outcome);
    made.set_reason(reason);
    made.set_retry_after_ms(static_cast<uint32_t>(wait.count()));
    parts_.agent.report(made);
}

void Outbox::change(const ChangeMessage& message) {
    DeliveryReport refused;
    refused.set_delivery_id(message.delivery_id());
    refused.set_parts(1);
    refused.set_outcome(DeliveryReport::REFUSED);
    if (message.remove() && !parts_.settings.deletes_allowed) {
        refused.set_reason("channels.telegram.actions.deleteMessage is off");
        return parts_.agent.report(refused);
    }
    ask_change(message, 0);
}

void Outbox::ask_change(const ChangeMessage& message, int tries) {
    Json params = {{"chat_id", chat_of(message.place().chat_id())},
                   {"message_id", number(message.message_id())}};
    if (!message.remove()) {
        Sendable text = sendable(message.text(), longest_text);
        params["text"] = std::move(text.text);
        if (text.is_html) params["parse_mode"] = "HTML";
    }
    parts_.api.call(message.remove() ? "deleteMessage" : "editMessageText", params,
                    [this, message, tries](const ApiAnswer& answer) {
                        change_answered(message, answer, tries);
                    });
}

// Both actions can be repeated without harm, so nothing is ever lost here.
void Outbox::change_answered(const ChangeMessage& message, const ApiAnswer& answer, int tries) {
    DeliveryReport made;
    made.set_delivery_id(message.delivery_id());
    made.set_parts(1);
    made.set_platform_id(message.message_id());
    made.set_outcome(DeliveryReport::SENT);
    const bool is_done = answer || contains(answer.failure->description, "not modified") ||
                         contains(answer.failure->description, "message to delete not found");
    if (!is_done) {
        const ApiFailure& failure = *answer.failure;
        if (failure.kind == Kind::ambiguous && tries + 1 < parts_.settings.most_tries)
            return ask_change(message, tries + 1);
        const bool is_final = failure.kind == Kind::refused || failure.kind == Kind::conflict;
        made.set_outcome(is_final ? DeliveryReport::REFUSED : DeliveryReport::LATER);
        made.set_reason(refusal_text(failure));
        const milliseconds wait = std::max(failure.retry_after, try_later);
        made.set_retry_after_ms(is_final ? 0 : static_cast<uint32_t>(wait.count()));
    }
    parts_.agent.report(made);
}

void Outbox::react(const SetReaction& reaction) {
    if (!parts_.settings.reactions_allowed) return;
    if (reactions_.size() >= most_reactions) reactions_.pop_front();
    reactions_.push_back(reaction);
    if (!next_reaction_) react_next();
}

// A flood of messages brings a flood of them, and they count as messages do.
void Outbox::react_next() {
    next_reaction_.reset();
    while (!reactions_.empty()) {
        const milliseconds wait = parts_.pace.wait_for_call(monotonic_ms());
        if (wait.count() > 0) {
            next_reaction_ = parts_.loop.after(wait, [this] { react_next(); });
            return;
        }
        parts_.pace.called(monotonic_ms());
        const SetReaction reaction = std::move(reactions_.front());
        reactions_.pop_front();
        Json list = Json::array();
        if (!reaction.remove()) list.push_back({{"type", "emoji"}, {"emoji", reaction.emoji()}});
        parts_.api.call("setMessageReaction",
                        {{"chat_id", chat_of(reaction.place().chat_id())},
                         {"message_id", number(reaction.message_id())},
                         {"reaction", std::move(list)}},
                        [](const ApiAnswer& answer) {
                            if (!answer) log_debug("no reaction: {}", answer.failure->description);
                        });
    }
}

void Outbox::stop(std::function<void()> done) {
    stopped_ = std::move(done);
    next_reaction_.reset();
    reactions_.clear();
    std::erase_if(chats_, [](const auto& entry) { return !entry.second.is_busy; });
    check_stopped();
}

void Outbox::check_stopped() {
    if (!stopped_) return;
    for (const auto& [chat, known] : chats_)
        if (known.is_busy) return;
    chats_.clear();
    parts_.loop.soon(std::exchange(stopped_, [] {}));
}

}  // namespace telegram
