#include "workers/discord/outbox.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "workers/common/base/clock.h"
#include "workers/common/channel/measure.h"
#include "workers/common/channel/media.h"
#include "workers/common/log.h"
#include "workers/discord/emoji.h"

namespace discord {

using hardshell::proto::DeliveryReport;

namespace {

// Discord remembers nonces for some minutes. What was tried longer ago is looked for first, among
// the messages since then, as far as our clock and Discord's agree.
constexpr int64_t nonce_is_sure_ms = 60'000;
constexpr int64_t clock_tolerance_ms = 5'000;
// Tried so long in place; then the agent has it back.
constexpr int64_t patience_ms = 120'000;
constexpr int64_t longest_pause_ms = 30'000;
constexpr uint32_t put_off_ms = 30'000;
constexpr std::string_view user_prefix = "user:";
constexpr std::chrono::milliseconds upload_timeout{120'000};
constexpr int file_too_large = 40005;
constexpr int no_text_channel = 50008;
constexpr size_t looked_at = 50;
constexpr size_t longest_text = 2'000;

bool is_below(const std::string& path) {
    return !path.empty() && path.front() != '/' && path.find("..") == std::string::npos;
}

RestRequest message_request(const std::string& method, const std::string& channel,
                            const std::string& message_id = {}) {
    RestRequest request;
    request.method = method;
    request.route = message_id.empty() ? "/channels/{channel}/messages"
                                       : "/channels/{channel}/messages/{message}";
    request.path = "/channels/" + channel + "/messages";
    if (!message_id.empty()) request.path += "/" + message_id;
    request.major = channel;
    return request;
}

// The message becomes the first one of a new post. Discord knows no nonce for it: twice is two
// posts.
void make_post(RestRequest& request, const std::string& forum) {
    Json message = std::move(request.body);
    for (const char* key : {"nonce", "enforce_nonce", "message_reference"}) message.erase(key);
    const std::string text = text_member(message, "content");
    request.route = "/channels/{channel}/threads";
    request.path = "/channels/" + forum + "/threads";
    request.body = {{"name", thread_name(text.substr(0, text.find('\n')), "Post")},
                    {"message", std::move(message)}};
    request.may_repeat = false;
}

// Discord takes blanks at both ends away.
std::string_view as_kept(std::string_view text) {
    const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

Outbox::Outbox(Parts parts) : parts_(std::move(parts)) {}

size_t Outbox::waiting() const {
    size_t count = 0;
    for (const auto& [name, lane] : lanes_) count += lane.deliveries.size();
    return count;
}

void Outbox::deliver(const hardshell::proto::DeliverMessage& message) {
    auto delivery = std::make_unique<Delivery>();
    delivery->message = message;
    delivery->parts = parts_of(message, parts_.settings);
    delivery->next = message.first_part();
    if (message.first_part_is_ambiguous()) {
        // Of an earlier process, which may have ended long ago.
        delivery->may_be_there = true;
        delivery->first_try_ms = message.made_ms();
    }
    if (const auto doubt = doubtful_.extract(message.delivery_id()); !doubt.empty()) {
        delivery->may_be_there = true;
        delivery->first_try_ms = doubt.mapped();
    }
    const std::string name = message.place().chat_id();
    Lane& lane = lanes_[name];
    lane.deliveries.push_back(std::move(delivery));
    if (!lane.is_busy) advance(name);
}

void Outbox::advance(const std::string& name) {
    const auto found = lanes_.find(name);
    if (found == lanes_.end()) return;
    Lane& lane = found->second;
    lane.retry.reset();
    if (lane.deliveries.empty()) {
        lanes_.erase(found);
        return;
    }
    lane.is_busy = true;
    Delivery& delivery = *lane.deliveries.front();
    find_post(delivery);
    if (delivery.next >= delivery.parts.size()) {
        report(delivery, DeliveryReport::REFUSED, {}, "there is nothing to be sent");
        return finish(name);
    }
    // It has no nonce and cannot be looked for, and is for one person only: in the channel it would
    // be told to all.
    if (delivery.message.first_part_is_ambiguous() && is_follow_up(delivery)) {
        report(delivery, DeliveryReport::LOST, {}, "the process ended while it answered a command");
        return finish(name);
    }
    if (delivery.message.first_part_is_ambiguous() && opens_post(delivery)) {
        report(delivery, DeliveryReport::LOST, {}, "the process ended while it opened a post");
        return finish(name);
    }
    if (name.starts_with(user_prefix) && !direct_chats_.count(name))
        return open_direct_chat(name, name.substr(user_prefix.size()));
    begin(name);
}

void Outbox::begin(const std::string& name) {
    Delivery& delivery = *lanes_[name].deliveries.front();
    parts_.agent.begin_part(delivery.message.delivery_id(), delivery.next,
                            static_cast<uint32_t>(delivery.parts.size()), [this, name] {
                                Delivery& noted = *lanes_[name].deliveries.front();
                                if (noted.first_try_ms == 0) noted.first_try_ms = wall_ms();
                                noted.begun_ms = monotonic_ms();
                                attempt(name);
                            });
}

void Outbox::attempt(const std::string& name) {
    const Delivery& delivery = *lanes_[name].deliveries.front();
    const bool is_long_ago = wall_ms() - delivery.first_try_ms > nonce_is_sure_ms;
    if (delivery.may_be_there && is_long_ago)
        look_for(name);
    else
        send(name);
}

void Outbox::open_direct_chat(const std::string& name, const std::string& user_id) {
    RestRequest request;
    request.method = "POST";
    request.route = request.path = "/users/@me/channels";
    request.body = {{"recipient_id", user_id}};
    request.may_repeat = true;  // the same chat each time
    parts_.rest.send(std::move(request), [this, name](const RestAnswer& answer) {
        if (!answer.is_ok()) return sent(name, answer);
        direct_chats_[name] = id_member(answer.body, "id");
        begin(name);
    });
}

std::string Outbox::channel_of(const Delivery& delivery) const {
    if (!delivery.post_id.empty()) return delivery.post_id;
    const std::string& chat = delivery.message.place().chat_id();
    const auto direct = direct_chats_.find(chat);
    if (direct != direct_chats_.end()) return direct->second;
    return delivery.message.place().thread_id().empty() ? chat
                                                        : delivery.message.place().thread_id();
}

bool Outbox::is_to_forum(const Delivery& delivery) const {
    const auto& place = delivery.message.place();
    if (!place.thread_id().empty()) return false;
    const Channel* known = parts_.places.channel(place.chat_id());
    return delivery.is_for_forum ||
           (known && (known->type == channel_type::forum || known->type == channel_type::media));
}

bool Outbox::opens_post(const Delivery& delivery) const {
    return delivery.post_id.empty() && is_to_forum(delivery);
}

// The first part has opened the post, perhaps in an earlier process: the others go there.
void Outbox::find_post(Delivery& delivery) const {
    if (delivery.next > 0 && opens_post(delivery))
        delivery.post_id = delivery.message.first_message_id();
}

// The answer to a command, whether that can still be answered or not. Files go to its channel.
bool Outbox::is_follow_up(const Delivery& delivery) {
    return Interactions::is_command(delivery.message.reply_to_id()) &&
           !delivery.parts[delivery.next].file;
}

// Whether a reply refers to what it answers is the agent's to decide; of its parts the first does.
std::string Outbox::reply_to(const Delivery& delivery) const {
    const std::string& id = delivery.message.reply_to_id();
    // A thread has the id of the message it was opened for, which is not inside it.
    const bool is_there = snowflake_ms(id) != 0 && id != delivery.message.place().chat_id();
    return is_there && delivery.next == 0 ? id : std::string();
}

void Outbox::send(const std::string& name) {
    Delivery& delivery = *lanes_[name].deliveries.front();
    Part& part = delivery.parts[delivery.next];
    const std::string& reply = delivery.message.reply_to_id();
    if (!part.file && parts_.interactions.knows(reply)) {
        parts_.interactions.answer(reply, part.text,
                                   [this, name](const RestAnswer& answer) { sent(name, answer); });
        return;
    }
    if (part.file && !is_below(part.file->path()))
        without_file(delivery, part.file->note().empty() ? "it is not there" : part.file->note());
    RestRequest request = message_request("POST", channel_of(delivery));
    request.body = body_of(part, nonce_of(delivery.message.delivery_id(), delivery.next),
                           reply_to(delivery), delivery.message.silent());
    request.may_repeat = true;
    if (opens_post(delivery)) make_post(request, channel_of(delivery));
    if (part.file) {
        const std::string path = parts_.state_dir + "/" + part.file->path();
        struct stat about {};
        if (stat(path.c_str(), &about) != 0) {
            without_file(delivery, "it is not there any more");
            return send(name);
        }
        request.uploads.push_back({path, part.file->file_name(), part.file->mime_type()});
        request.timeout = upload_timeout;
    }
    parts_.rest.send(std::move(request),
                     [this, name](const RestAnswer& answer) { sent(name, answer); });
}

// The text goes, with a word about what does not.
void Outbox::without_file(Delivery& delivery, const std::string& why) {
    Part& part = delivery.parts[delivery.next];
    log_warn("a file for Discord stays behind: {}", why);
    const std::string note = (part.text.empty() ? "" : "\n") + std::string("(") +
                             part.file->file_name() + " could not be sent: " + why + ")";
    // What Discord would refuse for its length helps nobody.
    if (measured(part.text + note, Measure::utf16_units) <= longest_text) part.text += note;
    part.file.reset();
}

void Outbox::sent(const std::string& name, const RestAnswer& answer) {
    Delivery& delivery = *lanes_[name].deliveries.front();
    delivery.may_be_there |= answer.status == 0 && answer.may_have_arrived;
    const bool is_post = opens_post(delivery);
    if (answer.is_ok()) {
        const std::string id = id_member(answer.body, "id");
        if (is_post) delivery.post_id = id;  // its first message has the same one
        return succeed(name, id);
    }
    if (answer.code == no_text_channel && !std::exchange(delivery.is_for_forum, true)) {
        find_post(delivery);
        if (!delivery.post_id.empty()) return attempt(name);
        // Only now is it known that an earlier process may have opened a post.
        if (!delivery.message.first_part_is_ambiguous() ||
            delivery.next != delivery.message.first_part())
            return send(name);
        report(delivery, DeliveryReport::LOST, {}, "the process ended while it opened a post");
        return finish(name);
    }
    // Only 503 says that nothing was done.
    if (is_post && (delivery.may_be_there || (answer.status >= 500 && answer.status != 503))) {
        report(delivery, DeliveryReport::LOST, {}, answer.error);
        return finish(name);
    }
    Part& part = delivery.parts[delivery.next];
    if (part.file && (answer.status == 413 || answer.code == file_too_large)) {
        without_file(delivery, "it is larger than Discord takes");
        return send(name);
    }
    if (const std::string& id = delivery.message.reply_to_id();
        parts_.interactions.knows(id) && !part.file) {
        // A follow-up has no nonce: what may have arrived is not repeated.
        if (delivery.may_be_there || answer.status >= 500) {
            report(delivery, DeliveryReport::LOST, {}, answer.error);
            return finish(name);
        }
        if (answer.is_transient()) return retry(name, answer);
        // Where it was given, then, for all to see.
        log_info("a command is answered in its channel: {}", answer.error);
        parts_.interactions.forget(id);
        return send(name);
    }
    if (answer.is_transient()) return retry(name, answer);
    report(delivery, DeliveryReport::REFUSED, {}, answer.error);
    finish(name);
}

void Outbox::retry(const std::string& name, const RestAnswer& answer) {
    Lane& lane = lanes_[name];
    Delivery& delivery = *lane.deliveries.front();
    const int64_t pause = std::min(
        longest_pause_ms,
        std::max<int64_t>(answer.retry_after_ms, int64_t{1'000} << std::min(delivery.failures, 5)));
    ++delivery.failures;
    if (delivery.begun_ms && monotonic_ms() - delivery.begun_ms > patience_ms) {
        log_warn("a message for Discord is put off: {}", answer.error);
        if (delivery.may_be_there)
            doubtful_[delivery.message.delivery_id()] = delivery.first_try_ms;
        report(delivery, DeliveryReport::LATER, {}, answer.error, put_off_ms);
        return finish(name);
    }
    log_info("a message for Discord is tried again in {} ms: {}", pause, answer.error);
    lane.retry = parts_.loop.after(std::chrono::milliseconds(pause), [this, name] {
        const Delivery& again = *lanes_[name].deliveries.front();
        if (again.begun_ms) return attempt(name);
        open_direct_chat(name, name.substr(user_prefix.size()));
    });
}

// Whether what was sent a while ago has arrived after all.
void Outbox::look_for(const std::string& name) {
    const Delivery& delivery = *lanes_[name].deliveries.front();
    const std::string channel = channel_of(delivery);
    RestRequest request =
        rest_get("/channels/{channel}/messages",
                 "/channels/" + channel + "/messages?limit=" + std::to_string(looked_at) +
                     "&after=" + snowflake_at(delivery.first_try_ms - clock_tolerance_ms),
                 channel);
    parts_.rest.send(std::move(request), [this, name](const RestAnswer& answer) {
        if (!answer.is_ok()) return answer.is_transient() ? retry(name, answer) : send(name);
        const Delivery& missing = *lanes_[name].deliveries.front();
        const Part& part = missing.parts[missing.next];
        for (const Json& entry : answer.body) {
            const Message message = message_of(entry);
            const bool has_file = !part.file || (message.files.size() == 1 &&
                                                 message.files[0].name == part.file->file_name());
            if (message.author.id == parts_.bot_id && has_file && !sent_.has(message.id) &&
                as_kept(message.content) == as_kept(part.text))
                return succeed(name, message.id);
        }
        send(name);
    });
}

void Outbox::succeed(const std::string& name, const std::string& platform_id) {
    Delivery& delivery = *lanes_[name].deliveries.front();
    last_outbound_ms_ = wall_ms();
    sent_.add(platform_id);
    report(delivery, DeliveryReport::SENT, platform_id, {});
    ++delivery.next;
    delivery.first_try_ms = delivery.begun_ms = 0;
    delivery.may_be_there = false;
    delivery.failures = 0;
    if (delivery.next < delivery.parts.size()) return begin(name);
    if (on_delivered_) on_delivered_(channel_of(delivery));
    finish(name);
}

void Outbox::report(const Delivery& delivery, DeliveryReport::Outcome outcome,
                    const std::string& platform_id, const std::string& reason,
                    uint32_t retry_after_ms) {
    DeliveryReport report;
    report.set_delivery_id(delivery.message.delivery_id());
    report.set_part(delivery.next);
    report.set_parts(static_cast<uint32_t>(delivery.parts.size()));
    report.set_outcome(outcome);
    report.set_platform_id(platform_id);
    report.set_reason(reason);
    report.set_retry_after_ms(retry_after_ms);
    if (outcome == DeliveryReport::REFUSED)
        log_warn("a message for Discord is refused: {}", reason);
    parts_.agent.report(report);
}

void Outbox::finish(const std::string& name) {
    Lane& lane = lanes_[name];
    lane.deliveries.pop_front();
    lane.is_busy = false;
    lane.retry = parts_.loop.after(std::chrono::milliseconds(0), [this, name] { advance(name); });
}

void Outbox::change(const hardshell::proto::ChangeMessage& message) {
    const std::string id = message.delivery_id();
    const std::string& chat = message.place().chat_id();
    const auto direct = direct_chats_.find(chat);
    RestRequest request = message_request(message.remove() ? "DELETE" : "PATCH",
                                          direct == direct_chats_.end() ? chat : direct->second,
                                          message.message_id());
    if (!message.remove())
        request.body = {{"content", message.text()}, {"allowed_mentions", allowed_mentions()}};
    const std::string target = message.message_id();
    parts_.rest.send(std::move(request), [this, id, target](const RestAnswer& answer) {
        DeliveryReport report;
        report.set_delivery_id(id);
        report.set_parts(1);
        report.set_platform_id(target);
        report.set_outcome(answer.is_ok()          ? DeliveryReport::SENT
                           : answer.is_transient() ? DeliveryReport::LATER
                                                   : DeliveryReport::REFUSED);
        report.set_reason(answer.error);
        if (answer.is_transient())
            report.set_retry_after_ms(static_cast<uint32_t>(answer.retry_after_ms));
        parts_.agent.report(report);
    });
}

void Outbox::react(const hardshell::proto::SetReaction& reaction) {
    const std::string& message = reaction.message_id();
    // A native command is no message.
    if (!parts_.settings.reactions_allowed || snowflake_ms(message) == 0) return;
    const auto& place = reaction.place();
    // The message that a thread was opened for is where the thread hangs.
    const std::string& channel = message == place.chat_id() && !place.parent_id().empty()
                                     ? place.parent_id()
                                     : place.chat_id();
    parts_.rest.send(
        reaction_request(reaction.remove() ? "DELETE" : "PUT", channel, message, reaction.emoji()),
        [](const RestAnswer& answer) {
            if (!answer.is_ok()) log_info("no reaction: {}", answer.error);
        });
}

}  // namespace discord
