#include "workers/telegram/account_status.h"

#include "workers/common/base/clock.h"

namespace telegram {

AccountStatus::AccountStatus(Loop& loop, channel::AgentLink& agent, const std::string& mode)
    : loop_(loop), agent_(agent) {
    status_.set_running(true);
    status_.set_mode(mode);
    status_.set_last_start_ms(wall_ms());
    tell();
}

void AccountStatus::started_as(const Bot& bot) {
    status_.mutable_bot()->set_id(bot.id);
    status_.mutable_bot()->set_username(bot.username);
    status_.mutable_bot()->set_name(bot.name);
    status_.mutable_bot()->set_is_bot(true);
    tell();
}

void AccountStatus::connected() {
    if (status_.connected()) return;
    if (status_.last_connected_ms() > 0) status_.set_reconnects(status_.reconnects() + 1);
    status_.set_connected(true);
    status_.set_last_connected_ms(wall_ms());
    status_.clear_last_error();
    tell();
}

void AccountStatus::disconnected(const std::string& why) {
    if (status_.connected()) status_.set_last_disconnect_ms(wall_ms());
    const bool is_news = status_.connected() || status_.last_error() != why;
    status_.set_connected(false);
    status_.set_last_error(why);
    if (is_news) tell();
}

void AccountStatus::took_one() {
    status_.set_last_inbound_ms(wall_ms());
    tell_soon();
}

void AccountStatus::sent_one() {
    status_.set_last_outbound_ms(wall_ms());
    tell_soon();
}

void AccountStatus::tell() {
    soon_.reset();
    agent_.set_status(status_);
}

void AccountStatus::tell_soon() {
    if (!soon_) soon_ = loop_.after(std::chrono::seconds(1), [this] { tell(); });
}

}  // namespace telegram
