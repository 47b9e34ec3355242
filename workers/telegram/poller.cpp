#include "workers/telegram/poller.h"

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace telegram {

namespace {

using Kind = ApiFailure::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t numbered_anew_ms =
    std::chrono::duration_cast<milliseconds>(OffsetFile::trusted_for).count();
constexpr int64_t close_by = 1000;  // updates
constexpr seconds last_word_timeout{1};
constexpr milliseconds least_poll{500};
constexpr const char* conflict_hint =
    "another program asks for this bot's messages (a second machine, or a second gateway with the "
    "same token): stop it, or give one of the two another bot";

}  // namespace

Poller::Poller(Loop& loop, BotApi& api, OffsetFile file, Handlers handlers)
    : loop_(loop), api_(api), file_(std::move(file)), handlers_(std::move(handlers)) {}

Poller::~Poller() {
    *alive_ = false;
    if (call_ != 0) api_.cancel(call_);
}

void Poller::start() {
    if (const auto kept = file_.read(std::chrono::system_clock::now())) {
        if (kept->is_of_unknown_bot)
            passed_over_ = kept->last_update;
        else
            ledger_ = UpdateLedger(kept->last_update);
        saved_ = kept->last_update;
    }
    last_update_ms_ = boottime_ms();
    clear_webhook();
}

// A webhook that was set earlier, by whomever, would have Telegram refuse every poll.
void Poller::clear_webhook() {
    stage_ = Stage::clearing_webhook;
    call_ = api_.call("deleteWebhook", {{"drop_pending_updates", false}},
                      [this](const ApiAnswer& answer) { webhook_cleared(answer); });
}

void Poller::webhook_cleared(const ApiAnswer& answer) {
    call_ = 0;
    // Refused, it will be refused again; whether there is one, the poll tells.
    if (!answer && answer.failure->kind != Kind::refused) return failed(*answer.failure);
    poll();
}

Json Poller::parameters(seconds time) const {
    Json params = {
        {"limit", most_open}, {"timeout", time.count()}, {"allowed_updates", allowed_updates()}};
    if (ledger_.done()) params["offset"] = *ledger_.done() + 1;
    return params;
}

void Poller::poll() {
    stage_ = Stage::polling;
    save();
    forget_if_numbered_anew();
    // At once when there is something to find out: whether the connection works, or what came
    // after what is still open.
    const bool at_once = !is_connected_ || ledger_.open() > 0;
    asked_ms_ = at_once ? 0 : monotonic_ms();
    call_ = api_.call(
        "getUpdates", parameters(at_once ? seconds(0) : poll_time),
        [this](const ApiAnswer& answer) { answered(answer); }, poll_timeout);
}

void Poller::forget_if_numbered_anew() {
    if (boottime_ms() - last_update_ms_ < numbered_anew_ms) return;
    ledger_.forget();
    passed_over_.reset();
    last_update_ms_ = boottime_ms();
}

void Poller::answered(const ApiAnswer& answer) {
    call_ = 0;
    if (stage_ == Stage::stopped) return;
    if (!answer) return failed(*answer.failure);
    conflicts_.reset();
    if (!is_connected_) {
        is_connected_ = true;
        handlers_.connected();
    }
    const bool was_long_poll = asked_ms_ != 0;
    const std::shared_ptr<bool> alive = alive_;
    const Taken taken = take(answer.result);
    if (!*alive || stage_ == Stage::stopped) return;
    // What has no id cannot be confirmed: Telegram answers with it again, at once and for ever.
    if (taken.unreadable && !taken.has_news) return again_after(errors_.next(), &Poller::poll);
    errors_.reset();
    // Whoever answers a long poll with nothing new, at once, would be asked as fast as they can.
    if (was_long_poll && !taken.has_news && monotonic_ms() - asked_ms_ < least_poll.count())
        return again_after(least_poll, &Poller::poll);
    next();
}

Poller::Taken Poller::take(const Json& updates) {
    Taken taken;
    if (!updates.is_array()) return taken;
    const std::shared_ptr<bool> alive = alive_;
    for (const Json& value : updates) {
        const Result<Update> update = read_update(value);
        if (update) {
            taken.has_news |= take_one(*update);
        } else {
            taken.unreadable = true;
            log_warn("{}; it is passed over", update.error().what);
        }
        if (!*alive || stage_ == Stage::stopped) break;
    }
    return taken;
}

// False: it was there before.
bool Poller::take_one(const Update& update) {
    if (!ledger_.take(update.id)) return false;
    last_update_ms_ = boottime_ms();
    peeks_.reset();
    const bool done_by_openclaw =
        passed_over_ && update.id <= *passed_over_ && update.id > *passed_over_ - close_by;
    if (done_by_openclaw || update.kind == Update::Kind::other)
        settle(update.id);
    else
        handlers_.update(update);
    return true;
}

// What is not settled is not confirmed, so Telegram would answer with it again, at once and for
// ever. So it is asked only now and then for what came after that, and not at all once as much is
// open as one answer holds.
void Poller::next() {
    if (ledger_.open() == 0) return poll();
    stage_ = Stage::waiting;
    timer_.reset();
    if (ledger_.open() >= most_open) return;
    timer_ = loop_.after(peeks_.next(), [this] {
        if (stage_ == Stage::waiting) poll();
    });
}

void Poller::settle(int64_t update_id) {
    ledger_.settle(update_id);
    if (settling_) return;
    settling_ = true;
    loop_.soon([this, alive = alive_] {
        if (*alive) settled();
    });
}

void Poller::settled() {
    settling_ = false;
    if (stage_ != Stage::waiting) return;
    if (ledger_.open() == 0) {
        timer_.reset();
        next();
    } else if (!timer_) {
        timer_ = loop_.after(peeks_.next(), [this] {
            if (stage_ == Stage::waiting) poll();
        });
    }
}

void Poller::save() {
    if (ledger_.done() == saved_ || !ledger_.done()) return;
    if (const Done written = file_.write(*ledger_.done()); !written) {
        // Telegram remembers as well; only a stock tool would miss the file.
        if (!save_failed_) log_warn("{}", written.error().what);
        save_failed_ = true;
        return;
    }
    save_failed_ = false;
    saved_ = ledger_.done();
}

void Poller::again_after(milliseconds wait, void (Poller::*what)()) {
    timer_ = loop_.after(wait, [this, what] {
        if (stage_ != Stage::stopped) (this->*what)();
    });
}

void Poller::failed(const ApiFailure& failure) {
    if (failure.kind == Kind::unauthorized)
        return handlers_.fatal({Fault::bad_credentials, failure.description});
    if (failure.kind == Kind::conflict) return conflict(failure);
    const bool was_clearing = stage_ == Stage::clearing_webhook;
    is_connected_ = false;
    milliseconds wait = errors_.next();
    if (failure.kind == Kind::too_many && failure.retry_after > wait) wait = failure.retry_after;
    log_warn("Telegram network error: {}; retrying in {:.1f}s.", failure.description,
             static_cast<double>(wait.count()) / 1000);
    handlers_.disconnected(failure.description);
    again_after(wait, was_clearing ? &Poller::clear_webhook : &Poller::poll);
}

// Each request ends the other's: who repeats them quickly only keeps both from working.
void Poller::conflict(const ApiFailure& failure) {
    is_connected_ = false;
    api_.close_poll_connection();
    const milliseconds wait = conflicts_.next();
    log_warn("Telegram getUpdates conflict: {}; retrying in {:.0f}s. Hint: {}.",
             failure.description, static_cast<double>(wait.count()) / 1000, conflict_hint);
    handlers_.disconnected(std::string("409 conflict: ") + conflict_hint);
    const bool by_webhook = failure.description.find("webhook") != std::string::npos;
    again_after(wait, by_webhook ? &Poller::clear_webhook : &Poller::poll);
}

void Poller::machine_slept() {
    if (stage_ != Stage::clearing_webhook && stage_ != Stage::polling) return;
    if (call_ != 0) api_.cancel(call_);
    call_ = 0;
    timer_.reset();
    errors_.reset();
    is_connected_ = false;  // so that the next one is answered at once
    if (stage_ == Stage::clearing_webhook) return clear_webhook();
    poll();
}

void Poller::stop(std::function<void()> done) {
    stage_ = Stage::stopped;
    timer_.reset();
    if (call_ != 0) api_.cancel(call_);
    call_ = 0;
    save();
    if (!is_connected_ || !ledger_.done()) return loop_.soon(std::move(done));
    // Confirms without waiting for more; what it answers stays unconfirmed.
    Json params = parameters(seconds(0));
    params["limit"] = 1;
    call_ = api_.call(
        "getUpdates", params,
        [this, done = std::move(done)](const ApiAnswer&) {
            call_ = 0;
            done();
        },
        last_word_timeout);
}

}  // namespace telegram
